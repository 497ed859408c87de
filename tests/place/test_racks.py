"""Traps of racks: what chip counts allow and domains do not, at one moment and over time."""

from __future__ import annotations

from itertools import product
from typing import Any

import judged
import pytest
from judged import by_hand, job, placed, solved, world

Data = dict[str, Any]

FITS = [(72, 64), (72, 36, 36), (64, 64), (36, 36, 36, 36), (64, 8, 72), (64, 8, 8, 64), (72, 72)]
TRAPS = [(64, 64, 16), (50, 50, 40), (48, 48, 48), (70, 40, 34), (40, 40, 40)]


def racks(*jobs: Data, count: int = 2, periods: int = 2) -> Data:
    """Return racks of 72 for two hours, so that all must run at once."""
    return world(*jobs, size=72, count=count, periods=periods)


def apart(sizes: tuple[int, ...]) -> Data:
    """Return one job for each slice."""
    return racks(*(job(f"j{i}", (size, 1)) for i, size in enumerate(sizes)))


def together(sizes: tuple[int, ...]) -> Data:
    """Return one gang of slices of several sizes."""
    return racks(job("gang", *((size, sizes.count(size)) for size in sorted(set(sizes)))))


@pytest.mark.parametrize("sizes", FITS, ids=str)
def test_slices_that_fit_are_placed(sizes: tuple[int, ...]) -> None:
    assert sum(sizes) <= 144
    assert len(solved(apart(sizes)).placements) == len(sizes)
    assert len(solved(together(sizes)).placements) == 1


@pytest.mark.parametrize("sizes", TRAPS, ids=str)
def test_slices_that_only_the_chip_count_allows_are_not_placed(sizes: tuple[int, ...]) -> None:
    assert sum(sizes) <= 144
    assert len(solved(apart(sizes)).placements) == len(sizes) - 1
    assert len(solved(together(sizes)).placements) == 0


@pytest.mark.parametrize("sizes", TRAPS, ids=str)
def test_no_choice_of_racks_passes_the_judges_for_a_trap(sizes: tuple[int, ...]) -> None:
    data = apart(sizes)
    for ids in product((0, 1), repeat=len(sizes)):
        placements = [placed(f"j{i}", 0, 2, [rack]) for i, rack in enumerate(ids)]
        plan = by_hand(data, *placements)
        said = judged.wrong(data, plan)
        assert said == judged.strange(data, plan)
        assert "domain_fit" in said
        assert said <= {"domain_fit", "pool_capacity"}


def test_slices_of_one_gang_may_share_a_rack_and_lie_apart() -> None:
    data = racks(job("gang", (36, 3)), job("other", (36, 1)))
    assert {p.job for p in solved(data).placements} == {"gang", "other"}
    for ids, other in (([0, 0, 1], 1), ([0, 1, 1], 0)):
        plan = by_hand(data, placed("gang", 0, 2, ids), placed("other", 0, 2, [other]))
        assert judged.wrong(data, plan) == set()
    plan = by_hand(data, placed("gang", 0, 2, [0, 0, 0]), placed("other", 0, 2, [1]))
    assert judged.wrong(data, plan) == judged.strange(data, plan) == {"domain_fit"}


# ---- over time ----------------------------------------------------------------------------------

LONG, SHORT = {"hours": 4.0}, {"hours": 2.0, "deadline": 2.0}


def choice() -> Data:
    """Return three racks on which the choice at t = 0 decides what is left at t = 2.

    From 0 on a whole rack and four halves fill all three; two halves end at 2. Only if these two
    share a rack does the slice of 64, which comes at 2 and must end at 4, find one that is empty.
    """
    return racks(
        job("whole", (72, 1), **LONG),
        job("long-1", (36, 1), **LONG),
        job("short-1", (36, 1), **SHORT),
        job("long-2", (36, 1), **LONG),
        job("short-2", (36, 1), **SHORT),
        job("late", (64, 1), hours=2.0, release=2.0),
        count=3,
        periods=4,
    )


def chosen(racks_of: dict[str, int], late: int) -> Data:
    """Return a plan of `choice` with these racks."""
    ends = {name: 2 if name.startswith("short") else 4 for name in racks_of}
    placements = [placed(name, 0, ends[name], [rack]) for name, rack in racks_of.items()]
    return by_hand(choice(), *placements, placed("late", 2, 4, [late]))


def test_the_engine_finds_the_one_choice_of_racks_that_leaves_one_empty() -> None:
    plan = solved(choice())
    rack = {p.job: p.domains[0][0][0] for p in plan.placements}
    assert len(rack) == 6
    assert rack["short-1"] == rack["short-2"] == rack["late"]
    assert rack["long-1"] == rack["long-2"]


def test_the_judges_accept_the_right_choice_of_racks() -> None:
    right = {"whole": 0, "long-1": 1, "long-2": 1, "short-1": 2, "short-2": 2}
    plan = chosen(right, 2)
    assert judged.wrong(choice(), plan) == judged.strange(choice(), plan) == set()


@pytest.mark.parametrize("late", [0, 1, 2])
def test_after_the_wrong_choice_the_slice_of_64_fits_nowhere(late: int) -> None:
    wrong = {"whole": 0, "long-1": 1, "short-1": 1, "long-2": 2, "short-2": 2}
    plan = chosen(wrong, late)
    assert judged.wrong(choice(), plan) == judged.strange(choice(), plan) == {"domain_fit"}
    free = by_hand(choice(), *(p for p in plan["placements"] if p["job"] != "late"))
    assert judged.wrong(choice(), free) == set()


def test_running_jobs_that_chose_wrongly_keep_the_slice_of_64_out() -> None:
    data = choice()
    data["jobs"][0]["must"] = True
    wrong = {"long-1": 1, "short-1": 1, "long-2": 2, "short-2": 2}
    for each in data["jobs"]:
        if each["id"] in wrong:
            part = {"pool": "p", "slice_chips": 36, "slices": 1}
            part["domains"] = [[wrong[each["id"]]] * 2]
            left = 2 if each["id"].startswith("short") else 4
            each.pop("modes")
            each.pop("deadline", None)
            each["running"] = {"parts": [part], "periods_left": left}
    assert {p.job for p in solved(data).placements} == {"whole", *wrong}


def test_whole_racks_over_time_need_no_more_racks_than_run_at_once() -> None:
    """A staircase of runs: interval colouring, whatever the order of their starts."""
    jobs = [
        job(f"j{i}", (72, 1), hours=3.0, release=float(i), deadline=float(i + 3)) for i in range(9)
    ]
    assert len(solved(racks(*jobs, count=3, periods=12)).placements) == 9
    assert len(solved(racks(*jobs, count=2, periods=12)).placements) == 6
