"""The solve as a whole: the same work gives the same plan, and whatever stops it, a plan comes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from threading import Event, Timer
from typing import Any

import judged
import pytest
import tiny
from judged import crowd, job, solved, world

from optimizer.place.check import check
from optimizer.place.plan import Options, PlacePlan
from optimizer.place.race import Race
from optimizer.place.report import report
from optimizer.place.solve import prepare, solve

Data = dict[str, Any]
ROOT = Path(__file__).parents[2]


def timeless(plan: PlacePlan) -> Data:
    """Return a plan file without its times."""
    data = judged.as_data(plan)
    data["run"].pop("seconds")
    data["run"]["history"] = [each[1:] for each in data["run"]["history"]]
    return data


@pytest.mark.parametrize("threads", [1, 2, pytest.param(3, marks=pytest.mark.slow)])
def test_same_seed_threads_and_rounds_give_the_same_plan_file(threads: int) -> None:
    for data in (crowd(), tiny.tiny(7), tiny.tiny(48)):
        first = solved(data, rounds=3, threads=threads, seed=5)
        assert timeless(solved(data, rounds=3, threads=threads, seed=5)) == timeless(first)


def test_another_seed_searches_elsewhere() -> None:
    plans = [solved(crowd(), seed=seed).placements for seed in range(2)]
    assert len(set(plans)) > 1


def test_more_rounds_are_not_worse_than_none() -> None:
    none, some = solved(crowd(), rounds=0), solved(crowd(), rounds=4)
    assert none.objective.total <= some.objective.total
    assert (none.run.rounds, none.run.stopped_by) == (0, "work limit")
    assert (some.run.rounds, some.run.stopped_by) == (4, "work limit")


def test_a_second_is_enough_for_a_checked_plan() -> None:
    plan = solved(crowd(), seconds=1, rounds=None)
    assert plan.run.stopped_by in ("time limit", "proof")
    assert plan.run.seconds < 10
    assert len(plan.placements) > 10
    assert plan.bound is not None


def test_a_cancel_before_the_start_still_gives_a_checked_plan() -> None:
    cancel, data = Event(), crowd()
    cancel.set()
    plan = solve(judged.read(data), Options(seconds=600), cancel=cancel)
    judged.passes(data, plan)
    assert plan.run.stopped_by == "cancel"
    assert plan.bound is not None


def test_a_plan_that_was_stopped_is_not_polished_and_its_report_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("polished after a cancel")

    prepare()
    monkeypatch.setattr(Race, "_polished", never)
    cancel, instance = Event(), judged.read(crowd())
    cancel.set()
    plan = solve(instance, Options(seconds=600), cancel=cancel)
    made = report(instance, plan, check(instance, plan))
    said = [text for section in made.sections for text in section.sentences]
    assert any("stopped early" in text for text in said)


COMPILED = """
import gc, sys
sys.path += ["tests", "tests/strangers"]
import judged, tiny, tiny_power
from numba.core.dispatcher import Dispatcher
from optimizer.place.clock import Clock
from optimizer.place.plan import Options
from optimizer.place.solve import prepare, solve

def compiled():
    ours = [d for d in gc.get_objects() if isinstance(d, Dispatcher)]
    return {(d.py_func.__module__, d.py_func.__name__): len(d.signatures) for d in ours}

seconds = Clock.seconds
Clock.seconds = lambda clock: seconds(clock) + 3600  # as if compiling took an hour
prepare()
Clock.seconds = seconds
before = compiled()
for data in (tiny.tiny(7), tiny.tiny(48), tiny_power.tiny_power(3)):
    solve(judged.read(data), Options(rounds=2, seconds=60))
assert compiled() == before
"""


def test_all_is_compiled_before_the_time_limit_begins() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMPILED], cwd=ROOT, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr


def test_a_cancel_in_the_middle_stops_a_long_solve() -> None:
    cancel, data = Event(), crowd()
    Timer(0.5, cancel.set).start()
    plan = solve(judged.read(data), Options(seconds=600), cancel=cancel)
    judged.passes(data, plan)
    assert plan.run.stopped_by == "cancel"
    assert plan.run.seconds < 60


def test_a_gap_that_is_reached_stops_the_solve() -> None:
    plan = solved(crowd(), seconds=600, rounds=None, gap=0.9)
    assert plan.run.stopped_by in ("gap", "proof")
    assert plan.gap is not None
    assert plan.gap <= 0.9


def test_an_incumbent_that_meets_the_bound_is_a_proof() -> None:
    data = world(job("a"), grid={"price_usd_per_mwh": 0.0})
    plan = solved(data, seconds=600, rounds=None)
    assert (plan.status, plan.run.stopped_by, plan.gap) == ("optimal", "proof", 0.0)
    assert plan.objective.total == plan.bound == 100 * 10**9


def test_nothing_to_place_is_an_optimal_plan() -> None:
    for data in (world(), world(job("a", hours=9.0))):
        plan = solved(data)
        assert plan.placements == ()
        assert plan.objective.total == -4 * 2_500 * 100_000


def test_a_must_job_without_a_way_is_infeasible_by_proof() -> None:
    plan = solved(world(job("a", must=True), job("b"), grid={"cap_mw": 0.009}))
    assert (plan.status, plan.bound) == ("infeasible", None)
    plan = solved(world(job("a", hours=9.0, must=True)))
    assert (plan.status, plan.bound) == ("infeasible", None)


def test_must_jobs_that_exclude_each_other_are_not_called_feasible() -> None:
    data = world(job("a", must=True), job("b", must=True), periods=3)
    plan = solved(data)
    assert plan.status in ("unknown", "infeasible")


def test_a_must_job_is_placed_at_a_loss() -> None:
    data = world(job("a", value_usd=0.0, must=True), job("b"), periods=3)
    assert [p.job for p in solved(data).placements] == ["a"]


def test_the_run_record_says_how_it_was_run() -> None:
    plan = solved(crowd(20), rounds=1, seed=9, threads=1)
    assert plan.run.options["seed"] == 9
    assert plan.run.options["rounds"] == 1
    assert {"numpy", "scipy", "numba"} <= set(plan.run.versions)
    assert plan.instance_hash == judged.read(crowd(20)).hash


@pytest.mark.parametrize(
    "bad",
    [{"seconds": 0.5}, {"gap": -0.1}, {"threads": 0}, {"rounds": -1}, {"seed": -1}, {"speed": 9}],
)
def test_options_out_of_range_are_refused(bad: Data) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        Options(**bad)


def test_compiled_functions_are_kept_only_while_no_source_of_the_engines_changes() -> None:
    from optimizer.place.engines.compiled import stamp
    from optimizer.place.engines.search import anneal

    assert anneal._cache._cache_file._source_stamp == stamp()
    assert stamp()[1] > 10_000


def test_an_instance_without_pools_and_jobs_gets_the_empty_plan() -> None:
    data = world()
    data["pools"] = {}
    plan = solved(data)
    assert plan.placements == ()
    assert plan.status == "optimal"
