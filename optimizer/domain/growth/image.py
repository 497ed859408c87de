"""The integer image of an expansion: whole periods, watts, microunits of compute, nano-USD.

Engines and judge read the same image and add it up each in their own way. MODEL section 8 says what
every number means.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import TYPE_CHECKING

from optimizer.domain.growth.builds import ChipBuild, HallBuild, PowerBuild
from optimizer.domain.growth.calendar import Calendar
from optimizer.domain.growth.finance import FinanceImage, finance_of
from optimizer.domain.growth.payers import ContractImage, SegmentImage, contracts_of, segments_of
from optimizer.domain.growth.prices import Row, discounts, nano_row, ppm
from optimizer.domain.growth.scenes import FutureImage, futures_of
from optimizer.units import nano, watts_down, watts_up

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.domain.growth.builds import Build, Store
    from optimizer.domain.growth.expand import Expand
    from optimizer.domain.instance import Instance

__all__ = [
    "BuildImage",
    "Growth",
    "SiteImage",
    "Source",
    "Stock",
    "make_growth",
    "size_of",
]


@dataclass(frozen=True, slots=True)
class SiteImage:
    """A site: PUE [thousandths], other load and halls that are there [W], discount [1e-18]."""

    name: str
    pue_milli: Row
    other_w: Row
    hall_w: Row
    discount: Row


@dataclass(frozen=True, slots=True)
class Source:
    """A power source at a site: a supply that is there, or what units of a build give there.

    Attributes
    ----------
    site, build
        Numbers; build is None for a supply that is there.
    there_w
        What the supply that is there gives [W], by period.
    unit_w, ramp_ppm, availability_ppm
        Of a unit; availability by block.
    price, carbon
        nano-USD per MWh by period, before drivers and blocks; the part for carbon has neither.
    grams
        Carbon of its energy by period [g/MWh].
    take_ppm, permit
        Share paid for in any case; number of its permit.
    store
        Of a unit of a battery that is charged.
    """

    name: str
    site: int
    build: int | None
    there_w: Row
    unit_w: int
    ramp_ppm: Row
    availability_ppm: Row
    price: Row
    carbon: Row
    grams: Row
    driver: str | None
    take_ppm: int = 0
    permit: int | None = None
    store: Store | None = None


@dataclass(frozen=True, slots=True)
class Stock:
    """Domains of a kind at a site: draw [W] and compute [microunits] of one; those there already.

    Attributes
    ----------
    units
        (build, domains in a unit) of the builds that bring more of them.
    """

    site: int
    kind: str
    draw_w: int
    micro: int
    chips: int
    there: Row
    units: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class BuildImage:
    """A build in units, its money in nano-USD a unit.

    Attributes
    ----------
    first, last
        Periods of the first and last order, such that a unit that is in time comes within the
        horizon; last < first where there is none.
    order_ppm
        Share paid at the order.
    fixed
        A year of 365 days in service.
    life
        Periods in service; None to the end.
    hall_w
        Room of a unit for IT draw [W]; 0 if it is no hall.
    chip, chips
        What its chips are, and how many in a unit.
    """

    name: str
    sites: tuple[int, ...]
    lead: int
    first: int
    last: int
    cost: Row
    cost_driver: str | None
    order_ppm: int
    fixed: int
    life: int | None
    resale: Row
    resale_driver: str | None
    max_units: int
    max_per_period: int
    may_retire: bool
    hall_w: int
    chip: str | None
    chips: int


@dataclass(frozen=True, slots=True)
class Growth:
    """The integer image of an expansion."""

    calendar: Calendar
    share_ppm: Row
    demand_ppm: Row
    energy_ppm: Row
    sites: tuple[SiteImage, ...]
    sources: tuple[Source, ...]
    permits: tuple[tuple[Row, str | None], ...]
    stocks: tuple[Stock, ...]
    builds: tuple[BuildImage, ...]
    supply_chips: dict[str, Row]
    segments: tuple[SegmentImage, ...]
    contracts: tuple[ContractImage, ...]
    finance: FinanceImage | None
    futures: tuple[FutureImage, ...]

    @property
    def periods(self) -> int:
        """How many periods, T."""
        return self.calendar.periods

    @property
    def clouds(self) -> list[int]:
        """The numbers of the contracts for compute, in their order."""
        return [i for i, c in enumerate(self.contracts) if not c.is_lease]

    @property
    def leases(self) -> list[int]:
        """The numbers of the leases, in their order."""
        return [i for i, c in enumerate(self.contracts) if c.is_lease]

    def site(self, name: str) -> int | None:
        """Return the number of a site; None where the expansion has none of that name."""
        return next((i for i, s in enumerate(self.sites) if s.name == name), None)

    def build(self, name: str) -> int | None:
        """Return the number of a build; None where there is none of that name."""
        return next((i for i, b in enumerate(self.builds) if b.name == name), None)


def make_growth(instance: Instance, expand: Expand) -> Growth:
    """Return the integer image of an instance whose expansion has no findings."""
    calendar = Calendar.of(instance.horizon, expand.months_per_period)
    names = tuple(expand.sites)
    return Growth(
        calendar=calendar,
        share_ppm=_shares([b.share for b in expand.blocks]),
        demand_ppm=tuple(ppm(b.demand) for b in expand.blocks),
        energy_ppm=tuple(ppm(b.energy) for b in expand.blocks),
        sites=tuple(_site(instance, expand, calendar, name) for name in names),
        sources=_sources(instance, expand, calendar),
        permits=tuple(
            (_watts(p.cap_mw.over(calendar, "min")), p.driver) for p in expand.permits.values()
        ),
        stocks=_stocks(instance, expand, calendar),
        builds=tuple(_build(instance, expand, calendar, n) for n in expand.builds),
        supply_chips={
            chip: tuple(floor(x + 1e-6) for x in series.over(calendar, "min"))
            for chip, series in expand.supply_chips.items()
        },
        segments=segments_of(instance, expand, calendar),
        contracts=contracts_of(instance, expand, calendar),
        finance=None if expand.finance is None else finance_of(expand.finance, calendar),
        futures=futures_of(expand, calendar),
    )


def _shares(shares: list[float]) -> Row:
    """Return shares of a period in millionths that sum to a million: the last takes the rest."""
    found = [round(x * 1_000_000) for x in shares[:-1]]
    return (*found, 1_000_000 - sum(found))


def _watts(values: Iterable[float]) -> Row:
    return tuple(watts_down(float(x)) for x in values)


def _site(instance: Instance, expand: Expand, calendar: Calendar, name: str) -> SiteImage:
    site, ground = instance.sites[name], expand.sites[name]
    return SiteImage(
        name,
        tuple(ceil(x * 1000 - 1e-6) for x in site.pue.over(calendar, "max")),
        tuple(watts_up(x * 1000) for x in site.other_load_mw.over(calendar, "max")),
        _watts(ground.hall_mw.over(calendar, "min")),
        discounts(ground.wacc_per_year, calendar),
    )


def _sources(instance: Instance, expand: Expand, calendar: Calendar) -> tuple[Source, ...]:
    found: list[Source] = []
    always = (1_000_000,) * len(expand.blocks)
    tax = instance.carbon_usd_per_kg
    for s, (name, ground) in enumerate(expand.sites.items()):
        for key, supply in instance.sites[name].supplies.items():
            kg = supply.carbon_kg_per_mwh.over(calendar, "mean")
            found.append(
                Source(
                    name=key,
                    site=s,
                    build=None,
                    there_w=_watts(supply.cap_mw.over(calendar, "min")),
                    unit_w=0,
                    ramp_ppm=(),
                    availability_ppm=always,
                    price=nano_row(supply.price_usd_per_mwh.over(calendar, "mean"), 1.0),
                    carbon=nano_row(kg, tax),
                    grams=tuple(round(x * 1000) for x in kg),
                    driver=ground.energy_driver,
                )
            )
        for i, (key, build) in enumerate(expand.builds.items()):
            if isinstance(build, PowerBuild) and name in build.sites:
                found.append(_source(expand, calendar, tax, s, i, key, build))
    return tuple(found)


def _source(
    expand: Expand, calendar: Calendar, tax: float, s: int, i: int, key: str, build: PowerBuild
) -> Source:
    kg = build.carbon_kg_per_mwh
    shares = build.availability or (1.0,) * len(expand.blocks)
    return Source(
        name=key,
        site=s,
        build=i,
        there_w=(0,) * calendar.periods,
        unit_w=watts_down(build.cap_mw),
        ramp_ppm=tuple(floor(x * 1_000_000 + 1e-6) for x in build.ramp),
        availability_ppm=tuple(floor(x * 1_000_000 + 1e-6) for x in shares),
        price=nano_row(build.price_usd_per_mwh.over(calendar, "mean"), 1.0),
        carbon=(nano(kg * tax),) * calendar.periods,
        grams=(round(kg * 1000),) * calendar.periods,
        driver=build.energy_driver,
        take_ppm=ppm(build.take_or_pay),
        permit=None if build.permit is None else tuple(expand.permits).index(build.permit),
        store=None if build.storage is None else build.storage.image(build.cap_mw),
    )


def _stocks(instance: Instance, expand: Expand, calendar: Calendar) -> tuple[Stock, ...]:
    found = []
    for s, name in enumerate(expand.sites):
        kinds: dict[str, list[tuple[int, int]]] = {}
        there: dict[str, list[int]] = {}
        for pool in instance.pools.values():
            if pool.site == name and pool.domain is not None:
                count = pool.count.over(calendar, "min")
                row = there.setdefault(pool.domain, [0] * calendar.periods)
                kinds.setdefault(pool.domain, [])
                for t, n in enumerate(count):
                    row[t] += max(0, floor(n + 1e-6) - pool.spares)
        for i, build in enumerate(expand.builds.values()):
            if isinstance(build, ChipBuild) and name in build.sites:
                kinds.setdefault(build.domain, []).append((i, build.domains))
        for kind, units in kinds.items():
            domain = instance.domains[kind]
            chip = instance.chips[domain.chip]
            found.append(
                Stock(
                    s,
                    kind,
                    watts_up(domain.chips * chip.training_kw),
                    ppm(domain.chips * expand.compute[domain.chip]),
                    domain.chips,
                    tuple(there.get(kind, [0] * calendar.periods)),
                    tuple(units),
                )
            )
    return tuple(found)


def size_of(instance: Instance, build: Build) -> float:
    """Return what the money of a build is for: MW or chips in a unit."""
    if isinstance(build, PowerBuild):
        return build.cap_mw
    if isinstance(build, HallBuild):
        return build.it_mw
    return build.domains * instance.domains[build.domain].chips


def _build(instance: Instance, expand: Expand, calendar: Calendar, name: str) -> BuildImage:
    build = expand.builds[name]
    size, sites = size_of(instance, build), tuple(expand.sites)
    first = 0 if build.first is None else max(0, calendar.up(build.first))
    last = calendar.periods - 1
    if build.last is not None:
        last = min(last, calendar.down(build.last))
    domain = instance.domains[build.domain] if isinstance(build, ChipBuild) else None
    return BuildImage(
        name=name,
        sites=tuple(sites.index(s) for s in build.sites),
        lead=build.lead_periods,
        first=first,
        last=min(last, calendar.periods - 1 - build.lead_periods),
        cost=nano_row(build.cost_usd.over(calendar, "mean"), size),
        cost_driver=build.cost_driver,
        order_ppm=ppm(build.paid_at_order),
        fixed=nano(build.fixed_usd_per_year * size),
        life=build.life_periods,
        resale=nano_row(build.resale_usd.over(calendar, "mean"), size),
        resale_driver=build.resale_driver,
        max_units=build.max_units,
        max_per_period=build.max_per_period or build.max_units,
        may_retire=build.may_retire,
        hall_w=watts_down(build.it_mw) if isinstance(build, HallBuild) else 0,
        chip=None if domain is None else domain.chip,
        chips=0 if domain is None else round(size),
    )
