"""The end of a search: no job is left out that fits, no run that would rather be elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import judged
import pytest
import tiny

from instances.catalog import load, names
from optimizer.place.certificate import upper_bound
from optimizer.place.check import check
from optimizer.place.explain import explain
from optimizer.place.plan import Options
from optimizer.place.race import Race
from optimizer.place.solve import solve

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from optimizer.domain.instance import Instance
    from optimizer.place.plan import PlacePlan

SEEDS = (*range(1000, 1008), 1012, 1025, 1026, 1042)


def leave(self: Race, pool: ThreadPoolExecutor) -> None:
    """Leave the plan as the search has it."""


def missed(instance: Instance, plan: PlacePlan) -> list[tuple[str, int]]:
    """Return jobs that fit as the plan stands, or on time, and what that would gain."""
    reasons = explain(instance, plan, upper_bound(instance, plan.certificate))
    return [(r.job, r.gain) for r in reasons if r.gain is not None]


def test_a_job_that_simply_fits_is_not_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    polished, rough = [], []
    for seed in SEEDS:
        data = tiny.tiny(seed)
        polished.append(judged.solved(data, rounds=0, engine="search"))
        left = missed(judged.read(data), polished[-1])
        assert not [name for name, gain in left if gain > 10_000], seed  # float noise: 0.01 cent
    monkeypatch.setattr(Race, "polish", leave)
    rough = [judged.solved(tiny.tiny(seed), rounds=0, engine="search") for seed in SEEDS]
    gains = [a.objective.total - b.objective.total for a, b in zip(polished, rough, strict=True)]
    assert min(gains) >= 0
    assert sum(gain > 0 for gain in gains) >= 3  # there was something to do


@pytest.mark.slow
@pytest.mark.parametrize("name", names("place"))
def test_polish_never_costs_and_leaves_nothing_that_fits(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance, options = load(name), Options(rounds=4, seconds=600)
    after = solve(instance, options)
    assert check(instance, after).is_good
    assert missed(instance, after) == []
    monkeypatch.setattr(Race, "polish", leave)
    before = solve(instance, options)
    assert missed(instance, before)
    assert after.objective.total > before.objective.total
