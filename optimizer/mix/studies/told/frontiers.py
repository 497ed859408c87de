"""The report of a frontier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.answers.say import counted, figure, money
from optimizer.domain.reports import Chart, ChartSeries, Column, Fact, Report, Section, Table
from optimizer.mix.studies.figures import chips_of, fleet_words, served_share, unit_price
from optimizer.units import usd

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Value
    from optimizer.mix.studies.frontier import Axes, Frontier, Point

__all__ = ["frontier_report"]

MEANS: dict[Axes, str] = {
    "cost-power": "least cost, unserved work at its value, for ever less power",
    "cost-work": "least money for ever more useful work",
    "cost-work-power": "least money for so much useful work under so much power",
}


def frontier_report(instance: Instance, found: Frontier) -> Report:
    """Return the report of a frontier."""
    title = f"{instance.name}: {MEANS[found.axes]}"
    points = found.points
    if not points:
        says = ("No mix keeps the limits; `fleetwatt study NAME conflict` says which rules clash.",)
        return Report(title, (Section("Frontier", says, kind="summary"),))
    first, last = min(points, key=lambda p: p.peak_w), max(points, key=lambda p: p.peak_w)
    sentences = (
        f"{len(points)} mixes, none of which is better than another in everything.",
        f"From {figure(first.peak_w / 1e6)} MW and {money(first.cost)} to "
        f"{figure(last.peak_w / 1e6)} MW and {money(last.cost)}.",
        *_missing(found),
    )
    facts = (
        Fact("points", len(points)),
        Fact("largest gap of a point", found.gap, "share", note="certified, each by itself"),
        Fact("left out", found.dominated, note="found, but another is as good and better"),
    )
    charts = (_chart(found), _fleets(instance, points))
    answer = Section("Frontier", sentences, facts, (_table(points),), charts, kind="summary")
    return Report(title, (answer, _how(found)))


def _missing(found: Frontier) -> tuple[str, ...]:
    if not found.without:
        return ()
    none, count = sum(s.is_infeasible for s in found.without), len(found.without)
    proven = "proven" if none == count else f"{none} of them proven" if none else "not proven"
    tried = counted(count, "limit that was tried leaves", "limits that were tried leave")
    return (f"{tried} no mix ({proven}), such as: {found.without[-1].case.label}.",)


def _table(points: tuple[Point, ...]) -> Table:
    columns = (
        Column("load", "MW", "right"), Column("cost", "USD", "right"),
        Column("no less than", "USD", "right"), Column("gap", "share", "right"),
        Column("useful work", "", "right"), Column("served", "share", "right"),
        Column("a unit of work", "USD", "right"), Column("chips"),
    )  # fmt: skip
    rows: list[tuple[Value, ...]] = []
    for point in points:
        plan, world = point.plan, point.solved.instance
        bound = None if plan.bound is None else usd(plan.bound)
        rows.append(
            (point.peak_w / 1e6, usd(point.cost), bound, plan.gap, point.work / 1e9,
             served_share(world, plan), unit_price(plan), fleet_words(world, plan))
        )  # fmt: skip
    return Table("points, by power", columns, tuple(rows), 30)


def _chart(found: Frontier) -> Chart:
    points = found.points
    if found.axes == "cost-work":
        x, unit = tuple(p.work / 1e9 for p in points), ""
    else:
        x, unit = tuple(p.peak_w / 1e6 for p in points), "MW"
    costs = tuple(usd(p.cost) for p in points)
    if found.axes != "cost-work-power":
        series: tuple[ChartSeries, ...] = (ChartSeries("cost", costs),)
        over = "Cost over work" if found.axes == "cost-work" else "Cost over power"
        return Chart("points", over, x, unit, "USD", series)
    levels: dict[str, list[float | None]] = {}
    for i, point in enumerate(points):
        name = f"{large(_level(point))} of work"
        levels.setdefault(name, [None] * len(points))[i] = costs[i]
    names = list(levels)  # points come by power, and more work takes more of it
    series = tuple(ChartSeries(name, tuple(levels[name])) for name in names)
    return Chart("points", "Cost over power, by useful work", x, unit, "USD", series)


def large(x: float) -> str:
    """Return a number of any size in a few letters: `6.35 bn`."""
    for size, word in ((1e9, " bn"), (1e6, " m")):
        if x >= size:
            return f"{x / size:.4g}{word}"
    return f"{x:,.4g}"


def _level(point: Point) -> float:
    """Return the useful work that was asked for."""
    for change in point.solved.case.changes:
        if change.pointer == "/mix/work_at_least":
            return float(change.value)
    return point.work / 1e9


def _fleets(instance: Instance, points: tuple[Point, ...]) -> Chart:
    """What the mix is made of along the frontier."""
    each = [chips_of(p.solved.instance, p.plan) for p in points]
    chips = [c for c in dict.fromkeys(c for e in each for c in e) if any(e[c] for e in each)]
    names = tuple(f"{p.peak_w / 1e6:.4g} MW, {large(p.work / 1e9)} work" for p in points)
    series = tuple(ChartSeries(c, tuple(float(e[c]) for e in each)) for c in chips)
    return Chart("stack", "Chips of each mix", names, "", "chips", series)


def _how(found: Frontier) -> Section:
    says = (
        "Every point is a plan that the checker has passed, of this instance with a limit or two "
        "changed; its file and the file of the changes stand beside this report.",
        "The column 'no less than' is the certified bound: no mix within the limits of the point "
        "costs less.",
        "Load is the most that all sites draw at once, at their meters.",
    )
    return Section("How sure", says, kind="proof")
