"""How a mix is solved: the whole model by an engine, prices from its relaxation, then the plan.

1. Relaxed, the model gives prices; from whole prices anyone recomputes a bound (certificate.py).
2. The engine finds whole domains; with these fixed, the relaxed model is solved once more, to a
   billionth, and its use is rounded so that every rule holds exactly.
   For most useful work it is then asked for the least cost of as much work.
3. Where asked (`leaves`), the proof is split into cases until the gap is closed (engines/split.py).
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from optimizer.domain.fleet.image import MILLION
from optimizer.mix.certificate import bound_of
from optimizer.mix.engines.account import Account
from optimizer.mix.engines.build import build
from optimizer.mix.engines.conflict import conflict
from optimizer.mix.engines.rounding import rounded, taken
from optimizer.mix.engines.split import leaf_of, split
from optimizer.mix.plan import (
    Certificate,
    Conflict,
    EngineClaim,
    Holding,
    Leaf,
    MixPlan,
    Options,
    RunRecord,
    Split,
    Status,
    StoppedBy,
    Use,
    gap_of,
)
from optimizer.solvers.milp import solve_milp, solve_relaxed
from optimizer.solvers.run import Limits

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from optimizer.domain.instance import Instance
    from optimizer.mix.engines.account import Fleet
    from optimizer.mix.engines.formulation import Formulation
    from optimizer.solvers.milp import Relaxed
    from optimizer.solvers.run import Run
    from optimizer.solvers.run import Status as Status_

    OnIncumbent = Callable[[int | None, int | None, float], None]

__all__ = ["Solver", "finished", "solve"]


def solve(
    instance: Instance,
    options: Options | None = None,
    on_incumbent: OnIncumbent | None = None,
    cancel: Event | None = None,
) -> MixPlan:
    """Return the best mix found, with its certificate and run record.

    Parameters
    ----------
    instance
        With a `mix`.
    options
        Objective and limits; defaults as in `Options`.
    on_incumbent
        Told the bound when it is proven and the objective when there is a plan.
    cancel
        Set it to end the engine; without it, and without `on_incumbent`, the engine runs in this
        process.
    """
    return Solver(instance, options or Options(), on_incumbent, cancel).run()


UNUSED = 1e-6
"""Fewer domains than this in the relaxation are none."""

SAME_WORK = 1e-9
"""Share of the useful work by which two fleets may differ and still do the same."""


class Solver:
    """One solve: its model, and how a plan is made of what an engine found."""

    def __init__(
        self,
        instance: Instance,
        options: Options,
        tell: OnIncumbent | None,
        cancel: Event | None,
    ) -> None:
        self.instance, self.options, self.tell, self.cancel = instance, options, tell, cancel
        self.began = time.monotonic()
        self.model = build(instance.image, options.objective)

    def run(self) -> MixPlan:
        """Bound, solve, round, prove."""
        relaxed = solve_relaxed(self.model.problem)
        image, goal = self.instance.image, self.options.objective
        leaf = leaf_of(image, goal, self.model, relaxed, {})
        certificate = Certificate(goal=goal, tree=leaf)
        bound = bound_of(self.instance, certificate)
        self._told(None, bound.total)
        if bound.is_infeasible:
            return self.plan(None, certificate, None)
        run = self._quick(relaxed) if self.options.columns == "used" else self._engine()
        account = finished(self.model, run)
        if account is not None and goal == "work":
            account = self._cheaper(account)
        total = None if account is None else account.objective(goal).total
        self._told(total, bound.total)
        if self.options.leaves > 1 and self._is_open(total, bound.total):
            certificate = Certificate(goal=goal, tree=self._split(total))
        return self.plan(account, certificate, run)

    def _is_open(self, total: int | None, bound: int | None) -> bool:
        gap = None if total is None else gap_of(total, bound)
        return gap is None or gap > self.options.gap

    def _split(self, total: int | None) -> Leaf | Split:
        goal = self.options.objective
        return split(
            self.instance.image,
            goal,
            -total if total is not None and goal != "cost" else total,
            self.options.gap,
            self.options.leaves,
            self._is_over,
        )

    def _quick(self, relaxed: Relaxed) -> Run:
        """Solve with the columns that the relaxation uses; with all where that finds nothing."""
        amount: dict[tuple[str, str], float] = {}
        for c, x in self.model.columns.items():
            key = (c.offer.name, c.site)
            amount[key] = amount.get(key, 0.0) + relaxed.values.get(x.name, 0.0)
        closed = [
            (x, x.upBound)
            for c, x in self.model.columns.items()
            if amount[c.offer.name, c.site] < UNUSED
        ]
        try:
            for x, _ in closed:
                x.upBound = 0
            run = self._engine()
        finally:
            for x, most in closed:
                x.upBound = most
        if not run.has_incumbent:
            return self._engine()
        status: Status_ = "feasible" if closed else run.status
        return replace(run, status=status, bound=None if closed else run.bound)

    def _cheaper(self, account: Account) -> Account:
        """Return the least cost at the same useful work, or what there is.

        Where only work counts, many fleets are alike, and the first found wastes money.
        """
        floor = int(account.useful / (1 + 1 / MILLION) * (1 - SAME_WORK))
        image = replace(self.instance.image, work_floor=floor)
        model = build(image, "cost")
        other = finished(model, self._engine(model))
        if other is None:
            return account
        other = Account(self.instance.image, other.fleet, other.amounts)
        lost = account.useful - other.useful
        spent, before = other.objective("work").spent, account.objective("work").spent
        return other if lost <= 2 * SAME_WORK * account.useful and spent < before else account

    def _engine(self, model: Formulation | None = None) -> Run:
        limits = Limits(
            seconds=self.options.seconds,
            gap=self.options.gap,
            seed=self.options.seed,
            threads=self.options.threads,
        )
        is_over = None if self.cancel is None else self.cancel.is_set
        return solve_milp(
            (model or self.model).problem,
            self.options.engine,
            limits,
            is_over,
            is_watched=self.cancel is not None,
        )

    def _told(self, incumbent: int | None, bound: int | None) -> None:
        if self.tell is not None:
            self.tell(incumbent, bound, time.monotonic() - self.began)

    def plan(self, account: Account | None, certificate: Certificate, run: Run | None) -> MixPlan:
        """Return the plan of an account (None: there is none) with its bound and run record."""
        goal = self.options.objective
        proof = bound_of(self.instance, certificate)
        objective = (account or Account(self.instance.image, {}, {})).objective(goal)
        status = Status.FEASIBLE if account is not None else Status.UNKNOWN
        if proof.is_infeasible:
            status = Status.INFEASIBLE
        elif account is not None and objective.total == proof.total:
            status = Status.OPTIMAL
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
            conflict=self._conflict(run, is_none=account is None),
            run=self._record(run, status),
        )

    def _conflict(self, run: Run | None, *, is_none: bool) -> tuple[Conflict, ...]:
        """Return the limits in conflict, where it is proven or claimed that there is no mix."""
        if not (is_none and self.options.conflicts) or (
            run is not None and run.status != "infeasible"
        ):
            return ()
        return conflict(self.instance.image, self._is_over)

    def _is_over(self) -> bool:
        is_cancelled = self.cancel is not None and self.cancel.is_set()
        return is_cancelled or time.monotonic() > self.began + self.options.seconds

    def _record(self, run: Run | None, status: Status) -> RunRecord:
        is_proven = status in (Status.OPTIMAL, Status.INFEASIBLE)
        stopped: StoppedBy = "proof" if is_proven or run is None else run.stopped_by
        claim = None
        if run is not None:
            if stopped == "proof" and not is_proven:
                stopped = "engine proof"
            claim = EngineClaim(
                engine=run.engine, status=Status(run.status), bound=self._claimed(run)
            )
        return RunRecord(
            stopped_by=stopped,
            seconds=round(time.monotonic() - self.began, 3),
            options=self.options.model_dump(mode="json"),
            versions=_versions(),
            claim=claim,
        )

    def _claimed(self, run: Run) -> int | None:
        """Return the engine's bound in the unit of the plan's objective."""
        if run.bound is None:
            return None
        goal, offset = self.options.objective, 0
        for name, demand in self.instance.image.demand.items():
            worth = demand.weight if goal == "work" else demand.value
            unit = sum(x for (k, _), x in self.model.unit.items() if k == name)
            if goal != "cost" and demand.wanted is not None:
                offset += round(worth * unit / 1e6)
        found = round(run.bound * self.model.scale)
        return found if goal == "cost" else offset - found


def finished(model: Formulation, run: Run) -> Account | None:
    """Return the account of an engine's plan: whole domains kept, their use solved again."""
    if not run.has_incumbent:
        return None
    fleet = taken(model, run.values)
    whole = [v for v in model.problem.variables() if v.cat == "Integer"]
    before = [(v, v.lowBound, v.upBound) for v in whole]
    try:
        for v in whole:
            v.lowBound = v.upBound = round(run.values.get(v.name, 0.0))
        again = solve_relaxed(model.problem)
    finally:
        for v, low, high in before:
            v.lowBound, v.upBound = low, high
    tries = [again.values, run.values] if again.values else [run.values]
    found = (rounded(model, fleet, values) for values in tries)
    return next((account for account in found if account is not None), None)


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


def _versions() -> dict[str, str]:
    found = {"cores": str(os.cpu_count())}
    for name in ("fleetwatt", "pulp", "highspy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "source"
    return found
