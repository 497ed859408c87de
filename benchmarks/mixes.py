"""The answers of `mix` at size, on seeded instances: `python -m benchmarks.mixes`.

8 chips x 40 classes x 5 sites of `instances.seeded.mix`: one solve, a frontier of 25 points, one of
cost, work and power with 100 points and more, a tornado of 30 inputs; and time-sharing of 5,000
jobs on 3 kinds of chips. One line for each with wall seconds, CPU seconds of this process (workers'
not counted), the load of the machine before, and the largest certified gap; raw rows with `--csv`.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.rows import print_machine, write_rows
from instances.seeded.mix import random_mix
from optimizer.mix.check import check
from optimizer.mix.sharing import POLICIES, SharingProblem, share
from optimizer.mix.studies.frontier import frontier
from optimizer.mix.studies.tornado import inputs, tornado
from optimizer.questions import MIX
from optimizer.studies import BACKENDS, Sweep

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.domain.changes.inputs import Input
    from optimizer.domain.instance import Instance

COLUMNS = ("what", "seed", "seconds", "cpu_s", "load", "count", "gap", "note")
WHAT = ("solve", "frontier", "frontier-3d", "tornado", "sharing")
SIZE = (8, 40, 5)
INPUTS = 30

Row = dict[str, Any]


def timed(what: str, seed: int, act: Callable[[], tuple[int, float | None, str]]) -> Row:
    """Return one row: how long an answer took, of how many parts it is, its largest gap."""
    load, wall, cpu = os.getloadavg()[0], time.monotonic(), time.process_time()
    count, gap, note = act()
    row: Row = {"what": what, "seed": seed, "seconds": round(time.monotonic() - wall, 2)}
    row |= {"cpu_s": round(time.process_time() - cpu, 2), "load": round(load, 1)}
    return row | {"count": count, "gap": gap, "note": note}


def one_solve(instance: Instance, options: dict[str, Any]) -> tuple[int, float | None, str]:
    """Solve once; the checker has to pass the plan."""
    plan = MIX.solve(instance, MIX.options(**options))
    if not check(instance, plan).is_good:
        raise SystemExit("the checker finds something wrong")
    return len(plan.fleet), plan.gap, f"objective {plan.objective.total / 1e9:.6g}"


def a_frontier(
    instance: Instance, sweep: Sweep, options: dict[str, Any], axes: Any, count: int
) -> tuple[int, float | None, str]:
    """Return how many points are left, the largest gap, how many were dominated."""
    found = frontier(instance, sweep.of(MIX, instance, options), axes, count)
    near = sum((p.plan.gap or 0.0) <= 1e-4 for p in found.points)
    return len(found.points), found.gap, f"{near} at 1e-4, {found.dominated} dominated"


def a_tornado(
    instance: Instance, sweep: Sweep, options: dict[str, Any]
) -> tuple[int, float | None, str]:
    """Return how many inputs were turned; the gap is the base's."""
    given: tuple[Input, ...] = inputs(instance)[:INPUTS]
    found = tornado(instance, sweep.of(MIX, instance, options), given)
    plan = found.base.plan
    return len(given), None if plan is None else plan.gap, f"first {found.swings[0].input.name}"


def a_sharing(seed: int) -> list[Row]:
    """Return a row for each policy: 5,000 jobs on 3 kinds of chips."""
    rng = np.random.default_rng(seed)
    rate = rng.lognormal(0.0, 0.6, (5000, 3)) * np.array([1.0, 2.0, 3.3])
    gang = np.repeat(rng.choice([1.0, 2.0, 4.0, 8.0], 5000)[:, None], 3, axis=1)
    count = np.array([0.3, 0.2, 0.2]) * gang[:, 0].sum() * 0.6
    problem = SharingProblem(rate, gang, count, np.array([1.0, 2.2, 4.0]))
    rows = []
    for policy in POLICIES:

        def act(policy: Any = policy) -> tuple[int, float | None, str]:
            found = share(problem, policy)
            return 5000, found.gap, f"objective {found.objective:.8g}"

        rows.append(timed(f"share {policy}", seed, act))
    return rows


def measure(given: argparse.Namespace, sweep: Sweep, seed: int) -> list[Row]:
    """Return the rows of one seed."""
    rows: list[Row] = []
    options = {"gap": given.gap, "leaves": given.leaves, "conflicts": False}
    options |= {"seconds": given.seconds}
    instance = random_mix(*SIZE, seed)
    acts: dict[str, Callable[[], tuple[int, float | None, str]]] = {
        "solve": lambda: one_solve(instance, options),
        "frontier": lambda: a_frontier(instance, sweep, options, "cost-power", 25),
        "frontier-3d": lambda: a_frontier(instance, sweep, options, "cost-work-power", 130),
        "tornado": lambda: a_tornado(instance, sweep, options),
    }
    for what, act in acts.items():
        if what in given.what:
            rows.append(timed(what, seed, act))
            print("  ".join(f"{k} {rows[-1][k]}" for k in COLUMNS), flush=True)
    if "sharing" in given.what:
        for row in a_sharing(seed):
            rows.append(row)
            print("  ".join(f"{k} {row[k]}" for k in COLUMNS), flush=True)
    return rows


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", help=f"of {', '.join(WHAT)}; all unless given")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--gap", type=float, default=1e-4)
    parser.add_argument("--leaves", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--backend", choices=BACKENDS, default="loky")
    parser.add_argument("--csv", type=Path)
    given = parser.parse_args()
    given.what = given.what or list(WHAT)
    if unknown := set(given.what) - set(WHAT):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(WHAT)}")
    print_machine()
    sweep = Sweep(given.workers, given.backend)
    rows = [row for seed in given.seeds for row in measure(given, sweep, seed)]
    write_rows(given.csv, COLUMNS, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
