"""What is wrong with a mix as a whole: references, prices, rates; every finding at once."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from optimizer.domain.findings.parts import unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from optimizer.domain.findings.parts import Parts
    from optimizer.domain.fleet.demand import Demand
    from optimizer.domain.fleet.mix import Mix
    from optimizer.domain.fleet.offers import Offer
    from optimizer.domain.series import SeriesData
    from optimizer.domain.workloads import Workload

__all__ = ["mix_findings", "pointer_findings"]


def mix_findings(parts: Parts) -> Iterator[str]:
    """Yield every finding that needs more than one field of the mix."""
    mix = parts.mix
    if mix is None:
        return
    yield from _limits(mix, parts)
    for name, offer in mix.offers.items():
        yield from _offer(f"mix.offers[{name!r}]", offer, parts)
    for name, demand in mix.demand.items():
        yield from _demand(f"mix.demand[{name!r}]", demand, mix, parts)
    yield from _estimates(mix, parts)
    yield from _supplies(parts)


def _series(where: str, series: SeriesData | None, parts: Parts) -> Iterator[str]:
    wrong = None
    if series is not None and parts.horizon is not None:
        wrong = series.finding(parts.horizon)
    if wrong:
        yield f"{where}: {wrong}"


def _limits(mix: Mix, parts: Parts) -> Iterator[str]:
    yield from _series("mix.power_mw", mix.power_mw, parts)
    for name, series in mix.supply_chips.items():
        yield from unknown(f"mix.supply_chips[{name!r}]", name, "chips", parts)
        yield from _series(f"mix.supply_chips[{name!r}]", series, parts)
    vendors = {chip.vendor or name for name, chip in parts.chips.items()}
    vendors |= {offer.vendor for offer in mix.offers.values() if offer.vendor}
    for vendor in mix.vendor_share:
        if vendor not in vendors:
            some = ", ".join(sorted(vendors))
            yield f"mix.vendor_share: {vendor!r} makes or sells nothing here; known: {some}"
    levels = {level for chip in parts.chips.values() for level in chip.levels}
    for level in mix.power_levels or ():
        if level not in levels:
            some = ", ".join(sorted(levels))
            yield f"mix.power_levels: {level!r} is no power level of a chip; known: {some}"
    for name, chip in parts.chips.items():
        least = min(level.draw_share for level in chip.levels.values()) * chip.nameplate_kw
        if mix.draw == "nameplate" and chip.idle_kw > least + 1e-9:
            yield (
                f"chips[{name!r}].idle_kw: must not exceed the least draw by nameplate, got "
                f"{chip.idle_kw:g} kW; that is {least:g} kW"
            )


def _offer(where: str, offer: Offer, parts: Parts) -> Iterator[str]:
    yield from unknown(f"{where}.domain", offer.domain, "domains", parts)
    for site in offer.sites or ():
        yield from unknown(f"{where}.sites", site, "sites", parts)
        yield from _cooling(where, offer, site, parts)
    if offer.max_domains < max(1, offer.min_domains):
        least = max(1, offer.min_domains)
        yield f"{where}.max_domains: must be at least {least}, got {offer.max_domains}"
    for i, (a, b) in enumerate(pairwise(offer.tiers)):
        if b.from_domains <= a.from_domains:
            yield (
                f"{where}.tiers[{i + 1}].from_domains: tiers must be in order of quantity, got "
                f"{b.from_domains} after {a.from_domains}"
            )
    if offer.tiers[0].from_domains > max(1, offer.min_domains):
        yield (
            f"{where}.tiers[0].from_domains: smaller quantities have no price, got "
            f"{offer.tiers[0].from_domains}; make it 1, or min_domains as large"
        )
    yield from _prices(where, offer)
    if parts.horizon is not None and offer.periods(parts.horizon)[0] >= parts.horizon.periods:
        yield f"{where}.delivery: is not within the horizon; take the offer out"


def _prices(where: str, offer: Offer) -> Iterator[str]:
    for i, tier in enumerate(offer.tiers):
        at, rent, upfront = f"{where}.tiers[{i}]", tier.usd_per_chip_hour, tier.upfront_usd_per_chip
        if offer.kind == "buy" and rent > 0:
            yield f"{at}.usd_per_chip_hour: what is bought has no rent, got {rent:g} USD/h"
        if offer.kind == "lease" and upfront > 0:
            yield (
                f"{at}.upfront_usd_per_chip: a lease has no price at delivery, got {upfront:g} "
                "USD; make the kind reserve"
            )
        if rent == 0 and upfront == 0:
            yield f"{at}: has no price; give upfront_usd_per_chip or usd_per_chip_hour"
    if offer.kind == "buy" and offer.take_or_pay < 1:
        yield f"{where}.take_or_pay: is of rent, and what is bought has none; leave it out"
    if offer.kind == "lease" and offer.residual_share > 0:
        yield f"{where}.residual_share: what is leased is given back; leave it out"


def _cooling(where: str, offer: Offer, site: str, parts: Parts) -> Iterator[str]:
    domain = parts.domains.get(offer.domain)
    chip = parts.chips.get(domain.chip) if domain is not None else None
    there = parts.sites.get(site)
    if chip and there and not set(chip.cooling) & set(there.cooling):
        yield (
            f"{where}.sites: {offer.domain} needs {' or '.join(chip.cooling)} cooling, {site} "
            f"has {', '.join(there.cooling)}"
        )


def _demand(where: str, demand: Demand, mix: Mix, parts: Parts) -> Iterator[str]:
    yield from unknown(f"{where}.workload", demand.workload, "workloads", parts)
    yield from _series(f"{where}.work_per_month", demand.work_per_month, parts)
    for kind in demand.not_on:
        yield from unknown(f"{where}.not_on", kind, "domains", parts)
    if demand.work_per_month is None:
        if demand.value_usd_per_unit is None and demand.weight_per_unit is None:
            yield f"{where}: as much as possible of what has no value; give value_usd_per_unit"
        if demand.least_share > 0:
            yield f"{where}.least_share: is of a demand, and there is none; give work_per_month"
    for i, gang in enumerate(demand.gangs or ()):
        if gang.chips % gang.slice_chips:
            yield (
                f"{where}.gangs[{i}]: {gang.chips} chips are not whole slices of "
                f"{gang.slice_chips}; give a multiple"
            )
    workload = parts.workloads.get(demand.workload)
    if workload is None:
        return
    for kind in sorted(_kinds(mix, parts)):
        if kind not in demand.not_on and not _has_rate(demand, workload, kind, parts):
            yield (
                f"{where}: {demand.workload} has no rate on {kind} in its gangs; give a measured "
                "one, an estimate with its range, or name the kind in not_on"
            )


def _kinds(mix: Mix, parts: Parts) -> set[str]:
    """Return the kinds of domain that are on offer or there, as far as they can be read."""
    kinds = {offer.domain for offer in mix.offers.values()}
    kinds |= {pool.domain for pool in parts.pools.values() if pool.domain is not None}
    return {k for k in kinds if k in parts.domains and parts.domains[k].chip in parts.chips}


def _has_rate(demand: Demand, workload: Workload, kind: str, parts: Parts) -> bool:
    """Whether one of its gangs fits into a kind of domain and has a rate there."""
    domain = parts.domains[kind]
    if parts.chips[domain.chip].hbm_gb < workload.min_hbm_gb:
        return True  # a chip without the memory needs no rate: the class does not run on it
    sizes = [(g.chips, g.slice_chips) for g in demand.gangs or ()]
    if demand.gangs is None:
        sizes = [(r.chips, r.slice_chips) for r in workload.rates if r.domain == kind]
    return any(
        domain.cuts(slice_chips)
        and not (demand.whole_domain and slice_chips != domain.chips)
        and chips % slice_chips == 0
        and workload.rate(domain.chip, kind, slice_chips, chips) is not None
        for chips, slice_chips in sizes
    )


def _estimates(mix: Mix, parts: Parts) -> Iterator[str]:
    """Say which estimated rates have no range."""
    ranged = tuple(pointer for r in mix.ranges.values() for pointer in r.of)
    kinds = _kinds(mix, parts)
    for name in sorted({demand.workload for demand in mix.demand.values()}):
        workload = parts.workloads.get(name)
        for i, rate in enumerate(workload.rates if workload is not None else ()):
            at = f"/workloads/{_escaped(name)}/rates/{i}"
            if rate.is_assumed and rate.domain in kinds and not _is_under(at, ranged):
                yield (
                    f"workloads[{name!r}].rates[{i}]: is an estimate without a range; name {at} "
                    "in one of mix.ranges"
                )


def _is_under(pointer: str, above: tuple[str, ...]) -> bool:
    return any(f"{pointer}/".startswith(f"{a}/") or a.startswith(f"{pointer}/") for a in above)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _supplies(parts: Parts) -> Iterator[str]:
    """Say what supplies have that a mix of whole months does not know."""
    for name, site in parts.sites.items():
        for key, supply in site.supplies.items():
            if supply.permit is not None:
                yield (
                    f"sites[{name!r}].supplies[{key!r}].permit: mix has no permits; give what may "
                    "be drawn as cap_mw"
                )
    for name, pool in parts.pools.items():
        if pool.domain is None:
            yield f"pools[{name!r}].domain: is missing; mix counts whole domains"


def pointer_findings(mix: Mix, data: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the pointers of ranges, on the data of the whole instance."""
    for name, given in mix.ranges.items():
        for pointer in given.of:
            where = f"mix.ranges[{name!r}].of"
            here: Any = data
            for step in pointer.split("/")[1:]:
                key = step.replace("~1", "/").replace("~0", "~")
                if isinstance(here, dict) and key in here:
                    here = here[key]
                elif isinstance(here, list | tuple) and key.isdigit() and int(key) < len(here):
                    here = here[int(key)]
                else:
                    yield f"{where}: {pointer!r} is not in the instance"
                    break
            else:
                if isinstance(here, str | bool) or here is None:
                    yield f"{where}: {pointer!r} holds no number"
