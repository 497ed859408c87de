"""What is decided at each stage sees what is known by then: trees of futures and their plans."""

from __future__ import annotations

from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

import pytest
from judged_expand import judged, solved
from tiny_expand import base, changed, made

from instances.catalog import entry, load
from instances.expansions.generate import random_expand
from optimizer.domain.changes.reveal import told_apart
from optimizer.domain.files import write_instance
from optimizer.errors import InstanceError, PlanError
from optimizer.expand.answer import arrays_of, objective_of
from optimizer.expand.arrays import Arrays, Decision
from optimizer.expand.check import check
from optimizer.expand.evaluate import capital_of, cents, decided, evaluate
from optimizer.expand.plan import Goal, NodeSteps, ObjectiveParts, Options, Risk, Step
from optimizer.expand.solve import solve
from optimizer.expand.studies.weigh import weigh
from optimizer.expand.tree import along, by_node
from service.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from optimizer.domain.instance import Instance

Data = dict[str, Any]

FALLS, HOLDS, GROWS = "demand falls", "demand holds", "demand holds / it grows"
STAYS = "demand holds / no news"


def reveals(*told: tuple[int, str]) -> list[Data]:
    """Return what is learnt of a future, by quarter of 2027 and label."""
    quarters = ("2027-01-01", "2027-04-01", "2027-07-01", "2027-10-01")
    return [{"at": quarters[t], "label": label} for t, label in told]


def demand() -> Data:
    """Return a tree of demand in six quarters: it falls or holds, and may grow if it holds."""
    falls = {"probability": 0.3, "drivers": {"demand": [1.0, 1.0, 0.2, 0.2, 0.2, 0.1]}}
    grows = {"probability": 0.4, "drivers": {"demand": [1.0, 1.0, 1.0, 2.0, 2.0, 3.0]}}
    data = base(6)
    builds = data["expand"]["builds"]
    builds["grid"] |= {"lead_periods": 2}
    builds["hall"] |= {"max_units": 1, "resale_usd": 0.0}
    builds["racks"] |= {"domains": 100, "max_units": 4, "resale_usd": 2_000.0}
    data["expand"]["demand"]["open"]["volume_driver"] = "demand"
    data["expand"]["drivers"] = {"demand": {}}
    data["expand"]["futures"] = {
        "falls": falls | {"reveals": reveals((2, FALLS))},
        "holds": {"probability": 0.3, "reveals": reveals((2, HOLDS))},
        "grows": grows | {"reveals": reveals((2, HOLDS), (3, "it grows"))},
    }
    return data


def few(seed: int) -> Instance:
    """Return a tree with money and a contract of which every plan can be tried."""
    data = base(4)
    builds = data["expand"]["builds"]
    data["sites"]["s"]["supplies"] = {
        "grid": {"kind": "grid", "cap_mw": 8.0, "price_usd_per_mwh": 90.0}
    }
    del builds["grid"]
    for name in builds:
        builds[name] |= {"max_units": 2, "max_per_period": 1}
    builds["hall"] |= {"last": "2027-04-01", "lead_periods": 0}
    builds["racks"] |= {"last": "2027-07-01", "lead_periods": 1, "domains": 150}
    data["expand"]["drivers"] = {"demand": {}}
    data["expand"]["demand"]["open"]["volume_driver"] = "demand"
    data["expand"]["futures"] = {
        "up": {"probability": 0.5, "drivers": {"demand": 1.5}, "reveals": reveals((1, "up"))},
        "down": {
            "probability": 0.5 - 0.1 * seed,
            "drivers": {"demand": [1.0, 0.6, 0.1, 0.1]},
            "delays": {"racks": seed},
            "reveals": reveals((1, "down")),
        },
    }
    if seed:
        data["expand"]["futures"]["worse"] = {
            "probability": 0.1 * seed, "drivers": {"demand": [1.0, 0.6, 0.0, 0.0]},
            "reveals": reveals((1, "down")),
        }  # fmt: skip
    data["expand"]["contracts"] = {
        "cloud": {
            "kind": "cloud", "start": "2027-07-01", "signing": "2027-04-01", "periods": 2,
            "units": 500.0, "usd_per_unit_hour": 1.9, "penalty_usd_per_unit_hour": 0.1 + seed,
        }
    }  # fmt: skip
    data["expand"]["finance"] = {
        "cash_usd": 15e6 + 4e6 * seed, "debt_usd": 1e7, "loan_to_cost": 0.6,
        "interest_per_year": 0.2, "coverage": 1.0 + seed,
    }  # fmt: skip
    return made(data)


def every(arrays: Arrays) -> Iterator[Decision]:
    """Yield every plan of at most one unit at each place, period and node that can be told."""
    nodes = [arrays.futures[at[0]].node for at in arrays.paths]
    slots = [
        (p, t, name)
        for p in range(len(arrays.places))
        for t in range(arrays.build(p).first, arrays.build(p).last + 1)
        for name in dict.fromkeys(node(t) for node in nodes)
    ]
    contracts = [(i, c.signing) for i, c in enumerate(arrays.growth.contracts)]
    slots += [(-1 - i, t, n) for i, t in contracts for n in dict.fromkeys(f(t) for f in nodes)]
    for taken in product((False, True), repeat=len(slots)):
        chosen = {slot for slot, is_taken in zip(slots, taken, strict=True) if is_taken}
        paths = []
        for node in nodes:
            mine = [(p, t) for p, t, name in chosen if name == node(t)]
            orders = {(p, t): 1.0 for p, t in mine if p >= 0}
            paths.append(Decision(orders, {}, frozenset(-1 - p for p, _ in mine if p < 0)))
        yield by_node(arrays, paths)


@pytest.mark.parametrize("seed", (pytest.param(0, marks=pytest.mark.slow), 1))
def test_no_plan_of_the_tree_that_keeps_the_rules_is_better(seed: int) -> None:
    instance = few(seed)
    arrays = Arrays(instance.growth, instance.growth.futures)
    odds = [f.ppb for f in arrays.futures]
    tried = [
        (d, cents(evaluate(arrays, d).values), cents(capital_of(arrays, d))) for d in every(arrays)
    ]
    assert len(tried) == 2**10
    goals: tuple[tuple[Goal, Risk], ...] = (
        ("expected", "total"), ("cvar", "total"), ("cvar", "operation"), ("worst", "total"),
    )  # fmt: skip
    for goal, risk in goals:
        options = Options(objective=goal, weight=0.4, alpha=0.3, risk=risk)
        worth = {
            i: objective_of(v, odds, options, (), k if risk == "operation" else ()).total
            for i, (_, v, k) in enumerate(tried)
        }
        order = sorted(worth, key=lambda i: -worth[i])
        good = (i for i in order if check(instance, judged(instance, tried[i][0])).is_good)
        best = worth[next(good)]
        found = solved(instance, objective=goal, weight=0.4, alpha=0.3, risk=risk)
        assert found.objective.total == pytest.approx(best, abs=10**7)


@pytest.mark.parametrize("seed", (0, pytest.param(1, marks=pytest.mark.slow), 2))
def test_to_learn_earlier_is_never_worth_less(seed: int) -> None:
    instance = random_expand(1, 4, 1, 3, seed, is_small=True, has_covenants=seed == 2)

    def best(of: Instance) -> ObjectiveParts:
        plan = solve(of, Options(method="extensive", gap=1e-9))
        assert check(of, plan).is_good
        return plan.objective

    totals = [best(told_apart(instance, r)).total for r in (0, 1, 2, 4)]
    assert all(a >= b - 10**9 for a, b in pairwise(totals))
    assert totals[-1] == pytest.approx(best(instance).total, abs=10**9)
    alone = []
    for f, future in enumerate(instance.growth.futures):
        data = instance.data()
        data["expand"]["futures"] = {future.name: data["expand"]["futures"][future.name]}
        data["expand"]["futures"][future.name]["probability"] = 1.0
        alone.append(best(made(data)).values[0] * instance.growth.futures[f].ppb)
    if seed < 2:  # rules of money are of the mean: they join futures
        assert totals[0] / 1e9 == pytest.approx(sum(alone) / 1e11, abs=1.0)


RECOURSE = (16_234.7, 10_629.6)  # thousands of USD, with recourse and without


def test_recourse_changes_the_optimum_by_what_waiting_is_worth() -> None:
    instance = made(demand())
    free, once = solved(instance), solved(instance, recourse=False)
    assert [x.objective.total / 1e12 for x in (free, once)] == pytest.approx(RECOURSE, abs=0.1)
    racks = {each.node: sum(s.units for s in each.orders) for each in free.nodes}
    assert racks == {FALLS: 1, HOLDS: 3, GROWS: 1} and not once.nodes
    for goal in ("cvar", "worst", "regret"):
        both = [solved(instance, objective=goal, recourse=x).objective.total for x in (True, False)]
        assert both[0] >= both[1]


def late() -> Data:
    """Return the tree with a turbine, nothing ordered before all is known, and more if it holds."""
    data = demand()
    data["expand"]["futures"]["holds"]["drivers"] = {"demand": [1.0, 1.0, 1.0, 1.0, 1.5, 1.5]}
    builds = data["expand"]["builds"]
    builds["turbine"] = builds["grid"] | {
        "kind": "turbine", "lead_periods": 1, "price_usd_per_mwh": 160.0,
    }  # fmt: skip
    builds["racks"]["max_units"] = 5
    for build in builds.values():
        build["first"] = "2027-10-01"
    return data


def test_what_is_done_where_nothing_more_is_learnt_has_a_node() -> None:
    instance = made(late())
    plan = solved(instance)  # both methods close the gap and agree
    assert plan.run.stopped_by == "gap" and plan.gap is not None and plan.gap < 1e-9
    racks = {n.node: sum(s.units for s in n.orders if s.build == "racks") for n in plan.nodes}
    assert racks == {HOLDS: 0, STAYS: 4, GROWS: 5}

    def rules(*renamed: tuple[str, str]) -> set[str]:
        of = dict(renamed)
        nodes = tuple(n.model_copy(update={"node": of.get(n.node, n.node)}) for n in plan.nodes)
        spoilt = plan.model_copy(update={"nodes": nodes})
        return {v.rule for v in check(instance, spoilt).violations} - {"objective", "bound", "gap"}

    assert rules() == set()
    for name in ("no news", "demand holds / no news / no news", "demand falls / no news"):
        assert rules((STAYS, name)) == {"nonanticipativity"}
    assert rules((STAYS, HOLDS)) == {"supply"}  # where it grows as well


def test_nodes_keep_their_names_when_more_is_learnt_later() -> None:
    data = demand()
    told = (
        reveals((1, "a"), (3, "a1")), reveals((1, "a")), reveals((2, "b"), (3, "b1")),
        reveals((2, "b")), reveals((3, "c")), (),
    )  # fmt: skip
    data["expand"]["futures"] = {
        f"f{i}": {"probability": 0.25 if i < 2 else 0.125, "reveals": each}
        for i, each in enumerate(told)
    }
    nodes = [f.nodes for f in made(data).growth.futures]
    none, twice, more = "no news", "no news / no news", "no news / no news / no news"
    assert nodes == [
        ((1, "a"), (3, "a / a1")),
        ((1, "a"), (3, "a / no news")),
        ((1, none), (2, "no news / b"), (3, "no news / b / b1")),
        ((1, none), (2, "no news / b"), (3, "no news / b / no news")),
        ((1, none), (2, twice), (3, f"{twice} / c")),
        ((1, none), (2, twice), (3, more)),
    ]
    for f, at in (("f0", "2027-02-10"), ("f1", "2027-02-20")):  # both count from one period
        data["expand"]["futures"][f]["reveals"] = [
            {"at": "2027-02-01", "label": "a"}, {"at": at, "label": f}
        ]  # fmt: skip
    nodes = [f.nodes for f in made(data).growth.futures]
    assert nodes[:2] == [((1, "a"), (1, "a / f0")), ((1, "a"), (1, "a / f1"))]
    data["expand"]["futures"]["f1"]["reveals"].pop()
    assert made(data).growth.futures[1].nodes == ((1, "a"), (1, "a / no news"))


def test_what_sees_more_than_is_known_is_refused() -> None:
    instance = made(demand())
    plan = solved(instance)

    def rules(*nodes: NodeSteps, **more: Any) -> set[str]:
        spoilt = plan.model_copy(update={"nodes": nodes} | more)
        return {v.rule for v in check(instance, spoilt).violations} - {"objective", "bound", "gap"}

    def step(period: int, units: int = 1) -> tuple[Step, ...]:
        return (Step(build="racks", site="s", period=period, units=units),)

    assert rules(*plan.nodes) == set()
    early = NodeSteps(node=HOLDS, orders=step(1))
    assert rules(early) == {"nonanticipativity"}
    assert rules(early, NodeSteps(node=FALLS, orders=step(1))) == set()  # the same in all futures
    assert rules(early, NodeSteps(node=FALLS, orders=step(1, 2))) == {"nonanticipativity"}
    assert rules(NodeSteps(node=GROWS, orders=step(2))) == {"nonanticipativity"}
    assert rules(NodeSteps(node=GROWS, orders=step(3))) == set()
    assert rules(NodeSteps(node="it grows", orders=step(3))) == {"nonanticipativity"}
    assert rules(NodeSteps(node=GROWS, orders=step(3, 5))) == {"supply"}  # along that path
    assert rules(NodeSteps(node=GROWS, orders=step(6))) == {"lead_time"}


def test_a_contract_is_signed_by_what_is_known_at_its_signing() -> None:
    instance = few(1)
    plan = judged(instance, Decision())
    for signing, rules in (("2027-04-01", set()), ("2027-01-01", {"nonanticipativity"})):
        data = changed(instance.data(), "expand/contracts/cloud/signing", signing)
        data["expand"]["finance"] = None
        here = made(data)
        node = NodeSteps(node="up", contracts=("cloud",))
        spoilt = plan.model_copy(update={"nodes": (node,), "instance_hash": here.hash})
        found = {v.rule for v in check(here, spoilt).violations}
        assert found - {"objective", "bound", "gap"} == rules


def test_a_plan_by_nodes_is_the_same_along_each_path() -> None:
    instance = made(demand())
    arrays = arrays_of(instance, Options())
    plan = solved(instance)
    decision = decided(arrays, plan)
    paths = [along(decision, [name for _, name in f.nodes]) for f in arrays.futures]
    again = by_node(arrays, paths)
    assert (again.orders, again.nodes) == (decision.orders, decision.nodes)
    for f, path in enumerate(paths):
        alone = evaluate(Arrays(instance.growth, (arrays.futures[f],)), path)
        assert cents(alone.values) == (plan.objective.values[f],)
    assert "expected NPV" in str(weigh(instance, {"tree": plan}).sections[0].tables[0])
    with pytest.raises(PlanError, match="is not learnt of these futures"):
        weigh(instance, {"tree": plan}, Options(draw=5))


def test_the_commands_tell_what_to_do_now_and_what_if_something_is_learnt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_instance(made(demand()), tmp_path / "i.json")
    out = ["--gap", "1e-6", "--out", str(tmp_path / "o")]
    assert main(["expand", str(tmp_path / "i.json"), *out]) == 0
    said = capsys.readouterr().out
    assert "If demand falls (known from 2027-Q3, 30%): order 1 racks at s in 2027-Q3." in said
    assert "If demand holds, then it grows (known from 2027-Q4, 40%): order 1 racks" in said
    assert "If demand holds, then no news (known from 2027-Q4, 30%): nothing more." in said
    assert "if demand holds, then it grows, as planned" in said
    assert main(["check", str(tmp_path / "i.json"), str(tmp_path / "o" / "plan.json")]) == 0
    capsys.readouterr()
    assert main(["expand", str(tmp_path / "i.json"), "--no-recourse", *out]) == 0
    assert "If demand falls" not in capsys.readouterr().out


def test_what_the_uk_learns_is_worth_more_than_any_plan_that_learns_nothing() -> None:
    learns, once = load("nscale-uk-learns"), load("nscale-uk")
    assert learns.expand is not None and once.expand is not None
    for name, future in learns.expand.futures.items():  # nothing else is changed
        assert future.model_copy(update={"reveals": ()}) == once.expand.futures[name]
    assert learns.expand.builds == once.expand.builds and learns.sites == once.sites
    worth, bound = entry(learns.name).best_incumbent, entry(once.name).best_bound
    assert worth.value_usd is not None and bound.value_usd is not None
    assert worth.value_usd - bound.value_usd > 9.5e6  # USD


WRONG = [
    (2, reveals((2, HOLDS), (1, "late")), r"\['grows'\]\.reveals\[1\]\.at: must be later than"),
    (2, [{"at": "2029-01-01", "label": "x"}], r"\['grows'\]\.reveals\[0\]\.at: no period of the"),
    (2, reveals((3, HOLDS)), "'demand holds' counts from 2027-Q4, and from 2027-Q3 in 'holds'"),
    (2, reveals((2, "a/b")), "label"),
    (
        2,
        reveals((2, HOLDS), (3, "no news")),
        r"reveals\[1\]\.label: 'no news' stands for nothing",
    ),
]


@pytest.mark.parametrize(("_", "told", "said"), WRONG, ids=[w[2][:30] for w in WRONG])
def test_reveals_that_make_no_tree_are_refused(_: int, told: list[Data], said: str) -> None:
    with pytest.raises(InstanceError, match=said):
        made(changed(demand(), "expand/futures/grows/reveals", told))
