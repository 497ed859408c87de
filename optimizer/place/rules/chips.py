"""Rules of chips: how many, in which domains, for whom, out of which budget, at how many sites."""

from __future__ import annotations

from collections import Counter
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
        for run, part, _ in case.held[name]:
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
    for run, part, ids in case.held[name]:
        for first, last in ids:
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
    used = Counter[str]()
    for run in case.runs:
        for name, amount in run.mode.uses:
            used[name] += amount
    for name, budget in case.instance.budgets.items():
        if used[name] > budget_down(budget.limit):
            limit = f"{budget.limit:g} {budget.unit}"
            yield said(Rule.BUDGET, f"budget {name!r}", f"{used[name] / 1000:g}", limit)


def check_quota(case: Case) -> Iterator[Violation]:
    """Chips that a tenant's jobs hold at once stay within its quota."""
    T = case.instance.horizon.periods
    used = {name: np.zeros(T, np.int64) for name in case.instance.tenants}
    for run in case.runs:
        tenant = case.instance.jobs[run.job].tenant
        if tenant is not None:
            used[tenant][run.span] += run.mode.chips
    for name, each in used.items():
        quota, t = case.instance.tenants[name].quota_chips, int(each.argmax())
        if quota is not None and each[t] > quota:
            yield said(Rule.QUOTA, f"tenant {name!r} period {t}", f"{each[t]} chips", quota)


def check_spread(case: Case) -> Iterator[Violation]:
    """Jobs of a group with a part at a site stay within the group's share, at every site."""
    here = Counter[tuple[str | None, str]]()
    for run in case.runs:
        group = case.instance.jobs[run.job].group
        for site in {case.instance.pools[part.pool].site for part in run.mode.parts}:
            here[group, site] += 1
    for name, most in case.instance.most_at_a_site.items():
        for site in case.instance.sites:
            if here[name, site] > most:
                where = f"group {name!r} at {site!r}"
                yield said(Rule.SPREAD, where, f"{here[name, site]} jobs", f"{most} jobs")
