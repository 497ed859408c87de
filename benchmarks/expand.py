"""The answers of `expand` at size, on seeded instances: `python -m benchmarks.expand WHAT ...`.

`small`: 3 sites, 24 quarters, 4 chips, 10 futures, whole units, to 0.1 %. `large-5`, `large-100`,
`large-1000`: 20 sites, 24 quarters, 8 chips, so many futures, to 0.5 %; `large-5-covenants` with
debt and budgets. `value`: a plan of the large instance on 1,000 drawn futures; `matrix`: six plans
on the same; `storage`: one of 3 sites and 4 chips with batteries that are charged. One line each
with wall seconds, CPU seconds of this process, the load of the machine before, peak memory and the
engine's gap; raw rows with `--csv`. Plans of up to ten futures go through the checker.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.rows import print_machine, write_rows
from instances.expansions.generate import random_expand
from optimizer.domain.growth.futures import Driver
from optimizer.domain.growth.scenes import drawn_futures
from optimizer.expand.arrays import Arrays, Decision
from optimizer.expand.check import check
from optimizer.expand.evaluate import evaluate
from optimizer.expand.studies.weigh import weighed
from optimizer.questions import EXPAND
from optimizer.studies import BACKENDS, Sweep

if TYPE_CHECKING:
    from collections.abc import Callable

COLUMNS = ("what", "seed", "seconds", "cpu_s", "load", "mb", "gap", "note")
SIZES: dict[str, tuple[tuple[int, int, int, int], float, float, bool]] = {
    "small": ((3, 24, 4, 10), 1e-3, 20.0, False),
    "large-5": ((20, 24, 8, 5), 5e-3, 20.0, False),
    "large-5-covenants": ((20, 24, 8, 5), 5e-3, 60.0, True),
    "large-100": ((20, 24, 8, 100), 5e-3, 150.0, False),
    "large-1000": ((20, 24, 8, 1000), 5e-3, 300.0, False),
}
"""Sites, quarters, chips, futures; gap, seconds, whether there are covenants."""
VALUED: dict[str, tuple[tuple[int, int, int, int], int, bool]] = {
    "value": ((20, 24, 8, 5), 1, False),
    "matrix": ((20, 24, 8, 5), 6, False),
    "storage": ((3, 24, 4, 5), 1, True),
}
"""Size; how many plans are valued on 1,000 futures; whether batteries are charged."""
WHAT = (*SIZES, *VALUED)
CORES = 2
"""Threads of the search over whole units."""

CHECKED = 10
"""Futures up to which the checker, exact and slow, sees the plan."""

Row = dict[str, Any]


def timed(what: str, seed: int, act: Callable[[], tuple[float | None, str]]) -> Row:
    """Return one row: how long an answer took and how good it is."""
    load, wall, cpu = os.getloadavg()[0], time.monotonic(), time.process_time()
    gap, note = act()
    row: Row = {"what": what, "seed": seed, "seconds": round(time.monotonic() - wall, 2)}
    row |= {"cpu_s": round(time.process_time() - cpu, 2), "load": round(load, 1)}
    row["mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return row | {"gap": None if gap is None else round(gap, 6), "note": note}


def solved(what: str, seed: int, seconds: float | None) -> tuple[float | None, str]:
    """Solve an instance of a size."""
    size, gap, limit, has_covenants = SIZES[what]
    instance = random_expand(*size, seed, has_covenants=has_covenants)
    options = EXPAND.options(gap=gap, seconds=seconds or limit, threads=CORES)
    plan = EXPAND.solve(instance, options)
    if size[3] <= CHECKED and not check(instance, plan).is_good:
        raise SystemExit("the checker finds something wrong")
    bound = None if plan.bound is None else plan.bound / 1e15
    return plan.gap, f"value {plan.objective.total / 1e15:.2f}, bound {bound} million USD"


def plans(arrays: Arrays, seed: int, count: int) -> list[Decision]:
    """Return plans drawn at random: two orders for every build at every site."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(count):
        decision = Decision()
        for p in range(len(arrays.places)):
            build = arrays.build(p)
            for t in rng.choice(np.arange(build.first, build.last + 1), 2):
                units = max(1, build.max_units // (40 if build.chip else 6))
                decision.orders[p, int(t)] = float(units)
        found.append(decision)
    return found


def valued(what: str, seed: int, sweep: Sweep) -> tuple[float | None, str]:
    """Value plans on 1,000 futures, as a comparison does."""
    size, count, has_storage = VALUED[what]
    instance = random_expand(*size, seed, has_storage=has_storage)
    assert instance.expand is not None
    drivers = {d: Driver(low=0.7, high=1.3, market=0.5) for d in instance.expand.drivers}
    expand = instance.expand.model_copy(update={"drivers": drivers})
    calendar = instance.growth.calendar
    arrays = Arrays(instance.growth, drawn_futures(expand, calendar, 1000, seed))
    decisions = {str(i): d for i, d in enumerate(plans(arrays, seed, count))}
    values = np.array([w.values for w in weighed(arrays, decisions, sweep.each)])
    regret = values.max(0)[None] - values
    return None, f"{count} plans x {arrays.F} futures; largest regret {regret.max() / 1e6:.0f} MUSD"


def main(argv: list[str] | None = None) -> int:
    """Run what is asked for and print one line each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.expand", description=__doc__)
    parser.add_argument("what", nargs="*", choices=[[], *WHAT], default=["small", "value"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, help="time limit of the solves, for each its own")
    parser.add_argument("--workers", type=int, default=1, help="who value and matrix are by")
    parser.add_argument("--backend", choices=BACKENDS, default="loky")
    parser.add_argument("--csv", type=Path)
    given = parser.parse_args(argv)
    tiny = random_expand(1, 4, 1, 1, 0, is_small=True)  # compiles
    evaluate(Arrays(tiny.growth, tiny.growth.futures), Decision(), has_slopes=True)
    print_machine()
    rows = []
    for what in given.what:
        if what in SIZES:
            row = timed(what, given.seed, lambda w=what: solved(w, given.seed, given.seconds))  # type: ignore[misc]
        else:
            sweep = Sweep(given.workers, given.backend)
            row = timed(what, given.seed, lambda w=what, by=sweep: valued(w, given.seed, by))  # type: ignore[misc]
        rows.append(row)
        print("  ".join(f"{name} {row[name]}" for name in COLUMNS), flush=True)
    write_rows(given.csv, COLUMNS, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
