"""Every question begins from a plan, and hands on plans from which it could begin again."""

from __future__ import annotations

import json
from functools import cache
from threading import Event
from typing import TYPE_CHECKING, Any

import judged
import judged_mix
import pytest
import tiny
from judged import crowd, job, world
from tiny_expand import base, made
from tiny_mix import tiny_mix

from optimizer.domain.answers.records import Start, Status
from optimizer.domain.files import parse_instance
from optimizer.questions import EXPAND, MIX, PLACE

if TYPE_CHECKING:
    from optimizer.expand.plan import ExpandPlan
    from optimizer.mix.plan import MixPlan
    from optimizer.place.plan import PlacePlan

Data = dict[str, Any]


def cancelled() -> Event:
    """Return the flag of a search that is to end at once."""
    flag = Event()
    flag.set()
    return flag


DATA = {"crowd": crowd(), "7": tiny.tiny(7), "48": tiny.tiny(48)}


@cache
def placed(name: str) -> PlacePlan:
    """Return a plan to begin from."""
    return judged.solved(DATA[name], rounds=8, seed=3)


@pytest.mark.parametrize("name", DATA)
def test_a_placement_is_never_worse_than_what_it_began_from(name: str) -> None:
    data, before = DATA[name], placed(name)
    instance = judged.read(data)
    for cancel in (None, cancelled()):
        options = PLACE.options(rounds=0, seed=4)
        after = PLACE.solve(instance, options, None, cancel, Start(instance, before))
        judged.passes(data, after)
        assert after.objective.total >= before.objective.total
        assert after.bound is not None and before.bound is not None
        assert after.bound <= before.bound


FAIR = pytest.param("fair", marks=pytest.mark.slow)


@pytest.mark.parametrize("objective", ["cost", "makespan", FAIR])
def test_no_goal_ends_below_what_it_began_from(objective: str) -> None:
    data = world(*(job(f"j{i}", (8, 1), value_usd=5.0 + i) for i in range(3)), periods=8)
    data["tenants"] = {"t": {}}
    for each in data["jobs"]:
        each["tenant"] = "t"
    instance = judged.read(data)
    before = PLACE.solve(instance, PLACE.options(rounds=6, objective=objective, seconds=20))
    assert before.goal is not None and before.status in (Status.OPTIMAL, Status.FEASIBLE)
    options = PLACE.options(rounds=0, objective=objective)
    after = PLACE.solve(instance, options, None, cancelled(), Start(instance, before))
    judged.passes(data, after)
    assert after.goal is not None
    figure = {"cost": "cost", "makespan": "periods", "fair": "share"}[objective]
    ours, theirs = getattr(after.goal, figure), getattr(before.goal, figure)
    assert ours >= theirs if objective == "fair" else ours <= theirs


def test_of_a_plan_of_another_instance_what_fits_is_kept() -> None:
    was, new, before = judged.read(crowd()), crowd(cap_mw=0.024), placed("crowd")
    options = PLACE.options(rounds=0, seed=3, threads=1)
    cold = PLACE.solve(judged.read(new), options)
    warm = PLACE.solve(judged.read(new), options, start=Start(was, before))
    judged.passes(new, warm)
    kept = {(p.job, p.start) for p in before.placements}
    same = [len(kept & {(p.job, p.start) for p in plan.placements}) for plan in (warm, cold)]
    assert same[0] > same[1]


def test_a_search_hands_on_plans_that_are_good() -> None:
    data = crowd()
    found: list[PlacePlan] = []
    PLACE.solve(judged.read(data), PLACE.options(rounds=4, threads=1), on_plan=found.append)
    assert found
    for plan in found:
        judged.passes(data, plan)


def test_a_search_that_is_stopped_answers_without_handing_on_its_plan_first() -> None:
    data = crowd()
    found: list[PlacePlan] = []
    options = PLACE.options(threads=1)
    plan = PLACE.solve(judged.read(data), options, None, cancelled(), None, found.append)
    judged.passes(data, plan)
    assert (plan.run.stopped_by, found) == ("cancel", [])


@pytest.mark.parametrize("goal", ["cost", "profit"])
def test_a_mix_is_never_worse_than_what_it_began_from(goal: str) -> None:
    data = tiny_mix(9)
    found: list[MixPlan] = []
    instance = judged_mix.read(data)
    before = MIX.solve(instance, MIX.options(objective=goal), on_plan=found.append)
    judged_mix.passes(data, before)
    for plan in found:
        judged_mix.passes(data, plan)
    options = MIX.options(objective=goal, leaves=1)
    after = MIX.solve(instance, options, None, cancelled(), Start(instance, before))
    judged_mix.passes(data, after)
    assert before.status in (Status.OPTIMAL, Status.FEASIBLE)
    sign = -1 if goal == "cost" else 1
    assert sign * after.objective.total >= sign * before.objective.total


def test_an_expansion_is_never_worse_than_what_it_began_from() -> None:
    instance = made(base())
    found: list[ExpandPlan] = []
    before = EXPAND.solve(instance, EXPAND.options(seconds=10), on_plan=found.append)
    assert EXPAND.check(instance, before).is_good
    assert found and all(EXPAND.check(instance, plan).is_good for plan in found)
    start = Start(instance, before)
    after = EXPAND.solve(instance, EXPAND.options(seconds=10), None, cancelled(), start)
    assert EXPAND.check(instance, after).is_good
    assert after.objective.total >= before.objective.total
    assert after.status in (Status.OPTIMAL, Status.FEASIBLE)


def test_a_start_that_says_nothing_here_is_no_hindrance() -> None:
    data = crowd()
    other = json.loads(json.dumps(data))
    other["jobs"] = [each | {"id": f"other-{each['id']}"} for each in other["jobs"]]
    before = judged.solved(other, rounds=0)
    start = Start(parse_instance(json.dumps(other)), before)
    plan = PLACE.solve(judged.read(data), PLACE.options(rounds=1, threads=1), start=start)
    judged.passes(data, plan)
