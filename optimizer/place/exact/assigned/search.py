"""All jobs in one period at the least cost: prices say which modes are near, search finds a plan.

The sets and parameters are those of `engines/assigned/anneal.py`; rows are those that lists are
generated on (`lists/rows.py`), in one period, and budgets. What a mode costs is its one-off and the
energy at the price of power; what is near is what costs least at the prices of all rows.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from optimizer.place.engines.assigned.anneal import assign, placed_in
from optimizer.place.engines.insertion import generator

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.place.arrays import Ints, PlaceArrays
    from optimizer.place.engines.prices import Dual
    from optimizer.place.exact.lists.rows import Listed, Rows
    from optimizer.place.goals.effort import Effort

    Take = Callable[["Ints"], bool]

__all__ = ["Assigning", "Choice", "choice_of", "prepare_assigned"]

NEAR, ALTERNATIVES = 20, 4
"""Modes of a job that the search chooses among, the best at the prices; how many of them, beside
the best, say what it takes to run elsewhere."""

HOT, COLD = 2.0, 0.005
"""First and last temperature, as shares of what other modes cost more at the prices."""

SOFT, FIRM = 1.0, 12.0
"""First and last fines, as factors of prices."""

FIRST_LAPS, CYCLE_MOVES = 4, 200_000
"""Laps in which it first cools down, so that there is a plan; moves for each job in which it does
later."""

LEAST_PRICE = 0.05
"""Least price of what a mean mode needs of a row, as a share of what other modes cost more."""

MOVES_OF_A_LAP = 50
"""Moves of this search that stand for one of a lap."""


class Choice(NamedTuple):
    """The problem, as compiled code reads it.

    Attributes
    ----------
    job_ptr : (J+1,), cost : (M,), place : (M,)
        Modes of each job; what they cost [USD]; the pool of their first part.
    need_ptr : (M+1,), need_row, need_n, cap : (R,)
        Rows and budgets.
    near_ptr : (J+1,), near
        The modes of each job that the search chooses among.
    mode_at : (J, pools)
        The cheapest mode of each job at a place, -1 for none.
    price : (R,)
        Prices of rows, none of them 0 [USD per unit].
    """

    job_ptr: Any
    cost: Any
    place: Any
    need_ptr: Any
    need_row: Any
    need_n: Any
    cap: Any
    near_ptr: Any
    near: Any
    mode_at: Any
    price: Any


class Chosen(NamedTuple):
    """What one thread has: modes, and what follows from them; the best plan, and what it costs."""

    mode_of: Any
    used: Any
    fine: Any
    broken: Any
    cost: Any
    jobs_in: Any
    count: Any
    at: Any
    best: Any
    best_mode: Any


def choice_of(a: PlaceArrays, image: Listed, dual: Dual) -> tuple[Choice, float]:
    """Return the problem at prices, and what other modes cost more by and large [USD]."""
    rows = image.rows
    own_cost = -a.gain[image.modes] * 1e-9
    cost = own_cost + _energy(a, dual)[image.modes]
    reduced = own_cost + _paid(a, dual)[image.modes]
    reduced = np.where((rows.ends <= rows.ends.shape[1]).any(1), reduced, np.inf)
    near, more = [], []
    for p, q in pairwise(rows.job_ptr.tolist()):
        best = p + np.argsort(reduced[p:q], kind="stable")[:NEAR]
        near.append([int(m) for m in best if np.isfinite(reduced[m])])
        more += [reduced[m] - reduced[near[-1][0]] for m in near[-1][1 : ALTERNATIVES + 1]]
    scale = max(float(np.mean(more)) if more else 0.0, 1e-6 * float(np.abs(cost).mean()), 1e-9)
    place = a.part_pool[a.part_ptr[image.modes]]
    cap = np.concatenate([rows.cap[:, 0], rows.budget])
    need_ptr, need_row, need_n = _joined(rows)
    mean = np.bincount(need_row, need_n, len(cap)) / np.maximum(
        1, np.bincount(need_row, minlength=len(cap))
    )
    near_ptr = np.concatenate(([0], np.cumsum([len(x) for x in near]))).astype(np.int64)
    choice = Choice(
        rows.job_ptr,
        cost,
        place,
        need_ptr,
        need_row,
        need_n,
        cap,
        near_ptr,
        np.array([m for x in near for m in x], np.int64),
        _cheapest_at(rows.job_ptr, place, np.where(np.isfinite(reduced), cost, np.inf)),
        np.maximum(_prices(a, image, dual), LEAST_PRICE * scale / np.maximum(mean, 1.0)),
    )
    return choice, scale


def _energy(a: PlaceArrays, dual: Dual) -> Any:
    """Return what the energy of every mode costs at the price of power [USD], (M,)."""
    power = dual.best.rows[: len(a.pue), 0] * a.pue[:, 0] / 1000
    part_of = np.repeat(np.arange(len(a.dur)), np.diff(a.part_ptr))
    return np.bincount(part_of, a.part_net_w * power[a.pool_site[a.part_pool]], len(a.dur))


def _paid(a: PlaceArrays, dual: Dual) -> Any:
    """Return what every mode pays for all that it takes [USD], (M,)."""
    use_of = np.repeat(np.arange(len(a.dur)), np.diff(a.use_ptr))
    budgets = np.bincount(use_of, dual.best.budgets[a.use_budget] * a.use_amount, len(a.dur))
    return dual.mode_prices()[0][a.alike, 1] + budgets


def _prices(a: PlaceArrays, image: Listed, dual: Dual) -> Any:
    """Return the prices of rows and budgets, rounding rows added to what they round [USD]."""
    paid: dict[tuple[str, int, int], float] = {}
    for row, price in zip(dual.best.table.rows, dual.best.rows[:, 0].tolist(), strict=True):
        kind = "chips" if row.kind == "slice" else row.kind.removeprefix("round_")
        is_rounded = kind != row.kind and row.kind != "slice"
        name = kind, row.of, row.size if row.kind == "slice" else 1
        unit = a.pue[row.of, 0] / 1000 if row.kind == "power" else 1.0
        paid[name] = paid.get(name, 0.0) + price * unit / (row.size if is_rounded else 1)
    each = [paid.get(name, 0.0) for name in image.names]
    return np.concatenate([each, dual.best.budgets])


def _joined(rows: Rows) -> tuple[Ints, Ints, Ints]:
    """Return what modes need of rows and use of budgets as one list."""
    modes = np.arange(len(rows.dur))
    of = [np.repeat(modes, np.diff(ptr)) for ptr in (rows.need_ptr, rows.use_ptr)]
    mode = np.concatenate(of)
    row = np.concatenate([rows.need_row, rows.use_budget + len(rows.cap)])
    order = np.argsort(mode, kind="stable")
    counts = np.bincount(mode, minlength=len(modes))
    ptr = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    return ptr, row[order], np.concatenate([rows.need_n, rows.use_n])[order]


def _cheapest_at(job_ptr: Ints, place: Ints, cost: Any) -> Ints:
    """Return the cheapest mode of every job at every place, -1 for none: (J, places)."""
    out = np.full((len(job_ptr) - 1, int(place.max()) + 1), -1, np.int64)
    job_of = np.repeat(np.arange(len(job_ptr) - 1), np.diff(job_ptr))
    for m in np.argsort(-cost, kind="stable").tolist():
        if np.isfinite(cost[m]):
            out[job_of[m], place[m]] = m
    return out


class Assigning:
    """Searches with different seeds, side by side.

    Parameters
    ----------
    scale
        What other modes cost more, by and large [USD].
    take
        Told of the modes of every better plan; returns whether all rules let it in.
    """

    def __init__(self, choice: Choice, scale: float, effort: Effort, take: Take) -> None:
        o = effort.clock.options
        self.choice, self.scale, self.effort, self.take = choice, scale, effort, take
        self.seen = [_first(choice) for _ in range(o.threads)]
        self.rngs = [generator(o.seed * 1009 + i + 1) for i in range(o.threads)]
        self.halt = np.zeros(1, np.uint8)
        self.cost, self.at, self.long = np.inf, 0, 0

    def run(self, part: float) -> None:
        """Search for a part of the effort, in cycles that cool down."""
        both = ((self.scale * HOT, self.scale * COLD), (SOFT, FIRM))
        with ThreadPoolExecutor(len(self.seen)) as pool:
            for lap in self.effort.laps(part):
                moves = lap.moves * MOVES_OF_A_LAP
                if self.at >= self.long:
                    for s in self.seen:
                        self._tell(s)
                    self._begin_cycle((1.0 - lap.begin) / (lap.end - lap.begin), moves)
                shares = self.at / self.long, (self.at + 1) / self.long
                self._each(pool, moves, [x * (y / x) ** at for x, y in both for at in shares])
                self.at += 1
        for s in self.seen:
            self._tell(s)

    def _begin_cycle(self, left: float, moves: int) -> None:
        """Share what is left, in laps of so many moves, among cycles: set the laps of the next."""
        wanted = CYCLE_MOVES * len(self.seen[0].mode_of) / moves if self.long else FIRST_LAPS
        cycles = max(1, round(left / max(1.0, wanted))) if self.long else left / wanted
        self.at, self.long = 0, max(1, round(left / max(1.0, cycles)))

    def _each(self, pool: ThreadPoolExecutor, moves: int, ends: list[float]) -> None:
        clock = self.effort.clock
        running = [
            pool.submit(assign, self.choice, s, rng, self.halt, moves, *ends)
            for s, rng in zip(self.seen, self.rngs, strict=True)
        ]
        while wait(running, timeout=0.02).not_done:  # signals are handled in between
            self.halt[0] = clock.cancel.is_set() or clock.left() <= 0
        for future in running:
            future.result()

    def _tell(self, s: Chosen) -> None:
        if s.best[0] < self.cost - 1e-9 and self.take(s.best_mode.copy()):
            self.cost = float(s.best[0])


def _first(choice: Choice) -> Chosen:
    """Return what a search begins with: every job in the mode that is best at the prices."""
    J, places = choice.mode_at.shape
    mode_of = choice.near[choice.near_ptr[:-1]].copy()
    s = Chosen(
        mode_of,
        np.zeros(len(choice.cap), np.int64),
        choice.price.copy(),
        np.zeros(1, np.int64),
        np.zeros(1),
        np.zeros((places, J), np.int64),
        np.zeros(places, np.int64),
        np.zeros(J, np.int64),
        np.full(1, np.inf),
        mode_of.copy(),
    )
    placed_in(choice, s)
    return s


def prepare_assigned() -> None:
    """Load or compile the search (once on a machine): one job, one row."""
    one, to_one = np.ones(1, np.int64), np.array([0, 1], np.int64)
    zero = np.zeros(1, np.int64)
    mode = to_one, np.zeros(1), zero
    choice = Choice(
        *mode, to_one, zero, one, one, to_one, zero, np.zeros((1, 1), np.int64), np.ones(1)
    )
    assign(choice, _first(choice), generator(1), np.zeros(1, np.uint8), 1, 1.0, 0.1, 1.0, 2.0)
