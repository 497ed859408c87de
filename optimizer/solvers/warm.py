"""A relaxed model that is solved again and again with other bounds, each time from the last basis.

PuLP builds the model once; after that HiGHS is told of changed bounds alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import highspy
import numpy as np
import pulp

from optimizer.solvers.milp import DEFAULT_ENGINE, TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

__all__ = ["Warm"]


class Warm:
    """A model without its whole numbers, held by HiGHS.

    Parameters
    ----------
    problem
        Must not change while it is held here.
    """

    def __init__(self, problem: pulp.LpProblem) -> None:
        solver = pulp.getSolver(DEFAULT_ENGINE, mip=False, msg=False, threads=1)
        solver.createAndConfigureSolver(problem)
        solver.buildSolverModel(problem)
        self._model: Any = problem.solverModel
        for what in ("primal", "dual"):
            self._model.setOptionValue(f"{what}_feasibility_tolerance", TOLERANCE)
        self._constant = float(problem.objective.constant or 0.0)
        self._columns = [v.name for v in problem.variables()]
        self._rows = list(problem.constraints)

    def add_row(self, index: Sequence[int]) -> int:
        """Add a row that sums variables by their index, without bounds; return its number."""
        free = highspy.kHighsInf
        self._model.addRow(-free, free, len(index), list(index), [1.0] * len(index))
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

    def solve(self) -> float | None:
        """Return the least objective; None where there is no solution.

        A numerical failure is tried again from scratch, and counts as no solution if it stays.
        """
        kinds = highspy.HighsModelStatus
        none = (kinds.kInfeasible, kinds.kUnboundedOrInfeasible)
        self._model.run()
        if self._model.getModelStatus() not in (kinds.kOptimal, *none):
            self._model.clearSolver()
            self._model.run()
        if self._model.getModelStatus() != kinds.kOptimal:
            return None
        return float(self._model.getInfo().objective_function_value) + self._constant

    def values(self) -> Floats:
        """Return the values of the last solution, by the variables' index."""
        return np.array(self._model.getSolution().col_value)

    def duals(self) -> Floats:
        """Return the slopes of the objective by each row's right side; added rows come last."""
        return np.array(self._model.getSolution().row_dual)

    def ray(self) -> Floats | None:
        """Return the multipliers of rows that prove that there is no solution, if there are any."""
        _, is_there, ray = self._model.getDualRay()
        return np.array(ray) if is_there else None

    def named_values(self, values: Floats) -> dict[str, float]:
        """Return values by the variables' names."""
        return dict(zip(self._columns, values.tolist(), strict=True))

    def named_rows(self, duals: Floats) -> dict[str, float]:
        """Return what is of rows by their names, without those that were added."""
        return dict(zip(self._rows, duals.tolist(), strict=False))
