"""Ranges: all numbers of one move together, others stay."""

from __future__ import annotations

import pytest

from instances.catalog import load
from optimizer.domain.fleet.ranges import scaled
from optimizer.errors import InstanceError


def test_every_number_of_a_range_moves_and_no_other() -> None:
    before = load("new-york-tpu-or-gpu")
    after = scaled(before, "gb300-rent", 0.5)
    assert before.mix is not None and after.mix is not None
    rents = [t.usd_per_chip_hour for t in after.mix.offers["gb300-lease"].tiers]
    assert rents == [1.75, 1.36]
    assert [t.from_domains for t in after.mix.offers["gb300-lease"].tiers] == [1, 100]
    back = scaled(after, "gb300-rent", 2.0)
    assert back.hash == before.hash


def test_estimated_rates_move_together() -> None:
    before = load("new-york-tpu-or-gpu")
    after = scaled(before, "tpu-v7-rates", 1.1)
    for name, workload in before.workloads.items():
        for old, new in zip(workload.rates, after.workloads[name].rates, strict=True):
            share = 1.1 if old.is_assumed and old.chip == "tpu-v7" else 1.0
            assert new.work_per_hour == pytest.approx(old.work_per_hour * share)


def test_an_unknown_range_and_a_number_that_leaves_its_limits_are_refused() -> None:
    with pytest.raises(InstanceError, match="is not a range"):
        scaled(load("new-york-tpu-or-gpu"), "nothing", 1.1)
    with pytest.raises(InstanceError, match="utilisation"):
        scaled(load("new-york-tpu-or-gpu"), "utilisation", 1.2)
