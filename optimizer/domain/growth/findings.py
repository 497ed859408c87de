"""What is wrong with an expansion as a whole: references, dates, shares; every finding at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.findings.parts import unknown
from optimizer.domain.growth.builds import ChipBuild, PowerBuild
from optimizer.domain.growth.calendar import Calendar
from optimizer.domain.growth.contracts import Lease
from optimizer.domain.growth.scenes import NO_NEWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from optimizer.domain.findings.parts import Parts
    from optimizer.domain.growth.builds import Build
    from optimizer.domain.growth.contracts import Cloud, Contract, Segment
    from optimizer.domain.growth.expand import Expand
    from optimizer.domain.growth.futures import NamedPlan
    from optimizer.domain.series import SeriesData

__all__ = ["expand_findings"]

SURE = 1e-9
"""By how much shares and probabilities may miss their sum."""


def expand_findings(parts: Parts) -> Iterator[str]:
    """Yield every finding that needs more than one field of the expansion."""
    if parts.expand is None:
        return
    yield from Findings(parts.expand, parts).all()


class Findings:
    """One look at an expansion; `calendar` is None where the horizon cannot be read."""

    def __init__(self, expand: Expand, parts: Parts) -> None:
        self.expand, self.parts = expand, parts
        self.calendar: Calendar | None = None
        self.wrong: str | None = None
        if parts.horizon is not None:
            self.wrong = Calendar.finding(parts.horizon, expand.months_per_period)
            if self.wrong is None:
                self.calendar = Calendar.of(parts.horizon, expand.months_per_period)

    def all(self) -> Iterator[str]:
        """Yield all findings in the order of the file."""
        if self.wrong:
            yield f"horizon.{self.wrong}"
        total = sum(b.share for b in self.expand.blocks)
        if abs(total - 1) > SURE:
            yield f"expand.blocks: shares must sum to 1, got {total:g}"
        for name in self.expand.sites:
            yield from self._site(name)
        for name, build in self.expand.builds.items():
            yield from self._build(f"expand.builds[{name!r}]", build)
        for name, permit in self.expand.permits.items():
            where = f"expand.permits[{name!r}]"
            yield from self._series(f"{where}.cap_mw", permit.cap_mw)
            yield from self._driver(f"{where}.driver", permit.driver)
        yield from self._chips()
        for name, segment in self.expand.demand.items():
            yield from self._segment(f"expand.demand[{name!r}]", segment)
        for name, contract in self.expand.contracts.items():
            yield from self._contract(f"expand.contracts[{name!r}]", contract)
        yield from self._money()
        yield from self._futures()
        for name, plan in self.expand.plans.items():
            yield from self._plan(f"expand.plans[{name!r}]", plan)

    def _series(self, where: str, series: SeriesData) -> Iterator[str]:
        wrong = None if self.calendar is None else series.finding(self.calendar)
        if wrong:
            yield f"{where}: {wrong}"

    def _driver(self, where: str, name: str | None) -> Iterator[str]:
        if name is not None:
            yield from _known(where, name, self.expand.drivers, "driver")

    def _site(self, name: str) -> Iterator[str]:
        where, ground = f"expand.sites[{name!r}]", self.expand.sites[name]
        yield from unknown(where, name, "sites", self.parts)
        yield from self._series(f"{where}.hall_mw", ground.hall_mw)
        yield from self._driver(f"{where}.energy_driver", ground.energy_driver)
        site = self.parts.sites.get(name)
        if site is None:
            return
        at = f"sites[{name!r}]"
        yield from self._series(f"{at}.pue", site.pue)
        yield from self._series(f"{at}.other_load_mw", site.other_load_mw)
        for key, supply in site.supplies.items():
            here = f"{at}.supplies[{key!r}]"
            for field in ("cap_mw", "price_usd_per_mwh", "carbon_kg_per_mwh"):
                yield from self._series(f"{here}.{field}", getattr(supply, field))
            for field in ("permit", "calls", "demand_usd_per_mw", "storage"):
                if getattr(supply, field):
                    yield f"{here}.{field}: expand does not plan with it; give a build instead"

    def _build(self, where: str, build: Build) -> Iterator[str]:
        for site in build.sites:
            yield from _known(f"{where}.sites", site, self.expand.sites, "site of the expansion")
        if len(set(build.sites)) < len(build.sites):
            yield f"{where}.sites: names a site twice; name every site once"
        yield from self._series(f"{where}.cost_usd", build.cost_usd)
        yield from self._series(f"{where}.resale_usd", build.resale_usd)
        yield from self._driver(f"{where}.cost_driver", build.cost_driver)
        yield from self._driver(f"{where}.resale_driver", build.resale_driver)
        if build.may_retire and build.life_periods is not None:
            yield f"{where}.may_retire: what has a life_periods ends by itself; give one of the two"
        if build.may_retire and isinstance(build, PowerBuild) and build.ramp:
            yield f"{where}.may_retire: units on a ramp are not alike; give ramp or may_retire"
        late = sum(d.probability for d in build.delays)
        if late > 1 + SURE:
            yield f"{where}.delays: probabilities must not exceed 1 in sum, got {late:g}"
        if isinstance(build, PowerBuild):
            yield from self._power(where, build)
        elif isinstance(build, ChipBuild):
            yield from unknown(f"{where}.domain", build.domain, "domains", self.parts)
            yield from self._cooled(where, build)

    def _power(self, where: str, build: PowerBuild) -> Iterator[str]:
        yield from self._series(f"{where}.price_usd_per_mwh", build.price_usd_per_mwh)
        yield from self._driver(f"{where}.energy_driver", build.energy_driver)
        blocks = len(self.expand.blocks)
        if build.availability is not None and len(build.availability) != blocks:
            count = len(build.availability)
            yield f"{where}.availability: must have one share for each block, got {count}"
        if build.permit is not None:
            yield from _known(f"{where}.permit", build.permit, self.expand.permits, "permit")
        if build.storage is not None:
            yield from _stored(where, build)
        leased = {c.site for c in self.expand.contracts.values() if isinstance(c, Lease)}
        if build.take_or_pay and leased & set(build.sites):
            yield f"{where}.take_or_pay: tenants pay for their energy themselves; leave it out"

    def _cooled(self, where: str, build: ChipBuild) -> Iterator[str]:
        domain = self.parts.domains.get(build.domain)
        chip = None if domain is None else self.parts.chips.get(domain.chip)
        if domain is None or chip is None:
            return
        if domain.chip not in self.expand.compute:
            yield f"{where}.domain: {domain.chip} has no compute; give it in expand.compute"
        for name in build.sites:
            site = self.parts.sites.get(name)
            if site is not None and not set(chip.cooling) & set(site.cooling):
                yield (
                    f"{where}.sites: {build.domain} needs {' or '.join(chip.cooling)} cooling, "
                    f"{name} has {', '.join(site.cooling)}"
                )

    def _chips(self) -> Iterator[str]:
        for name in self.expand.compute:
            yield from unknown("expand.compute", name, "chips", self.parts)
        for name, series in self.expand.supply_chips.items():
            yield from unknown("expand.supply_chips", name, "chips", self.parts)
            yield from self._series(f"expand.supply_chips[{name!r}]", series)
        leased = {c.site for c in self.expand.contracts.values() if isinstance(c, Lease)}
        owned = {
            s for b in self.expand.builds.values() if isinstance(b, ChipBuild) for s in b.sites
        }
        owned |= {pool.site for pool in self.parts.pools.values()}
        for site in sorted(leased & owned):
            yield (
                f"expand.contracts: {site!r} is leased to tenants and has chips of its own; "
                "make two sites of it"
            )
        for name, pool in self.parts.pools.items():
            if pool.site in self.expand.sites:
                yield from self._series(f"pools[{name!r}].count", pool.count)
                if pool.chip not in self.expand.compute:
                    yield f"pools[{name!r}].chip: {pool.chip} has no compute in expand.compute"

    def _segment(self, where: str, segment: Segment) -> Iterator[str]:
        yield from self._series(f"{where}.volume", segment.volume)
        yield from self._series(f"{where}.usd_per_unit_hour", segment.usd_per_unit_hour)
        yield from self._driver(f"{where}.volume_driver", segment.volume_driver)
        yield from self._driver(f"{where}.price_driver", segment.price_driver)
        yield from self._served(where, segment)

    def _served(self, where: str, who: Segment | Cloud) -> Iterator[str]:
        for site in who.sites or ():
            yield from _known(f"{where}.sites", site, self.expand.sites, "site of the expansion")
        if any(name not in self.parts.sites for name in self.expand.sites):
            return  # an unknown or unreadable site: said elsewhere
        sites = self.expand.sites_of(who, self.parts.sites)
        if not sites:
            yield f"{where}: no site may serve it; mend countries or sites"
        rates = {self.expand.sites[name].wacc_per_year for name in sites}
        if len(rates) > 1:
            some = ", ".join(f"{rate:g}" for rate in sorted(rates))
            yield f"{where}: its sites must have one wacc_per_year, got {some}; or split it by site"

    def _contract(self, where: str, contract: Contract) -> Iterator[str]:
        if isinstance(contract, Lease):
            yield from _known(f"{where}.site", contract.site, self.expand.sites, "site")
        else:
            yield from self._served(where, contract)
        if contract.customer is not None:
            names = self.expand.customers
            yield from _known(f"{where}.customer", contract.customer, names, "customer")
        if self.calendar is None:
            return
        first = self.calendar.down(contract.start)
        if not 0 <= first < self.calendar.periods:
            yield f"{where}.start: is not within the horizon; take the contract out"
        signed = 0 if contract.signing is None else self.calendar.down(contract.signing)
        if not 0 <= signed <= first:
            yield f"{where}.signing: must lie within the horizon and not after the start"

    def _money(self) -> Iterator[str]:
        finance = self.expand.finance
        if finance is not None:
            yield from self._series("expand.finance.equity_usd", finance.equity_usd)
            yield from self._series("expand.finance.least_cash_usd", finance.least_cash_usd)

    def _futures(self) -> Iterator[str]:
        total = sum(f.probability for f in self.expand.futures.values())
        if self.expand.futures and abs(total - 1) > SURE:
            yield f"expand.futures: probabilities must sum to 1, got {total:g}"
        for name, future in self.expand.futures.items():
            where = f"expand.futures[{name!r}]"
            for driver, series in future.drivers.items():
                yield from self._driver(f"{where}.drivers", driver)
                yield from self._series(f"{where}.drivers[{driver!r}]", series)
            for build in future.delays:
                yield from _known(f"{where}.delays", build, self.expand.builds, "build")
            for contract in future.defaults:
                yield from _known(f"{where}.defaults", contract, self.expand.contracts, "contract")
        yield from self._reveals()

    def _reveals(self) -> Iterator[str]:
        """What makes no tree: dates out of order, and one thing learnt at several dates."""
        told: dict[tuple[str, ...], tuple[int, str]] = {}
        for name, future in self.expand.futures.items():
            last = -1.0
            for i, reveal in enumerate(future.reveals):
                where = f"expand.futures[{name!r}].reveals[{i}]"
                if self.calendar is None:
                    return
                if not 0 <= self.calendar.up(reveal.at) < self.calendar.periods:
                    yield f"{where}.at: no period of the horizon starts after it; take it out"
                    break
                if self.calendar.position(reveal.at) <= last:
                    yield f"{where}.at: must be later than that of the reveal before it"
                last, t = self.calendar.position(reveal.at), self.calendar.up(reveal.at)
                if reveal.label == NO_NEWS:
                    yield f"{where}.label: {NO_NEWS!r} stands for nothing learnt; leave it out"
                labels = tuple(r.label for r in future.reveals[: i + 1])
                first, who = told.setdefault(labels, (t, name))
                if first != t:
                    label = self.calendar.label
                    yield (
                        f"{where}.at: {reveal.label!r} counts from {label(t)}, and from "
                        f"{label(first)} in {who!r}; give one date, or another label"
                    )

    def _plan(self, where: str, plan: NamedPlan) -> Iterator[str]:
        steps = [(f"{where}.orders[{i}]", x) for i, x in enumerate(plan.orders)]
        steps += [(f"{where}.retirements[{i}]", x) for i, x in enumerate(plan.retirements)]
        for at, step in steps:
            yield from _known(f"{at}.build", step.build, self.expand.builds, "build")
            build = self.expand.builds.get(step.build)
            if build is not None and step.site not in build.sites:
                some = ", ".join(build.sites)
                yield f"{at}.site: {step.build} cannot stand at {step.site!r}; sites: {some}"
            if self.calendar and not 0 <= self.calendar.down(step.at) < self.calendar.periods:
                yield f"{at}.at: is not within the horizon"
        for name in plan.contracts:
            yield from _known(f"{where}.contracts", name, self.expand.contracts, "contract")


def _stored(where: str, build: PowerBuild) -> Iterator[str]:
    """What a battery that is charged must not be said to have."""
    if build.kind != "battery":
        yield f"{where}.storage: is for a battery, got a {build.kind}"
    for field in ("availability", "ramp", "take_or_pay", "permit", "carbon_kg_per_mwh"):
        if getattr(build, field):
            yield f"{where}.{field}: does not go with storage; leave it out"


def _known(where: str, name: str, among: Iterable[str], what: str) -> Iterator[str]:
    names = sorted(among)
    if name not in names:
        some = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
        yield f"{where}: {name!r} is not a {what}; known: {some or 'none'}"
