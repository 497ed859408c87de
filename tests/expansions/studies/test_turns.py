"""What turns a plan: break-evens, tornado, alternatives, the frontier; and the commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from few_plans import DOLLAR, EXACT, asks, judged, world
from judged_expand import every, solved
from tiny_expand import base, made

from optimizer.domain.answers.cases import plan_of
from optimizer.domain.changes.patch import patch
from optimizer.domain.changes.scale import scaled
from optimizer.domain.files import write_instance
from optimizer.errors import InstanceError, Unsupported
from optimizer.expand.answer import arrays_of, objective_of
from optimizer.expand.evaluate import cents, decision_of, evaluate, looked_at
from optimizer.expand.plan import Options
from optimizer.expand.studies.alternatives import alternatives, bonus
from optimizer.expand.studies.breakeven import bridges, late_by
from optimizer.expand.studies.cases import units_of
from optimizer.expand.studies.frontier import frontier
from optimizer.expand.studies.information import information
from optimizer.expand.studies.tornado import changes_at, inputs, tornado
from optimizer.studies import Sweep
from service.cli.main import main
from service.cli.study.parsing import GROWTH

if TYPE_CHECKING:
    from pathlib import Path

    from optimizer.domain.instance import Instance
    from optimizer.expand.plan import Risk

TURBINE = {
    "kind": "turbine", "sites": ["s"], "cap_mw": 5.0, "cost_usd": 300_000.0, "max_units": 1,
    "price_usd_per_mwh": 140.0,
}  # fmt: skip


def bridged(cost: float = 300_000.0, **more: Any) -> Instance:
    """Return a world in which a turbine may stand in for the grid."""
    data = base(6)
    data["expand"]["builds"]["turbine"] = TURBINE | {"cost_usd": cost}
    data["expand"] |= more
    return made(data)


# ---- break-even ----------------------------------------------------------------------------------


def test_a_break_even_is_confirmed_on_both_sides() -> None:
    instance = bridged(2_000_000.0)
    (found,) = bridges(instance, asks(instance))
    assert (found.late, found.build, found.months) == ("grid", "turbine", 3)
    assert found.enters is not None and found.out == found.enters - 1 and found.out >= 0
    for shift, is_in in ((found.out, False), (found.enters, True)):
        late = patch(instance, late_by(instance, "grid", shift))
        assert bool(units_of(solved(late), "turbine")) == is_in
        tried = found.tried[shift]
        assert judged(tried.with_it) and judged(tried.without_it)
        assert not units_of(plan_of(tried.without_it), "turbine")
        gain = solved(late).objective.total - plan_of(tried.without_it).objective.total
        for end in (tried.worth.low, tried.worth.high):
            assert end == pytest.approx(gain, abs=2 * DOLLAR)


def test_what_pays_as_things_stand_is_asked_for_an_earlier_grid() -> None:
    futures = {"on-time": {"probability": 0.5}, "late": {"probability": 0.5, "delays": {"grid": 1}}}
    instance = bridged(100_000.0, futures=futures)
    (found,) = bridges(instance, asks(instance))
    assert found.tried[0].is_in and min(found.tried) == -1
    assert found.enters is not None and found.enters <= 0
    later = patch(instance, late_by(instance, "grid", 2))
    assert [f.delays[0] for f in later.growth.futures] == [2, 3]


def test_a_world_without_other_power_has_no_bridge() -> None:
    instance = made(world())
    with pytest.raises(InstanceError, match="no turbine"):
        bridges(instance, asks(instance))


# ---- tornado -------------------------------------------------------------------------------------


def assumed() -> Instance:
    """Return a world in which everything is assumed."""
    said = {"/expand": {"source": "assumed: a test", "kind": "assumed"}}
    return made(world(4) | {"sources": said})


def test_a_tornado_keeps_the_plan_or_seeks_it_anew() -> None:
    instance = assumed()
    found = tornado(instance, asks(instance), Sweep(1).each, Options(**EXACT), anew=3)
    plan = plan_of(found.base)
    total = plan.objective.total
    assert len(found.kept) >= 12 and len(found.anew) == 3
    widths = [s.width(total) for s in found.kept]
    assert widths == sorted(widths, reverse=True) and widths[0] > 0
    for swing in found.kept:
        for end in swing.ends():
            arrays = arrays_of(end.solved.instance, Options())
            decision = decision_of(arrays, plan.orders, plan.retirements, plan.contracts)
            value = float(arrays.odds @ evaluate(arrays, decision).values)
            assert end.total is not None and end.total == pytest.approx(value * 1e9, abs=DOLLAR)
    for kept, anew in zip(found.kept, found.anew, strict=False):
        for old, new in zip(kept.ends(), anew.ends(), strict=True):
            assert judged(new.solved) and new.total is not None and old.total is not None
            assert old.total <= new.total + DOLLAR
            best = solved(new.solved.instance).objective.total
            assert new.total == pytest.approx(best, abs=DOLLAR)


def test_inputs_are_drivers_and_numbers_that_are_assumed() -> None:
    instance = assumed()
    found = {x.name: x for x in inputs(instance)}
    assert {"demand by the end", "WACC", "price of racks", "probability of falls"} <= set(found)
    data = world(4, finance={"loan_to_cost": 0.9})
    ((share,), _) = scaled(made(data), ["/expand/finance/loan_to_cost"], 1.2)
    assert share.value == 1.0  # a share stops at all of it
    assert "units of grid" not in found  # one unit, a fifth more or less, is one unit
    high = patch(instance, changes_at(instance, found["demand by the end"], 1.5)).growth.futures
    assert high[0].factors["demand"][-1] == 1_500_000
    assert high[1].factors["demand"][-1] == 300_000  # on top of what it does there
    likely = patch(instance, changes_at(instance, found["probability of falls"], 1.2)).growth
    assert [f.ppb for f in likely.futures] == [457_142_857, 360_000_000, 182_857_143]


def test_a_plan_that_breaks_a_rule_at_an_end_says_so() -> None:
    data = world(4) | {"sources": {"/expand": {"source": "assumed: a test", "kind": "assumed"}}}
    data["expand"]["finance"] = {"cash_usd": 2e6, "debt_usd": 9e6, "loan_to_cost": 0.7,
                                 "interest_per_year": 0.1}  # fmt: skip
    instance = made(data)
    found = tornado(instance, asks(instance), Sweep(1).each, Options(**EXACT))
    broken = {s.input.name: [e.breaks for e in s.ends()] for s in found.kept}
    assert any(rules for each in broken.values() for rules in each)
    for swing in found.kept:
        for end in swing.ends():
            assert (end.solved.plan is None) == bool(end.breaks)


# ---- alternatives --------------------------------------------------------------------------------


def test_least_and_most_of_a_build_are_those_of_all_plans() -> None:
    instance = made(world())
    arrays = arrays_of(instance, Options())
    rows = []
    for decision in every(arrays):
        units = [int(sum(n for (p, _), n in decision.orders.items() if p == q)) for q in range(3)]
        if all(n <= arrays.build(p).max_units for p, n in enumerate(units)):
            rows.append((units, float(arrays.odds @ evaluate(arrays, decision).values) * 1e9))
    first, found = alternatives(instance, asks(instance), Options(**EXACT), (0.05, 0.4))
    best = plan_of(first).objective.total
    assert len(found) == 3 * 2 * 2
    for each in found:
        u = list(arrays.growth.builds).index(next(b for b in arrays.growth.builds
                                                  if b.name == each.build))  # fmt: skip
        limit = best * (1 - each.within)
        near = [units[u] for units, value in rows if value >= limit]
        assert each.units == (min(near) if each.which == "least" else max(near)), each
        assert each.limit is not None
        assert each.limit <= each.units if each.which == "least" else each.limit >= each.units
        if each.solved is not None:
            assert judged(each.solved)
            assert plan_of(each.solved).objective.total >= limit - DOLLAR


def test_a_bonus_is_worth_the_same_whenever_a_unit_is_bought_or_sold() -> None:
    data = world(4)
    data["expand"]["builds"]["racks"] |= {"may_retire": True, "resale_driver": "used"}
    data["expand"]["drivers"]["used"] = {}
    data["expand"]["futures"]["falls"]["drivers"]["used"] = 0.5
    instance = made(data)
    more = patch(instance, (bonus(instance, "racks", 1e6),))
    for orders, retired in (({(2, 0): 2.0}, {}), ({(2, 1): 2.0}, {(2, 3): 1.0})):
        worth = []
        for each in (instance, more):
            arrays = arrays_of(each, Options())
            decision = decision_of(arrays, (), (), ())
            decision.orders.update(orders)
            decision.retired.update(retired)
            worth.append(float(arrays.odds @ evaluate(arrays, decision).values))
        assert worth[1] - worth[0] == pytest.approx(2e6, abs=0.1)


def test_alternatives_are_about_expected_value() -> None:
    instance = made(world())
    with pytest.raises(Unsupported, match="expected NPV"):
        alternatives(instance, asks(instance), Options(objective="cvar"))


# ---- frontier ------------------------------------------------------------------------------------


@pytest.mark.parametrize("risk", ("total", "operation"))
def test_no_plan_beats_a_point_of_the_frontier_in_both(risk: Risk) -> None:
    instance = made(world())
    options = Options(alpha=0.4, risk=risk, **EXACT)
    found = frontier(instance, asks(instance, alpha=0.4, risk=risk), options, 5)
    arrays = arrays_of(instance, options)
    odds = [f.ppb for f in arrays.futures]
    goal = options.model_copy(update={"objective": "cvar"})
    values = [looked_at(arrays, d, evaluate(arrays, d).values, goal) for d in every(arrays)]
    each = [objective_of(cents(x), odds, goal) for x in values]
    both = np.array([(o.expected, o.tail) for o in each])
    assert len(found.points) >= 2 and not found.missing
    for point in found.points:
        assert judged(point.solved)
        weighed = (1 - point.weight) * both[:, 0] + point.weight * both[:, 1]
        here = (1 - point.weight) * point.both[0] + point.weight * point.both[1]
        assert here == pytest.approx(weighed.max(), abs=200)
    assert sorted(found.points, key=lambda p: -p.both[0]) == list(found.points)
    assert sorted(found.points, key=lambda p: p.both[1]) == list(found.points)


# ---- trees ---------------------------------------------------------------------------------------


def test_a_plan_with_nodes_is_kept_with_them() -> None:
    data = world(4) | {"sources": {"/expand": {"source": "assumed: a test", "kind": "assumed"}}}
    for name, future in data["expand"]["futures"].items():
        future["reveals"] = [{"at": "2027-04-01", "label": name}]
    instance = made(data)
    found = tornado(instance, asks(instance), Sweep(1).each, Options(**EXACT), anew=1)
    plan = plan_of(found.base)
    assert plan.nodes and units_of(plan, "racks") > sum(
        s.units for s in plan.orders if s.build == "racks"
    )
    for end in found.kept[0].ends():
        kept_plan = plan_of(end.solved)
        assert judged(end.solved) and kept_plan.nodes == plan.nodes
        assert kept_plan.orders == plan.orders
    told = information(instance, asks(instance), Sweep(1).each, Options(**EXACT))
    assert (told.evpi.low or 0) >= 0 and plan_of(told.together).nodes
    one = solved(made(data), recourse=False).objective.total
    assert plan_of(told.together).objective.total > one + DOLLAR


# ---- commands ------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", GROWTH)
def test_a_study_writes_its_report_and_every_plan_it_rests_on(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = world(4) | {"sources": {"/expand": {"source": "assumed: a test", "kind": "assumed"}}}
    data["expand"]["builds"]["turbine"] = TURBINE
    instance, out = tmp_path / "tiny.json", tmp_path / "out"
    write_instance(made(data), instance)
    more = ["--workers", "1", "--points", "3", "--gap", "1e-6", "--out", str(out)]
    assert main(["study", str(instance), what, *more]) == 0
    assert "How sure" in capsys.readouterr().out
    assert "<html" in (out / "report.html").read_text(encoding="utf-8")
    plans = sorted((out / "cases").glob("*.plan.json"))
    assert plans
    for plan in plans[:1] + plans[-1:]:
        changes, at = plan.with_name(plan.name.replace(".plan.", ".changes.")), instance
        if changes.exists():
            at = tmp_path / "changed.json"
            assert main(["patch", str(instance), str(changes), "--out", str(at)]) == 0
        assert main(["check", str(at), str(plan)]) == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["nameplate"], "there are information"),
        (["information", "--objective", "cvar"], "expected NPV"),
        (["worth", "--objective", "profit"], "--objective"),
        (["frontier", "--risk", "capital"], "--risk"),
        (["frontier", "--points", "1"], "--points"),
        (["tornado", "--anew", "-1"], "--anew"),
    ],
)
def test_what_a_study_of_an_expansion_cannot_do_is_refused(
    given: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    instance, out = tmp_path / "tiny.json", tmp_path / "none"
    write_instance(made(world()), instance)
    assert main(["study", str(instance), *given, "--workers", "1", "--out", str(out)]) == 2
    assert said in capsys.readouterr().err
