"""Placement at size through the command itself: `python -m benchmarks.place M XL --seeds 3`.

For every size and seed of `instances.seeded.sizes`: `fleetwatt generate`, then `fleetwatt place
--plan-only`. Time is that of the whole command, from its start to the plan written, loading and
checking included; memory is the largest sum of the resident sets of its processes. `first` is when
the history of the plan file has both an incumbent and a bound, counted from the start of the
command (loading taken as `fleetwatt validate` takes); `certificate` is how long the bound takes to
be recomputed, and `check` a whole `fleetwatt check`, loading included.

Three gaps are kept apart, each as a share of our objective: `gap` is the certified one, which
anyone can check; `claim_gap` is to the lowest bound that an engine claims (HiGHS, CP-SAT); `lp_gap`
to the relaxation of the time-indexed model, where HiGHS ends it in time.

--rivals runs others on the same instances, each in a process of its own with as many seconds as we
have in all (`benchmarks/rivals`): their columns are the objective of their plan, which our checker
passed, over our certified bound. Empty: none; why stands in the lines and in --rival-rows. What
they did on seed 101 is in `place_rivals.csv` (two cores, others at work beside): from M up nothing
but greedy has a plan in time; on pools HiGHS comes within 0.3 % of its own bound.
--plot draws incumbents and bounds over time, --where says where the gap lies by size of gang. At
the end are medians over the seeds and, for the sizes of a week, how time grows with the jobs.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.gaps.curves import Curve, growth, picture
from benchmarks.gaps.where import split, told
from benchmarks.rivals.run import NAMES, Rival, beside
from benchmarks.rows import print_machine, write_rows
from instances.seeded.sizes import SIZES
from optimizer.domain.files import read_instance
from optimizer.place.certificate import upper_bound
from optimizer.place.plan import PlacePlan
from optimizer.place.solve import prepare
from optimizer.units import usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.domain.instance import Instance

__all__ = ["Measured", "main", "measured"]

PLANS = tuple(name for name in NAMES if name != "lp")
"""Rivals that make plans."""

COLUMNS = (
    "size", "seed", "limit_s", "seconds", "rss_gb", "objective_usd", "bound_usd", "gap",
    "claim_gap", "lp_gap", *PLANS, "first_s", "certificate_s", "check_s", "placed", "jobs",
)  # fmt: skip

MEDIANS = ("seconds", "rss_gb", "gap", "claim_gap", "lp_gap", *PLANS, "first_s", "check_s")

CURVE = ("size", "seed", "seconds", "incumbent_usd", "bound_usd")

TICK = 0.1
"""How often the memory of a command is looked at [s]."""

SECONDS = {"S": 60, "M": 60, "L": 90, "XL": 120, "Q": 60, "pools-5000": 30, "pools-20000": 60}
"""What a size is given in all, command start to plan written [s]."""

SHARE = 0.9
"""Share of what is left after loading that the search gets; the rest is for checking, writing."""

WEEKS = ("M", "L", "XL")
"""Sizes between which time is compared at equal gap."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One size and seed: row of figures, curve, instance with its file, and plan."""

    row: dict[str, Any]
    curve: Curve
    instance: Instance
    file: Path
    plan: PlacePlan


def measured(name: str, seed: int, seconds: float, folder: Path) -> Measured:
    """Return figures and plan of one size and seed, in so many seconds in all."""
    file, out = folder / f"{name}-{seed}.json", folder / f"{name}-{seed}"
    _run("generate", name, "--seed", str(seed), "--out", str(file))
    loading, _ = _run("validate", str(file))
    # loading, and once more checking, which takes as long as loading twice
    limit = max(1.0, SHARE * (seconds - 3 * loading))
    taken, rss = _run(
        "place", str(file), "--plan-only", "--seconds", f"{limit:.1f}", "--out", str(out)
    )
    checking, _ = _run("check", str(file), str(out / "plan.json"))
    instance = read_instance(file)
    plan = PlacePlan.model_validate_json((out / "plan.json").read_text(encoding="utf-8"))
    certificate = _recomputed(instance, plan)
    points = tuple((loading + at, _usd(x), _usd(y)) for at, x, y in plan.run.history)
    curve = Curve(name, seed, len(instance.jobs), points, taken)
    first = next((at for at, *both in points if None not in both), None)
    row = {
        "size": name, "seed": seed, "limit_s": seconds, "seconds": round(taken, 2),
        "rss_gb": round(rss, 3), "objective_usd": usd(plan.objective.total),
        "bound_usd": _usd(plan.bound), "gap": plan.gap,
        "first_s": None if first is None else round(first, 2),
        "certificate_s": round(certificate, 3), "check_s": round(checking, 2),
        "placed": len(plan.placements), "jobs": len(instance.jobs),
    }  # fmt: skip
    return Measured(dict.fromkeys(COLUMNS) | row, curve, instance, file, plan)


def _recomputed(instance: Instance, plan: PlacePlan) -> float:
    """Return how long the bound takes to be recomputed from the certificate [s]."""
    _ = instance.table
    began = time.perf_counter()
    bound = upper_bound(instance, plan.certificate).total
    taken = time.perf_counter() - began
    if bound != plan.bound:
        raise SystemExit(f"{plan.instance}: the certificate gives {bound}, not {plan.bound}")
    return taken


def compared(found: Measured, rivals: Sequence[Rival]) -> None:
    """Put what came of rivals into a row: their shares of our bound, and gaps to their bounds."""
    total, bound = found.row["objective_usd"], found.row["bound_usd"]
    own = found.plan.run.claim
    claims = [r.claim_usd for r in rivals if r.name != "lp" and r.claim_usd is not None]
    claims += [usd(own.bound)] if own is not None and own.bound is not None else []
    relaxed = [r.claim_usd for r in rivals if r.name == "lp" and r.claim_usd is not None]
    for key, limits in (("claim_gap", claims), ("lp_gap", relaxed)):
        found.row[key] = (min(limits) - total) / abs(total) if limits and total else None
    for rival in rivals:
        if rival.objective_usd is not None and not rival.violations and bound:
            found.row[rival.name] = rival.objective_usd / bound


def _run(*arguments: str) -> tuple[float, float]:
    """Return wall seconds and the largest resident memory [GB] of a command and its children."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "service.cli.main", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    most, is_over = [0.0], threading.Event()

    def look() -> None:
        while not is_over.wait(TICK):
            most[0] = max(most[0], _resident(process.pid))

    watcher = threading.Thread(target=look)
    watcher.start()
    said = process.communicate()[1]
    taken = time.perf_counter() - began
    is_over.set()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"fleetwatt {' '.join(arguments)} ended with {process.returncode}: {said}")
    return taken, most[0]


def _resident(pid: int) -> float:
    """Return the resident memory of a process and all below it [GB]; 0 where it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return 0.0
    kib = next((line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")), "0")
    return int(kib) / 2**20 + sum(_resident(int(child)) for child in below)


def _usd(nano: int | None) -> float | None:
    return None if nano is None else usd(nano)


def _said(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.5g}" if isinstance(value, float) and abs(value) < 1000 else f"{value}"


def medians(rows: Sequence[dict[str, Any]]) -> str:
    """Return a line for each size: medians over its seeds, of those that have a figure."""
    lines = []
    for size in dict.fromkeys(row["size"] for row in rows):
        mine = [row for row in rows if row["size"] == size]
        said = [f"{size}  median of {len(mine)}"]
        for key in MEDIANS:
            known = [row[key] for row in mine if row[key] is not None]
            if known:
                few = "" if len(known) == len(mine) else f" ({len(known)})"
                said.append(f"{key} {_said(statistics.median(known))}{few}")
        lines.append("  ".join(said))
    return "\n".join(lines)


def grown(curves: Sequence[Curve]) -> str:
    """Return how time grows with the jobs at equal gap, a line for each gap."""
    lines = []
    for gap, times, power in growth([c for c in curves if c.size in WEEKS]):
        each = ", ".join(f"{size} {at:.1f} s" for size, at in times.items())
        lines.append(f"gap {gap:.1%}: {each}" + ("" if power is None else f", jobs^{power:.2f}"))
    return "\n".join(lines)


def _parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sizes", nargs="+", choices=tuple(SIZES))
    parser.add_argument("--first", type=int, default=101, help="first seed (%(default)d)")
    parser.add_argument("--seeds", type=int, default=1, help="how many (%(default)d)")
    parser.add_argument("--seconds", type=float, help="in all, in place of the size's own")
    parser.add_argument("--rivals", nargs="+", choices=NAMES, default=(), help="others beside us")
    parser.add_argument("--rebalancer", type=Path, help="the Python in which Rebalancer is")
    parser.add_argument("--where", action="store_true", help="where the gap lies")
    parser.add_argument("--rows", type=Path, help="CSV file of raw rows")
    parser.add_argument("--rival-rows", type=Path, help="CSV file of what came of the rivals")
    parser.add_argument("--curve", type=Path, help="CSV file of incumbents and bounds over time")
    parser.add_argument("--plot", type=Path, help="SVG file of the same")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    given = _parsed(argv)
    prepare()  # what is compiled once on a machine is not measured
    print_machine()
    rows: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    curves: list[Curve] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in given.sizes:
            for seed in range(given.first, given.first + given.seeds):
                found = measured(name, seed, given.seconds or SECONDS.get(name, 60), Path(folder))
                others += _beside(found, given)
                rows.append(found.row)
                curves.append(found.curve)
                print("  ".join(f"{k} {_said(found.row[k])}" for k in COLUMNS), flush=True)
                if given.where:
                    print(told(split(found.instance, found.plan), found.plan.objective.total))
                _write(given, rows, others, curves)
    print(medians(rows))
    print(grown(curves), flush=True)
    return 0


def _beside(found: Measured, given: argparse.Namespace) -> list[dict[str, Any]]:
    """Run the rivals, print a line of each, put them into the row; return their own rows."""
    rivals: list[Rival] = []
    for name in given.rivals:
        limit = found.row["limit_s"]
        rivals.append(beside(name, found.instance, found.file, limit, given.rebalancer))
        print("  ".join(f"{k} {_said(x)}" for k, x in rivals[-1].row().items()), flush=True)
    compared(found, rivals)
    which = {key: found.row[key] for key in ("size", "seed", "limit_s", "bound_usd")}
    return [which | rival.row() for rival in rivals]


def _write(
    given: argparse.Namespace,
    rows: Sequence[dict[str, Any]],
    others: Sequence[dict[str, Any]],
    curves: Sequence[Curve],
) -> None:
    """Write the files that are asked for, as far as things have come."""
    write_rows(given.rows, COLUMNS, rows)
    if others:
        write_rows(given.rival_rows, tuple(others[0]), others)
    points = [
        dict(zip(CURVE, (c.size, c.seed, round(at, 3), *both), strict=True))
        for c in curves
        for at, *both in c.points
    ]
    write_rows(given.curve, CURVE, points)
    if given.plot is not None:
        given.plot.write_text(picture(curves), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
