"""The reports of what things are worth: information, waiting, one more of a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.answers.cases import plan_of
from optimizer.domain.answers.say import money
from optimizer.domain.growth.scenes import BILLION
from optimizer.domain.reports import Chart, ChartSeries, Column, Fact, Report, Section, Table
from optimizer.expand.studies.cases import Between, between, units_of
from optimizer.units import usd

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optimizer.domain.answers.cases import Solved
    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Value
    from optimizer.expand.plan import ExpandPlan
    from optimizer.expand.studies.information import Information
    from optimizer.expand.studies.waiting import Dated, Waiting
    from optimizer.expand.studies.worth import Eased

__all__ = ["builds_words", "information_report", "said", "waiting_report", "worth_report"]

CLAIM = (
    "The upper end rests on the engine's bound, which nobody re-derives; the lower end on plans."
)
CENT_USD = 100


def said(span: Between) -> str:
    """Return an amount that lies between two in words."""
    if span.low is None or span.high is None:
        known = span.low if span.high is None else span.high
        side = "at least" if span.high is None else "at most"
        return "unknown" if known is None else f"{side} {money(known)}"
    low, high = money(span.low), money(span.high)
    return low if low == high else f"between {low} and {high}"


def builds_words(plan: ExpandPlan) -> str:
    """Return what a plan orders as words: `3 loughton-hall, 29 gb300-racks`."""
    steps = (*plan.orders, *(step for node in plan.nodes for step in node.orders))
    units = {name: units_of(plan, name) for name in dict.fromkeys(s.build for s in steps)}
    words = ", ".join(f"{n:,} {name}" for name, n in units.items()) or "nothing"
    return f"{words}, at most, as is learnt" if plan.nodes else words


# ---- information ---------------------------------------------------------------------------------


def information_report(instance: Instance, found: Information) -> Report:
    """Return the report of what it is worth to plan for all futures, and to know the one."""
    best = plan_of(found.together)
    facts = [
        Fact("expected NPV of the best plan", best.objective.expected / CENT_USD, "USD"),
        Fact("gap", best.gap, "share", note="to the engine's bound"),
        _span_fact("value of the stochastic solution", found.vss),
        _span_fact("expected value of perfect information", found.evpi),
    ]
    says = [_vss_words(found), f"To know which future comes is worth {said(found.evpi)}."]
    answer = Section(
        "What planning and knowing are worth", tuple(says), tuple(facts),
        (_futures_table(instance, found),), (_futures_chart(instance, found),), kind="summary",
    )  # fmt: skip
    sure = [
        "All plans have passed the checker, and values of plans are exact to the cent. " + CLAIM,
        "The mean future has every driver and delay at its mean, delays in whole periods; a "
        "customer defaults in it where more likely than not it has.",
        "A plan for one future alone keeps the rules in that future, limits of money included.",
    ]
    if instance.growth.finance is not None:
        sure.append(
            "Whoever knows the future still borrows on the mean of all: the upper end is that of "
            "plans without limits of money, the lower one that of plans that keep them one by one."
        )
    how = Section("How sure", tuple(sure), kind="proof")
    return Report(f"{instance.name}: what planning for all futures is worth", (answer, how))


def _vss_words(found: Information) -> str:
    best = f"The best plan orders {builds_words(plan_of(found.together))}"
    if found.mean.plan is None or found.carried is None:
        return f"{best}; for the mean future no plan was found."
    other = f"the plan for the mean future {builds_words(found.mean.plan)}"
    if found.carried.total is None or found.carried.breaks:
        rules = ", ".join(found.carried.breaks)
        return f"{best}; {other}, which in all futures breaks {rules}: it is no plan there."
    return f"{best}; {other}. To plan for all futures is worth {said(found.vss)} more."


def _span_fact(label: str, span: Between) -> Fact:
    low, _ = span.usd
    most = "" if span.high is None else f"; at most {money(span.high)}"
    return Fact(label, low, "USD", note="unknown" if low is None else f"at least{most}")


def _futures_table(instance: Instance, found: Information) -> Table:
    heads = (
        Column("future"), Column("probability", "share", "right"),
        Column("best plan for all", "USD", "right"),
        Column("plan for the mean future", "USD", "right"),
        Column("best for it alone", "USD", "right"), Column("no more than", "USD", "right"),
        Column("given up by not knowing", "USD", "right"), Column("best for it alone orders"),
    )  # fmt: skip
    rows: list[tuple[Value, ...]] = []
    for i, future in enumerate(instance.growth.futures):
        here = plan_of(found.together).objective.values[i] / CENT_USD
        alone, free = found.alone[i].plan, found.free[i].plan
        own = None if alone is None else alone.objective.values[0] / CENT_USD
        most = None if free is None or free.bound is None else usd(free.bound)
        lost = None if own is None else own - here
        words = "no plan found" if alone is None else builds_words(alone)
        rows.append(
            (future.name, future.ppb / BILLION, here, _carried(found, i), own, most, lost, words)
        )
    rows.sort(key=lambda row: -float(row[6] or 0))  # type: ignore[arg-type]
    return Table("futures, what is given up the most first", heads, tuple(rows), 20)


def _carried(found: Information, i: int) -> float | None:
    if found.carried is None or found.carried.solved.plan is None:
        return None
    value: int = found.carried.solved.plan.objective.values[i]
    return value / CENT_USD


def _futures_chart(instance: Instance, found: Information) -> Chart:
    names = tuple(f.name for f in instance.growth.futures)
    alone = tuple(
        None if s.plan is None else s.plan.objective.values[0] / CENT_USD for s in found.alone
    )
    values = plan_of(found.together).objective.values
    series = [
        ChartSeries("best for it alone", alone),
        ChartSeries("best for all", tuple(v / CENT_USD for v in values)),
    ]
    mean = tuple(_carried(found, i) for i in range(len(names)))
    if None not in mean:
        series.append(ChartSeries("plan for the mean future", mean))
    return Chart("bar", "NPV in each future", names, "", "USD", tuple(series))


# ---- waiting -------------------------------------------------------------------------------------


def waiting_report(instance: Instance, found: Waiting) -> Report:
    """Return the report of what it is worth to know sooner, and what it costs to order later."""
    label = instance.growth.calendar.label
    says = [f"As stated, ordering whenever that is best is worth {said(found.now.value)}."]
    says += [
        f"To order nothing before {label(x.period)}, learning no more, {_less_said(x.more)}."
        for x in found.wait[:2]
    ]
    says += [
        f"To know from {label(x.period)} on which future comes {_more_said(x.more)}."
        for x in found.know[:2]
    ]
    says += [
        f"To wait until {label(x.period)} and know by then, against ordering now and never "
        f"learning, {_more_said(x.more)}."
        for x in found.both[:2]
    ]
    titles = (
        ("know: ordered as now, all futures told apart from the date on", found.know),
        ("wait: nothing ordered before the date, no more learnt than as stated", found.wait),
        ("wait and know: nothing ordered before the date, all told apart from then on", found.both),
    )
    tables = tuple(_dated_table(label, title, rows) for title, rows in titles if rows)
    answer = Section(
        "Commit now, or wait", tuple(says), (), tables, (_dated_chart(instance, found),),
        kind="summary",
    )  # fmt: skip
    sure = (
        "Waiting holds for orders of all builds; contracts are signed when they would be. Futures "
        "told apart are perfect information from that date on: no forecast does as well. What "
        "it is to know from the start, the study `information` says within closer bounds.",
        "At least and at most are of plans that have passed the checker, and of the engine's "
        "bounds, those of other dates included: what waits longer could also wait less long. "
        + CLAIM,
    )
    title = f"{instance.name}: what it is worth to know sooner, and costs to order later"
    return Report(title, (answer, Section("How sure", sure, kind="proof")))


def _more_said(span: Between) -> str:
    low, high = span.low, span.high
    if low is None or low >= 0 or high is None:
        return f"is worth {said(span)} more"
    if high <= 0:
        return f"is worth {said(Between(-high, -low))} less"
    return f"may be worth up to {money(-low)} less, or up to {money(high)} more"


def _less_said(span: Between) -> str:
    cost = Between(0, 0).less(span)
    return f"costs {said(Between(max(0, cost.low or 0), cost.high))}"


def _dated_table(label: Callable[[int], str], title: str, dated: Sequence[Dated]) -> Table:
    heads = (
        Column("date"), Column("expected NPV", "USD", "right"),
        Column("no more than", "USD", "right"), Column("difference, at least", "USD", "right"),
        Column("at most", "USD", "right"), Column("gap", "share", "right"), Column("orders"),
    )  # fmt: skip
    rows: list[tuple[Value, ...]] = []
    for x in dated:
        plan = x.solved.plan
        words = "no plan found" if plan is None else builds_words(plan)
        gap = None if plan is None else plan.gap
        rows.append((label(x.period), *x.value.usd, *x.more.usd, gap, words))
    return Table(title, heads, tuple(rows), 30)


def _dated_chart(instance: Instance, found: Waiting) -> Chart:
    """Return what the plans found are worth, by date."""
    each = (
        ("ordered as now, all known from then on", found.know),
        ("nothing ordered before, no more learnt", (found.now, *found.wait)),
        ("nothing ordered before, all known then", found.both),
    )
    dates = sorted({x.period for _, dated in each for x in dated})
    series = []
    for name, dated in each:
        of = {x.period: x.value.usd[0] for x in dated}
        if of:
            series.append(ChartSeries(name, tuple(of.get(r) for r in dates)))
    months = instance.growth.calendar.months
    x = tuple(float(r * months) for r in dates)
    return Chart("points", "worth of the plans found, by date", x, "months", "USD", tuple(series))


# ---- one more ------------------------------------------------------------------------------------


def worth_report(instance: Instance, base: Solved[ExpandPlan], found: Sequence[Eased]) -> Report:
    """Return the report of what one more of each limit is worth."""
    plan = plan_of(base)
    heads = (
        Column("limit"), Column("of"), Column("one more"), Column("found", "USD", "right"),
        Column("at least", "USD", "right"), Column("at most", "USD", "right"),
        Column("told apart from nothing"), Column("gap there", "share", "right"),
    )  # fmt: skip
    rows: list[tuple[Value, ...]] = []
    for each in found:
        more = None if each.found is None else usd(each.found)
        there = each.solved.plan
        rows.append(
            (each.ease.what, each.ease.where, each.ease.unit, more, *each.worth.usd,
             each.worth.is_told, None if there is None else there.gap)
        )  # fmt: skip
    told = [e for e in found if e.worth.is_told]
    says = tuple(
        f"One {e.ease.unit} more, {e.ease.what} of {e.ease.where}: worth {said(e.worth)}."
        for e in told[:6]
    ) or ("Nothing is told apart from nothing at these gaps: ask for smaller ones (--gap).",)
    here = between(plan)
    slack = None if here.high is None or here.low is None else usd(here.high - here.low)
    facts = (
        Fact("objective as stated", usd(plan.objective.total), "USD"),
        Fact("gap as stated", slack, "USD", note="what is worth less is not told from nothing"),
        Fact("limits", len(found)),
        Fact("told apart from nothing", len(told)),
    )
    table = Table("limits, the dearest first", heads, tuple(rows), 40)
    answer = Section("What one more is worth", says, facts, (table,), kind="summary")
    sure = (
        "Each limit was eased by one and solved again, from the plan as stated; both plans have "
        "passed the checker. At least: that plan less the bound as stated; at most: the bound "
        "there less the plan as stated, an engine's claim. One more is free, but for its energy.",
        "Earlier delivery is one period less of lead time, and what is due at delivery is paid "
        "earlier, too. Worths of two limits do not add up.",
    )  # fmt: skip
    title = f"{instance.name}: what one more of each limit is worth"
    return Report(title, (answer, Section("How sure", sure, kind="proof")))
