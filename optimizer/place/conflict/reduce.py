"""An irreducible set of groups that no plan keeps together, by leaving out what is not needed.

A group is left out where no plan exists without it either. What is tried is halved until single
groups remain, so that many are left out at once. A test ends with a proof that there is still no
plan (prices, MODEL section 6), with a plan, with an engine's claim, or with neither; a group whose
test ends with neither stays, and the set is then not known to be minimal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from optimizer.errors import PlanError
from optimizer.place.check import check
from optimizer.place.conflict.groups import groups_of, relaxed
from optimizer.place.conflict.proof import is_disproof
from optimizer.place.goal import feasibility_image, has_to_run
from optimizer.place.plan import Certificate, Group, Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.domain.instance import Instance
    from optimizer.place.plan import PlacePlan

__all__ = ["Found", "Reducer"]

Answer = Literal["plan", "proof", "claim", "nothing"]
Shown = Literal["proven", "claimed", "not shown"]


@dataclass
class Found:
    """A set of groups, and what is known of it.

    Attributes
    ----------
    shown
        That no plan keeps all of them: `proven` by prices, `claimed` by an engine, `not shown`.
    is_minimal
        A plan was found without each one of them, and checked.
    """

    groups: tuple[Group, ...]
    shown: Shown
    is_minimal: bool


@dataclass
class Reducer:
    """Leaves out groups of an instance.

    Attributes
    ----------
    solve
        Solves an image, within limits that it sets itself.
    is_over
        Says when to try no more.
    """

    instance: Instance
    prices: Certificate | None
    solve: Callable[[Instance], PlacePlan]
    is_over: Callable[[], bool]
    needed: set[Group] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.every = groups_of(self.instance)

    def run(self) -> Found:
        """Return a set that is irreducible as far as the time allows."""
        kept = list(self.every)
        first = self.ask(kept)
        self._reduce(kept, self.every)
        said = (first, self.ask(kept))
        shown: Shown = "claimed" if "claim" in said else "not shown"
        shown = "proven" if "proof" in said else shown
        return Found(tuple(kept), shown, self.needed.issuperset(kept) and shown != "not shown")

    def _reduce(self, kept: list[Group], among: list[Group]) -> None:
        """Leave out of `kept` what can be of `among`; halve what cannot go at once."""
        among = [g for g in among if g in kept]
        if not among or self.is_over():
            return
        rest = [g for g in kept if g not in among]
        answer = self.ask(rest) if rest else "plan"
        if answer in ("proof", "claim"):
            kept[:] = rest
            return
        if len(among) == 1:
            if answer == "plan":
                self.needed.add(among[0])
            return
        half = len(among) // 2
        self._reduce(kept, among[:half])
        self._reduce(kept, among[half:])

    def ask(self, kept: list[Group]) -> Answer:
        """Return what is found of the instance with these groups only."""
        made = relaxed(self.instance, [g for g in self.every if g not in kept])
        if not has_to_run(made.jobs):
            return "plan"
        if self.prices is not None and _holds(made, self.prices):
            return "proof"
        image = feasibility_image(made)
        plan = self.solve(image)
        if plan.status is Status.INFEASIBLE:
            if plan.conflict is not None and plan.conflict.prices is not None:
                self.prices = plan.conflict.prices
            return "proof"
        if plan.status.has_plan and check(image, plan).is_good:
            return "plan"
        claim = plan.run.claim
        return "claim" if claim is not None and claim.status is Status.INFEASIBLE else "nothing"


def _holds(made: Instance, prices: Certificate) -> bool:
    """Return whether prices, without those of rows that are gone, still prove it."""
    limited = {name for name, tenant in made.tenants.items() if tenant.quota_chips is not None}
    quotas = {name: p for name, p in prices.quotas.items() if name in limited}
    spread = {name: p for name, p in prices.spread.items() if name in made.spreads}
    permits = {}
    for name, price in prices.permits.items():
        site, key = name.split("/", 1)
        if made.sites[site].supplies[key].permit is not None:
            permits[name] = price
    waits = {job.id: job.predecessors for job in made.jobs}
    precedence = {
        name: {before: p for before, p in paid.items() if before in waits.get(name, ())}
        for name, paid in prices.precedence.items()
    }
    rounding = tuple(r for r in prices.rounding if r.row != "quota" or r.of in limited)
    covers = tuple(r for r in prices.covers if r.row != "quota" or r.of in limited)
    update = {
        "quotas": quotas,
        "spread": spread,
        "permits": permits,
        "precedence": precedence,
        "rounding": rounding,
        "covers": covers,
    }
    try:
        return is_disproof(made, prices.model_copy(update=update))
    except PlanError:
        return False
