"""Cases of the search that hold no plan, by much or by next to nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tiny_mix import tiny_mix

from optimizer.domain.files import parse_instance
from optimizer.mix.bound import Ways
from optimizer.mix.certificate import UNIT, leaf_bound
from optimizer.mix.engines.tree.cases import Case, Cases

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.mix.plan import Goal


def asked(seed: int, work: float | None) -> Instance:
    """Return a tiny mix that asks for so much useful work; the rule itself forgives a millionth."""
    data = tiny_mix(seed)
    data["mix"].pop("work_at_least", None)
    if work is not None:
        data["mix"]["work_at_least"] = work * 1e6 / 999_999
    return parse_instance(json.dumps(data))


def relaxed(instance: Instance, goal: Goal) -> tuple[Cases, Case]:
    """Return the whole problem as one case."""
    cases = Cases(instance.image, goal)
    return cases, cases.solve({})


def most_work(seed: int) -> float:
    """Return the most useful work of the relaxed model."""
    cases, whole = relaxed(asked(seed, None), "work")
    assert whole.bound is not None
    return cases.model.total(whole.bound) / 1e9


@pytest.mark.parametrize("seed", [301, 306, 318, 329])
def test_what_is_all_but_possible_is_bounded_like_what_is(seed: int) -> None:
    most = most_work(seed)
    instance = asked(seed, most * (1 + 1e-7))
    cases, whole = relaxed(instance, "cost")
    assert whole.bound is None
    leaf = cases.leaf(whole)
    assert not leaf.is_empty
    bound = leaf_bound(instance.image, "cost", leaf.prices, {}, Ways(instance.image))
    inside, near = relaxed(asked(seed, most * (1 - 1e-6)), "cost")
    assert bound is not None
    assert near.bound is not None
    assert bound / UNIT > 0.999 * inside.model.total(near.bound)


@pytest.mark.parametrize("seed", [302, 303, 307, 311])
def test_what_is_clearly_impossible_is_proven_so(seed: int) -> None:
    cases, whole = relaxed(asked(seed, 1.01 * most_work(seed)), "cost")
    assert whole.bound is None
    leaf = cases.leaf(whole)
    assert leaf.is_empty
    image = cases.image
    bound = leaf_bound(image, "cost", leaf.prices, {}, Ways(image), is_empty=True)
    assert bound is not None
    assert bound > UNIT
