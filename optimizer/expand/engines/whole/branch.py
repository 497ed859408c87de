"""Branch and Benders cut: one tree over whole units, with the cuts of the master at all its nodes.

Node        Bounds on whole columns. Its relaxed master is solved from the basis at hand and cut
            where a solution says more than operation brings, a few times; a whole solution until
            none is broken. What it comes to bounds all plans within its bounds.
Branching   On power, halls and contracts while they have parts, then on chips, which adapt to them
            more easily; on what has raised the bound of both sides most, tried first where it was
            seen little.
Order       The node of the best bound first; from there on down, to the child that loses less,
            while that lies in the lower part of the gap.
Plans       Whole solutions, and dives from nodes now and then.
Bound       The least of all nodes that are open, or were closed with a bound.

References: Achterberg, Koch and Martin 2005, Branching rules revisited (reliability branching);
Rahmaniani et al. 2017, The Benders decomposition algorithm: a literature review, section 6.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import inf, isfinite
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.expand.engines.whole.rounding import Dive, Wholes

if TYPE_CHECKING:
    from optimizer.expand.engines.benders import Benders

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

__all__ = ["Tree"]

PART = 1e-6
"""What is nearer a whole number is that number."""

ROUNDS = 2
"""Times that a node is cut, unless its solution is whole."""

IDLE = 10
"""Rounds after which a cut that does not bind is dropped: longer than at the root, as other nodes
come back to it."""

TRIED, AMONG, STEPS = 2, 5, 60
"""A column is tried so often on both sides, so many at a node, with so many steps of the simplex;
after that it is judged by what it brought."""

DOWN = 0.3
"""Part of the gap, from the bound on, within which a node is followed down."""

DIVES = 20
"""One in so many nodes is dived from, and one in a seventh of it of those with parts of chips."""


@dataclass(order=True)
class Node:
    """Bounds of the whole columns, and what the loss is at least within them [MUSD]."""

    bound: float
    number: int
    low: Floats = field(compare=False)
    high: Floats = field(compare=False)


class Tree:
    """One search in a tree; plans and bound go to the master."""

    def __init__(self, master: Benders) -> None:
        self.master, self.wholes = master, (w := Wholes(master))
        self.columns, self.is_chip = w.columns, w.is_chip
        self.open = [Node(master.found.bound, 0, w.low, w.high)]
        self.closed = inf
        self.count = 0
        self.gains, self.tries = np.zeros((2, len(w.place))), np.zeros((2, len(w.place)))

    def run(self) -> None:
        """Search until the gap is closed or the time is over."""
        found = self.master.found
        while self.open and not self.master.is_done():
            self._follow(heappop(self.open))
            least = min(self.closed, self.open[0].bound if self.open else inf)
            found.bound = max(found.bound, min(least, found.loss))
            found.is_infeasible = not self.open and least == inf and found.decision is None
        self.wholes.bound(self.wholes.low, self.wholes.high)

    def _follow(self, node: Node) -> None:
        """Branch from a node on down, while that promises more than the best that is open."""
        while not self.master.is_over():
            self.count += 1
            values = self._solved(node)
            parts = np.empty(0, np.int64) if values is None else self._parts(values, node)
            if values is None or not len(parts):
                self.closed = min(self.closed, node.bound)
                return
            self.master.drop(IDLE)
            often = DIVES // 7 if self.is_chip[parts].all() else DIVES
            if self.count % often == 1:
                self._dive(node, values)
            better, worse = self._children(node, values, parts)
            heappush(self.open, worse)
            loss, least = self.master.found.loss, min(node.bound, self.open[0].bound)
            node = better
            if isfinite(loss) and node.bound > least + DOWN * (loss - least):
                break
        heappush(self.open, node)

    # ---- a node ---------------------------------------------------------------------------------

    def _solved(self, node: Node) -> Floats | None:
        """Return the columns of a node, cut; None where it needs no branching. Raises its bound."""
        self.wholes.bound(node.low, node.high)
        for round in range(10**9):
            values = self.master.solved()
            if values is None:
                status = self.master.solver.getModelStatus()
                if status == type(status).kInfeasible:
                    node.bound = inf
                return None
            node.bound = max(node.bound, float(self.master.solver.getObjectiveValue()))
            if node.bound >= self._enough():
                return None
            _, added = self.master.ask(values, values)
            is_whole = not len(self._parts(values, node))
            if is_whole:
                self.master.offer(self.master.whole(values.tolist()))
            if not added or self.master.is_over() or (not is_whole and round + 1 >= ROUNDS):
                return values
        return None

    def _enough(self) -> float:
        """Return the loss from which on a node need not be looked at."""
        loss = self.master.found.loss
        return loss - self.master.options.gap / 2 * abs(loss) if isfinite(loss) else inf

    def _parts(self, values: Floats, node: Node) -> Ints:
        """Return which columns to branch on have parts: those of chips only where no other has."""
        at = values[self.columns]
        is_part = (np.abs(at - np.round(at)) > PART) & (node.low < node.high)
        others = np.flatnonzero(is_part & ~self.is_chip)
        return others if len(others) else np.flatnonzero(is_part)

    def _dive(self, node: Node, values: Floats) -> None:
        core = self.master.core
        found = Dive(self.master, values, values if core is None else core, (node.low, node.high))
        solution = found.run()
        if solution is not None:
            self.master.offer(self.master.whole(solution.tolist()))

    # ---- branching ------------------------------------------------------------------------------

    def _children(self, node: Node, values: Floats, parts: Ints) -> tuple[Node, Node]:
        """Return the two sides of the column that raises both most, the one that loses less first.

        A side's bound is that of the node: what was tried is not solved to the end.
        """
        at = values[self.columns][parts]
        ways = np.array([at - np.floor(at), np.ceil(at) - at])
        score = np.prod(np.maximum(self._gain(parts) * ways, PART), 0)
        best, most, left = (0, 0), -1.0, AMONG
        for i in np.argsort(-score, kind="stable").tolist():
            k = int(parts[i])
            if self.tries[:, k].min() < TRIED:
                if not left:
                    continue
                left -= 1
                each = [self._tried(node, k, float(at[i]), way) for way in (0, 1)]
            else:
                each = (self._gain(parts)[:, i] * ways[:, i]).tolist()
            product = max(each[0], PART) * max(each[1], PART)
            if product > most:
                best, most = (i, int(each[0] > each[1])), product
        i, first = best
        sides = [self._side(node, int(parts[i]), float(at[i]), way) for way in (first, 1 - first)]
        return sides[0], sides[1]

    def _gain(self, parts: Ints) -> Floats:
        """Return what a unit up or down has raised the bound by; of columns not tried the mean."""
        means = self.gains.sum(1) / np.maximum(self.tries.sum(1), 1)
        tries = self.tries[:, parts]
        gain: Floats = np.where(
            tries > 0, self.gains[:, parts] / np.maximum(tries, 1), means[:, None]
        )
        return gain

    def _side(self, node: Node, k: int, at: float, way: int) -> Node:
        low, high = node.low.copy(), node.high.copy()
        if way:
            low[k] = np.ceil(at)
        else:
            high[k] = np.floor(at)
        return Node(node.bound, 2 * self.count + way, low, high)

    def _tried(self, node: Node, k: int, at: float, way: int) -> float:
        """Return by how much a side raises the bound in a few steps of the simplex [MUSD]."""
        side, solver = self._side(node, k, at, way), self.master.solver
        self.wholes.bound(side.low, side.high)
        most = solver.getOptionValue("simplex_iteration_limit")[1]
        solver.setOptionValue("simplex_iteration_limit", STEPS)
        solver.run()
        solver.setOptionValue("simplex_iteration_limit", most)
        status, highest = solver.getModelStatus(), abs(node.bound) / 20
        raised = float(solver.getInfo().objective_function_value) - node.bound
        is_out = status == type(status).kInfeasible
        gain = highest if is_out else min(max(0.0, raised), highest)
        self.gains[way, k] += gain / (np.ceil(at) - at if way else at - np.floor(at))
        self.tries[way, k] += 1
        return gain
