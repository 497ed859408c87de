"""Totals over the whole horizon for the engines: limits, and what every mode takes of them.

Budgets come first, in thousandths of their unit; then rows that count jobs: places of each group
at each site, and running jobs that are moved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.units import budget_down

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.domain.modes import Mode

__all__ = ["BUDGET", "MOVES", "SPREAD", "Total", "taken", "total_limits", "total_names"]

Total = tuple[str, ...]
"""Rule and names of a total."""

BUDGET, SPREAD, MOVES = 0, 1, 2
"""Kinds of totals, in the order in which they are numbered."""

_KINDS = {"budget": BUDGET, "spread": SPREAD, "moves": MOVES}


def total_names(instance: Instance) -> list[Total]:
    """Return the totals of an instance, in the order in which they are numbered."""
    names: list[Total] = [("budget", name) for name in instance.budgets]
    names += [("spread", group, s) for group in instance.spreads for s in instance.sites]
    return names if instance.moves is None else [*names, ("moves",)]


def total_limits(instance: Instance) -> dict[str, Any]:
    """Return limits and kinds of the totals."""
    most = instance.most_at_a_site
    limits = [budget_down(b.limit) for b in instance.budgets.values()]
    limits += [most[group] for group in instance.spreads for _ in instance.sites]
    limits += [] if instance.moves is None else [instance.moves.at_most]
    kinds = [_KINDS[name[0]] for name in total_names(instance)]
    return {"budget": np.array(limits, np.int64), "total_kind": np.array(kinds, np.uint8)}


def taken(instance: Instance, job: int, mode: Mode) -> list[tuple[Total, int]]:
    """Return what a mode of jobs[job] takes of the totals."""
    takes: list[tuple[Total, int]] = [(("budget", name), n) for name, n in mode.uses]
    group = instance.jobs[job].group
    if group is not None:
        takes += [(("spread", group, site), 1) for site in instance.sites_of(mode)]
    if instance.may_move(job) and not mode.stays:
        takes.append((("moves",), 1))
    return takes
