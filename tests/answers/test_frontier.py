"""Frontiers against enumeration: every point the best within its limits, none dominated."""

from __future__ import annotations

from itertools import pairwise

import pytest
from brute_mix import optimum
from judged_mix import read
from small import data_of, judge, solver
from tiny_mix import tiny_mix

from optimizer.mix.studies.figures import peak_w
from optimizer.mix.studies.frontier import AXES, Axes, Frontier, frontier, is_dominated

NEAR = 1e-7


def holds(found: Frontier) -> None:
    """Assert what must hold of every frontier."""
    for point in found.points:
        judge(point.solved)
        assert not is_dominated(point, found.points, found.axes)
        assert point.cost == point.plan.objective.total
        assert point.peak_w == peak_w(point.solved.instance, point.plan)
        best = optimum(data_of(point.solved), "cost")
        assert best is not None
        parts = point.plan.objective
        stake = max(1.0, abs(best), (parts.spent + parts.unserved) / 1e9)
        assert abs(point.cost / 1e9 - best) <= NEAR * stake
        assert point.plan.bound is not None and point.plan.bound <= best * 1e9 + 1e9 * NEAR * stake
    for case in found.without:
        assert optimum(data_of(case), "cost") is None
    for a, b in pairwise(found.points if found.axes == "cost-power" else ()):
        assert a.peak_w < b.peak_w and a.cost > b.cost


@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("seed", [9])
def test_a_frontier_is_what_enumeration_finds(seed: int, axes: Axes) -> None:
    instance = read(tiny_mix(seed))
    found = frontier(instance, solver(instance), axes, 5)
    assert len(found.points) >= 2
    holds(found)


@pytest.mark.slow
@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("seed", [5, *range(400, 415)])
def test_many_frontiers_are_what_enumeration_finds(seed: int, axes: Axes) -> None:
    instance = read(tiny_mix(seed))
    holds(frontier(instance, solver(instance), axes, 9))


def test_caps_that_leave_no_mix_are_named_and_make_room_for_other_points() -> None:
    data = tiny_mix(5)
    data["mix"]["demand"] = {
        k: {"workload": d["workload"], "work_per_month": 300.0, "weight_per_unit": 1.0}
        for k, d in data["mix"]["demand"].items()
    }
    instance = read(data)
    found = frontier(instance, solver(instance), "cost-power", 5)
    assert found.without and all(case.is_infeasible for case in found.without)
    holds(found)
