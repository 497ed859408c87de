"""Break-even: how late a step of the grid has to come before a turbine, a battery or solar pays.

The step comes so many periods later than it does anyway, in every future; earlier ones have a
shorter lead time. Twice is solved: with the other build, and without it. It is in every best plan
where a plan with it is worth more than the bound on all plans without it; what it is worth lies
between the differences of plan and bound either way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from optimizer.domain.answers.cases import Case
from optimizer.domain.changes.patch import Change, pointer
from optimizer.domain.growth.builds import PowerBuild
from optimizer.errors import InstanceError
from optimizer.expand.studies.cases import Between, asked, between, units_of, without

if TYPE_CHECKING:
    from optimizer.domain.answers.cases import Solve, Solved
    from optimizer.domain.instance import Instance
    from optimizer.expand.plan import ExpandPlan

__all__ = ["Bridge", "Tried", "bridges", "late_by"]

SCANS = 4
"""Into so many parts the delays are cut before they are halved."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What was found at a delay of so many periods more than stated: with the build, without it."""

    shift: int
    build: str
    with_it: Solved[ExpandPlan]
    without_it: Solved[ExpandPlan]

    @property
    def worth(self) -> Between:
        """What it is worth to have the build on offer, never less than nothing."""
        if self.with_it.plan is None or self.without_it.plan is None:
            return Between(None, None)
        found = between(self.with_it.plan).less(between(self.without_it.plan))
        return Between(max(0, found.low or 0), found.high)

    @property
    def is_in(self) -> bool:
        """Whether every best plan orders it."""
        is_needed = self.with_it.plan is not None and self.without_it.is_infeasible
        return is_needed or (self.worth.low or 0) > 0

    @property
    def units(self) -> int:
        """How many units the plan found orders."""
        return 0 if self.with_it.plan is None else units_of(self.with_it.plan, self.build)


@dataclass
class Bridge:
    """A build that may stand in for a step that is late.

    Attributes
    ----------
    tried
        By delay.
    """

    late: str
    build: str
    months: int
    tried: dict[int, Tried] = field(default_factory=dict)

    @property
    def enters(self) -> int | None:
        """The least delay [periods] that was tried at which it is in the plan; None: at none."""
        return min((d for d, x in self.tried.items() if x.is_in), default=None)

    @property
    def out(self) -> int | None:
        """The largest delay below that at which it is not, or not told apart from nothing."""
        end = self.enters
        below = [d for d, x in self.tried.items() if not x.is_in and (end is None or d < end)]
        return max(below, default=None)


def bridges(instance: Instance, solve: Solve) -> tuple[Bridge, ...]:
    """Return, for every step of the grid and other power at its site, the delay at which it pays.

    Raises
    ------
    InstanceError
        If no other power can stand where a step of the grid may.
    """
    expand = asked(instance)
    power = {n: b for n, b in expand.builds.items() if isinstance(b, PowerBuild)}
    found = [
        Bridge(late, other, expand.months_per_period)
        for late, step in power.items()
        for other, build in power.items()
        if step.kind == "grid" and build.kind != "grid" and set(step.sites) & set(build.sites)
    ]
    if not found:
        raise InstanceError(
            ["expand.builds: no turbine, battery or solar can stand where a grid build may"]
        )
    for each in found:
        _look(instance, solve, each)
    return tuple(found)


def _look(instance: Instance, solve: Solve, each: Bridge) -> None:
    """Try delays, then halve the distance of the two sides."""
    lead = asked(instance).builds[each.late].lead_periods
    most = instance.growth.periods - lead  # later than that it comes in no future
    scan = sorted({most * i // SCANS for i in range(SCANS + 1)})
    _try(instance, solve, each, scan)
    if each.tried[0].is_in and lead:  # it is in as things stand: would it be, if they were better?
        _try(instance, solve, each, sorted({-lead, -(lead // 2)}))
    while each.enters is not None and each.out is not None and each.enters - each.out > 1:
        _try(instance, solve, each, [(each.enters + each.out) // 2])


def _try(instance: Instance, solve: Solve, each: Bridge, shifts: list[int]) -> None:
    new = [d for d in shifts if d not in each.tried]
    cases = []
    for d in new:
        late = late_by(instance, each.late, d)
        label = f"{each.late} {_months(d * each.months)}"
        cases.append(Case(f"{label}, with {each.build}", late))
        cases.append(Case(f"{label}, no {each.build}", (*late, without(instance, each.build))))
    found = solve(cases)
    for i, d in enumerate(new):
        each.tried[d] = Tried(d, each.build, found[2 * i], found[2 * i + 1])


def _months(count: int) -> str:
    if count == 0:
        return "as stated"
    return f"{abs(count)} months {'later' if count > 0 else 'earlier'}"


def late_by(instance: Instance, build: str, periods: int) -> tuple[Change, ...]:
    """Return changes by which a build comes so many periods later than stated, in every future.

    A negative number shortens its lead time: what is paid at delivery is then paid earlier, too.
    """
    expand, growth = asked(instance), instance.growth
    if periods < 0:
        lead = expand.builds[build].lead_periods + periods
        return (Change(pointer("expand", "builds", build, "lead_periods"), lead),)
    if periods == 0:
        return ()
    if not expand.futures:
        late = {"as-planned": {"probability": 1.0, "delays": {build: periods}}}
        return (Change("/expand/futures", late),)
    u = list(expand.builds).index(build)
    return tuple(
        Change(pointer("expand", "futures", f.name, "delays", build), f.delays[u] + periods)
        for f in growth.futures
    )
