"""The independent judge of placement: every rule, the objective, the bound and the gap, re-derived.

Exact integers, no solver, nothing of the engines or their arrays: a plan is good if and only if
this file finds nothing. Each rule has a function of its name; MODEL sections 2 and 6 are the text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.domain.modes import Mode, run_ends
from optimizer.errors import PlanError
from optimizer.place.certificate import upper_bound
from optimizer.place.plan import (
    ObjectiveParts,
    Placement,
    PlacePlan,
    Rule,
    Status,
    Verdict,
    Violation,
    gap_of,
)
from optimizer.units import budget_down, nano, nano_per_period, usd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.domain.instance import Instance

__all__ = ["check", "recompute_objective"]

Ints = NDArray[np.int64]


@dataclass
class _Run:
    """A placement with the mode that it names, from its start to the end that follows from it."""

    job: int
    placement: Placement
    mode: Mode
    stands: NDArray[np.bool_]
    end: int

    @property
    def span(self) -> slice:
        return slice(self.placement.start, self.end)


@dataclass
class _Case:
    """What the rules look at: instance, plan, the first run of each job, and those without end."""

    instance: Instance
    plan: PlacePlan
    runs: list[_Run] = field(default_factory=list)
    unfinished: list[Placement] = field(default_factory=list)

    def __post_init__(self) -> None:
        h, seen = self.instance.horizon, set[int]()
        index = {job.id: j for j, job in enumerate(self.instance.jobs)}
        called = {name: site.is_called(h) for name, site in self.instance.sites.items()}
        for placement in self.plan.placements:
            j = index.get(placement.job)
            modes = () if j is None else self.instance.modes(j)
            if j is None or placement.mode >= len(modes) or j in seen:
                continue  # said by one_placement
            seen.add(j)
            mode, T = modes[placement.mode], h.periods
            stands = np.zeros(T, bool)
            for part in mode.parts if mode.pauses else ():
                stands |= called[self.instance.pools[part.pool].site]
            ends = [*run_ends(mode.duration, stands, T).tolist(), T + 1]
            end = ends[min(placement.start, T)]
            if end > T:
                self.unfinished.append(placement)
            else:
                self.runs.append(_Run(j, placement, mode, stands, end))

    def load_mw(self, site: str) -> Ints:
        """Return the load at the meter, shape (T,) [thousandths of a watt]."""
        h, place = self.instance.horizon, self.instance.sites[site]
        draw = np.zeros(h.periods, np.int64)
        for name, pool in self.instance.pools.items():
            if pool.site != site:
                continue
            idle = self.instance.chips[pool.chip].idle_w
            draw += idle * pool.present(h) * self.instance.domain_chips(pool)
            for run in self.runs:
                for part in run.mode.parts:
                    if part.pool == name:
                        works = ~run.stands[run.span]
                        draw[run.span] += works * np.int64(part.draw_w - part.idle_w)
        return place.pue_milli(h) * draw + 1000 * place.other_w(h)


def check(instance: Instance, plan: PlacePlan) -> Verdict:
    """Return every breach of a rule and the figures that follow from the plan itself.

    Raises
    ------
    PlanError
        If the plan answers another instance.
    """
    if plan.instance_hash != instance.hash:
        raise PlanError(
            f"plan is of instance {plan.instance!r} ({plan.instance_hash[:12]}), "
            f"not of {instance.name!r} ({instance.hash[:12]})"
        )
    case = _Case(instance, plan)
    found = [v for rule in Rule for v in globals()[f"check_{rule}"](case)]
    objective, bound = recompute_objective(case), None
    if plan.objective != objective:
        claimed, total = usd(plan.objective.total), usd(objective.total)
        found.append(_said("objective", "plan", f"{claimed:.9f} USD", f"{total:.9f} USD"))
    try:
        bound = upper_bound(instance, plan.certificate).total
    except PlanError as e:
        found.append(_said("certificate", "plan", str(e), "prices of rows of this instance"))
    else:
        if bound is not None and objective.total > bound and not found:
            found.append(_said("bound", "plan", f"objective {objective.total}", bound))
        found.extend(_claims(plan, objective.total, bound))
    gap = gap_of(objective.total, bound)
    return Verdict(violations=tuple(found), objective=objective, bound=bound, gap=gap)


def _said(rule: str, where: str, found: object, limit: object) -> Violation:
    return Violation(rule=str(rule), where=where, found=str(found), limit=str(limit))


def check_one_placement(case: _Case) -> Iterator[Violation]:
    """A job runs at most once, in a mode it has; must and running jobs exactly once."""
    rule, seen = Rule.ONE_PLACEMENT, set()
    index = {job.id: j for j, job in enumerate(case.instance.jobs)}
    for placement in case.plan.placements:
        where = f"job {placement.job!r}"
        if placement.job not in index:
            yield _said(rule, where, "is placed", "a job of the instance")
            continue
        if placement.job in seen:
            yield _said(rule, where, "is placed again", "once")
        seen.add(placement.job)
        modes = len(case.instance.modes(index[placement.job]))
        if placement.mode >= modes:
            yield _said(rule, where, f"mode {placement.mode}", f"one of its {modes} modes")
    for run in case.runs:
        p, mode = run.placement, run.mode
        if case.instance.jobs[run.job].running is not None and p.start != 0:
            yield _said(rule, f"job {p.job!r}", f"starts at {p.start}", "0, it is running")
        for part, ids in zip(mode.parts, p.domains, strict=False):
            if part.pinned is not None and _expand(ids) != _expand(part.pinned):
                where = f"job {p.job!r} in {part.pool!r}"
                yield _said(rule, where, "other domains", "those where it runs")
    for job in case.instance.jobs:
        if (job.must or job.running is not None) and job.id not in seen:
            why = "running" if job.running is not None else "must be placed"
            yield _said(rule, f"job {job.id!r}", "is not placed", why)


def check_window(case: _Case) -> Iterator[Violation]:
    """release <= start, start + duration (and pauses) = end <= min(deadline, T)."""
    for p in case.unfinished:
        found, T = f"[{p.start}, {p.end})", case.instance.horizon.periods
        yield _said(Rule.WINDOW, f"job {p.job!r}", found, f"done within [0, {T})")
    for run in case.runs:
        p, mode, where = run.placement, run.mode, f"job {run.placement.job!r}"
        if p.end != run.end:
            yield _said(Rule.WINDOW, where, f"ends at {p.end}", f"{run.end} from its duration")
        if p.start < mode.first:
            yield _said(Rule.WINDOW, where, f"starts at {p.start}", f"from {mode.first}")
        if run.end > mode.end_by:
            yield _said(Rule.WINDOW, where, f"ends at {run.end}", f"by {mode.end_by}")


def check_pool_capacity(case: _Case) -> Iterator[Violation]:
    """Chips in use <= chips present less spares, per pool and period."""
    h = case.instance.horizon
    for name, pool in case.instance.pools.items():
        limit = pool.usable(h) * case.instance.domain_chips(pool)
        used = np.zeros(h.periods, np.int64)
        for run in case.runs:
            for part in run.mode.parts:
                if part.pool == name:
                    used[run.span] += part.chips
        over = used - limit
        t = int(over.argmax())
        if over[t] > 0:
            yield _said(
                Rule.POOL_CAPACITY, f"pool {name!r} period {t}", f"{used[t]} chips", limit[t]
            )


def check_domain_fit(case: _Case) -> Iterator[Violation]:
    """Every slice in one domain that is there for the whole run; no domain over-filled."""
    for name, pool in case.instance.pools.items():
        if pool.domain is not None:
            yield from _pool_fit(case, name)
    for run in case.runs:
        p, parts = run.placement, run.mode.parts
        if len(p.domains) != len(parts):
            found = f"domains of {len(p.domains)} parts"
            yield _said(Rule.DOMAIN_FIT, f"job {p.job!r}", found, len(parts))
        for part, ids in zip(parts, p.domains, strict=False):
            has_ids = case.instance.pools[part.pool].domain is not None
            named, wanted = sum(b - a + 1 for a, b in ids), part.slices if has_ids else 0
            if named != wanted or any(b < a for a, b in ids):
                where = f"job {p.job!r} in {part.pool!r}"
                yield _said(Rule.DOMAIN_FIT, where, f"{named} domain ids", f"{wanted} slices")


def _expand(ids: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
    """Return ids and how often each stands, by runs of equal count: two lists of ids compared."""
    steps: dict[int, int] = {}
    for first, last in ids:
        steps[first] = steps.get(first, 0) + 1
        steps[last + 1] = steps.get(last + 1, 0) - 1
    return sorted((at, step) for at, step in steps.items() if step)


def _pool_fit(case: _Case, name: str) -> Iterator[Violation]:
    """Fill of every domain of a pool over time; presence of every domain used."""
    pool, h = case.instance.pools[name], case.instance.horizon
    size, usable = case.instance.domain_chips(pool), pool.usable(h)
    there = np.arange(int(usable.max()))[:, None] < usable[None, :]
    for (low, high), begin, end in pool.out_of_use(h):
        there[low : high + 1, begin:end] = False
    fill = np.zeros(there.shape, np.int64)
    for run in case.runs:
        for part, ids in zip(run.mode.parts, run.placement.domains, strict=False):
            for first, last in ids if part.pool == name else ():
                if last >= len(there) or not there[first : last + 1, run.span].all():
                    yield _said(
                        Rule.DOMAIN_FIT,
                        f"job {run.placement.job!r} in {name!r}",
                        f"domains {first}-{last}",
                        "present, no spare and not in maintenance for the whole run",
                    )
                fill[first : last + 1, run.span] += part.slice_chips
    if fill.size and fill.max() > size:
        d, t = np.unravel_index(int(fill.argmax()), fill.shape)
        yield _said(
            Rule.DOMAIN_FIT, f"pool {name!r} domain {d} period {t}", f"{fill[d, t]} chips", size
        )


def check_power_cap(case: _Case) -> Iterator[Violation]:
    """PUE x (draw + idle) + other <= what the supplies give, per site and period."""
    T = case.instance.horizon.periods
    for name, site in case.instance.sites.items():
        given = case.plan.dispatch.get(name, {})
        if set(given) != set(site.supplies) or any(len(g) != T for g in given.values()):
            continue  # said by supply
        total = np.sum([np.array(g, object) for g in given.values()] or [np.zeros(T, object)], 0)
        short = case.load_mw(name) - 1000 * total
        t = int(short.argmax())
        if short[t] > 0:
            found = f"{(short[t] / 1000 + total[t]) / 1e6:.6f} MW"
            where = f"site {name!r} period {t}"
            yield _said(Rule.POWER_CAP, where, found, f"{total[t] / 1e6:.6f} MW")


def check_supply(case: _Case) -> Iterator[Violation]:
    """0 <= dispatch <= cap, and permits kept."""
    h, rule = case.instance.horizon, Rule.SUPPLY
    if set(case.plan.dispatch) != set(case.instance.sites):
        yield _said(rule, "dispatch", sorted(case.plan.dispatch), "every site of the instance")
        return
    for name, site in case.instance.sites.items():
        given = case.plan.dispatch[name]
        if set(given) != set(site.supplies) or any(len(g) != h.periods for g in given.values()):
            yield _said(rule, f"site {name!r}", "dispatch of other supplies", "T numbers for each")
            continue
        for key, supply in site.supplies.items():
            dispatch, cap = np.array(given[key], object), supply.cap_w(h)
            t = int((dispatch - cap).argmax())
            if dispatch[t] > cap[t]:
                yield _said(rule, f"{name}/{key} period {t}", f"{dispatch[t]} W", f"{cap[t]} W")
            limit = supply.permit_watt_periods(h)
            if limit is not None and sum(given[key]) > limit:
                yield _said(
                    rule, f"{name}/{key}", f"{sum(given[key])} W-periods", f"permit {limit}"
                )


def check_residency(case: _Case) -> Iterator[Violation]:
    """Every site of a run lies in an allowed country and belongs to an allowed owner."""
    for run in case.runs:
        job = case.instance.jobs[run.job]
        for part in run.mode.parts if job.running is None else ():
            site = case.instance.sites[case.instance.pools[part.pool].site]
            for allowed, found in ((job.countries, site.country), (job.owners, site.owner)):
                if allowed is not None and found not in allowed:
                    yield _said(Rule.RESIDENCY, f"job {job.id!r}", found, ", ".join(allowed))


def check_compatibility(case: _Case) -> Iterator[Violation]:
    """The chip has the memory that the workload needs, and the site a cooling the chip can use."""
    for run in case.runs:
        job = case.instance.jobs[run.job]
        workload = case.instance.workloads.get(job.workload or "")
        for part in run.mode.parts:
            pool = case.instance.pools[part.pool]
            chip, site = case.instance.chips[pool.chip], case.instance.sites[pool.site]
            where = f"job {job.id!r} on {pool.chip}"
            is_derived = run.mode.origin.startswith("gangs")
            if is_derived and workload is not None and chip.hbm_gb < workload.min_hbm_gb:
                need = f"{workload.min_hbm_gb:g} GB"
                yield _said(Rule.COMPATIBILITY, where, f"{chip.hbm_gb:g} GB", need)
            if not set(chip.cooling) & set(site.cooling):
                cooling = ", ".join(chip.cooling)
                yield _said(Rule.COMPATIBILITY, where, ", ".join(site.cooling), cooling)


def check_precedence(case: _Case) -> Iterator[Violation]:
    """A job starts when its predecessors are done; without them it does not run."""
    end = {run.placement.job: run.end for run in case.runs}
    for run in case.runs:
        for name in case.instance.jobs[run.job].predecessors:
            where = f"job {run.placement.job!r}"
            if name not in end:
                yield _said(Rule.PRECEDENCE, where, "is placed", f"{name!r} is not")
            elif end[name] > run.placement.start:
                found = f"starts at {run.placement.start}"
                yield _said(Rule.PRECEDENCE, where, found, f"{name!r} ends at {end[name]}")


def check_budget(case: _Case) -> Iterator[Violation]:
    """What the placed modes consume stays within every budget."""
    for name, budget in case.instance.budgets.items():
        used = sum(amount for run in case.runs for n, amount in run.mode.uses if n == name)
        if used > budget_down(budget.limit):
            limit = f"{budget.limit:g} {budget.unit}"
            yield _said(Rule.BUDGET, f"budget {name!r}", f"{used / 1000:g}", limit)


def check_quota(case: _Case) -> Iterator[Violation]:
    """Chips that a tenant's jobs hold at once stay within its quota."""
    for name, tenant in case.instance.tenants.items():
        if tenant.quota_chips is None:
            continue
        used = np.zeros(case.instance.horizon.periods, np.int64)
        for run in case.runs:
            if case.instance.jobs[run.job].tenant == name:
                used[run.span] += run.mode.chips
        t = int(used.argmax())
        if used[t] > tenant.quota_chips:
            where = f"tenant {name!r} period {t}"
            yield _said(Rule.QUOTA, where, f"{used[t]} chips", tenant.quota_chips)


def recompute_objective(case: _Case) -> ObjectiveParts:
    """Return value - lateness - one-off - energy of the plan, and the parts [nano-USD]."""
    h, value, lateness, one_off, energy = case.instance.horizon, 0, 0, 0, 0
    for run in case.runs:
        job, end = case.instance.jobs[run.job], run.end
        value += nano(job.value_usd)
        due = h.periods if job.due is None else h.down(job.due)
        lateness += nano_per_period(job.late_usd_per_hour, h.period_hours) * max(0, end - due)
        one_off += run.mode.one_off_nano
        if run.stands[run.span].any():
            one_off += run.mode.restart_nano
    for name, site in case.instance.sites.items():
        for key, supply in site.supplies.items():
            cost = supply.cost_nano(h, case.instance.carbon_usd_per_kg)
            given = case.plan.dispatch.get(name, {}).get(key, ())
            energy += sum(g * int(c) for g, c in zip(given, cost, strict=False))
    total = value - lateness - one_off - energy
    return ObjectiveParts(
        value=value, lateness=lateness, one_off=one_off, energy=energy, total=total
    )


def _claims(plan: PlacePlan, objective: int, bound: int | None) -> Iterator[Violation]:
    """What a plan says of its bound, gap and status must be what follows from it."""
    gap = gap_of(objective, bound)
    if plan.bound != bound:
        yield _said("bound", "plan", plan.bound, f"{bound} nano-USD")
    if plan.gap != gap:
        yield _said("gap", "plan", plan.gap, gap)
    if plan.status is Status.OPTIMAL and gap != 0:
        yield _said("status", "plan", plan.status.value, f"gap 0, not {gap}")
    claim = plan.run.claim
    if claim is not None and claim.bound is not None and claim.bound < objective:
        found = f"bound {claim.bound} of {claim.engine}"
        yield _said("claim", "plan", found, f"{objective} or more")
    if plan.status is Status.INFEASIBLE and bound is not None:
        yield _said("status", "plan", plan.status.value, "a must job without a column")
