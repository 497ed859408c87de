"""Large neighbourhoods by CP-SAT: free some jobs, solve for them exactly, keep what is better.

A neighbourhood is a placed job, some that meet it in its pool, and some waiting jobs that pay best
there; all other runs stay (`part.py`). CP-SAT starts with the plan as it is and has a little work;
what it finds is placed by the search's own compiled rules, so that nothing that breaks one gets in,
and undone exactly unless the true objective has risen. Large neighbourhood search: Shaw (1998),
"Using constraint programming and local search methods to solve vehicle routing problems".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.place.answer import plan_objective
from optimizer.place.engines.dispatch import dispatch_site
from optimizer.place.engines.ejection import forget, note, take_out, undo
from optimizer.place.engines.power.whole import Served
from optimizer.place.engines.search import best_of, copy_best, handles_of, make_memory, put_back
from optimizer.place.engines.state import empty_state, place
from optimizer.place.exact.columns import net_of, parts_of
from optimizer.place.exact.hint import Lies, hint_runs
from optimizer.place.exact.near.model import build_near
from optimizer.place.exact.near.part import Part, cut_out
from optimizer.solvers.cpsat import IMPROVING, solve_cp
from optimizer.solvers.run import Limits

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.place.arrays import Ints
    from optimizer.place.clock import Clock
    from optimizer.place.engines.handles import Memory, Problem, State
    from optimizer.place.exact.intervals import Intervals
    from optimizer.solvers.run import IsOver

__all__ = ["Near", "refine"]

PLACED, WAITING = 8, 8
"""Jobs of a first neighbourhood; its size follows what CP-SAT can do."""

LEAST, MOST = 0.5, 4.0
"""Smallest and largest size, as multiples of the first."""

WORK, SECONDS = 0.4, 5.0
"""Deterministic and wall time [s] that one neighbourhood gets at most; by work alone where the run
is limited by it."""

ROUNDS = 4
"""Rounds of search that stand for one neighbourhood where work is limited."""


def refine(instance: Instance, problem: Problem, plan: State, clock: Clock) -> State:
    """Return the records of a plan that is no worse, from neighbourhoods until time is up.

    Where rounds limit the work, one neighbourhood is solved for every `ROUNDS` of them.
    """
    near, rounds = Near(instance, problem, plan, clock.options.seed), clock.options.rounds
    near.is_repeatable = rounds is not None

    def is_over() -> bool:
        return clock.cancel.is_set() or (rounds is None and clock.left() <= 0)

    while clock.reason(near.tried * ROUNDS) is None and near.has_choice:
        near.step(is_over)
    found = near.best()
    before = plan_objective(problem.a, plan).total
    return found if plan_objective(problem.a, found).total > before else plan


class Near:
    """A plan that gets better by one neighbourhood after another.

    Attributes
    ----------
    size
        Of the next neighbourhood, as a multiple of the first.
    tried, won
        Neighbourhoods solved; those that made the plan better.
    is_repeatable
        Whether work alone limits a neighbourhood.
    """

    def __init__(self, instance: Instance, problem: Problem, plan: State, seed: int) -> None:
        self.problem, self.state = problem, empty_state(problem)
        self.memory: Memory = make_memory(problem, self.state, 1, np.zeros(1, np.uint8))
        self.handles = handles_of(problem, self.state, self.memory)
        put_back(problem, self.handles, plan, plan.mode_of >= 0)
        copy_best(*self.handles)
        self.rng, self.seed = np.random.default_rng(seed), seed
        self.has_domains = np.array([x.domain is not None for x in instance.pools.values()], bool)
        self.size, self.tried, self.won = 1.0, 0, 0
        self.is_repeatable = False
        self.pools = self._pools()
        a = problem.a
        has_home = np.isin(a.job_ptr[:-1], np.flatnonzero(a.home)) & (np.diff(a.job_ptr) > 0)
        self.is_open = (a.running == 0) & ~has_home  # running jobs stay, even if they may move

    def _pools(self) -> list[set[int]]:
        """Return the pools that each job can run in."""
        a, out = self.problem.a, []
        for j in range(len(a.late)):
            parts = slice(a.part_ptr[a.job_ptr[j]], a.part_ptr[a.job_ptr[j + 1]])
            out.append(set(a.part_pool[parts].tolist()))
        return out

    @property
    def has_choice(self) -> bool:
        """Whether any job could be freed."""
        return bool(((self.state.mode_of >= 0) & self.is_open).any())

    def best(self) -> State:
        """Return the placement records of the plan."""
        return best_of(self.state, self.memory)

    def step(self, is_over: IsOver | None = None) -> bool:
        """Solve one neighbourhood; return whether the plan got better."""
        return self.free(self._choose(), is_over)

    def free(self, jobs: list[int], is_over: IsOver | None = None) -> bool:
        """Solve for these jobs (and who waits for them); return whether the plan got better."""
        p, state, memory = self.handles
        before = float(self.state.objective[0])
        for j in jobs:
            note(p, state, memory, j)
            if self.state.mode_of[j] >= 0:
                take_out(p, state, memory, j)
        free = sorted(self.memory.log[: int(self.memory.count[0])].tolist())
        found = self._solve(free, is_over)
        is_better = found is not None and self._put(found) and self._objective() > before + 1e-7
        if is_better:
            copy_best(*self.handles)
            self.won += 1
        else:
            undo(p, state, memory)
            self.state.objective[0] = before
        forget(memory)
        self.tried += 1
        return is_better

    def _objective(self) -> float:
        return float(self.state.objective[0])

    def _choose(self) -> list[int]:
        """Return jobs to free: some that meet in a pool, some that wait and pay best there."""
        a, state, rng = self.problem.a, self.state, self.rng
        placed = np.flatnonzero((state.mode_of >= 0) & self.is_open)
        first = int(rng.choice(placed))
        pool = int(a.part_pool[a.part_ptr[state.mode_of[first]]])
        pools = a.part_pool[a.part_ptr[state.mode_of[placed]]]
        meets = (state.start[placed] < state.end[first]) & (state.start[first] < state.end[placed])
        others = rng.permutation(placed[meets & (pools == pool) & (placed != first)])
        waiting = np.array(
            [j for j in np.flatnonzero((state.mode_of < 0) & self.is_open) if pool in self.pools[j]]
        )
        chosen = [first, *others[: int(PLACED * self.size) - 1].tolist()]
        if len(waiting):
            gain = self.problem.gain_usd[a.job_ptr[waiting]]
            worth = self.problem.worth[waiting] + self.problem.prize[waiting] + 0.1 * gain
            order = np.argsort(-worth * (0.3 + rng.random(len(waiting))), kind="stable")
            chosen += waiting[order[: int(WAITING * self.size)]].tolist()
        return chosen

    # ---- one neighbourhood ----------------------------------------------------------------------

    def _solve(self, free: list[int], is_over: IsOver | None) -> list[tuple[int, int, int]] | None:
        """Return (job, mode, start) of the best that CP-SAT finds for free jobs."""
        old = self.memory
        columns = {
            j: (int(old.old_mode[j]), int(old.old_start[j])) for j in free if old.old_mode[j] >= 0
        }
        wanted = {v for j in columns for _, v in self._old_slots(j)}
        part = cut_out(
            self.problem, self.state, self.handles[:2], free, columns, wanted, self.has_domains
        )
        model = build_near(part.a, part.held, self._price(part, columns))
        self._hint(model, part, columns)
        limits = Limits(None if self.is_repeatable else SECONDS, WORK, 0.0, self.seed)
        run = solve_cp(model.cp, model.objective, limits, is_over=is_over, parameters=IMPROVING)
        faster = run.status == "optimal" and run.work < WORK / 2
        self.size = float(np.clip(self.size * (1.1 if faster else 0.9), LEAST, MOST))
        if run.solution is None:
            return None
        taken = [c for c, at in enumerate(model.at) if run.value(at)]
        job_of = np.repeat(part.jobs, np.diff(part.a.job_ptr))
        return [
            (int(job_of[m]), part.modes[m], int(model.columns.start[c]))
            for c in taken
            for m in [int(model.columns.mode[c])]
        ]

    def _old_slots(self, j: int) -> list[tuple[int, int]]:
        """Return (part, virtual domain) of the small slices of a job before it was taken out."""
        a, slot, out = self.problem.a, int(self.problem.slot_ptr[j]), []
        for _, part, _ in parts_of(a, int(self.memory.old_mode[j])):
            if not a.part_whole[part]:
                count = int(a.part_slices[part])
                out += [(part, v) for v in self.memory.old_slots[slot : slot + count].tolist()]
                slot += count
        return out

    def _hint(self, model: Intervals, part: Part, columns: dict[int, tuple[int, int]]) -> None:
        """Start with the plan as it was."""
        a, number = part.a, {m: i for i, m in enumerate(part.modes)}
        runs = {number[m]: (j, start) for j, (m, start) in sorted(columns.items())}
        starts = model.columns.start
        taken = {c for m, (_, t) in runs.items() for c in model.columns.of(m) if starts[c] == t}
        nothing = np.zeros((0, a.pue.shape[1]), np.int64)
        hint_runs(model, taken, Served(nothing, nothing), self._lies(model, part, runs))

    def _price(self, part: Part, columns: dict[int, tuple[int, int]]) -> Ints:
        """Return what one more watt cost before the jobs were freed, (S, T)."""
        whole, a = self.problem.a, part.a
        load = np.zeros(a.pue.shape, np.int64)
        for j, (m, start) in columns.items():
            span = slice(start, int(self.memory.old_end[j]))
            works = np.diff(whole.act[whole.mask[m]])[span]
            for s in range(len(load)):
                load[s, span] += net_of(whole, m, s) * works
        price = np.zeros(a.pue.shape, np.int64)
        for s in range(len(load)):
            own = slice(int(a.sup_ptr[s]), int(a.sup_ptr[s + 1]))
            cost, given = a.sup_cost[own], dispatch_site(a, s, load[s])
            price[s] = np.where(given > 0, cost, cost.min(0, initial=2**62)).max(0, initial=0)
        return price

    def _lies(self, model: Intervals, part: Part, runs: dict[int, tuple[int, int]]) -> Lies:
        """Return where the slices of the free jobs were, by the numbers of the part."""
        whole_a, a, lies = self.problem.a, part.a, Lies()
        begun = {v: key for key, v in part.begun.items()}
        for m, (j, start) in runs.items():
            shift = int(a.part_ptr[m] - whole_a.part_ptr[part.modes[m]])
            end = int(self.memory.old_end[j])
            for rank, i, pool in parts_of(a, m):
                for h in range(int(a.group_ptr[pool]), int(a.group_ptr[pool + 1])):
                    n = int(self.memory.old_alloc[j, rank, h - int(a.group_ptr[pool])])
                    if a.part_whole[i] and n:
                        lies.whole[i, h] = n
            for i, v in self._old_slots(j):
                h = int(np.searchsorted(self.problem.virt_ptr, v, "right")) - 1
                if v not in begun:
                    begun[v] = h, sum(g == h for g, _ in begun.values())
                key = (i + shift, *begun[v])
                lies.on[key] = lies.on.get(key, 0) + 1
                lies.open |= {(*begun[v], t) for t in range(start, end)}
        return lies

    def _put(self, found: list[tuple[int, int, int]]) -> bool:
        """Place what was found, largest slices first; what a rule of the search refuses waits.

        False if a job would run without one that it waits for.
        """
        a, (p, state, _) = self.problem.a, self.handles

        def key(run: tuple[int, int, int]) -> tuple[bool, int, int]:
            parts = slice(int(a.part_ptr[run[1]]), int(a.part_ptr[run[1] + 1]))
            return not a.part_whole[parts].all(), -int(a.part_slice[parts].max()), run[2]

        for j, m, start in sorted(found, key=key):
            mask = a.mask[m]
            end = int(a.when[mask, a.act[mask, start] + a.dur[m]])
            place(p, state, j, m, start, end)
        waits = self.state.mode_of < 0
        after = np.repeat(np.arange(len(a.late)), np.diff(a.pred_ptr))
        return not (waits[a.pred] & ~waits[after]).any()
