"""Where no plan keeps all rules: which of them conflict, and with how much money one does.

The relaxed master of Benders says that there is no plan; its rows are asked once more, cut where
a solution says more than operation brings. Of the rules each is lifted in turn, and stays lifted
if there is still no solution: those that are left cannot all be kept, and none of them is
superfluous (deletion filter: Chinneck 2008, Feasibility and Infeasibility in Optimization). Then
money is added where it is limited, cash at the start and budgets, as little as possible, all other
rules as they are.
Parts of units count here: to what is found a plan in whole units is sought before it is said.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil, inf
from typing import TYPE_CHECKING

import numpy as np

from optimizer.expand.engines.first import MUSD
from optimizer.expand.plan import Rule, WayOut

if TYPE_CHECKING:
    from optimizer.domain.growth.image import Growth
    from optimizer.expand.engines.benders import Benders

__all__ = ["COMPLETE", "clash", "eased", "more_money", "way_out_of"]

COMPLETE = "complete"
"""What is asked beside the rules: the plan that is to be completed."""

ROWS = {
    Rule.SUPPLY: ("supply_",), Rule.RETIREMENT: ("retirement_",),
    Rule.CAPEX_BUDGET: ("capex_budget",), Rule.CASH: ("owes_",),
    Rule.LOAN_TO_COST: ("loan_to_cost_",), Rule.COVERAGE: ("coverage_",), COMPLETE: ("keep_",),
}  # fmt: skip
"""How the names of the rows of a rule begin."""

CASH, BUDGET = "cash_0", "capex_budget"
"""Rows that take money."""


class Asked:
    """A master of which only is asked whether it has a solution."""

    def __init__(self, master: Benders) -> None:
        self.master, self.model = master, master.first.model
        self.solver = master.solver
        self.set_costs({})

    def set_costs(self, costs: dict[int, float]) -> None:
        """Minimise these costs of columns, and no others."""
        count = self.solver.getNumCol()
        each = np.array([costs.get(c, 0.0) for c in range(count)])
        self.solver.changeColsCost(count, np.arange(count, dtype=np.int32), each)

    def solution(self) -> list[float] | None:
        """Return the columns of a solution; None if there is none, or no time to find it."""
        while not self.master.is_over():
            values = self.master.solved()
            if values is None:
                return None
            if not self.master.ask(values, values)[1]:
                found: list[float] = values.tolist()
                return found
        return None

    def lift(self, rule: str, *, is_lifted: bool) -> bool:
        """Lift a rule, or set it again; return whether there is anything of it."""
        model, is_any = self.model, False
        for i, (name, _, low, high) in enumerate(model.rows):
            if name.startswith(ROWS.get(rule, ())):
                is_any = True
                self.solver.changeRowBounds(i, *((-inf, inf) if is_lifted else (low, high)))
        for c, name in enumerate(model.names):
            if rule == Rule.CASH and name.startswith("debt_"):
                is_any = True
                self.solver.changeColBounds(c, 0.0, inf if is_lifted else model.high[c])
            if rule == Rule.CONTRACT and name.startswith("signed_") and model.low[c]:
                is_any = True
                self.solver.changeColBounds(c, 0.0 if is_lifted else 1.0, 1.0)
        return is_any


def clash(master: Benders) -> tuple[str, ...]:
    """Return rules that cannot all be kept, none superfluous; empty where time is over.

    master
        One that has found that there is no plan.
    """
    asked, kept = Asked(master), list[str]()
    for rule in (*Rule, COMPLETE):
        if asked.lift(rule, is_lifted=True) and asked.solution() is not None:
            asked.lift(rule, is_lifted=False)
            kept.append(str(rule))
    for rule in (*Rule, COMPLETE):
        asked.lift(rule, is_lifted=False)
    return () if master.is_over() else tuple(kept)


def more_money(master: Benders) -> dict[str, float] | None:
    """Return the least money that gives a solution, by the name of the row that takes it [USD].

    None if no amount does, or time is over.
    """
    asked, columns = Asked(master), dict[str, int]()
    for i, (name, *_) in enumerate(asked.model.rows):
        if name == CASH or name.startswith(BUDGET):
            columns[name] = asked.solver.getNumCol()
            way = 1.0 if name == CASH else -1.0
            asked.solver.addCol(1.0, 0.0, inf, 1, np.array([i], np.int32), np.array([way]))
    asked.set_costs(dict.fromkeys(columns.values(), 1.0))
    values = asked.solution() if columns else None
    if values is None:
        return None
    return {name: values[c] / MUSD for name, c in columns.items() if values[c] > 1e-9}


def way_out_of(growth: Growth, money: dict[str, float]) -> WayOut:
    """Return amounts by row [USD] as more of the fields of finance, in whole dollars."""
    finance = growth.finance
    years = [y for y, _ in (() if finance is None else finance.capex) if y is not None]
    each = [float(ceil(money.get(f"{BUDGET}_{y}", 0.0))) for y in years]
    return WayOut(
        cash_usd=float(ceil(money.get(CASH, 0.0))),
        capex_usd=float(ceil(money.get(BUDGET, 0.0))),
        capex_usd_per_year=tuple(each) if any(each) else (),
    )


def eased(growth: Growth, out: WayOut) -> Growth:
    """Return the image with a way out taken."""
    finance, by_year = growth.finance, dict(enumerate(out.capex_usd_per_year))
    if finance is None:
        return growth
    capex = tuple(
        (y, most + round(100 * (out.capex_usd if y is None else by_year.get(y, 0.0))))
        for y, most in finance.capex
    )
    cash = finance.cash + round(100 * out.cash_usd)
    return replace(growth, finance=replace(finance, cash=cash, capex=capex))
