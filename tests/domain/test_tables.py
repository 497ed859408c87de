"""The table of all modes says what each job's modes say, number by number."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from instances.catalog import entry, load, names
from instances.seeded.place import random_place
from instances.seeded.sizes import sized
from optimizer.domain.files import parse_instance
from optimizer.domain.tables.modes import make_table

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance

WITH_JOBS = [name for name in names() if entry(name).jobs]
SEEDED = {
    "S": lambda: sized("S", 2),
    "pools-200": lambda: sized("pools-200", 2),
    "small": lambda: random_place(50, 3, 10, 50, 24, seed=5),
    "with explicit modes": lambda: _explicit(sized("S", 3)),
    "without jobs": lambda: sized("S", 1).model_copy(update={"jobs": ()}),
}


def _explicit(instance: Instance) -> Instance:
    """Return an instance in which every third job has explicit modes too, with budgets."""
    data = instance.data()
    pools = list(instance.pools.items())
    for i, job in enumerate(data["jobs"]):
        name, pool = pools[i % len(pools)]
        size = instance.domain_chips(pool)
        part = {"pool": name, "slice_chips": size, "slices": 1}
        if i % 3 == 0 and "running" not in job:
            job["modes"] = [{"parts": [part], "hours": 3.5, "uses": {"grant": 1.25}}]
            job["gangs"] = [g | {"uses": {"grant": 0.3}} for g in job["gangs"]]
    return parse_instance(json.dumps(data))


def _agrees(instance: Instance) -> None:
    t, p, m, u = make_table(instance), 0, 0, 0
    pools, budgets = list(instance.pools), list(instance.budgets)
    assert len(t.job_ptr) == len(instance.jobs) + 1
    for j in range(len(instance.jobs)):
        assert t.job_ptr[j] == m
        for mode in instance.modes(j):
            numbers = t.duration[m], t.first[m], t.end_by[m], t.one_off[m], t.restart[m]
            here = mode.duration, mode.first, mode.end_by, mode.one_off_nano, mode.restart_nano
            assert numbers == here, (instance.jobs[j].id, m)
            assert (t.pauses[m], t.stays[m], t.chips[m]) == (mode.pauses, mode.stays, mode.chips)
            assert t.job[m] == j
            for part in mode.parts:
                size = t.part_slice[p], t.part_slices[p], t.part_draw_w[p], t.part_idle_w[p]
                assert size == (part.slice_chips, part.slices, part.draw_w, part.idle_w)
                assert pools[t.part_pool[p]] == part.pool
                assert t.part_mode[p] == m
                p += 1
            for use in mode.uses:
                assert (budgets[t.use_budget[u]], t.use_amount[u]) == use
                u += 1
            m += 1
            assert (t.part_ptr[m], t.use_ptr[m]) == (p, u)
    assert len(t.duration) == m


@pytest.mark.parametrize("name", WITH_JOBS)
def test_the_table_of_a_facility_says_what_its_modes_say(name: str) -> None:
    _agrees(load(name))


@pytest.mark.parametrize("name", WITH_JOBS[:2])
def test_one_mode_that_is_asked_for_is_that_of_all(name: str) -> None:
    every, single = load(name), load(name)
    for j in range(len(every.jobs)):
        modes = every.modes(j)
        assert tuple(single.mode(j, m) for m in range(len(modes))) == modes
        for beyond in (len(modes), 10**30):
            assert single.mode(j, beyond) is None and every.mode(j, beyond) is None


@pytest.mark.parametrize("name", SEEDED)
def test_the_table_of_a_drawn_fleet_says_what_its_modes_say(name: str) -> None:
    _agrees(SEEDED[name]())
