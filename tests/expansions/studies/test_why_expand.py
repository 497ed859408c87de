"""Why builds and contracts are left out, and the price that turns it; held against every plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from few_plans import DOLLAR, EXACT, world
from judged_expand import every, solved
from tiny_expand import made

from optimizer.domain.changes.patch import Change, patch
from optimizer.errors import PlanError
from optimizer.expand.answer import arrays_of
from optimizer.expand.check import check
from optimizer.expand.evaluate import evaluate
from optimizer.expand.plan import Options, Step
from optimizer.expand.why.out import outs
from optimizer.expand.why.turn import changes_at
from optimizer.questions import EXPAND
from service.cli.main import main
from service.render.terminal import terminal

if TYPE_CHECKING:
    from pathlib import Path

    from optimizer.domain.instance import Instance
    from optimizer.expand.why.out import Out

GAS: dict[str, Any] = {
    "kind": "turbine", "sites": ["s"], "cap_mw": 10.0, "cost_usd": 1.2e6, "max_units": 1,
    "price_usd_per_mwh": 90.0, "resale_usd": 400_000.0,
}  # fmt: skip
CLOUD: dict[str, Any] = {
    "kind": "cloud", "start": "2027-04-01", "periods": 2, "units": 900.0,
    "usd_per_unit_hour": 1.0, "penalty_usd_per_unit_hour": 0.5,
}  # fmt: skip


def dear() -> Instance:
    """Return a world with a turbine that is too dear and a contract that pays too little."""
    data = world()
    data["expand"]["builds"]["gas"] = dict(GAS)
    data["expand"]["contracts"] = {"tenant": dict(CLOUD)}
    return made(data)


def best(instance: Instance, name: str) -> tuple[float, float]:
    """Return what the best plans with and without a build or contract are worth [USD]."""
    arrays, with_it, without = arrays_of(instance, Options()), -np.inf, -np.inf
    places = [arrays.growth.builds[u].name for u, _ in arrays.places]
    names = [c.name for c in arrays.growth.contracts]
    for decision in every(arrays, 1, len(names)):
        units = [sum(n for (p, _), n in decision.orders.items() if p == q) for q in range(4)]
        if any(n > arrays.build(p).max_units for p, n in enumerate(units)):
            continue
        has = {x for x, n in zip(places, units, strict=True) if n}
        has |= {names[i] for i in decision.signed}
        value = float(arrays.odds @ evaluate(arrays, decision).values)
        if name in has:
            with_it = max(with_it, value)
        else:
            without = max(without, value)
    return with_it, without


def by_name(reasons: tuple[Out, ...]) -> dict[str, Out]:
    return {x.job: x for x in reasons}


def test_what_one_more_costs_is_what_the_judge_says_of_the_plan_with_it() -> None:
    instance = dear()
    plan = solved(instance)
    found = by_name(outs(instance, plan))
    assert found["gas"].why in ("priced out", "idle") and found["tenant"].why == "priced out"
    assert {x.why for x in found.values() if x.job in ("grid", "hall", "racks")} == {"taken"}
    verdict = check(instance, plan.model_copy(update={"contracts": ("tenant",)}))
    assert verdict.objective is not None
    short = plan.objective.total - verdict.objective.total
    assert found["tenant"].short == pytest.approx(short, abs=DOLLAR)


def test_one_more_is_weighed_by_the_risk_that_was_asked_for() -> None:
    data = world()
    data["expand"]["builds"]["gas"] = GAS | {"cost_driver": "steel"}
    data["expand"]["drivers"]["steel"] = {}
    data["expand"]["futures"]["falls"]["drivers"]["steel"] = [0.1] * 3
    instance = made(data)
    plan = solved(instance, objective="cvar", risk="operation")
    totals = []
    for t in range(instance.growth.periods):
        more = Step(build="gas", site="s", period=t, units=1)
        verdict = check(instance, plan.model_copy(update={"orders": (*plan.orders, more)}))
        assert verdict.objective is not None
        totals.append(verdict.objective.total)
    found = by_name(outs(instance, plan))["gas"]
    assert found.short == pytest.approx(plan.objective.total - max(totals), abs=DOLLAR)


@pytest.mark.parametrize("name", ["gas", "tenant"])
def test_the_price_that_turns_it_is_that_of_all_plans(name: str) -> None:
    instance = dear()
    plan = solved(instance, **EXACT)
    reasons = EXPAND.verify(instance, plan, EXPAND.reasons(instance, plan))
    reason = by_name(reasons)[name]
    assert reason.turns is not None and reason.stays is not None
    (fix,) = reason.fixes
    changed = patch(instance, fix.changes)
    assert not check(changed, fix.plan).violations
    with_it, without = best(changed, name)
    assert with_it == pytest.approx(fix.plan.objective.total / 1e9, abs=1.0)
    assert with_it >= without - 1.0
    worse = reason.turns + (1 - reason.turns) * 1e-3
    with_it, without = best(patch(instance, changes_at(instance, reason, worse)), name)
    assert with_it < without


def test_what_no_price_brings_in_is_said_to_be_so() -> None:
    data = world()
    data["expand"]["builds"]["gas"] = GAS | {"price_usd_per_mwh": 90_000.0, "resale_usd": 0.0}
    data["expand"]["builds"]["late"] = GAS | {"lead_periods": 9}
    instance = made(data)
    plan = solved(instance, **EXACT)
    found = by_name(EXPAND.verify(instance, plan, EXPAND.reasons(instance, plan)))
    assert found["gas"].why == "idle" and found["late"].why == "too late"
    assert found["gas"].turns is None
    told = terminal(EXPAND.explain(instance, plan, None, tuple(found.values())))
    assert "lead_time" in told


def test_a_rule_that_leaves_no_room_is_named() -> None:
    data = world(finance={"cash_usd": 0.0, "debt_usd": 0.0, "interest_per_year": 0.1})
    instance = made(data)
    plan = solved(instance, **EXACT)
    assert not plan.orders
    rich = made(world())
    rich_plan = solved(rich, **EXACT)
    one_less = rich_plan.model_copy(
        update={"orders": tuple(s for s in rich_plan.orders if s.build != "racks")}
    )
    open_ = by_name(outs(rich, one_less))
    assert open_["racks"].why == "gap"
    poor = patch(rich, [Change("/expand/supply_chips", {"c": 0})])
    shut = by_name(outs(poor, one_less.model_copy(update={"instance_hash": poor.hash})))
    assert shut["racks"].why == "no room" and "supply" in shut["racks"].said


def test_explain_compare_and_patch_take_expansions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "o"
    assert main(["expand", "nscale-uk", "--plan", "both", "--out", str(out)]) == 0
    capsys.readouterr()
    plan = str(out / "plan.json")
    assert main(["explain", "nscale-uk", plan]) == 0
    said = capsys.readouterr().out
    assert "Named plans beside it" in said and "is in the plan" in said
    assert main(["explain", "nscale-uk", plan, "nobody"]) == 2
    assert "not a build or contract" in capsys.readouterr().err
    instance = made(world())
    one, other = solved(instance, **EXACT), solved(instance, draw=5)
    assert "two plans compared" in terminal(EXPAND.compare(instance, one, one))
    with pytest.raises(PlanError, match="different futures"):
        EXPAND.compare(instance, one, other)
