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

from optimizer.place.engines.power.supplies import power_arrays
from optimizer.place.image.alike import alike
from optimizer.place.image.columns import allowed_columns
from optimizer.place.image.totals import taken, total_limits
from optimizer.units import nano, nano_per_period

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.domain.instance import Instance
    from optimizer.domain.tables.modes import ModeTable

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
    alike : (M,), example : (kinds,)
        Of which kind a mode is (`image/alike.py`), and one mode of each kind.
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
    alike: Ints
    example: Ints
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


def _masks(instance: Instance, t: ModeTable) -> tuple[Ints, Ints, Ints]:
    """Return act, when and the mask of each mode."""
    periods, called = instance.horizon.periods, _called(instance)
    rows = [np.zeros(periods, bool)]
    index, of_sites = {rows[0].tobytes(): 0}, dict[tuple[int, ...], int]()
    mask, site_of = np.zeros(len(t.duration), np.int64), _pool_site(instance)
    for m in np.flatnonzero(t.pauses).tolist():
        sites = tuple(site_of[t.part_pool[t.part_ptr[m] : t.part_ptr[m + 1]]].tolist())
        if sites not in of_sites:
            stands = np.logical_or.reduce([called[s] for s in sites])
            if stands.tobytes() not in index:
                index[stands.tobytes()] = len(rows)
                rows.append(stands)
            of_sites[sites] = index[stands.tobytes()]
        mask[m] = of_sites[sites]
    act = np.zeros((len(rows), periods + 1), np.int64)
    when = np.full((len(rows), periods + 1), periods + 1, np.int64)
    for i, stands in enumerate(rows):
        act[i, 1:] = np.cumsum(~stands)
        reached, boundary = np.unique(act[i], return_index=True)
        when[i, reached] = boundary
    return act, when, mask


def _called(instance: Instance) -> list[NDArray[np.bool_]]:
    return [site.is_called(instance.horizon) for site in instance.sites.values()]


def _pool_site(instance: Instance) -> Ints:
    index = {name: i for i, name in enumerate(instance.sites)}
    return _ints(index[p.site] for p in instance.pools.values())


def _rows(rows: Iterable[Ints], periods: int) -> Ints:
    """Return rows of so many periods as (rows, T), even if there is none."""
    return np.array(list(rows), np.int64).reshape(-1, periods)


def _pools(instance: Instance) -> dict[str, Ints]:
    h = instance.horizon
    groups = [groups_of(instance, name) for name in instance.pools]
    pools = list(instance.pools.values())
    return {
        "pool_site": _pool_site(instance),
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
    t = instance.table
    value = _ints(nano(job.value_usd) for job in instance.jobs)
    size = _ints(instance.domain_chips(p) for p in instance.pools.values())[t.part_pool]
    may_move = np.array([instance.may_move(j) for j in range(len(instance.jobs))], bool)
    act, when, mask = _masks(instance, t)
    use_ptr, use_total, use_amount = taken(instance)
    return {
        "job_ptr": t.job_ptr,
        "dur": t.duration,
        "first": t.first,
        "end_by": t.end_by,
        "gain": value[t.job] - t.one_off,
        "restart": t.restart,
        "mask": mask,
        "chips": t.chips,
        "part_ptr": t.part_ptr,
        "part_pool": t.part_pool,
        "part_slice": t.part_slice,
        "part_slices": t.part_slices,
        "part_net_w": t.part_draw_w - t.part_idle_w,
        "part_whole": ((t.part_slice == size) | (size == 1)).astype(np.uint8),
        "part_need": t.part_slice * t.part_slices // size,
        "use_ptr": use_ptr,
        "use_budget": use_total,
        "use_amount": use_amount,
        "home": (t.stays & may_move[t.job]).astype(np.uint8),
        "act": act,
        "when": when,
    }


def build_arrays(instance: Instance) -> PlaceArrays:
    """Return the numeric image of an instance."""
    fields: dict[str, Any] = (
        _jobs(instance) | _modes(instance) | total_limits(instance) | _pools(instance)
    )
    fields |= power_arrays(instance)
    fields |= alike(fields)
    return PlaceArrays(allowed=allowed_columns(instance, fields), **fields)
