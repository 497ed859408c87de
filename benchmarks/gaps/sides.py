"""Which side of the gap is loose, on instances of size S: `python -m benchmarks.gaps.sides`.

For every seed our plan and certified bound after --seconds, and beside them an interval that holds
the optimum: from the best plan known (a longer search, or what HiGHS took) to what HiGHS claims of
all plans. It has --engine seconds for that, on the relaxed model with the rows that prices are put
on, without the columns that no better plan can have: those that at the prices of the longer search
lose more than its gap. As shares of our objective:

    gap = slack + regret,   slack = bound - optimum,   regret = optimum - plan

and each is known as far as the interval is narrow. --rows keeps the rows. With --engine 0 it takes
the intervals from there and measures our sides anew; an interval only ever gets narrower, and is
not used for an instance that has another hash.

On seeds 101 to 105 (`benchmarks/s_sides.csv`; HiGHS for 300 to 480 s, seldom with a core to itself)
44 to 56 % of each gap was slack for sure and at most 56 % regret: most of what is sure lay with
the bound. Better plans than ours of 60 s were known on two (by 0.03 and 0.6 %); no interval is
narrower than 1.5 %, so where the rest lies is open. That is why the bound has cover rows: with them
it is 0.6 to 1.5 % above HiGHS's claims on the five (`benchmarks/bound_rows.csv`), and
the file is of the bound before them.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.rows import print_machine, write_rows
from instances.seeded.sizes import sized
from optimizer.place.account.ledger import Ledger
from optimizer.place.account.prices import PriceBook
from optimizer.place.arrays import build_arrays
from optimizer.place.certificate import upper_bound
from optimizer.place.check import check
from optimizer.place.clock import Clock
from optimizer.place.exact.relaxed.solve import relax
from optimizer.place.exact.solve import prepare as prepare_exact
from optimizer.place.plan import Options, PlacePlan, Status
from optimizer.place.solve import prepare, solve
from optimizer.units import usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.domain.instance import Instance

__all__ = ["interval", "kept_columns", "main", "sides"]

COLUMNS = (
    "seed", "hash", "seconds", "plan_usd", "bound_usd", "gap", "best_usd", "claim_usd",
    "slack_least", "slack_most", "regret_least", "regret_most",
)  # fmt: skip

SEARCH_SHARE = 0.2
"""Share of the engine's time for the longer search before it."""


def kept_columns(instance: Instance, plan: PlacePlan) -> NDArray[np.uint8]:
    """Return the columns that a better plan than this can have, as `PlaceArrays.allowed`.

    A plan with a column is worth at most the bound less what the column's job earns above it with
    its best one, at the prices of the plan's certificate (reduced-cost fixing).
    """
    a, ledger = build_arrays(instance), Ledger(instance, plan)
    book, bound = PriceBook(ledger), upper_bound(instance, plan.certificate)
    kept = np.zeros_like(a.allowed)
    room = (bound.total or 0) - plan.objective.total
    for j, best in enumerate(bound.best):
        most = best.profit or 0
        most = most if ledger.is_fixed(j) else max(0, most)
        for k, mode in enumerate(instance.modes(j)):
            starts, ends = book.starts(j, mode)
            loses = most - book.profits(j, mode, starts, ends)
            kept[int(a.job_ptr[j]) + k, starts[loses <= room]] = 1
    found: NDArray[np.uint8] = kept & a.allowed
    return found


def interval(instance: Instance, seconds: float) -> tuple[int, int]:
    """Return the best plan found in so many seconds, and a bound by HiGHS's claim [nano-USD]."""
    searched = Options(seconds=max(1.0, SEARCH_SHARE * seconds), engine="search", seed=1)
    plan = _checked(instance, solve(instance, searched))
    clock = Clock(Options(seconds=seconds, threads=1), Event(), None)
    until = (1 - SEARCH_SHARE) * seconds
    kept = kept_columns(instance, plan)
    other, claim = relax(instance, clock, plan.certificate, until, lambda: False, kept)
    best = plan.objective.total
    if other is not None and other.status.has_plan:
        best = max(best, _checked(instance, other).objective.total)
    if claim.status is Status.INFEASIBLE:  # no column is left that a better plan could have
        return best, best
    claims = [x for x in (plan.bound, claim.bound) if x is not None]
    return best, max(best, min(claims, default=best))


def _checked(instance: Instance, plan: PlacePlan) -> PlacePlan:
    verdict = check(instance, plan)
    if not verdict.is_good:
        raise SystemExit(f"{instance.name}: {[str(v) for v in verdict.violations]}")
    return plan


def sides(plan: int, bound: int, best: int, claim: int) -> dict[str, float]:
    """Return the least and the most that either side of a gap can be, as shares of the plan."""
    low, high = max(best, plan), max(plan, min(claim, bound))
    found = {
        "slack_least": bound - high,
        "slack_most": bound - low,
        "regret_least": low - plan,
        "regret_most": high - plan,
    }
    return {name: round(x / abs(plan), 6) for name, x in found.items()}


def measured(seed: int, seconds: float, engine: float, known: dict[str, str]) -> dict[str, Any]:
    """Return the row of a seed."""
    instance = sized("S", seed)
    plan = _checked(instance, solve(instance, Options(seconds=seconds, engine="search")))
    best, claim, bound = plan.objective.total, plan.bound or 0, plan.bound or 0
    if known.get("hash") == instance.hash:
        best = max(best, round(float(known["best_usd"]) * 1e9))
        claim = min(claim, round(float(known["claim_usd"]) * 1e9))
    if engine:
        found = interval(instance, engine)
        best, claim = max(best, found[0]), min(claim, found[1])
    row = {
        "seed": seed, "hash": instance.hash, "seconds": seconds,
        "plan_usd": usd(plan.objective.total), "bound_usd": usd(bound), "gap": plan.gap,
        "best_usd": usd(best), "claim_usd": usd(claim),
    }  # fmt: skip
    return row | sides(plan.objective.total, bound, best, claim)


def _known(path: Path | None) -> dict[int, dict[str, str]]:
    if path is None or not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {int(row["seed"]): row for row in csv.DictReader(file)}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=101, help="first seed (%(default)d)")
    parser.add_argument("--seeds", type=int, default=5, help="how many (%(default)d)")
    parser.add_argument("--seconds", type=float, default=60.0, help="ours [s] (%(default)g)")
    parser.add_argument("--engine", type=float, default=0.0, help="for the interval [s]")
    parser.add_argument("--rows", type=Path, help="CSV file of rows; known intervals are read")
    given = parser.parse_args(argv)
    prepare()
    prepare_exact()
    print_machine()
    known = _known(given.rows)
    rows: dict[int, dict[str, Any]] = dict(known)
    for seed in range(given.first, given.first + given.seeds):
        rows[seed] = measured(seed, given.seconds, given.engine, known.get(seed, {}))
        print("  ".join(f"{k} {rows[seed][k]}" for k in COLUMNS if k != "hash"), flush=True)
        write_rows(given.rows, COLUMNS, [rows[s] for s in sorted(rows)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
