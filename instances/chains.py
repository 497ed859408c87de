"""What ties generated jobs together: predecessors, and which have to be placed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from instances.demand import Demand
    from instances.sampling import Draft
    from optimizer.domain.instance import Instance

__all__ = ["add_must", "add_predecessors"]

CHAIN_SHARE = 0.6
"""A job and its predecessor take no longer than this share of the horizon together."""


def add_predecessors(
    jobs: Sequence[dict[str, Any]],
    drafts: Sequence[Draft],
    world: Instance,
    demand: Demand,
    rng: np.random.Generator,
) -> None:
    """Let some jobs without a window follow another of their tenant, running ones included."""
    order = rng.permutation(len(jobs)).tolist()
    longest, made, used = CHAIN_SHARE * world.horizon.hours, 0, set[int]()
    for place, later in enumerate(order):
        if made >= demand.successors:
            return
        if drafts[later].kind != "rest" or not _is_free(jobs[later]) or later in used:
            continue
        for first in order[:place]:
            fits = drafts[first].hours + drafts[later].hours <= longest
            same = jobs[first]["tenant"] == jobs[later]["tenant"]
            open_or_runs = drafts[first].kind == "running" or _is_free(jobs[first])
            if fits and same and open_or_runs and first not in used:
                jobs[later]["predecessors"] = [jobs[first]["id"]]
                used |= {first, later}
                made += 1
                break


def add_must(
    jobs: Sequence[dict[str, Any]],
    drafts: Sequence[Draft],
    world: Instance,
    demand: Demand,
    rng: np.random.Generator,
) -> None:
    """Mark jobs that have to be placed: one large one, the others of middle size.

    They have no window, no predecessor, no quota and no budget, so that they can be placed one
    beside the other when what runs already has ended.
    """
    bound = {name for name, tenant in world.tenants.items() if tenant.quota_chips is not None}
    bound |= {t for budget in world.budgets.values() for t in budget.chip_hours_of}
    bound |= {name for name, t in demand.tenants.items() if t.uses_budget is not None}
    half = 0.45 * world.horizon.hours
    open_jobs = [
        i
        for i, job in enumerate(jobs)
        if drafts[i].kind != "running" and _is_free(job) and job["tenant"] not in bound
        if drafts[i].hours <= half and "predecessors" not in job
    ]
    large = [i for i in open_jobs if drafts[i].kind == "large"][:1]
    rest = sorted((i for i in open_jobs if drafts[i].kind == "rest"), key=lambda i: drafts[i].chips)
    middle = rest[len(rest) // 4 : max(len(rest) // 4 + 1, 3 * len(rest) // 4)]
    count = max(0, min(demand.must - len(large), len(middle)))
    some = rng.permutation(len(middle))[:count].tolist()
    for i in [*large, *(middle[k] for k in some)][: demand.must]:
        jobs[i]["must"] = True


def _is_free(job: dict[str, Any]) -> bool:
    """Whether a job may run at any time after its release."""
    return "deadline" not in job and "running" not in job
