"""Search against exact engines at equal time on small instances: `python -m benchmarks.small`.

Instances are drawn with a seed, 10 to 50 jobs on three sites for a day (`instances.seeded.place`);
with `--facility NAME` they are pieces of a facility, a tenth of its racks and power with 30 to 50
of its jobs for a week. Four engines on each: the search alone, CP-SAT alone, HiGHS and CP-SAT after
it (`exact`), and `auto`, which is all of them. For each its objective and the claim of the engines
(`=` optimal, else their gap); certified is the gap that anyone can check. Every loss is shown.
Moves of the search were chosen on seeds 0 to 19 (`small_moves.csv`): fresh ones begin at 20.
Results are in `small.csv`; other ways to a proof that were tried in `small_proofs.csv`. On seeds 20
to 39 the search loses on none. Where CP-SAT was above it by 0.0001 and 0.0003 % (seeds 31 and 22),
two runs had to change places for small change: the polish does that now (`polish/pairs.py`; seeds
22, 26, 29, 31 and 33 are with it). What is left of seed 22, 0.0001 %, would take another job's
slice to another rack, too. Seeds 301 to 305 are of 50 jobs (`--jobs 50 --engines auto`): none was
proven in 20 s, on cores that others used beside.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.rows import print_machine
from instances.catalog import load
from instances.seeded.place import random_place
from optimizer.domain.files import parse_instance
from optimizer.place.check import check
from optimizer.place.clock import Clock
from optimizer.place.exact.case import is_small, make_case
from optimizer.place.exact.solve import exact_case
from optimizer.place.exact.solve import prepare as prepare_exact
from optimizer.place.plan import Options, PlacePlan, Status
from optimizer.place.solve import prepare, solve
from optimizer.units import usd

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance

SHARE = 0.1
ENGINES = ("search", "cp-sat", "exact", "auto")

NOISE = 1e-5
"""A plan that is less below another, as a share, is no loss: engines stop there."""


def drawn(seed: int, count: int | None = None) -> Instance:
    """Return a small instance of the generator, of 10 to 50 jobs or of so many."""
    rng = np.random.default_rng(seed)
    jobs = int(rng.integers(10, 51)) if count is None else count
    pools = int(np.clip(round(jobs / 5), 3, 10))
    domains = int(rng.integers(max(10, 2 * pools), 51))
    return random_place(jobs, 3, pools, domains, 24, seed)


def piece(seed: int, name: str) -> Instance:
    """Return a small piece of a facility."""
    rng = np.random.default_rng(seed)
    data = json.loads(json.dumps(load(name).data()))
    for pool in data["pools"].values():
        pool["count"] = _scaled(pool["count"], is_whole=True)
        pool["spares"] = 0
        pool.pop("maintenance", None)
    for site in data["sites"].values():
        site["other_load_mw"] = _scaled(site.get("other_load_mw", 0.0))
        for supply in site["supplies"].values():
            supply["cap_mw"] = _scaled(supply["cap_mw"])
    data |= {"name": f"{name}-piece-{seed}", "tenants": {}, "budgets": {}, "sources": {}}
    chips = {d: domain["chips"] for d, domain in data["domains"].items()}
    most = max(_most(p["count"]) * chips[p["domain"]] for p in data["pools"].values())
    jobs = [_loose(job, most) for job in data["jobs"] if job.get("running") is None]
    jobs = [job for job in jobs if job["gangs"]]
    chosen = rng.choice(len(jobs), size=int(rng.integers(30, 51)), replace=False)
    data["jobs"] = [jobs[j] for j in sorted(chosen.tolist())]
    names = {job["id"] for job in data["jobs"]}
    for job in data["jobs"]:
        job["predecessors"] = [p for p in job.get("predecessors", []) if p in names]
    return parse_instance(json.dumps(data))


def _most(count: Any) -> int:
    values = count if isinstance(count, list) else [count]
    return max(int(x["value"] if isinstance(x, dict) else x) for x in values)


def _scaled(series: Any, is_whole: bool = False) -> Any:
    """Return a tenth of a series, which is a number, numbers or steps."""
    if isinstance(series, dict):
        return series | {"value": _scaled(series["value"], is_whole)}
    if isinstance(series, list):
        return [_scaled(x, is_whole) for x in series]
    return max(1, round(SHARE * series)) if is_whole else SHARE * series


def _loose(job: dict[str, Any], most: int) -> dict[str, Any]:
    """Return a job of no tenant that need not run; its gangs fit and use no budget."""
    kept = {k: v for k, v in job.items() if k not in ("tenant", "must", "group")}
    gangs = [g for g in job.get("gangs", []) if g["chips"] <= most]
    return kept | {"gangs": [{k: v for k, v in g.items() if k != "uses"} for g in gangs]}


def solved(instance: Instance, engine: str, seconds: float) -> PlacePlan:
    """Return a plan of an engine, after the checker passed it, or said that it found none."""
    if engine == "cp-sat":
        plan = exact_case(make_case(instance, Clock(Options(seconds=seconds), Event(), None)), None)
    else:
        options = Options.model_validate({"seconds": seconds, "engine": engine})
        plan = solve(instance, options)
    verdict = check(instance, plan)
    if not verdict.is_good and plan.status is not Status.UNKNOWN:
        raise SystemExit(f"{instance.name}: {[str(v) for v in verdict.violations]}")
    return plan


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--jobs", type=int, help="of drawn instances, in place of 10 to 50")
    parser.add_argument("--facility", help="pieces of this one, in place of drawn instances")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    given = parser.parse_args()
    prepare()
    prepare_exact()
    print_machine()
    below: dict[tuple[str, str], list[int]] = {}
    for seed in range(given.first, given.first + given.count):
        is_piece = given.facility is not None
        instance = piece(seed, given.facility) if is_piece else drawn(seed, given.jobs)
        if not is_small(instance):
            raise SystemExit(f"{instance.name} is above the sizes of exact engines")
        plans = {e: solved(instance, e, given.seconds) for e in given.engines}
        total = {e: worth(p) for e, p in plans.items()}
        said = "  ".join(f"{e} {total[e]:,.2f} {claim(p)}" for e, p in plans.items())
        gap = next(reversed(plans.values())).gap
        certified = "" if gap is None else f"certified {100 * gap:.2f} %"
        print(f"seed {seed}  {len(instance.jobs)} jobs  {said}  {certified}", flush=True)
        for one, other in itertools.permutations(total, 2):
            lost = below.setdefault((one, other), [])
            lost += [seed] if _is_below(total[one], total[other]) else []
    for (one, other), lost in below.items():
        print(f"{one} below {other} on {len(lost)} of {given.count}: {lost}")
    return 0


def worth(plan: PlacePlan) -> float:
    """Return the objective of a plan [USD]; one that lacks a must job is worth less than any."""
    return -math.inf if plan.status is Status.UNKNOWN else usd(plan.objective.total)


def claim(plan: PlacePlan) -> str:
    """Return what the engines claim of a plan, and when it came."""
    found, total, after = plan.run.claim, plan.objective.total, f"{plan.run.seconds:.1f} s"
    if found is None or found.bound is None or not total:
        return f"(no claim, {after})"
    is_optimal = found.status is Status.OPTIMAL
    gap = "=" if is_optimal else f"{100 * (found.bound - total) / abs(total):.2f} %"
    return f"({gap}, {after})"


def _is_below(one: float, other: float) -> bool:
    return one < other - NOISE * abs(other)


if __name__ == "__main__":
    sys.exit(main())
