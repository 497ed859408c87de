"""The oracle: the time-indexed model under a PuLP solver by name, and its MPS file.

Both exact engines answer in the same way: see `solve.py`.
"""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

from optimizer.place.answer import Found
from optimizer.place.arrays import build_arrays
from optimizer.place.clock import Clock, OnIncumbent
from optimizer.place.exact import timeindexed
from optimizer.place.exact.case import Case, float_claim, make_case, stopped
from optimizer.place.exact.columns import parts_of
from optimizer.place.exact.solve import prepare
from optimizer.place.plan import Options, PlacePlan
from optimizer.solvers.milp import export_mps, solve_milp
from optimizer.solvers.run import Limits, Run

if TYPE_CHECKING:
    from pathlib import Path

    from optimizer.domain.instance import Instance

__all__ = ["oracle_solve", "write_mps"]

NODES_OF_A_ROUND = 1000
"""Nodes of a PuLP engine's tree that a round of `Options.rounds` stands for."""


def oracle_solve(
    instance: Instance,
    options: Options | None = None,
    on_incumbent: OnIncumbent | None = None,
    cancel: Event | None = None,
) -> PlacePlan:
    """Return the plan of the time-indexed model under the PuLP solver of the options.

    Raises
    ------
    Unsupported
        If the model is too large for an oracle, or there is no such engine here.
    """
    prepare()
    clock = Clock(options or Options(), cancel or Event(), on_incumbent)
    model = timeindexed.build(instance, build_arrays(instance))  # refuses what is too large
    case = make_case(instance, clock)
    o, is_over = clock.options, clock.cancel.is_set
    if o.rounds is None:
        limits = Limits(max(0.1, clock.left()), None, 0.0, o.seed, o.threads)
        run = solve_milp(model.problem, o.solver, limits, is_over)
    else:  # the same on every machine
        nodes = max(1, o.rounds * NODES_OF_A_ROUND)
        run = solve_milp(model.problem, o.solver, Limits(None, nodes, 0.0, o.seed))
    found = Found(claim=float_claim(run), names=_read_oracle(case, model, run))
    return case.answer(found, stopped(run.stopped_by, clock))


def write_mps(instance: Instance, path: Path) -> None:
    """Write the time-indexed model of an instance as an MPS file (minimising, in USD)."""
    export_mps(timeindexed.build(instance, build_arrays(instance)).problem, path)


def _read_oracle(
    case: Case, model: timeindexed.TimeIndexed, run: Run
) -> dict[int, tuple[tuple[tuple[int, int], ...], ...]] | None:
    """Write the columns that are taken into the state; return the domain ids of their slices."""
    if not run.has_incumbent:
        return None
    names, columns, state = {}, model.columns, case.state
    for j, mine in enumerate(model.jobs):
        for c in mine:
            if run.values[model.x[c].name] < 0.5:
                continue
            m = int(columns.mode[c])
            state.mode_of[j], state.start[j], state.end[j] = m, columns.start[c], columns.end[c]
            names[j] = tuple(
                tuple((d, d) for d, y in model.y.get((c, rank), {}).items() for _ in _times(run, y))
                for rank, _, _ in parts_of(case.a, m)
            )
    return names


def _times(run: Run, variable: object) -> range:
    return range(round(run.values[getattr(variable, "name", "")]))
