"""Rules of chips: how many, in which domains, for whom, out of which budget, at how many sites."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.place.plan import Rule
from optimizer.place.rules.case import Case, said
from optimizer.units import budget_down

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.place.plan import Violation

__all__ = ["check_budget", "check_domain_fit", "check_pool_capacity", "check_quota", "check_spread"]


def check_pool_capacity(case: Case) -> Iterator[Violation]:
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
            yield said(
                Rule.POOL_CAPACITY, f"pool {name!r} period {t}", f"{used[t]} chips", limit[t]
            )


def check_domain_fit(case: Case) -> Iterator[Violation]:
    """Every slice in one domain that is there for the whole run; no domain over-filled."""
    for name, pool in case.instance.pools.items():
        if pool.domain is not None:
            yield from _pool_fit(case, name)
    for run in case.runs:
        p, parts = run.placement, run.mode.parts
        if len(p.domains) != len(parts):
            found = f"domains of {len(p.domains)} parts"
            yield said(Rule.DOMAIN_FIT, f"job {p.job!r}", found, len(parts))
        for part, ids in zip(parts, p.domains, strict=False):
            has_ids = case.instance.pools[part.pool].domain is not None
            named, wanted = sum(b - a + 1 for a, b in ids), part.slices if has_ids else 0
            if named != wanted or any(b < a for a, b in ids):
                where = f"job {p.job!r} in {part.pool!r}"
                yield said(Rule.DOMAIN_FIT, where, f"{named} domain ids", f"{wanted} slices")


def _pool_fit(case: Case, name: str) -> Iterator[Violation]:
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
                    yield said(
                        Rule.DOMAIN_FIT,
                        f"job {run.placement.job!r} in {name!r}",
                        f"domains {first}-{last}",
                        "present, no spare and not in maintenance for the whole run",
                    )
                fill[first : last + 1, run.span] += part.slice_chips
    if fill.size and fill.max() > size:
        d, t = np.unravel_index(int(fill.argmax()), fill.shape)
        yield said(
            Rule.DOMAIN_FIT, f"pool {name!r} domain {d} period {t}", f"{fill[d, t]} chips", size
        )


def check_budget(case: Case) -> Iterator[Violation]:
    """What the placed modes consume stays within every budget."""
    for name, budget in case.instance.budgets.items():
        used = sum(amount for run in case.runs for n, amount in run.mode.uses if n == name)
        if used > budget_down(budget.limit):
            limit = f"{budget.limit:g} {budget.unit}"
            yield said(Rule.BUDGET, f"budget {name!r}", f"{used / 1000:g}", limit)


def check_quota(case: Case) -> Iterator[Violation]:
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
            yield said(Rule.QUOTA, where, f"{used[t]} chips", tenant.quota_chips)


def check_spread(case: Case) -> Iterator[Violation]:
    """Jobs of a group with a part at a site stay within the group's share, at every site."""
    for group, most in case.instance.most_at_a_site.items():
        for name in case.instance.sites:
            here = [
                run.placement.job
                for run in case.runs
                if case.instance.jobs[run.job].group == group
                and name in {case.instance.pools[part.pool].site for part in run.mode.parts}
            ]
            if len(here) > most:
                where = f"group {group!r} at {name!r}"
                yield said(Rule.SPREAD, where, f"{len(here)} jobs", f"{most} jobs")
