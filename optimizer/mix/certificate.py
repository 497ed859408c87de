"""The certified bound of a mix: recomputed in integers from an instance and prices alone.

MODEL section 7 is the text that this file follows; no engine, no solver, none of their arrays.
The rows with prices are moved into the objective. What is left falls into blocks: what a domain
earns in a phase at the prices of work and power (`_earns`), how many domains of an offer are then
worth taking (`_offer`, tiers and least quantities included), supplies, work left unserved. Each
block has a closed-form optimum, so the sum bounds every plan. That a gang needs several domains
at once counts where a case cannot have so many, and is else left out: it only makes plans worse.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from optimizer.domain.fleet.image import MILLION, WORK
from optimizer.errors import PlanError
from optimizer.mix.bound import Ways
from optimizer.mix.plan import Leaf, Prices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from optimizer.domain.fleet.image import Image, OfferImage, TierImage
    from optimizer.domain.fleet.ways import Stock
    from optimizer.domain.instance import Instance
    from optimizer.mix.plan import Certificate, Goal, Split

__all__ = ["Bound", "bound_of", "leaf_bound", "prices_of_domains"]

PER_NANO = 10**9
"""Prices are billionths of a nano-USD."""

UNIT = 10**12
"""Sums are in trillionths of a nano-USD: prices are times PUE in thousandths."""

Limits = dict[tuple[str, str], tuple[int, int]]
"""By (offer, site) the least and the most domains of a case; absent where there is no limit. An
empty site stands for all sites together."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What a certificate proves.

    Attributes
    ----------
    total
        Bound on the objective of every plan [nano-USD, or billionths of weight]; None where it
        proves that there is no plan, or nothing.
    is_infeasible
        It proves that there is no plan.
    """

    total: int | None
    is_infeasible: bool = False


def bound_of(instance: Instance, certificate: Certificate) -> Bound:
    """Return the bound that a certificate proves.

    Raises
    ------
    PlanError
        If the certificate names what the instance does not have, or has prices for other phases.
    """
    image, goal = instance.image, certificate.goal
    ways = Ways(image)
    found: list[int] = []
    for leaf, limits in _leaves(image, certificate.tree, {}):
        if any(_offer(None, offer, limits) is None for offer in image.offers):
            continue  # a least quantity above what the case allows: no plan is in it
        each = leaf_bound(image, goal, leaf.prices, limits, ways, is_empty=leaf.is_empty)
        if each is None or (leaf.is_empty and each <= 0):
            return Bound(None)  # unbounded, or not empty after all
        if not leaf.is_empty:
            found.append(each)
    if not found:
        return Bound(None, is_infeasible=True)
    least = -(-min(found) // UNIT)
    return Bound(least if goal == "cost" else -least)


def _leaves(image: Image, node: Leaf | Split, limits: Limits) -> Iterator[tuple[Leaf, Limits]]:
    """Yield every case that can hold a plan, with the limits that the splits above it set."""
    waiting: list[tuple[Leaf | Split, Limits]] = [(node, limits)]
    sites = {offer.name: offer.sites for offer in image.offers}
    while waiting:
        here, known = waiting.pop()
        if isinstance(here, Leaf):
            _agrees(image, here.prices)
            yield here, known
            continue
        if here.site not in (*sites.get(here.offer, ()), ""):
            raise PlanError(f"certificate: {here.offer!r} is not on offer at {here.site!r}")
        if here.offer not in sites:
            raise PlanError(f"certificate: {here.offer!r} is not an offer of the instance")
        key = (here.offer, here.site)
        least, most = known.get(key, (0, most_domains(image, here.offer)))
        for child, span in (
            (here.below, (least, min(most, here.at))),
            (here.above, (max(least, here.at + 1), most)),
        ):
            if span[0] <= span[1]:
                waiting.append((child, known | {key: span}))


def most_domains(image: Image, offer: str) -> int:
    """Return the most domains of an offer that any plan can take."""
    (found,) = [o for o in image.offers if o.name == offer]
    return max(tier.most for tier in found.tiers)


def _agrees(image: Image, prices: Prices) -> None:
    """Raise where prices are on rows that the instance does not have."""
    count = len(image.phases)
    limited = [name for name, room in image.room_milli.items() if room is not None]
    for what, named, known in (
        ("demand", prices.demand, image.demand),
        ("power", prices.power, image.sites),
        ("space", prices.space, limited),
        ("supply", prices.supply, image.supply_chips),
        ("vendor_share", dict.fromkeys(prices.vendor_share, (0,) * count), image.vendor_ppm),
    ):
        for name, row in named.items():
            if name not in known:
                raise PlanError(f"certificate: {what} has no row {name!r} in the instance")
            if len(row) != count:
                raise PlanError(f"certificate: {what} {name!r} needs {count} prices")
    for what, found, lengths in (
        ("power_total", prices.power_total, {0} | ({count} if image.power_w else set())),
        ("yearly_cash", prices.yearly_cash, {0} | ({len(image.cash)} if image.cash else set())),
    ):
        if len(found) not in lengths:
            raise PlanError(f"certificate: {what} has {len(found)} prices, needs {max(lengths)}")
    if prices.capex and image.capex is None:
        raise PlanError("certificate: capex has no limit in the instance")
    if prices.work_floor and image.work_floor is None:
        raise PlanError("certificate: there is no floor of useful work in the instance")


@dataclass
class _Case:
    """Prices of a case, filled up with zeros, and what follows from them phase by phase."""

    image: Image
    goal: Goal
    prices: Prices
    is_empty: bool
    limits: Limits
    ways: Ways
    power: dict[str, tuple[int, ...]] = field(default_factory=dict)
    cash: tuple[int, ...] = ()
    earns: dict[Stock, tuple[int, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.image.phases)
        zero = (0,) * count
        total = self.prices.power_total or zero
        self.power = {
            name: tuple(
                a + b for a, b in zip(self.prices.power.get(name, zero), total, strict=True)
            )
            for name in self.image.sites
        }
        yearly = self.prices.yearly_cash or (0,) * (self.image.phases[-1].year + 1)
        self.cash = tuple(yearly)
        self.earns = {stock: zero for stock in self.image.stocks}
        self._earn()

    def _most(self) -> dict[Stock, list[int]]:
        """Return the most usable domains that a plan of this case can have, by stock and phase."""
        most = {stock: list(row) for stock, row in self.image.owned.items()}
        for offer in self.image.offers:
            for site in offer.sites:
                most_of_it = max(t.most for t in offer.tiers)
                named = ((offer.name, site), (offer.name, ""))
                more = min(self.limits.get(key, (0, most_of_it))[1] for key in named)
                for f, is_there in enumerate(offer.is_there):
                    most[site, offer.kind][f] += more * is_there
        return most

    @property
    def is_money(self) -> int:
        """1 where money is in the objective."""
        return int(self.goal != "work" and not self.is_empty)

    def lacking(self, name: str) -> int:
        """Return what a millionth of a unit that is not served costs the objective."""
        demand = self.image.demand[name]
        if self.is_empty:
            return 0
        return 1000 * (demand.weight if self.goal == "work" else demand.value)

    def work(self, name: str) -> tuple[int, ...]:
        """Return the price of a millionth of a unit of work in every phase."""
        return self.prices.demand.get(name, (0,) * len(self.image.phases))

    def space(self, site: str) -> tuple[int, ...]:
        """Return the price of a thousandth of a rack in every phase."""
        return self.prices.space.get(site, (0,) * len(self.image.phases))

    def _earn(self) -> None:
        """What one domain earns at most in each phase, at the prices of work and power."""
        image, most = self.image, self._most()
        watt = {
            name: [p * there.pue_milli for p, there in zip(self.power[name], row, strict=True)]
            for name, row in image.sites.items()
        }
        price = {name: [1000 * p for p in self.work(name)] for name in image.demand}
        self.earns.update(self.ways.best(price, watt, most))


def leaf_bound(
    image: Image, goal: Goal, prices: Prices, limits: Limits, ways: Ways, *, is_empty: bool = False
) -> int | None:
    """Return a lower bound on what is minimised within a case [trillionths of a nano-USD].

    is_empty leaves the objective out: a result above 0 proves that the case holds no plan. None
    where the prices prove nothing, since work without end would pay.
    """
    case = _Case(image, goal, prices, is_empty, limits, ways)
    served = _served(case)
    if served is None:
        return None
    total = served + _sites(case) - _limits(case)
    return total + sum(_offer(case, offer, limits) or 0 for offer in image.offers)


def _served(case: _Case) -> int | None:
    """Price of the work wanted, the best of what stays unserved, the floor of useful work."""
    total, floor, image = 0, case.prices.work_floor, case.image
    counted = 0
    for name, demand in image.demand.items():
        lacking, price = case.lacking(name), case.work(name)
        if demand.wanted is None:
            most = 0 if case.goal == "cost" else lacking
            if any(p < most - (-floor * demand.weight // WORK) for p in price):
                return None
            continue
        for f, wanted in enumerate(demand.wanted):
            net = lacking + floor * demand.weight // WORK - price[f]
            total += 1000 * (price[f] * wanted + min(0, net) * demand.may_lack[f])
            counted += demand.weight * wanted
            if case.goal != "cost":
                total -= 1000 * lacking * wanted
    total -= 1000 * -(-floor * counted // WORK)
    return total + 1000 * floor * (image.work_floor or 0)


def _sites(case: _Case) -> int:
    """What is drawn without anything new, what supplies earn, what domains there already earn."""
    image, total = case.image, 0
    for name, phases in image.sites.items():
        own = case.prices.power.get(name, (0,) * len(phases))
        for f, there in enumerate(phases):
            total += case.power[name][f] * 1000 * there.other_w
            year = image.phases[f].year
            for supply in there.supplies:
                cost = PER_NANO * case.is_money * supply.cost + case.cash[year] * supply.cash
                total -= 1000 * supply.cap_w * max(0, own[f] - cost)
    for (site, kind), count in image.present.items():
        for f, n in enumerate(count):
            idle_w = image.sites[site][f].pue_milli * image.idle_w[kind] * n
            total += case.power[site][f] * idle_w
            total += 1000 * case.space(site)[f] * image.racks_milli[kind] * n
            total -= case.earns[site, kind][f] * image.owned[site, kind][f]
    return total


def _limits(case: _Case) -> int:
    """Prices times what the limits allow."""
    image, prices = case.image, case.prices
    total = prices.capex * (image.capex or 0)
    total += sum(p * limit for p, limit in zip(prices.yearly_cash, image.cash or (), strict=False))
    total += sum(
        p * limit for p, limit in zip(prices.power_total, image.power_w or (), strict=False)
    )
    for site, row in prices.space.items():
        total += sum(row) * (image.room_milli[site] or 0)
    for chip, row in prices.supply.items():
        total += sum(p * n for p, n in zip(row, image.supply_chips[chip], strict=True))
    return 1000 * total


def _offer(case: _Case | None, offer: OfferImage, limits: Limits) -> int | None:
    """The least that an offer can add: over its tiers, quantities and sites.

    None if its limits allow no quantity. Without a case nothing costs anything.
    """
    most = max(tier.most for tier in offer.tiers)
    spans = [limits.get((offer.name, site), (0, most)) for site in offer.sites]
    first, last = limits.get((offer.name, ""), (0, most))
    least, last = sum(low for low, _ in spans), min(last, sum(span[1] for span in spans))
    fewest_at_all = max(least, first)
    best = 0 if fewest_at_all == 0 else None
    for tier in offer.tiers:
        low, high = max(fewest_at_all, tier.least), min(tier.most, last)
        if low > high:
            continue
        each = sorted(
            (0 if case is None else _domain(case, offer, tier, site), span)
            for site, span in zip(offer.sites, spans, strict=True)
        )
        total, taken = sum(cost * span[0] for cost, span in each), least
        for cost, (fewest, many) in each:
            room = (high if cost < 0 else low) - taken
            more = max(0, min(many - fewest, room))
            total, taken = total + cost * more, taken + more
        best = total if best is None else min(best, total)
    return best


def _domain(case: _Case, offer: OfferImage, tier: TierImage, site: str) -> int:
    """What one more domain of an offer at a site costs, less what it earns, at the prices."""
    image, prices = case.image, case.prices
    cost = PER_NANO * case.is_money * (tier.upfront_cost + sum(tier.upkeep_cost))
    cost += (prices.capex + case.cash[offer.year]) * tier.upfront_cash
    supply = prices.supply.get(offer.chip, (0,) * len(image.phases))
    total = 1000 * cost - _shared(case, offer, tier)
    for f, phase in enumerate(image.phases):
        if offer.is_delivered[f]:
            total += 1000 * supply[f] * offer.chips
        if not offer.is_there[f]:
            continue
        paid = case.cash[phase.year]
        total += 1000 * paid * tier.upkeep_cash[f]
        total += 1000 * case.space(site)[f] * image.racks_milli[offer.kind]
        idle_w = image.sites[site][f].pue_milli * image.idle_w[offer.kind]
        total += case.power[site][f] * idle_w
        rent = PER_NANO * case.is_money * tier.rent_cost[f] + paid * tier.rent_cash[f]
        net = case.earns[site, offer.kind][f] - 1000 * rent
        total -= net if net >= 0 else -(-net * offer.pay_ppm // MILLION)
    return total


def _shared(case: _Case, offer: OfferImage, tier: TierImage) -> int:
    """What the rows of vendors' shares give back for a domain, rounded up."""
    committed, back = offer.committed(tier), 0
    for vendor, price in case.prices.vendor_share.items():
        over = (MILLION if offer.vendor == vendor else 0) - case.image.vendor_ppm[vendor]
        back -= 1000 * price * committed * over
    return -(-back // MILLION)


def prices_of_domains(
    image: Image, goal: Goal, prices: Prices
) -> Callable[[OfferImage, TierImage, str], int]:
    """Return what tells a domain's cost less what it earns [trillionths of a nano-USD]."""
    return partial(_domain, _Case(image, goal, prices, False, {}, Ways(image)))
