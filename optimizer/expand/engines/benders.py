"""Benders: a master of the first stage with cuts on what operation brings, period by period.

The relaxed master is cut until it meets the value of a point (points between the master's and the
best one are asked, as the master's own jump about); then it is solved in whole units, priced
exactly, cut there, and solved again. Every solution of the master bounds all plans.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from optimizer.expand.engines.cells import Cell, Earned, mean_scene
from optimizer.expand.engines.cuts import Cuts
from optimizer.expand.engines.first import MUSD, FirstStage
from optimizer.expand.engines.goals import loss_of, set_goal
from optimizer.expand.engines.model import Affine, Model, flat, to_highs
from optimizer.expand.engines.rounding import roundings, whole
from optimizer.expand.evaluate import CENT, evaluate, expected, money
from optimizer.solvers.milp import HAS_PLAN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from optimizer.expand.arrays import Arrays, Decision
    from optimizer.expand.evaluate import Outcome
    from optimizer.expand.plan import Options

Floats = NDArray[np.float64]

__all__ = ["Benders", "Best", "Clock"]

STEP = 0.5
"""How far the point that is asked lies from the best one towards the master's."""

LARGE = 1_500
"""Columns of the first stage above which the master has the operation of mean futures."""

MEANS = 5
"""Groups of futures whose mean a master of many columns has; with no more futures it is exact."""

GROUPS = 4
"""Groups of futures that have cuts of their own, where only their mean counts."""

RELAX_ABOVE = 50
"""Builds of more units are not held to whole units by the master, where it has many columns."""

MANY = 800
"""Whole columns above which it does so."""

FIRST_AIM = 0.02
"""The first solve in whole units aims at a quarter of this gap, every other at a quarter of it."""

USD = 1e-6
"""What is nothing to a plan and its bound [MUSD]."""

IDLE = 12
"""Rounds after which a cut that does not bind is dropped."""


@dataclass(frozen=True, slots=True)
class Clock:
    """When to stop, and whom to tell of a better plan or bound [MUSD of loss].

    Attributes
    ----------
    end
        In seconds of `time.monotonic`.
    """

    end: float
    is_cancelled: Callable[[], bool] = lambda: False
    tell: Callable[[float, float], None] = lambda loss, bound: None

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
        self.clock, self.keep, self.found = clock, keep, Best()
        self.first = self._first()
        if keep is not None:
            self.first.keep(keep)
        self.is_large = len(self.first.model.names) > LARGE
        self.cuts = self._cuts()
        self._add_means()
        self._set_objective()
        self.idle: list[int] = []
        self.solver: Any = to_highs(self.first.model)
        self.base = len(self.first.model.rows)

    # What a tree has otherwise: `tree/benders.py`.

    def _first(self) -> FirstStage:
        return FirstStage(self.arrays, Model("master"))

    def _cuts(self) -> Cuts:
        return Cuts(self.first, self._groups())

    def _stage(self, futures: list[int]) -> tuple[FirstStage, list[int]]:
        """Return the first stage of some futures, and their numbers in it."""
        return self.first, futures

    def whole(self, values: Sequence[float]) -> Decision:
        """Return the whole decision of a solution in whole units."""
        return whole(self.first, values)

    def roundings(self, values: Sequence[float]) -> Iterator[Decision]:
        """Yield whole decisions near a solution."""
        return roundings(self.first, values)

    def _groups(self) -> list[list[int]]:
        """Return the groups of futures: all their own where single values count."""
        each = list(range(self.arrays.F))
        if self.options.objective != "expected":
            return [[f] for f in each]
        count = min(MEANS if self.is_large else GROUPS, len(each))
        worth = self.arrays.world.worth.sum((1, 2)) + self.arrays.world.volume.sum((1, 2, 3))
        order = np.argsort(worth, kind="stable")
        return [part.tolist() for part in np.array_split(order, count)]

    def _add_means(self) -> None:
        """theta[g,m,t] <= what the mean future of each group brings, in a master of many columns.

        The mean of what is done in the futures of a group is possible with the mean of what stands
        in them: a relaxation (partial decomposition; Crainic et al. 2021), exact for one future.
        """
        arrays, cuts = self.arrays, self.cuts
        if not self.is_large or len(cuts.groups) > MEANS:
            return
        for g, futures in enumerate(cuts.groups):
            stage, at = self._stage(futures)
            scene, extra = mean_scene(stage.arrays, at)
            odds = float(arrays.odds[futures].sum())
            brought = [[Affine() for _ in range(arrays.T)] for _ in range(cuts.count)]
            earned = self._earned(brought)
            for t in range(arrays.T):
                for b in range(arrays.B):
                    Cell(stage, scene, f"mean{g}", t, b, earned).add()
            for m in range(cuts.count):
                for t in range(arrays.T):
                    row = Affine().plus(brought[m][t], -odds).add(int(cuts.theta[g, m, t]), 1.0)
                    more = sum(extra[s, t] for s, at in enumerate(cuts.market) if at == m)
                    self.first.model.at_most(f"mean_{g}_{m}_{t}", row, odds * float(more))

    def _earned(self, brought: list[list[Affine]]) -> Earned:
        market = self.cuts.market

        def earned(site: int, t: int, column: int, amount: float) -> None:
            brought[market[site]][t].add(column, amount)

        return earned

    def _set_objective(self) -> None:
        arrays, first = self.arrays, self.first
        values = [Affine().plus(v) for v in first.values]
        brought = [Affine() for _ in range(arrays.T)]
        discount = np.zeros((self.cuts.count, arrays.T))
        for s, m in enumerate(self.cuts.market):
            discount[m] = arrays.discount[s]
        for g, futures in enumerate(self.cuts.groups):
            odds = float(arrays.odds[futures].sum())
            for m in range(self.cuts.count):
                for t in range(arrays.T):
                    theta = int(self.cuts.theta[g, m, t])
                    brought[t].add(theta, 1.0)
                    for f in futures:  # theta is of all of them together, by probability
                        values[f].add(theta, float(discount[m, t]) / odds)
        first.add_money(brought)
        set_goal(first.model, arrays, values, self.options, self.regret_of)

    # ---- points ---------------------------------------------------------------------------------

    def price(self, decision: Decision) -> tuple[Outcome, float]:
        """Return what a decision comes to, and its loss [MUSD]."""
        outcome = evaluate(self.arrays, decision, has_slopes=True)
        loss = loss_of(outcome.values * MUSD, self.arrays.odds, self.options, self.regret_of)
        return outcome, loss

    def offer(self, decision: Decision, *, is_cut: bool = True) -> None:
        """Take a whole decision if it keeps the rules of money and is better; cut there too."""
        outcome, loss = self.price(decision)
        if is_cut:
            self.cut(outcome, None)
        path = money(self.arrays, expected(self.arrays, outcome.flows))
        is_good = path is None or not any(x.any() for x in path.breaches.values())
        if is_good and self._keeps_budget(outcome) and loss < self.found.loss - 1e-9:
            self.found.loss, self.found.decision = loss, decision
            self.clock.tell(loss, self.found.bound)

    def _keeps_budget(self, outcome: Outcome) -> bool:
        finance, calendar = self.arrays.growth.finance, self.arrays.growth.calendar
        paid = -(self.arrays.odds @ outcome.flows.capex)
        for year, limit in enumerate((finance and finance.capex) or ()):
            mine = [t for t in range(self.arrays.T) if calendar.year(t) == year]
            if paid[mine].sum() > limit / 100 + CENT:
                return False
        return True

    def cut(self, outcome: Outcome, values: Floats | None) -> int:
        """Add the cuts of a point that a solution of the master breaks, or all; return how many."""
        new = []
        right = self.cuts.at(outcome.found)
        for g, markets in enumerate(right):
            for m, periods in enumerate(markets):
                for t, side in enumerate(periods):
                    theta = int(self.cuts.theta[g, m, t])
                    if values is not None:
                        most = side.constant + sum(f * values[c] for c, f in side.factors.items())
                        if values[theta] <= most + 1e-7 * max(1.0, abs(most)):
                            continue
                    factors = {c: -f for c, f in side.factors.items() if abs(f) > 1e-12}
                    factors[theta] = 1.0
                    new.append((factors, side.constant))
        if new:
            start, index, value = flat(f for f, _ in new)
            low, high = np.full(len(new), -np.inf), np.array([c for _, c in new])
            self.solver.addRows(len(new), low, high, len(index), start[:-1], index, value)
        self.idle += [0] * len(new)
        return len(new)

    def drop(self) -> None:
        """Drop cuts that have not bound for a while."""
        slack = np.array(self.solver.getSolution().row_dual)[self.base :]
        self.idle = [0 if d else n + 1 for n, d in zip(self.idle, slack, strict=True)]
        gone = [i for i, n in enumerate(self.idle) if n > IDLE]
        if len(gone) > 200:
            self.solver.deleteRows(len(gone), np.array(gone, np.int32) + self.base)
            self.idle = [n for n in self.idle if n <= IDLE]

    # ---- the two phases -------------------------------------------------------------------------

    def run(self, starts: Sequence[Decision]) -> Best:
        """Return the best plan and bound found in the time."""
        for decision in starts:
            self.offer(decision)
        began = time.monotonic()
        self.relax()
        taken = time.monotonic() - began
        aim = FIRST_AIM
        while not self._is_done() and not (self.is_large and self._left() < taken):
            aim = max(self.options.gap / 3, min(aim, self.found.gap) / 4)
            if not self.solve_whole(aim) and aim <= self.options.gap / 3:
                break
        return self.found

    def _is_done(self) -> bool:
        is_closed = self.found.gap <= self.options.gap
        return self.clock.is_over() or is_closed or self.found.is_infeasible

    def relax(self) -> None:
        """Cut the relaxed master until it meets the value of a point."""
        core: Floats | None = None
        best = np.inf
        if self.is_large:  # the first solution is far: an interior one comes sooner
            self._choose("ipm")
        while not self.clock.is_over():
            self.solver.setOptionValue("time_limit", self.solver.getRunTime() + self._left())
            self.solver.run()
            status = self.solver.getModelStatus()
            if status != type(status).kOptimal:
                self.found.is_infeasible = status == type(status).kInfeasible
                return
            values = np.array(self.solver.getSolution().col_value)
            bound = self.solver.getObjectiveValue()
            self.found.bound = max(self.found.bound, bound)
            self.clock.tell(self.found.loss, self.found.bound)
            self.found.rounds += 1
            if core is not None and best - bound <= self.options.gap / 4 * abs(best):
                return
            self.drop()
            point = values if core is None else core + STEP * (values - core)
            loss, added = self._ask(point, values)
            if loss < best:
                core, best = point, loss
            if core is not None and self.is_large and self.found.rounds == 1:
                self._choose("simplex")
                for decision in self.roundings(core.tolist()):
                    self.offer(decision, is_cut=False)
            if added == 0 and self._ask(values, values)[1] == 0:
                return

    def _choose(self, method: str) -> None:
        """Choose how HiGHS solves the relaxed master."""
        self.solver.setOptionValue("solver", method)
        self.solver.setOptionValue("run_crossover", "off" if method == "ipm" else "on")

    def _left(self) -> float:
        """Return the seconds that are left, at least one."""
        return max(1.0, self.clock.end - time.monotonic())

    def _ask(self, point: Floats, values: Floats) -> tuple[float, int]:
        """Return the loss at a point, and how many cuts it gave that a solution breaks."""
        outcome, loss = self.price(self.first.decision(point.tolist(), is_whole=False))
        return loss, self.cut(outcome, values)

    def solve_whole(self, aim: float) -> bool:
        """Solve the master in whole units to a gap, price its plan; return whether that was new."""
        model = self.first.model
        kinds = [i for i, w in enumerate(model.is_integer) if w]
        held = [i for i in kinds if len(kinds) <= MANY or model.high[i] <= RELAX_ABOVE]
        index = np.array(held, np.int32)
        self.solver.changeColsIntegrality(len(held), index, np.ones(len(held), np.uint8))
        self._start()
        self.solver.setOptionValue("time_limit", self._left())  # a tree has a clock of its own
        self.solver.setOptionValue("mip_rel_gap", aim)
        self.solver.run()
        info, solution = self.solver.getInfo(), self.solver.getSolution()
        self.found.bound = max(self.found.bound, float(info.mip_dual_bound))
        before, rows = self.found.loss, len(self.idle)
        if int(info.primal_solution_status) == HAS_PLAN:
            self.offer(self.whole(list(solution.col_value)))
        self.clock.tell(self.found.loss, self.found.bound)
        self.solver.changeColsIntegrality(len(held), index, np.zeros(len(held), np.uint8))
        self.found.rounds += 1
        return len(self.idle) > rows or self.found.loss < before

    def _start(self) -> None:
        """Tell the solver of the plan in hand."""
        if self.found.decision is not None:
            values = self.first.columns_of(self.found.decision)
            at = np.array(list(values), np.int32)
            self.solver.setSolution(len(values), at, np.array(list(values.values())))
