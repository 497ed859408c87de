"""Masters of many columns: mean futures relax, roundings keep supply, both reach the optimum."""

from __future__ import annotations

import time

import numpy as np
import pytest
from judged_expand import judged

from instances.expansions.generate import random_expand
from optimizer.expand.arrays import Arrays
from optimizer.expand.check import check
from optimizer.expand.engines import benders
from optimizer.expand.engines.benders import Benders, Clock
from optimizer.expand.engines.rounding import roundings
from optimizer.expand.plan import Options


def far() -> Clock:
    """Return a clock that is far from over."""
    return Clock(time.monotonic() + 600)


@pytest.mark.parametrize("seed", range(3))
def test_mean_futures_bound_what_the_futures_bring_and_change_no_optimum(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = random_expand(2, 5, 2, 6, seed, is_small=True, has_covenants=seed == 2)
    arrays = Arrays(instance.growth, instance.growth.futures)
    options = Options(gap=1e-9)
    plain = Benders(arrays, options, (), far()).run([])
    monkeypatch.setattr(benders, "LARGE", 0)
    monkeypatch.setattr(benders, "MEANS", 2)  # three futures in each mean
    means = Benders(arrays, options, (), far())
    assert means.is_large
    found = means.run([])
    assert found.loss == pytest.approx(plain.loss, abs=1e-5)
    assert found.bound == pytest.approx(plain.bound, abs=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_every_rounding_keeps_the_rules_of_supply(seed: int) -> None:
    instance = random_expand(2, 6, 2, 2, seed, is_small=True)
    arrays = Arrays(instance.growth, instance.growth.futures)
    first = Benders(arrays, Options(), (), far()).first
    rng, values = np.random.default_rng(seed), np.zeros(len(first.model.names))
    for p in range(len(arrays.places)):
        build = arrays.build(p)
        most = build.max_units / len(build.sites)
        for t in range(build.first, build.last + 1):
            before = values[first.orders[p, t - 1]] if t > build.first else 0.0
            step = build.max_per_period / len(build.sites) * float(rng.random())
            values[first.orders[p, t]] = min(most, before + step)
    count = 0
    for decision in roundings(first, values.tolist()):
        count += 1
        broken = {v.rule for v in check(instance, judged(instance, decision)).violations}
        assert not broken & {"supply", "lead_time"}
    assert count
