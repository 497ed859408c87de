"""A rival in a process of its own, ended when its time is up, and what our checker says of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.place.check import check
from optimizer.place.plan import PlacePlan
from optimizer.units import usd

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance

__all__ = ["GRACE", "NAMES", "Rival", "beside"]

NAMES = ("greedy", "highs", "lp", "cpsat", "rebalancer")

GRACE = 10.0
"""How long after its time a rival is ended [s]; a plan that comes by then still counts."""


@dataclass(frozen=True, slots=True)
class Rival:
    """What came of a rival.

    Attributes
    ----------
    seconds
        From its start to its end [s].
    said
        `plan`; or that there is none, and why.
    objective_usd
        Of its plan, as the checker adds it up; None without one.
    claim_usd
        Its bound on the objective of any plan; None where it has none.
    dropped
        Runs that it chose and that found no domains, so that they are not in the plan.
    violations
        What the checker finds wrong with its plan.
    """

    name: str
    seconds: float
    said: str
    objective_usd: float | None = None
    claim_usd: float | None = None
    dropped: int = 0
    violations: str = ""

    def row(self) -> dict[str, Any]:
        """Return it as a row of a CSV file."""
        return asdict(self)


def beside(
    name: str, instance: Instance, file: Path, seconds: float, rebalancer: Path | None = None
) -> Rival:
    """Return what a rival makes of an instance file in so many seconds in all."""
    with tempfile.TemporaryDirectory() as folder:
        out, log = Path(folder) / "plan.json", Path(folder) / "log.txt"
        argv = [
            sys.executable,
            "-m",
            "benchmarks.rivals",
            name,
            str(file),
            f"{seconds:g}",
            str(out),
        ]
        argv += [] if rebalancer is None else ["--rebalancer", str(rebalancer)]
        began = time.perf_counter()
        code = _run(argv, log, seconds + GRACE)
        taken = round(time.perf_counter() - began, 2)
        stages = _stages(log.read_text(encoding="utf-8", errors="replace"))
        plan = None
        if out.exists() and stages[-1]["stage"] == "done":
            plan = PlacePlan.model_validate_json(out.read_text(encoding="utf-8"))
    claims = [stage["bound"] for stage in stages if stage.get("bound") is not None]
    dropped = sum(stage.get("dropped", 0) for stage in stages)
    claim = claims[-1] if claims else None
    if plan is None:
        return Rival(name, taken, _no_plan(stages[-1], code, taken), None, claim)
    verdict = check(instance, plan)
    total = None if verdict.objective is None else usd(verdict.objective.total)
    wrong = "; ".join(map(str, verdict.violations[:3]))
    return Rival(name, taken, "plan", total, claim, dropped, wrong)


def _run(argv: list[str], log: Path, most: float) -> int | None:
    """Return the exit code of a command; None where it was killed after so many seconds."""
    with log.open("w", encoding="utf-8") as out:
        child = subprocess.Popen(
            argv,
            stdout=out,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).parents[2],
            process_group=0,  # what it starts ends with it
        )
        try:
            return child.wait(most)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _stages(text: str) -> list[dict[str, Any]]:
    """Return what a rival said of itself; engines talk in between."""
    found: list[dict[str, Any]] = [{"stage": "starting"}]
    for line in text.splitlines():
        if line.startswith('{"stage"'):
            found.append(json.loads(line))
    return found


def _no_plan(last: dict[str, Any], code: int | None, taken: float) -> str:
    stage = last["stage"]
    if stage == "refused":
        return f"refused: {last['why']}"
    if stage in ("out of memory", "done"):
        return "no plan" if stage == "done" else stage
    how = f"ended after {taken:.0f} s" if code is None else f"died with code {code}"
    return f"no plan: {how} while {stage}"
