"""The reports of what turns a plan: break-evens, tornado, alternatives, the frontier of risk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.answers.cases import plan_of
from optimizer.domain.answers.say import counted, money
from optimizer.domain.answers.swings import ranges_section, tornado_chart
from optimizer.domain.reports import Chart, ChartSeries, Column, Fact, Report, Section, Table
from optimizer.expand.studies.cases import units_of
from optimizer.expand.studies.told.values import CENT_USD, CLAIM, builds_words, said
from optimizer.units import NANO, usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.domain.answers.swings import Swing
    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Value
    from optimizer.expand.plan import ExpandPlan
    from optimizer.expand.studies.alternatives import Alternative
    from optimizer.expand.studies.breakeven import Bridge
    from optimizer.expand.studies.frontier import Frontier
    from optimizer.expand.studies.tornado import Tornado

__all__ = ["alternatives_report", "break_even_report", "frontier_report", "tornado_report"]


CENT = 10_000_000
"""nano-USD in a cent."""


# ---- break-even ----------------------------------------------------------------------------------


def break_even_report(instance: Instance, found: Sequence[Bridge]) -> Report:
    """Return the report of how late the grid has to be before other power pays."""
    heads = (
        Column("late"), Column("later than stated", "months", "right"), Column("build"),
        Column("units in the plan found", "", "right"),
        Column("worth at least", "USD", "right"), Column("at most", "USD", "right"),
        Column("in every best plan"),
    )  # fmt: skip
    rows: list[tuple[Value, ...]] = []
    charts = []
    for each in found:
        tried = sorted(each.tried.items())
        for d, x in tried:
            rows.append((each.late, d * each.months, each.build, x.units, *x.worth.usd, x.is_in))
        lines = (
            ChartSeries("at least", tuple(x.worth.usd[0] for _, x in tried)),
            ChartSeries("at most", tuple(x.worth.usd[1] for _, x in tried)),
        )
        months = tuple(float(d * each.months) for d, _ in tried)
        title = f"what {each.build} is worth, by how late {each.late} comes"
        charts.append(Chart("points", title, months, "months", "USD", lines))
    says = tuple(bridge_words(each) for each in found)
    table = Table("delays that were tried", heads, tuple(rows), 40)
    answer = Section("Break-even", says, (), (table,), tuple(charts), kind="summary")
    sure = (
        "At each delay two plans were sought, with the build and without it; all have passed the "
        "checker. In every best plan: a plan with it is worth more than the bound on all without. "
        "Otherwise it is worth no more than the last but one column says, and may be nothing. "
        + CLAIM,
        "Delays come on top of those of every future, and are whole periods; earlier ones shorten "
        "the lead time. Between two delays that were tried, worth may go up or down.",
    )  # fmt: skip
    title = f"{instance.name}: how late the grid has to be before other power pays"
    return Report(title, (answer, Section("How sure", sure, kind="proof")))


def bridge_words(each: Bridge) -> str:
    """Return a break-even in words."""
    enters, out = each.enters, each.out
    if enters is None:
        last = each.tried[max(each.tried)].worth
        return (
            f"{each.build}: at no delay of {each.late} is it in every best plan; "
            f"even where that never comes it is worth {said(last)}."
        )
    at = _delay(enters * each.months)
    if out is None:
        return (
            f"{each.build}: pays however early {each.late} comes, even {at}; as stated it is worth "
            f"{said(each.tried[0].worth)}."
        )
    below = each.tried[out]
    units = "orders none" if below.units == 0 else f"orders {below.units:,}"
    return (
        f"{each.build}: pays when {each.late} comes {at}, worth {said(each.tried[enters].worth)}; "
        f"{_delay(out * each.months)} the plan found {units}, and it is worth {said(below.worth)}."
    )


def _delay(months: int) -> str:
    if months == 0:
        return "as stated"
    word = "later" if months > 0 else "earlier"
    return f"{counted(abs(months), 'month')} {word} than stated"


# ---- tornado -------------------------------------------------------------------------------------


def tornado_report(instance: Instance, found: Tornado) -> Report:
    """Return the report of a tornado."""
    base = plan_of(found.base)
    total = base.objective.total
    gap = None if base.bound is None else abs(total - base.bound) / NANO
    facts = (
        Fact("objective as stated", total / NANO, "USD"),
        Fact("inputs", len(found.kept)),
        Fact("gap as stated", gap, "USD", note="a plan sought anew may miss as much"),
    )
    first = [s.input.name for s in found.kept[:3] if s.width(total)]
    says = [f"The value hangs most on {', '.join(first)}." if first else "No input moves it."]
    charts = [tornado_chart(found.kept, total, "USD", "Change of the value, the plan kept")]
    if found.anew:
        charts.append(tornado_chart(found.anew, total, "USD", "The same, a plan sought anew"))
    else:
        says.append("No plan was sought anew; --anew N does that for the N widest inputs.")
    tables = (_tornado_table(found, total),)
    answer = Section("Tornado", tuple(says), facts, tables, tuple(charts), kind="summary")
    how = Section(
        "How sure",
        (
            "Kept is the best plan as stated, put into the world of each end and priced by the "
            "checker; what it breaks there stands beside it. Prices paid for it are then those of "
            "that world, too.",
        ),
        kind="proof",
    )
    title = f"{instance.name}: what the answer hangs on"
    return Report(title, (answer, ranges_section(found.kept), how))


def _tornado_table(found: Tornado, total: int) -> Table:
    heads: tuple[Column, ...] = (
        Column("input"), Column("low", "", "right"), Column("high", "", "right"),
        Column("plan kept, at low", "USD", "right"), Column("at high", "USD", "right"),
        Column("swing", "USD", "right"), Column("breaks"),
    )  # fmt: skip
    if found.anew:
        heads += (Column("sought anew, at low", "USD", "right"),
                  Column("anew, at high", "USD", "right"))  # fmt: skip
    anew = {s.input.name: s for s in found.anew}
    rows: list[tuple[Value, ...]] = []
    for swing in found.kept:
        kept = tuple(None if x is None else x / NANO for x in swing.totals())
        again = anew.get(swing.input.name)
        totals = again.totals() if again else (None, None)
        then = tuple(None if x is None else x / NANO for x in totals) if anew else ()
        rows.append(
            (swing.input.name, swing.input.low, swing.input.high, *kept,
             swing.width(total) / NANO, "; ".join(_breaks(swing)), *then)
        )  # fmt: skip
    return Table("inputs, by swing", heads, tuple(rows), 30)


def _breaks(swing: Swing) -> list[str]:
    """Return which rules a plan that is kept breaks at which end."""
    each = (("low", swing.low), ("high", swing.high))
    return [f"{n}: {', '.join(e.breaks)}" for n, e in each if e is not None and e.breaks]


# ---- alternatives --------------------------------------------------------------------------------


def alternatives_report(
    instance: Instance, best: ExpandPlan, found: Sequence[Alternative]
) -> Report:
    """Return the report of near-optimal alternatives."""
    heads = (
        Column("build"), Column("worse by at most", "share", "right"), Column("which"),
        Column("units", "", "right"), Column("by the bounds", "", "right"),
        Column("expected NPV", "USD", "right"), Column("orders"),
    )  # fmt: skip
    rows: list[tuple[Value, ...]] = []
    for a in found:
        plan = best if a.solved is None else plan_of(a.solved)
        rows.append(
            (a.build, a.within, a.which, a.units, a.limit, usd(plan.objective.total),
             builds_words(plan))
        )  # fmt: skip
    says = [f"The best plan orders {builds_words(best)}."]
    widest = max((a.within for a in found), default=0.0)
    for build in dict.fromkeys(a.build for a in found):
        ends = {a.which: a.units for a in found if a.build == build and a.within == widest}
        if len(ends) == 2:
            now = units_of(best, build)
            says.append(
                f"{build}: from {ends['least']:,} to {ends['most']:,} units at {widest:.0%} worse "
                f"at most; {now:,} in the best plan."
            )
    sure = (
        "Every plan has passed the checker and is worth what is said at true prices. By the "
        "bounds: no plan within the share has fewer, or more, as the engine claims.",
        "All are plans for all futures at once, whatever is learnt. The most is sought by a bonus "
        "on each unit, then by limits on units; a plan with still more may lie up to the bound.",
    )
    table = Table("least and most of each build", heads, tuple(rows), 40)
    answer = Section("Nearly as good", tuple(says), tables=(table,), kind="summary")
    title = f"{instance.name}: plans that are hardly worse than the best"
    return Report(title, (answer, Section("How sure", sure, kind="proof")))


# ---- frontier ------------------------------------------------------------------------------------


def frontier_report(instance: Instance, found: Frontier) -> Report:
    """Return the report of expected NPV against the mean of the worst cases."""
    by = " by operation" if found.risk == "operation" else ""
    worst = f"mean of the worst {found.alpha:.0%}{by}"
    heads = (
        Column("weight of the worst", "", "right"), Column("expected NPV", "USD", "right"),
        Column(worst, "USD", "right"), Column("worst case", "USD", "right"),
        Column("gap", "share", "right"), Column("orders"),
    )  # fmt: skip
    rows: list[tuple[Value, ...]] = []
    for p in found.points:
        plan = plan_of(p.solved)
        parts = plan.objective
        rows.append(
            (p.weight, parts.expected / CENT_USD, parts.tail / CENT_USD, parts.worst / CENT_USD,
             plan.gap, builds_words(plan))
        )  # fmt: skip
    facts = [
        Fact("points", len(found.points)),
        Fact("found, but another is as good in both", found.dominated),
    ]
    table = Table("plans, the boldest first", heads, tuple(rows), 30)
    answer = Section(
        "Frontier", _frontier_words(found, worst), tuple(facts), (table, _named(found)),
        _charts(found, worst), kind="summary",
    )  # fmt: skip
    sure = (
        "Every point is a plan that the checker has passed; its gap is that of the weighed sum to "
        "the engine's bound. Plans that no weight brings out may lie between two points.",
    )
    title = f"{instance.name}: expected value against the worst cases"
    return Report(title, (answer, Section("How sure", sure, kind="proof")))


def _frontier_words(found: Frontier, worst: str) -> tuple[str, ...]:
    says = ["No plan was found."]
    if found.points:
        bold, safe = found.points[0].both, found.points[-1].both
        says = [
            f"{counted(len(found.points), 'plan')}, none better than another in both expected NPV "
            f"and the {worst} of futures."
        ]
        if len(found.points) > 1:
            gives, gets = (CENT * x for x in (bold[0] - safe[0], safe[1] - bold[1]))
            says.append(
                f"From the boldest to the safest {money(gives)} of expected NPV is given up for "
                f"{money(gets)} in the worst cases."
            )
    if found.missing:
        says.append(f"No plan was found in time at {counted(len(found.missing), 'weight')}.")
    return tuple(says)


def _named(found: Frontier) -> Table:
    heads = (
        Column("named plan"), Column("expected NPV", "USD", "right"),
        Column("mean of the worst", "USD", "right"), Column("worst case", "USD", "right"),
    )  # fmt: skip
    rows = tuple(
        (n, p.objective.expected / CENT_USD, p.objective.tail / CENT_USD,
         p.objective.worst / CENT_USD) for n, p in found.named
    )  # fmt: skip
    return Table("named plans beside them", heads, rows)


def _charts(found: Frontier, worst: str) -> tuple[Chart, ...]:
    """Return the frontier, and the same with named plans, which may lie far from it."""
    front = [p.both for p in found.points]
    each = [(n, (p.objective.expected, p.objective.tail)) for n, p in found.named]
    x = tuple(e / CENT_USD for e, _ in [*front, *(both for _, both in each)])
    none = (None,) * len(x)
    tails = tuple(t / CENT_USD for _, t in front)
    alone = (ChartSeries("best plans", tails),)
    title = f"{worst} over expected NPV"
    found_alone = Chart("points", title, x[: len(front)], "USD", "USD", alone)
    if not each:
        return (found_alone,)
    series = [ChartSeries("best plans", tails + none[len(front) :])]
    for i, (name, both) in enumerate(each, len(front)):
        series.append(ChartSeries(name, (*none[:i], both[1] / CENT_USD, *none[i + 1 :])))
    beside = Chart("points", f"{title}, named plans beside", x, "USD", "USD", tuple(series))
    return found_alone, beside
