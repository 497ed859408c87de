"""Benders: cuts bound operation everywhere, dives keep the rules, held columns prove nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from judged_expand import drawn, judged

from instances.expansions.generate import random_expand
from optimizer.expand.arrays import Arrays, Decision
from optimizer.expand.check import check
from optimizer.expand.engines import benders, operate
from optimizer.expand.engines.benders import Benders, Clock
from optimizer.expand.engines.first import MUSD
from optimizer.expand.engines.whole.branch import Tree
from optimizer.expand.evaluate import earnings, evaluate
from optimizer.expand.plan import Options

if TYPE_CHECKING:
    from optimizer.expand.engines.cuts import Cuts


def far() -> Clock:
    """Return a clock that is far from over."""
    return Clock(time.monotonic() + 600)


def columns(master: Benders, decision: Decision) -> np.ndarray:
    """Return all columns of a decision, those that are none of its as nothing."""
    found = np.zeros(len(master.first.model.names))
    for column, units in master.first.columns_of(decision).items():
        found[column] = units
    return found


def brought(arrays: Arrays, cuts: Cuts, decision: Decision) -> np.ndarray:
    """Return what a decision brings by group, market and period [MUSD]."""
    outcome = evaluate(arrays, decision)
    by_site = earnings(arrays, outcome.world, outcome.found) * MUSD
    found = np.zeros(cuts.theta.shape)
    for g, futures in enumerate(cuts.groups):
        each = np.einsum("f,fts->st", arrays.odds[futures], by_site[futures])
        for s, m in enumerate(cuts.market):
            found[g, m] += each[s]
    return found


@pytest.mark.parametrize("seed", range(6))
def test_the_cut_of_a_plan_meets_what_it_brings_and_bounds_what_any_other_does(seed: int) -> None:
    instance = random_expand(2, 6, 2, 4, seed, is_small=True)
    arrays, rng = Arrays(instance.growth, instance.growth.futures), np.random.default_rng(seed)
    master = Benders(arrays, Options(), (), far())
    plans = [Decision(), *(drawn(arrays, rng) for _ in range(12))]
    for cut in plans:
        right = master.cuts.at(evaluate(arrays, cut, has_slopes=True).found)
        for plan in plans:
            at, actual = columns(master, plan), brought(arrays, master.cuts, plan)
            most = np.array([sides.most(at) for sides in right])
            assert (most >= actual - 1e-6).all()
            assert plan is not cut or most == pytest.approx(actual, abs=1e-6)


@pytest.mark.parametrize("seed", (pytest.param(1, marks=pytest.mark.slow), 2))
def test_with_some_columns_held_the_bound_stays_one_and_the_plan_is_legal(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = random_expand(2, 4, 2, 5, seed, is_small=True, has_covenants=seed == 2)
    arrays, options = Arrays(instance.growth, instance.growth.futures), Options(gap=1e-9)
    best = Benders(arrays, options, (), far()).run([])
    assert best.loss == pytest.approx(best.bound, abs=1e-5)
    monkeypatch.setattr(benders, "MANY", 0)
    found = Benders(arrays, options, (), far()).run([])
    assert found.decision is not None
    assert found.bound <= best.loss + 1e-5 and best.loss <= found.loss + 1e-5
    assert not check(instance, judged(instance, found.decision)).violations


@pytest.mark.parametrize("seed", range(3))
def test_one_tree_with_cuts_at_its_nodes_ends_at_the_optimum(seed: int) -> None:
    instance = random_expand(2, 4, 2, 4, seed, is_small=True, has_covenants=seed == 2)
    arrays = Arrays(instance.growth, instance.growth.futures)
    best = Benders(arrays, Options(gap=1e-9), (), far()).run([])
    master = Benders(arrays, Options(gap=1e-5), (), far())
    master.relax()
    tree = Tree(master)
    tree.run()
    found = master.found
    assert tree.count > 1 and found.gap <= 1e-5
    assert found.bound <= best.loss + 1e-6 and best.loss <= found.loss + 1e-6
    assert found.decision is not None
    assert not check(instance, judged(instance, found.decision)).violations


@pytest.mark.parametrize("seed", range(4))
def test_a_dive_ends_in_whole_units_that_keep_the_rules(seed: int) -> None:
    instance = random_expand(2, 6, 2, 3, seed, is_small=True, has_covenants=seed % 2 == 1)
    arrays = Arrays(instance.growth, instance.growth.futures)
    master = Benders(arrays, Options(), (), far())
    master.relax()
    master.dive()
    assert master.found.decision is not None and master.found.loss >= master.found.bound
    assert not check(instance, judged(instance, master.found.decision)).violations


def test_two_threads_operate_as_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = random_expand(2, 6, 2, 5, 1, is_small=True)
    arrays = Arrays(instance.growth, instance.growth.futures)
    plan = drawn(arrays, np.random.default_rng(1))
    alone = evaluate(arrays, plan, has_slopes=True).found
    monkeypatch.setattr(operate, "MANY", 2)
    for one, other in zip(alone, evaluate(arrays, plan, has_slopes=True).found, strict=True):
        np.testing.assert_array_equal(one, other)
