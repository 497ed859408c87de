"""Ways: on which domains, in which gang, at which power level a class of work may run.

A way is the mode of `mix`: it has no time. What a domain does in an hour follows from the rate of
the gang: slices of one size fill the domain, what is left of it stands idle, so a domain of 72
chips holds one slice of 64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.units import watts_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.domain.chips import Chip, ScaleUpDomain
    from optimizer.domain.fleet.demand import Demand
    from optimizer.domain.fleet.mix import Mix
    from optimizer.domain.instance import Instance
    from optimizer.domain.workloads import Workload

__all__ = ["GangRate", "Stock", "Way", "gang_rates", "is_allowed", "stocks", "ways"]

Stock = tuple[str, str]
"""Domains of one kind at a site: (site, kind)."""


@dataclass(frozen=True, slots=True)
class GangRate:
    """A gang and what a domain that is full of such gangs does.

    Attributes
    ----------
    needs
        Domains that one gang holds at once.
    per_hour
        Work of one domain in an hour at full power [unit of the workload].
    is_assumed
        The rate, or one of the rates it was made from, is an estimate.
    """

    chips: int
    slice_chips: int
    needs: int
    per_hour: float
    is_assumed: bool


@dataclass(frozen=True, slots=True)
class Way:
    """A way to do work of a demand.

    Attributes
    ----------
    stock, level
        Which domains, at which power level.
    gang
        In which gangs, and what a domain does at full power.
    per_hour
        Work of one domain in an hour, at this power level.
    draw_w
        IT draw of one domain in training [W], rounded up.
    """

    demand: str
    stock: Stock
    level: str
    gang: GangRate
    per_hour: float
    draw_w: int

    @property
    def key(self) -> tuple[str, str, str, str, int, int]:
        """Demand, site, kind of domain, power level, slice and gang: no two ways share it."""
        return (self.demand, *self.stock, self.level, self.gang.slice_chips, self.gang.chips)


def stocks(instance: Instance, mix: Mix) -> tuple[Stock, ...]:
    """Return what kinds of domain may stand where: by an offer, or because they are there."""
    found: dict[Stock, None] = {}
    for pool in instance.pools.values():
        if pool.domain is not None:
            found[pool.site, pool.domain] = None
    for offer in mix.offers.values():
        for site in instance.sites if offer.sites is None else offer.sites:
            if can_cool(instance, site, offer.domain):
                found[site, offer.domain] = None
    return tuple(sorted(found))


def can_cool(instance: Instance, site: str, domain: str) -> bool:
    """Return whether a site has a cooling that the chips of a domain can use."""
    chip = instance.chips[instance.domains[domain].chip]
    return bool(set(chip.cooling) & set(instance.sites[site].cooling))


def is_allowed(instance: Instance, demand: Demand, site: str) -> bool:
    """Return whether residency lets a demand run at a site."""
    there = instance.sites[site]
    return (demand.countries is None or there.country in demand.countries) and (
        demand.owners is None or there.owner in demand.owners
    )


def ways(instance: Instance, mix: Mix) -> tuple[Way, ...]:
    """Return every way, demand by demand, stock by stock, level by level."""
    out: list[Way] = []
    there = stocks(instance, mix)
    kinds = {kind for _, kind in there}
    for name, demand in mix.demand.items():
        rates = {kind: gang_rates(instance, demand, kind) for kind in kinds}
        for site, kind in there:
            if is_allowed(instance, demand, site):
                out.extend(_of(instance, mix, name, (site, kind), rates[kind]))
    return tuple(out)


def _of(
    instance: Instance, mix: Mix, name: str, stock: Stock, rates: tuple[GangRate, ...]
) -> Iterator[Way]:
    domain = instance.domains[stock[1]]
    chip = instance.chips[domain.chip]
    for label, level in chip.levels.items():
        if mix.power_levels is not None and label not in mix.power_levels:
            continue
        draw_w = watts_up(domain.chips * planned_kw(chip, mix) * level.draw_share)
        for gang in rates:
            yield Way(name, stock, label, gang, gang.per_hour * level.speed_share, draw_w)


def planned_kw(chip: Chip, mix: Mix) -> float:
    """Return the draw of a chip that is planned with [kW]."""
    return chip.training_kw if mix.draw == "training" else chip.nameplate_kw


def gang_rates(instance: Instance, demand: Demand, kind: str) -> tuple[GangRate, ...]:
    """Return the gangs of a demand on a kind of domain that are worth having.

    A gang is left out if one that holds no more domains at once does as much in each.
    """
    domain, workload = instance.domains[kind], instance.workloads[demand.workload]
    if kind in demand.not_on or instance.chips[domain.chip].hbm_gb < workload.min_hbm_gb:
        return ()
    kept: list[GangRate] = []
    found = [_gang_rate(workload, domain, kind, *size) for size in _sizes(demand, workload, kind)]
    good = (g for g in found if g is not None and not _is_cut(demand, domain, g.slice_chips))
    for gang in sorted(good, key=lambda g: (g.needs, -g.per_hour, g.chips, g.slice_chips)):
        if not kept or gang.per_hour > kept[-1].per_hour:
            kept.append(gang)
    return tuple(kept)


def _sizes(demand: Demand, workload: Workload, kind: str) -> list[tuple[int, int]]:
    """Return the sizes to try, as (chips, slice_chips)."""
    if demand.gangs is not None:
        return [(g.chips, g.slice_chips) for g in demand.gangs]
    return [(r.chips, r.slice_chips) for r in workload.rates if r.domain == kind]


def _is_cut(demand: Demand, domain: ScaleUpDomain, slice_chips: int) -> bool:
    """Whether a slice is a part of a domain for a class that needs whole ones."""
    return demand.whole_domain and slice_chips != domain.chips


def _gang_rate(
    workload: Workload, domain: ScaleUpDomain, kind: str, chips: int, slice_chips: int
) -> GangRate | None:
    """Return what a domain full of such gangs does; None where it cannot hold one, or no rate."""
    if not domain.cuts(slice_chips) or chips % slice_chips:
        return None
    rate = workload.rate(domain.chip, kind, slice_chips, chips)
    if rate is None:
        return None
    held, slices = domain.chips // slice_chips, chips // slice_chips
    per_hour = rate.work_per_hour * held / slices
    return GangRate(chips, slice_chips, -(-slices // held), per_hour, rate.is_assumed)
