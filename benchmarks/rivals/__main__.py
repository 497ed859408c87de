"""One rival on one instance: `python -m benchmarks.rivals NAME INSTANCE SECONDS PLAN`.

Says on standard output what it is doing, a line of JSON each, so that whoever has to end it knows.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.domain.files import read_instance
from optimizer.errors import Unsupported
from optimizer.place.exact.case import FLOAT_SLACK
from optimizer.place.plan import EngineClaim, Status
from optimizer.solvers.watch import die_with_parent
from optimizer.units import NANO

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optimizer.domain.instance import Instance
    from optimizer.place.plan import PlacePlan

MEMORY_BYTES = 8 << 30
"""What a rival may ask for."""

READING = 0.1
"""Share of the time that is kept for making a plan of what an engine chose."""


class Task:
    """What a rival is asked: an instance, and when to end."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given, self.began = given, time.monotonic()
        self.until = self.began + (1 - READING) * float(given.seconds)
        say("loading")
        self.instance: Instance = read_instance(given.instance)
        _ = self.instance.table
        say("building")

    def left(self) -> float:
        """Return the time that is left for an engine [s]."""
        return max(1.0, self.until - time.monotonic())

    def seconds(self) -> float:
        """Return the time since the start [s]."""
        return round(time.monotonic() - self.began, 3)


def say(stage: str, **more: Any) -> None:
    """Print what is going on."""
    print(json.dumps({"stage": stage} | more), flush=True)


def _greedy(task: Task) -> PlacePlan:
    from benchmarks.rivals.greedy import greedy

    say("solving")
    return greedy(task.instance, task.until).plan(task.seconds())


def _highs(task: Task) -> PlacePlan | None:
    from benchmarks.rivals import highs
    from benchmarks.rivals.fleet import Fleet

    fleet = Fleet(task.instance)
    model = highs.build(fleet.a)
    say("solving", columns=len(model.columns.mode), rows=model.count)
    found = highs.solve(model, task.left())
    say("reading", bound=found.bound)
    if not found.runs:
        return None
    say("reading", bound=found.bound, dropped=fleet.put_all(found.runs))
    bound = None
    if found.bound is not None:
        bound = math.ceil((found.bound + FLOAT_SLACK * abs(found.bound)) * NANO)
    claim = EngineClaim(engine="HiGHS of SciPy", status=Status.FEASIBLE, bound=bound)
    return fleet.plan(task.seconds(), claim)


def _lp(task: Task) -> None:
    from benchmarks.rivals import highs
    from optimizer.place.arrays import build_arrays

    model = highs.build(build_arrays(task.instance))
    say("solving", columns=len(model.columns.mode), rows=model.count)
    found = highs.solve(model, task.left(), is_relaxed=True)
    say("reading", bound=found.bound)


def _cpsat(task: Task) -> PlacePlan | None:
    from benchmarks.rivals.cpsat import cpsat

    plan = cpsat(task.instance, task.left(), task.given.threads)
    claim = plan.run.claim
    bound = None if claim is None or claim.bound is None else claim.bound / NANO
    say("reading", bound=bound)
    is_none = not plan.placements or plan.status is Status.UNKNOWN
    return None if is_none else plan


def _rebalancer(task: Task) -> PlacePlan | None:
    from benchmarks.rivals.assignment import best_modes, problem_of
    from benchmarks.rivals.fleet import Fleet

    if task.given.rebalancer is None:
        raise Unsupported("Rebalancer", "name its Python with --rebalancer")
    fleet, script = Fleet(task.instance), Path(__file__).with_name("rebalancing.py")
    best = best_modes(task.instance, fleet.a)
    with tempfile.TemporaryDirectory() as folder:
        problem, answer = Path(folder) / "problem.json", Path(folder) / "answer.json"
        problem.write_text(json.dumps(problem_of(task.instance, fleet.a)), encoding="utf-8")
        say("solving")
        argv = [task.given.rebalancer, str(script), str(problem), str(answer), str(task.left())]
        with (Path(folder) / "log.txt").open("w", encoding="utf-8") as log:
            code = subprocess.run(argv, stdout=log, stderr=log, check=False).returncode
        if code or not answer.exists():
            raise Unsupported("Rebalancer", f"it ended with {code}")
        found = json.loads(answer.read_text(encoding="utf-8"))
    runs = [(int(j), best[int(j), int(p)][0], 0) for j, p in found.items()]
    say("reading", dropped=fleet.put_all(runs))
    return fleet.plan(task.seconds())


RIVALS: dict[str, Callable[[Task], PlacePlan | None]] = {
    "greedy": _greedy,
    "highs": _highs,
    "lp": _lp,
    "cpsat": _cpsat,
    "rebalancer": _rebalancer,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a rival; write its plan file, if it has a plan."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=tuple(RIVALS))
    parser.add_argument("instance", type=Path)
    parser.add_argument("seconds", type=float)
    parser.add_argument("plan", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rebalancer", type=Path, help="the Python in which it is installed")
    given = parser.parse_args(argv)
    die_with_parent(at_once=False)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    try:
        plan = RIVALS[given.name](Task(given))
    except Unsupported as e:
        say("refused", why=str(e))
        return 0
    except MemoryError:
        say("out of memory")
        return 0
    if plan is not None:
        given.plan.write_text(plan.model_dump_json(by_alias=True), encoding="utf-8")
    say("done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
