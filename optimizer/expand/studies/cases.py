"""What the studies of an expansion have in common: changes that they make, and differences.

A plan is worth its objective at least, and no plan more than the bound that the engine claims: what
two instances' best plans differ by lies between two numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optimizer.domain.answers.cases import Solved
from optimizer.domain.answers.swings import End
from optimizer.domain.changes.patch import Change, patch, pointer
from optimizer.domain.growth.scenes import JOINT
from optimizer.errors import InstanceError, PlanError
from optimizer.expand.check import check
from optimizer.expand.plan import Rule
from optimizer.expand.studies.named import kept
from optimizer.units import usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.domain.answers.cases import Case
    from optimizer.domain.growth.expand import Expand
    from optimizer.domain.growth.scenes import FutureImage
    from optimizer.domain.instance import Instance
    from optimizer.expand.plan import ExpandPlan, Options

__all__ = [
    "KEPT", "Between", "asked", "between", "futures_data", "keeping", "kept_at",
    "moment", "not_before", "units_of", "without",
]  # fmt: skip

KEPT = "best-as-stated"
"""The name under which a plan is laid into a changed instance: the search begins with it."""


@dataclass(frozen=True, slots=True)
class Between:
    """An amount that lies between two [nano-USD]; None where nothing is known to that side."""

    low: int | None
    high: int | None

    @property
    def is_told(self) -> bool:
        """Whether it is told apart from nothing."""
        return (self.low is not None and self.low > 0) or (self.high is not None and self.high < 0)

    @property
    def usd(self) -> tuple[float | None, float | None]:
        """Both ends in USD."""
        low, high = (None if x is None else usd(x) for x in (self.low, self.high))
        return low, high

    def less(self, other: Between) -> Between:
        """Return the difference."""
        low = None if self.low is None or other.high is None else self.low - other.high
        high = None if self.high is None or other.low is None else self.high - other.low
        return Between(low, high)


def between(plan: ExpandPlan) -> Between:
    """Return what the best plan is worth: no less than one in hand, no more than the bound."""
    return Between(plan.objective.total, plan.bound)


def asked(instance: Instance) -> Expand:
    """Return what an instance asks of an expansion.

    Raises
    ------
    InstanceError
        If it asks none.
    """
    if instance.expand is None:
        raise InstanceError(["expand: is missing; the instance does not say what can be built"])
    return instance.expand


def moment(instance: Instance, period: int) -> str:
    """Return the start of a period, or the end of the last, as it stands in a file."""
    return f"{instance.growth.calendar.edges[period]:%Y-%m-%dT%H:%M:%SZ}"


def keeping(instance: Instance, plan: ExpandPlan) -> Change:
    """Return the change by which a plan is a named one, as far as it is one for all futures."""

    def steps(given: Sequence[Any]) -> list[dict[str, Any]]:
        return [
            {"build": s.build, "site": s.site, "at": moment(instance, s.period), "units": s.units}
            for s in given
        ]

    orders, gone = steps(plan.orders), steps(plan.retirements)
    named: dict[str, Any] = {"orders": orders} if orders else {}
    named |= {"retirements": gone} if gone else {}
    named |= {"contracts": list(plan.contracts)} if plan.contracts else {}
    return Change(pointer("expand", "plans", KEPT), named)


def not_before(instance: Instance, build: str, period: int) -> Change:
    """Return the change by which a build is ordered from a period on at the earliest."""
    first = max(instance.growth.builds[list(asked(instance).builds).index(build)].first, period)
    return Change(pointer("expand", "builds", build, "first"), moment(instance, first))


def without(instance: Instance, build: str) -> Change:
    """Return the change by which a build is never ordered."""
    return not_before(instance, build, instance.growth.periods)


def futures_data(instance: Instance, futures: Sequence[FutureImage]) -> dict[str, Any]:
    """Return futures as they stand in a file: factors in millionths, whole delays, defaults.

    Probabilities are those given; they have to sum to a billion.
    """
    growth, expand, found = instance.growth, asked(instance), {}
    for f in futures:
        data: dict[str, Any] = {"probability": f.ppb / 1e9}
        data["drivers"] = {d: [x / 1e6 for x in row] for d, row in f.factors.items()}
        each = zip(expand.builds, f.delays, strict=True)
        data["delays"] = {name: n for name, n in each if n}
        due = zip(expand.contracts, f.defaults, strict=True)
        data["defaults"] = {c: moment(instance, t) for c, t in due if t < growth.periods}
        found[f.name] = {k: v for k, v in data.items() if v}
    return found


def units_of(plan: ExpandPlan, build: str) -> int:
    """Return how many units of a build a plan orders, at most, whatever is learnt."""
    always = sum(step.units for step in plan.orders if step.build == build)
    each = {n.node: sum(s.units for s in n.orders if s.build == build) for n in plan.nodes}
    paths = (
        sum(units for n, units in each.items() if f"{leaf}{JOINT}".startswith(f"{n}{JOINT}"))
        for leaf in each
    )
    return always + max(paths, default=0)


# ---- a plan that is kept -------------------------------------------------------------------------


def kept_at(instance: Instance, case: Case, plan: ExpandPlan, options: Options) -> End:
    """Return what a plan, as it is, is worth in a case's instance, with the rules it breaks."""
    world = patch(instance, case.changes) if case.changes else instance
    try:
        found = kept(world, plan, options)
    except PlanError:  # its orders are out of their windows there
        return End(Solved(case, world, None), None, (Rule.LEAD_TIME,))
    rules = tuple(dict.fromkeys(v.rule for v in check(world, found).violations))
    return End(Solved(case, world, None if rules else found), found.objective.total, rules)
