"""How CP-SAT is run: limits, incumbents, its bound as a whole number, and cancel.

The search runs in a thread of its own, so that the caller's thread goes on handling signals and
can end it at any moment; it comes back within a fraction of a second.

CP-SAT states objective and bound as doubles, which above 2^53 are not whole numbers any more. The
objective is therefore added up from the values, and the bound is rounded away from the optimum by
what a double can hide; where the status is optimal the bound is the objective itself.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from ortools.sat.python import cp_model
from ortools.sat.python.cp_model_helper import IntAffine

from optimizer.solvers.run import POLL_SECONDS, IsOver, Limits, Status, StoppedBy

__all__ = ["IMPROVING", "CpRun", "OnSolution", "solve_cp"]

SUBSOLVERS = ("reduced_costs", "quick_restart", "max_lp", "core", "default_lp", "pseudo_costs")
"""What fewer than eight workers run, in order."""

IMPROVING: dict[str, Any] = {
    "search_branching": cp_model.AUTOMATIC_SEARCH,
    "linearization_level": 1,
}
"""Parameters of short runs that begin with a good solution: no full relaxation first."""

OnSolution = Callable[[int], None]
"""Told the objective of every better solution."""


@dataclass(frozen=True, slots=True)
class CpRun:
    """A run of CP-SAT on a maximisation, in whole numbers.

    Attributes
    ----------
    objective, bound
        None where there is no solution, or no bound.
    solution
        Values by index of the variable; None where there is none.
    work
        Deterministic work done, in CP-SAT's unit.
    """

    status: Status
    stopped_by: StoppedBy
    objective: int | None
    bound: int | None
    solution: tuple[int, ...] | None
    seconds: float
    work: float
    engine: str

    def value(self, variable: Any) -> int:
        """Return the value of a variable, a number times a variable, or a number."""
        if isinstance(variable, int):
            return variable
        if isinstance(variable, IntAffine):
            inner = self.value(variable.expression)
            return int(variable.coefficient) * inner + int(variable.offset)
        if self.solution is None:
            raise ValueError("there is no solution")
        index = variable.index
        value = self.solution[index] if index >= 0 else 1 - self.solution[-index - 1]
        return int(value)


class _Listener(cp_model.CpSolverSolutionCallback):
    """Hands on the value of an expression at every solution, exactly."""

    def __init__(self, told: Any, on_solution: OnSolution) -> None:
        super().__init__()
        self.told, self.hand_on = told, on_solution

    def on_solution_callback(self) -> None:
        """Hand on the value."""
        self.hand_on(int(self.value(self.told)))


def solve_cp(
    model: cp_model.CpModel,
    objective: Any,
    limits: Limits,
    on_solution: OnSolution | None = None,
    told: Any = None,
    is_over: IsOver | None = None,
    parameters: dict[str, Any] | None = None,
) -> CpRun:
    """Maximise an expression and return what came of it.

    Parameters
    ----------
    model
        With its rules; the objective is set here.
    on_solution, told
        Called with the value of `told` (the objective unless given) at every better solution.
    parameters
        Parameters of CP-SAT by name, over those that the limits set.
    """
    model.maximize(objective)
    solver = cp_model.CpSolver()
    threads = limits.threads if limits.work is None else 1  # side by side no two runs are alike
    given: dict[str, Any] = _search(threads) | {
        "num_workers": threads,
        "random_seed": limits.seed,
        "relative_gap_limit": limits.gap,
    }
    if limits.seconds is not None:
        given["max_time_in_seconds"] = max(0.01, limits.seconds)
    if limits.work is not None:
        given["max_deterministic_time"] = limits.work
    _set(solver, given | (parameters or {}))
    listener = None
    if on_solution is not None:
        listener = _Listener(objective if told is None else told, on_solution)
    began = time.monotonic()
    was_ended = _watched(solver, model, listener, is_over)
    return _read(solver, objective, limits, time.monotonic() - began, was_ended)


def _set(solver: cp_model.CpSolver, parameters: dict[str, Any]) -> None:
    for name, value in parameters.items():
        if isinstance(value, list):
            getattr(solver.parameters, name).extend(value)
        else:
            setattr(solver.parameters, name, value)


def _search(threads: int) -> dict[str, Any]:
    """Return how few workers search: first of all by the reduced costs of a full relaxation.

    CP-SAT's default search of one or two workers leaves tiny placements open for tens of seconds
    that this closes at once; from eight workers on its own portfolio has it among others.
    """
    if threads == 1:
        return {"search_branching": cp_model.LP_SEARCH, "linearization_level": 2}
    return {"subsolvers": list(SUBSOLVERS)} if threads < 8 else {}


def _watched(
    solver: cp_model.CpSolver,
    model: cp_model.CpModel,
    listener: _Listener | None,
    is_over: IsOver | None,
) -> bool:
    """Run the solver in its own thread; return whether it was ended from outside."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            solver.solve(model, listener)
        except BaseException as e:  # handed to the caller's thread
            failed.append(e)

    thread = threading.Thread(target=run, name="cp-sat", daemon=True)
    thread.start()
    was_ended = False
    try:
        while thread.is_alive():
            thread.join(POLL_SECONDS)
            if is_over is not None and is_over():
                was_ended = True
                solver.stop_search()
    finally:
        while thread.is_alive():  # an interrupt came: nothing is left running behind it
            solver.stop_search()
            thread.join(POLL_SECONDS)
    if failed:
        raise failed[0]
    return was_ended


def _read(
    solver: cp_model.CpSolver, objective: Any, limits: Limits, seconds: float, was_ended: bool
) -> CpRun:
    names: dict[Any, Status] = {
        cp_model.OPTIMAL: "optimal",
        cp_model.FEASIBLE: "feasible",
        cp_model.INFEASIBLE: "infeasible",
        cp_model.UNKNOWN: "unknown",
    }
    response = solver.response_proto
    code = response.status
    if code not in names:
        raise ValueError(f"CP-SAT refused the model: {solver.solution_info()}")
    status = names[code]
    solution = tuple(response.solution) if status in ("optimal", "feasible") else None
    value = None if solution is None else int(solver.value(objective))
    bound = None if status in ("infeasible", "unknown") else _whole(solver.best_objective_bound)
    if status == "optimal" and limits.gap == 0.0:
        bound = value
    is_spent = limits.work is not None and response.deterministic_time >= limits.work
    stopped_by: StoppedBy = "proof"
    if status == "optimal" and value != bound:
        status, stopped_by = "feasible", "gap"
    elif status in ("feasible", "unknown"):
        stopped_by = "cancel" if was_ended else "work limit" if is_spent else "time limit"
    return CpRun(
        status,
        stopped_by,
        value,
        bound,
        solution,
        seconds,
        float(response.deterministic_time),
        f"ortools {version('ortools')}",
    )


def _whole(bound: float) -> int | None:
    """Return a bound as the least whole number that is surely not below it."""
    if not math.isfinite(bound) or abs(bound) >= 2.0**63:
        return None
    return math.ceil(bound) if abs(bound) < 2.0**53 else math.ceil(math.nextafter(bound, math.inf))
