"""Moves of the search: an order of runs that no single insertion and no single ruin changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import judged
import numpy as np
import pytest
from judged import job, placed, world

from optimizer.place.arrays import build_arrays
from optimizer.place.engines.polish.greedy import polish
from optimizer.place.engines.search import (
    anneal,
    best_of,
    construct,
    copy_best,
    handles_of,
    make_memory,
)
from optimizer.place.engines.state import empty_state, make_problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.place.engines.handles import State

Data = dict[str, Any]


def chain() -> Data:
    """Return a rack for six hours that is full all the time; each job late where it stands last.

    The dearest comes first where prices say nothing: then `b`, which waits for `a`, ends two hours
    late. Only both of them before `dear` are on time, and both can only go there together.
    """
    return world(
        job("dear", value_usd=300.0),
        job("a", value_usd=200.0),
        job("b", predecessors=["a"], due=4, late_usd_per_hour=5.0),
        periods=6,
    )


def swap() -> Data:
    """Return a rack for six hours in which the longer of two jobs has to be first."""
    return world(
        job("short", value_usd=300.0),
        job("long", hours=4.0, due=4, late_usd_per_hour=5.0),
        periods=6,
    )


def starts(data: Data, seed: int, improve: Callable[..., Any]) -> tuple[Any, ...]:
    """Return starts by job of the construction without prices, and after it was improved."""
    instance = judged.read(data)
    a = build_arrays(instance)
    nothing = np.zeros((len(a.dur), a.pue.shape[1] + 1)), np.zeros(len(a.late))
    problem = make_problem(a, *nothing, np.zeros(len(a.permit)))
    state = empty_state(problem)
    memory = make_memory(problem, state, seed)
    handles = handles_of(problem, state, memory)
    construct(handles, problem, memory, 1.0, 0)
    names = [j.id for j in instance.jobs]
    before = placements(names, state)
    improve(*handles)
    after = placements(names, best_of(state, memory))
    runs = [placed(name, start, end) for name, (start, end) in after.items()]
    assert judged.wrong(data, judged.by_hand(data, *runs)) == set()
    return tuple({name: start for name, (start, _) in each.items()} for each in (before, after))


def placements(names: list[str], state: State) -> dict[str, tuple[int, int]]:
    """Return start and end of each placed job."""
    runs = zip(names, state.mode_of.tolist(), state.start.tolist(), state.end.tolist(), strict=True)
    return {name: (start, end) for name, mode, start, end in runs if mode >= 0}


def annealed(*handles: Any) -> None:
    """Make some cold moves."""
    anneal(*handles, 200, 1e-3, 1e-3, 1.0)


def polished(*handles: Any) -> None:
    """Polish."""
    polish(*handles)
    copy_best(*handles)


@pytest.mark.parametrize("seed", range(4))
def test_a_chain_goes_before_what_stood_in_its_way(seed: int) -> None:
    before, after = starts(chain(), seed, annealed)
    assert before == {"dear": 0, "a": 2, "b": 4}
    assert after == {"a": 0, "b": 2, "dear": 4}


@pytest.mark.parametrize("seed", range(4))
def test_two_runs_that_follow_each_other_change_places(seed: int) -> None:
    before, after = starts(swap(), seed, annealed)
    assert before == {"short": 0, "long": 2}
    assert after == {"long": 0, "short": 4}


@pytest.mark.parametrize("seed", range(4))
def test_a_job_comes_in_with_the_one_it_waits_for_whatever_both_cost(seed: int) -> None:
    """The key alone is worth little and takes much: it is let in for what waits for it."""
    key, treasure = job("key", value_usd=1.0), job("treasure", hours=4.0, predecessors=["key"])
    those = (job(name, hours=3.0) for name in "ab")
    data = world(key, treasure | {"value_usd": 250.0}, *those, periods=6)
    before, after = starts(data, seed, annealed)
    assert before == {"a": 0, "b": 3}
    assert after == {"key": 0, "treasure": 2}


def test_polish_lets_two_runs_change_places() -> None:
    """Neither gains by itself, and polish draws no lots."""
    before, after = starts(swap(), 0, polished)
    assert before == {"short": 0, "long": 2}
    assert after == {"long": 0, "short": 4}


def test_polish_places_a_chain_that_pays_as_a_whole() -> None:
    """Each of the two costs or cannot be without the other."""
    first, second = job("first", one_off_usd=130.0), job("second", predecessors=["first"])
    first["modes"][0] |= {"one_off_usd": first.pop("one_off_usd")}
    before, after = starts(world(first, second), 0, polished)
    assert before == {}
    assert after == {"first": 0, "second": 2}
