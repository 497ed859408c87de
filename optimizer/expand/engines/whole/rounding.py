"""Whole units from a solution that has parts of them."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.expand.arrays import Decision
    from optimizer.expand.engines.first import FirstStage

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

__all__ = ["Dive", "Master", "Wholes", "whole"]

NEARLY = 1e-6
"""What is so little below a whole number is that number."""

USED = 1e-3
"""Places of which more units stand in a solution of the master are among those of the dive."""

CORE = 0.5
"""The same for the best point, which keeps traces of all that it has come by."""

CLOSE = 0.1
"""What is so near a whole number is held there at once."""

SHARES = (4, 3)
"""One in so many of the other parts, of power and halls and of chips, is held in each step."""

SETTLED = 1e-4
"""Cuts are added to the first solution of a dive until it is so near its own value."""

ROUNDS = 5
"""But no more often than this: where the master is far from its optimum yet, time is short."""


class Master(Protocol):
    """The master of Benders, as a dive needs it."""

    first: FirstStage
    solver: Any

    def stages(self) -> Sequence[FirstStage]:
        """Return the first stages that the columns are of."""

    def solved(self) -> Floats | None:
        """Return the columns of a solution of the relaxed master; None if there is none."""

    def ask(self, point: Floats, values: Floats) -> tuple[float, int]:
        """Return the loss at a point [MUSD], and how many cuts it gave that a solution breaks."""

    def is_over(self) -> bool:
        """Return whether to stop."""


class Wholes:
    """The whole columns of a master: bounds, places (-1 of contracts), which count chips."""

    def __init__(self, master: Master) -> None:
        model, arrays = master.first.model, master.first.arrays
        self.solver = master.solver
        self.columns = np.flatnonzero(model.is_integer).astype(np.int32)
        self.low, self.high = (np.array(x, float)[self.columns] for x in (model.low, model.high))
        place = np.full(len(model.is_integer), -1)
        for stage in master.stages():
            for (p, _), c in (*stage.orders.items(), *stage.retired.items()):
                place[c] = p
        self.place = place[self.columns]
        chips = [arrays.build(p).chip is not None for p in range(len(arrays.places))]
        self.is_chip = np.array([*chips, False])[self.place]  # -1 is the last

    def bound(self, low: Floats, high: Floats) -> None:
        """Give the solver's columns these bounds."""
        self.solver.changeColsBounds(len(self.columns), self.columns, low, high)


class Dive:
    """Whole units step by step: what is nearest to them is held, the rest is solved again.

    Only the places that a solution makes use of take part: so the master is small and quick. Power
    and halls come first, as chips adapt to them more easily.
    """

    def __init__(
        self,
        master: Master,
        values: Floats,
        core: Floats,
        within: tuple[Floats, Floats] | None = None,
    ) -> None:
        """Begin at the columns of a solution and the best point.

        within
            Bounds of the whole columns; all places take part then, used or not.
        """
        self.master, self.wholes = master, (w := Wholes(master))
        self.columns, self.is_chip = w.columns, w.is_chip
        self.low, self.high = (x.copy() for x in within or (w.low, w.high))
        if within is None:
            is_used = (values[w.columns] > USED) | (core[w.columns] > CORE) | (w.place < 0)
            is_out = ~np.isin(w.place, w.place[is_used])
            self.high[is_out] = self.low[is_out]

    def run(self) -> Floats | None:
        """Return a solution in whole units, or with parts left when the time is over; None if the
        master has none. The bounds of its columns are left as they were.
        """
        try:
            return self._run()
        finally:
            self.wholes.bound(self.wholes.low, self.wholes.high)

    def _run(self) -> Floats | None:
        values = last = self._solved(settle=True)
        while values is not None and not self.master.is_over():
            pick = self._nearest(values)
            if not len(pick):
                break
            last, before = values, values[self.columns]
            kept = self.low.copy(), self.high.copy()
            self.low[pick] = self.high[pick] = np.round(before[pick])
            values = self._solved()
            if values is None:  # a limit of supply or of money breaks: fewer, and down
                self.low, self.high = kept
                pick = pick[: max(1, len(pick) // 4)]
                self.low[pick] = self.high[pick] = np.floor(before[pick] + NEARLY)
                values = self._solved()
        return last if values is None and self.master.is_over() else values

    def _nearest(self, values: Floats) -> Ints:
        """Return which columns to hold next: of power and halls while they have parts."""
        at = values[self.columns]
        apart = np.abs(at - np.round(at))
        is_part = (apart > NEARLY) & (self.low < self.high)
        for is_mine, share in zip((~self.is_chip, self.is_chip), SHARES, strict=True):
            parts = np.flatnonzero(is_part & is_mine)
            if len(parts):
                order = parts[np.argsort(apart[parts], kind="stable")]
                count = max(1, len(parts) // share, int((apart[parts] <= CLOSE).sum()))
                return order[:count]
        return np.empty(0, np.int64)

    def _solved(self, *, settle: bool = False) -> Floats | None:
        """Solve within the bounds, cut there, and solve again; until it settles, if asked for."""
        master = self.master
        self.wholes.bound(self.low, self.high)
        values = master.solved()
        for _ in range(ROUNDS if settle else 1):
            if values is None or master.is_over():
                break
            claimed = float(master.solver.getObjectiveValue())
            loss, added = master.ask(values, values)
            if not added:
                break
            values = master.solved()
            if loss - claimed <= SETTLED * abs(claimed):
                break
        return values


def whole(first: FirstStage, values: Sequence[float]) -> Decision:
    """Return the decision with cumulative orders rounded down: no limit of supply breaks.

    Orders of a period at several sites may then be one more than the period allows: the last of
    them waits for the next period.
    """
    rounded = list(values)
    for column in (*first.orders.values(), *first.retired.values()):
        rounded[column] = float(floor(values[column] + NEARLY))
    for u, build in enumerate(first.arrays.growth.builds):
        places = first.arrays.places_of(u)
        for t in range(build.first, build.last + 1):
            new = [_new(first, rounded, p, t) for p in places]
            while sum(new) > build.max_per_period:
                at = max(range(len(places)), key=lambda i: new[i])
                rounded[first.orders[places[at], t]] -= 1
                new[at] -= 1
    _give_up_what_has_come(first, rounded)
    return first.decision(rounded)


def _new(first: FirstStage, rounded: list[float], place: int, t: int) -> float:
    before = first.orders.get((place, t - 1))
    return rounded[first.orders[place, t]] - (0.0 if before is None else rounded[before])


def _give_up_what_has_come(first: FirstStage, rounded: list[float]) -> None:
    """Lower what is given up to what has come by then in the future in which it comes last."""
    for (p, t), column in first.retired.items():
        build = first.arrays.build(p)
        late = int(first.arrays.delays[:, first.arrays.places[p][0]].max())
        period = min(t - build.lead - late, build.last)
        come = first.orders.get((p, period))
        rounded[column] = min(rounded[column], 0.0 if come is None else rounded[come])
