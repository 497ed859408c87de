"""Other ways to run a generated job: a gang of another size, gangs on other chips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from instances.sampling import LARGEST_GANG

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from instances.fleet import FleetPool
    from instances.sampling import Draft
    from optimizer.domain.instance import Instance
    from optimizer.domain.workloads import Workload

__all__ = ["Sized", "at_home", "elsewhere"]

AS_FAST = 1.05
"""A gang on other chips takes no longer than this times the hours at home."""


@dataclass(frozen=True, slots=True)
class Sized:
    """A gang in slices of a size, where it may run, and how long it takes [h]."""

    slice_chips: int
    slices: int
    hours: float
    pools: tuple[str, ...]

    @property
    def chips(self) -> int:
        """Chips of the gang."""
        return self.slice_chips * self.slices


def at_home(fleet: Sequence[FleetPool], draft: Draft, chips: int) -> tuple[str, ...]:
    """Return the pools of the home chip and domain that hold a gang with room beside it."""
    home = draft.pool
    alike = [p for p in fleet if (p.chip, p.domain) == (home.chip, home.domain)]
    return tuple(p.name for p in alike if p is home or chips <= LARGEST_GANG * p.chips)


def elsewhere(
    world: Instance, fleet: Sequence[FleetPool], draft: Draft, model: Workload, work: float
) -> list[Sized]:
    """Return for each other kind of chip and domain the smallest gang that is about as fast.

    fleet
        Pools in which the job may run.
    """
    kinds: dict[tuple[str, str | None], list[FleetPool]] = {}
    for pool in fleet:
        if (pool.chip, pool.domain) != (draft.pool.chip, draft.pool.domain):
            kinds.setdefault((pool.chip, pool.domain), []).append(pool)
    found = []
    for pools in kinds.values():
        if world.chips[pools[0].chip].hbm_gb < model.min_hbm_gb:
            continue
        sized = _smallest(max(pools, key=lambda p: p.chips), draft, model, work)
        if sized is not None:
            slice_chips, slices, hours = sized
            chips = slice_chips * slices
            names = tuple(p.name for p in pools if chips <= LARGEST_GANG * p.chips)
            found.append(Sized(slice_chips, slices, hours, names))
    return found


def _smallest(
    pool: FleetPool, draft: Draft, model: Workload, work: float
) -> tuple[int, int, float] | None:
    """Return (slice, slices, hours) of the smallest gang in a pool that is as fast, or None."""
    for slice_chips, slices in _sizes(pool, draft):
        rate = model.rate(pool.chip, pool.domain, slice_chips, slice_chips * slices)
        if rate is not None and work / rate.work_per_hour <= AS_FAST * draft.hours:
            return slice_chips, slices, work / rate.work_per_hour
    return None


def _sizes(pool: FleetPool, draft: Draft) -> Iterator[tuple[int, int]]:
    """Yield sizes to try: slices of a domain for what is one at home, then whole domains."""
    if draft.slices == 1 and draft.slice_chips < draft.pool.domain_chips:
        yield from ((s, 1) for s in pool.sizes if s < pool.domain_chips)
    yield from ((pool.domain_chips, k) for k in range(1, int(LARGEST_GANG * pool.domains) + 1))
