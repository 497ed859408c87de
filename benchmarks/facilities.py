"""Certified gap of every facility after a time limit: `python -m benchmarks.facilities`.

Prints one line for each facility and seed, and the median for each facility; raw rows as CSV with
`--csv FILE`. Seconds are the search's, from its call to the plan; the checker reads every plan.
Moves of the search that were tried, with their gaps: `search_moves.csv`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

from benchmarks.rows import print_machine, write_rows
from instances.catalog import load, names
from optimizer.place.check import check
from optimizer.place.plan import Options
from optimizer.place.solve import prepare, solve
from optimizer.units import usd

COLUMNS = ("facility", "seed", "limit_s", "seconds", "incumbent_usd", "bound_usd", "gap", "placed")


def measure(name: str, seed: int, seconds: float) -> dict[str, str | int | float]:
    """Return one row: a facility solved with a seed and a limit [s]."""
    instance = load(name)
    plan = solve(instance, Options(seconds=seconds, seed=seed))
    verdict = check(instance, plan)
    if not verdict.is_good or verdict.bound is None or verdict.gap is None:
        raise SystemExit(f"{name}: {[str(v) for v in verdict.violations]}")
    return {
        "facility": name,
        "seed": seed,
        "limit_s": seconds,
        "seconds": plan.run.seconds,
        "incumbent_usd": usd(plan.objective.total),
        "bound_usd": usd(verdict.bound),
        "gap": verdict.gap,
        "placed": len(plan.placements),
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("facilities", nargs="*", help="all of the catalog unless given")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--csv", type=Path)
    given = parser.parse_args()
    prepare()
    print_machine()
    rows = []
    for name in given.facilities or names("place"):
        mine = []
        for seed in range(given.seeds):
            mine.append(measure(name, seed, given.seconds))
            print("  ".join(f"{key} {mine[-1][key]}" for key in COLUMNS), flush=True)
        gaps = [float(row["gap"]) for row in mine]
        print(f"{name}: median certified gap {statistics.median(gaps):.2%}", flush=True)
        rows += mine
    write_rows(given.csv, COLUMNS, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
