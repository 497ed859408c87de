"""What is decided on a tree of what is learnt: the first stage of every path, tied together.

Sets        paths l (leaves of the tree), places p, periods t, contracts i
Variables   X[l,p,t], R[l,p,t], z[l,i]: those of `first.py`, once for every path; one debt and cash
Rules       all of `first.py` on every path; those of money on the expectation over all futures;
            nonanticipativity: what is decided in t is the same on paths not told apart by then
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from optimizer.expand.engines.first import FirstStage
from optimizer.expand.engines.model import Affine, Model
from optimizer.expand.tree import by_node, paths_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.expand.arrays import Arrays, Decision

__all__ = ["TreeStage"]


class Branch(Model):
    """A model as one path sees it: its columns and rows are in the whole, with the path's name."""

    def __init__(self, whole: Model, name: str) -> None:
        super().__init__(name)
        self.whole = whole
        self.names, self.low, self.high = whole.names, whole.low, whole.high

    def column(
        self, name: str, low: float = 0.0, high: float = inf, *, is_integer: bool = False
    ) -> int:
        """Add a column to the whole and return its number there."""
        return self.whole.column(f"{name}_{self.name}", low, high, is_integer=is_integer)

    def at_most(self, name: str, left: Affine, right: float = 0.0) -> None:
        """Add the row left <= right to the whole."""
        self.whole.at_most(f"{name}_{self.name}", left, right)

    def at_least(self, name: str, left: Affine, right: float = 0.0) -> None:
        """Add the row left >= right to the whole."""
        self.whole.at_least(f"{name}_{self.name}", left, right)


class TreeStage(FirstStage):
    """The columns and rows of all paths; without reveals there is one path, the first stage.

    Attributes
    ----------
    paths
        The first stage of each, on the futures at its leaf, by their probability in the whole.
    """

    def __init__(self, arrays: Arrays, model: Model) -> None:
        self.paths: list[FirstStage] = []
        super().__init__(arrays, model)
        self.add_nonanticipativity()

    def _add_columns(self) -> None:
        for i, part in enumerate(self.arrays.parts):
            path = FirstStage(part, Branch(self.model, str(i)))
            self.paths.append(path)
            self.signed += path.signed

    def _add_flows(self) -> None:
        for at, path in zip(self.arrays.paths, self.paths, strict=True):
            for f, value in zip(at, path.values, strict=True):
                self.values[f].plus(value)
            for mine, theirs in (
                (self.capex, path.capex),
                (self.running, path.running),
                (self.sales, path.sales),
            ):
                for total, each in zip(mine, theirs, strict=True):
                    total.plus(each)
            for key, least in path.unit_running.items():
                self.unit_running[key] = self.unit_running.get(key, 0.0) + least

    def add_supply(self) -> None:
        """Every path keeps it."""

    def add_retirement(self) -> None:
        """Every path keeps it."""

    def add_nonanticipativity(self) -> None:
        """X[l,p,t] = X[m,p,t], R and z alike, for paths l, m that are not told apart by t."""
        arrays, contracts = self.arrays, self.arrays.growth.contracts
        node = [arrays.futures[at[0]].node for at in arrays.paths]
        for i, path in enumerate(self.paths):
            for kind in ("orders", "retired"):
                for (p, t), column in getattr(path, kind).items():
                    like = next(j for j in range(i + 1) if node[j](t) == node[i](t))
                    other = getattr(self.paths[like], kind)[p, t]
                    self._tie(f"nonanticipativity_{kind}_{p}_{t}_{i}", column, other)
            for c, column in enumerate(path.signed):
                t = contracts[c].signing
                like = next(j for j in range(i + 1) if node[j](t) == node[i](t))
                other = self.paths[like].signed[c]
                self._tie(f"nonanticipativity_signed_{c}_{i}", column, other)

    def _tie(self, name: str, column: int, other: int) -> None:
        if column != other:
            self.model.equal(name, Affine().add(column, 1.0).add(other, -1.0))

    def decision(self, values: Sequence[float], *, is_whole: bool = True) -> Decision:
        """Return the decision of a solution, node by node."""
        each = [path.decision(values, is_whole=is_whole) for path in self.paths]
        return by_node(self.arrays, each)

    def keep(self, decision: Decision) -> None:
        """Ask for all steps and contracts of a decision on every path."""
        for path, each in zip(self.paths, paths_of(self.arrays, decision), strict=True):
            path.keep(each)
