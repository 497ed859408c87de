"""The stranger and the brute force checked by hand."""

from __future__ import annotations

import copy
from typing import Any

import brute
import brute_power
import pytest
import stranger

Data = dict[str, Any]

HORIZON = {"start": "2026-03-01T00:00:00Z", "periods": 4, "period_hours": 2.0}


def one_job(**changes: Any) -> Data:
    """Return four periods of two hours, one rack of eight 1 kW chips, one job of 2 periods."""
    grid = {"kind": "grid", "cap_mw": 0.01, "price_usd_per_mwh": 100.0}
    job = {
        "id": "j",
        "workload": "w",
        "work": 4.0,
        "value_usd": 50.0,
        "gangs": [{"chips": 8, "slice_chips": 8}],
    }
    rate = {"chip": "c", "domain": "d", "slice_chips": 8, "chips": 8, "work_per_hour": 1.0}
    data: Data = {
        "schema": "fleetwatt/instance/1",
        "name": "one-job",
        "horizon": HORIZON,
        "chips": {"c": {"hbm_gb": 80, "nameplate_kw": 1.5, "training_kw": 1.0, "idle_kw": 0.25}},
        "domains": {"d": {"chip": "c", "chips": 8}},
        "workloads": {"w": {"unit": "u", "rates": [rate]}},
        "sites": {"s": {"country": "US", "pue": 1.25, "supplies": {"grid": grid}}},
        "pools": {"p": {"site": "s", "chip": "c", "domain": "d", "count": 1}},
        "jobs": [job | changes.pop("job", {})],
    }
    grid |= changes.pop("grid", {})
    return data | changes


# ---- by hand ------------------------------------------------------------------------------------


def test_an_optimum_by_hand_pays_idle_chips_and_training() -> None:
    # 8 chips idle draw 2 kW, train at 8 kW; x 1.25 at the meter: 2500 W or 10 000 W = the cap.
    # 2 periods of each; 100 USD/MWh x 2 h = 200 000 nano-USD per W-period.
    best, placements = brute.optimum(one_job())
    assert best == 50 * 10**9 - (2 * 10_000 + 2 * 2_500) * 200_000
    assert len(placements) == 1


def test_one_watt_less_of_cap_and_the_job_is_not_placed() -> None:
    best, placements = brute.optimum(one_job(grid={"cap_mw": 0.009999}))
    assert best == -4 * 2_500 * 200_000
    assert placements == []


def test_zero_prices_bound_by_the_sum_of_values() -> None:
    assert stranger.bound(one_job(), {}) == 50 * 10**9


def test_a_power_price_bounds_by_hand() -> None:
    # power 300 000: supplies earn 4 x 10 000 W x 100 000; the fixed load takes 4 x 2 500 x 300 000;
    # the job pays 2 periods x 1.25 x 6 000 W x 300 000 of its 50 USD.
    certificate = {"power": {"s": [300_000] * 4}}
    by_hand = 4 * 10_000 * 100_000 - 4 * 2_500 * 300_000 + 50 * 10**9 - 2 * 7_500 * 300_000
    assert stranger.bound(one_job(), certificate) == by_hand


def test_the_price_of_a_run_and_the_fixed_load_are_rounded_down_once() -> None:
    data = one_job(job={"gangs": [], "modes": [_explicit(2.001)], "work": None})
    data["jobs"][0].pop("work")
    # net 1 W x PUE 1250 x price 1, two periods: 2500 // 1000 = 2; fixed 4 x 2 500 W
    assert stranger.bound(data, {"power": {"s": [1] * 4}}) == 50 * 10**9 - 2 - 4 * 2_500


def _explicit(draw_kw: float) -> Data:
    parts = [{"pool": "p", "slice_chips": 8, "slices": 1, "draw_kw": draw_kw}]
    return {"parts": parts, "hours": 4.0}


def test_chip_slice_and_rounding_rows_bound_by_hand() -> None:
    value = 50 * 10**9
    assert stranger.bound(one_job(), {"chips": {"p": [7, 0, 0, 0]}}) == value + 7 * 8
    row = {"pool": "p", "slice_chips": 3, "prices": [5, 5, 5, 5]}  # 8 // 3 = 2 in each of 4 periods
    assert stranger.bound(one_job(), {"slices": [row]}) == value + 4 * 2 * 5 - 2 * 2 * 5
    row = {"row": "chips", "of": "p", "divisor": 3, "prices": [5, 5, 5, 5]}
    assert stranger.bound(one_job(), {"rounding": [row]}) == value + 4 * 2 * 5 - 2 * 2 * 5
    row = {"row": "power", "of": "s", "divisor": 4_000, "prices": [5, 5, 5, 5]}  # room 6 000 W
    assert stranger.bound(one_job(), {"rounding": [row]}) == value + 4 * 5 - 2 * 5


def test_rounding_rows_of_a_quota_bound_by_hand() -> None:
    jobs = [one_job()["jobs"][0] | {"id": name, "tenant": "t"} for name in "ab"]
    data = one_job(jobs=jobs, tenants={"t": {"quota_chips": 15}})
    row = {"row": "quota", "of": "t", "divisor": 8, "prices": [5, 5, 5, 5]}  # 15 // 8 = 1 at once
    assert stranger.bound(data, {"rounding": [row]}) == 2 * (50 * 10**9 - 2 * 5) + 4 * 5


def test_cover_rows_bound_by_hand() -> None:
    jobs = [one_job()["jobs"][0] | {"id": name} for name in "abc"]
    items = [
        {"job": name, "coefficient": c, "least": 3}
        for name, c in zip("abc", (1, 1, 2), strict=True)
    ]
    row = {"row": "chips", "of": "p", "begin": 1, "prices": [5, 5], "items": items}
    most = (
        3  # of 8 chips two have room, a or b beside c; each runs 2 of 4 hours, outside 1 and 2 not
    )
    paid = sum(5 * c for c in (1, 1, 2))
    assert (
        stranger.bound(one_job(jobs=jobs), {"covers": [row]})
        == 3 * 50 * 10**9 + 2 * most * 5 - paid
    )


def test_a_job_that_waits_pays_its_predecessor_by_hand() -> None:
    gang, usd = {"chips": 8, "slice_chips": 8, "one_off_usd": 30.0}, 10**9
    first = one_job()["jobs"][0] | {"id": "first", "value_usd": 0.0, "gangs": [gang]}
    second = one_job()["jobs"][0] | {"id": "second", "predecessors": ["first"]}
    data = one_job(jobs=[first, second])
    assert stranger.bound(data, {}) == 50 * usd  # the one without the other
    assert stranger.bound(data, {"precedence": {"second": {"first": 30 * usd}}}) == 20 * usd
    assert stranger.bound(data, {"precedence": {"second": {"first": 50 * usd}}}) == 20 * usd
    assert stranger.bound(data, {"precedence": {"first": {"second": 1}}}) is None


def test_a_certificate_of_rows_that_do_not_exist_proves_nothing() -> None:
    data = one_job()
    assert stranger.bound(data, {"power": {"s": [-1, 0, 0, 0]}}) is None
    assert stranger.bound(data, {"power": {"s": [0.5, 0, 0, 0]}}) is None
    assert stranger.bound(data, {"power": {"s": [0, 0, 0]}}) is None
    assert stranger.bound(data, {"power": {"elsewhere": [0, 0, 0, 0]}}) is None
    assert stranger.bound(data, {"permits": {"s/grid": 1}}) is None
    data["pools"]["p"] = {"site": "s", "chip": "c", "count": 8}
    row = {"pool": "p", "slice_chips": 8, "prices": [1, 1, 1, 1]}
    assert stranger.bound(data, {"slices": [row]}) is None


def test_a_must_job_without_a_column_has_no_bound() -> None:
    data = one_job(job={"must": True}, grid={"cap_mw": 0.009999})
    assert stranger.bound(data, {}) is None
    assert brute.optimum(data) == (None, [])


@pytest.mark.parametrize(
    ("how", "expected"),
    [("min", [1, 1, 3, 3]), ("max", [1, 3, 3, 3]), ("mean", [1.0, 2.5, 3.0, 3.0])],
)
def test_a_step_inside_a_period_counts_by_its_kind(how: str, expected: list[float]) -> None:
    for moment in (2.5, "2026-03-01T02:30:00Z", "2026-03-01T03:30:00+01:00"):
        steps = [{"value": 1.0}, {"from": moment, "value": 3.0}]
        assert stranger.series(steps, HORIZON, how) == expected


def test_a_series_begins_with_what_holds_at_the_start() -> None:
    steps = [{"from": -9.0, "value": 1.0}, {"from": -2.0, "value": 2.0}, {"from": 99, "value": 3.0}]
    assert stranger.series(steps, HORIZON, "min") == [2.0] * 4
    assert stranger.series(7, HORIZON, "mean") == [7.0] * 4


def test_a_call_lowers_the_cap_in_every_period_it_touches() -> None:
    data = one_job(grid={"calls": [{"from": 3.0, "until": 4.5, "cap_mw": 0.003}]})
    world = stranger.World(data)
    assert world.supplies["s", "grid"].cap_w == [10_000, 3_000, 3_000, 10_000]
    assert world.sites["s"].called == [False, True, True, False]


def test_a_pausing_gang_holds_its_chips_and_pays_its_restart_once() -> None:
    gang = {"chips": 8, "slice_chips": 8, "pauses_at_calls": True, "restart_usd": 1.5}
    data = one_job(
        job={"gangs": [gang]}, grid={"calls": [{"from": 3.0, "until": 4.5, "cap_mw": 0.003}]}
    )
    world = stranger.World(data)
    mode = world.modes[0][0]
    assert world.ends(mode) == [4, None, None, None]
    best, placements = brute.optimum(data)
    assert best == (50 - 1.5) * 10**9 - (2 * 10_000 + 2 * 2_500) * 200_000
    assert (placements[0]["start"], placements[0]["end"]) == (0, 4)
    # at the price of energy the bound is tight: chips are held, and paid for, in all four periods
    certificate = {"power": {"s": [200_000] * 4}, "chips": {"p": [10] * 4}}
    assert stranger.bound(data, certificate) == best


def test_demands_round_up_and_caps_down_past_float_noise() -> None:
    assert stranger.demand_w(0.1 + 0.2) == 300
    assert stranger.demand_w(0.3001) == 301
    data = one_job(grid={"cap_mw": 0.1 + 0.2})
    assert stranger.World(data).supplies["s", "grid"].cap_w == [300_000] * 4
    data = one_job(grid={"cap_mw": 0.0100009, "price_usd_per_mwh": 0.00025})
    world = stranger.World(data)
    assert world.supplies["s", "grid"].cap_w == [10_000] * 4
    assert world.supplies["s", "grid"].energy == [0] * 4  # 0.5 to the even number


def test_moments_round_into_the_window() -> None:
    data = one_job(job={"release": 1.0, "deadline": 7.0, "due": 5.0, "late_usd_per_hour": 2.0})
    world = stranger.World(data)
    mode = world.modes[0][0]
    assert (mode.first, mode.end_by) == (1, 3)
    assert world.once(data["jobs"][0], mode, 1, 3) == (4 * 10**9, 0)


def test_the_rate_between_rows_is_log_log_and_outside_scales() -> None:
    rates = [
        {"chip": "c", "slice_chips": 1, "chips": n, "work_per_hour": w} for n, w in ((1, 1), (4, 3))
    ]
    workload = {"rates": rates, "scaling_exponent": 0.5, "goodput": [{"chips": 5, "share": 0.5}]}
    assert stranger.rate_of(workload, "c", None, 1, 2) == pytest.approx(3**0.5)
    assert stranger.rate_of(workload, "c", None, 1, 16) == pytest.approx(3 * 2 * 0.5)
    assert stranger.rate_of(workload, "c", None, 2, 2) is None


def test_a_permit_goes_to_the_largest_savings() -> None:
    turbine = {
        "kind": "turbine",
        "cap_mw": 0.005,
        "price_usd_per_mwh": [90.0, 50.0, 100.0, 80.0],
        "permit": {"mwh": 0.012},
    }
    data = one_job()
    data["sites"]["s"]["supplies"]["turbine"] = turbine
    world = stranger.World(data)
    assert world.supplies["s", "turbine"].permit == 6_000
    given = brute_power.cheapest_dispatch(world, "s", [5_000, 5_000, 11_000, 0])
    assert given == {"grid": [5_000, 0, 10_000, 0], "turbine": [0, 5_000, 1_000, 0]}
    assert brute_power.cheapest_dispatch(world, "s", [5_000, 14_000, 13_001, 0]) is None


# ---- spoiled plans ------------------------------------------------------------------------------


def spoiled(data: Data, **changes: Any) -> list[str]:
    """Return the violations of the optimum's plan with its first placement changed."""
    plan = brute.plan(data, brute.optimum(data)[1])
    plan["placements"][0] |= changes
    violations: list[str] = stranger.verify(data, plan)["violations"]
    return violations


def test_a_spoiled_placement_is_found() -> None:
    assert spoiled(one_job()) == []
    assert "one_placement" in spoiled(one_job(), job="nobody")
    assert "one_placement" in spoiled(one_job(), mode=7)
    assert "window" in spoiled(one_job(), start=3)
    assert "window" in spoiled(one_job(), end=3)
    assert spoiled(one_job(), domains=[[[1, 1]]]) == ["domain_fit"]
    assert spoiled(one_job(), domains=[[]]) == ["domain_fit"]


def test_a_spoiled_dispatch_is_found() -> None:
    data = one_job()
    plan = brute.plan(data, brute.optimum(data)[1])
    less, more = copy.deepcopy(plan), copy.deepcopy(plan)
    less["dispatch"]["s"]["grid"][0] -= 1
    more["dispatch"]["s"]["grid"][0] = 10_001
    assert stranger.verify(data, less)["violations"] == ["power_cap"]
    assert stranger.verify(data, more)["violations"] == ["supply"]
    assert stranger.verify(data, plan | {"dispatch": {}})["violations"] == ["supply"]


def test_what_a_plan_says_of_itself_is_compared() -> None:
    data = one_job()
    plan = brute.plan(data, brute.optimum(data)[1])
    said = stranger.verify(data, plan)
    honest = {"objective": said["parts"], "bound": said["bound"], "gap": said["gap"]}
    assert stranger.verify(data, plan | honest)["untrue"] == []
    assert stranger.verify(data, plan | honest | {"bound": 1})["untrue"] == ["bound"]
