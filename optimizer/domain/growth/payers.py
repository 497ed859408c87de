"""Segments and contracts as whole numbers."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import TYPE_CHECKING

from optimizer.domain.growth.contracts import Lease
from optimizer.domain.growth.prices import Row, nano_row, ppm
from optimizer.units import nano, watts_up

if TYPE_CHECKING:
    from optimizer.domain.growth.calendar import Calendar
    from optimizer.domain.growth.contracts import Contract
    from optimizer.domain.growth.expand import Expand
    from optimizer.domain.instance import Instance

__all__ = ["ContractImage", "SegmentImage", "contracts_of", "segments_of"]


@dataclass(frozen=True, slots=True)
class SegmentImage:
    """Open demand: volume [microunits] and price [nano-USD per unit and hour] by period.

    Attributes
    ----------
    sites
        Numbers of the sites that may serve it.
    """

    name: str
    sites: frozenset[int]
    volume: Row
    price: Row
    volume_driver: str | None
    price_driver: str | None


@dataclass(frozen=True, slots=True)
class ContractImage:
    """A contract: what has to be there in periods [first, end), at what rent and penalty.

    Attributes
    ----------
    sites
        Where it may be served; of a lease its one site.
    is_lease
        amount is in W of IT and money in nano-USD per MW and year of 365 days; otherwise in
        microunits of compute and nano-USD per unit and hour.
    signing
        Period in which it is signed.
    rent
        By period, with the escalator; 0 outside [first, end).
    prepaid_ppm, backstop_ppm
        Shares of rent.
    """

    name: str
    sites: frozenset[int]
    is_lease: bool
    amount: int
    first: int
    end: int
    signing: int
    rent: Row
    penalty: int
    prepaid_ppm: int
    backstop_ppm: int
    is_signed: bool


def segments_of(instance: Instance, expand: Expand, calendar: Calendar) -> tuple[SegmentImage, ...]:
    """Return the segments of an expansion."""
    names = tuple(expand.sites)
    return tuple(
        SegmentImage(
            name,
            frozenset(names.index(s) for s in expand.sites_of(segment, instance.sites)),
            tuple(ppm(x) for x in segment.volume.over(calendar, "mean")),
            nano_row(segment.usd_per_unit_hour.over(calendar, "mean"), 1.0),
            segment.volume_driver,
            segment.price_driver,
        )
        for name, segment in expand.demand.items()
    )


def contracts_of(
    instance: Instance, expand: Expand, calendar: Calendar
) -> tuple[ContractImage, ...]:
    """Return the contracts of an expansion."""
    return tuple(
        _contract(instance, expand, calendar, name, contract)
        for name, contract in expand.contracts.items()
    )


def _contract(
    instance: Instance, expand: Expand, calendar: Calendar, name: str, contract: Contract
) -> ContractImage:
    names = tuple(expand.sites)
    first = calendar.down(contract.start)
    end = min(calendar.periods, first + contract.periods)
    if isinstance(contract, Lease):
        sites, amount = frozenset({names.index(contract.site)}), watts_up(contract.it_mw * 1000)
        rent, penalty = contract.usd_per_mw_year, contract.penalty_usd_per_mw_year
    else:
        sites = frozenset(names.index(s) for s in expand.sites_of(contract, instance.sites))
        amount = ceil(contract.units * 1_000_000 - 1e-6)
        rent, penalty = contract.usd_per_unit_hour, contract.penalty_usd_per_unit_hour
    rents = [0] * calendar.periods
    for t in range(first, end):
        if t > first and (t - first) * calendar.months % 12 == 0:  # another whole year
            rent *= 1 + contract.escalator_per_year
        rents[t] = nano(rent)
    return ContractImage(
        name=name,
        sites=sites,
        is_lease=isinstance(contract, Lease),
        amount=amount,
        first=first,
        end=end,
        signing=0 if contract.signing is None else calendar.down(contract.signing),
        rent=tuple(rents),
        penalty=nano(penalty),
        prepaid_ppm=floor(contract.prepayment_share * 1_000_000 + 1e-6),
        backstop_ppm=floor(contract.backstop_share * 1_000_000 + 1e-6),
        is_signed=contract.is_signed,
    )
