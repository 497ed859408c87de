"""What the rules of a mix look at: a plan's fleet and use, added up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from optimizer.domain.fleet.image import DOMAIN, MILLION, WORK
from optimizer.mix.plan import MixPlan, Use, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.domain.fleet.image import Image, OfferImage, TierImage
    from optimizer.domain.fleet.ways import Stock, Way
    from optimizer.domain.instance import Instance

__all__ = ["FINE", "Case", "said", "useful"]

FINE = DOMAIN * WORK
"""Parts of a unit of work in which what is made is counted: domains times work."""


@dataclass
class Case:
    """What the rules look at, added up from the plan.

    Attributes
    ----------
    taken, total
        Domains by (offer, site), and by offer.
    used
        Uses with their way; those that name none are in `lost`.
    """

    instance: Instance
    plan: MixPlan
    taken: Counter[tuple[str, str]] = field(default_factory=Counter)
    total: Counter[str] = field(default_factory=Counter)
    used: list[tuple[Use, Way, int]] = field(default_factory=list)
    lost: list[Use] = field(default_factory=list)

    def __post_init__(self) -> None:
        image = self.image
        offers = {offer.name: offer for offer in image.offers}
        for holding in self.plan.fleet:
            if holding.site in (offers[holding.offer].sites if holding.offer in offers else ()):
                self.taken[holding.offer, holding.site] += holding.domains
                self.total[holding.offer] += holding.domains
        ways = {way.key: (way, work) for way, work in zip(image.ways, image.work, strict=True)}
        for use in self.plan.use:
            key = (use.demand, use.site, use.domain, use.level, use.slice_chips, use.chips)
            if key in ways and use.phase < len(image.phases):
                way, work = ways[key]
                self.used.append((use, way, work[use.phase]))
            else:
                self.lost.append(use)

    @property
    def image(self) -> Image:
        return self.instance.image

    def offers(self) -> Iterator[tuple[OfferImage, TierImage, int]]:
        """Yield every offer of which something is taken, with its price and quantity."""
        for offer in self.image.offers:
            count = self.total[offer.name]
            if count:
                yield offer, offer.tier_of(count), count

    def domains(self, stock: Stock, f: int, *, is_usable: bool = True) -> int:
        """Return the domains of a stock that are there in a phase."""
        image = self.image
        own = (image.owned if is_usable else image.present).get(stock, (0,) * len(image.phases))
        taken = (
            self.taken[offer.name, stock[0]]
            for offer in image.offers
            if offer.kind == stock[1] and offer.is_there[f]
        )
        return own[f] + sum(taken)

    def at_work(self, stock: Stock, f: int) -> int:
        """Return the domains of a stock at work in a phase [billionths]."""
        return sum(u.amount for u, way, _ in self.used if way.stock == stock and u.phase == f)

    def load(self, site: str, f: int) -> Fraction:
        """Return the load at a site's meter in a phase [W], to the last part of a watt."""
        image = self.image
        there = image.sites[site][f]
        draw = 0
        for stock in image.stocks:
            if stock[0] == site:
                idle = image.idle_w[stock[1]] * self.domains(stock, f, is_usable=False)
                draw += idle * DOMAIN
        for use, way, _ in self.used:
            if use.phase == f and way.stock[0] == site:
                draw += use.amount * (way.draw_w - image.idle_w[way.stock[1]])
        return Fraction(there.pue_milli * draw, 1000 * DOMAIN) + there.other_w

    def energy(self, site: str, f: int) -> tuple[Fraction, Fraction]:
        """Return cost and cash of energy by merit order [nano-USD]; what exceeds it is free."""
        left, cost, cash = self.load(site, f), Fraction(0), Fraction(0)
        for supply in self.image.sites[site][f].supplies:
            given = min(left, Fraction(supply.cap_w))
            left, cost, cash = left - given, cost + given * supply.cost, cash + given * supply.cash
        return cost, cash

    def rents(self, f: int) -> Iterator[tuple[TierImage, int]]:
        """Yield what is rented in a phase: (price, billionths of a domain that are paid for).

        Work goes first to what is paid for anyway, then to the cheapest hours.
        """
        for stock in self.image.stocks:
            there = [
                (tier.rent_cash[f], offer, tier, self.taken[offer.name, stock[0]] * DOMAIN)
                for offer, tier, _ in self.offers()
                if offer.kind == stock[1] and offer.is_there[f]
            ]
            owned = self.image.owned[stock][f] * DOMAIN
            sure = [count * offer.pay_ppm // MILLION for _, offer, _, count in there]
            left = max(0, self.at_work(stock, f) - owned - sum(sure))
            order = sorted(range(len(there)), key=lambda i: there[i][0])
            for i in order:
                _, _, tier, count = there[i]
                more = min(left, count - sure[i])
                left -= more
                yield tier, sure[i] + more

    def made(self, demand: str, f: int) -> int:
        """Return the work done for a demand in a phase, in parts of 1 / FINE of a unit."""
        return sum(
            u.amount * work for u, way, work in self.used if way.demand == demand and u.phase == f
        )

    def lacks(self, demand: str, f: int) -> int:
        """Return what of a demand is not served in a phase, in parts of 1 / FINE of a unit."""
        wanted = self.image.demand[demand].wanted
        return 0 if wanted is None else max(0, wanted[f] * DOMAIN - self.made(demand, f))

    def serves(self, demand: str, f: int) -> int:
        """Return what of a demand is served in a phase: not more than is wanted."""
        wanted, made = self.image.demand[demand].wanted, self.made(demand, f)
        return made if wanted is None else min(made, wanted[f] * DOMAIN)


def useful(case: Case) -> int:
    """Return the useful work served [billionths of weight], rounded down."""
    image = case.image
    each = (
        demand.weight * case.serves(name, f)
        for name, demand in image.demand.items()
        for f in range(len(image.phases))
    )
    return sum(each) // FINE


def said(rule: str, where: str, found: object, limit: object) -> Violation:
    """Return one breach."""
    return Violation(rule=str(rule), where=where, found=str(found), limit=str(limit))
