"""Rules about what stands where: power, space, cooling, supply."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from optimizer.domain.fleet.image import DOMAIN
from optimizer.mix.plan import Rule
from optimizer.mix.rules.case import Case, said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.mix.plan import Violation

__all__ = ["check_cooling", "check_power", "check_space", "check_supply"]


def check_power(case: Case) -> Iterator[Violation]:
    """PUE x IT draw + other load <= supplies, per site and phase; and all sites together."""
    image = case.image
    for f in range(len(image.phases)):
        loads = {site: case.load(site, f) for site in image.sites}
        for site, load in loads.items():
            cap = sum(s.cap_w for s in image.sites[site][f].supplies)
            if load > cap:
                where = f"site {site!r} phase {f}"
                yield said(Rule.POWER, where, f"{ceil(load) / 1e6:.6f} MW", f"{cap / 1e6:.6f} MW")
        if image.power_w is not None and sum(loads.values()) > image.power_w[f]:
            found, most = ceil(sum(loads.values())) / 1e6, image.power_w[f] / 1e6
            yield said(Rule.POWER, f"all sites phase {f}", f"{found:.6f} MW", f"{most:.6f} MW")


def check_space(case: Case) -> Iterator[Violation]:
    """Racks of the domains that are there <= racks of the site, per phase."""
    image = case.image
    for f in range(len(image.phases)):
        for site, room in image.room_milli.items():
            taken = sum(
                image.racks_milli[kind] * case.domains((where, kind), f, is_usable=False)
                for where, kind in image.stocks
                if where == site
            )
            if room is not None and taken > room:
                found = f"{taken / 1000:g} racks"
                yield said(Rule.SPACE, f"site {site!r} phase {f}", found, room / 1000)


def check_cooling(case: Case) -> Iterator[Violation]:
    """A domain stands only where it is on offer and can be cooled."""
    offers = {offer.name: offer for offer in case.image.offers}
    seen: set[tuple[str, str]] = set()
    for holding in case.plan.fleet:
        where = f"{holding.offer} at {holding.site}"
        sites = offers[holding.offer].sites if holding.offer in offers else ()
        if holding.site not in sites:
            limit = ", ".join(sites) or "an offer of the instance"
            yield said(Rule.COOLING, where, f"{holding.domains} domains", limit)
        if (holding.offer, holding.site) in seen:
            yield said(Rule.COOLING, where, "is listed again", "once")
        seen.add((holding.offer, holding.site))


def check_supply(case: Case) -> Iterator[Violation]:
    """Quantities within each offer, chips within those of a type, work within what is there."""
    for offer, tier, count in case.offers():
        if not tier.least <= count <= tier.most:
            where, span = f"offer {offer.name!r}", f"{tier.least} to {tier.most}"
            yield said(Rule.SUPPLY, where, f"{count} domains", span)
    for chip, row in case.image.supply_chips.items():
        for f, limit in enumerate(row):
            taken = sum(
                offer.chips * count
                for offer, _, count in case.offers()
                if offer.chip == chip and offer.is_delivered[f]
            )
            if taken > limit:
                yield said(Rule.SUPPLY, f"{chip} phase {f}", f"{taken} chips", limit)
    for f in range(len(case.image.phases)):
        for stock in case.image.stocks:
            used, there = case.at_work(stock, f), case.domains(stock, f)
            if used > there * DOMAIN:
                where = f"{stock[1]} at {stock[0]} phase {f}"
                yield said(Rule.SUPPLY, where, f"{used / DOMAIN:.9f} domains at work", there)
