"""The rival of project scheduling: CP-SAT as anyone would ask it, interval by interval.

An optional interval for every mode of an activity, exactly one present; a cumulative for every
renewable resource, a sum for every other; precedence between starts and ends; the last end is
minimised. Parameters are CP-SAT's own but for time, workers and seed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ortools.sat.python import cp_model

if TYPE_CHECKING:
    from benchmarks.orlib.projects import Project

__all__ = ["Plain", "plain_cpsat"]


class Plain(NamedTuple):
    """Last end found (None where none was), and CP-SAT's bound."""

    end: int | None
    bound: int


def plain_cpsat(case: Project, seconds: float, workers: int, seed: int) -> Plain:
    """Return what CP-SAT finds of the plain model."""
    cp, T = cp_model.CpModel(), case.periods
    takes: list[list[tuple[Any, int]]] = [[] for _ in case.capacity]
    uses: list[list[tuple[Any, int]]] = [[] for _ in case.limit]
    begin, end = {}, {}
    for j, each in case.activities.items():
        begin[j], end[j] = cp.new_int_var(0, T, f"begin_{j}"), cp.new_int_var(0, T, f"end_{j}")
        chosen = []
        for m, mode in enumerate(each.modes):
            there = cp.new_bool_var(f"there_{j}_{m}")
            run = cp.new_optional_interval_var(begin[j], mode.hours, end[j], there, f"run_{j}_{m}")
            chosen.append(there)
            for r, n in enumerate(mode.takes):
                takes[r].append((run, n))
            for k, n in enumerate(mode.uses):
                uses[k].append((there, n))
        cp.add_exactly_one(chosen)
    for j, each in case.activities.items():
        for before in each.before:
            cp.add(begin[j] >= end[before])
    for row, most in zip(takes, case.capacity, strict=True):
        cp.add_cumulative([run for run, n in row if n], [n for _, n in row if n], most)
    for row, most in zip(uses, case.limit, strict=True):
        cp.add(cp_model.LinearExpr.weighted_sum([x for x, _ in row], [n for _, n in row]) <= most)
    last = cp.new_int_var(0, T, "last")
    cp.add_max_equality(last, list(end.values()))
    cp.minimize(last)
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = workers
    solver.parameters.random_seed = seed
    found = solver.solve(cp) in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    bound = round(solver.best_objective_bound)
    return Plain(round(solver.objective_value) if found else None, bound)
