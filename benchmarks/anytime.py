"""Whether a search can be had at any time: `python -m benchmarks.anytime`.

The command `place` on every facility with each limit of --seconds: one line each with the seconds
asked and taken, by how much the limit was overrun, incumbent, bound and gap. Then --interrupts
times the same command, interrupted by SIGINT or SIGTERM at a random moment (seeded), every third
time twice. A breach of what must hold ends the run with code 1:

- incumbents only rise and bounds only fall, and the plan is worth the last incumbent;
- there is always a plan, and the checker finds it good;
- the limit is overrun by no more than --allowed seconds;
- an interrupt gives the plan so far; a second one aborts and leaves all files or none;
- no process of the command is left a second after it ended.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.rows import print_machine
from instances.catalog import load, names
from optimizer.place.check import check
from optimizer.place.plan import PlacePlan
from optimizer.place.solve import prepare
from optimizer.units import usd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Ended", "breaches", "interrupted", "limited", "main"]

LIMITS = (1.0, 2.0, 5.0, 15.0, 60.0)
FILES = {"plan.json", "report.txt", "report.html", "tables"}
ABORTED = 130


@dataclass(frozen=True, slots=True)
class Ended:
    """How one command ended.

    Attributes
    ----------
    code, seconds
        Exit code; wall time of the whole process, from its start [s].
    after
        Time from the first signal to the end [s]; None where there was none.
    files
        Names of what it left in its folder.
    is_left
        Whether a process of its group was there a second after its end.
    """

    facility: str
    code: int
    seconds: float
    after: float | None
    files: frozenset[str]
    plan: PlacePlan | None
    is_left: bool
    said: str


def command(
    facility: str, seconds: float, folder: Path, act: Callable[[subprocess.Popen[str]], None]
) -> Ended:
    """Return how `place` ended; act is called with the process once it takes signals as its own."""
    argv = [sys.executable, "-m", "service.cli.main", "place", facility]
    argv += ["--seconds", f"{seconds:g}", "--out", str(folder)]
    began, root = time.monotonic(), Path(__file__).parents[1]
    process = subprocess.Popen(
        argv, cwd=root, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    while process.poll() is None and not _catches(process.pid, signal.SIGTERM):
        time.sleep(0.01)
    act(process)
    first = time.monotonic()
    said = process.communicate()[1]
    ended = time.monotonic()
    time.sleep(1)
    files = frozenset(f.name for f in folder.iterdir()) if folder.exists() else frozenset[str]()
    path = folder / "plan.json"
    plan = PlacePlan.model_validate_json(path.read_text("utf-8")) if path.exists() else None
    return Ended(
        facility, process.returncode, ended - began, ended - first, files, plan,
        _is_there(process.pid), said,
    )  # fmt: skip


def _catches(pid: int, number: int) -> bool:
    """Return whether a process has a handler of its own for a signal."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return False
    caught = next((line.split()[1] for line in lines if line.startswith("SigCgt")), "0")
    return bool(int(caught, 16) >> (number - 1) & 1)


def _is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def limited(facility: str, seconds: float) -> Ended:
    """Return how a search with a time limit ended."""
    with tempfile.TemporaryDirectory() as folder:
        return command(facility, seconds, Path(folder) / "out", lambda _: None)


def interrupted(facility: str, seconds: float, rng: random.Random, is_twice: bool) -> Ended:
    """Return how a search ended that was interrupted at a random moment, once or twice."""
    moment, pause = rng.uniform(0, seconds), rng.uniform(0.02, 1.5)
    first, second = (rng.choice((signal.SIGINT, signal.SIGTERM)) for _ in range(2))

    def act(process: subprocess.Popen[str]) -> None:
        time.sleep(moment)
        process.send_signal(first)
        if is_twice:
            time.sleep(pause)
            process.send_signal(second)

    with tempfile.TemporaryDirectory() as folder:
        return command(facility, seconds, Path(folder) / "out", act)


def breaches(ended: Ended, may_abort: bool = False) -> Iterator[str]:
    """Yield what must not be: of the files, the plan, its history, the processes left.

    may_abort: it was interrupted twice, so that there may be no plan, but then no file either.
    """
    if ended.is_left:
        yield "a process is left"
    if may_abort and ended.code == ABORTED and not ended.files:
        return
    codes = (0, ABORTED) if may_abort else (0,)
    if ended.code not in codes:
        yield f"exit code {ended.code}: {ended.said[-300:]}"
    if ended.files != FILES:
        yield f"files: {', '.join(sorted(ended.files)) or 'none'}"
    if ended.plan is None:
        yield "no plan"
        return
    verdict = check(load(ended.facility), ended.plan)
    yield from map(str, verdict.violations)
    yield from _worse(ended.plan)


def _worse(plan: PlacePlan) -> Iterator[str]:
    history = plan.run.history
    found = [x for _, x, _ in history if x is not None]
    bounds = [x for _, _, x in history if x is not None]
    if found != sorted(found):
        yield "an incumbent fell"
    if bounds != sorted(bounds, reverse=True):
        yield "a bound rose"
    if not found or found[-1] != plan.objective.total:
        yield "the plan is not worth the last incumbent"
    if not bounds or bounds[-1] != plan.bound:
        yield "the bound is not the last one"


def _limits(facilities: Sequence[str], limits: Sequence[float], allowed: float) -> int:
    """Print a line for each facility and limit; return the number of breaches."""
    count = 0
    heads = ("facility", "asked s", "taken s", "over s", "process s", "incumbent USD", "bound USD")
    print("  ".join(f"{h:>{18 if i == 0 else 13}}" for i, h in enumerate((*heads, "gap"))))
    for facility in facilities:
        for seconds in limits:
            ended = limited(facility, seconds)
            wrong = list(breaches(ended))
            if ended.plan is not None:
                plan, taken = ended.plan, ended.plan.run.seconds
                over = max(0.0, taken - seconds)
                if over > allowed:
                    wrong.append(f"the limit was overrun by {over:.2f} s")
                bound = "-" if plan.bound is None else f"{usd(plan.bound):,.0f}"
                gap = "-" if plan.gap is None else f"{plan.gap:.2%}"
                row = (
                    facility,
                    f"{seconds:g}",
                    f"{taken:.2f}",
                    f"{over:.2f}",
                    f"{ended.seconds:.2f}",
                    f"{usd(plan.objective.total):,.0f}",
                    bound,
                    gap,
                )
                print("  ".join(f"{x:>{18 if i == 0 else 13}}" for i, x in enumerate(row)))
            count += len(wrong)
            for said in wrong:
                print(f"BREACH {facility}, {seconds:g} s: {said}", flush=True)
    return count


def _interrupts(facilities: Sequence[str], number: int, seed: int) -> int:
    """Interrupt so many searches; print the slowest end; return the number of breaches."""
    rng, count, waits = random.Random(seed), 0, list[float]()
    codes: dict[int, int] = {}
    for i in range(number):
        facility, is_twice = rng.choice(facilities), i % 3 == 2
        ended = interrupted(facility, 8.0, rng, is_twice)
        codes[ended.code] = codes.get(ended.code, 0) + 1
        if not is_twice:
            waits.append(ended.after or 0.0)
        for said in breaches(ended, may_abort=is_twice):
            count += 1
            print(f"BREACH interrupt {i} of {facility}: {said}", flush=True)
    if waits:
        print(
            f"{number} interrupts, exit codes {codes}: from one to the end of the process "
            f"{sorted(waits)[len(waits) // 2]:.2f} s (median), {max(waits):.2f} s (most), "
            "checked, reported and written"
        )
    return count


def main(argv: list[str] | None = None) -> int:
    """Measure, print, and return 1 if anything was breached."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("facilities", nargs="*", help="all of the catalog unless given")
    parser.add_argument("--seconds", type=float, nargs="*", default=LIMITS)
    parser.add_argument("--interrupts", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--allowed", type=float, default=0.5, help="overrun allowed [s] (0.5)")
    given = parser.parse_args(argv)
    prepare()  # compile once, not in the first command
    print_machine()
    facilities = given.facilities or list(names("place"))
    count = _limits(facilities, given.seconds, given.allowed)
    count += _interrupts(facilities, given.interrupts, given.seed)
    print(f"{count} breaches")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
