"""What is decided on a tree of what is learnt: the first stage of every path, tied together.

Sets        paths l (leaves of the tree), places p, periods t, contracts i
Variables   X[n,p,t], R[n,p,t], z[n,i]: those of `first.py`, once for every node n at which a path
            is in t (of a contract: in the period of its signing); one debt and cash
Rules       all of `first.py` on every path; those of money on the expectation over all futures;
            nonanticipativity by construction: paths that are not told apart share their columns
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.expand.engines.first import FirstStage
from optimizer.expand.engines.model import Affine, Model
from optimizer.expand.tree import by_node, paths_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.expand.arrays import Arrays, Decision

Floats = NDArray[np.float64]

__all__ = ["TreeStage"]


class Branch(Model):
    """A model as one path sees it: its columns and rows are in the whole, with the path's name.

    A row that another path has already is left out.
    """

    def __init__(self, whole: Model, name: str, seen: set[object]) -> None:
        super().__init__(name)
        self.whole, self.seen = whole, seen
        self.names, self.low, self.high = whole.names, whole.low, whole.high

    def column(
        self, name: str, low: float = 0.0, high: float = inf, *, is_integer: bool = False
    ) -> int:
        """Add a column to the whole and return its number there."""
        return self.whole.column(f"{name}_{self.name}", low, high, is_integer=is_integer)

    def at_most(self, name: str, left: Affine, right: float = 0.0) -> None:
        """Add the row left <= right to the whole."""
        if self._is_new("at most", left, right):
            self.whole.at_most(f"{name}_{self.name}", left, right)

    def at_least(self, name: str, left: Affine, right: float = 0.0) -> None:
        """Add the row left >= right to the whole."""
        if self._is_new("at least", left, right):
            self.whole.at_least(f"{name}_{self.name}", left, right)

    def _is_new(self, sense: str, left: Affine, right: float) -> bool:
        row = (sense, frozenset(left.factors.items()), right - left.constant)
        is_new = row not in self.seen
        self.seen.add(row)
        return is_new


class Path(FirstStage):
    """The first stage of a path; columns are shared with paths that are not told apart by then."""

    def __init__(self, arrays: Arrays, model: Model, shared: dict[tuple[str, str], int]) -> None:
        self.shared = shared
        super().__init__(arrays, model)

    def column(self, name: str, t: int, low: int, high: int) -> int:
        """Return the whole column of what is decided in a period at the node of the path."""
        key = (name, self.arrays.futures[0].node(t))
        if key not in self.shared:
            self.shared[key] = super().column(name, t, low, high)
        return self.shared[key]


class TreeStage(FirstStage):
    """The columns and rows of all paths; without reveals there is one path, the first stage.

    Attributes
    ----------
    paths
        The first stage of each, on the futures at its leaf, by their probability in the whole.
    """

    def __init__(self, arrays: Arrays, model: Model) -> None:
        self.paths: list[Path] = []
        super().__init__(arrays, model)

    def _add_columns(self) -> None:
        shared: dict[tuple[str, str], int] = {}
        seen: set[object] = set()
        for i, part in enumerate(self.arrays.parts):
            self.paths.append(Path(part, Branch(self.model, str(i), seen), shared))
        self.signed = sorted({column for path in self.paths for column in path.signed})

    def _add_flows(self) -> None:
        for at, path in zip(self.arrays.paths, self.paths, strict=True):
            for column, worth in path.worths.items():
                self.worths.setdefault(column, np.zeros(self.arrays.F))[at] += worth
            for mine, theirs in (
                (self.capex, path.capex),
                (self.running, path.running),
                (self.sales, path.sales),
            ):
                for total, each in zip(mine, theirs, strict=True):
                    total.plus(each)
            for key, least in path.unit_running.items():
                self.unit_running[key] = self.unit_running.get(key, 0.0) + least

    def capitals(self) -> dict[int, Floats]:
        """Return what of a column's worth is price, upkeep and resale, shape (F,) [MUSD]."""
        found: dict[int, Floats] = {}
        for at, path in zip(self.arrays.paths, self.paths, strict=True):
            for column, capital in path.capitals().items():
                found.setdefault(column, np.zeros(self.arrays.F))[at] += capital
        return found

    def add_supply(self) -> None:
        """Every path keeps it."""

    def add_retirement(self) -> None:
        """Every path keeps it."""

    def decision(self, values: Sequence[float], *, is_whole: bool = True) -> Decision:
        """Return the decision of a solution, node by node."""
        each = [path.decision(values, is_whole=is_whole) for path in self.paths]
        return by_node(self.arrays, each)

    def columns_of(self, decision: Decision) -> dict[int, float]:
        """Return the columns of a decision."""
        found: dict[int, float] = {}
        for path, each in zip(self.paths, paths_of(self.arrays, decision), strict=True):
            found |= path.columns_of(each)
        return found

    def keep(self, decision: Decision) -> None:
        """Ask for all steps and contracts of a decision on every path."""
        for path, each in zip(self.paths, paths_of(self.arrays, decision), strict=True):
            path.keep(each)
