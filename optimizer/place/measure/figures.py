"""What a plan reaches by every goal: cost, latest end, shares of tenants; whole numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from optimizer.place.measure.images import MILLION
from optimizer.units import nano

if TYPE_CHECKING:
    from collections.abc import Collection

    from optimizer.domain.instance import Instance
    from optimizer.place.plan import ObjectiveParts

__all__ = ["BILLION", "Claim", "claims", "cost_of", "least_share", "running_end", "shares"]

BILLION = 1_000_000_000
"""Shares are in parts per billion."""


class Claim(NamedTuple):
    """What fairness weighs of a tenant that has jobs of value.

    Attributes
    ----------
    weight, largest
        Its weight, and the largest of all such tenants [millionths].
    value
        Value of all its jobs [nano-USD].
    """

    weight: int
    largest: int
    value: int

    def share(self, placed: int) -> int:
        """Return the share that a placed value [nano-USD] is, in parts per billion."""
        return BILLION * placed * self.largest // (self.weight * self.value)

    def need(self, share: int) -> int:
        """Return the least placed value that reaches a share [nano-USD]."""
        return -(-share * self.weight * self.value // (BILLION * self.largest))


def claims(instance: Instance) -> dict[str, Claim]:
    """Return the tenants that have jobs of value, with what fairness weighs."""
    value = dict.fromkeys(instance.tenants, 0)
    for job in instance.jobs:
        if job.tenant is not None:
            value[job.tenant] += nano(job.value_usd)
    weight = {
        name: max(1, round(instance.tenants[name].weight * MILLION))
        for name in value
        if value[name]
    }
    largest = max(weight.values(), default=1)
    return {name: Claim(each, largest, value[name]) for name, each in weight.items()}


def shares(instance: Instance, placed: Collection[str]) -> dict[str, int]:
    """Return the share of every tenant that counts [parts per billion], from ids of placed jobs."""
    found = claims(instance)
    value = dict.fromkeys(found, 0)
    for job in instance.jobs:
        if job.tenant in value and job.id in placed:
            value[job.tenant] += nano(job.value_usd)
    return {name: claim.share(value[name]) for name, claim in found.items()}


def least_share(instance: Instance, placed: Collection[str]) -> int | None:
    """Return the least share of a tenant, parts per billion; None where no tenant counts."""
    return min(shares(instance, placed).values(), default=None)


def cost_of(objective: ObjectiveParts) -> int:
    """Return what a plan costs [nano-USD]: lateness, one-offs, energy and what else it pays."""
    return objective.value - objective.total


def running_end(instance: Instance) -> int:
    """Return when the last running job ends that has to stay [period boundary]; 0 for none."""
    h, latest = instance.horizon, 0
    for j in range(len(instance.jobs)):
        if instance.has_to_stay(j):
            mode = instance.modes(j)[0]
            stands = [instance.sites[instance.pools[p.pool].site].is_called(h) for p in mode.parts]
            left, t = mode.duration, 0
            while left and t < h.periods:
                left -= not (mode.pauses and any(called[t] for called in stands))
                t += 1
            latest = max(latest, t)
    return latest
