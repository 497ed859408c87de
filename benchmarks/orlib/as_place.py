"""Public sets as placements: agents and resources are pools, all jobs have to be placed.

| set | instance of `place` |
|---|---|
| assignment: agent i | pool of `capacity[i]` chips, at one site |
| job j at agent i | mode of one part, `weight[i, j]` chips, one-off `cost[i, j]`; one period |
| least cost | goal `cost` |
| project: renewable resource | pool of as many chips |
| activity in a mode | mode with a part in each pool that it takes of |
| non-renewable resource | budget |
| precedence | predecessors |
| least last end | goal `makespan`, in periods of an hour |

All of it exact: nothing draws power, so there is no energy to pay, and chips are a count, so there
are no domains. A mode that takes of no renewable resource has one chip of a pool with one for each
activity.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from optimizer.domain.files import parse_instance

if TYPE_CHECKING:
    from benchmarks.orlib.assignment import Assignment
    from benchmarks.orlib.projects import Mode, Project
    from optimizer.domain.instance import Instance

__all__ = ["of_assignment", "of_project"]

FREE = "free"
"""The pool of modes that take nothing."""


def of_assignment(case: Assignment) -> Instance:
    """Return generalised assignment as a placement; a unit of cost is a dollar."""
    cost, weight = case.cost.tolist(), case.weight.tolist()
    jobs = [
        {
            "id": f"j{j}",
            "must": True,
            "modes": [
                {"parts": [_part(f"a{i}", weight[i][j])], "hours": 1.0, "one_off_usd": cost[i][j]}
                for i in range(len(cost))
                if weight[i][j] <= case.capacity[i]
            ],
        }
        for j in range(len(cost[0]))
    ]
    pools = {f"a{i}": int(n) for i, n in enumerate(case.capacity)}
    return _instance(case.name, 1, pools, jobs)


def of_project(case: Project) -> Instance:
    """Return a project as a placement; an hour is a period."""
    jobs = [
        {
            "id": f"j{j}",
            "must": True,
            "modes": [_mode(mode) for mode in each.modes],
            "predecessors": [f"j{k}" for k in each.before],
        }
        for j, each in case.activities.items()
    ]
    pools = {f"r{r}": n for r, n in enumerate(case.capacity)} | {FREE: len(jobs)}
    budgets = {f"n{k}": {"limit": n} for k, n in enumerate(case.limit)}
    return _instance(case.name, case.periods, pools, jobs, budgets)


def _mode(mode: Mode) -> dict[str, Any]:
    parts = [_part(f"r{r}", n) for r, n in enumerate(mode.takes) if n]
    uses = {f"n{k}": n for k, n in enumerate(mode.uses) if n}
    return {"parts": parts or [_part(FREE, 1)], "hours": mode.hours, "uses": uses}


def _part(pool: str, chips: int) -> dict[str, Any]:
    return {"pool": pool, "slice_chips": chips, "slices": 1, "draw_kw": 0.0}


def _instance(
    name: str, periods: int, pools: dict[str, int], jobs: list[dict[str, Any]], budgets: Any = None
) -> Instance:
    data = {
        "schema": "fleetwatt/instance/1",
        "name": name.lower().replace("_", "-"),
        "horizon": {"start": "2026-01-01", "periods": periods},
        "chips": {"c": {"hbm_gb": 1, "nameplate_kw": 1.0, "training_kw": 1.0}},
        "domains": {},
        "sites": {"s": {"country": "XX", "pue": 1.0, "supplies": {}}},
        "pools": {p: {"site": "s", "chip": "c", "count": n} for p, n in pools.items()},
        "jobs": jobs,
        "budgets": budgets or {},
    }
    return parse_instance(json.dumps(data))
