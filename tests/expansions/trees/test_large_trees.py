"""Large trees: cuts on one master are optimal; above, a policy keeps the rules, with a bound."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from judged_expand import solved

from instances.expansions.generate import random_expand
from optimizer.domain.changes.reveal import told_apart
from optimizer.domain.files import parse_instance
from optimizer.expand import solve as solving
from optimizer.expand.answer import arrays_of
from optimizer.expand.check import check
from optimizer.expand.engines.benders import Clock
from optimizer.expand.engines.tree.benders import TreeBenders
from optimizer.expand.evaluate import decided
from optimizer.expand.plan import ExpandPlan, Goal, Options, Risk
from optimizer.expand.solve import solve
from optimizer.expand.tree import paths_of

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance


def in_groups(seed: int, futures: int = 4, **more: Any) -> Instance:
    """Return a tree of two levels: futures fall into two groups, and each of them into two."""
    instance = random_expand(1, 4, 1, futures, seed, is_small=True, **more)
    data = instance.data()
    edges = [x.strftime("%Y-%m-%dT%H:%M:%SZ") for x in instance.growth.calendar.edges]
    for i, future in enumerate(data["expand"]["futures"].values()):
        future["reveals"] = [
            {"at": edges[1], "label": f"group {i % 2}"},
            {"at": edges[2], "label": f"half {i // 2 % 2}"},
        ]
    return parse_instance(json.dumps(data))


def best(instance: Instance, **options: Any) -> ExpandPlan:
    """Return the optimum of the tree by one model."""
    found = solve(instance, Options(method="extensive", gap=1e-6, **options))
    assert check(instance, found).is_good
    return found


@pytest.mark.parametrize(
    ("goal", "risk"),
    (
        ("expected", "total"),
        pytest.param("cvar", "total", marks=pytest.mark.slow),
        pytest.param("cvar", "operation", marks=pytest.mark.slow),
        pytest.param("worst", "total", marks=pytest.mark.slow),
    ),
)
@pytest.mark.parametrize("seed", (0, pytest.param(1, marks=pytest.mark.slow)))
def test_the_policy_lies_between_one_plan_for_all_and_the_bound(
    seed: int, goal: Goal, risk: Risk, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = in_groups(seed, 6)
    optimum = best(instance, objective=goal, risk=risk)
    once = best(instance, objective=goal, risk=risk, recourse=False)
    monkeypatch.setattr(solving, "MOST", 0)
    found = solve(instance, Options(objective=goal, risk=risk, gap=1e-4))
    assert check(instance, found).is_good
    assert found.run.claim is not None and found.run.claim.engine.startswith("policy")
    slack = 2e-4 * abs(once.objective.total)  # the plan without recourse is sought to 1e-4
    assert once.objective.total - slack <= found.objective.total
    assert found.objective.total <= optimum.objective.total * (1 + 1e-6) + 10**9
    assert found.bound is not None and found.bound >= optimum.objective.total - 10**9
    assert (found.gap is None) == (found.objective.total == 0 != found.bound)


def test_the_policy_keeps_covenants_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = in_groups(2, has_covenants=True)
    monkeypatch.setattr(solving, "MOST", 0)
    found = solve(instance, Options(gap=1e-3, seconds=20.0))
    assert check(instance, found).is_good
    assert found.bound is not None and found.bound >= best(instance).objective.total


def test_the_policy_completes_a_named_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    data = in_groups(0).data()
    place = next(i for i, name in enumerate(data["expand"]["builds"]) if "turbine" in name)
    order = {
        "build": list(data["expand"]["builds"])[place],
        "site": "s0",
        "at": "2027-07-01",
        "units": 1,
    }
    data["expand"]["plans"] = {"turbine": {"orders": [order]}}
    instance = parse_instance(json.dumps(data))
    monkeypatch.setattr(solving, "MOST", 0)
    found = solve(instance, Options(gap=1e-3, complete="turbine"))
    assert check(instance, found).is_good
    decision = decided(arrays_of(instance, Options()), found)
    for path in paths_of(arrays_of(instance, Options()), decision):
        assert {t for (p, t), _ in path.orders.items() if p == place} >= {2}


def test_to_know_all_at_once_is_what_wait_and_see_is(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = told_apart(in_groups(1), 0)
    monkeypatch.setattr(solving, "MOST", 0)
    found = solve(instance, Options(gap=1e-6))
    assert check(instance, found).is_good
    assert found.objective.total == pytest.approx(best(instance).objective.total, rel=1e-4)
    assert found.gap is not None and found.gap < 1e-4


@pytest.mark.parametrize(
    ("seed", "goal"),
    (
        (0, "expected"),
        pytest.param(1, "cvar", marks=pytest.mark.slow),
        pytest.param(1, "worst", marks=pytest.mark.slow),
        pytest.param(0, "regret", marks=pytest.mark.slow),
    ),
)
def test_cuts_of_the_tree_and_the_one_model_find_the_same_optimum(seed: int, goal: Goal) -> None:
    found = solved(in_groups(seed), objective=goal)
    once = best(in_groups(seed), objective=goal, recourse=False)
    assert found.gap is None or found.gap < 1e-6
    assert found.objective.total >= once.objective.total - 10**9


@pytest.mark.parametrize("seed", range(2))
def test_one_group_of_futures_on_each_path_is_enough_for_the_optimum(seed: int) -> None:
    data = in_groups(seed, 6).data()
    for future in data["expand"]["futures"].values():
        future["reveals"].pop()  # two leaves of three futures
    instance = parse_instance(json.dumps(data))
    optimum = best(instance).objective.total
    arrays = arrays_of(instance, Options())
    way = TreeBenders(arrays, Options(gap=1e-6), (), Clock(time.monotonic() + 600))
    assert len(way.cuts.groups) == 2
    found = way.run([])
    assert found.loss * -1e15 == pytest.approx(optimum, rel=1e-6)
    assert found.bound * -1e15 >= optimum - 10**9
