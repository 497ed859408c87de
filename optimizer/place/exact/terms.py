"""Names, variables, sums and rows of PuLP models, with its traps taken out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pulp

if TYPE_CHECKING:
    from optimizer.place.exact.timeindexed import TimeIndexed

__all__ = ["name_of", "put_row", "sum_of", "whole_variable"]


def name_of(*parts: object) -> str:
    """Return a name that LP and MPS files can hold."""
    return re.sub(r"[^A-Za-z0-9_]", "_", "_".join(str(p) for p in parts))


def whole_variable(name: str, most: int = 1) -> Any:
    """Return a whole variable from 0 to its most."""
    return pulp.LpVariable(name, 0, most, cat=pulp.LpInteger)


def sum_of(terms: list[tuple[Any, float]]) -> Any:
    """Return a sum of terms; PuLP itself would keep only the last of a variable's terms."""
    of: dict[Any, float] = {}
    for variable, coefficient in terms:
        of[variable] = of.get(variable, 0) + coefficient
    return pulp.LpAffineExpression(of)


def put_row(model: TimeIndexed, name: str, row: Any) -> None:
    if not isinstance(row, bool):
        model.problem += row, name
    elif not row:  # nothing to choose, and yet it cannot be kept
        never = whole_variable(name_of("never", name))
        model.problem += never >= 2, name
