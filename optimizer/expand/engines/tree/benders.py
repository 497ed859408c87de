"""Benders on a tree: a master of what is decided at all nodes, with cuts of every path.

A group of futures lies on one path; what operation brings it is cut by what stands on that path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.expand.engines.benders import GROUPS, Benders, Best
from optimizer.expand.engines.cuts import Cuts, Sides
from optimizer.expand.engines.first import MUSD
from optimizer.expand.engines.model import Model
from optimizer.expand.engines.records import Found
from optimizer.expand.engines.tree.policy import Policy
from optimizer.expand.engines.tree.stage import TreeStage
from optimizer.expand.engines.whole.rounding import whole
from optimizer.expand.evaluate import evaluate, looked_at
from optimizer.expand.tree import by_node, paths_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.expand.arrays import Arrays, Decision
    from optimizer.expand.engines.first import FirstStage

Floats = NDArray[np.float64]

__all__ = ["MOST", "TreeBenders", "whole_columns"]

MOST = 6_000
"""Whole columns of all nodes up to which the tree has one master; above, a policy is followed."""


def whole_columns(arrays: Arrays) -> int:
    """Return how many whole columns the steps at all nodes of the tree are."""
    nodes = [len({f.node(t) for f in arrays.futures}) for t in range(arrays.T)]
    total = 0
    for p in range(len(arrays.places)):
        build = arrays.build(p)
        total += sum(nodes[build.first : build.last + 1])
        total += sum(nodes[build.first + build.lead :]) if build.may_retire else 0
    return total


class TreeCuts(Cuts):
    """The columns theta of all paths, and the cuts on them."""

    def __init__(self, stage: TreeStage, groups: Sequence[Sequence[Sequence[int]]]) -> None:
        """Take the groups of each path, by the numbers that futures have in it."""
        self.stage, self.arrays = stage, stage.arrays
        self.each = [Cuts(path, own) for path, own in zip(stage.paths, groups, strict=True)]
        self.groups = [
            [at[i] for i in group]
            for at, own in zip(self.arrays.paths, groups, strict=True)
            for group in own
        ]
        self.market, self.count = self.each[0].market, self.each[0].count
        self.theta = np.concatenate([cuts.theta for cuts in self.each])

    def at(self, found: Found) -> list[Sides]:
        """Return the right sides of the cuts at a point, by group."""
        right = []
        for at, cuts in zip(self.arrays.paths, self.each, strict=True):
            right += cuts.at(Found(*(row[at] for row in found)))
        return right


class TreeBenders(Benders):
    """One solve by cuts on a tree."""

    first: TreeStage

    def run(self, starts: Sequence[Decision]) -> Best:
        """Return the best plan and bound found in the time; a policy makes the first plan."""
        policy = Policy(self.arrays, self.options, self.regret_of, self.clock, self.keep)
        plan = policy.plan(starts)
        return super().run(starts if plan is None else [plan, *starts])

    def _first(self) -> TreeStage:
        return TreeStage(self.arrays, Model("master"))

    def _cuts(self) -> TreeCuts:
        most = max(1, GROUPS // len(self.arrays.paths))
        return TreeCuts(self.first, [self.groups(part, most) for part in self.arrays.parts])

    def stages(self) -> Sequence[FirstStage]:
        """Return the first stages of all paths: they share columns."""
        return self.first.paths

    def operated(self, point: Floats) -> tuple[Floats, Found]:
        """Return the values of a point, whole or not, by future [MUSD], and its operation."""
        decision = self.first.decision(point.tolist(), is_whole=False)
        outcome = evaluate(self.arrays, decision, has_slopes=True)
        values = looked_at(self.arrays, decision, outcome.values, self.options)
        return values * MUSD, outcome.found

    def whole(self, values: Sequence[float]) -> Decision:
        """Return the whole decision of a solution in whole units."""
        return by_node(self.arrays, [whole(path, values) for path in self.first.paths])

    def offer(self, decision: Decision) -> None:
        """Take a whole decision unless it sees more than is known: rounding told paths apart."""
        if self._is_known(paths_of(self.arrays, decision)):
            super().offer(decision)

    def _is_known(self, paths: Sequence[Decision]) -> bool:
        """Return whether decisions of paths are alike where they share columns."""
        found: dict[int, float] = {}
        for path, decision in zip(self.first.paths, paths, strict=True):
            for column, units in path.columns_of(decision).items():
                if found.setdefault(column, units) != units:
                    return False
        return True
