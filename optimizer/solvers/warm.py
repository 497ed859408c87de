"""A relaxed model that is solved again and again with other bounds, each time from the last basis.

PuLP builds the model once; after that HiGHS is told of changed bounds alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import highspy
import pulp

from optimizer.solvers.milp import DEFAULT_ENGINE, TOLERANCE, Relaxed

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Warm"]


class Warm:
    """A model without its whole numbers, held by HiGHS.

    Parameters
    ----------
    problem
        Must not change while it is held here.
    """

    def __init__(self, problem: pulp.LpProblem) -> None:
        tight = {"primal_feasibility_tolerance": TOLERANCE, "dual_feasibility_tolerance": TOLERANCE}
        problem.solve(pulp.getSolver(DEFAULT_ENGINE, mip=False, msg=False, threads=1, **tight))
        self._model: Any = problem.solverModel
        self._constant = float(problem.objective.constant or 0.0)
        self._columns = {v.name: v.index for v in problem.variables()}
        self._rows = {name: row.index for name, row in problem.constraints.items()}

    def add_row(self, variables: Iterable[pulp.LpVariable]) -> int:
        """Add a row that sums variables, without bounds as yet; return its number."""
        index = [v.index for v in variables]
        free = highspy.kHighsInf
        self._model.addRow(-free, free, len(index), index, [1.0] * len(index))
        return int(self._model.getNumRow()) - 1

    def bound_row(self, row: int, least: float | None, most: float | None) -> None:
        """Set the bounds of a row; None for none."""
        free = highspy.kHighsInf
        low, high = -free if least is None else least, free if most is None else most
        self._model.changeRowBounds(row, low, high)

    def bound(self, variable: pulp.LpVariable, most: float | None) -> None:
        """Set the largest value of a variable; None for none."""
        high = highspy.kHighsInf if most is None else most
        self._model.changeColBounds(variable.index, variable.lowBound or 0.0, high)

    def solve(self) -> Relaxed:
        """Minimise; return values and prices."""
        self._model.run()
        status, kinds = self._model.getModelStatus(), highspy.HighsModelStatus
        if status != kinds.kOptimal:
            none = (kinds.kInfeasible, kinds.kUnboundedOrInfeasible)
            return Relaxed(None, {}, {}, is_infeasible=status in none)
        found = self._model.getSolution()
        values, duals = list(found.col_value), list(found.row_dual)
        return Relaxed(
            float(self._model.getObjectiveValue()) + self._constant,
            {name: values[i] for name, i in self._columns.items()},
            {name: duals[i] for name, i in self._rows.items()},
            is_infeasible=False,
        )
