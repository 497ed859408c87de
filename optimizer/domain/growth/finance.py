"""Money: cash, equity, debt and what lenders ask for."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from optimizer.domain.fields import Entity
from optimizer.domain.growth.builds import Fraction
from optimizer.domain.series import Series, constant, within

if TYPE_CHECKING:
    from optimizer.domain.growth.calendar import Calendar
    from optimizer.domain.growth.prices import Row

__all__ = ["Finance", "FinanceImage", "finance_of"]

CENTS = 100
"""Cents in a USD: cash, debt and values of futures are whole cents."""

Money = Annotated[float, Field(ge=0, le=1e13)]


class Finance(Entity):
    """Limits of money, tested on the expected cash flow, as lenders do on their base case.

    Cash that is short is borrowed, and debt is repaid as soon as there is more cash than asked for.

    Attributes
    ----------
    cash_usd
        Cash at the start.
    equity_usd
        What owners pay in, in each period.
    least_cash_usd
        What has to be in the till at the end of every period.
    debt_usd
        The most debt at any time.
    loan_to_cost
        The most debt as a share of all capex paid so far.
    interest_per_year
        On the debt at the start of a period, by days of 365.
    coverage, coverage_from
        Cash flow from operation over interest, at least, from that period on; None for no limit.
    capex_usd_per_year
        The most that may be paid for builds in each year from the start; the last number holds on.
    capex_usd
        The most that may be paid for builds in all; None for no limit.
    """

    cash_usd: Money = 0.0
    equity_usd: Annotated[Series, within(0, 1e13, "USD")] = constant(0)
    least_cash_usd: Annotated[Series, within(0, 1e13, "USD")] = constant(0)
    debt_usd: Money = 0.0
    loan_to_cost: Fraction = 0.0
    interest_per_year: Fraction = 0.0
    coverage: Annotated[float, Field(ge=0, le=100)] | None = None
    coverage_from: Annotated[int, Field(ge=0, le=480)] = 0
    capex_usd_per_year: Annotated[tuple[Money, ...], Field(min_length=1)] | None = None
    capex_usd: Money | None = None


@dataclass(frozen=True, slots=True)
class FinanceImage:
    """Limits of money in cents; shares in millionths, coverage in thousandths, or None.

    Attributes
    ----------
    capex
        What may be paid for builds in a year, counted from the start; None is for all of them.
    """

    cash: int
    equity: Row
    least_cash: Row
    debt: int
    loan_ppm: int
    interest_ppm: int
    coverage_milli: int | None
    coverage_from: int
    capex: tuple[tuple[int | None, int], ...]


def finance_of(finance: Finance, calendar: Calendar) -> FinanceImage:
    """Return the limits of money as whole numbers."""
    years = calendar.year(calendar.periods - 1) + 1
    by_year, in_all = finance.capex_usd_per_year or (), finance.capex_usd
    capex = [(y, by_year[min(y, len(by_year) - 1)]) for y in range(years) if by_year]
    budget: list[tuple[int | None, float]] = [*capex, *([] if in_all is None else [(None, in_all)])]
    return FinanceImage(
        cash=floor(finance.cash_usd * CENTS + 1e-6),
        equity=tuple(floor(x * CENTS + 1e-6) for x in finance.equity_usd.over(calendar, "min")),
        least_cash=tuple(
            ceil(x * CENTS - 1e-6) for x in finance.least_cash_usd.over(calendar, "max")
        ),
        debt=floor(finance.debt_usd * CENTS + 1e-6),
        loan_ppm=floor(finance.loan_to_cost * 1_000_000 + 1e-6),
        interest_ppm=ceil(finance.interest_per_year * 1_000_000 - 1e-6),
        coverage_milli=None if finance.coverage is None else ceil(finance.coverage * 1000 - 1e-6),
        coverage_from=finance.coverage_from,
        capex=tuple((year, floor(x * CENTS + 1e-6)) for year, x in budget),
    )
