"""Just legal, just illegal: for every rule a pair of instances or plans, one unit apart.

At the limit both judges pass a plan by hand and the engine places; one unit beyond it both judges
name that rule alone, and the engine does not place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import judged
import pytest
from judged import by_hand, job, placed, solved, world

from optimizer.place import check as check_module
from optimizer.place.plan import Rule

if TYPE_CHECKING:
    from optimizer.domain.modes import Mode

Data = dict[str, Any]


def passes(data: Data, *placements: Data) -> bool:
    """Return whether both judges find nothing wrong with a plan by hand."""
    plan = by_hand(data, *placements)
    return not judged.wrong(data, plan) | judged.strange(data, plan)


def names(data: Data, *placements: Data) -> set[str]:
    """Return what both judges find wrong with a plan whose supplies give all; they must agree."""
    plan = by_hand(data, *placements, is_generous=True)
    assert judged.wrong(data, plan) == judged.strange(data, plan)
    return judged.wrong(data, plan)


def runs(data: Data) -> set[str]:
    """Return the jobs that the engine places."""
    return {p.job for p in solved(data).placements}


def test_one_word_names_a_rule_everywhere() -> None:
    checks = {n.removeprefix("check_") for n in vars(check_module) if n.startswith("check_")}
    assert checks == {rule.value for rule in Rule}
    assert {rule.name.lower() for rule in Rule} == {rule.value for rule in Rule}
    here = "".join(name for name in globals() if name.startswith("test_"))
    assert [rule for rule in Rule if f"test_{rule}_" not in here] == []


# ---- one_placement and window -------------------------------------------------------------------


def test_one_placement_is_once_and_not_twice() -> None:
    data = world(job("a"), count=2)
    assert passes(data, placed("a", 0, 2))
    assert names(data, placed("a", 0, 2), placed("a", 2, 4)) == {"one_placement"}
    assert len(solved(data).placements) == 1


def test_one_placement_asks_for_every_must_job() -> None:
    cheap, must = job("a", value_usd=0.0), job("a", value_usd=0.0, must=True)
    assert passes(world(cheap))
    assert names(world(must)) == {"one_placement"}
    assert (runs(world(cheap)), runs(world(must))) == (set(), {"a"})


def test_one_placement_keeps_running_jobs_where_they_are() -> None:
    part = {"pool": "p", "slice_chips": 8, "slices": 1, "domains": [[1, 1]]}
    data = world({"id": "r", "running": {"parts": [part], "periods_left": 2}}, count=2)
    assert passes(data, placed("r", 0, 2, [1]))
    assert names(data, placed("r", 0, 2, [0])) == {"one_placement"}
    assert names(data, placed("r", 1, 3, [1])) == {"one_placement"}
    assert names(data) == {"one_placement"}
    assert solved(data).placements[0].domains == (((1, 1),),)


@pytest.mark.parametrize(("late", "is_placed"), [({}, True), ({"deadline": 2.99}, False)])
def test_window_is_as_long_as_the_run(late: Data, is_placed: bool) -> None:
    data = world(job("a", **({"release": 1.0, "deadline": 3.0} | late)))
    assert runs(data) == ({"a"} if is_placed else set())
    assert bool(judged.read(data).modes(0)) == is_placed


def test_window_holds_from_release_to_deadline() -> None:
    data = world(job("a", release=1.0, deadline=4.0), periods=5)
    assert passes(data, placed("a", 1, 3))
    assert passes(data, placed("a", 2, 4))
    assert names(data, placed("a", 0, 2)) == {"window"}
    assert names(data, placed("a", 3, 5)) == {"window"}


def test_window_wants_the_end_that_follows_from_the_start() -> None:
    data = world(job("a"))
    assert passes(data, placed("a", 1, 3))
    assert names(data, placed("a", 1, 2)) == names(data, placed("a", 1, 4)) == {"window"}
    assert names(data, placed("a", 3, 5)) == {"window"}


# ---- chips and domains --------------------------------------------------------------------------


def test_pool_capacity_of_a_chip_count_is_its_chips() -> None:
    fits = world(job("a", (5, 1)), job("b", (3, 1)), size=1, count=8, periods=2)
    over = world(job("a", (5, 1)), job("b", (4, 1)), size=1, count=8, periods=2)
    both = placed("a", 0, 2, []), placed("b", 0, 2, [])
    assert passes(fits, *both)
    assert names(over, *both) == {"pool_capacity"}
    assert (len(runs(fits)), len(runs(over))) == (2, 1)


def test_pool_capacity_leaves_the_spares_free() -> None:
    fits = world(job("a", (5, 1)), size=1, count=8, pool={"spares": 3})
    over = world(job("a", (5, 1)), job("b", (1, 1)), size=1, count=8, pool={"spares": 3}, periods=2)
    assert passes(fits, placed("a", 0, 2, []))
    assert names(over, placed("a", 0, 2, []), placed("b", 0, 2, [])) == {"pool_capacity"}
    assert (len(runs(fits)), len(runs(over))) == (1, 1)


def test_domain_fit_fills_a_domain_to_the_last_chip() -> None:
    fits = [job(name, (size, 1)) for name, size in (("a", 5), ("b", 5), ("c", 3), ("d", 3))]
    over = [job(name, (size, 1)) for name, size in (("a", 5), ("b", 5), ("c", 5))]
    data = world(*fits, count=2, periods=2)
    assert passes(data, *(placed(n, 0, 2, [i]) for n, i in zip("abcd", (0, 1, 0, 1), strict=True)))
    assert runs(data) == set("abcd")
    data = world(*over, count=2, periods=2)
    for i in (0, 1):
        last = placed("c", 0, 2, [i])
        assert names(data, placed("a", 0, 2, [0]), placed("b", 0, 2, [1]), last) == {"domain_fit"}
    assert len(runs(data)) == 2


def test_domain_fit_wants_ids_that_are_there_for_the_whole_run() -> None:
    pool = {"spares": 1, "maintenance": [{"domains": [[1, 1]], "from": 2.5, "until": 3.0}]}
    count = [{"value": 4}, {"from": 2.0, "value": 5}]
    data = world(job("a"), count=count, pool=pool)
    assert passes(data, placed("a", 0, 2, [2]))
    assert passes(data, placed("a", 2, 4, [3]))
    assert passes(data, placed("a", 0, 2, [1]))
    assert names(data, placed("a", 0, 2, [3])) == {"domain_fit"}  # a spare, then
    assert names(data, placed("a", 1, 3, [1])) == {"domain_fit"}  # in maintenance from 2 on
    assert names(data, placed("a", 2, 4, [4])) == {"domain_fit"}  # a spare
    assert names(data, placed("a", 2, 4, [5])) == {"domain_fit"}  # not there


def test_domain_fit_wants_an_id_for_every_slice() -> None:
    data = world(job("a", (8, 2)), count=3)
    assert passes(data, placed("a", 0, 2, [0, 2]))
    assert names(data, placed("a", 0, 2, [0])) == {"domain_fit"}
    assert names(data, placed("a", 0, 2, [0, 1, 2])) == {"domain_fit"}
    assert names(data, placed("a", 0, 2, [0, 1], [2])) == {"domain_fit"}
    assert runs(world(job("a", (8, 2)), job("b", (8, 2)), count=3, periods=2)) in ({"a"}, {"b"})


# ---- power --------------------------------------------------------------------------------------

# eight chips in training draw 8 kW, 10 kW at the meter; idle 2 kW, 2.5 kW at the meter


def test_power_cap_binds_exactly_at_the_cap() -> None:
    fits, over = (world(job("a"), grid={"cap_mw": cap}) for cap in (0.01, 0.009999))
    assert passes(fits, placed("a", 0, 2))
    assert names(over, placed("a", 0, 2)) == {"power_cap"}
    assert (runs(fits), runs(over)) == ({"a"}, set())


def test_power_cap_counts_idle_chips_and_other_load() -> None:
    site = {"other_load_mw": 0.001}
    fits, over = (
        world(job("a"), count=2, grid={"cap_mw": cap}, site=site) for cap in (0.0135, 0.013499)
    )
    assert passes(fits, placed("a", 0, 2))
    assert names(over, placed("a", 0, 2)) == {"power_cap"}
    assert (runs(fits), runs(over)) == ({"a"}, set())


def test_power_cap_is_lower_in_a_called_period() -> None:
    calls = [{"from": 1.5, "until": 2.0, "cap_mw": 0.009999}]
    data = world(job("a"), grid={"cap_mw": 0.01, "calls": calls})
    assert passes(data, placed("a", 2, 4))
    assert names(data, placed("a", 1, 3)) == {"power_cap"}
    assert [(p.start, p.end) for p in solved(data).placements] == [(2, 4)]


def test_power_cap_wants_a_dispatch_that_serves_the_load() -> None:
    data = world(job("a"))
    plan = by_hand(data, placed("a", 0, 2))
    assert plan["dispatch"]["s"]["grid"] == [10_000, 10_000, 2_500, 2_500]
    plan["dispatch"]["s"]["grid"][1] -= 1
    plan = judged.claimed(data, plan)
    assert judged.wrong(data, plan) == judged.strange(data, plan) == {"power_cap"}


def test_supply_gives_no_more_than_its_cap() -> None:
    data = world(job("a"), grid={"cap_mw": 0.02})
    for most, said in ((20_000, set[str]()), (20_001, {"supply"})):
        plan = by_hand(data, placed("a", 0, 2))
        plan["dispatch"]["s"]["grid"][3] = most
        plan = judged.claimed(data, plan)
        assert judged.wrong(data, plan) == judged.strange(data, plan) == said


@pytest.mark.parametrize(
    ("permit", "less"),
    [({"mwh": 0.025}, {"mwh": 0.024999}), ({"run_hours": 2.5}, {"run_hours": 2.4999})],
)
def test_supply_keeps_its_permit_to_the_last_watt(permit: Data, less: Data) -> None:
    fits, over = (world(job("a"), grid={"cap_mw": 0.01, "permit": each}) for each in (permit, less))
    assert passes(fits, placed("a", 0, 2))
    assert names(over, placed("a", 0, 2)) == {"supply"}
    plan = by_hand(fits, placed("a", 0, 2))
    plan["dispatch"]["s"]["grid"][3] += 1
    plan = judged.claimed(fits, plan)
    assert judged.wrong(fits, plan) == judged.strange(fits, plan) == {"supply"}
    assert (runs(fits), runs(over)) == ({"a"}, set())


BATTERY: Data = {
    "kind": "battery",
    "cap_mw": 0.001,
    "price_usd_per_mwh": 0.0,
    "storage": {
        "energy_mwh": 0.002,
        "in_mw": 0.001,
        "efficiency_in": 0.8,
        "efficiency_out": 1.0,
        "start_mwh": 0.0012,
    },
}
"""Full after one hour of 1 kW; `test_power` has the other limits."""


def test_battery_is_full_to_the_last_watt() -> None:
    grid = {"kind": "grid", "cap_mw": 1.0, "price_usd_per_mwh": 100.0}
    data = world(job("a"), site={"supplies": {"grid": grid, "battery": BATTERY}})
    for more, said in ((0, set[str]()), (1, {"battery"})):
        plan = by_hand(data, placed("a", 0, 2))
        plan["charge"] = {"s": {"battery": [999, 1 + more, 0, 0]}}
        plan["dispatch"]["s"] = {"grid": [20_000] * 4, "battery": [0] * 4}
        plan = judged.claimed(data, plan)
        assert judged.wrong(data, plan) == judged.strange(data, plan) == said


# ---- where a job may run ------------------------------------------------------------------------


def turned(data: Data, to: Data, *placements: Data) -> set[str]:
    """Return what the checker says of a plan of one instance when the world has turned another.

    What residency and compatibility exclude has no number, so no plan file can name it: the modes
    stay those of `data`, the rest is that of `to`.
    """
    before, after = judged.read(data), judged.read(to)
    plan = judged.as_plan(by_hand(data, *placements))
    modes: list[tuple[Mode, ...]] = [before.modes(j) for j in range(len(before.jobs))]
    after.__dict__["_known"] = {j: (each, ()) for j, each in enumerate(modes)}
    after.__dict__["table"] = before.table
    after.__dict__["hash"] = before.hash
    return {v.rule for v in check_module.check(after, plan).violations}


@pytest.mark.parametrize("key", ["countries", "owners"])
def test_residency_admits_what_is_named_and_nothing_else(key: str) -> None:
    kinds: list[Data] = [{}, {key: ["US", "own"]}, {key: ["DE", "rented"]}]
    free, fits, over = (world(job("a", **more), site={"owner": "own"}) for more in kinds)
    assert passes(fits, placed("a", 0, 2))
    assert turned(free, over, placed("a", 0, 2)) == {"residency"}
    assert [r.rule for r in judged.read(over).refusals(0)] == ["residency"]
    assert (runs(fits), runs(over)) == ({"a"}, set())


def trained(min_hbm_gb: float) -> Data:
    """Return a world whose job is derived from a workload that needs so much memory."""
    rate = {"chip": "c", "domain": "d", "slice_chips": 8, "chips": 8, "work_per_hour": 1.0}
    workload = {"unit": "u", "min_hbm_gb": min_hbm_gb, "rates": [rate]}
    gangs = [{"chips": 8, "slice_chips": 8}]
    one = {"id": "a", "workload": "w", "work": 2.0, "gangs": gangs, "value_usd": 100.0}
    return world(one, workloads={"w": workload})


def test_compatibility_asks_for_memory_to_the_last_byte() -> None:
    fits, over = trained(80.0), trained(80.001)
    assert passes(fits, placed("a", 0, 2))
    assert turned(fits, over, placed("a", 0, 2)) == {"compatibility"}
    assert [r.rule for r in judged.read(over).refusals(0)] == ["compatibility"]
    assert (runs(fits), runs(over)) == ({"a"}, set())


# ---- precedence, budget, quota, spread, moves ---------------------------------------------------


def test_precedence_lets_a_job_start_when_the_other_is_done() -> None:
    jobs = job("a"), job("b", predecessors=["a"])
    data = world(*jobs, count=2)
    assert passes(data, placed("a", 0, 2), placed("b", 2, 4))
    assert names(data, placed("a", 0, 2), placed("b", 1, 3, [1])) == {"precedence"}
    assert names(data, placed("b", 2, 4)) == {"precedence"}
    assert runs(data) == {"a", "b"}
    assert runs(world(*jobs, count=2, periods=3)) == {"a"}


def test_budget_is_kept_to_the_last_thousandth() -> None:
    jobs = [job(name, mode={"uses": {"b": 1.5}}) for name in "xy"]
    fits, over = (world(*jobs, budgets={"b": {"limit": limit}}) for limit in (3.0, 2.999))
    both = placed("x", 0, 2), placed("y", 2, 4)
    assert passes(fits, *both)
    assert names(over, *both) == {"budget"}
    assert (len(runs(fits)), len(runs(over))) == (2, 1)


def test_budget_counts_the_chip_hours_of_its_tenants() -> None:
    jobs = [job(name, tenant="t") for name in "xy"]
    fits, over = (
        world(*jobs, tenants={"t": {}}, budgets={"b": {"limit": limit, "chip_hours_of": ["t"]}})
        for limit in (32.0, 31.999)
    )
    both = placed("x", 0, 2), placed("y", 2, 4)
    assert passes(fits, *both)
    assert names(over, *both) == {"budget"}
    assert (len(runs(fits)), len(runs(over))) == (2, 1)


def test_quota_is_kept_to_the_last_chip() -> None:
    jobs = [job(name, (size, 1), tenant="t") for name, size in (("x", 5), ("y", 3))]
    fits, over = (
        world(*jobs, count=2, periods=2, tenants={"t": {"quota_chips": quota}}) for quota in (8, 7)
    )
    both = placed("x", 0, 2, [0]), placed("y", 0, 2, [1])
    assert passes(fits, *both)
    assert names(over, *both) == {"quota"}
    assert (len(runs(fits)), len(runs(over))) == (2, 1)


@pytest.mark.parametrize(("share", "most"), [(0.67, 2), (0.66, 1), (0.01, 1), (1.0, 3)])
def test_spread_is_a_share_of_all_jobs_of_the_group(share: float, most: int) -> None:
    three = [job(name, group="g") for name in "xyz"]
    data = world(*three, count=3, spreads={"g": {"share": share}})
    ids = [placed(name, 0, 2, [i]) for i, name in enumerate("xyz")]
    assert passes(data, *ids[:most])
    assert most == 3 or names(data, *ids[: most + 1]) == {"spread"}
    assert len(runs(data)) == most


def test_spread_counts_a_job_at_every_site_it_has_a_part_at() -> None:
    both = {"modes": [{"parts": [_part("p"), _part("q")], "hours": 2.0, "link": "fibre"}]}
    data = judged.two_sites(
        job("x", group="g") | both,
        job("y", (4, 1, "q"), group="g"),
        job("z", (4, 1, "q")),
        spreads={"g": {"share": 0.5}},
    )
    assert passes(data, placed("y", 0, 2), placed("z", 0, 2))
    assert names(data, placed("x", 0, 2, [0], [0]), placed("y", 2, 4)) == {"spread"}
    assert len(runs(data)) == 2


def _part(pool: str) -> Data:
    return {"pool": pool, "slice_chips": 4, "slices": 1}


def test_moves_are_at_most_so_many() -> None:
    """Two racks with a call from the start; both jobs could go on at the other site."""
    fits, over = (judged.movers(at_most) for at_most in (2, 1))
    both = [placed(name, 0, 2, [i], mode=1) for i, name in enumerate("xy")]
    assert passes(fits, *both)
    assert names(over, *both) == {"moves"}
    assert {p.mode for p in solved(fits).placements} == {1}
    assert sorted(p.mode for p in solved(over).placements) == [0, 1]


def test_moves_are_none_where_the_instance_says_nothing_of_them() -> None:
    data = judged.movers(2)
    del data["moves"]
    assert [len(judged.read(data).modes(j)) for j in (0, 1)] == [1, 1]
    stays = [placed(name, 0, 2, [i]) for i, name in enumerate("xy")]
    assert passes(data, *stays)
