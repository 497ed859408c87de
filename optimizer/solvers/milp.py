"""How a mixed-integer model is run through PuLP: HiGHS by default, CBC or any solver by name.

Three things are mended here. PuLP reports `Optimal` also after a time limit with a plan in hand:
only `sol_status` is read. Its `bestBound` stays empty: the bound is None but for HiGHS, whose own
one is read (its sign is that of minimising; so models are minimised, and maximising is refused).
And engines overrun their time limits: with one, the engine runs in a process of its own, which is
killed when the grace is over.
"""

from __future__ import annotations

import json
import math
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import pulp

from optimizer.errors import Unsupported
from optimizer.solvers.run import (
    GRACE_SECONDS,
    POLL_SECONDS,
    IsOver,
    Limits,
    Run,
    Status,
    StoppedBy,
)
from optimizer.solvers.watch import die_with_parent

__all__ = ["DEFAULT_ENGINE", "Relaxed", "engines", "export_mps", "solve_milp", "solve_relaxed"]

DEFAULT_ENGINE = "HiGHS"
CBC = "PULP_CBC_CMD"
ALIASES = {"highs": DEFAULT_ENGINE, "cbc": CBC}

HAS_PLAN = 2
"""HiGHS's own number for a primal solution that is feasible."""

MEMORY_BYTES = 6 << 30
"""What a process of its own may ask for: a tree of HiGHS grows until the machine swaps."""

TOLERANCE = 1e-9
"""How far a relaxed solution may break a row: HiGHS takes a thousand times as much by itself."""

ROOT = Path(__file__).parents[2]
"""Where the child process finds this package."""


def engines() -> list[str]:
    """Return the names of the solvers that PuLP can run here."""
    return list(pulp.listSolvers(onlyAvailable=True))


def export_mps(problem: pulp.LpProblem, path: Path) -> None:
    """Write a model in MPS form, names of variables and rows kept."""
    problem.writeMPS(str(path))


@dataclass(frozen=True, slots=True)
class Relaxed:
    """What came of a model without its whole numbers.

    Attributes
    ----------
    objective, values, prices
        None and empty where it has no solution; prices are the slopes of the objective by each
        row's right side, by the row's name.
    is_infeasible
        It has no solution at all, so neither has the model.
    """

    objective: float | None
    values: dict[str, float]
    prices: dict[str, float]
    is_infeasible: bool


def solve_relaxed(problem: pulp.LpProblem) -> Relaxed:
    """Minimise a model as if its whole variables were not, with HiGHS; return values and prices."""
    tight = {"primal_feasibility_tolerance": TOLERANCE, "dual_feasibility_tolerance": TOLERANCE}
    problem.solve(pulp.getSolver(DEFAULT_ENGINE, mip=False, msg=False, threads=1, **tight))
    if problem.sol_status != pulp.LpSolutionOptimal:
        return Relaxed(None, {}, {}, problem.sol_status == pulp.LpSolutionInfeasible)
    return Relaxed(
        float(pulp.value(problem.objective)),
        {v.name: float(v.varValue or 0.0) for v in problem.variables()},
        {name: float(row.pi or 0.0) for name, row in problem.constraints.items()},
        is_infeasible=False,
    )


def solve_milp(
    problem: pulp.LpProblem,
    engine: str = DEFAULT_ENGINE,
    limits: Limits | None = None,
    is_over: IsOver | None = None,
    *,
    is_watched: bool = True,
) -> Run:
    """Minimise a model and return what came of it.

    Parameters
    ----------
    engine
        A PuLP solver by name; `highs` and `cbc` for the two that come with it.
    limits
        With `seconds`, or with `is_over`, it runs in a process of its own that can be killed and
        has `MEMORY_BYTES`. `work` is the number of nodes of the tree.
    is_watched
        False to run in this process all the same, and to trust the engine's own time limit.

    Raises
    ------
    Unsupported
        If there is no such engine here, or the model is to be maximised.
    """
    limits = limits or Limits()
    name = ALIASES.get(engine.lower(), engine)
    if name not in engines():
        raise Unsupported(f"engine {engine!r}", f"here are {', '.join(engines())}")
    if problem.sense != pulp.LpMinimize:
        raise Unsupported("maximising", "state the model as a minimisation")
    began = time.monotonic()
    if not is_watched or (limits.seconds is None and is_over is None):
        return _run(_solved(problem, name, limits), name, limits, began, None)
    found, why = _in_child(problem, name, limits, is_over)
    return _run(found, name, limits, began, why)


def _solver(name: str, limits: Limits) -> Any:
    options: dict[str, Any] = {"msg": False, "gapRel": limits.gap, "threads": limits.threads}
    if limits.seconds is not None:
        options["timeLimit"] = limits.seconds
    if name == DEFAULT_ENGINE:
        if limits.work is not None:
            options["mip_max_nodes"] = max(1, int(limits.work))
        return pulp.getSolver(name, gapAbs=0.0, random_seed=limits.seed, **options)
    if name == CBC:
        said = [f"randomSeed {limits.seed + 1}", f"randomCbcSeed {limits.seed + 1}"]
        if limits.work is not None:
            said.append(f"maxNodes {max(1, int(limits.work))}")
        return pulp.getSolver(name, options=[*said, "allowableGap 0"], **options)
    del options["threads"], options["gapRel"]  # not every solver has them
    return pulp.getSolver(name, **options)


def _solved(problem: pulp.LpProblem, name: str, limits: Limits) -> dict[str, Any]:
    """Solve in this process; return status, objective, bound and values as plain data."""
    _solve(problem, name, limits)
    bound = None
    if name == DEFAULT_ENGINE:
        model = problem.solverModel
        found = float(model.getInfo().mip_dual_bound)
        if model.getModelStatus() == type(model.getModelStatus()).kInterrupt:
            problem.sol_status = pulp.LpSolutionNoSolutionFound  # its values may be none
        bound = found + problem.objective.constant if math.isfinite(found) else None
    has_values = problem.sol_status in (pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible)
    values = {v.name: float(v.varValue or 0.0) for v in problem.variables()} if has_values else {}
    objective = float(pulp.value(problem.objective)) if has_values else None
    return {
        "sol_status": int(problem.sol_status),
        "objective": objective,
        "bound": bound,
        "values": values,
    }


def _solve(problem: pulp.LpProblem, name: str, limits: Limits) -> None:
    try:
        problem.solve(_solver(name, limits))
    except KeyError:  # PuLP has no word for HiGHS's node limit; values are there by then
        if name != DEFAULT_ENGINE or limits.work is None:
            raise
        has_plan = int(problem.solverModel.getInfo().primal_solution_status) == HAS_PLAN
        kinds = pulp.LpSolutionIntegerFeasible, pulp.LpSolutionNoSolutionFound
        problem.sol_status = kinds[0] if has_plan else kinds[1]


def _run(
    found: dict[str, Any] | None, name: str, limits: Limits, began: float, why: StoppedBy | None
) -> Run:
    """Return the Run of what an engine found; None where it was killed."""
    kinds: dict[int, Status] = {
        pulp.LpSolutionOptimal: "optimal",
        pulp.LpSolutionIntegerFeasible: "feasible",
        pulp.LpSolutionInfeasible: "infeasible",
    }
    status = "unknown" if found is None else kinds.get(found["sol_status"], "unknown")
    stopped_by: StoppedBy = "proof" if status in ("optimal", "infeasible") else "time limit"
    if status == "optimal" and limits.gap > 0:
        status, stopped_by = "feasible", "gap"
    seconds = time.monotonic() - began
    is_early = limits.seconds is None or seconds < limits.seconds
    if stopped_by == "time limit" and is_early and limits.work is not None:
        stopped_by = "work limit"
    elif status == "unknown" and is_early:
        stopped_by = "error"
    data = found or {"objective": None, "bound": None, "values": {}}
    return Run(
        status,
        why or stopped_by,
        data["objective"],
        data["bound"] if status in ("optimal", "feasible", "unknown") else None,
        seconds,
        f"{name} {_version(name)}",
        data["values"],
    )


def _version(name: str) -> str:
    try:
        return version("highspy") if name == DEFAULT_ENGINE else f"by pulp {version('pulp')}"
    except PackageNotFoundError:
        return "unknown"


# ---- a process that can be killed ---------------------------------------------------------------


def _in_child(
    problem: pulp.LpProblem, name: str, limits: Limits, is_over: IsOver | None
) -> tuple[dict[str, Any] | None, StoppedBy | None]:
    """Solve in a process of its own; return what it found, and why it was killed if it was."""
    fields = {k: getattr(limits, k) for k in ("seconds", "work", "gap", "seed", "threads")}
    began = time.time()
    asked = {"problem": problem.to_dict(), "engine": name, "limits": fields, "began": began}
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *_python_path()])}
    with TemporaryFile("w+") as told, TemporaryFile("w+") as said:  # a pipe that is full stops both
        json.dump(asked, told)
        told.seek(0)
        child = subprocess.Popen(
            [sys.executable, "-m", "optimizer.solvers.milp"],
            stdin=told,
            stdout=said,
            stderr=subprocess.DEVNULL,
            env=env,
            start_new_session=True,  # so that the engine's own processes end with it
        )
        try:
            why = _ended(child, limits, is_over)
        finally:
            _kill(child)
        if why is not None:
            return None, why
        said.seek(0)
        found: dict[str, Any] = json.loads(said.read().splitlines()[-1])  # engines talk
        return found, None


def _python_path() -> list[str]:
    return [p for p in [os.environ.get("PYTHONPATH", "")] if p]


def _ended(
    child: subprocess.Popen[bytes], limits: Limits, is_over: IsOver | None
) -> StoppedBy | None:
    """Wait until the child has answered (None), time and grace are over, or the caller is."""
    last = math.inf if limits.seconds is None else limits.seconds + GRACE_SECONDS
    began = time.monotonic()
    while time.monotonic() - began < last:
        if is_over is not None and is_over():
            return "cancel"
        try:
            return "error" if child.wait(POLL_SECONDS) else None
        except subprocess.TimeoutExpired:
            continue
    return "time limit"


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End the child and what it started; it is over when this returns."""
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def main() -> None:
    """Solve the model on standard input, answer on standard output."""
    asked = json.load(sys.stdin)
    die_with_parent(at_once=asked["engine"] == DEFAULT_ENGINE)  # others have processes of their own
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    _, problem = pulp.LpProblem.from_dict(asked["problem"])
    limits = Limits(**asked["limits"])
    if limits.seconds is not None:  # of which some are gone
        left = limits.seconds - (time.time() - asked["began"])
        limits = replace(limits, seconds=max(0.1, left))
    found = _solved(problem, asked["engine"], limits)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
