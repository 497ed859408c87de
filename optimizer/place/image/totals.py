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
    from optimizer.domain.instance import Instance
    from optimizer.domain.modes import Mode

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


def taken(instance: Instance) -> list[list[tuple[Total, int]]]:
    """Return what every mode takes of the totals, modes in the order of jobs."""
    waits: dict[str, list[tuple[Total, int]]] = {}
    for job in instance.jobs:
        for before in job.predecessors:
            waits.setdefault(job.id, []).append((("precedence", job.id, before), 1))
            waits.setdefault(before, []).append((("precedence", job.id, before), -1))
    return [
        _of_mode(instance, j, mode) + waits.get(job.id, [])
        for j, job in enumerate(instance.jobs)
        for mode in instance.modes(j)
    ]


def _of_mode(instance: Instance, job: int, mode: Mode) -> list[tuple[Total, int]]:
    takes: list[tuple[Total, int]] = [(("budget", name), n) for name, n in mode.uses]
    group = instance.jobs[job].group
    if group is not None:
        takes += [(("spread", group, site), 1) for site in instance.sites_of(mode)]
    if instance.may_move(job) and not mode.stays:
        takes.append((("moves",), 1))
    return takes
