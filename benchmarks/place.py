"""Placement at size through the command itself: `python -m benchmarks.place M XL --seeds 3`.

For every size and seed of `instances.seeded.sizes`: `fleetwatt generate`, then `fleetwatt place
--plan-only`. Time is that of the whole command, from its start to the plan written, loading and
checking included; memory is the largest sum of the resident sets of its processes. The gap is the
certified one, which anyone can check. `first` is when the history of the plan file has both an
incumbent and a bound, counted from the start of the command (loading taken as `fleetwatt validate`
takes); `certificate` is how long the bound takes to be recomputed, and `check` a whole `fleetwatt
check`, loading included. --rows writes the rows as CSV, --curve incumbents and bounds over time.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.rows import print_machine, write_rows
from instances.seeded.sizes import SIZES
from optimizer.domain.files import read_instance
from optimizer.place.certificate import upper_bound
from optimizer.place.plan import PlacePlan
from optimizer.place.solve import prepare
from optimizer.units import usd

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main", "measured"]

COLUMNS = (
    "size", "seed", "limit_s", "seconds", "rss_gb", "objective_usd", "bound_usd", "gap", "first_s",
    "certificate_s", "check_s", "placed", "jobs",
)  # fmt: skip

CURVE = ("size", "seed", "search_s", "incumbent_usd", "bound_usd")

TICK = 0.1
"""How often the memory of a command is looked at [s]."""

SECONDS = {"S": 60, "M": 60, "L": 90, "XL": 120, "Q": 60, "pools-5000": 30, "pools-20000": 60}
"""What a size is given in all, command start to plan written [s]."""

SHARE = 0.9
"""Share of what is left after loading that the search gets; the rest is for checking, writing."""


def measured(
    name: str, seed: int, seconds: float, folder: Path
) -> tuple[dict[str, Any], PlacePlan]:
    """Return a row of figures and the plan of one size and seed, in so many seconds in all."""
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
    _ = instance.table
    began = time.perf_counter()
    bound = upper_bound(instance, plan.certificate).total
    certificate = time.perf_counter() - began
    if bound != plan.bound:
        raise SystemExit(
            f"{name} {seed}: the certificate gives {bound}, the plan says {plan.bound}"
        )
    both = [at for at, incumbent, limit in plan.run.history if None not in (incumbent, limit)]
    row = {
        "size": name, "seed": seed, "limit_s": seconds, "seconds": round(taken, 2),
        "rss_gb": round(rss, 3), "objective_usd": usd(plan.objective.total),
        "bound_usd": None if bound is None else usd(bound), "gap": plan.gap,
        "first_s": round(both[0] + loading, 2) if both else None,
        "certificate_s": round(certificate, 3), "check_s": round(checking, 2),
        "placed": len(plan.placements), "jobs": len(instance.jobs),
    }  # fmt: skip
    return row, plan


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


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="+", choices=tuple(SIZES))
    parser.add_argument("--first", type=int, default=101, help="first seed (%(default)d)")
    parser.add_argument("--seeds", type=int, default=1, help="how many (%(default)d)")
    parser.add_argument("--seconds", type=float, help="in all, in place of the size's own")
    parser.add_argument("--rows", type=Path, help="CSV file of raw rows")
    parser.add_argument("--curve", type=Path, help="CSV file of incumbents and bounds over time")
    given = parser.parse_args(argv)
    prepare()  # what is compiled once on a machine is not measured
    print_machine()
    rows: list[dict[str, Any]] = []
    curve: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in given.sizes:
            for seed in range(given.first, given.first + given.seeds):
                seconds = given.seconds or SECONDS.get(name, 60)
                row, plan = measured(name, seed, seconds, Path(folder))
                rows.append(row)
                print("  ".join(f"{k} {row[k]}" for k in COLUMNS), flush=True)
                write_rows(given.rows, COLUMNS, rows)
                curve += [
                    dict(zip(CURVE, (name, seed, at, *map(_usd, found)), strict=True))
                    for at, *found in plan.run.history
                ]
                write_rows(given.curve, CURVE, curve)
    return 0


if __name__ == "__main__":
    sys.exit(main())
