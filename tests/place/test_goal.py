"""Images of an instance: the feasibility image has a plan exactly where the instance has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import brute
import pytest
from judged import job, read, with_musts, world

from optimizer.place.goal import feasibility_image, has_to_run

if TYPE_CHECKING:
    from collections.abc import Iterator

Data = dict[str, Any]
TENS = [*range(0, 40, 10), *(pytest.param(n, marks=pytest.mark.slow) for n in range(40, 200, 10))]
"""First of ten seeds each."""


def amounts(data: Any, key: str) -> Iterator[Any]:
    """Return every value of a key, at any depth."""
    if isinstance(data, dict):
        for name, value in data.items():
            if name == key:
                yield value
            yield from amounts(value, key)
    elif isinstance(data, list):
        for value in data:
            yield from amounts(value, key)


@pytest.mark.parametrize("first", TENS)
def test_the_feasibility_image_has_a_plan_exactly_where_the_instance_has_one(first: int) -> None:
    seen = set()
    for seed in range(first, first + 10):
        data = with_musts(seed)
        image = feasibility_image(read(data)).data()
        best, of_image = brute.optimum(data)[0], brute.optimum(image)[0]
        assert of_image == (None if best is None else 0), seed
        seen.add(of_image)
    assert seen == {None, 0}


def test_an_image_takes_what_jobs_that_must_run_wait_for() -> None:
    instance = read(
        world(
            job("a"),
            job("b", predecessors=["a"]),
            job("c", predecessors=["b"], must=True),
            job("d", value_usd=7.0),
        )
    )
    assert has_to_run(instance.jobs) == {"a", "b", "c"}
    image = feasibility_image(instance)
    assert [(each.id, each.must) for each in image.jobs] == [("a", True), ("b", True), ("c", True)]
    assert image.hash != instance.hash


@pytest.mark.parametrize("seed", range(20))
def test_nothing_in_an_image_is_worth_or_costs_anything(seed: int) -> None:
    image = feasibility_image(read(with_musts(seed))).data()
    money = ["value_usd", "one_off_usd", "restart_usd", "cost_usd", "late_usd_per_hour"]
    money += ["carbon_kg_per_mwh", "carbon_usd_per_kg"]
    assert not [(key, x) for key in money for x in amounts(image, key)]  # all at their default, 0
    assert set(amounts(image, "price_usd_per_mwh")) == {0.0}
