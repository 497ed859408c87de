"""Golden models: the LP text of each rule of the oracle, and the size of each rule of CP-SAT.

A formulation that changes shows as a readable diff of `golden/`. To accept it, delete the file and
run this again: a missing file is written, and the test fails once to say so.
"""

from __future__ import annotations

import difflib
from collections import Counter
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from judged import job, read, world

from optimizer.place.arrays import build_arrays
from optimizer.place.clock import Clock
from optimizer.place.exact import interval_rules, intervals, timeindexed, timeindexed_rules
from optimizer.place.exact.case import make_case
from optimizer.place.exact.relaxed import model
from optimizer.place.exact.solve import held_of
from optimizer.place.plan import Options

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance

GOLDEN = Path(__file__).parent / "golden"
RULES = [rule.__name__ for rule in timeindexed_rules.RULES]
CUTS = [rule for rule in model.RULES if rule not in timeindexed_rules.RULES]


def minimal() -> Instance:
    """Return three hours of two servers and loose chips, with a row of every rule."""
    part = {"pool": "p", "slice_chips": 8, "slices": 1, "domains": [[0, 0]]}
    running = {"id": "r", "running": {"parts": [part], "periods_left": 1}}
    other = {"pool": "loose", "slice_chips": 1, "slices": 2}
    moved = {"parts": [{"pool": "p", "slice_chips": 8, "slices": 1}], "hours": 1.0}
    mover = {"id": "m", "value_usd": 1.0, "modes": [moved]}
    mover["running"] = {"parts": [other], "periods_left": 2, "move": {"usd": 0.5}}
    first = job("a", (4, 2), tenant="t", group="g", mode={"uses": {"tokens": 1.5}})
    second = job("b", hours=1.0, tenant="t", group="g", predecessors=["a"], must=True)
    data = world(
        *(running, first, second, job("c", (1, 6, "loose")), mover),
        periods=3,
        count=2,
        grid={"permit": {"mwh": 0.05}, "demand_usd_per_mw": 500.0},
        tenants={"t": {"quota_chips": 12}},
        budgets={"tokens": {"limit": 2.0, "unit": "Gtok"}},
        spreads={"g": {"share": 0.5}},
        moves={"at_most": 1},
    )
    store = {"energy_mwh": 0.01, "in_mw": 0.003, "start_mwh": 0.004}
    store |= {"efficiency_in": 0.9, "efficiency_out": 0.8}
    battery = {"kind": "battery", "cap_mw": 0.002, "price_usd_per_mwh": 5.0, "storage": store}
    data["sites"]["s"]["supplies"]["battery"] = battery
    data["pools"]["loose"] = {"site": "s", "chip": "c", "count": 6}
    return read(data)


def same(name: str, found: str) -> None:
    """Assert that a text is the stored one."""
    path = GOLDEN / name
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(found, encoding="utf-8")
        pytest.fail(f"{name} was missing and is written now: read it, then run again")
    stored = path.read_text(encoding="utf-8")
    diff = difflib.unified_diff(
        stored.splitlines(), found.splitlines(), "stored", "found", lineterm=""
    )
    assert stored == found, "\n".join(["the formulation has changed:", *diff])


def lp_of(rules: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch, path: Path) -> str:
    """Return the LP text of the minimal instance under some rules alone."""
    monkeypatch.setattr(timeindexed, "RULES", rules)
    instance = minimal()
    timeindexed.build(instance, build_arrays(instance)).problem.writeLP(str(path))
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("number", range(len(RULES)), ids=RULES)
def test_a_rule_of_the_oracle_reads_as_stored(
    number: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rule = timeindexed_rules.RULES[number]
    found = lp_of((rule,), monkeypatch, tmp_path / "model.lp")
    rows = found[found.index("Subject To") : found.index("Bounds")]
    same(f"{rule.__name__}.lp", rows)


def test_objective_and_bounds_of_the_oracle_read_as_stored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    same("no_rule.lp", lp_of((), monkeypatch, tmp_path / "model.lp"))


@pytest.mark.parametrize("rule", CUTS, ids=lambda rule: rule.__name__)
def test_a_cut_of_the_relaxed_model_reads_as_stored(
    rule: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(model, "RULES", (rule,))
    path, instance = tmp_path / "model.lp", minimal()
    model.build_relaxed(instance, build_arrays(instance)).problem.writeLP(str(path))
    found = path.read_text(encoding="utf-8")
    same(f"{rule.__name__}.lp", found[found.index("Subject To") : found.index("Bounds")])


def test_cp_sat_adds_as_many_constraints_of_each_kind_as_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = make_case(minimal(), Clock(Options(rounds=1, threads=1), Event(), None))
    monkeypatch.setattr(intervals, "RULES", ())
    alone = _kinds(intervals.build(case.a, held_of(case), ()))
    lines = [f"without rules: {dict(sorted(alone.items()))}"]
    for rule in (*interval_rules.RULES, *intervals.EXTRAS):
        built = intervals.build(case.a, held_of(case), ())
        before = _kinds(built)
        rule(built)
        added = _kinds(built) - before
        lines.append(f"{rule.__name__}: {dict(sorted(added.items()))}")
    same("cp_sat.txt", "\n".join([*lines, ""]))


KINDS = ("linear", "cumulative", "interval", "exactly_one", "at_most_one", "bool_or")


def _kinds(built: intervals.Intervals) -> Counter[str]:
    """Return how many variables, and constraints of each kind, a model has."""
    proto = built.cp.proto
    count = Counter({"variables": len(proto.variables)})
    for constraint in proto.constraints:
        kind = next((k for k in KINDS if getattr(constraint, f"has_{k}")()), "another")
        count[kind] += 1
    return count


def test_every_rule_of_one_formulation_is_in_the_other() -> None:
    assert [rule.__name__ for rule in interval_rules.RULES] == RULES
