"""Rules about money, on the expected flows: capex of a year, cash, debt, coverage."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING

from optimizer.domain.growth.calendar import YEAR_DAYS
from optimizer.domain.growth.prices import MILLION
from optimizer.domain.growth.scenes import BILLION
from optimizer.expand.plan import Rule
from optimizer.expand.rules.case import Case, said
from optimizer.expand.rules.flows import CENT, Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.expand.plan import Violation

__all__ = [
    "Books", "check_capex_budget", "check_cash", "check_coverage", "check_loan_to_cost",
]  # fmt: skip


@dataclass
class Books:
    """Expected flows and the debt that follows from them, by period [cents]."""

    capex: list[int]
    running: list[int]
    interest: list[int]
    debt: list[int]
    cash: list[int]

    @classmethod
    def of(cls, case: Case, ledgers: list[Ledger]) -> Books:
        """Return the books of a plan: what is short is borrowed, what is over repays."""
        finance, days = case.growth.finance, case.growth.calendar.days
        odds = [Fraction(f.ppb, BILLION * CENT) for f in case.futures]
        books = cls([], [], [], [], [])
        if finance is None:
            return books
        debt, cash = 0, finance.cash
        for t in range(case.growth.periods):
            mean = [
                sum((p * x for p, x in zip(odds, row, strict=True)), Fraction(0))
                for row in (
                    [book.capex[t] for book in ledgers],
                    [book.running[t] for book in ledgers],
                    [book.total(t) for book in ledgers],
                )
            ]
            interest = ceil(Fraction(debt * finance.interest_ppm * days[t], YEAR_DAYS * MILLION))
            before = cash + finance.equity[t] + floor(mean[2]) - interest
            new = max(0, debt + finance.least_cash[t] - before)
            cash, debt = before + new - debt, new
            books.capex.append(ceil(mean[0]))
            books.running.append(floor(mean[1]))
            books.interest.append(interest)
            books.debt.append(debt)
            books.cash.append(cash)
        return books


def check_capex_budget(case: Case, books: Books) -> Iterator[Violation]:
    """Expected prices of builds paid in a year, or in all, <= its limit."""
    finance, calendar = case.growth.finance, case.growth.calendar
    for year, limit in () if finance is None else finance.capex:
        paid = sum(x for t, x in enumerate(books.capex) if year in (None, calendar.year(t)))
        if paid > limit:
            where = "the horizon" if year is None else f"year {year}"
            yield said(Rule.CAPEX_BUDGET, where, _usd(paid), _usd(limit))


def check_cash(case: Case, books: Books) -> Iterator[Violation]:
    """The debt that keeps the least cash <= the most debt there may be."""
    for t, debt in enumerate(books.debt):
        finance = case.growth.finance
        if finance is not None and debt > finance.debt:
            found = f"{_usd(debt)} would have to be borrowed"
            yield said(Rule.CASH, _at(case, t), found, _usd(finance.debt))


def check_loan_to_cost(case: Case, books: Books) -> Iterator[Violation]:
    """Debt <= its share of all capex paid so far."""
    finance, spent = case.growth.finance, 0
    for t, debt in enumerate(books.debt):
        spent += books.capex[t]
        limit = 0 if finance is None else finance.loan_ppm * spent // MILLION
        if debt > limit:
            yield said(Rule.LOAN_TO_COST, _at(case, t), _usd(debt), _usd(limit))


def check_coverage(case: Case, books: Books) -> Iterator[Violation]:
    """Operating flow >= coverage x interest, from a period on, where there is interest."""
    finance = case.growth.finance
    if finance is None or finance.coverage_milli is None:
        return
    for t in range(finance.coverage_from, len(books.interest)):
        least = finance.coverage_milli * books.interest[t]
        if books.interest[t] > 0 and 1000 * books.running[t] < least:
            found = f"{books.running[t] / books.interest[t]:.4f}"
            yield said(Rule.COVERAGE, _at(case, t), found, finance.coverage_milli / 1000)


def _at(case: Case, t: int) -> str:
    return f"period {t} ({case.growth.calendar.label(t)})"


def _usd(cents: int) -> str:
    return f"{cents / 100:.2f} USD"
