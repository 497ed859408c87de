"""What is wrong with an instance: every finding by its path, once, and all of them at once."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from typing import Any

import judged
import pytest
import tiny

from optimizer.domain.files import parse_instance
from optimizer.errors import InstanceError

Data = dict[str, Any]
Spoil = Callable[[Data], object]


def base() -> Data:
    """Return a sound instance with something of everything."""
    rate = {"chip": "c", "domain": "d", "slice_chips": 8, "chips": 8, "work_per_hour": 1.0}
    part = {"pool": "p", "slice_chips": 4, "slices": 2, "domains": [[0, 0], [0, 0]]}
    gang = {"chips": 16, "slice_chips": 8, "uses": {"b": 1.0}}
    data = judged.world(
        {"id": "r", "tenant": "t", "running": {"parts": [part], "periods_left": 2}},
        {"id": "g", "workload": "w", "work": 3.0, "gangs": [gang], "tenant": "t"},
        judged.job("e", (8, 1), (3, 1, "n"), predecessors=["g"]),
        count=5,
        pool={"spares": 1, "maintenance": [{"domains": [[3, 3]], "from": 1.0, "until": 2.0}]},
        workloads={"w": {"unit": "u", "rates": [rate]}},
        tenants={"t": {"quota_chips": 24}},
        budgets={"b": {"limit": 50.0, "chip_hours_of": ["t"]}},
    )
    data["pools"]["n"] = {"site": "s", "chip": "c", "count": 10}
    data["domains"]["d"]["racks"] = 1.0
    data["sites"]["s"]["racks"] = 10.0
    grid = data["sites"]["s"]["supplies"]["grid"]
    grid["calls"] = [{"from": 1.0, "until": 2.0, "cap_mw": 0.9}]
    return data


def at(*path: Any, **values: Any) -> Spoil:
    """Return a spoiling that sets fields of what lies at a path."""

    def spoil(data: Data) -> None:
        here: Any = data
        for step in path:
            here = here[step]
        here.update(values)

    return spoil


def findings(data: Data) -> tuple[str, ...]:
    """Return what the loader finds."""
    with pytest.raises(InstanceError) as caught:
        parse_instance(json.dumps(data))
    return caught.value.findings


RUN = ("jobs", 0, "running")
PART = (*RUN, "parts", 0)
GANG = ("jobs", 1, "gangs", 0)
GRID = ("sites", "s", "supplies", "grid")
NEW_RATE = {"chip": "c", "domain": "d", "slice_chips": 8, "chips": 8, "work_per_hour": 2.0}
OTHER_CHIP = {"hbm_gb": 1, "nameplate_kw": 1.0, "training_kw": 1.0, "cooling": ["liquid"]}
LONG_PART = {"pool": "p", "slice_chips": 8, "slices": 1}

SPOILT: dict[str, tuple[str, Spoil]] = {
    # references
    "domain of no chip": ("domains['d'].chip: 'x' is not a chip", at("domains", "d", chip="x")),
    "pool of no site": ("pools['n'].site: 'x' is not a site", at("pools", "n", site="x")),
    "job of no tenant": ("jobs[2] 'e'.tenant: 'x' is not a tenant", at("jobs", 2, tenant="x")),
    "job of no workload": ("jobs[1] 'g'.workload: 'x'", at("jobs", 1, workload="x")),
    "data at no site": ("jobs[2] 'e'.data: 'x'", at("jobs", 2, data=[{"site": "x"}])),
    "gang in no pool": ("jobs[1].gangs[0].pools: 'x' is not a pool", at(*GANG, pools=["x"])),
    "gang of no budget": ("jobs[1].gangs[0].uses: 'x' is not a budget", at(*GANG, uses={"x": 1.0})),
    "budget of no tenant": (
        "budgets['b'].chip_hours_of: 'x'",
        at("budgets", "b", chip_hours_of=["x"]),
    ),
    "no predecessor": ("jobs[2].predecessors: 'x' is not a job", at("jobs", 2, predecessors=["x"])),
    "mode in no pool": (
        "jobs[2].modes[0].parts[0].pool: 'x'",
        at("jobs", 2, "modes", 0, parts=[LONG_PART | {"pool": "x"}]),
    ),
    # orders and sizes
    "slice above its domain": ("domains['d'].slice_chips", at("domains", "d", slice_chips=[4, 9])),
    "call backwards": (
        "sites['s'].supplies['grid'].calls[0]: 'until' is not after",
        at(*GRID, calls=[{"from": 2.0, "until": 2.0, "cap_mw": 1.0}]),
    ),
    "too few caps": ("sites['s'].supplies['grid'].cap_mw", at(*GRID, cap_mw=[1.0, 1.0])),
    "maintenance of unknown ids": (
        "pools['p'].maintenance[0].domains: must be (first, last) ids below 5",
        at("pools", "p", maintenance=[{"domains": [[3, 5]], "from": 1.0, "until": 2.0}]),
    ),
    "too many racks": ("sites['s'].racks: pools take 5 racks, got 4", at("sites", "s", racks=4.0)),
    "a rate twice": (
        "workloads['w'].rates[1]: a second rate",
        lambda d: d["workloads"]["w"]["rates"].append(NEW_RATE),
    ),
    "an id twice": ("jobs[2] 'g': the id of jobs[1]", at("jobs", 2, id="g", predecessors=[])),
    "deadline before release": (
        "jobs[2] 'e': deadline 1 is before release 2",
        at("jobs", 2, release=2.0, deadline=1.0),
    ),
    "due before release": ("jobs[2] 'e': due 1 is before", at("jobs", 2, release=2.0, due=1.0)),
    "release after the end": ("jobs[2] 'e': release 4 is not within", at("jobs", 2, release=4.0)),
    "lateness beyond reason": (
        "jobs[2] 'e': late_usd_per_hour over the whole horizon",
        lambda d: (
            d["jobs"][2].update(late_usd_per_hour=1e8),
            d["horizon"].update(periods=100),
        ),
    ),
    "no way to run": ("jobs[2] 'e': has neither gangs nor modes", at("jobs", 2, modes=[])),
    "a gang without work": ("jobs[1] 'g': gangs need a workload", at("jobs", 1, work=None)),
    "not whole slices": ("jobs[1].gangs[0]: 15 chips are not whole", at(*GANG, chips=15)),
    "a gang that nothing holds": ("jobs[1].gangs[0]: no pool holds", at(*GANG, chips=80)),
    "a gang without a rate": (
        "jobs[1].gangs[0]: workload 'w' has no rate in slices of 4",
        at(*GANG, slice_chips=4),
    ),
    "a level of no chip": ("jobs[1].gangs[0].power_levels", at(*GANG, power_levels=["turbo"])),
    "a pool twice": ("jobs[1].gangs[0].pools: 'p' is named twice", at(*GANG, pools=["p", "p"])),
    "a circle": ("jobs: predecessors form a circle", at("jobs", 1, predecessors=["e"])),
    "a slice that is not cut": (
        "jobs[2].modes[0].parts[0].slice_chips: not cut from d, got 9",
        at("jobs", 2, "modes", 0, parts=[LONG_PART | {"slice_chips": 9}]),
    ),
    "cooling that a site lacks": (
        "pools['n'].chip: o needs liquid cooling, s has air",
        lambda d: (
            d["chips"].update(o=OTHER_CHIP),
            d["pools"]["n"].update(chip="o"),
            d["sites"]["s"].update(cooling=["air"]),
        ),
    ),
    "a domain of another chip": (
        "pools['n'].domain: d is of c, the pool of o",
        lambda d: (
            d["chips"].update(o=OTHER_CHIP),
            d["pools"]["n"].update(chip="o", domain="d", count=5),
        ),
    ),
    "sites without a link": (
        "jobs[2].modes[0]: spans s, z; name the link",
        lambda d: (
            d["sites"].update(z=copy.deepcopy(d["sites"]["s"])),
            d["pools"]["n"].update(site="z"),
        ),
    ),
    # what would leave no bound
    "idle above training": ("chips['c'].idle_kw: must not exceed", at("chips", "c", idle_kw=1.001)),
    "idle above a level": (
        "chips['c'].idle_kw: must not exceed",
        at("chips", "c", power_levels={"low": {"draw_share": 0.2499, "speed_share": 0.5}}),
    ),
    "a given draw below idle": (
        "jobs[2].modes[0].parts[0].draw_kw: must not be below the idle draw",
        at("jobs", 2, "modes", 0, parts=[LONG_PART | {"draw_kw": 1.999}]),
    ),
    "a level called full": (
        "chips['c'].power_levels: 'full'",
        at("chips", "c", power_levels={"full": {"draw_share": 0.9, "speed_share": 0.9}}),
    ),
    "maintenance without domains": (
        "pools['n'].maintenance: names domains, the pool has none",
        at("pools", "n", maintenance=[{"domains": [], "from": 1.0, "until": 2.0}]),
    ),
    "fixed load above supply": (
        "sites['s']: fixed load and running jobs draw 0.023 MW in period 0, its supplies give",
        at(*GRID, cap_mw=0.0229),
    ),
    # running jobs
    "running in no pool": ("jobs[0] 'r'.running.parts[0].pool: 'x'", at(*PART, pool="x")),
    "running at no level": ("jobs[0] 'r'.running.power_level", at(*RUN, power_level="turbo")),
    "running too long": ("jobs[0] 'r'.running.periods_left", at(*RUN, periods_left=5)),
    "running past its deadline": ("jobs[0] 'r'.running.periods_left", at("jobs", 0, deadline=1.5)),
    "running with predecessors": ("jobs[0] 'r'.predecessors", at("jobs", 0, predecessors=["g"])),
    "too few running ids": (
        "jobs[0] 'r'.running.parts[0].domains: must name one domain for each of 2",
        at(*PART, domains=[[0, 0]]),
    ),
    "running on a spare": (
        "jobs[0] 'r'.running.parts[0].domains: must be there, and no spares",
        at(*PART, domains=[[4, 4], [4, 4]]),
    ),
    "running in maintenance": (
        "jobs[0] 'r'.running.parts[0].domains: must not be in maintenance",
        at(*PART, domains=[[2, 3]]),
    ),
    "running on what goes": (
        "jobs[0] 'r'.running.parts[0].domains: must be there",
        lambda d: (
            d["pools"]["p"].update(count=[5, 2, 5, 5], maintenance=[]),
            d["jobs"][0]["running"]["parts"][0].update(domains=[[0, 1]]),
        ),
    ),
    "running over-filled": (
        "pools['p']: running jobs over-fill domain 0, got 12 chips; it has 8",
        at(*PART, slices=3, domains=[[0, 0]] * 3),
    ),
    "running beyond a chip count": (
        "pools['n']: running jobs hold more than it has in period 0, got 11 chips; it has 10",
        at(*RUN, parts=[{"pool": "n", "slice_chips": 11, "slices": 1}]),
    ),
    "running above a quota": ("tenants['t'].quota_chips", at("tenants", "t", quota_chips=7)),
    "running above a budget": ("budgets['b'].limit", at("budgets", "b", limit=15.999)),
}


def test_the_base_is_sound_and_just_within_its_limits() -> None:
    data = base()
    data["chips"]["c"]["power_levels"] = {"low": {"draw_share": 0.25, "speed_share": 0.5}}
    data["jobs"][2]["modes"][0]["parts"][0]["draw_kw"] = 2.0
    data["tenants"]["t"]["quota_chips"] = 8
    data["budgets"]["b"]["limit"] = 16.0
    data["jobs"][0]["running"]["parts"][0]["domains"] = [[0, 0], [2, 2]]
    judged.read(base())
    judged.read(data)


@pytest.mark.parametrize("what", SPOILT)
def test_a_finding_names_its_place_and_stands_alone(what: str) -> None:
    data = base()
    starts, spoil = SPOILT[what]
    spoil(data)
    (said,) = findings(data)
    assert said.startswith(starts)


def test_findings_have_the_form_of_the_house() -> None:
    """path: what is wrong, got value; what is allowed."""
    for what, (_, spoil) in SPOILT.items():
        data = base()
        spoil(data)
        for said in findings(data):
            assert re.match(r"[a-z_]+(\[[^]]+\]|\.[a-z_]+| '[^']*')*: .+", said), what
            assert "\n" not in said
            assert len(said) < 250


def test_all_findings_come_at_once_and_each_once() -> None:
    apart = ["domain of no chip", "call backwards", "a rate twice", "no way to run"]
    apart += [
        "a pool twice",
        "running at no level",
        "too many racks",
        "maintenance without domains",
    ]
    data = base()
    for what in apart:
        SPOILT[what][1](data)
    found = findings(data)
    assert len(set(found)) == len(found)
    for what in apart:
        assert [f for f in found if f.startswith(SPOILT[what][0])], what


def test_an_unreadable_field_does_not_hide_the_rest() -> None:
    data = base()
    data["horizon"]["periods"] = 10**9
    data["sites"]["s"]["supplies"]["grid"]["cap_mw"] = 50_000
    data["chips"]["c"]["colour"] = "blue"
    data["jobs"][1]["gangs"][0]["pools"] = ["x"]
    data["jobs"][2].update(release=2.0, deadline=1.0, value_usd=1e308)
    found = findings(data)
    for path in (
        "horizon.periods: must be less than or equal to 8784, got 1000000000",
        "sites['s'].supplies['grid'].cap_mw: must be in 0..10000, got 50000 MW",
        "chips['c'].colour: is not a field",
        "jobs[1].gangs[0].pools: 'x' is not a pool",
        "jobs[2].value_usd: must be less than or equal to 1000000000, got 1e+308",
        "jobs[2] 'e': deadline 1 is before release 2",
    ):
        assert [f for f in found if f.startswith(path)], (path, found)


def test_tiny_instances_have_no_findings() -> None:
    for seed in range(200):
        judged.read(tiny.tiny(seed))
