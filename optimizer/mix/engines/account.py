"""What a fleet and its use add up to, in whole numbers: the engines' own account.

The checker has another; the two agree to the last nano-USD, or one of them is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from optimizer.domain.fleet.image import DOMAIN, MILLION, WORK
from optimizer.mix.plan import ObjectiveParts

if TYPE_CHECKING:
    from optimizer.domain.fleet.image import Image, OfferImage, TierImage
    from optimizer.domain.fleet.ways import Stock
    from optimizer.mix.plan import Goal

__all__ = ["Account", "Amounts", "Fleet"]

Fleet = dict[tuple[str, str], int]
"""Domains taken, by (offer, site)."""

Amounts = dict[tuple[int, int], int]
"""Domains at work [billionths], by (way, phase)."""

SCALE = DOMAIN * WORK

PER_WATT = 1000 * DOMAIN
"""Parts of a watt that loads are added in: PUE in thousandths, domains in billionths."""


@dataclass(frozen=True)
class Account:
    """A fleet and its use."""

    image: Image
    fleet: Fleet
    amounts: Amounts

    @cached_property
    def taken(self) -> list[tuple[OfferImage, TierImage, int]]:
        """Every offer of which something is taken, with its price and quantity."""
        out = []
        for offer in self.image.offers:
            count = sum(self.fleet.get((offer.name, site), 0) for site in offer.sites)
            if count:
                out.append((offer, offer.tier_of(count), count))
        return out

    def there(self, stock: Stock, f: int) -> int:
        """Return the usable domains of a stock in a phase."""
        return self.image.owned[stock][f] + self._new(stock, f)

    def _new(self, stock: Stock, f: int) -> int:
        return sum(
            self.fleet.get((offer.name, stock[0]), 0)
            for offer, _, _ in self.taken
            if offer.kind == stock[1] and offer.is_there[f]
        )

    @cached_property
    def working(self) -> dict[tuple[Stock, int], int]:
        """Domains at work by stock and phase [billionths]."""
        out: dict[tuple[Stock, int], int] = {}
        for (i, f), amount in self.amounts.items():
            key = (self.image.ways[i].stock, f)
            out[key] = out.get(key, 0) + amount
        return out

    @cached_property
    def made(self) -> dict[tuple[str, int], int]:
        """Work done by demand and phase [billionths of millionths of a unit]."""
        out: dict[tuple[str, int], int] = {}
        for (i, f), amount in self.amounts.items():
            key = (self.image.ways[i].demand, f)
            out[key] = out.get(key, 0) + amount * self.image.work[i][f]
        return out

    @cached_property
    def load(self) -> dict[tuple[str, int], int]:
        """Load at each site's meter in each phase [1 / PER_WATT W]."""
        image = self.image
        draw = {(s, f): 0 for s in image.sites for f in range(len(image.phases))}
        for stock in image.stocks:
            idle_w = image.idle_w[stock[1]] * DOMAIN
            for f, own in enumerate(image.present[stock]):
                draw[stock[0], f] += idle_w * (own + self._new(stock, f))
        for (i, f), amount in self.amounts.items():
            way = image.ways[i]
            draw[way.stock[0], f] += amount * (way.draw_w - image.idle_w[way.stock[1]])
        out = {}
        for (site, f), nano_w in draw.items():
            there = image.sites[site][f]
            out[site, f] = there.pue_milli * nano_w + PER_WATT * there.other_w
        return out

    def energy(self, site: str, f: int) -> tuple[int, int]:
        """Return cost and cash of energy by merit order [1 / PER_WATT nano-USD]."""
        left, cost, cash = self.load[site, f], 0, 0
        for supply in self.image.sites[site][f].supplies:
            given = min(left, supply.cap_w * PER_WATT)
            left -= given
            cost, cash = cost + given * supply.cost, cash + given * supply.cash
        return cost, cash

    def rents(self, f: int) -> list[tuple[TierImage, int]]:
        """Return what is paid for in a phase: (price, billionths of a domain)."""
        out = []
        for stock in self.image.stocks:
            there = []
            for offer, tier, _ in self.taken:
                if offer.kind == stock[1] and offer.is_there[f]:
                    count = self.fleet.get((offer.name, stock[0]), 0) * DOMAIN
                    there.append((tier, count, count * offer.pay_ppm // MILLION))
            left = self.working.get((stock, f), 0) - self.image.owned[stock][f] * DOMAIN
            left -= sum(sure for _, _, sure in there)
            for tier, count, sure in sorted(there, key=lambda x: x[0].rent_cash[f]):
                more = max(0, min(left, count - sure))
                left -= more
                out.append((tier, sure + more))
        return out

    def cash(self, year: int) -> int:
        """Return what leaves the till in a year [nano-USD], rounded up."""
        rent = energy = 0
        paid = sum(t.upfront_cash * n for o, t, n in self.taken if o.year == year)
        for f, phase in enumerate(self.image.phases):
            if phase.year == year:
                paid += sum(t.upkeep_cash[f] * n for _, t, n in self.taken)
                energy += sum(self.energy(site, f)[1] for site in self.image.sites)
                rent += sum(t.rent_cash[f] * amount for t, amount in self.rents(f))
        return paid - (-(1000 * rent + energy) // PER_WATT)

    def lacks(self, demand: str, f: int) -> int:
        """Return what is not served [billionths of millionths of a unit]."""
        wanted = self.image.demand[demand].wanted
        made = self.made.get((demand, f), 0)
        return 0 if wanted is None else max(0, wanted[f] * DOMAIN - made)

    def serves(self, demand: str, f: int) -> int:
        """Return what is served [billionths of millionths of a unit]."""
        wanted = self.image.demand[demand].wanted
        made = self.made.get((demand, f), 0)
        return made if wanted is None else min(made, wanted[f] * DOMAIN)

    @cached_property
    def useful(self) -> int:
        """Useful work served [billionths of weight], rounded down."""
        each = (
            demand.weight * self.serves(name, f)
            for name, demand in self.image.demand.items()
            for f in range(len(self.image.phases))
        )
        return sum(each) // SCALE

    def fits(self) -> bool:
        """Whether what rounding can break holds: work there is room, power and money for."""
        image = self.image
        for f in range(len(image.phases)):
            for site, phases in image.sites.items():
                if self.load[site, f] > sum(s.cap_w for s in phases[f].supplies) * PER_WATT:
                    return False
            total = sum(self.load[site, f] for site in image.sites)
            if image.power_w is not None and total > image.power_w[f] * PER_WATT:
                return False
        for (stock, f), amount in self.working.items():
            if amount > self.there(stock, f) * DOMAIN:
                return False
        return all(self.cash(y) <= limit for y, limit in enumerate(image.cash or ()))

    def serves_enough(self) -> bool:
        """Whether no demand lacks more than it may, and useful work reaches its floor."""
        image = self.image
        for name, demand in image.demand.items():
            for f, may in enumerate(demand.may_lack):
                if self.lacks(name, f) > may * DOMAIN:
                    return False
        return image.work_floor is None or self.useful >= image.work_floor

    def objective(self, goal: Goal) -> ObjectiveParts:
        """Return the objective and its parts: costs rounded up, what is earned down."""
        image, count = self.image, len(self.image.phases)
        rent = sum(t.rent_cost[f] * n for f in range(count) for t, n in self.rents(f))
        upfront = sum(t.upfront_cost * n for _, t, n in self.taken)
        upkeep = sum(sum(t.upkeep_cost) * n for _, t, n in self.taken)
        energy = sum(self.energy(site, f)[0] for site in image.sites for f in range(count))
        lost = earned = 0
        for name, demand in image.demand.items():
            lost += demand.value * sum(self.lacks(name, f) for f in range(count))
            earned += demand.value * sum(self.serves(name, f) for f in range(count))
        rent, energy = -(-rent // DOMAIN), -(-energy // PER_WATT)
        unserved, earned = -(-lost // SCALE), earned // SCALE
        spent = upfront + rent + upkeep + energy
        total = {"cost": spent + unserved, "profit": earned - spent, "work": self.useful}[goal]
        return ObjectiveParts(
            goal=goal,
            upfront=upfront,
            rent=rent,
            upkeep=upkeep,
            energy=energy,
            unserved=unserved,
            earned=earned,
            work=self.useful,
            total=total,
        )
