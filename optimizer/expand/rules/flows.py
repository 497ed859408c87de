"""Flows of money as the judge adds them up: exact, by future and period [nano-USD]."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING

from optimizer.domain.growth.calendar import YEAR_DAYS
from optimizer.domain.growth.prices import DISCOUNT, MILLION, moved
from optimizer.domain.growth.scenes import BILLION
from optimizer.expand.rules.operation import earned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.domain.growth.payers import ContractImage
    from optimizer.domain.growth.scenes import FutureImage
    from optimizer.expand.rules.case import Case, Place

__all__ = ["CENT", "TENTH", "Ledger", "ledger", "mean_of", "tail_of"]

CENT = 10_000_000
"""nano-USD in a cent."""

TENTH = MILLION // 10
"""The share of worst cases that is reported where none is asked for [millionths]."""


@dataclass
class Ledger:
    """Flows of a future by period, all sites together, and its NPV in whole cents.

    Attributes
    ----------
    capital
        The part of the NPV that is prices of builds, upkeep and resale, in whole cents.
    """

    capex: list[Fraction]
    running: list[Fraction]
    sales: list[Fraction]
    value: int = 0
    capital: int = 0

    def total(self, t: int) -> Fraction:
        """Return what flows in a period."""
        return self.running[t] + self.sales[t] - self.capex[t]


def ledger(case: Case, future: FutureImage) -> Ledger:
    """Return the flows of a future."""
    growth, T = case.growth, case.growth.periods
    book = Ledger([Fraction(0)] * T, [Fraction(0)] * T, [Fraction(0)] * T)
    capital, operation = [Fraction(0)], [Fraction(0)]

    def note(
        row: list[Fraction], t: int, s: int, amount: Fraction | int, of: list[Fraction] = capital
    ) -> None:
        row[t] += amount
        paid = -amount if row is book.capex else amount
        of[0] += Fraction(paid) * growth.sites[s].discount[t] / DISCOUNT

    for place, orders in case.orders.items():
        u, s = place
        for o, units in orders.items():
            first, rest = case.cost(u, o, future)
            note(book.capex, o, s, first * units)
            note(book.capex, o + growth.builds[u].lead, s, rest * units)
        for t in range(T):
            note(book.running, t, s, -_kept(case, place, future, t))
            note(book.running, t, s, -_taken(case, place, future, t), operation)
        for t, units in _sold(case, place, future):
            build = growth.builds[u]
            price = moved(build.resale[t], future.factor(build.resale_driver, t))
            note(book.sales, t, s, price * units)
    for i in case.signed:
        for row, t, amount in _contract(growth.contracts[i], future.defaults[i], case):
            site = min(growth.contracts[i].sites)
            note(book.running if row else book.sales, t, site, amount, operation)
    for t in range(T):
        for s, amount in enumerate(earned(case, future, t)):
            note(book.running, t, s, amount, operation)
    book.value = floor((capital[0] + operation[0]) / CENT + Fraction(1, 2))
    book.capital = floor(capital[0] / CENT + Fraction(1, 2))
    return book


def _kept(case: Case, place: Place, future: FutureImage, t: int) -> Fraction:
    """Return the upkeep of the units of a place in a period."""
    units = case.units(place, future, t)
    fixed = case.growth.builds[place[0]].fixed
    return Fraction(fixed * units * case.growth.calendar.days[t], YEAR_DAYS)


def _taken(case: Case, place: Place, future: FutureImage, t: int) -> Fraction:
    """Return the energy of the units of a place that is paid for in any case."""
    growth, (u, s), cost = case.growth, place, Fraction(0)
    for j, source in enumerate(growth.sources):
        if source.build == u and source.site == s and source.take_ppm:
            price = moved(source.price[t], future.factor(source.driver, t))
            for b, share in enumerate(growth.share_ppm):
                taken = case.watts(j, future, t, b) * source.take_ppm // MILLION
                hours = Fraction(growth.calendar.hours[t] * share, MILLION)
                cost += hours * taken * moved(price, growth.energy_ppm[b]) / MILLION
    return cost


def _sold(case: Case, place: Place, future: FutureImage) -> list[tuple[int, int]]:
    """Return (period, units) of what is sold: given up, and left at the end."""
    growth, u = case.growth, place[0]
    build, last = growth.builds[u], growth.periods - 1
    left = -case.gone(place, last)
    for o, units in case.orders[place].items():
        end = None if build.life is None else o + build.lead + future.delays[u] + build.life
        left += units if end is None or end >= growth.periods else 0
    return [*case.retired.get(place, {}).items(), (last, left)]


def mean_of(values: Sequence[int], odds: Sequence[int]) -> Fraction:
    """Return the mean; odds in billionths."""
    return Fraction(sum(p * v for p, v in zip(odds, values, strict=True)), BILLION)


def tail_of(values: Sequence[int], odds: Sequence[int], alpha_ppm: int) -> Fraction:
    """Return the mean of the worst share of probability."""
    left = share = Fraction(alpha_ppm, MILLION) * BILLION
    total = Fraction(0)
    for value, odd in sorted(zip(values, odds, strict=True)):
        part = min(left, Fraction(odd))
        total, left = total + part * value, left - part
    return total / share


def _contract(c: ContractImage, default: int, case: Case) -> list[tuple[bool, int, Fraction]]:
    """Return (is running, period, amount) of what a contract flows whatever is delivered."""
    calendar = case.growth.calendar

    def full(t: int, rate: int) -> Fraction:
        time = Fraction(calendar.days[t], YEAR_DAYS) if c.is_lease else calendar.hours[t]
        return Fraction(rate * c.amount, MILLION) * time

    paid = Fraction(c.prepaid_ppm, MILLION)
    term = range(c.first, c.end)
    found = [(False, c.signing, paid * sum(full(t, c.rent[t]) for t in term))]
    for t in range(c.first, max(c.first, min(c.end, default))):
        found.append((True, t, -paid * full(t, c.rent[t]) - full(t, c.penalty)))
    if default < calendar.periods:
        rest = sum(full(t, c.rent[t]) for t in range(max(c.first, default), c.end))
        found.append((False, default, Fraction(c.backstop_ppm, MILLION) * (1 - paid) * rest))
    return found
