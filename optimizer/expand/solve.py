"""How an expansion is solved: by cuts on what operation brings, or as one model of all futures.

The engine's columns become whole units, which are operated and priced anew, exactly; the bound is
that of the engine. For least regret, the best plan of each future is sought first.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.domain.growth.futures import NamedPlan
from optimizer.domain.growth.scenes import BILLION
from optimizer.errors import PlanError
from optimizer.expand.answer import CENT_NANO, arrays_of, plan_of, versions
from optimizer.expand.arrays import Arrays, Decision
from optimizer.expand.engines.benders import Benders, Clock
from optimizer.expand.engines.conflict import clash, eased, more_money, way_out_of
from optimizer.expand.engines.extensive import build
from optimizer.expand.engines.first import MUSD, FirstStage
from optimizer.expand.engines.model import Model, to_pulp
from optimizer.expand.engines.tree.benders import MOST, TreeBenders, whole_columns
from optimizer.expand.engines.tree.policy import Policy
from optimizer.expand.evaluate import decided, decision_of, evaluate, named_steps
from optimizer.expand.plan import (
    EngineClaim,
    ExpandPlan,
    Options,
    Rule,
    RunRecord,
    Status,
    StoppedBy,
    gap_of,
)
from optimizer.expand.studies.named import named_plan
from optimizer.solvers.milp import DEFAULT_ENGINE, solve_milp
from optimizer.solvers.run import Limits
from optimizer.solvers.run import Status as EngineStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from threading import Event

    from optimizer.domain.answers.records import Start
    from optimizer.domain.instance import Instance

    OnIncumbent = Callable[[int | None, int | None, float], None]

__all__ = ["prepare", "solve"]

PLAN_SECONDS = 2.0
"""Between two plans that are handed on while the search goes on [s]."""

ASKED = 20.0
"""The most that it takes to find out why there is no plan [s]."""

MORE = (1e-4, 0.01, 0.05, 0.2, 1.0)
"""Shares by which money is more than parts of units need, until a plan in whole units is found."""

MONEY = {Rule.CAPEX_BUDGET, Rule.CASH, Rule.LOAN_TO_COST, Rule.COVERAGE}
"""The rules that more money eases."""

WHOLE = 1e-6
"""What float noise does to sums of whole units."""


@dataclass(frozen=True, slots=True)
class Solved:
    """What an engine found: its plan, its bound on the loss of any [MUSD], what it says of it."""

    decision: Decision | None
    bound: float | None
    status: EngineStatus
    stopped_by: StoppedBy
    engine: str


def solve(
    instance: Instance,
    options: Options | None = None,
    on_incumbent: OnIncumbent | None = None,
    cancel: Event | None = None,
    start: Start[ExpandPlan] | None = None,
    on_plan: Callable[[ExpandPlan], None] | None = None,
) -> ExpandPlan:
    """Return the best plan found, with the engine's bound and a run record.

    Parameters
    ----------
    instance
        With an `expand`.
    on_incumbent
        Told the objective and the bound when there is a plan.
    cancel
        Set it to end the engine.
    start
        A plan to begin from, where the method is `benders` and it keeps the rules of orders here;
        no answer is worse than a plan of this instance for the same objective and futures.
    on_plan
        Given a better plan, every few seconds, without its bound.

    Raises
    ------
    PlanError
        If the plan to be completed is not one of the instance.
    """
    solver = Solver(instance, options or Options(), on_incumbent, cancel)
    solver.start, solver.on_plan = start, on_plan
    plan = solver.run()
    if start is None or start.plan.instance_hash != instance.hash:
        return plan
    o = solver.options
    is_allowed = o.complete is None and (o.recourse or not start.plan.nodes)
    return _at_least(plan, start.plan) if is_allowed else plan


def _at_least(plan: ExpandPlan, start: ExpandPlan) -> ExpandPlan:
    """Return the better of an answer and the plan that it began from, with the answer's bound."""
    same = ("goal", "weight_ppm", "alpha_ppm", "best", "risk")
    asked = [[*(getattr(p.objective, name) for name in same), p.drawn, p.seed]
             for p in (plan, start)]  # fmt: skip
    if not start.status.has_plan or plan.status is Status.INFEASIBLE or asked[0] != asked[1]:
        return plan
    total = start.objective.total
    if plan.status.has_plan and plan.objective.total >= total:
        return plan
    bound = None if plan.bound is None else max(plan.bound, total)
    status = Status.OPTIMAL if total == bound else Status.FEASIBLE
    said = {"status": status, "bound": bound, "gap": gap_of(total, bound), "run": plan.run}
    return start.model_copy(update=said)


def prepare(instance: Instance) -> None:
    """Compile the operation of plans, which takes long once on a machine; time begins after it."""
    evaluate(arrays_of(instance, Options()), Decision(), has_slopes=True)


class Solver:
    """One solve."""

    def __init__(
        self,
        instance: Instance,
        options: Options,
        tell: OnIncumbent | None,
        cancel: Event | None,
    ) -> None:
        self.instance, self.options, self.tell, self.cancel = instance, options, tell, cancel
        self.start: Start[ExpandPlan] | None = None
        self.on_plan: Callable[[ExpandPlan], None] | None = None
        self.best: Sequence[float] = ()
        self.arrays = arrays_of(instance, options)
        prepare(instance)
        self.began = self.next_plan = time.monotonic()
        self.keep = None if options.complete is None else self._named(options.complete)

    def run(self) -> ExpandPlan:
        """Solve, make whole, price."""
        self.best = best = self._best() if self.options.objective == "regret" else ()
        found = self._solved(self.arrays, self.options, best)
        plan = plan_of(
            self.instance,
            self.arrays,
            found.decision,
            self.options,
            self._record(found),
            best=[round(b * 1e8) for b in best],
            bound=None if found.bound is None else round(-found.bound * 1e8) * CENT_NANO,
            is_infeasible=found.status == "infeasible",
        )
        return self._why_not(plan) if found.status == "infeasible" else plan

    def _why_not(self, plan: ExpandPlan) -> ExpandPlan:
        """Return the answer that there is no plan with the rules in conflict, and a way out."""
        options = self.options.model_copy(update={"objective": "expected", "gap": 1.0})
        seconds = min(ASKED, options.seconds)
        clock = Clock(time.monotonic() + seconds, self._is_cancelled)
        way = TreeBenders if len(self.arrays.paths) > 1 else Benders
        master = way(self.arrays, options, (), clock, self.keep)
        rules, money = clash(master), more_money(master)
        if money is None or not set(rules) & MONEY:
            return plan.model_copy(update={"conflict": rules})
        for more in MORE:
            each = {row: (1 + more) * usd for row, usd in money.items()}
            out = way_out_of(self.arrays.growth, each)
            tried = Arrays(eased(self.arrays.growth, out), self.arrays.futures)
            found = way(tried, options, (), clock, self.keep).run([])
            if found.decision is not None:
                out = out.model_copy(update={"is_tried": True})
                break
        else:
            out = way_out_of(self.arrays.growth, money)
        return plan.model_copy(update={"conflict": rules, "way_out": out})

    def _solved(self, arrays: Arrays, options: Options, best: Sequence[float]) -> Solved:
        if options.method == "extensive":
            return self._extensive(arrays, options, best)
        end = self.began + options.seconds
        clock = Clock(end, self._is_cancelled)
        if arrays is self.arrays:  # no future alone
            clock = replace(clock, tell=self._tell, take=self._take)
        way, name = _way(arrays)
        found = way(arrays, options, best, clock, self.keep).run(self._starts(arrays))
        bound = found.bound if np.isfinite(found.bound) else None
        stopped: StoppedBy = "gap" if found.gap <= options.gap else "time limit"
        if stopped != "gap" and not clock.is_over():
            stopped = "engine proof" if found.is_infeasible else "work limit"
        if self._is_cancelled():
            stopped = "cancel"
        status: EngineStatus = "feasible" if found.decision is not None else "unknown"
        if found.is_infeasible:
            status = "infeasible"
        return Solved(found.decision, bound, status, stopped, f"{name} on {DEFAULT_ENGINE}")

    def _extensive(self, arrays: Arrays, options: Options, best: Sequence[float]) -> Solved:
        form = build(arrays, options, best)
        if self.keep is not None:
            form.first.keep(self.keep)
        run = solve_milp(
            to_pulp(form.model),
            options.engine,
            Limits(options.seconds, None, options.gap, options.seed, options.threads),
            None if self.cancel is None else self.cancel.is_set,
            is_watched=self.cancel is not None,
        )
        decision = None
        if run.has_incumbent:
            names = zip(form.model.names, form.model.low, strict=True)  # in no row: at its low
            decision = form.first.decision([run.values.get(name, low) for name, low in names])
        stopped: StoppedBy = "engine proof" if run.stopped_by == "proof" else run.stopped_by
        return Solved(decision, run.bound, run.status, stopped, run.engine)

    def _starts(self, arrays: Arrays) -> list[Decision]:
        """Return plans to begin with: nothing new, and the named ones; or what is to be completed.

        Those that break a rule are left aside, of money later.
        """
        if self.keep is not None:
            return [self.keep]
        expand = self.instance.expand
        plans = [NamedPlan(), *({} if expand is None else expand.plans).values()]
        found = [decision_of(arrays, *named_steps(arrays, plan)) for plan in plans]
        if self.start is not None:
            with suppress(PlanError, KeyError):  # it may be of things that are not here
                found.append(decided(arrays, self.start.plan))
        first = FirstStage(arrays, Model("starts"))
        return [d for d in found if _keeps(first, d)]

    def _best(self) -> list[float]:
        """Return what the best plan found for each future alone is worth [MUSD]."""
        found = []
        options = self.options.model_copy(update={"objective": "expected"})
        for f in self.arrays.futures:
            alone = Arrays(self.arrays.growth, (replace(f, ppb=BILLION),))
            solved = self._solved(alone, options, ())
            if solved.decision is None:
                raise PlanError(f"future {f.name!r}: no plan was found for it alone")
            outcome = evaluate(alone, solved.decision)
            found.append(round(float(outcome.values[0]), 2) * MUSD)
        return found

    def _named(self, name: str) -> Decision:
        plan = named_plan(self.instance, name)
        return decision_of(self.arrays, *named_steps(self.arrays, plan))

    def _is_cancelled(self) -> bool:
        return self.cancel is not None and self.cancel.is_set()

    def _tell(self, loss: float, bound: float) -> None:
        if self.tell is not None:
            each = [round(-x * 1e15) if np.isfinite(x) else None for x in (loss, bound)]
            self.tell(each[0], each[1], time.monotonic() - self.began)

    def _take(self, decision: Decision) -> None:
        """Hand on a better plan, every few seconds."""
        if self.on_plan is None or time.monotonic() < self.next_plan:
            return
        claim = Solved(decision, None, "feasible", "cancel", DEFAULT_ENGINE)
        best = [round(b * 1e8) for b in self.best]
        record = self._record(claim)
        self.on_plan(plan_of(self.instance, self.arrays, decision, self.options, record, best=best))
        self.next_plan = time.monotonic() + PLAN_SECONDS

    def _record(self, found: Solved) -> RunRecord:
        claimed = None if found.bound is None else round(-found.bound * 1e15)
        return RunRecord(
            stopped_by=found.stopped_by,
            seconds=round(time.monotonic() - self.began, 3),
            options=self.options.model_dump(mode="json"),
            versions=versions(),
            claim=EngineClaim(engine=found.engine, status=Status(found.status), bound=claimed),
        )


def _way(arrays: Arrays) -> tuple[type[Benders | Policy], str]:
    """Return how futures are solved, and its name."""
    if len(arrays.paths) == 1:
        return Benders, "Benders"
    if whole_columns(arrays) <= MOST:
        return TreeBenders, "Benders on the tree"
    return Policy, "policy of Benders"


def _keeps(first: FirstStage, decision: Decision) -> bool:
    """Return whether a decision keeps the rules of orders, retirements and contracts."""
    if not (decision.orders.keys() <= first.orders.keys()
            and decision.retired.keys() <= first.retired.keys()):  # fmt: skip
        return False
    model, at = first.model, first.columns_of(decision)
    if any(not model.low[c] <= x <= model.high[c] for c, x in at.items()):
        return False
    sides = (
        (sum(f * at[c] for c, f in row.items()), low, high) for _, row, low, high in model.rows
    )
    return all(low - WHOLE <= left <= high + WHOLE for left, low, high in sides)
