"""The reports of what moves a mix: break-evens, tornado, stress, nameplate draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.answers.cases import plan_of
from optimizer.domain.answers.swings import ranges_section, tornado_chart
from optimizer.domain.reports import Chart, ChartSeries, Column, Fact, Report, Section, Table
from optimizer.mix.studies.figures import fleet_words
from optimizer.units import NANO, usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Value
    from optimizer.mix.plan import MixPlan
    from optimizer.mix.studies.breakeven import BreakEven
    from optimizer.mix.studies.nameplate import Draws
    from optimizer.mix.studies.stress import Stress
    from optimizer.mix.studies.tornado import Tornado

__all__ = ["break_even_report", "draws_report", "stress_report", "tornado_report"]


def break_even_report(instance: Instance, found: Sequence[BreakEven]) -> Report:
    """Return the report of break-evens."""
    columns = (
        Column("what"), Column("of"), Column("today", "", "right"), Column("unit"),
        Column("in today"), Column("in the mix at", "", "right"),
        Column("out of it at", "", "right"), Column("else"),
    )  # fmt: skip
    rows: list[tuple[Value, ...]] = []
    for each in found:
        inside = None if each.inside is None else each.now * each.inside
        outside = None if each.outside is None else each.now * each.outside
        rows.append(
            (each.what, each.name, each.now, each.unit, each.is_in, inside, outside, each.said)
        )
    sure = (
        "Both sides were solved again; their plans and bounds stand beside this report.",
        "'In the mix at': the best mix found there beats the proven bound of all mixes without "
        "it, so every best mix has it.",
        "'Out of it at': a mix with it gains nothing, by the certified prices of the mix without "
        "it, or no more than the gap of the solve.",
    )
    answer = Section(
        "Break-evens", tuple(said(e) for e in found if e.inside is not None),
        tables=(Table("thresholds", columns, tuple(rows), 40),), kind="summary",
    )  # fmt: skip
    title = f"{instance.name}: at which price, rate or draw a chip enters the mix or leaves it"
    return Report(title, (answer, Section("How sure", sure, kind="proof")))


def said(each: BreakEven) -> str:
    """Return a break-even in words."""
    what = {"price": "", "rate": "rates on ", "draw": "draw of "}[each.what] + each.name
    if each.inside is None or each.outside is None:
        return f"{what}: {each.said}"
    a, b, now = (_figure(x * each.now) for x in (each.inside, each.outside, 1.0))
    unit = each.unit
    if each.is_in:
        word = "above" if not each.is_better_up else "below"
        return f"{what}: leaves {word} {b} {unit} (still in at {a}; today {now})"
    word = "below" if not each.is_better_up else "above"
    return f"{what}: enters {word} {a} {unit} (still out at {b}; today {now})"


def _figure(x: float) -> str:
    """Return a price or a rate with four digits."""
    return f"{x:,.0f}" if x >= 1000 else f"{x:.4g}"


def tornado_report(instance: Instance, found: Tornado) -> Report:
    """Return the report of a tornado."""
    base = plan_of(found.base)
    unit = "" if base.objective.goal == "work" else "USD"
    total = base.objective.total
    columns = (
        Column("input"), Column("low", "", "right"), Column("high", "", "right"),
        Column("objective at low", unit, "right"), Column("objective at high", unit, "right"),
        Column("swing", unit, "right"), Column("other chips at"),
    )  # fmt: skip
    rows: list[tuple[Value, ...]] = []
    for swing in found.swings:
        low, high = (None if x is None else x / NANO for x in swing.totals())
        rows.append(
            (swing.input.name, swing.input.low, swing.input.high, low, high,
             swing.width(total) / NANO, ", ".join(found.turns(swing)))
        )  # fmt: skip
    gap = None if base.bound is None else abs(total - base.bound) / NANO
    facts = (
        Fact("objective as stated", total / NANO, unit),
        Fact("inputs", len(found.swings)),
        Fact("gap of the base", gap, unit, note="a swing below it says nothing"),
    )
    first = [s for s in found.swings[:3] if s.width(total)]
    says = (
        "The objective hangs most on " + ", ".join(s.input.name for s in first) + "."
        if first else "No input moves the objective.",
    )  # fmt: skip
    answer = Section(
        "Tornado", says, facts, (Table("inputs, by swing", columns, tuple(rows), 30),),
        (tornado_chart(found.swings, total, unit),), kind="summary",
    )  # fmt: skip
    return Report(
        f"{instance.name}: what the answer hangs on", (answer, ranges_section(found.swings))
    )


def stress_report(instance: Instance, found: Stress) -> Report:
    """Return the report of a stress test."""
    columns = (
        Column("future"), Column("best cost", "USD", "right"),
        Column("regret of today's mix", "USD", "right"),
        Column("regret of the robust mix", "USD", "right"), Column("best chips there"),
    )  # fmt: skip
    rows: list[tuple[Value, ...]] = [
        (
            solved.case.label, usd(plan_of(solved).objective.total),
            None if a is None else usd(a), None if b is None else usd(b),
            fleet_words(solved.instance, plan_of(solved)),
        )
        for solved, a, b in zip(
            found.futures, found.regret_today, found.regret_robust, strict=True
        )
    ]  # fmt: skip
    worst = [max((usd(x) for x in r if x is not None), default=0.0)
             for r in (found.regret_today, found.regret_robust)]  # fmt: skip
    more = usd(found.robust.objective.total - found.today.objective.total)
    facts = (
        Fact("largest regret of today's best mix", worst[0], "USD"),
        Fact("largest regret of the robust mix", worst[1], "USD"),
        Fact("no mix has less than", usd(round(found.limit)), "USD", note="the solver's bound"),
        Fact("what the robust mix costs more today", more, "USD"),
    )
    says = (
        f"The mix to be regretted least: {fleet_words(instance, found.robust)}.",
        f"Today's best mix: {fleet_words(instance, found.today)}.",
    )
    how = (
        "Regret in a future is what a mix costs there, put to its best use, above the best mix "
        "found for that future; it is low by at most that one's gap.",
        "Where prices rise, the limits of money rise with them: what can be ordered today still "
        "can. Vendors' shares hold for today's prices alone.",
    )
    table = Table("futures", columns, tuple(rows), 40)
    answer = Section("Stress", says, facts, (table,), (_stress_chart(found),), kind="summary")
    title = f"{instance.name}: the mix to be regretted least"
    return Report(title, (answer, Section("How sure", how, kind="proof")))


def _stress_chart(found: Stress) -> Chart:
    names = tuple(s.case.label for s in found.futures)
    series = tuple(
        ChartSeries(name, tuple(None if x is None else usd(x) for x in row))
        for name, row in (
            ("today's mix", found.regret_today), ("robust mix", found.regret_robust),
        )
    )  # fmt: skip
    return Chart("bar", "Regret in each future", names, "", "USD", series)


def draws_report(instance: Instance, found: Draws) -> Report:
    """Return the report of nameplate against measured draw."""
    training = plan_of(found.training)
    unit = "" if training.objective.goal == "work" else "USD"
    other = found.nameplate.plan
    rows: list[tuple[Value, ...]] = [_draw_row("chosen for the draw in training", found, training)]
    if other is not None:
        rows.append(_draw_row("chosen for nameplate, as planned", found, other))
    carried = "chosen for nameplate, at the draw in training"
    if found.carried is not None:
        rows.append(_draw_row(carried, found, found.carried))
    columns = (
        Column("mix"), Column("objective", unit, "right"), Column("useful work", "", "right"),
        Column("gap", "share", "right"), Column("chips"),
    )  # fmt: skip
    lost = None if found.lost is None else found.lost / NANO
    says = (
        "Planned with nameplate draw no mix keeps the rules."
        if other is None
        else "The fleet that is chosen for nameplate draw was put to work at the draw in training, "
        "and is worth that much less than the fleet chosen for it.",
    )
    facts = (Fact("what planning with nameplate draw costs", lost, unit),)
    table = Table("mixes", columns, tuple(rows))
    answer = Section("Nameplate against measured draw", says, facts, (table,), kind="summary")
    return Report(f"{instance.name}: what nameplate draw costs", (answer,))


def _draw_row(name: str, found: Draws, plan: MixPlan) -> tuple[Value, ...]:
    words = fleet_words(found.training.instance, plan)
    return (name, plan.objective.total / NANO, plan.objective.work / NANO, plan.gap, words)
