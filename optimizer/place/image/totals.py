"""Totals over the whole horizon for the engines: limits, and what every mode takes of them.

Budgets come first, in thousandths of their unit; then rows that count jobs: places of each group
at each site, running jobs that are moved, and for each job that waits for another: it is placed
only if the other is (`z_after - z_before <= 0`, so the one gives what the other takes).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.units import budget_down

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.domain.instance import Instance

    Ints = NDArray[np.int64]

__all__ = [
    "BUDGET",
    "MOVES",
    "PRECEDENCE",
    "SPREAD",
    "Total",
    "taken",
    "total_limits",
    "total_names",
]

Total = tuple[str, ...]
"""Rule and names of a total."""

BUDGET, SPREAD, MOVES, PRECEDENCE = 0, 1, 2, 3
"""Kinds of totals, in the order in which they are numbered."""

_KINDS = {"budget": BUDGET, "spread": SPREAD, "moves": MOVES, "precedence": PRECEDENCE}


def total_names(instance: Instance) -> list[Total]:
    """Return the totals of an instance, in the order in which they are numbered."""
    names: list[Total] = [("budget", name) for name in instance.budgets]
    names += [("spread", group, s) for group in instance.spreads for s in instance.sites]
    names += [] if instance.moves is None else [("moves",)]
    return names + [
        ("precedence", job.id, before) for job in instance.jobs for before in job.predecessors
    ]


def total_limits(instance: Instance) -> dict[str, Any]:
    """Return limits and kinds of the totals."""
    most = instance.most_at_a_site
    limits = [budget_down(b.limit) for b in instance.budgets.values()]
    limits += [most[group] for group in instance.spreads for _ in instance.sites]
    limits += [] if instance.moves is None else [instance.moves.at_most]
    limits += [0 for job in instance.jobs for _ in job.predecessors]
    kinds = [_KINDS[name[0]] for name in total_names(instance)]
    return {"budget": np.array(limits, np.int64), "total_kind": np.array(kinds, np.uint8)}


def taken(instance: Instance) -> tuple[Ints, Ints, Ints]:
    """Return what every mode takes of the totals: where its entries begin, (M+1,), which, how much.

    In a mode: budgets by name, then its group at its sites, then its move, then who waits for whom.
    """
    t, index = instance.table, {name: i for i, name in enumerate(total_names(instance))}
    modes = np.repeat(np.arange(len(t.duration)), np.diff(t.use_ptr))
    found = [np.stack((modes, t.use_budget, t.use_amount))]  # budgets are the first totals
    more: list[tuple[int, int, int]] = []
    for j in (j for j, job in enumerate(instance.jobs) if job.group is not None):
        group = instance.jobs[j].group or ""
        for m, mode in enumerate(instance.modes(j), int(t.job_ptr[j])):
            more += [(m, index["spread", group, s], 1) for s in instance.sites_of(mode)]
    if instance.moves is not None:
        for j in filter(instance.may_move, range(len(instance.jobs))):
            own = range(int(t.job_ptr[j]), int(t.job_ptr[j + 1]))
            more += [(m, index[("moves",)], 1) for m in own if not t.stays[m]]
    at = {job.id: j for j, job in enumerate(instance.jobs)}
    for job in instance.jobs:
        for before in job.predecessors:
            for name, sign in ((job.id, 1), (before, -1)):
                own = range(int(t.job_ptr[at[name]]), int(t.job_ptr[at[name] + 1]))
                more += [(m, index["precedence", job.id, before], sign) for m in own]
    found.append(np.array(more, np.int64).reshape(-1, 3).T)
    mode, total, amount = np.concatenate(found, axis=1)
    order = np.argsort(mode, kind="stable")
    counts = np.bincount(mode, minlength=len(t.duration))
    return np.concatenate(([0], np.cumsum(counts))), total[order], amount[order]
