"""The integer image of a mix: every coefficient as a whole number, made once for all.

Domains at work are counted in billionths of a domain, work in millionths of its unit, power in
watts, money in nano-USD. MODEL section 7 is the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import TYPE_CHECKING

from optimizer.domain.fleet.phases import YEAR_HOURS, Phase, discount_at, phases, year_of
from optimizer.domain.fleet.ways import Stock, Way, can_cool, stocks, ways
from optimizer.units import MONTH_HOURS, NANO, nano, watts_down

if TYPE_CHECKING:
    from optimizer.domain.fleet.mix import Mix
    from optimizer.domain.fleet.offers import Offer, Tier
    from optimizer.domain.instance import Instance

__all__ = [
    "DOMAIN", "MILLION", "WORK", "DemandImage", "Image", "OfferImage", "SiteImage", "SupplyImage",
    "TierImage", "make_image",
]  # fmt: skip

DOMAIN = NANO
"""Parts in which a domain at work is counted."""

WORK = 1_000_000
"""Parts in which a unit of work is counted."""

MILLION = 1_000_000
"""Shares are counted in millionths."""

Ints = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SupplyImage:
    """A power source in a phase.

    Attributes
    ----------
    cap_w
        What it can give [W].
    cost, cash
        A watt throughout the phase [nano-USD], discounted and as paid.
    """

    name: str
    cap_w: int
    cost: int
    cash: int


@dataclass(frozen=True, slots=True)
class SiteImage:
    """A site in a phase; its supplies, the cheapest first."""

    pue_milli: int
    other_w: int
    supplies: tuple[SupplyImage, ...]


@dataclass(frozen=True, slots=True)
class TierImage:
    """A price of an offer, for each domain [nano-USD].

    Attributes
    ----------
    least, most
        Quantities over all sites at which it holds [domains]; an empty span if least > most.
    upfront_cost, upfront_cash
        At delivery: discounted and less what is left at the end, and as paid.
    rent_cost, rent_cash, upkeep_cost, upkeep_cash
        In each phase, the rent of a domain used throughout.
    """

    least: int
    most: int
    upfront_cost: int
    upfront_cash: int
    rent_cost: Ints
    rent_cash: Ints
    upkeep_cost: Ints
    upkeep_cash: Ints


@dataclass(frozen=True, slots=True)
class OfferImage:
    """An offer, phase by phase.

    Attributes
    ----------
    sites
        Where its domains may stand.
    is_there, is_delivered
        In which phases they can be used, and have been taken from the supply of their chip.
    year
        In which year of the horizon they are paid for.
    pay_ppm
        Millionths of the rent that are owed in any case.
    """

    name: str
    kind: str
    chip: str
    chips: int
    vendor: str
    sites: tuple[str, ...]
    is_there: tuple[bool, ...]
    is_delivered: tuple[bool, ...]
    year: int
    pay_ppm: int
    tiers: tuple[TierImage, ...]

    def committed(self, tier: TierImage) -> int:
        """Return what one domain commits to: all but the rent of hours that need not be paid."""
        owed = sum(tier.rent_cash) * self.pay_ppm // MILLION
        return tier.upfront_cash + owed + sum(tier.upkeep_cash)

    def tier_of(self, domains: int) -> TierImage:
        """Return the tier that prices a quantity."""
        reached = [tier for tier in self.tiers if tier.least <= domains]
        return reached[-1] if reached else self.tiers[0]


@dataclass(frozen=True, slots=True)
class DemandImage:
    """A demand, phase by phase.

    Attributes
    ----------
    wanted
        Millionths of a unit of work; None for as much as possible.
    may_lack
        How much of it may stay unserved: what its least share leaves, and a millionth of it.
    value, weight
        Of one unit [nano-USD], [billionths].
    """

    wanted: Ints | None
    may_lack: Ints
    value: int
    weight: int


@dataclass(frozen=True, slots=True)
class Image:
    """The whole problem in whole numbers.

    Attributes
    ----------
    sites, owned, present
        By site: one entry a phase; by stock: domains that are there already in each phase, usable
        and with spares.
    idle_w, racks_milli
        By kind of domain: idle draw [W] and floor space [thousandths of a rack].
    room_milli
        By site: floor space [thousandths of a rack]; None where it is not known.
    work
        By way: what a domain does in each phase [millionths of a unit], utilisation included.
    power_w, supply_chips, capex, cash, vendor_ppm, work_floor
        Limits: over all sites in each phase [W]; by chip in each phase; [nano-USD]; [nano-USD] of
        each year; by vendor; [billionths of weight], less a millionth. None where there is none.
    """

    phases: tuple[Phase, ...]
    stocks: tuple[Stock, ...]
    ways: tuple[Way, ...]
    work: tuple[Ints, ...]
    sites: dict[str, tuple[SiteImage, ...]]
    offers: tuple[OfferImage, ...]
    demand: dict[str, DemandImage]
    owned: dict[Stock, Ints]
    present: dict[Stock, Ints]
    idle_w: dict[str, int]
    racks_milli: dict[str, int]
    room_milli: dict[str, int | None]
    power_w: Ints | None
    supply_chips: dict[str, Ints]
    capex: int | None
    cash: Ints | None
    vendor_ppm: dict[str, int]
    work_floor: int | None


def make_image(instance: Instance, mix: Mix) -> Image:
    """Return the integer image of an instance's mix."""
    when, h = phases(instance, mix), instance.horizon
    there, every = stocks(instance, mix), ways(instance, mix)
    years = when[-1].year + 1
    cash = None if mix.yearly_cash_usd is None else [nano(x) for x in mix.yearly_cash_usd]
    floor_of_work = None if mix.work_at_least is None else nano(mix.work_at_least)
    power = None if mix.power_mw is None else mix.power_mw.over(h, "min")
    return Image(
        phases=when,
        stocks=there,
        ways=every,
        work=tuple(_work(way, mix.utilisation, when) for way in every),
        sites={name: _site(instance, name, when) for name in instance.sites},
        offers=tuple(_offer(instance, mix, name, when) for name in mix.offers),
        demand={name: _demand(instance, mix, name, when) for name in mix.demand},
        owned={stock: _pools(instance, stock, when, is_usable=True) for stock in there},
        present={stock: _pools(instance, stock, when, is_usable=False) for stock in there},
        idle_w={k: d.chips * instance.chips[d.chip].idle_w for k, d in instance.domains.items()},
        racks_milli={k: ceil(d.racks * 1000 - 1e-6) for k, d in instance.domains.items()},
        room_milli={
            name: None if site.racks is None else floor(site.racks * 1000 + 1e-6)
            for name, site in instance.sites.items()
        },
        power_w=None if power is None else tuple(watts_down(power[f.first]) for f in when),
        supply_chips={
            chip: tuple(floor(series.over(h, "min")[f.first] + 1e-6) for f in when)
            for chip, series in mix.supply_chips.items()
        },
        capex=None if mix.capex_usd is None else nano(mix.capex_usd),
        cash=None if cash is None else tuple(cash[min(y, len(cash) - 1)] for y in range(years)),
        vendor_ppm={v: floor(x * MILLION + 1e-6) for v, x in mix.vendor_share.items()},
        work_floor=floor_of_work if floor_of_work is None else floor_of_work * 999_999 // MILLION,
    )


def _work(way: Way, utilisation: float, when: tuple[Phase, ...]) -> Ints:
    each = way.per_hour * utilisation
    return tuple(floor(each * f.hours * WORK + 1e-6) for f in when)


def _site(instance: Instance, name: str, when: tuple[Phase, ...]) -> tuple[SiteImage, ...]:
    site, h = instance.sites[name], instance.horizon
    pue, other, out = site.pue_milli(h), site.other_w(h), []
    for f in when:
        supplies = []
        for key, supply in site.supplies.items():
            carbon = supply.carbon_kg_per_mwh.over(h, "mean")[f.first] * instance.carbon_usd_per_kg
            price = float(supply.price_usd_per_mwh.over(h, "mean")[f.first] + carbon)
            cost, cash = round(price * f.hours * f.discount * 1000), round(price * f.hours * 1000)
            supplies.append(SupplyImage(key, int(supply.cap_w(h)[f.first]), cost, cash))
        supplies.sort(key=lambda s: s.cost)
        out.append(SiteImage(int(pue[f.first]), int(other[f.first]), tuple(supplies)))
    return tuple(out)


def _pools(instance: Instance, stock: Stock, when: tuple[Phase, ...], *, is_usable: bool) -> Ints:
    h, total = instance.horizon, [0] * len(when)
    for pool in instance.pools.values():
        if (pool.site, pool.domain) == stock:
            row = pool.usable(h) if is_usable else pool.present(h)
            total = [n + int(row[f.first]) for n, f in zip(total, when, strict=True)]
    return tuple(total)


def _demand(instance: Instance, mix: Mix, name: str, when: tuple[Phase, ...]) -> DemandImage:
    demand = mix.demand[name]
    value, weight = nano(demand.value_usd_per_unit or 0.0), nano(demand.weight)
    if demand.work_per_month is None:
        return DemandImage(None, (0,) * len(when), value, weight)
    monthly = demand.work_per_month.over(instance.horizon, "mean")
    wanted = tuple(
        ceil(float(monthly[f.first]) * f.hours / MONTH_HOURS * WORK - 1e-6) for f in when
    )
    share = 1.0 if demand.value_usd_per_unit is None else demand.least_share
    ppm = ceil(share * MILLION - 1e-6)
    lacks = tuple(min(w, w - -(-w * ppm // MILLION) + w // MILLION) for w in wanted)
    return DemandImage(wanted, lacks, value, weight)


def _offer(instance: Instance, mix: Mix, name: str, when: tuple[Phase, ...]) -> OfferImage:
    offer, h = mix.offers[name], instance.horizon
    domain = instance.domains[offer.domain]
    first, end = offer.periods(h)
    allowed = instance.sites if offer.sites is None else offer.sites
    return OfferImage(
        name=name,
        kind=offer.domain,
        chip=domain.chip,
        chips=domain.chips,
        vendor=offer.vendor or instance.chips[domain.chip].vendor or domain.chip,
        sites=tuple(s for s in allowed if can_cool(instance, s, offer.domain)),
        is_there=tuple(first <= f.first < end for f in when),
        is_delivered=tuple(first <= f.first for f in when),
        year=year_of(first * h.period_hours),
        pay_ppm=ceil(offer.take_or_pay * MILLION - 1e-6),
        tiers=tuple(
            _tier(offer, tier, (least, most), domain.chips, instance, mix, when)
            for tier, least, most in offer.spans()
        ),
    )


def _tier(
    offer: Offer,
    tier: Tier,
    span: tuple[int, int],
    chips: int,
    instance: Instance,
    mix: Mix,
    when: tuple[Phase, ...],
) -> TierImage:
    h, rate = instance.horizon, mix.discount_rate_per_year
    first, end = offer.periods(h)
    paid = tier.upfront_usd_per_chip * chips
    at_delivery = discount_at(rate, first * h.period_hours)
    left = offer.residual_share * discount_at(rate, h.hours)
    hours = [f.hours if first <= f.first < end else 0.0 for f in when]
    rents = [tier.usd_per_chip_hour * chips * x for x in hours]
    upkeep = [paid * offer.upkeep_share_per_year * x / YEAR_HOURS for x in hours]
    return TierImage(
        least=span[0],
        most=span[1],
        upfront_cost=nano(paid * (at_delivery - left)),
        upfront_cash=nano(paid),
        rent_cost=tuple(nano(x * f.discount) for x, f in zip(rents, when, strict=True)),
        rent_cash=tuple(map(nano, rents)),
        upkeep_cost=tuple(nano(x * f.discount) for x, f in zip(upkeep, when, strict=True)),
        upkeep_cash=tuple(map(nano, upkeep)),
    )
