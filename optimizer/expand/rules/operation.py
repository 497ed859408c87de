"""Operation as the judge adds it up: exact fractions, one future, period and block at a time."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from optimizer.domain.growth.order import worth
from optimizer.domain.growth.prices import MILLION, moved

if TYPE_CHECKING:
    from optimizer.domain.growth.scenes import FutureImage
    from optimizer.expand.rules.case import Case

__all__ = ["Energy", "Offer", "earned", "energy_of", "first_load"]


@dataclass(slots=True)
class Energy:
    """What a source, or a part of it, can still give [W], at a cost [nano-USD per MWh]."""

    watts: Fraction
    cost: int


@dataclass(slots=True)
class Offer:
    """Compute that a site can still give [micro], at a cost [nano-USD per unit and hour]."""

    micro: Fraction
    cost: Fraction
    site: int


def earned(case: Case, future: FutureImage, t: int) -> list[Fraction]:
    """Return what operation of a period brings at each site [nano-USD].

    Rents and penalties of delivered contracts less energy; what is paid whatever is delivered, or
    drawn, is left out.
    """
    growth = case.growth
    total = [Fraction(0) for _ in growth.sites]
    for b, share in enumerate(growth.share_ppm):
        hours = Fraction(growth.calendar.hours[t] * share, MILLION)
        offers: list[Offer] = []
        for s in range(len(growth.sites)):
            energy = energy_of(case, future, t, b, s)
            load = growth.sites[s].other_w[t] + case.charge(s, future, t, b)
            total[s] -= hours * first_load(load, energy)
            total[s] += hours * _leased(case, future, t, s, energy)
            offers += _offers(case, future, t, s, energy)
        offers.sort(key=lambda x: (x.cost, x.site))
        _serve(case, future, t, b, hours, offers, total)
    return total


def energy_of(case: Case, future: FutureImage, t: int, b: int, s: int) -> list[Energy]:
    """Return the energy of a site, the cheapest first, within permits."""
    growth, found = case.growth, []
    for j, source in enumerate(growth.sources):
        if source.site != s:
            continue
        watts = case.offered(j, future, t, b)
        taken = watts * source.take_ppm // MILLION
        price = moved(source.price[t], future.factor(source.driver, t))
        price = moved(price, growth.energy_ppm[b])
        found.append((source.carbon[t], j, 0, taken))
        found.append((source.carbon[t] + price, j, 1, watts - taken))
    room = [moved(cap[t], future.factor(driver, t)) for cap, driver in growth.permits]
    out = []
    for cost, j, _, watts in sorted(found):
        permit = growth.sources[j].permit
        if permit is not None:
            watts = min(watts, room[permit])
            room[permit] -= watts
        if watts > 0:
            out.append(Energy(Fraction(watts), cost))
    return out


def first_load(watts: int, energy: list[Energy]) -> Fraction:
    """Give other load and charging the cheapest energy; return its cost an hour.

    Nothing is left if it lacks.
    """
    need, cost = Fraction(watts), Fraction(0)
    for each in energy:
        taken = min(need, each.watts)
        need, each.watts = need - taken, each.watts - taken
        cost += taken * each.cost / MILLION
    return cost


def _leased(case: Case, future: FutureImage, t: int, s: int, energy: list[Energy]) -> Fraction:
    """Return rent and spared penalties of what tenants of a site get, an hour."""
    site = case.growth.sites[s]
    room = Fraction(sum(e.watts for e in energy) * 1000, site.pue_milli[t])
    room = min(room, Fraction(case.hall_w(s, future, t)))
    brought = Fraction(0)
    for contract in sorted(case.leases(s, future, t), key=lambda c: -(c.rent[t] + c.penalty)):
        watts = min(room, Fraction(contract.amount))
        room -= watts
        brought += watts * (contract.rent[t] + contract.penalty) / MILLION / (365 * 24)
    return brought


def _offers(case: Case, future: FutureImage, t: int, s: int, energy: list[Energy]) -> list[Offer]:
    """Return the compute that a site can give, the cheapest first."""
    growth, room = case.growth, Fraction(case.hall_w(s, future, t))
    pue = Fraction(growth.sites[s].pue_milli[t], 1000)
    mine = [k for k in growth.stocks if k.site == s]
    out = []
    for stock in sorted(mine, key=lambda k: Fraction(-k.micro, k.draw_w)):
        left = Fraction(case.domains(stock, future, t) * stock.draw_w)
        for each in energy:
            it = min(left, room, each.watts / pue)
            if it > 0:
                left, room, each.watts = left - it, room - it, each.watts - it * pue
                micro = it * stock.micro / stock.draw_w
                cost = each.cost * pue * stock.draw_w / stock.micro
                out.append(Offer(micro, cost, s))
    return out


def _serve(
    case: Case, future: FutureImage, t: int, b: int, hours: Fraction, offers: list[Offer],
    total: list[Fraction],
) -> None:  # fmt: skip
    """Serve demands, the dearest first, each by the cheapest offers left that pay."""
    each = worth(case.growth, future, t)
    demands = _demands(case, future, t, b)
    for k in sorted(range(len(each)), key=lambda k: (-each[k], len(demands[k][1]), k)):
        left, sites = demands[k]
        for offer in offers:
            if left <= 0 or offer.cost >= each[k]:
                break
            if offer.site in sites and offer.micro > 0:
                micro = min(left, offer.micro)
                left, offer.micro = left - micro, offer.micro - micro
                total[offer.site] += hours * micro * (each[k] - offer.cost) / MILLION


def _demands(
    case: Case, future: FutureImage, t: int, b: int
) -> list[tuple[Fraction, frozenset[int]]]:
    """Return what every demand wants in a block [micro], and its sites; clouds come last."""
    growth, found = case.growth, []
    for segment in growth.segments:
        volume = moved(segment.volume[t], future.factor(segment.volume_driver, t))
        found.append((Fraction(moved(volume, growth.demand_ppm[b])), segment.sites))
    for i, c in enumerate(growth.contracts):
        if not c.is_lease:
            is_due = i in case.signed and c.first <= t < min(c.end, future.defaults[i])
            found.append((Fraction(c.amount if is_due else 0), c.sites))
    return found
