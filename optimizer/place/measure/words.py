"""A plan by the measure of every goal, and what is proven of the goal it was made for, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.answers.say import counted, dollars, figure, listed, percent, when
from optimizer.domain.reports import Column, Fact, Section, Table, Value
from optimizer.place.bound.prices import Certificate
from optimizer.place.measure.figures import BILLION, cost_of, shares
from optimizer.place.measure.records import Fairness, LeastCost, Makespan
from optimizer.place.plan import Status
from optimizer.units import usd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.place.account.ledger import Ledger

__all__ = ["goal_sections", "measures_table"]


def goal_sections(ledger: Ledger) -> tuple[Section, ...]:
    """Return what was asked for, reached and proven; nothing where value was asked for."""
    goal = ledger.plan.goal
    if goal is None:
        return ()
    if isinstance(goal, LeastCost):
        title, said = "Least cost with every job placed", _cost(ledger, goal)
    elif isinstance(goal, Makespan):
        title, said = "Every job placed, and done as early as can be", _makespan(ledger, goal)
    else:
        title, said = "Fair shares of tenants, then value", _fair(ledger, goal)
    is_plan = ledger.plan.status.has_plan
    gap = goal.gap if is_plan else None
    facts = (Fact("Gap", gap, "share", note="certified, of what was asked for"),)
    return (Section(f"Asked for: {title[0].lower()}{title[1:]}", (*_status(ledger), *said), facts),)


def _status(ledger: Ledger) -> Iterator[str]:
    plan, jobs = ledger.plan, len(ledger.instance.jobs)
    left = jobs - len(ledger.runs)
    if isinstance(plan.goal, Fairness):
        if not plan.status.has_plan:
            yield "This is no plan: jobs that must be placed are missing."
    elif plan.status is Status.INFEASIBLE:
        yield (
            f"It is proven that not every job can be placed; {counted(left, 'job')} of {jobs:,} "
            f"{'is' if left == 1 else 'are'} missing here."
        )
    elif left:
        yield (
            f"No plan with every job was found, and none was ruled out: {counted(left, 'job')} of "
            f"{jobs:,} {'is' if left == 1 else 'are'} missing here."
        )


def _cost(ledger: Ledger, goal: LeastCost) -> Iterator[str]:
    if ledger.plan.status is Status.INFEASIBLE:
        return
    yield f"Lateness, one-off costs and energy come to {dollars(goal.cost)}."
    if goal.bound is not None and goal.cost == goal.bound:
        yield "Proven: no plan that places every job costs less."
    elif goal.bound is not None and goal.bound > 0:
        yield f"No plan that places every job costs less than {dollars(goal.bound)}."


def _hours(ledger: Ledger, boundary: int) -> str:
    """Return a period boundary as moment and hours: 2026-02-03 12:00 UTC (60 h)."""
    h = ledger.horizon
    return f"{when(h, boundary)} UTC ({boundary * h.period_hours:,.6g} h after the start)"


def _makespan(ledger: Ledger, goal: Makespan) -> Iterator[str]:
    if not goal.bound or ledger.plan.status is Status.INFEASIBLE:
        return
    yield f"The last job of the plan ends at {_hours(ledger, goal.periods)}."
    yield f"No plan that places every job ends before {_hours(ledger, goal.bound)}."
    if goal.certificate == Certificate():
        yield "Why: a job that runs already, or the shortest run of some job, takes until then."
    else:
        yield (
            "Why: give the power and the chips of every period the prices in the plan file. If "
            "every job had to end one period earlier, the cheapest runs of all jobs together would "
            "pay more than all power and chips there are fetch at these prices: they do not fit. "
            "Both sums are recomputed in whole numbers, without a solver."
        )


def _fair(ledger: Ledger, goal: Fairness) -> Iterator[str]:
    found = shares(ledger.instance, {run.placement.job for run in ledger.runs.values()})
    worst = [name for name, share in found.items() if share == goal.share]
    yield (
        f"The least share of a tenant is {percent(goal.share, BILLION)}, that of {listed(worst)}. "
        "A share is the value placed over the value of all jobs of the tenant, divided by its "
        "weight over the largest weight."
    )
    if goal.share == goal.bound:
        yield "Proven: no plan has a larger least share."
    else:
        yield f"No plan has a least share above {percent(goal.bound, BILLION)}."
    if goal.total_bound is not None:
        yield (
            f"With every tenant at that share or above, no plan is worth more than "
            f"{dollars(goal.total_bound)}; this one is worth "
            f"{dollars(ledger.plan.objective.total)}."
        )


def measures_table(ledger: Ledger) -> Table:
    """Return the same plan by the measure of every goal, with the limits that are proven."""
    plan, goal = ledger.plan, ledger.plan.goal
    left = len(ledger.instance.jobs) - len(ledger.runs)
    of = "all jobs placed" if not left else f"{counted(left, 'job')} not placed"
    total = plan.objective.total
    rows: list[tuple[Value, ...]] = [
        ("value less costs", _usd(total), "at most " + _usd(plan.bound), plan.gap, "")
    ]
    limit = goal.bound if isinstance(goal, LeastCost) else None
    gap = goal.gap if isinstance(goal, LeastCost) else None
    least = "at least " + _usd(limit) if limit is not None else ""
    rows.append(("cost", _usd(cost_of(plan.objective)), least, gap, of))
    end = max((run.end for run in ledger.runs.values()), default=0)
    first = f"not before {when(ledger.horizon, goal.bound)}" if isinstance(goal, Makespan) else ""
    gap = goal.gap if isinstance(goal, Makespan) else None
    hours = f"{figure(end * ledger.horizon.period_hours)} h after the start, {of}"
    rows.append(("last end", when(ledger.horizon, end), first, gap, hours))
    found = shares(ledger.instance, {run.placement.job for run in ledger.runs.values()})
    if found:
        name = min(found, key=lambda n: found[n])
        most = f"at most {percent(goal.bound, BILLION)}" if isinstance(goal, Fairness) else ""
        gap = goal.gap if isinstance(goal, Fairness) else None
        rows.append(("least share", percent(found[name], BILLION), most, gap, f"tenant {name}"))
    columns = (
        Column("measure"),
        Column("this plan", "", "right"),
        Column("proven limit", "", "right"),
        Column("gap", "share", "right"),
        Column("note"),
    )
    return Table("The same plan by other measures", columns, tuple(rows))


def _usd(nano_usd: int | None) -> str:
    return "-" if nano_usd is None else f"USD {round(usd(nano_usd)):,}"
