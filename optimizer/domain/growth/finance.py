"""Money: cash, equity, debt and what lenders ask for."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from optimizer.domain.fields import Entity
from optimizer.domain.growth.builds import Fraction
from optimizer.domain.series import Series, constant, within

__all__ = ["Finance"]

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
