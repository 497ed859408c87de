"""The numeric image of a placement instance that the engines work on.

Sets: jobs j, modes m (of one job), parts of modes, pools, groups of domains, sites s, supplies k of
a site, periods t. Everything is whole numbers in the units of `optimizer.units`; starts are never
stored. The checker and the certificate do not use this file: they add up for themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.domain.modes import ids_usable, run_ends
from optimizer.place.engines.power.supplies import power_arrays
from optimizer.place.image.totals import taken, total_limits, total_names
from optimizer.units import nano, nano_per_period

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.domain.instance import Instance
    from optimizer.domain.modes import Mode

__all__ = ["Group", "Ints", "PlaceArrays", "build_arrays", "groups_of"]

Ints = NDArray[np.int64]
Flags = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Group:
    """Domains of one pool that are interchangeable: ids, and from which period each is there.

    Ids that come and then stay form one group: runs on them are intervals that any free id can
    take. Ids that go, or are in maintenance, form one group for each pattern.
    """

    ids: Ints
    since: Ints
    count: Ints


class PlaceArrays(NamedTuple):
    """Numeric image of a placement instance.

    Attributes
    ----------
    job_ptr : (J+1,)
        Modes of job j are job_ptr[j]..job_ptr[j+1]-1, in the order that plans refer to.
    late, due, tenant, must, running : (J,)
        Cost of a late period [nano-USD], due boundary (T where none), index or -1, flags: it is in
        every plan; it runs already and has to stay. One that may be moved is of the first kind.
    pred_ptr, pred, succ_ptr, succ
        Predecessors and successors of each job.
    dur, first, end_by, gain, restart, mask, chips : (M,)
        Periods in training, earliest start, latest end, value less one-off [nano-USD], restart
        cost [nano-USD], row of `act` that says when it stands still (0: never), chips.
    part_ptr : (M+1,)
    part_pool, part_slice, part_slices, part_net_w, part_whole, part_need : (parts,)
        Draw above idle [W]; whether it takes whole domains, and how many then (in a pool that is
        only a chip count: chips).
    use_ptr, use_budget, use_amount
        Totals that each mode takes from: budgets [thousandths], then rows that count jobs.
    act, when : (masks, T+1)
        Periods of work before each boundary; earliest boundary with that much work (T+1: none).
    home : (M,) uint8
        Modes of running jobs that may be moved, where they run: from the start, on their domains.
    allowed : (M, T) uint8
        Columns (mode, start) that the window and what running jobs leave admit.
    pool_site, pool_size, group_ptr
        Site, chips of a domain, groups of each pool.
    usable, avail : (pools, T)
        Domains present and no spares; of those not in maintenance.
    group_n : (groups, T)
        Domains of each group.
    pue, fixed_mw, room_w : (S, T)
        Thousandths; fixed load at the meter [mW]; IT watts above idle that the supplies allow.
    sup_ptr : (S+1,)
    sup_cap, sup_cost : (K, T)
        Caps [W]; energy plus carbon [nano-USD per W-period].
    permit : (K,)
        W-periods over the horizon, -1 for none.
    peak_cost : (K,)
        Demand charge [nano-USD per W of the largest dispatch].
    full, held, charge_w, added, taken : (K,)
        Of batteries: what they hold at most (-1 for every other supply) and at the start
        [thousandths of a W-period]; largest charge [W]; what a watt charged for a period adds and a
        watt discharged takes [thousandths].
    quota : (tenants,)
        Chips at once, -1 for no limit.
    budget, total_kind : (totals,)
        Limits [thousandths, or jobs]; which kind of `image/totals.py` each is.
    """

    job_ptr: Ints
    value: Ints
    late: Ints
    due: Ints
    tenant: Ints
    must: Flags
    running: Flags
    pred_ptr: Ints
    pred: Ints
    succ_ptr: Ints
    succ: Ints
    dur: Ints
    first: Ints
    end_by: Ints
    gain: Ints
    restart: Ints
    mask: Ints
    chips: Ints
    part_ptr: Ints
    part_pool: Ints
    part_slice: Ints
    part_slices: Ints
    part_net_w: Ints
    part_whole: Flags
    part_need: Ints
    use_ptr: Ints
    use_budget: Ints
    use_amount: Ints
    act: Ints
    when: Ints
    home: Flags
    allowed: Flags
    pool_site: Ints
    pool_size: Ints
    group_ptr: Ints
    usable: Ints
    avail: Ints
    group_n: Ints
    pue: Ints
    fixed_mw: Ints
    room_w: Ints
    sup_ptr: Ints
    sup_cap: Ints
    sup_cost: Ints
    permit: Ints
    peak_cost: Ints
    full: Ints
    held: Ints
    charge_w: Ints
    added: Ints
    taken: Ints
    quota: Ints
    budget: Ints
    total_kind: Flags

    def batteries_at(self, site: int) -> list[int]:
        """Return the batteries of a site among all supplies."""
        own = range(int(self.sup_ptr[site]), int(self.sup_ptr[site + 1]))
        return [k for k in own if self.full[k] >= 0]


def _ints(items: Iterable[int]) -> Ints:
    return np.array(list(items), np.int64)


def _flags(items: Iterable[bool]) -> Flags:
    return np.array(list(items), np.uint8)


def _ptr(lists: Iterable[list[int]]) -> tuple[Ints, Ints]:
    rows = list(lists)
    ptr = np.concatenate(([0], np.cumsum([len(r) for r in rows]))).astype(np.int64)
    return ptr, _ints(x for r in rows for x in r)


def groups_of(instance: Instance, name: str) -> list[Group]:
    """Return the groups of interchangeable domains of a pool (see `Group`)."""
    pool, horizon = instance.pools[name], instance.horizon
    usable, periods = pool.usable(horizon), horizon.periods
    if pool.domain is None:  # a chip count: no ids, only how many
        return [Group(_ints([]), _ints([]), usable)]
    there = np.arange(int(usable.max()))[:, None] < usable[None, :]
    for (low, high), begin, end in pool.out_of_use(horizon):
        there[low : high + 1, begin:end] = False
    since = np.where(there.any(1), there.argmax(1), periods)
    stays = there.sum(1) == periods - since
    ids = np.arange(len(there))
    out = [Group(ids[stays], since[stays], there[stays].sum(0).astype(np.int64))]
    patterns: dict[bytes, list[int]] = {}
    for i in ids[~stays]:
        patterns.setdefault(there[i].tobytes(), []).append(int(i))
    for members in patterns.values():
        row = there[members[0]]
        zeros = np.zeros(len(members), np.int64)
        out.append(Group(_ints(members), zeros, row * np.int64(len(members))))
    return out


def _masks(instance: Instance, modes: list[Mode]) -> tuple[Ints, Ints, Ints]:
    """Return act, when and the mask of each mode."""
    periods = instance.horizon.periods
    called = {s: site.is_called(instance.horizon) for s, site in instance.sites.items()}
    rows = [np.zeros(periods, bool)]
    index = {rows[0].tobytes(): 0}
    mask = []
    for mode in modes:
        stands = rows[0]
        if mode.pauses:
            sites = {instance.pools[p.pool].site for p in mode.parts}
            stands = np.logical_or.reduce([called[s] for s in sites])
        key = stands.tobytes()
        if key not in index:
            index[key] = len(rows)
            rows.append(stands)
        mask.append(index[key])
    act = np.zeros((len(rows), periods + 1), np.int64)
    when = np.full((len(rows), periods + 1), periods + 1, np.int64)
    for i, stands in enumerate(rows):
        act[i, 1:] = np.cumsum(~stands)
        reached, boundary = np.unique(act[i], return_index=True)
        when[i, reached] = boundary
    return act, when, _ints(mask)


def _rows(rows: Iterable[Ints], periods: int) -> Ints:
    """Return rows of so many periods as (rows, T), even if there is none."""
    return np.array(list(rows), np.int64).reshape(-1, periods)


def _pools(instance: Instance) -> dict[str, Ints]:
    h, site_of = instance.horizon, {name: i for i, name in enumerate(instance.sites)}
    groups = [groups_of(instance, name) for name in instance.pools]
    pools = list(instance.pools.values())
    return {
        "pool_site": _ints(site_of[p.site] for p in pools),
        "pool_size": _ints(instance.domain_chips(p) for p in pools),
        "group_ptr": np.concatenate(([0], np.cumsum([len(g) for g in groups]))).astype(np.int64),
        "usable": _rows((p.usable(h) for p in pools), h.periods),
        "avail": _rows((np.sum([g.count for g in each], axis=0) for each in groups), h.periods),
        "group_n": _rows((g.count for each in groups for g in each), h.periods),
    }


def _jobs(instance: Instance) -> dict[str, Any]:
    h, jobs = instance.horizon, instance.jobs
    index = {job.id: j for j, job in enumerate(jobs)}
    tenant = {name: i for i, name in enumerate(instance.tenants)}
    before = [[index[p] for p in job.predecessors] for job in jobs]
    after: list[list[int]] = [[] for _ in jobs]
    for j, each in enumerate(before):
        for p in each:
            after[p].append(j)
    pred_ptr, pred = _ptr(before)
    succ_ptr, succ = _ptr(after)
    quotas = [t.quota_chips for t in instance.tenants.values()]
    return {
        "value": _ints(nano(job.value_usd) for job in jobs),
        "late": _ints(nano_per_period(job.late_usd_per_hour, h.period_hours) for job in jobs),
        "due": _ints(h.periods if job.due is None else h.down(job.due) for job in jobs),
        "tenant": _ints(-1 if job.tenant is None else tenant[job.tenant] for job in jobs),
        "must": _flags(job.must or instance.may_move(j) for j, job in enumerate(jobs)),
        "running": _flags(instance.has_to_stay(j) for j in range(len(jobs))),
        "pred_ptr": pred_ptr,
        "pred": pred,
        "succ_ptr": succ_ptr,
        "succ": succ,
        "quota": _ints(-1 if q is None else q for q in quotas),
    }


def _modes(instance: Instance) -> dict[str, Any]:
    each = [instance.modes(j) for j in range(len(instance.jobs))]
    modes = [m for ms in each for m in ms]
    value = [nano(instance.jobs[j].value_usd) for j, ms in enumerate(each) for _ in ms]
    parts = [p for m in modes for p in m.parts]
    pool = {name: i for i, name in enumerate(instance.pools)}
    size = [instance.domain_chips(p) for p in instance.pools.values()]
    total = {name: i for i, name in enumerate(total_names(instance))}
    takes = taken(instance)
    sized = [(p, size[pool[p.pool]]) for p in parts]
    act, when, mask = _masks(instance, modes)
    lengths = [len(m.parts) for m in modes]
    use_ptr, use_budget = _ptr([total[name] for name, _ in some] for some in takes)
    return {
        "job_ptr": np.concatenate(([0], np.cumsum([len(ms) for ms in each]))).astype(np.int64),
        "dur": _ints(m.duration for m in modes),
        "first": _ints(m.first for m in modes),
        "end_by": _ints(m.end_by for m in modes),
        "gain": _ints(v - m.one_off_nano for v, m in zip(value, modes, strict=True)),
        "restart": _ints(m.restart_nano for m in modes),
        "mask": mask,
        "chips": _ints(m.chips for m in modes),
        "part_ptr": np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        "part_pool": _ints(pool[p.pool] for p in parts),
        "part_slice": _ints(p.slice_chips for p in parts),
        "part_slices": _ints(p.slices for p in parts),
        "part_net_w": _ints(p.draw_w - p.idle_w for p in parts),
        "part_whole": np.array([p.slice_chips == s or s == 1 for p, s in sized], np.uint8),
        "part_need": _ints(p.chips // s for p, s in sized),
        "use_ptr": use_ptr,
        "use_budget": use_budget,
        "use_amount": _ints(amount for some in takes for _, amount in some),
        "home": _flags(m.stays and instance.may_move(j) for j, ms in enumerate(each) for m in ms),
        "act": act,
        "when": when,
    }


def _needs(a: dict[str, Any], m: int) -> tuple[dict[int, int], dict[int, int]]:
    """Watts above idle by site and chips by pool that a mode takes."""
    watts: dict[int, int] = {}
    chips: dict[int, int] = {}
    for p in range(a["part_ptr"][m], a["part_ptr"][m + 1]):
        pool = int(a["part_pool"][p])
        site = int(a["pool_site"][pool])
        watts[site] = watts.get(site, 0) + int(a["part_net_w"][p])
        chips[pool] = chips.get(pool, 0) + int(a["part_slice"][p] * a["part_slices"][p])
    return watts, chips


def _left(a: dict[str, Any], running: Ints) -> tuple[Ints, Ints]:
    """Watts by site and chips by pool that running modes leave, (S, T) and (pools, T)."""
    room = a["room_w"].copy()
    chips = a["usable"] * a["pool_size"][:, None]
    for m in running.tolist():
        mask = int(a["mask"][m])
        end = int(a["when"][mask, a["dur"][m]])
        works = np.diff(a["act"][mask])[:end]
        need_w, need_chips = _needs(a, m)
        for site, watts in need_w.items():
            room[site, :end] -= works * watts
        for pool, count in need_chips.items():
            chips[pool, :end] -= count
    return room, chips


def _homes(instance: Instance) -> NDArray[np.bool_]:
    """Return for every mode whether the ids that it is pinned to can be used throughout, (M,)."""
    h, out = instance.horizon, []
    for j in range(len(instance.jobs)):
        for mode in instance.modes(j):
            stands = np.zeros(h.periods, bool)
            if mode.stays and mode.pauses:
                for site in instance.sites_of(mode):
                    stands |= instance.sites[site].is_called(h)
            end = int(run_ends(mode.duration, stands, h.periods)[0])
            out.append(not mode.stays or ids_usable(instance, mode, end))
    return np.array(out, bool)


def _allowed(a: dict[str, Any], periods: int, usable: NDArray[np.bool_]) -> Flags:
    """Columns within the window that fit into what running jobs leave, one by one."""
    act, when, starts = a["act"], a["when"], np.arange(periods)
    job_of = np.repeat(np.arange(len(a["job_ptr"]) - 1), np.diff(a["job_ptr"]))
    is_running = a["running"][job_of] == 1
    room, chips = _left(a, np.flatnonzero(is_running))
    allowed = np.zeros((len(job_of), periods), np.uint8)
    allowed[is_running, 0] = 1
    for m in np.flatnonzero(~is_running).tolist():
        row = int(a["mask"][m])
        works, bad = np.diff(act[row]) > 0, np.zeros(periods, bool)
        need_w, need_chips = _needs(a, m)
        for site, watts in need_w.items():
            bad |= works & (room[site] < watts)
        for pool, count in need_chips.items():
            bad |= chips[pool] < count
        done = act[row, :-1] + a["dur"][m]
        ends = np.where(done > periods, periods + 1, when[row, np.minimum(done, periods)])
        fits = (starts >= a["first"][m]) & (ends <= a["end_by"][m])
        if a["home"][m]:
            fits &= (starts == 0) & usable[m]
        before = np.concatenate(([0], np.cumsum(bad)))
        allowed[m] = fits & (before[np.minimum(ends, periods)] == before[:-1])
    return allowed


def build_arrays(instance: Instance) -> PlaceArrays:
    """Return the numeric image of an instance."""
    fields: dict[str, Any] = (
        _jobs(instance) | _modes(instance) | total_limits(instance) | _pools(instance)
    )
    fields |= power_arrays(instance)
    return PlaceArrays(
        allowed=_allowed(fields, instance.horizon.periods, _homes(instance)), **fields
    )
