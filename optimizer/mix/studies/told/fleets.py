"""The reports that set fleets side by side: alternatives, named mixes; limits; conflicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.answers.cases import plan_of
from optimizer.domain.answers.say import figure, money
from optimizer.domain.reports import Chart, ChartSeries, Column, Report, Section, Table
from optimizer.mix.account.ways import costs_section
from optimizer.mix.studies.figures import (
    chips_of,
    fleet_words,
    mean_mw,
    peak_w,
    racks_of,
    served_share,
    unit_price,
    unserved_of,
)
from optimizer.units import NANO, nano, usd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optimizer.domain.answers.cases import Solved
    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Value
    from optimizer.mix.plan import MixPlan
    from optimizer.mix.studies.alternatives import Alternative
    from optimizer.mix.studies.bench import Bench
    from optimizer.mix.studies.conflict import Conflict, Easing
    from optimizer.mix.studies.worth import Tried

__all__ = ["alternatives_report", "bench_report", "conflict_report", "worth_report"]


def alternatives_report(instance: Instance, best: MixPlan, found: Sequence[Alternative]) -> Report:
    """Return the report of near-optimal alternatives."""
    unit = "" if best.objective.goal == "work" else "USD"
    columns = (
        Column("chip"), Column("worse by at most", "share", "right"), Column("which"),
        Column("chips", "", "right"), Column("solver's bound", "", "right"),
        Column("objective", unit, "right"), Column("gap", "share", "right"), Column("mix"),
    )  # fmt: skip
    rows: list[tuple[Value, ...]] = [
        (
            a.chip, a.within, a.which, a.chips, a.limit,
            None if a.plan is None else a.plan.objective.total / NANO,
            None if a.plan is None else a.plan.gap,
            "no plan found" if a.plan is None else fleet_words(instance, a.plan),
        )
        for a in found
    ]  # fmt: skip
    says = [f"The best mix: {fleet_words(instance, best)}."]
    widest = max((a.within for a in found), default=0.0)
    for chip, count in chips_of(instance, best).items():
        ends = {a.which: a.chips for a in found if a.chip == chip and a.within == widest}
        if None not in ends.values() and len(ends) == 2:
            says.append(
                f"{chip}: from {ends['least']:,} to {ends['most']:,} chips at {widest:.0%} worse "
                f"at most; {count:,} in the best mix."
            )
    table = Table("most and least of each chip", columns, tuple(rows), 40)
    answer = Section("Nearly as good", tuple(says), tables=(table,), kind="summary")
    sure = (
        "Every mix is a plan that the checker has passed; its gap is against the certified bound "
        "on all mixes. That no mix within the share has more, or less, is the solver's word.",
    )
    title = f"{instance.name}: mixes that are hardly worse than the best"
    return Report(title, (answer, Section("How sure", sure, kind="proof")))


def bench_report(found: Bench) -> Report:
    """Return the report of named mixes side by side."""
    world = found.instance
    goal = next((m.plan.objective.goal for m in found.mixes if m.plan is not None), "cost")
    unit = "" if goal == "work" else "USD"
    columns = (
        Column("mix"), Column("objective", unit, "right"), Column("cost", "USD", "right"),
        Column("work done", "", "right"), Column("served", "share", "right"),
        Column("a unit of work", "USD", "right"), Column("largest load", "MW", "right"),
        Column("mean load", "MW", "right"), Column("racks", "", "right"),
        Column("gap", "share", "right"), Column("chips"),
    )  # fmt: skip
    rows: list[tuple[Value, ...]] = []
    for mix in found.mixes:
        plan = mix.plan
        if plan is None:
            rows.append((mix.name, *(None,) * 9, "no plan"))
            continue
        rows.append(
            (mix.name, plan.objective.total / NANO, usd(plan.objective.spent),
             plan.objective.work / NANO, served_share(world, plan), unit_price(plan),
             peak_w(world, plan) / 1e6, mean_mw(world, plan), racks_of(world, plan), plan.gap,
             fleet_words(world, plan))
        )  # fmt: skip
    says = tuple(
        f"{m.name}: {m.why}{f'; no plan: {m.said}' if m.plan is None else ''}." for m in found.mixes
    )
    sure = (
        "All mixes serve the same demand under the same limits, each put to its best use, and the "
        "checker has passed every plan. The gap is against the certified bound on all mixes.",
    )
    answer = Section(
        "Side by side", tables=(Table("named mixes", columns, tuple(rows)), _unserved(found)),
        charts=_bench_charts(found), kind="summary",
    )  # fmt: skip
    how = Section("What they are, and how sure", says + sure, kind="proof")
    return Report(f"{world.name}: named mixes side by side", (answer, how))


def _unserved(found: Bench) -> Table:
    """What each mix leaves unserved, demand by demand, the worst first."""
    plans = [m for m in found.mixes if m.plan is not None]
    each = [unserved_of(found.instance, m.plan) for m in plans if m.plan is not None]
    names = sorted(each[0] if each else (), key=lambda k: -max(e[k] for e in each))
    columns = (Column("demand"), *(Column(m.name, "share", "right") for m in plans))
    rows: list[tuple[Value, ...]] = [(name, *(e[name] for e in each)) for name in names]
    return Table("not served", columns, tuple(rows), 20)


def _bench_charts(found: Bench) -> tuple[Chart, ...]:
    plans = [(m.name, m.plan) for m in found.mixes if m.plan is not None]
    names = tuple(name for name, _ in plans)
    each = [chips_of(found.instance, plan) for _, plan in plans]
    chips = [c for c in dict.fromkeys(c for e in each for c in e) if any(e[c] for e in each)]
    fleet = tuple(ChartSeries(c, tuple(float(e[c]) for e in each)) for c in chips)
    parts = [p.objective for _, p in plans]
    money = [("upfront", [p.upfront for p in parts]), ("rent", [p.rent for p in parts]),
             ("upkeep", [p.upkeep for p in parts]), ("energy", [p.energy for p in parts]),
             ("value not served", [p.unserved for p in parts])]  # fmt: skip
    bill = tuple(ChartSeries(n, tuple(usd(x) for x in xs)) for n, xs in money if any(xs))
    return (
        Chart("stack", "Chips of each mix", names, "", "chips", fleet),
        Chart("stack", "Cost of each mix, what is not served at its value", names, "", "USD", bill),
    )


def worth_report(instance: Instance, base: Solved[MixPlan], found: Sequence[Tried]) -> Report:
    """Return the report of what limits are worth."""
    plan = plan_of(base)
    unit = "" if plan.objective.goal == "work" else "USD"
    columns = (
        Column("limit"), Column("one more is worth at most", unit, "right"),
        Column("of"), Column("tried", "", "right"), Column("gained for each", unit, "right"),
    )  # fmt: skip
    rows: list[tuple[Value, ...]] = [
        (
            f"{t.worth.limit} of {t.worth.where}", t.worth.worth, t.worth.unit,
            None if t.solved is None else t.more, t.gain(plan),
        )
        for t in found
    ]  # fmt: skip
    dear = [t.worth for t in found if t.worth.worth > 0][:5]
    says = tuple(
        f"One more {w.unit}, {w.limit} of {w.where}: worth at most "
        f"{money(nano(w.worth)) if unit else figure(w.worth)} over the whole horizon."
        for w in dear
    ) or ("No limit of power, space, supply or money is worth anything: none binds.",)
    sure = (
        "A price is the slope of the certified bound, so the least cost falls by at most so much "
        "for each unit; the dearest limit of each kind was tried by a new solve with so many more.",
        "What was gained may be less, or within the gap of the two solves: domains are whole.",
    )
    table = Table("limits, the dearest first", columns, tuple(rows), 30)
    answer = Section("What one more is worth", says, tables=(table,), kind="summary")
    title = f"{instance.name}: what one more of each limit is worth"
    return Report(title, (answer, Section("How sure", sure, kind="proof")))


def conflict_report(instance: Instance, found: Conflict, unit_costs: Mapping[str, float]) -> Report:
    """Return the report of rules that conflict."""
    title = f"{instance.name}: which rules conflict, and what would help"
    if not found.groups:
        none = ("There is a mix that keeps every rule: nothing conflicts.",)
        if not found.is_mix:
            none = ("No mix was found, and no limits in conflict in the time given.",)
        return Report(title, (Section("No conflict", none, kind="summary"),))
    names = [f"{rule} of {name}" for rule, name in found.groups]
    says = [
        "No mix keeps all of: " + ", ".join(names) + ".",
        "Each of them is needed for that: without it there would be a mix.",
    ]
    ways = [("if that alone gives way", each) for each in found.alone]
    if found.cheapest is not None:
        way = found.cheapest
        says.append(
            f"The cheapest way out: {way.words}, taken to cost {money(nano(way.cost_usd))} in all"
            + ("." if way.solved.plan is not None else "; a new solve did not confirm it.")
        )
        ways = [("cheapest of all", way), *ways]
    columns = (
        Column("way out"), Column("what"), Column("taken to cost", "USD", "right"),
        Column("confirmed by a new solve"), Column("mix then"),
    )  # fmt: skip
    rows = tuple(_easing_row(name, way) for name, way in ways)
    answer = Section("Conflict", tuple(says), tables=(Table("ways out", columns, rows),),
                     kind="summary")  # fmt: skip
    return Report(title, (answer, costs_section(unit_costs)))


def _easing_row(name: str, easing: Easing) -> tuple[Value, ...]:
    plan = easing.solved.plan
    words = "" if plan is None else fleet_words(easing.solved.instance, plan)
    return (name, easing.words, easing.cost_usd, plan is not None, words)
