"""Rules about work: demand, residency, whole domains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.fleet.image import DOMAIN
from optimizer.mix.plan import Rule, Use
from optimizer.mix.rules.case import FINE, Case, said, useful
from optimizer.units import usd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.mix.plan import Violation

__all__ = ["check_demand", "check_residency", "check_whole_domain"]


def check_demand(case: Case) -> Iterator[Violation]:
    """What is not served <= what may stay unserved; useful work >= its floor; ways that exist."""
    image, rule = case.image, Rule.DEMAND
    for use in case.lost:
        if not _is_outside(case, use):
            way = f"{use.slice_chips}-chip slices, gangs of {use.chips}, {use.level}"
            where = f"{use.demand} on {use.domain} at {use.site}, phase {use.phase}"
            yield said(rule, where, way, "a way that has a rate")
    for name, demand in image.demand.items():
        for f in range(len(image.phases)):
            lacks, may = case.lacks(name, f), demand.may_lack[f] * DOMAIN
            if lacks > may:
                yield said(rule, f"{name} phase {f}", f"{lacks / FINE:.9g} unserved", may / FINE)
    if image.work_floor is not None:
        work = useful(case)
        if work < image.work_floor:
            yield said(rule, "useful work", usd(work), usd(image.work_floor))


def _is_outside(case: Case, use: Use) -> bool:
    """Whether a use breaks residency, which says so itself."""
    return any(True for _ in _residency(case, use))


def check_residency(case: Case) -> Iterator[Violation]:
    """Work runs only in allowed countries and at allowed owners' sites."""
    for use in case.plan.use:
        yield from _residency(case, use)


def _residency(case: Case, use: Use) -> Iterator[Violation]:
    mix = case.instance.mix
    if mix is None or use.demand not in mix.demand or use.site not in case.instance.sites:
        return
    demand, site = mix.demand[use.demand], case.instance.sites[use.site]
    for allowed, found in ((demand.countries, site.country), (demand.owners, site.owner)):
        if allowed is not None and found not in allowed:
            where = f"{use.demand} at {use.site}"
            yield said(Rule.RESIDENCY, where, found, ", ".join(allowed))


def check_whole_domain(case: Case) -> Iterator[Violation]:
    """The domains of a stock hold at least one gang of every way that runs on it."""
    for use, way, _ in case.used:
        there = case.domains(way.stock, use.phase)
        if there < way.gang.needs:
            where = f"{use.demand} on {use.domain} at {use.site} phase {use.phase}"
            gang = f"{there} domains; a gang of {use.chips} chips holds {way.gang.needs}"
            yield said(Rule.WHOLE_DOMAIN, where, gang, f"at least {way.gang.needs}")
