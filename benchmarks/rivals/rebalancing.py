"""Rebalancer (Meta; `rebalancer` 1.0.4) on a one-period instance, in a Python of its own.

This file runs where Rebalancer is installed and imports nothing of ours:
`PYTHON rebalancing.py PROBLEM.json ANSWER.json SECONDS`; `assignment.py` writes the problem.
Objects are jobs; containers are pools, and `out`, where all jobs are at first. Goal: the worth of
every job in its pool, as affinities. Constraints: each limit is a dimension of jobs at its scope
(pool, site, everything that is not `out`) with a capacity there; what cannot run is kept from
going. A dimension has one figure for each job and item of its own scope, so where the pools of a
site differ the problem names the largest. Local search: it ends at the time limit with what it has;
its optimal solver (HiGHS) drops what it has then.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

OUT = "out"

ABSOLUTE = 1
"""Type of a limit; 1.0.4 does not take its name."""

NO_LIMIT = 1e15
"""More than anything takes."""

MOVES = ("singleMoveTypeSpec", "swapMoveTypeSpec", "tripleLoopMoveTypeSpec")
"""Tried in this order, the next where one finds nothing more. Of eight mixes on `pools-200` (seed
101) the one that placed most worth."""

MANY, FAST = 1000, ("singleFastMoveTypeSpec", *MOVES)
"""Above so many jobs fast single moves come first: on `pools-5000` in 30 s they placed 0.61 of the
best bound, plain ones 0.10; on `pools-200` they ended lower."""


def main(problem_file: str, answer_file: str, seconds: str) -> None:
    """Solve a problem file, write the pool of every placed job."""
    began = time.monotonic()
    problem = json.loads(Path(problem_file).read_text(encoding="utf-8"))
    solver = stated(importlib.import_module("rebalancer"), problem)
    left = max(1, int(float(seconds) - (time.monotonic() - began)))
    moves = FAST if len(problem["worth"]) > MANY else MOVES
    search = {"solveTime": left, "moveTypeList": [{move: {}} for move in moves]}
    solver.add_solver({"localSearchSolverSpec": search})
    found = {job: at for job, at in solver.solve()["assignment"].items() if at != OUT}
    Path(answer_file).write_text(json.dumps(found), encoding="utf-8")


def stated(rebalancer: Any, problem: dict[str, Any]) -> Any:
    """Return a problem as Rebalancer takes it."""
    solver = rebalancer.ProblemSolver("fleetwatt", "benchmark")
    solver.set_object_name("job")
    solver.set_container_name("pool")
    pools, jobs = list(problem["pools"]), list(problem["worth"])
    solver.set_assignment({OUT: jobs} | {pool: [] for pool in pools})
    for scope, items in problem["scopes"].items():
        solver.add_scope(scope, items | {OUT: OUT})
    affinities = [
        {"objectName": job, "scopeItemName": pool, "affinity": worth}
        for job, each in problem["worth"].items()
        for pool, worth in each.items()
    ]
    spec: dict[str, Any] = {"name": "worth", "scope": "pool", "affinities": affinities}
    solver.add_goal({"assignmentAffinitiesSpec": spec})
    refused = [
        {"object": job, "scopeItems": [pool for pool in pools if pool not in each]}
        for job, each in problem["worth"].items()
    ]
    refused = [each for each in refused if each["scopeItems"]]
    spec = {"name": "cannot run", "scope": "pool", "assignments": refused}
    solver.add_constraint({"avoidAssignmentsSpec": spec})
    for name, limit in problem["limits"].items():
        solver.add_dynamic_object_dimension(name, limit["scope"], limit["takes"])
        most = limit["most"] | {OUT: NO_LIMIT}
        bound = {"type": ABSOLUTE, "globalLimit": NO_LIMIT, "scopeItemLimits": most}
        spec = {"name": name, "scope": limit["scope"], "dimension": name, "limit": bound}
        solver.add_constraint({"capacitySpec": spec})
    return solver


if __name__ == "__main__":
    main(*sys.argv[1:4])
