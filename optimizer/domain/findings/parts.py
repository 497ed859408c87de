"""What could be read of an instance, and findings that several places need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from optimizer.domain.chips import Chip, ScaleUpDomain
    from optimizer.domain.fleet.mix import Mix
    from optimizer.domain.growth.expand import Expand
    from optimizer.domain.horizon import Horizon
    from optimizer.domain.instance import Instance
    from optimizer.domain.jobs import Budget, Job, Moves, Spread, Tenant
    from optimizer.domain.sites import Pool, Site
    from optimizer.domain.workloads import Workload

__all__ = ["Parts", "slice_fits", "unknown"]


@dataclass(frozen=True)
class Parts:
    """What could be read of an instance; `names` has every name, readable or not."""

    horizon: Horizon | None
    chips: Mapping[str, Chip]
    domains: Mapping[str, ScaleUpDomain]
    workloads: Mapping[str, Workload]
    sites: Mapping[str, Site]
    pools: Mapping[str, Pool]
    tenants: Mapping[str, Tenant]
    budgets: Mapping[str, Budget]
    spreads: Mapping[str, Spread]
    jobs: Mapping[int, Job]
    names: Mapping[str, frozenset[str]]
    mix: Mix | None = None
    moves: Moves | None = None
    expand: Expand | None = None

    def has_to_stay(self, job: Job) -> bool:
        """Return whether a job runs already and stays where it is."""
        return job.running is not None and (self.moves is None or job.running.move is None)

    @classmethod
    def of(cls, instance: Instance) -> Parts:
        """Return the parts of a whole instance."""
        kinds = ("chips", "domains", "workloads", "sites", "pools", "tenants", "budgets", "spreads")
        return cls(
            instance.horizon,
            instance.chips,
            instance.domains,
            instance.workloads,
            instance.sites,
            instance.pools,
            instance.tenants,
            instance.budgets,
            instance.spreads,
            dict(enumerate(instance.jobs)),
            {kind: frozenset(getattr(instance, kind)) for kind in kinds},
            instance.mix,
            instance.moves,
            instance.expand,
        )


def unknown(where: str, name: str, kind: str, parts: Parts) -> Iterator[str]:
    """Say that a name stands for nothing."""
    known = parts.names[kind]
    if name not in known:
        some = ", ".join(sorted(known)[:8]) + (", ..." if len(known) > 8 else "")
        one = {"chips": "chip", "domains": "domain"}.get(kind, kind[:-1])
        yield f"{where}: {name!r} is not a {one}; known {kind}: {some or 'none'}"


def slice_fits(where: str, slice_chips: int, pool: Pool, parts: Parts) -> Iterator[str]:
    """Say that a slice is not cut from the domains of a pool."""
    domain = parts.domains.get(pool.domain) if pool.domain is not None else None
    if domain is not None and not domain.cuts(slice_chips):
        sizes = ", ".join(map(str, sorted(domain.sizes)))
        yield f"{where}.slice_chips: not cut from {pool.domain}, got {slice_chips}; sizes: {sizes}"
