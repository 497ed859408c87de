"""How a mix is solved: relaxed cases give the mix, the prices, and the proof.

1. Relaxed, the model gives prices; from whole prices anyone recomputes a bound (certificate.py).
2. Our own search (engines/tree/) splits the problem into cases, finds whole domains in them and
   closes the gap. A solver by name instead is asked for the mix first; the proof stays ours.
3. The best use of a fleet is rounded so that every rule holds exactly. For most useful work, least
   cost of as much work is asked for after that.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from optimizer.domain.answers.records import versions
from optimizer.domain.fleet.image import MILLION
from optimizer.mix.certificate import bound_of
from optimizer.mix.engines.account import Account
from optimizer.mix.engines.conflict import conflict
from optimizer.mix.engines.easing import easing, groups_of, prices_of_easing, told
from optimizer.mix.engines.rounding import taken
from optimizer.mix.engines.tree.search import Search
from optimizer.mix.plan import (
    OWN,
    Certificate,
    Conflict,
    EngineClaim,
    Holding,
    MixPlan,
    Options,
    RunRecord,
    Status,
    StoppedBy,
    Use,
    gap_of,
)
from optimizer.solvers.milp import solve_milp
from optimizer.solvers.run import Limits

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from optimizer.domain.answers.records import Start
    from optimizer.domain.fleet.image import Image
    from optimizer.domain.instance import Instance
    from optimizer.mix.engines.account import Fleet
    from optimizer.mix.plan import Goal

    OnIncumbent = Callable[[int | None, int | None, float], None]

__all__ = ["Solver", "solve"]


def solve(
    instance: Instance,
    options: Options | None = None,
    on_incumbent: OnIncumbent | None = None,
    cancel: Event | None = None,
    start: Start[MixPlan] | None = None,
    on_plan: Callable[[MixPlan], None] | None = None,
) -> MixPlan:
    """Return the best mix found, with its certificate and run record.

    Parameters
    ----------
    instance
        With a `mix`.
    options
        Objective and limits; defaults as in `Options`.
    on_incumbent
        Told the first bound that is proven, and every better objective.
    cancel
        Set it to end the search with the best mix so far.
    start
        Its fleet is put to its best use here first; no answer is worse than a plan of this instance
        for the same objective.
    on_plan
        Given a better mix, every few seconds, with the bound of the whole problem's prices.
    """
    solver = Solver(instance, options or Options(), on_incumbent, cancel)
    solver.start, solver.on_plan = start, on_plan
    plan = solver.run()
    if start is None or start.plan.instance_hash != instance.hash:
        return plan
    return _at_least(plan, start.plan)


def _at_least(plan: MixPlan, start: MixPlan) -> MixPlan:
    """Return the better of an answer and the plan that it began from, with the answer's bound."""
    is_same = start.objective.goal == plan.objective.goal
    if not start.status.has_plan or plan.status is Status.INFEASIBLE or not is_same:
        return plan
    total, bound = start.objective.total, plan.bound
    sign = -1 if start.objective.goal == "cost" else 1
    if plan.status.has_plan and sign * plan.objective.total >= sign * total:
        return plan
    status = Status.OPTIMAL if total == bound else Status.FEASIBLE
    said = {"fleet": start.fleet, "use": start.use, "objective": start.objective, "status": status}
    return plan.model_copy(update=said | {"gap": gap_of(total, bound), "conflict": ()})


FEW = 20
"""Cases in which the cheapest fleet for as much work is looked for: it is no part of the proof."""

PLAN_SECONDS = 2.0
"""Between two plans that are handed on while the search goes on [s]."""

SAME_WORK = 1e-9
"""Share of the useful work by which two fleets may differ and still do the same."""


class Solver:
    """One solve, and how a plan is made of what was found."""

    def __init__(
        self,
        instance: Instance,
        options: Options,
        tell: OnIncumbent | None = None,
        cancel: Event | None = None,
    ) -> None:
        self.instance, self.options, self.tell, self.cancel = instance, options, tell, cancel
        self.start: Start[MixPlan] | None = None
        self.on_plan: Callable[[MixPlan], None] | None = None
        self.began = time.monotonic()
        self.next_plan = self.began

    def run(self) -> MixPlan:
        """Bound, search, prove."""
        goal = self.options.objective
        search = self._search(self.instance.image, goal, self.options.leaves)
        root = search.cases.leaf(search.root)
        first = bound_of(self.instance, Certificate(goal=goal, tree=root))
        self._told(None, first.total)
        claim = None
        if not first.is_infeasible:
            search.tell = lambda a: self._found(a, Certificate(goal=goal, tree=root), first.total)
            if self.start is not None:
                search.take({(h.offer, h.site): h.domains for h in self.start.plan.fleet})
            if self.options.engine != OWN:
                claim = self._engine(search)
            search.run()
            if search.best is None and claim is None and not self._is_cancelled():
                claim = self._engine(search)
        account = search.best
        if account is not None and goal == "work":
            account = self._cheaper(account)
        why: StoppedBy = "gap"
        if search.is_open:
            why = "work limit" if not self._is_over() else "time limit"
        if self._is_cancelled():
            why = "cancel"
        tree = root if search.root.parts is None else search.proof()
        plan = self.plan(account, Certificate(goal=goal, tree=tree), why, claim)
        return plan if tree is root else plan.model_copy(update={"margin": root.prices})

    def _search(self, image: Image, goal: Goal, leaves: int) -> Search:
        return Search(image, goal, self.options.gap, leaves, self._is_over)

    def _cheaper(self, account: Account) -> Account:
        """Return the least cost at the same useful work, or what there is.

        Where only work counts, many fleets are alike, and the first found wastes money.
        """
        floor = int(account.useful / (1 + 1 / MILLION) * (1 - SAME_WORK))
        search = self._search(replace(self.instance.image, work_floor=floor), "cost", FEW)
        search.run()
        if search.best is None:
            return account
        other = Account(self.instance.image, search.best.fleet, search.best.amounts)
        lost = account.useful - other.useful
        spent, before = other.objective("work").spent, account.objective("work").spent
        return other if lost <= 2 * SAME_WORK * account.useful and spent < before else account

    def _engine(self, search: Search) -> EngineClaim:
        """Let a solver find a mix of the whole model; the search takes it. Return its claim."""
        limits = Limits(
            seconds=self.options.seconds,
            gap=self.options.gap,
            seed=self.options.seed,
            threads=self.options.threads,
        )
        model = search.cases.model
        run = solve_milp(
            model.problem,
            self.options.solver,
            limits,
            None if self.cancel is None else self.cancel.is_set,
            is_watched=self.cancel is not None,
        )
        if run.has_incumbent:
            search.take(taken(model, run.values))
        bound = None if run.bound is None else model.total(run.bound)
        return EngineClaim(engine=run.engine, status=Status(run.status), bound=bound)

    def _found(self, account: Account, certificate: Certificate, bound: int | None) -> None:
        """Tell of a better mix, and hand on its plan."""
        self._told(account.objective(self.options.objective).total, bound)
        now = time.monotonic()
        if self.on_plan is not None and now >= self.next_plan:
            self.on_plan(self.plan(account, certificate, "cancel"))
            self.next_plan = time.monotonic() + PLAN_SECONDS

    def _told(self, incumbent: int | None, bound: int | None) -> None:
        if self.tell is not None:
            self.tell(incumbent, bound, time.monotonic() - self.began)

    def plan(
        self,
        account: Account | None,
        certificate: Certificate,
        why: StoppedBy = "work limit",
        claim: EngineClaim | None = None,
    ) -> MixPlan:
        """Return the plan of an account (None: there is none) with its bound and run record.

        why
            The search stopped, if not at a proof.
        """
        goal = self.options.objective
        proof = bound_of(self.instance, certificate)
        objective = (account or Account(self.instance.image, {}, {})).objective(goal)
        status = Status.FEASIBLE if account is not None else Status.UNKNOWN
        if proof.is_infeasible:
            status = Status.INFEASIBLE
        elif account is not None and objective.total == proof.total:
            status = Status.OPTIMAL
        clash = self._conflict(claim, is_none=account is None)
        return MixPlan(
            instance=self.instance.name,
            instance_hash=self.instance.hash,
            status=status,
            fleet=() if account is None else _holdings(account.fleet),
            use=() if account is None else _uses(account),
            objective=objective,
            bound=proof.total,
            gap=gap_of(objective.total, proof.total),
            certificate=certificate,
            conflict=clash,
            way_out=self._way_out() if clash else (),
            run=self._record(status, why, claim),
        )

    def _conflict(self, claim: EngineClaim | None, *, is_none: bool) -> tuple[Conflict, ...]:
        """Return the limits in conflict, where it is proven or claimed that there is no mix."""
        if not (is_none and self.options.conflicts) or (
            claim is not None and claim.status is not Status.INFEASIBLE
        ):
            return ()
        return conflict(self.instance.image, self._is_over, self.options.unit_costs)

    def _way_out(self) -> tuple[Conflict, ...]:
        """Return the cheapest limits to ease."""
        image = self.instance.image
        prices = prices_of_easing(image, groups_of(image), self.options.unit_costs)
        return told(easing(image, prices, self.options) or {}, prices)

    def _is_over(self) -> bool:
        return self._is_cancelled() or time.monotonic() > self.began + self.options.seconds

    def _is_cancelled(self) -> bool:
        return self.cancel is not None and self.cancel.is_set()

    def _record(self, status: Status, why: StoppedBy, claim: EngineClaim | None) -> RunRecord:
        if status in (Status.OPTIMAL, Status.INFEASIBLE):
            why = "proof"
        elif claim is not None and claim.status in (Status.OPTIMAL, Status.INFEASIBLE):
            why = "engine proof"
        return RunRecord(
            stopped_by=why,
            seconds=round(time.monotonic() - self.began, 3),
            options=self.options.model_dump(mode="json"),
            versions=versions("pulp", "highspy"),
            claim=claim,
        )


def _holdings(fleet: Fleet) -> tuple[Holding, ...]:
    return tuple(
        Holding(offer=offer, site=site, domains=n) for (offer, site), n in sorted(fleet.items())
    )


def _uses(account: Account) -> tuple[Use, ...]:
    out = []
    for (i, f), amount in sorted(account.amounts.items(), key=lambda x: (x[0][1], x[0][0])):
        way = account.image.ways[i]
        demand, site, domain, level, slice_chips, chips = way.key
        out.append(
            Use(
                phase=f,
                demand=demand,
                site=site,
                domain=domain,
                level=level,
                slice_chips=slice_chips,
                chips=chips,
                amount=amount,
            )
        )
    return tuple(out)
