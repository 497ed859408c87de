"""What is left of a fleet while runs are put in, one by one: exact to the chip, domain and watt.

Plain numpy, no search: what greedy places with, and what turns runs that an engine chose into a
plan with domain ids. Batteries stay idle, permits and moves are refused; all else is that of MODEL
section 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.errors import Unsupported
from optimizer.place.arrays import Ints, build_arrays
from optimizer.place.certificate import upper_bound
from optimizer.place.check import recompute_objective
from optimizer.place.plan import (
    Certificate,
    EngineClaim,
    ObjectiveParts,
    Placement,
    PlacePlan,
    RunRecord,
    Status,
    gap_of,
)
from optimizer.place.rules.case import Case

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.domain.instance import Instance

__all__ = ["Fleet", "Taken"]

Taken = tuple[int, int, int]
"""A run: job, mode in the arrays, start."""

Runs = tuple[tuple[int, int], ...]
"""Domain ids of a part, as a plan file has them."""


class Fleet:
    """What is left, with the running jobs in it.

    Attributes
    ----------
    free
        Of each pool the free chips of every domain, (domains, T); of a pool that is only a count
        all its chips, (1, T).
    chips : (pools, T)
        Free chips of each pool, all its domains together.
    room_w : (S, T)
        IT watts above idle that are left.
    runs
        By job its mode in the arrays, start, end, and domain ids of each part.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance, self.a = instance, build_arrays(instance)
        if (self.a.permit >= 0).any() or instance.moves is not None:
            raise Unsupported("a plain plan", "permits and moves of running jobs are not in it")
        self.has_domains = [p.domain is not None for p in instance.pools.values()]
        self.free = [self._there(p) for p in range(len(instance.pools))]
        self.chips = np.array([x.sum(0) for x in self.free], np.int64)
        self.room_w = self.a.room_w.copy()
        self.quota = np.repeat(self.a.quota[:, None], self.chips.shape[1], 1)
        self.total = self.a.budget.copy()
        self.runs: dict[int, tuple[int, int, int, tuple[Runs, ...]]] = {}
        for j, job in enumerate(instance.jobs):
            if job.running is not None:
                self._pin(j)

    def _pin(self, j: int) -> None:
        """Put in a running job where it runs."""
        m, parts = int(self.a.job_ptr[j]), self.instance.modes(j)[0].parts
        end = int(self.end_of(m, np.zeros(1, np.int64))[0])
        pinned = tuple(part.pinned or () for part in parts)
        for part, ids in zip(self.parts(m), pinned, strict=True):
            self._hold(m, part, ids, slice(0, end), 1)
        self._note(j, m, 0, end, pinned)

    def _there(self, p: int) -> Ints:
        """Return the chips of every domain of a pool, 0 while it may not be used."""
        pool, h = list(self.instance.pools.values())[p], self.instance.horizon
        usable = pool.usable(h)
        if not self.has_domains[p]:
            return (usable * self.instance.domain_chips(pool))[None, :].astype(np.int64)
        there = np.arange(int(usable.max()))[:, None] < usable[None, :]
        for (low, high), begin, end in pool.out_of_use(h):
            there[low : high + 1, begin:end] = False
        return there * np.int64(self.instance.domain_chips(pool))

    def end_of(self, m: int, starts: Ints) -> Ints:
        """Return where runs of a mode end."""
        ends: Ints = self.a.when[self.a.mask[m], self.a.act[self.a.mask[m], starts] + self.a.dur[m]]
        return ends

    def parts(self, m: int) -> range:
        """Return the parts of a mode."""
        return range(int(self.a.part_ptr[m]), int(self.a.part_ptr[m + 1]))

    def starts(self, j: int, m: int) -> Ints:
        """Return the starts at which chips, power, quota and predecessors let a mode run."""
        a = self.a
        starts = np.flatnonzero(a.allowed[m])
        after = [self.runs.get(p) for p in a.pred[a.pred_ptr[j] : a.pred_ptr[j + 1]].tolist()]
        if None in after or not len(starts) or not self._has_total(m):
            return starts[:0]
        starts = starts[starts >= max((run[2] for run in after if run is not None), default=0)]
        works = np.diff(a.act[a.mask[m]]) > 0
        bad = np.zeros(len(works), bool)
        for part in self.parts(m):
            pool = a.part_pool[part]
            bad |= self.chips[pool] < a.part_slice[part] * a.part_slices[part]
            bad |= works & (self.room_w[a.pool_site[pool]] < a.part_net_w[part])
        if a.tenant[j] >= 0 and a.quota[a.tenant[j]] >= 0:
            bad |= self.quota[a.tenant[j]] < a.chips[m]
        before = np.concatenate(([0], np.cumsum(bad)))
        free: Ints = starts[before[self.end_of(m, starts)] == before[starts]]
        return free

    def _has_total(self, m: int) -> bool:
        uses = slice(int(self.a.use_ptr[m]), int(self.a.use_ptr[m + 1]))
        return bool((self.a.use_amount[uses] <= self.total[self.a.use_budget[uses]]).all())

    def put(self, j: int, m: int, start: int) -> bool:
        """Put a run in, in the first domains that have room; return whether that could be done."""
        if start not in self.starts(j, m):
            return False
        end, found = int(self.end_of(m, np.array([start]))[0]), list[Runs]()
        for part in self.parts(m):
            ids = self._first_fit(part, slice(start, end))
            if ids is None:
                break
            self._hold(m, part, ids, slice(start, end), 1)
            found.append(ids)
        if len(found) == len(self.parts(m)) and self._is_within(m, slice(start, end)):
            self._note(j, m, start, end, tuple(found))
            return True
        for part, ids in zip(self.parts(m), found, strict=False):
            self._hold(m, part, ids, slice(start, end), -1)
        return False

    def _is_within(self, m: int, span: slice) -> bool:
        """Return whether no pool and no site of a mode, all its parts together, is over-filled."""
        pools = [int(self.a.part_pool[part]) for part in self.parts(m)]
        return all(
            (self.chips[p, span] >= 0).all() and (self.room_w[self.a.pool_site[p], span] >= 0).all()
            for p in pools
        )

    def _first_fit(self, part: int, span: slice) -> Runs | None:
        """Return ids for the slices of a part, the first that have room throughout; or None."""
        pool, slices = int(self.a.part_pool[part]), int(self.a.part_slices[part])
        if not self.has_domains[pool]:
            return ()
        most = self.free[pool][:, span].min(1) // int(self.a.part_slice[part])
        filled = np.cumsum(most)
        if not len(filled) or filled[-1] < slices:
            return None
        last = int(np.searchsorted(filled, slices))
        most[last] -= filled[last] - slices
        ids = np.flatnonzero(most[: last + 1]).tolist()
        return tuple((d, d) for d in ids for _ in range(int(most[d])))

    def _hold(self, m: int, part: int, ids: Runs, span: slice, sign: int) -> None:
        """Take chips and watts of a part away, or (sign -1) give them back."""
        a, pool = self.a, int(self.a.part_pool[part])
        size, slices = int(a.part_slice[part]), int(a.part_slices[part])
        for low, high in ids:
            self.free[pool][low : high + 1, span] -= sign * size
        if not self.has_domains[pool]:
            self.free[pool][:, span] -= sign * size * slices
        self.chips[pool, span] -= sign * size * slices
        works = np.diff(a.act[a.mask[m]])[span]
        self.room_w[a.pool_site[pool], span] -= sign * works * a.part_net_w[part]

    def _note(self, j: int, m: int, start: int, end: int, domains: tuple[Runs, ...]) -> None:
        """Note a run whose chips and watts are taken; take what it has of quotas and totals."""
        a = self.a
        if a.tenant[j] >= 0 and a.quota[a.tenant[j]] >= 0:
            self.quota[a.tenant[j], start:end] -= a.chips[m]
        uses = slice(int(a.use_ptr[m]), int(a.use_ptr[m + 1]))
        np.subtract.at(self.total, a.use_budget[uses], a.use_amount[uses])
        self.runs[j] = m, start, end, domains

    def put_all(self, runs: list[Taken]) -> int:
        """Put in runs that an engine chose, large slices first; return how many found no room."""
        a, left = self.a, [run for run in runs if run[0] not in self.runs]
        left.sort(key=lambda run: (-int(a.part_slice[a.part_ptr[run[1]]]), run[2], run[0]))
        while left:
            after = [run for run in left if not self.put(*run)]
            if len(after) == len(left):
                break
            left = after
        return len(left)

    # ---- the plan file --------------------------------------------------------------------------

    def plan(self, seconds: float, claim: EngineClaim | None = None) -> PlacePlan:
        """Return the plan file of what is in, without prices: its bound is the trivial one."""
        is_complete = all(j in self.runs for j in np.flatnonzero(self.a.must == 1).tolist())
        bound = upper_bound(self.instance, Certificate()).total
        by_name = self._dispatch()
        draft = PlacePlan(
            instance=self.instance.name,
            instance_hash=self.instance.hash,
            status=Status.FEASIBLE if is_complete else Status.UNKNOWN,
            placements=tuple(self._placements()),
            dispatch=by_name,
            charge=self._no_charge(),
            objective=ObjectiveParts(value=0, lateness=0, one_off=0, energy=0, total=0),
            bound=bound,
            gap=None,
            certificate=Certificate(),
            run=RunRecord(
                stopped_by="time limit", seconds=seconds, options={}, versions={}, rounds=0,
                history=(), claim=claim,
            ),
        )  # fmt: skip
        parts = recompute_objective(Case(self.instance, draft))
        said: dict[str, Any] = {"objective": parts, "gap": gap_of(parts.total, bound)}
        if is_complete and parts.total == bound:
            said["status"] = Status.OPTIMAL
        return draft.model_copy(update=said)

    def _placements(self) -> list[Placement]:
        return [
            Placement(
                job=self.instance.jobs[j].id,
                mode=m - int(self.a.job_ptr[j]),
                start=start,
                end=end,
                domains=domains,
            )
            for j, (m, start, end, domains) in sorted(self.runs.items())
        ]

    def _dispatch(self) -> dict[str, dict[str, tuple[int, ...]]]:
        """Return what supplies give: the cheapest first, in every period; batteries nothing."""
        a, T = self.a, self.room_w.shape[1]
        given: NDArray[np.int64] = np.zeros_like(a.sup_cap)
        net = a.room_w - self.room_w
        need = -(-(a.pue * net + a.fixed_mw) // 1000)
        for s in range(len(a.pue)):
            own = np.arange(int(a.sup_ptr[s]), int(a.sup_ptr[s + 1]))
            own = own[a.full[own] < 0]
            for t in range(T):
                left = int(need[s, t])
                for k in own[np.argsort(a.sup_cost[own, t], kind="stable")].tolist():
                    given[k, t] = min(left, int(a.sup_cap[k, t]))
                    left -= int(given[k, t])
        rows = iter(given.tolist())
        return {
            name: {key: tuple(next(rows)) for key in site.supplies}
            for name, site in self.instance.sites.items()
        }

    def _no_charge(self) -> dict[str, dict[str, tuple[int, ...]]]:
        nothing = (0,) * self.room_w.shape[1]
        found = {
            name: {k: nothing for k, x in site.supplies.items() if x.storage is not None}
            for name, site in self.instance.sites.items()
        }
        return {name: each for name, each in found.items() if each}
