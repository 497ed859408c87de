"""What is decided before any future is known: orders, retirements, contracts, and their money.

Sets        places p (build, site), periods t, contracts i, futures w
Parameters  c[w,p,t] what a unit ordered in t brings [MUSD, discounted]; caps, budgets
Variables   X[p,t] units ordered until t, R[p,t] given up until t (whole); z[i] signed (0 or 1);
            B[t] debt, C[t] cash at the end of t [MUSD]
Objective   minimise - sum_w prob[w] value[w], or what `goals.py` makes of the values
Rules       the `add_*` of this file; what operation brings is told by who builds on it
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.domain.growth.calendar import YEAR_DAYS
from optimizer.domain.growth.prices import MILLION
from optimizer.expand.arrays import Arrays, Decision
from optimizer.expand.engines.columns import Term, terms_of
from optimizer.expand.engines.model import Affine, Model

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Floats = NDArray[np.float64]

__all__ = ["MUSD", "FirstStage"]

MUSD = 1e-6
"""Money in models is in millions of USD."""

SPARE = 1e-4
"""What is kept in the till beyond the least, so that rounding breaks no covenant [MUSD]."""


class FirstStage:
    """Columns and rows of the first stage in a model.

    Attributes
    ----------
    orders, retired
        Numbers of the cumulative columns by (place, period).
    signed
        Number of the column of each contract.
    worths
        What a column is worth in each future, as far as the first stage goes, shape (F,) [MUSD].
    """

    def __init__(self, arrays: Arrays, model: Model) -> None:
        self.arrays, self.model = arrays, model
        self.orders: dict[tuple[int, int], int] = {}
        self.retired: dict[tuple[int, int], int] = {}
        self.signed: list[int] = []
        self.unit_running: dict[tuple[int, int], float] = {}
        self._add_columns()
        self.worths: dict[int, Floats] = {}
        T = arrays.T
        self.capex, self.running, self.sales = ([Affine() for _ in range(T)] for _ in range(3))
        self._add_flows()
        self.add_supply()
        self.add_retirement()

    def _add_columns(self) -> None:
        for p, (u, s) in enumerate(self.arrays.places):
            build = self.arrays.build(p)
            name = f"{p}_{build.name}_{self.arrays.growth.sites[s].name}"
            for t in range(build.first, build.last + 1):
                self.orders[p, t] = self.column(f"ordered_{name}_{t}", t, 0, build.max_units)
            if build.may_retire:
                for t in range(min(self.arrays.T, build.first + build.lead), self.arrays.T):
                    self.retired[p, t] = self.column(f"retired_{name}_{t}", t, 0, build.max_units)
        for i, c in enumerate(self.arrays.growth.contracts):
            low = 1 if c.is_signed else 0
            self.signed.append(self.column(f"signed_{i}_{c.name}", c.signing, low, 1))

    def column(self, name: str, t: int, low: int, high: int) -> int:
        """Return the whole column of what is decided in a period."""
        return self.model.column(name, low, high, is_integer=True)

    def _add_flows(self) -> None:
        """Put what a unit brings into values and expected flows, as differences of cumulatives."""
        arrays = self.arrays
        for steps, is_order in ((self.orders, True), (self.retired, False)):
            for (p, t), column in steps.items():
                flows = arrays.order_flows(p, t) if is_order else arrays.retired_flows(p, t)
                if is_order:
                    for at, each in enumerate(arrays.odds @ flows.running * MUSD):
                        least = self.unit_running.get((p, at), 0.0)
                        self.unit_running[p, at] = min(least, float(each))
                worth = flows.total @ arrays.discount[arrays.places[p][1]] * MUSD
                before = steps.get((p, t - 1))
                self.worths[column] = self.worths.get(column, 0.0) + worth
                if before is not None:
                    self.worths[before] = self.worths[before] - worth
                for rows, flow in zip(
                    (self.capex, self.running, self.sales),
                    (flows.capex, flows.running, flows.sales),
                    strict=True,
                ):
                    mean = arrays.odds @ flow * MUSD
                    for at in np.flatnonzero(mean).tolist():
                        rows[at].add(column, mean[at]).add(before, -mean[at])
        for i, column in enumerate(self.signed):
            flows = arrays.contract_flows(i)
            site = min(arrays.growth.contracts[i].sites)
            self.worths[column] = flows.total @ arrays.discount[site] * MUSD
            for rows, flow in ((self.running, flows.running), (self.sales, flows.sales)):
                for at, each in enumerate(arrays.odds @ flow * MUSD):
                    rows[at].add(column, each)

    def capitals(self) -> dict[int, Floats]:
        """Return what of a column's worth is price, upkeep and resale, shape (F,) [MUSD]."""
        found: dict[int, Floats] = {}
        for steps, is_order in ((self.orders, True), (self.retired, False)):
            for (p, t), column in steps.items():
                flows = self.arrays.capital_flows(p, t, is_order=is_order)
                worth = flows @ self.arrays.discount[self.arrays.places[p][1]] * MUSD
                found[column] = found.get(column, 0.0) + worth
                before = steps.get((p, t - 1))
                if before is not None:
                    found[before] = found[before] - worth
        return found

    def leave_capital_aside(self) -> None:
        """Let capital count by its mean in every future, before any value is asked for."""
        for column, capital in self.capitals().items():
            self.worths[column] = self.worths[column] - capital + float(self.arrays.odds @ capital)

    @cached_property
    def worth_rows(self) -> tuple[NDArray[np.int64], Floats]:
        """Columns, and what they are worth, shape (columns, F) [MUSD]."""
        rows = np.array(list(self.worths.values())).reshape(len(self.worths), self.arrays.F)
        return np.array(list(self.worths), np.int64), rows

    @cached_property
    def values(self) -> list[Affine]:
        """What each future is worth, as far as the first stage goes [MUSD]."""
        found = [Affine() for _ in self.arrays.futures]
        for column, worth in self.worths.items():
            for value, each in zip(found, worth.tolist(), strict=True):
                value.add(column, each)
        return found

    # ---- what stands ----------------------------------------------------------------------------

    def stands(self, place: int, terms: Iterable[Term], t: int, unit: float) -> Affine:
        """Return terms of cumulative orders of a place, less `unit` for each that is given up."""
        left = Affine()
        for period, factor in terms:
            left.add(self.orders[place, period], factor)
        return left.add(self.retired.get((place, t)), -unit)

    # ---- rules ----------------------------------------------------------------------------------

    def add_supply(self) -> None:
        """X[t] >= X[t-1], X[t] - X[t-1] <= most, sum_p X[p,last] <= units; chips by delivery."""
        arrays, model = self.arrays, self.model
        for u, build in enumerate(arrays.growth.builds):
            places = arrays.places_of(u)
            everything = Affine()
            for t in range(build.first, build.last + 1):
                ordered = Affine()
                for p in places:
                    new = Affine().add(self.orders[p, t], 1.0)
                    new.add(self.orders.get((p, t - 1)), -1.0)
                    model.at_least(f"more_{u}_{p}_{t}", new)
                    ordered.plus(new)
                if build.max_per_period < build.max_units:
                    model.at_most(f"supply_{u}_{t}", ordered, build.max_per_period)
            for p in places:
                everything.add(self.orders.get((p, build.last)), 1.0)
            model.at_most(f"supply_{u}", everything, build.max_units)
        for chip, row in arrays.growth.supply_chips.items():
            for t, limit in enumerate(row):
                chips = Affine()
                for p in range(len(arrays.places)):
                    build = arrays.build(p)
                    if build.chip == chip:
                        period = min(t - build.lead, build.last)
                        chips.add(self.orders.get((p, period)), build.chips)
                model.at_most(f"supply_{chip}_{t}", chips, limit)

    def add_retirement(self) -> None:
        """R[t-1] <= R[t] <= what has come by t in the future in which it comes last."""
        for (p, t), column in self.retired.items():
            late = int(self.arrays.delays[:, self.arrays.places[p][0]].max())
            left = self.stands(p, terms_of(self.arrays, p, (1.0,), late, t), t, 1.0)
            self.model.at_least(f"retirement_{p}_{t}", left)
            more = Affine().add(column, 1.0).add(self.retired.get((p, t - 1)), -1.0)
            self.model.at_least(f"retired_{p}_{t}", more)

    def add_money(self, brought: Sequence[Affine]) -> None:
        """Rules of money, with what operation is expected to bring in each period [MUSD]."""
        finance = self.arrays.growth.finance
        if finance is None:
            return
        T, model = self.arrays.T, self.model
        debt = [model.column(f"debt_{t}", 0, finance.debt * MUSD / 100) for t in range(T)]
        running = [Affine().plus(self.running[t]).plus(brought[t]) for t in range(T)]
        interest = finance.interest_ppm / MILLION * self.arrays.days / YEAR_DAYS
        till = Affine(finance.cash * MUSD / 100)
        spent = Affine()
        for t in range(T):
            paid = Affine().add(debt[t - 1] if t else None, interest[t])
            till.plus(running[t]).plus(self.capex[t]).plus(self.sales[t]).plus(paid, -1.0)
            till.add(debt[t], 1.0).add(debt[t - 1] if t else None, -1.0)
            till.constant += finance.equity[t] * MUSD / 100
            cash = model.column(f"cash_{t}", finance.least_cash[t] * MUSD / 100 + SPARE)
            model.equal(f"cash_{t}", Affine().plus(till).add(cash, -1.0))
            till = Affine().add(cash, 1.0)
            spent.plus(self.capex[t], -1.0)
            loan = Affine().add(debt[t], 1.0).plus(spent, -finance.loan_ppm / MILLION)
            model.at_most(f"loan_to_cost_{t}", loan)
            if finance.coverage_milli is not None and t >= max(1, finance.coverage_from):
                cover = Affine().plus(running[t]).plus(paid, -finance.coverage_milli / 1000)
                self._add_coverage(t, cover, debt[t - 1])
        self._add_capex_budget(finance.capex)

    def _add_coverage(self, t: int, cover: Affine, debt: int) -> None:
        """Operating flow >= coverage x interest - M (1 - o), debt <= most o: o says there is debt.

        M is what all units together may cost in a period when nothing is earned.
        """
        least = 0.0
        for u in range(len(self.arrays.growth.builds)):
            each = [self.unit_running.get((p, t), 0.0) for p in self.arrays.places_of(u)]
            least += min(0.0, *each, 0.0) * self.arrays.growth.builds[u].max_units
        for i in range(len(self.signed)):
            least += min(0.0, self.running[t].factors.get(self.signed[i], 0.0))
        owes = self.model.column(f"owes_{t}", 0, 1, is_integer=True)
        most = self.model.high[debt]
        self.model.at_most(f"owes_{t}", Affine().add(debt, 1.0).add(owes, -most))
        self.model.at_least(f"coverage_{t}", cover.add(owes, least), least)

    def _add_capex_budget(self, budget: Iterable[tuple[int | None, int]]) -> None:
        """Prices of builds paid in a year, or in all, <= its limit; units may cost just that."""
        calendar = self.arrays.growth.calendar
        for year, limit in budget:
            paid = Affine()
            for t in range(self.arrays.T):
                if year in (None, calendar.year(t)):
                    paid.plus(self.capex[t], -1.0)
            name = "capex_budget" if year is None else f"capex_budget_{year}"
            self.model.at_most(name, paid, limit * MUSD / 100)

    # ---- there and back -------------------------------------------------------------------------

    def decision(self, values: Sequence[float], *, is_whole: bool = True) -> Decision:
        """Return the decision of a solution."""
        found = Decision()
        for steps, into in ((self.orders, found.orders), (self.retired, found.retired)):
            for (p, t), column in steps.items():
                before = values[steps[p, t - 1]] if (p, t - 1) in steps else 0.0
                after = values[column]
                units = round(after) - round(before) if is_whole else after - before
                if units > 1e-9:
                    into[p, t] = float(units)
        found.signed = frozenset(i for i, c in enumerate(self.signed) if values[c] > 0.5)
        return found

    def columns_of(self, decision: Decision) -> dict[int, float]:
        """Return the columns of a decision."""
        found: dict[int, float] = {}
        for steps, given in ((self.orders, decision.orders), (self.retired, decision.retired)):
            total = 0.0
            for (p, t), column in sorted(steps.items()):
                total = given.get((p, t), 0.0) + (total if (p, t - 1) in steps else 0.0)
                found[column] = total
        for i, column in enumerate(self.signed):
            found[column] = float(i in decision.signed)
        return found

    def keep(self, decision: Decision) -> None:
        """Ask for all steps and contracts of a decision, whatever is added to them later on."""
        when = {c: t for steps in (self.orders, self.retired) for (_, t), c in steps.items()}
        signing = [c.signing for c in self.arrays.growth.contracts]
        when |= dict(zip(self.signed, signing, strict=True))
        for column, units in self.columns_of(decision).items():
            if when[column] < decision.until:
                self.model.low[column] = self.model.high[column] = units
        for steps, given, word in (
            (self.orders, decision.orders, "ordered"),
            (self.retired, decision.retired, "retired"),
        ):
            for (p, t), units in given.items():
                new = Affine().add(steps[p, t], 1.0).add(steps.get((p, t - 1)), -1.0)
                self.model.at_least(f"keep_{word}_{p}_{t}", new, units)
        for i in decision.signed:
            self.model.low[self.signed[i]] = 1.0
