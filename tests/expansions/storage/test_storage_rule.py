"""The rule of batteries with storage: just legal, just illegal; and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tiny_expand import base, called, changed, made

from optimizer.errors import InstanceError
from optimizer.expand.check import check
from optimizer.expand.plan import Cycle
from optimizer.expand.studies.named import valued

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.expand.plan import ExpandPlan

MW = 1_000_000


def order(build: str, units: int, at: str = "2027-01-01") -> dict[str, Any]:
    """Return an order at the only site."""
    return {"build": build, "site": "s", "at": at, "units": units}


@pytest.fixture(scope="module")
def instance() -> Instance:
    """Return a plan with two batteries of 2 MW and 8 MWh, that come in the second quarter."""
    data = called(0.8, in_mw=0.5)
    data["expand"]["builds"]["battery"]["lead_periods"] = 1
    data["sites"]["s"]["pue"] = 1.0
    orders = [order("grid", 1), order("hall", 1), order("racks", 2), order("battery", 2)]
    return made(changed(data, "expand/plans", {"p": {"orders": orders}}))


@pytest.fixture(scope="module")
def plan(instance: Instance) -> ExpandPlan:
    """Return it as the engine values it."""
    return valued(instance, "p")


def with_cycle(plan: ExpandPlan, **changes: Any) -> ExpandPlan:
    """Return a plan whose batteries do something else in the last period."""
    *rest, last = plan.cycles
    return plan.model_copy(update={"cycles": (*rest, last.model_copy(update=changes))})


def breaks(instance: Instance, plan: ExpandPlan) -> list[str]:
    """Return what of the rule a plan breaks; nothing else but its figures may be wrong."""
    found = check(instance, plan).violations
    assert {v.rule for v in found} <= {"storage", "objective", "gap", "bound", "status"}
    return [v.found for v in found if v.rule == "storage"]


def test_batteries_charge_outside_the_hours_of_calls_and_give_in_them(
    instance: Instance, plan: ExpandPlan
) -> None:
    assert check(instance, plan).is_good
    assert [c.period for c in plan.cycles] == [1, 2, 3], "they come in the second quarter"
    for cycle in plan.cycles:
        assert cycle.charge_w[0] == 0 and cycle.discharge_w[1] == 0
        assert cycle.discharge_w[0] == 2 * MW  # what 2,000 chips of 1 kW want
        assert 0 <= cycle.charge_w[1] * 7 * 0.64 - cycle.discharge_w[0] < 7


CASES: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"charge_w": (0, MW)}, {"charge_w": (0, MW + 1)}, "charged with 1000001 W"),
    (
        {"charge_w": (0, MW), "discharge_w": (4 * MW, 0)},
        {"charge_w": (0, MW), "discharge_w": (4 * MW + 1, 0)},
        "gives 4000001 W",
    ),
    (
        {"charge_w": (0, 446_429), "discharge_w": (2 * MW, 0)},
        {"charge_w": (0, 446_428), "discharge_w": (2 * MW, 0)},
        "gives 250000 W on average",
    ),
    ({"charge_w": (0, 0), "discharge_w": (0, 0)}, {"charge_w": (1, 0), "discharge_w": (0, 0)},
     "1 W of other load and charging"),
]  # fmt: skip


@pytest.mark.parametrize(("good", "bad", "said"), CASES)
def test_storage_holds_to_a_watt(
    instance: Instance, plan: ExpandPlan, good: dict[str, Any], bad: dict[str, Any], said: str
) -> None:
    assert breaks(instance, with_cycle(plan, **good)) == []
    assert said in breaks(instance, with_cycle(plan, **bad))


def test_storage_limits_what_is_given_in_a_day() -> None:
    data = called(0.8, in_mw=2.0, cycles_per_day=0.5)  # 8 x 0.8 x 0.5 / 24 MW on average
    orders = [order("grid", 1), order("battery", 3)]
    instance = made(changed(data, "expand/plans", {"p": {"orders": orders}}))
    cycle = Cycle(
        future="as planned", period=0, build="battery", site="s",
        charge_w=(0, 2 * MW), discharge_w=(0, 0),
    )  # fmt: skip
    mean = 3 * 133_333
    for watts, is_good in ((8 * mean, True), (8 * mean + 1, False)):
        of = valued(instance, "p")
        steps = [cycle.model_copy(update={"discharge_w": (watts, 0)})]
        assert (breaks(instance, of.model_copy(update={"cycles": tuple(steps)})) == []) is is_good


@pytest.mark.parametrize(
    "changes",
    (
        {"period": 0},  # they are not there yet
        {"period": 4},
        {"build": "grid"},
        {"site": "elsewhere"},
        {"future": "another"},
        {"charge_w": (0, 0, 0)},
    ),
)
def test_storage_refuses_what_no_battery_can_do(
    instance: Instance, plan: ExpandPlan, changes: dict[str, Any]
) -> None:
    assert breaks(instance, with_cycle(plan, **changes))


def test_storage_refuses_what_is_said_twice(instance: Instance, plan: ExpandPlan) -> None:
    assert breaks(instance, plan.model_copy(update={"cycles": (*plan.cycles, plan.cycles[-1])}))


def test_a_poor_dispatch_makes_a_plan_worse_and_never_illegal(
    instance: Instance, plan: ExpandPlan
) -> None:
    last = plan.objective.total
    for watts in (MW, 0):
        poor = with_cycle(plan, discharge_w=(watts, 0))
        verdict = check(instance, poor)
        assert verdict.objective is not None and verdict.objective.total < last
        assert breaks(instance, poor) == []
        last = verdict.objective.total
        told = poor.model_copy(update={"objective": verdict.objective})
        assert check(instance, told).is_good


STORAGE = {"energy_mwh": 4.0, "efficiency_in": 0.9, "efficiency_out": 0.9}
WRONG: list[tuple[str, Any, str]] = [
    ("grid/storage", STORAGE, "['grid'].storage: is for a battery, got a grid"),
    ("battery/availability", [1.0, 0.0], "['battery'].availability: does not go with storage"),
    ("battery/ramp", [0.5], "['battery'].ramp: does not go with storage"),
    ("battery/take_or_pay", 0.5, "['battery'].take_or_pay: does not go with storage"),
    ("battery/carbon_kg_per_mwh", 1.0, "['battery'].carbon_kg_per_mwh: does not go with storage"),
    (
        "battery/storage/efficiency_in",
        1.1,
        "storage.efficiency_in: must be less than or equal to 1",
    ),
    ("battery/storage/energy_mwh", 0.0, "storage.energy_mwh: must be greater than 0"),
]


@pytest.mark.parametrize(("path", "value", "said"), WRONG, ids=[w[0] for w in WRONG])
def test_what_is_wrong_with_storage_is_said_by_its_path(path: str, value: Any, said: str) -> None:
    with pytest.raises(InstanceError) as caught:
        made(changed(called(), f"expand/builds/{path}", value))
    assert any(said in line for line in caught.value.findings), caught.value.findings


def test_without_storage_a_battery_is_there_by_block_as_before() -> None:
    data = base()
    data["expand"]["builds"]["battery"] = called()["expand"]["builds"]["battery"]
    del data["expand"]["builds"]["battery"]["storage"]
    instance = made(changed(data, "expand/plans", {"p": {"orders": [order("battery", 1)]}}))
    plan = valued(instance, "p")
    assert plan.cycles == () and check(instance, plan).is_good
