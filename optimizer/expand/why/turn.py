"""At which price a build or a contract comes in: reasons of `explain`, tried by new solves.

Let V(P, f) be what a plan P is worth at the share f of today's price: a line in f, or convex. The
best plan at a price far from today's has the build, or nothing brings it in. Where its line meets
what the plan in hand is worth is the next price to solve at: the best values are the upper envelope
of such lines, so that this is Newton's method on it and ends after few solves (Dinkelbach 1967).
Where the last line meets the bound on today's plans, that plan is no worse than any without the
build, as a price that is not paid changes none of these.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from optimizer.domain.answers.cases import Case
from optimizer.domain.answers.fixes import Fix
from optimizer.domain.answers.say import percent
from optimizer.domain.changes.patch import patch, pointer
from optimizer.domain.changes.scale import scaled
from optimizer.domain.growth.contracts import Lease
from optimizer.expand.studies.cases import asked, keeping, kept_at, units_of
from optimizer.expand.studies.named import kept

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.domain.answers.cases import Solve
    from optimizer.domain.changes.patch import Change
    from optimizer.domain.instance import Instance
    from optimizer.expand.plan import ExpandPlan, Options
    from optimizer.expand.why.out import Out

__all__ = ["FAR", "changes_at", "tried"]

FAR = {False: 0.0, True: 4.0}
"""The shares of today's price of a build, and of the rent of a contract, that are tried first."""

ROUNDS = 5
"""Solves for one price at most."""

NOISE = 1e-6
"""Share of the objective by which a plan has to be better to move a price on."""

CHORDS = 40
"""Points of a line that are priced at most."""

TO_THE_CENT = 1e-7
"""Share of the price by which it is put on the good side of where two values meet."""


def tried(
    instance: Instance, solve: Solve, plan: ExpandPlan, reasons: Sequence[Out], most: int,
    options: Options,
) -> tuple[Out, ...]:  # fmt: skip
    """Return reasons with so many of those that a price may turn tried, the nearest first."""
    open_ = [x for x in reasons if x.why in ("priced out", "idle") and x.short is not None]
    open_.sort(key=lambda x: (x.short or 0) / max(1, x.price or abs(plan.objective.total)))
    asked_of = {x.job for x in open_[:most]}
    return tuple(
        _turned(instance, solve, plan, x, options) if x.job in asked_of else x for x in reasons
    )


def changes_at(instance: Instance, reason: Out, share: float) -> tuple[Change, ...]:
    """Return the changes that put the price, or the rent, at a share of today's."""
    field, where = "cost_usd", "builds"
    if reason.is_contract:
        is_lease = isinstance(asked(instance).contracts[reason.job], Lease)
        field, where = "usd_per_mw_year" if is_lease else "usd_per_unit_hour", "contracts"
    return scaled(instance, (pointer("expand", where, reason.job, field),), share)[0]


def _turned(
    instance: Instance, solve: Solve, plan: ExpandPlan, reason: Out, options: Options
) -> Out:
    """Return a reason with the price that turns it, and the plan there."""
    share, keep, line = FAR[reason.is_contract], keeping(instance, plan), None
    least = plan.objective.total + NOISE * abs(plan.objective.total)
    stays = 1.0
    for _ in range(ROUNDS):
        changes = changes_at(instance, reason, share)
        label = f"{reason.job} at {share:.4g} of its price"
        (solved,) = solve([Case(label, (*changes, keep))])
        found = solved.plan
        is_in = found is not None and _has(found, reason)
        if found is None or not is_in or (line and found.objective.total <= least):
            stays = share
            break
        line = _Line(instance, reason, found, options)
        share = line.meets(plan.objective.total)
    if line is None:
        return replace(reason, stays=stays)
    target = plan.objective.total if plan.bound is None else plan.bound
    return _fixed(instance, reason, line, target, stays)


def _has(plan: ExpandPlan, reason: Out) -> bool:
    """Return whether a plan has a build, or a contract, anywhere in its tree."""
    if reason.is_contract:
        return any(reason.job in x for x in (plan.contracts, *(n.contracts for n in plan.nodes)))
    return units_of(plan, reason.job) > 0


class _Line:
    """What a plan is worth by the share of a price."""

    def __init__(self, instance: Instance, reason: Out, plan: ExpandPlan, options: Options) -> None:
        self.instance, self.reason, self.plan, self.options = instance, reason, plan, options
        self.far = FAR[reason.is_contract]
        self._known: dict[float, int] = {}

    def at(self, share: float) -> int:
        """Return what it is worth at a share [nano-USD], whatever rules it breaks there."""
        if share not in self._known:
            world = patch(self.instance, changes_at(self.instance, self.reason, share))
            self._known[share] = kept(world, self.plan, self.options).objective.total
        return self._known[share]

    def meets(self, total: int) -> float:
        """Return the share, as near to today's as can be, at which it is worth a total [nano-USD].

        The line bends where a rent moves a contract up in the order of who is served: it is then
        convex, and chords to the far end come nearer from today's side.
        """
        share, far = 1.0, self.at(self.far)
        for _ in range(CHORDS):
            here = self.at(share)
            if here >= total or far <= here:
                break
            share += min(1.0, (total - here) / (far - here)) * (self.far - share)
        return share


def _fixed(instance: Instance, reason: Out, line: _Line, target: int, stays: float) -> Out:
    """Return a reason with the price at which the plan with it is no worse than any without."""
    share = line.meets(target)
    share += (line.far - share) * TO_THE_CENT
    changes = changes_at(instance, reason, share)
    end = kept_at(instance, Case(f"{reason.job} comes in", changes), line.plan, line.options)
    if end.solved.plan is None or end.total is None or end.total < target:
        return replace(reason, stays=stays)
    what = "its rent" if reason.is_contract else "its price"
    text = (
        f"at {percent(share, 1)} of {what} a plan with it is no worse than any without "
        "(the bound on those is the solver's claim)"
    )
    fix = Fix("price", text, changes, end.solved.plan)
    return replace(reason, stays=stays, turns=share, fixes=(fix,))
