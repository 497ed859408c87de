"""What the certificate's prices say: the worth of a limit, and by how much an offer is too dear.

These are the prices of the whole problem: of the cases of a proof none holds for the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.domain.fleet.image import WORK
from optimizer.mix.certificate import UNIT, prices_of_domains
from optimizer.mix.plan import Leaf
from optimizer.units import NANO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.domain.fleet.image import Image, OfferImage
    from optimizer.domain.instance import Instance
    from optimizer.mix.plan import Goal, MixPlan, Prices

__all__ = ["TooDear", "Worth", "prices_of", "too_dear", "work_prices", "worths"]

PER_NANO = 10**9


@dataclass(frozen=True, slots=True)
class Worth:
    """What one more unit of a limit is worth at most [USD, or weight]."""

    limit: str
    where: str
    worth: float
    unit: str


@dataclass(frozen=True, slots=True)
class TooDear:
    """An offer that is not taken, and the price below which it would pay.

    Attributes
    ----------
    price, below
        Its price at the smallest quantity, and that at which a domain would just pay at the
        certified prices; below 0 where it would not pay for nothing.
    hourly, earns
        What a chip costs, and what it earns at the certified prices of work after its power, space
        and money [USD/chip-h], both over the hours that it is there.
    """

    offer: str
    site: str
    price: float
    below: float
    unit: str
    hourly: float
    earns: float


def prices_of(plan: MixPlan) -> Prices | None:
    """Return the prices of the whole problem; None where they prove that there is no plan."""
    tree = plan.certificate.tree
    if isinstance(tree, Leaf):
        return None if tree.is_empty else tree.prices
    return plan.margin


def worths(instance: Instance, plan: MixPlan) -> Iterator[Worth]:
    """Yield the limits that have a worth."""
    image, prices = instance.image, prices_of(plan)
    if prices is None:
        return
    one = PER_NANO * NANO
    for site, row in prices.power.items():
        total = sum(p - _energy(image, plan.objective.goal, site, f) for f, p in enumerate(row))
        yield Worth("power", site, max(0.0, total / one * 1e6), "MW")
    if prices.power_total:
        yield Worth("power", "all sites", sum(prices.power_total) / one * 1e6, "MW")
    for site, row in prices.space.items():
        yield Worth("space", site, sum(row) / one * 1000, "rack")
    for chip, row in prices.supply.items():
        yield Worth("supply", chip, sum(row) / one, "chip")
    if image.capex is not None:
        yield Worth("capex", "deliveries", prices.capex / PER_NANO, "USD")
    for year, price in enumerate(prices.yearly_cash):
        yield Worth("yearly_cash", f"year {year + 1}", price / PER_NANO, "USD")


def _energy(image: Image, goal: Goal, site: str, f: int) -> int:
    """Return the price of the dearest supply of a site: what power costs without being scarce."""
    supplies = image.sites[site][f].supplies
    return max((PER_NANO * s.cost for s in supplies), default=0) if goal != "work" else 0


def work_prices(instance: Instance, plan: MixPlan) -> dict[str, float]:
    """Return by demand the mean price of a unit of work [USD, or weight]; empty if unknown."""
    prices = prices_of(plan)
    if prices is None:
        return {}
    out = {}
    for name, row in prices.demand.items():
        wanted = instance.image.demand[name].wanted or (1,) * len(row)
        mean = sum(p * w for p, w in zip(row, wanted, strict=True)) / max(sum(wanted), 1)
        out[name] = mean * WORK / PER_NANO / NANO
    return out


def too_dear(instance: Instance, plan: MixPlan) -> Iterator[TooDear]:
    """Yield the offers of which nothing is taken, each at the site where it is nearest to pay.

    Those that are there in no whole phase are left out: at no price would they do any work.
    """
    image, prices = instance.image, prices_of(plan)
    taken = {holding.offer for holding in plan.fleet}
    if prices is None or plan.objective.goal == "work":
        return
    price_of = prices_of_domains(image, plan.objective.goal, prices)
    for offer in image.offers:
        if offer.name not in taken and offer.sites and any(offer.is_there):
            costs = ((site, price_of(offer, offer.tiers[0], site)) for site in offer.sites)
            each = [_too_dear(image, offer, site, less) for site, less in costs]
            yield max(each, key=lambda x: x.below - x.price)


def _too_dear(image: Image, offer: OfferImage, site: str, less: int) -> TooDear:
    """Return an offer at a site; less: a domain's cost less what it earns."""
    tier = offer.tiers[0]
    usd = less / UNIT / NANO / offer.chips  # what a chip costs more than it earns, discounted
    hours = sum(
        f.hours * f.discount for f, there in zip(image.phases, offer.is_there, strict=True) if there
    )
    own = tier.upfront_cost + sum(tier.rent_cost) + sum(tier.upkeep_cost)
    per = NANO * offer.chips * hours
    hourly, earns = own / per, (own - less / UNIT) / per
    if tier.upfront_cash:
        share = (tier.upfront_cost + sum(tier.upkeep_cost)) / tier.upfront_cash
        price = tier.upfront_cash / NANO / offer.chips
        return TooDear(offer.name, site, price, price - usd / share, "USD/chip", hourly, earns)
    cost = sum(tier.rent_cost) / NANO / offer.chips / hours
    return TooDear(offer.name, site, cost, cost - usd / hours, "USD/chip-h", hourly, earns)
