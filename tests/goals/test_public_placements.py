"""Public sets as placements: what a file says, and optima of tiny sets by brute force."""

from __future__ import annotations

import json
from itertools import permutations, product
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.orlib.__main__ import main
from benchmarks.orlib.as_place import of_assignment, of_project
from benchmarks.orlib.assignment import Assignment, drawn, read_assignment
from benchmarks.orlib.plain import plain_cpsat
from benchmarks.orlib.projects import Activity, Mode, Project, read_project
from optimizer.place.check import check
from optimizer.place.measure.records import LeastCost, Makespan
from optimizer.place.plan import Options, PlacePlan, Status
from optimizer.place.solve import solve

if TYPE_CHECKING:
    from pathlib import Path

    from optimizer.domain.instance import Instance

COMPLETE = (Status.FEASIBLE, Status.OPTIMAL)

PATTERSON = """
6 2
4 3
0 0 0 2 2 3
3 2 1 1 4
2 3 0 2 4 5
0 0 0 1 5
5 1 3 1 6
0 0 0 0
"""

MULTI_MODE = """
RESOURCES
  - renewable                 :  2   R
  - nonrenewable              :  1   N
  - doubly constrained        :  0   D
PRECEDENCE RELATIONS:
jobnr.    #modes  #successors   successors
   1        1          2           2   3
   2        2          1           4
   3        1          1           4
   4        1          0
{requests}
jobnr. mode duration  R 1  R 2  N 1
-----------------------------------
  1      1     0       0    0    0
  2      1     3       2    0    5
         2     6       0    1    0
  3      1     4       0    2    1
  4      1     0       0    0    0
{limits}
  R 1  R 2  N 1
    3    2    4
"""


def planned(instance: Instance, objective: str) -> PlacePlan:
    """Return a plan of few rounds, which the checker passes."""
    plan = solve(instance, Options(rounds=4, threads=1, objective=objective))  # type: ignore[arg-type]
    assert plan.status not in COMPLETE or check(instance, plan).is_good
    return plan


# ---- files --------------------------------------------------------------------------------------


def test_assignment_is_read_by_rows_of_agents(tmp_path: Path) -> None:
    file = tmp_path / "x.txt"
    file.write_text(" 2 3\n 1 2 3\n 4 5 6\n 7 8 9\n 1 2 3\n 20\n 4\n", encoding="utf-8")
    case = read_assignment(file)
    assert case.cost.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert case.weight.tolist() == [[7, 8, 9], [1, 2, 3]]
    assert case.capacity.tolist() == [20, 4]
    file.write_text("2 1  1 2  3 4  5", encoding="utf-8")
    with pytest.raises(ValueError, match="1 capacities"):
        read_assignment(file)


def test_activities_of_no_length_hand_on_what_comes_before_them(tmp_path: Path) -> None:
    file = tmp_path / "x.rcp"
    file.write_text(PATTERSON, encoding="utf-8")
    case = read_project(file)
    assert (case.capacity, case.limit, case.periods) == ((4, 3), (), 10)
    assert {j: each.before for j, each in case.activities.items()} == {2: (), 3: (), 5: (2, 3)}
    assert case.activities[3].modes == (Mode(2, (3, 0), ()),)


@pytest.mark.parametrize(
    ("requests", "limits"),
    (
        ("REQUESTS/DURATIONS:", "RESOURCEAVAILABILITIES:"),
        ("REQUESTS/DURATIONS", " RESOURCE AVAILABILITIES "),
    ),
)
def test_modes_are_read_in_both_spellings(requests: str, limits: str, tmp_path: Path) -> None:
    file = tmp_path / "x.mm"
    file.write_text(MULTI_MODE.format(requests=requests, limits=limits), encoding="utf-8")
    case = read_project(file)
    assert (case.capacity, case.limit) == ((3, 2), (4,))
    assert case.activities[2] == Activity((Mode(3, (2, 0), (5,)), Mode(6, (0, 1), (0,))), ())
    plan = planned(of_project(case), "makespan")
    assert isinstance(plan.goal, Makespan)
    assert plan.goal.periods == 10, "the short mode uses too much, and the others are in one's way"


# ---- optima -------------------------------------------------------------------------------------


def assignment(seed: int) -> Assignment:
    """Return three agents with little room to spare, and six jobs."""
    rng = np.random.default_rng(seed)
    cost, weight = rng.integers(1, 40, (3, 6)), rng.integers(2, 12, (3, 6))
    return Assignment(f"t{seed}", cost, weight, (weight.sum(1) * 0.45).astype(np.int64))


def project(seed: int) -> Project:
    """Return four activities of two modes, two resources, and a budget that binds."""
    rng = np.random.default_rng(seed)
    activities = {}
    for j in range(4):
        modes = tuple(
            Mode(int(rng.integers(1, 6)), tuple(rng.integers(0, 4, 2).tolist()),
                 (int(rng.integers(0, 4)),))
            for _ in range(2)
        )  # fmt: skip
        before = tuple(k for k in range(j) if rng.random() < 0.3)
        activities[j] = Activity(modes, before)
    return Project(f"p{seed}", (4, 3), (6,), activities)


def cheapest(case: Assignment) -> int | None:
    """Return the least cost of all assignments."""
    jobs = range(case.cost.shape[1])
    each = [
        sum(int(case.cost[i, j]) for i, j in zip(of, jobs, strict=True))
        for of in product(range(len(case.cost)), repeat=len(jobs))
        if (np.bincount(of, case.weight[of, jobs], len(case.cost)) <= case.capacity).all()
    ]
    return min(each, default=None)


def earliest(case: Project) -> int | None:
    """Return the earliest end: over all modes within budgets and all orders, each job at once."""
    best = None
    for modes in product(*(each.modes for each in case.activities.values())):
        if sum(mode.uses[0] for mode in modes) > case.limit[0]:
            continue
        for order in permutations(range(len(modes))):
            end = _serial(case, modes, order)
            best = end if best is None or (end is not None and end < best) else best
    return best


def _serial(case: Project, modes: tuple[Mode, ...], order: tuple[int, ...]) -> int | None:
    ends: dict[int, int] = {}
    free = np.repeat(np.array(case.capacity)[:, None], case.periods + 1, 1)
    for j in order:
        if any(k not in ends for k in case.activities[j].before):
            return None
        t, need = max((ends[k] for k in case.activities[j].before), default=0), modes[j].takes
        while (free[:, t : t + modes[j].hours] < np.array(need)[:, None]).any():
            t += 1
        free[:, t : t + modes[j].hours] -= np.array(need)[:, None]
        ends[j] = t + modes[j].hours
    return max(ends.values())


@pytest.mark.parametrize("seed", range(6))
def test_tiny_assignments_have_the_least_cost(seed: int) -> None:
    case = assignment(seed)
    best, plan = cheapest(case), planned(of_assignment(case), "cost")
    assert isinstance(plan.goal, LeastCost)
    if best is None:
        assert plan.status not in COMPLETE
        return
    assert plan.goal.cost == best * 10**9
    assert plan.goal.bound is not None
    assert plan.goal.bound <= plan.goal.cost


@pytest.mark.parametrize("seed", range(6))
def test_tiny_projects_end_as_early_as_they_can(seed: int) -> None:
    case = project(seed)
    best, plan = earliest(case), planned(of_project(case), "makespan")
    assert isinstance(plan.goal, Makespan)
    if best is None:
        assert plan.status not in COMPLETE
        return
    assert plan.goal.periods == best
    assert plan.run.claim is None or plan.run.claim.status is Status.OPTIMAL
    assert plain_cpsat(case, 5.0, 1, seed=0).end == best


def test_the_command_reads_a_folder_and_says_how_far_plans_lie(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rcpsp").mkdir()
    (tmp_path / "rcpsp" / "x.rcp").write_text(PATTERSON, encoding="utf-8")
    known = {"rcpsp/x": {"file": "rcpsp/x.rcp", "best_known": 10, "optimal": True}}
    (tmp_path / "values.json").write_text(json.dumps(known), encoding="utf-8")
    sets = [str(tmp_path), "rcpsp", "drawn/2x4", "--seconds", "1", "--rival"]
    assert main([*sets, "--csv", str(tmp_path / "out.csv")]) == 0
    said = capsys.readouterr().out
    assert "rcpsp: 1 of 1 with a plan; above mean 0.000%, worst 0.000%" in said
    assert "later than CP-SAT alone: none" in said
    assert (tmp_path / "out.csv").read_text(encoding="utf-8").count("\n") == 3


def test_drawn_assignment_is_the_same_from_a_seed() -> None:
    one, same, other = drawn(3, 12, 1), drawn(3, 12, 1), drawn(3, 12, 2)
    assert (one.cost == same.cost).all() and (one.weight != other.weight).any()
    assert (one.capacity < one.weight.sum(1)).all()
