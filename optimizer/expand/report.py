"""The report of an expansion: what to order when, what it is worth, money, then the proof."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.answers.say import listed, money
from optimizer.domain.growth.scenes import BILLION
from optimizer.domain.reports import Fact, Report, Section
from optimizer.expand.account.batteries import batteries_section
from optimizer.expand.account.nodes import in_words, orders_section
from optimizer.expand.account.tables import (
    capacity_chart,
    capacity_table,
    future_table,
    money_charts,
    value_chart,
)
from optimizer.expand.plan import ExpandPlan, Goal, Status
from optimizer.expand.rules.case import Case
from optimizer.expand.rules.flows import CENT, TENTH, Ledger, ledger, tail_of
from optimizer.expand.rules.money import Books
from optimizer.units import nano, usd

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Tone
    from optimizer.expand.plan import Verdict

__all__ = ["report"]

PATHS = 4
"""Paths of the tree of which it is told what stands."""

ASKED: dict[Goal, str] = {
    "expected": "largest expected NPV",
    "cvar": "largest mean of expected NPV and that of the worst cases",
    "worst": "largest NPV in the worst case",
    "regret": "least regret: the largest difference to the best plan of each future",
}


def report(instance: Instance, plan: ExpandPlan, verdict: Verdict) -> Report:
    """Return the report of a plan that the checker has seen."""
    title = f"{instance.name}: {instance.title}" if instance.title else instance.name
    if not plan.status.has_plan or verdict.objective is None:
        return Report(title, (_nothing(plan), _proof(plan, verdict)))
    case = Case(instance, plan)
    ledgers = [ledger(case.along(future), future) for future in case.futures]
    books = Books.of(case, ledgers)
    batteries = batteries_section(case)
    sections = (
        _answer(case, plan, books, ledgers),
        orders_section(case),
        _stands(case),
        *(() if batteries is None else (batteries,)),
        Section(
            "What it is worth",
            tables=(future_table(case, ledgers),),
            charts=(value_chart(case, ledgers),),
        ),
        Section(
            "Money",
            ("Debt and covenants are of the expected flow, as lenders look at a base case.",),
            charts=money_charts(case, ledgers, books),
        ),
        _proof(plan, verdict),
        Section("What is assumed", instance.notes),
    )
    return Report(title, sections)


def _answer(case: Case, plan: ExpandPlan, books: Books, ledgers: list[Ledger]) -> Section:
    parts = plan.objective
    capex = sum(float(sum(b.capex)) * f.ppb for f, b in zip(case.futures, ledgers, strict=True))
    span = (
        f"{case.growth.calendar.label(0)} to {case.growth.calendar.label(case.growth.periods - 1)}"
    )
    of = ", where capital counts by its mean" if parts.capital else ""
    says = (f"Asked was the {ASKED[parts.goal]}{of}, {span}, in {len(parts.values)} futures.",)
    signed = (f"Signed: {', '.join(plan.contracts)}.",) if plan.contracts else ()
    tone: Tone = "warn" if parts.worst < 0 else "plain"
    share = (parts.alpha_ppm or TENTH) / 1e6
    facts = [
        Fact("expected NPV", parts.expected / 100, "USD"),
        Fact("mean of the worst cases", parts.tail / 100, "USD", note=f"worst {share:.0%}"),
        Fact("worst case", parts.worst / 100, "USD", tone=tone),
        Fact("paid for builds", capex / 1e18, "USD", note="expected, not discounted"),
    ]
    if parts.capital:
        earned = [v - c for v, c in zip(parts.values, parts.capital, strict=True)]
        tail = tail_of(earned, [f.ppb for f in case.futures], parts.alpha_ppm)
        note = f"worst {share:.0%}; builds, upkeep and resale aside"
        facts.insert(2, Fact("operation in its worst cases", float(tail) / 100, "USD", note=note))
    if books.debt:
        facts.append(Fact("largest debt", max(books.debt) / 100, "USD"))
    facts.append(Fact("gap", plan.gap, "share", note="to the engine's bound"))
    points = _points_said(parts.values, [f.ppb for f in case.futures])
    return Section("Answer", (*says, *points, *signed), tuple(facts), kind="summary")


def _points_said(values: Sequence[int], odds: Sequence[int]) -> tuple[str, ...]:
    """Say which values P10, P50 and P90 are: what so much of probability does not exceed."""
    each, found = sorted(zip(values, odds, strict=True)), []
    if len(each) < 2:
        return ()
    for percent in (10, 50, 90):
        total = 0
        for value, odd in each:
            total += odd
            if 100 * total >= percent * BILLION:
                found.append(f"P{percent} {money(value * CENT)}")
                break
    return (f"By probability: {listed(found)}.",)


def _stands(case: Case) -> Section:
    """Return what stands when; with nodes, on the likeliest paths."""
    if not case.plan.nodes:
        return Section("What stands when", (), (), (capacity_table(case),), (capacity_chart(case),))
    paths = sorted(case.paths, key=lambda path: -sum(f.ppb for f in path.futures))[:PATHS]
    last = case.growth.periods - 1
    said = [(path, in_words(path.futures[0].node(last))) for path in paths]
    tables = tuple(
        capacity_table(p, f"if {learnt}, as planned, over all sites") for p, learnt in said
    )
    charts = tuple(
        capacity_chart(p, f"MW by source against load if {learnt}, as planned")
        for p, learnt in said
    )
    says = (f"On {len(paths)} of {len(case.paths)} paths, the likeliest first.",)
    return Section("What stands when", says, (), tables, charts)


def _proof(plan: ExpandPlan, verdict: Verdict) -> Section:
    rules = len(verdict.violations)
    tone: Tone = "bad" if rules else "good"
    bound = None if plan.bound is None else usd(plan.bound)
    facts = (
        Fact("objective", usd(plan.objective.total), "USD", note=ASKED[plan.objective.goal]),
        Fact("bound", bound, "USD", note="what the engine claims; not re-derived"),
        Fact("gap", plan.gap, "share"),
        Fact("status", str(plan.status)),
        Fact("stopped by", plan.run.stopped_by),
        Fact("breaches of rules", rules or "none", tone=tone),
    )
    says = (
        "The checker re-derives every rule, every flow of money and the objective, without a "
        "solver; that no plan is worth more than the bound is the engine's word.",
    )
    breaches = tuple(str(v) for v in verdict.violations[:10])
    return Section("Proof", says + breaches, facts, kind="proof")


def _nothing(plan: ExpandPlan) -> Section:
    if plan.status is Status.INFEASIBLE:
        what = "The engine holds that no plan keeps all rules; that is not proven."
    elif plan.status is Status.UNKNOWN:
        what = "No plan was found in the time given."
    else:
        what = "Orders of the plan are outside their windows; it has no value."
    return Section("Answer", (what, *_why_not(plan)), kind="summary")


def _why_not(plan: ExpandPlan) -> Iterator[str]:
    """Say which rules conflict, and with how much more money there is a plan."""
    if plan.conflict:
        asked = [r.replace("complete", "the plan to be completed") for r in plan.conflict]
        yield f"Cannot be kept, whatever else gives way: {listed(asked)}."
    if plan.way_out is not None:
        out = plan.way_out
        each = [("cash at the start", out.cash_usd), ("capex in all", out.capex_usd)]
        each += [(f"capex in year {y}", x) for y, x in enumerate(out.capex_usd_per_year, 1)]
        words = listed([f"{money(nano(x))} more {what}" for what, x in each if x])
        tried = "a plan in whole units was found with it" if out.is_tried else "not tried"
        yield f"The least money with which there is a plan: {words} ({tried})."
