"""A mixed-integer model as columns and rows with names, for PuLP or for HiGHS itself.

PuLP's objects cost ten times what arrays cost: the extensive form goes through PuLP, so that any of
its solvers takes it; the master of Benders, which is solved again and again, goes to HiGHS.
"""

from __future__ import annotations

import re
from collections import defaultdict
from math import inf
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np
import pulp
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_OTHER = re.compile(r"\W")
"""What PuLP would replace in names."""

__all__ = ["Affine", "Model", "copied", "rows_of", "to_highs", "to_pulp"]


class Affine:
    """A constant and factors on columns."""

    def __init__(self, constant: float = 0.0) -> None:
        self.constant = constant
        self.factors: dict[int, float] = defaultdict(float)

    def add(self, column: int | None, factor: float) -> Affine:
        """Add a factor on a column (None: there is none)."""
        if column is not None and factor:
            self.factors[column] += factor
        return self

    def plus(self, other: Affine, scale: float = 1.0) -> Affine:
        """Add another one, scaled."""
        self.constant += scale * other.constant
        for column, factor in other.factors.items():
            self.factors[column] += scale * factor
        return self


class Model:
    """Columns and rows; the objective is minimised."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.names: list[str] = []
        self.low: list[float] = []
        self.high: list[float] = []
        self.cost: list[float] = []
        self.is_integer: list[bool] = []
        self.offset = 0.0
        self.rows: list[tuple[str, Mapping[int, float], float, float]] = []

    def column(
        self, name: str, low: float = 0.0, high: float = inf, *, is_integer: bool = False
    ) -> int:
        """Add a column and return its number."""
        self.names.append(_OTHER.sub("_", name))
        self.low.append(low)
        self.high.append(high)
        self.cost.append(0.0)
        self.is_integer.append(is_integer)
        return len(self.names) - 1

    def at_most(self, name: str, left: Affine, right: float = 0.0) -> None:
        """Add the row left <= right."""
        self._row(name, left, -inf, right)

    def at_least(self, name: str, left: Affine, right: float = 0.0) -> None:
        """Add the row left >= right."""
        self._row(name, left, right, inf)

    def equal(self, name: str, left: Affine, right: float = 0.0) -> None:
        """Add the row left = right."""
        self._row(name, left, right, right)

    def _row(self, name: str, left: Affine, low: float, high: float) -> None:
        factors = {c: f for c, f in left.factors.items() if f}
        if factors or not low <= left.constant <= high:
            self.rows.append(
                (_OTHER.sub("_", name), factors, low - left.constant, high - left.constant)
            )

    def minimise(self, objective: Affine, scale: float = 1.0) -> None:
        """Add to the objective."""
        self.offset += scale * objective.constant
        for column, factor in objective.factors.items():
            self.cost[column] += scale * factor


def to_pulp(model: Model) -> pulp.LpProblem:
    """Return a model as PuLP has it."""
    problem = pulp.LpProblem(model.name, pulp.LpMinimize)
    columns = [
        pulp.LpVariable(
            name,
            None if low == -inf else low,
            None if high == inf else high,
            pulp.LpInteger if whole else pulp.LpContinuous,
        )
        for name, low, high, whole in zip(
            model.names, model.low, model.high, model.is_integer, strict=True
        )
    ]
    costs = [(columns[i], c) for i, c in enumerate(model.cost) if c]
    problem.setObjective(pulp.LpAffineExpression(costs, model.offset))
    for name, factors, low, high in model.rows:
        left = pulp.LpAffineExpression([(columns[i], f) for i, f in factors.items()])
        if low == high:
            problem.addConstraint(pulp.LpConstraint(left, pulp.LpConstraintEQ, name, low))
        elif low > -inf:
            problem.addConstraint(pulp.LpConstraint(left, pulp.LpConstraintGE, name, low))
        else:
            problem.addConstraint(pulp.LpConstraint(left, pulp.LpConstraintLE, name, high))
    return problem


def to_highs(model: Model) -> Any:
    """Return a model as HiGHS has it, its whole columns relaxed."""
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(model.names), len(model.rows)
    lp.col_cost_ = np.array(model.cost, float)
    lp.col_lower_, lp.col_upper_ = np.array(model.low, float), np.array(model.high, float)
    lp.offset_ = model.offset
    lp.row_lower_ = np.array([low for *_, low, _ in model.rows], float)
    lp.row_upper_ = np.array([high for *_, high in model.rows], float)
    start, index, value = flat(factors for _, factors, _, _ in model.rows)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = start, index, value
    return _silent(lp)


def copied(solver: Any) -> Any:
    """Return a solver of the same model as it is now, with options as they were at first."""
    return _silent(solver.getLp())


def rows_of(solver: Any) -> tuple[Any, np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the matrix of a solver's model by rows, and the bounds of the rows."""
    lp = solver.getLp()
    matrix = lp.a_matrix_
    value, index, start = (np.array(x) for x in (matrix.value_, matrix.index_, matrix.start_))
    is_by_row = matrix.format_ == highspy.MatrixFormat.kRowwise
    kind = sparse.csr_array if is_by_row else sparse.csc_array
    found = kind((value, index, start), (lp.num_row_, lp.num_col_)).tocsr()
    return found, np.array(lp.row_lower_), np.array(lp.row_upper_)


def _silent(lp: Any) -> Any:
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.passModel(lp)
    return solver


def flat(
    rows: Iterable[Mapping[int, float]],
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return rows as the three arrays of a sparse matrix."""
    start, index, value = [0], list[int](), list[float]()
    for factors in rows:
        index.extend(factors.keys())
        value.extend(factors.values())
        start.append(len(index))
    return np.array(start, np.int32), np.array(index, np.int32), np.array(value, float)
