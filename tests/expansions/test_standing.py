"""What an expansion hands on: the fleet as it stands at a date, placed and mixed for real."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from instances.catalog import load
from optimizer.chain import standing
from optimizer.domain.files import instance_text, parse_instance
from optimizer.errors import InstanceError
from optimizer.expand.rules.case import Case
from optimizer.expand.studies.named import valued
from optimizer.place.check import check
from optimizer.place.plan import Options
from optimizer.place.solve import solve
from optimizer.questions import MIX
from service.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

    from optimizer.domain.instance import Instance

LATE = datetime(2029, 7, 1, tzinfo=UTC)


def stands(name: str, plan: str, at: datetime = LATE, **more: Any) -> Instance:
    """Return what a named plan of an instance of the catalog stands as at a date."""
    instance = load(name)
    return standing(instance, valued(instance, plan), at, "then", **more)


def megawatts(made: Instance, site: str) -> float:
    """Return what all supplies of a site give in the first hour [MW]."""
    return sum(float(s.cap_w(made.horizon)[0]) for s in made.sites[site].supplies.values()) / 1e6


def test_pools_are_what_is_in_service_at_the_date() -> None:
    early = stands("nscale-uk", "both", datetime(2027, 7, 1, tzinfo=UTC))
    late = stands("nscale-uk", "both")
    counts = [
        {name: int(pool.present(made.horizon)[0]) for name, pool in made.pools.items()}
        for made in (early, late)
    ]
    assert counts[0] == {"loughton/nvl72-gb300": 320, "cobalt-park/nvl72-gb300": 150}
    assert counts[1] == {"loughton/nvl72-gb300": 610, "cobalt-park/nvl72-gb300": 270}


def test_power_is_no_more_than_halls_have_room_for() -> None:
    early = stands("nscale-uk", "stay-at-50")
    halls = load("nscale-uk").growth.sites[0]
    assert megawatts(early, "loughton") == pytest.approx(halls.hall_w[-1] * 1.2 / 1e6)
    assert megawatts(early, "loughton") < 50


def test_a_grid_that_is_late_is_not_handed_on() -> None:
    plain = stands("nscale-uk", "grid-and-wait")
    late = stands("nscale-uk", "grid-and-wait", future="grid-two-years-late")
    assert "loughton-grid" in plain.sites["loughton"].supplies
    assert "loughton-grid" not in late.sites["loughton"].supplies


def test_a_tenant_that_has_stopped_paying_takes_no_power() -> None:
    instance = load("lake-mariner-abernathy")
    case = Case(instance, valued(instance, "sign-both"))
    stops, i = next(
        (f, i)
        for f in case.futures
        for i in case.signed
        if case.growth.contracts[i].first < f.defaults[i] < case.growth.contracts[i].end
    )
    contract, (s,) = case.growth.contracts[i], case.growth.contracts[i].sites
    last = stops.defaults[i] - 1
    assert contract in case.leases(s, stops, last)
    assert contract not in case.leases(s, stops, last + 1)
    assert contract in case.leases(s, case.as_planned, last + 1)


def test_the_week_can_be_placed() -> None:
    data = json.loads(instance_text(stands("nscale-uk", "both")))
    part = {"pool": "cobalt-park/nvl72-gb300", "slice_chips": 72, "slices": 100, "draw_kw": 9000.0}
    data["jobs"] = [
        {"id": f"j{i}", "value_usd": 1e6, "modes": [{"parts": [part], "hours": 40, "link": "none"}]}
        for i in range(3)
    ]
    instance = parse_instance(json.dumps(data))
    plan = solve(instance, Options(seconds=20, rounds=1, threads=1))
    assert check(instance, plan).is_good
    assert len(plan.placements) == 3


def test_the_year_can_be_mixed() -> None:
    data = json.loads(instance_text(stands("nscale-uk", "both", months=12)))
    assert data["horizon"]["periods"] == 12
    rate = {
        "chip": "gb300",
        "domain": "nvl72-gb300",
        "slice_chips": 72,
        "chips": 72,
        "work_per_hour": 1.0,
    }
    data["workloads"] = {"llm": {"unit": "runs", "rates": [rate]}}
    data["mix"] = {"demand": {"llm": {"workload": "llm", "work_per_month": 1000.0}}, "offers": {}}
    instance = parse_instance(json.dumps(data))
    plan = MIX.solve(instance, MIX.options(seconds=20.0))
    assert MIX.check(instance, plan).is_good


@pytest.mark.parametrize(
    ("plan", "more", "said"),
    [
        ("both", {"at": datetime(2040, 1, 1, tzinfo=UTC)}, "at: must lie within the horizon"),
        ("both", {"future": "never"}, "future: 'never' is none"),
    ],
)
def test_what_is_not_there_is_refused(plan: str, more: dict[str, Any], said: str) -> None:
    with pytest.raises(InstanceError, match=said):
        stands("nscale-uk", plan, **more)


def test_a_landlord_has_no_chips_to_hand_on() -> None:
    with pytest.raises(InstanceError, match="no chips stand in 2029-Q3"):
        stands("lake-mariner-abernathy", "sign-both")


def test_the_command_writes_both_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    week, year = tmp_path / "week.json", tmp_path / "year.json"
    asked = ["expand", "nscale-uk", "--plan", "both", "--out", str(tmp_path / "out")]
    handed = ["--to-place", str(week), "--to-mix", str(year), "--at", "2029-01-01"]
    assert main([*asked, *handed]) == 0
    assert "2 pools, no jobs yet" in capsys.readouterr().out
    assert parse_instance(week.read_text()).horizon.periods == 168
    assert parse_instance(year.read_text()).horizon.periods == 12
    assert main([*asked, "--to-place", str(week), "--at", "soon"]) == 2
    assert "--at: must be hours" in capsys.readouterr().err
