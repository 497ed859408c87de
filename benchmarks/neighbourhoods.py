"""Search alone against search with CP-SAT on neighbourhoods: `python -m benchmarks.neighbourhoods`.

At equal time, seed by seed. A ratio above 1 says that neighbourhoods found the better plan; all
losses are shown. The checker reads every plan.
"""

from __future__ import annotations

import argparse
import statistics
import sys

from benchmarks.rows import print_machine
from instances.catalog import load
from optimizer.place.check import check
from optimizer.place.plan import Options
from optimizer.place.solve import prepare, solve
from optimizer.units import usd

FACILITIES = ("loughton-2027", "memphis-bridge", "uk-and-norway", "lake-mariner-mixed")


def objective(name: str, engine: str, seconds: float, seed: int) -> float:
    """Return the objective of a facility's plan by an engine [USD], after the checker passed it."""
    instance = load(name)
    options = {"seconds": seconds, "seed": seed, "engine": engine}
    plan = solve(instance, Options.model_validate(options))
    verdict = check(instance, plan)
    if not verdict.is_good:
        raise SystemExit(f"{name}: {[str(v) for v in verdict.violations]}")
    return usd(plan.objective.total)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("facilities", nargs="*", default=FACILITIES)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seeds", type=int, default=1)
    given = parser.parse_args()
    prepare()
    print_machine()
    ratios = []
    for name in given.facilities:
        for seed in range(given.seeds):
            search = objective(name, "search", given.seconds, seed)
            near = objective(name, "neighbourhoods", given.seconds, seed)
            ratios.append(near / search)
            said = f"search {search:,.0f} USD  neighbourhoods {near:,.0f} USD  {ratios[-1]:.6f}"
            print(f"{name}  seed {seed}  {given.seconds:g} s  {said}", flush=True)
    won, lost = sum(r > 1 for r in ratios), sum(r < 1 for r in ratios)
    print(f"won {won}, lost {lost} of {len(ratios)}; median {statistics.median(ratios):.6f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
