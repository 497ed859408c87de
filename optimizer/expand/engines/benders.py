"""Benders: a master of the first stage with cuts on what operation brings, period by period.

The relaxed master is cut until it meets the value of a point (points between the master's and the
best one are asked, as the master's own jump about). A dive makes a solution whole; then the master
is solved in whole units, priced exactly, cut there, and solved again. With many whole columns only
those are free in which the best plan and the relaxed solution differ (relaxation-induced
neighbourhoods; Danna, Rothberg, Le Pape 2005). Solutions of the whole master bound all plans; where
they take long, one tree with cuts at its nodes takes over (`whole/branch.py`).
"""

from __future__ import annotations

import time
from copy import copy
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from optimizer.expand.engines.cuts import Cuts
from optimizer.expand.engines.first import MUSD, FirstStage
from optimizer.expand.engines.goals import loss_of, set_goal
from optimizer.expand.engines.model import Affine, Model, copied, to_highs
from optimizer.expand.engines.storage.cycles import operated
from optimizer.expand.engines.whole.branch import Tree
from optimizer.expand.engines.whole.rounding import Dive, whole
from optimizer.expand.evaluate import earnings, evaluate, keeps_money, looked_at
from optimizer.solvers.milp import HAS_PLAN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optimizer.expand.arrays import Arrays, Decision
    from optimizer.expand.engines.records import Found
    from optimizer.expand.evaluate import Outcome
    from optimizer.expand.plan import Options

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

__all__ = ["Benders", "Best", "Clock"]

STEP = 0.3
"""How far the point that is asked lies from the best one towards the master's."""

GROUPS = 2
"""Groups of futures that have cuts of their own, where only their mean counts: few, as the master
is what takes the time."""

MANY = 800
"""Whole columns above which only some of them are free when whole units are sought."""

QUICK = 0.1
"""Share of the time that the master in whole units may take; after that one tree has all cuts."""

FIRST_AIM = 0.02
"""The first solve in whole units aims at a quarter of this gap, every other at a quarter of it."""

ALIKE = 0.1
"""Plan and relaxed solution differ in a column by more: it is free."""

RELAXED = 0.5
"""Share of the time after which whole units are sought, whatever the relaxed master says."""

USD = 1e-6
"""What is nothing to a plan and its bound [MUSD]."""

BROKEN = 1e-7
"""A cut is broken by more than this share of what it allows."""

HALF = 0.5
"""A contract of which a point has more is signed there."""

IDLE = 5
"""Rounds after which a cut that does not bind is dropped."""


@dataclass(frozen=True, slots=True)
class Clock:
    """When to stop, whom to tell of a better plan or bound [MUSD of loss], and to give the plan.

    Attributes
    ----------
    end
        In seconds of `time.monotonic`.
    """

    end: float
    is_cancelled: Callable[[], bool] = lambda: False
    tell: Callable[[float, float], None] = lambda loss, bound: None
    take: Callable[[Decision], None] = lambda decision: None

    def is_over(self) -> bool:
        """Return whether to stop."""
        return self.is_cancelled() or time.monotonic() >= self.end


@dataclass
class Best:
    """The best plan in hand, and the bound on all plans [MUSD of loss]."""

    decision: Decision | None = None
    loss: float = np.inf
    bound: float = -np.inf
    is_infeasible: bool = False
    rounds: int = 0

    @property
    def gap(self) -> float:
        """Return the gap; infinite while there is no plan or no bound."""
        if not (np.isfinite(self.loss) and np.isfinite(self.bound)):
            return float(np.inf)
        apart = abs(self.loss - self.bound)
        return 0.0 if apart <= USD else apart / max(abs(self.loss), USD)


class Benders:
    """One solve by cuts."""

    def __init__(
        self,
        arrays: Arrays,
        options: Options,
        best: Sequence[float],
        clock: Clock,
        keep: Decision | None = None,
    ) -> None:
        self.arrays, self.options, self.regret_of = arrays, options, best
        self.clock, self.keep, self.found, self.is_slow = clock, keep, Best(), False
        self.relaxed: Floats | None = None
        self.core: Floats | None = None
        self.first = self._first()
        if options.is_capital_aside:
            self.first.leave_capital_aside()
        if keep is not None:
            self.first.keep(keep)
        self.cuts = self._cuts()
        self._set_objective()
        self.idle: list[int] = []
        self.lock = Lock()
        self.solver: Any = to_highs(self.first.model)
        self.base = len(self.first.model.rows)
        self.began = time.monotonic()

    # What a tree has otherwise: `tree/benders.py`.

    def _first(self) -> FirstStage:
        return FirstStage(self.arrays, Model("master"))

    def _cuts(self) -> Cuts:
        return Cuts(self.first, self.groups(self.arrays, GROUPS))

    def stages(self) -> Sequence[FirstStage]:
        """Return the first stages that the columns are of."""
        return [self.first]

    def whole(self, values: Sequence[float]) -> Decision:
        """Return the whole decision of a solution in whole units."""
        return whole(self.first, values)

    def operated(self, point: Floats) -> tuple[Floats, Found]:
        """Return the values of a point, whole or not, by future [MUSD], and its operation."""
        arrays, signed = self.arrays, np.array(self.first.signed, np.int64)
        is_signed = point[signed] > HALF
        world = arrays.signed(frozenset(np.flatnonzero(is_signed).tolist()))
        found, _ = operated(arrays, world, self.cuts.capacities(point), arrays.user_costs)
        at = point.copy()
        at[signed] = is_signed
        earned = np.einsum("fts,st->f", earnings(arrays, world, found), arrays.discount)
        columns, worths = self.first.worth_rows
        values: Floats = earned * MUSD + at[columns] @ worths
        return values, found

    def groups(self, arrays: Arrays, most: int) -> list[list[int]]:
        """Return the groups of futures: all their own where single values count."""
        each = list(range(arrays.F))
        if self.options.objective != "expected":
            return [[f] for f in each]
        worth = arrays.world.worth.sum((1, 2)) + arrays.world.volume.sum((1, 2, 3))
        order = np.argsort(worth, kind="stable")
        return [part.tolist() for part in np.array_split(order, min(most, len(each)))]

    def _set_objective(self) -> None:
        arrays, first, theta = self.arrays, self.first, self.cuts.theta
        discount = np.zeros((self.cuts.count, arrays.T))
        for s, m in enumerate(self.cuts.market):
            discount[m] = arrays.discount[s]
        brought = [Affine() for _ in range(arrays.T)]
        for at, column in np.ndenumerate(theta):
            brought[at[2]].add(int(column), 1.0)
        first.add_money(brought)
        if self.options.objective == "expected":  # one value, as a thousand would be long rows
            for column, worth in first.worths.items():
                first.model.cost[column] -= float(arrays.odds @ worth)
            for at, column in np.ndenumerate(theta):
                first.model.cost[int(column)] -= float(discount[at[1:]])
            return
        values = [Affine().plus(v) for v in first.values]
        for g, futures in enumerate(self.cuts.groups):
            odds = float(arrays.odds[futures].sum())
            for at, column in np.ndenumerate(theta[g]):
                for f in futures:  # theta is of all of them together, by probability
                    values[f].add(int(column), float(discount[at]) / odds)
        set_goal(first.model, arrays, values, self.options, self.regret_of)

    # ---- points ---------------------------------------------------------------------------------

    def price(self, decision: Decision) -> tuple[Outcome, float]:
        """Return what a decision comes to, and its loss [MUSD]."""
        outcome = evaluate(self.arrays, decision, has_slopes=True)
        values = looked_at(self.arrays, decision, outcome.values, self.options) * MUSD
        loss = loss_of(values, self.arrays.odds, self.options, self.regret_of)
        return outcome, loss

    def offer(self, decision: Decision) -> None:
        """Take a whole decision if it keeps the rules of money and is better; cut there too."""
        outcome, loss = self.price(decision)
        self._cut(outcome.found, None)
        if loss >= self.found.loss - 1e-9 or not keeps_money(self.arrays, outcome.flows):
            return
        with self.lock:
            if loss < self.found.loss - 1e-9:
                self.found.loss, self.found.decision = loss, decision
                self.clock.tell(loss, self.found.bound)
                self.clock.take(decision)

    def twin(self) -> Self:
        """Return a master of the same plan and bound, with a solver and cuts of its own."""
        twin = copy(self)
        twin.idle, twin.solver = [*self.idle], copied(self.solver)
        return twin

    def _cut(self, found: Found, values: Floats | None) -> int:
        """Add the cuts of a point that a solution of the master breaks, or all; return how many."""
        count, start, index, value, high = 0, [0], list[Ints](), list[Floats](), list[Floats]()
        for sides, columns in zip(self.cuts.at(found), self.cuts.theta, strict=True):
            theta = columns.ravel()
            is_new = np.ones(theta.size, bool)
            if values is not None:
                most = sides.most(values).ravel()
                is_new = values[theta] > most + BROKEN * np.maximum(1.0, np.abs(most))
            ends = np.searchsorted(sides.row, np.arange(theta.size + 1))
            for row in np.flatnonzero(is_new).tolist():
                own = slice(ends[row], ends[row + 1])
                index.append(np.append(sides.column[own], theta[row]))
                value.append(np.append(-sides.factor[own], 1.0))
                start.append(start[-1] + len(index[-1]))
            high.append(sides.constant.ravel()[is_new])
            count += int(is_new.sum())
        if count:
            each = np.concatenate(index).astype(np.int32), np.concatenate(value)
            low = np.full(count, -np.inf)
            starts = np.array(start[:-1], np.int32)
            self.solver.addRows(count, low, np.concatenate(high), len(each[0]), starts, *each)
        self.idle += [0] * count
        return count

    def drop(self, idle: int = IDLE) -> None:
        """Drop cuts that have not bound for so many rounds."""
        slack = np.array(self.solver.getSolution().row_dual)[self.base :]
        self.idle = [0 if d else n + 1 for n, d in zip(self.idle, slack, strict=True)]
        gone = [i for i, n in enumerate(self.idle) if n > idle]
        if len(gone) > 200:
            self.solver.deleteRows(len(gone), np.array(gone, np.int32) + self.base)
            self.idle = [n for n in self.idle if n <= idle]

    def ask(self, point: Floats, values: Floats) -> tuple[float, int]:
        """Return the loss at a point, and how many cuts it gave that a solution breaks."""
        each, found = self.operated(point)
        loss = loss_of(each, self.arrays.odds, self.options, self.regret_of)
        return loss, self._cut(found, values)

    # ---- the phases -----------------------------------------------------------------------------

    def run(self, starts: Sequence[Decision]) -> Best:
        """Return the best plan and bound found in the time."""
        for decision in starts:
            self.offer(decision)
        self.relax()
        if not self.is_done():
            self.dive()
        aim = FIRST_AIM
        while not self.is_done():
            aim = max(self.options.gap / 3, min(aim, self.found.gap) / 4)
            is_new = self.solve_whole(aim)
            if self.is_slow:
                Tree(self).run()
            if self.is_slow or (not is_new and aim <= self.options.gap / 3):
                break
        return self.found

    def is_over(self) -> bool:
        """Return whether to stop."""
        return self.clock.is_over()

    def is_done(self) -> bool:
        """Return whether the gap is closed, or time over, or there is no plan."""
        is_closed = self.found.gap <= self.options.gap
        return self.clock.is_over() or is_closed or self.found.is_infeasible

    def solved(self) -> Floats | None:
        """Return the columns of a solution of the relaxed master; None if there is none."""
        self.solver.setOptionValue("time_limit", self.solver.getRunTime() + self._left())
        self.solver.run()
        status = self.solver.getModelStatus()
        if status != type(status).kOptimal:
            return None
        return np.array(self.solver.getSolution().col_value)

    def relax(self) -> None:
        """Cut the relaxed master until it meets the value of a point."""
        end = self.began + RELAXED * (self.clock.end - self.began)
        best = np.inf
        while not self.clock.is_over() and time.monotonic() < end:
            values = self.solved()
            if values is None:
                status = self.solver.getModelStatus()
                self.found.is_infeasible = status == type(status).kInfeasible
                return
            bound = self.solver.getObjectiveValue()
            self.found.bound = max(self.found.bound, bound)
            self.clock.tell(self.found.loss, self.found.bound)
            self.found.rounds += 1
            self.relaxed = values
            if self.core is not None and best - bound <= self.options.gap / 4 * abs(best):
                return
            self.drop()
            point = values if self.core is None else self.core + STEP * (values - self.core)
            loss, added = self.ask(point, values)
            if loss < best:
                self.core, best = point, loss
            if added == 0 and self.ask(values, values)[1] == 0:
                return

    def dive(self) -> None:
        """Make the relaxed solution whole, and offer the plan."""
        if self.relaxed is not None and self.core is not None:
            values = Dive(self, self.relaxed, self.core).run()
            if values is not None:
                self.offer(self.whole(values.tolist()))

    def _left(self) -> float:
        """Return the seconds that are left."""
        return max(0.1, self.clock.end - time.monotonic())

    def solve_whole(self, aim: float) -> bool:
        """Solve the master in whole units to a gap, price its plan; return whether that was new."""
        kinds = np.flatnonzero(self.first.model.is_integer).astype(np.int32)
        is_part = len(kinds) > MANY
        if is_part and not self._hold_alike(kinds):
            return False
        self.solver.changeColsIntegrality(len(kinds), kinds, np.ones(len(kinds), np.uint8))
        self._start()
        quick = QUICK * (self.clock.end - self.began)
        most = self._left() if is_part else min(quick, self._left())
        self.solver.setOptionValue("time_limit", most)  # whole units have a clock of their own
        self.solver.setOptionValue("mip_rel_gap", self.options.gap / 10 if is_part else aim)
        self.solver.run()
        info, solution = self.solver.getInfo(), self.solver.getSolution()
        status = self.solver.getModelStatus()
        self.is_slow = not is_part and status == type(status).kTimeLimit
        if not is_part:
            self.found.bound = max(self.found.bound, float(info.mip_dual_bound))
        before, rows = self.found.loss, len(self.idle)
        if int(info.primal_solution_status) == HAS_PLAN:
            self.offer(self.whole(list(solution.col_value)))
        self.clock.tell(self.found.loss, self.found.bound)
        self.solver.changeColsIntegrality(len(kinds), kinds, np.zeros(len(kinds), np.uint8))
        self.found.rounds += 1
        if is_part:
            self._bound(kinds, self.first.model.low, self.first.model.high)
            return self.found.loss < before
        return len(self.idle) > rows or self.found.loss < before

    def _hold_alike(self, kinds: NDArray[np.int32]) -> bool:
        """Hold columns in which plan and relaxed solution are alike; return whether any is free."""
        if self.found.decision is None or self.relaxed is None:
            return False
        plan, model = self.first.columns_of(self.found.decision), self.first.model
        low, high = list(model.low), list(model.high)
        for c in kinds.tolist():
            if abs(plan.get(c, self.relaxed[c]) - self.relaxed[c]) <= ALIKE and c in plan:
                low[c] = high[c] = plan[c]
        self._bound(kinds, low, high)
        return any(low[c] < high[c] for c in kinds.tolist())

    def _bound(self, kinds: NDArray[np.int32], low: list[float], high: list[float]) -> None:
        each = (np.array(x, float)[kinds] for x in (low, high))
        self.solver.changeColsBounds(len(kinds), kinds, *each)

    def _start(self) -> None:
        """Tell the solver of the plan in hand."""
        if self.found.decision is not None:
            values = self.first.columns_of(self.found.decision)
            at = np.array(list(values), np.int32)
            self.solver.setSolution(len(values), at, np.array(list(values.values())))
