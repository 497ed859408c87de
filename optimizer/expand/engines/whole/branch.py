"""Branch and Benders cut: one tree over whole units, with the cuts of the master at all its nodes.

Node        Bounds on whole columns. Its relaxed master is solved from the basis at hand and cut
            where a solution says more than operation brings, a few times; a whole solution until
            none is broken. What it comes to bounds all plans within its bounds.
Branching   On power, halls and contracts while they have parts, then on chips, which adapt to them
            more easily; on what has raised the bound of both sides most, tried first where it was
            seen little.
Order       The node of the best bound first; from there on down, to the child that loses less,
            while that lies in the lower part of the gap.
Plans       Whole solutions, dives from nodes now and then, and a small tree near each new plan.
Bound       The least of all nodes that are open, or were closed with a bound.
Threads     Each takes nodes from the same heap, with a solver and cuts of its own.

References: Achterberg, Koch and Martin 2005, Branching rules revisited (reliability branching);
Rahmaniani et al. 2017, The Benders decomposition algorithm: a literature review, section 6.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import inf, isfinite
from threading import Condition
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from optimizer.expand.engines.whole.pairs import Pairs
from optimizer.expand.engines.whole.rounding import Dive, Wholes

if TYPE_CHECKING:
    from optimizer.expand.arrays import Decision
    from optimizer.expand.engines.benders import Benders

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

__all__ = ["Tree"]

PART = 1e-6
"""What is nearer a whole number is that number."""

ROUNDS = 2
"""Times that a node is cut, unless its solution is whole."""

FAR = 5.0
"""While the gap is so many times what is asked for, each dive is bettered, not only new plans."""

WAIT = 0.1
"""A thread without a node looks again after so long [s]."""

IDLE = 10
"""Rounds after which a cut that does not bind is dropped: longer than at the root, as other nodes
come back to it."""

TRIED, AMONG, STEPS = 2, 5, 50
"""A column is tried so often on both sides, so many at a node, with so many steps of the simplex;
after that it is judged by what it brought."""

CLOSED = 0.99
"""Part of the gap asked for, from the best plan on, within which a node is closed."""

DOWN = 0.1
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
    """What is open of one search, and what was learnt of columns; plans and bound go to the master.

    Attributes
    ----------
    at
        The bounds of nodes that threads are below.
    """

    def __init__(self, master: Benders) -> None:
        self.master, self.found, w = master, master.found, Wholes(master)
        self.open = [Node(self.found.bound, 0, w.low, w.high)]
        self.closed, self.count, self.polished = inf, 0, self.found.decision
        self.gains, self.tries = np.zeros((2, len(w.place))), np.zeros((2, len(w.place)))
        self.at: dict[int, float] = {}
        self.change = Condition()

    def run(self) -> None:
        """Search until the gap is closed or the time is over."""
        self.polished = None
        others = [self.master.twin() for _ in range(self.master.options.threads - 1)]
        with ThreadPoolExecutor(len(others) + 1) as pool:
            each = [pool.submit(self._work, i, m) for i, m in enumerate((self.master, *others))]
        for one in each:
            one.result()

    def _work(self, number: int, master: Benders) -> None:
        """Follow nodes, and look near each new plan, until all is done."""
        search = Search(self, master)
        try:
            while not master.is_done():
                node = self._taken(number)
                if node is None:
                    break
                search.follow(node)
                self._left(number)
                plan = self.found.decision
                if plan is not None and plan is not self.polished and not master.is_done():
                    self.polished = plan
                    search.better(plan)
        finally:
            search.leave()

    def _taken(self, number: int) -> Node | None:
        """Return the node of the best bound, once there is one; None when all are closed."""
        with self.change:
            while not self.open and self.at and not self.master.is_over():
                self.change.wait(WAIT)
            if not self.open:
                return None
            node = heappop(self.open)
            self.at[number] = node.bound
            return node

    def _left(self, number: int) -> None:
        """Note that a thread is done with what it had taken."""
        with self.change:
            del self.at[number]
            least = min(self.closed, self.least())
            self.found.bound = max(self.found.bound, min(least, self.found.loss))
            is_none = least == inf and self.found.decision is None
            self.found.is_infeasible = is_none and not self.open
            self.change.notify_all()

    def least(self) -> float:
        """Return the least bound of nodes that are open or being followed."""
        return min([*self.at.values(), *(node.bound for node in self.open[:1])], default=inf)


class Search:
    """One thread of a search."""

    def __init__(self, tree: Tree, master: Benders) -> None:
        """Begin with a master of the thread's own."""
        self.tree, self.master, self.wholes = tree, master, (w := Wholes(master))
        self.columns, self.is_chip = w.columns, w.is_chip

    def leave(self) -> None:
        """Give columns their bounds back."""
        self.wholes.bound(self.wholes.low, self.wholes.high)

    def follow(self, node: Node) -> None:
        """Branch from a node on down, while that promises more than the best that is open."""
        tree = self.tree
        while not self.master.is_over():
            tree.count += 1
            values = self._solved(node)
            parts = np.empty(0, np.int64) if values is None else self._parts(values, node)
            if values is None or not len(parts):
                self._close(node)
                return
            self.master.drop(IDLE)
            often = DIVES // 7 if self.is_chip[parts].all() else DIVES
            if tree.count % often == 1:
                self._dive(node, values)
            node, worse = self._children(node, values, parts)
            self._keep(worse)
            loss = self.master.found.loss
            with tree.change:
                least = min(node.bound, tree.least())
            if isfinite(loss) and node.bound > least + DOWN * (loss - least):
                break
        self._keep(node)

    def _keep(self, node: Node) -> None:
        """Leave a node open, or close it."""
        if node.bound >= self._enough():
            self._close(node)
            return
        with self.tree.change:
            heappush(self.tree.open, node)
            self.tree.change.notify_all()

    def _close(self, node: Node) -> None:
        with self.tree.change:
            self.tree.closed = min(self.tree.closed, node.bound)

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
        return loss - CLOSED * self.master.options.gap * abs(loss) if isfinite(loss) else inf

    def _parts(self, values: Floats, node: Node) -> Ints:
        """Return which columns to branch on have parts: those of chips only where no other has.

        Of periods in which nothing is ordered, the first and the last.
        """
        at = values[self.columns]
        is_part = (np.abs(at - np.round(at)) > PART) & (node.low < node.high)
        is_new = (np.abs(np.diff(at)) > PART) | (np.diff(self.wholes.place) != 0)
        is_part &= np.append(True, is_new) | np.append(is_new, True)
        others = np.flatnonzero(is_part & ~self.is_chip)
        return others if len(others) else np.flatnonzero(is_part)

    def _dive(self, node: Node, values: Floats) -> None:
        core = self.master.core
        found = Dive(self.master, values, values if core is None else core, (node.low, node.high))
        solution = found.run()
        if solution is None:
            return
        plan = self.master.whole(solution.tolist())
        self.master.offer(plan)
        known = self.master.found
        if known.decision is not plan and known.gap > FAR * self.master.options.gap:
            self.better(plan)

    def better(self, plan: Decision) -> None:
        """Better a plan by pairs of moves, where cuts are of one value and columns of one path."""
        master = self.master
        if len(master.stages()) == 1 and master.options.objective == "expected":
            Pairs(master).run(plan)

    # ---- branching ------------------------------------------------------------------------------

    def _children(self, node: Node, values: Floats, parts: Ints) -> tuple[Node, Node]:
        """Return the two sides of the column that raises both most, the one that loses less first.

        A side's bound is that of the node, or what it was seen to come to; a column of which one
        side is closed at once is taken.
        """
        at, basis = values[self.columns][parts], self.master.solver.getBasis()
        ways = np.array([at - np.floor(at), np.ceil(at) - at])
        score = np.prod(np.maximum(self._gain(parts) * ways, PART), 0)
        best, most, left, found = (0, 0), -1.0, AMONG, dict[int, tuple[Node, Node]]()
        for i in np.argsort(-score, kind="stable").tolist():
            k, is_known = int(parts[i]), self.tree.tries[:, parts[i]].min() >= TRIED
            if not (is_known or left):
                continue
            found[i] = self._side(node, k, float(at[i]), 0), self._side(node, k, float(at[i]), 1)
            each = (self._gain(parts)[:, i] * ways[:, i]).tolist()
            if not is_known:
                left -= 1
                each = [
                    self._tried(side, k, float(part), way, basis)
                    for way, (side, part) in enumerate(zip(found[i], ways[:, i], strict=True))
                ]
            product = max(each[0], PART) * max(each[1], PART)
            is_closed = max(side.bound for side in found[i]) >= self._enough()
            if product > most or is_closed:
                best, most = (i, int(each[0] > each[1])), product
            if is_closed:
                break
        self.master.solver.setBasis(basis)
        i, first = best
        return found[i][first], found[i][1 - first]

    def _gain(self, parts: Ints) -> Floats:
        """Return what a unit up or down has raised the bound by; of columns not tried the mean."""
        means = self.tree.gains.sum(1) / np.maximum(self.tree.tries.sum(1), 1)
        tries = self.tree.tries[:, parts]
        gain: Floats = np.where(
            tries > 0, self.tree.gains[:, parts] / np.maximum(tries, 1), means[:, None]
        )
        return gain

    def _side(self, node: Node, k: int, at: float, way: int) -> Node:
        low, high = node.low.copy(), node.high.copy()
        if way:
            low[k] = np.ceil(at)
        else:
            high[k] = np.floor(at)
        return Node(node.bound, 2 * self.tree.count + way, low, high)

    def _tried(self, side: Node, k: int, part: float, way: int, basis: Any) -> float:
        """Return by how much a side raises the bound in a few steps of the simplex [MUSD].

        part: by how much its column moves; basis: that of the node.
        """
        solver = self.master.solver
        self.wholes.bound(side.low, side.high)
        solver.setBasis(basis)
        most = solver.getOptionValue("simplex_iteration_limit")[1]
        solver.setOptionValue("simplex_iteration_limit", STEPS)
        solver.run()
        solver.setOptionValue("simplex_iteration_limit", most)
        status, highest = solver.getModelStatus(), abs(side.bound) / 20
        raised = float(solver.getInfo().objective_function_value) - side.bound
        is_out = status == type(status).kInfeasible
        gain = highest if is_out else min(max(0.0, raised), highest)
        if is_out or status == type(status).kOptimal:
            side.bound = inf if is_out else max(side.bound, side.bound + raised)
        self.tree.gains[way, k] += gain / part
        self.tree.tries[way, k] += 1
        return gain
