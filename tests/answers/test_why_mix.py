"""Of a mix: why an offer is out and what turns it, two mixes compared, an instance changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from judged_mix import passes, read, shop, solved
from small import two_chips

from instances.catalog import load
from optimizer.domain.changes.patch import Change, pointer
from optimizer.mix.compare import compare
from optimizer.mix.operate import operate
from optimizer.mix.plan import Options
from optimizer.questions import MIX, QUESTIONS
from service.cli.main import main
from service.render.terminal import terminal

if TYPE_CHECKING:
    from pathlib import Path

Data = dict[str, Any]
EXACT = Options(gap=0.0)


def why(data: Data, **options: Any) -> dict[str, tuple[str, str]]:
    """Return the reason of every offer, and its words."""
    plan = solved(data, **options)
    return {x.job: (x.why, x.said) for x in MIX.reasons(read(data), plan)}


def test_each_offer_has_the_rule_that_keeps_it_out() -> None:
    assert why(shop())["o"][0] == "taken"
    assert why(shop(offer={"sites": []}))["o"][0] == "cooling"
    assert why(shop(site={"racks": 0.5}))["o"][0] == "space"
    assert why(shop(supply_chips={"c": 7}))["o"][0] == "supply"
    assert why(shop(demand={"countries": ["GB"]}))["o"][0] == "no work"
    dear = shop(offer={"tiers": [{"upfront_usd_per_chip": 50_000.0}]})
    assert why(dear)["o"][0] == "priced out"


def test_what_a_chip_is_too_dear_by_is_its_cost_less_what_it_earns() -> None:
    data = shop(offer={"tiers": [{"upfront_usd_per_chip": 50_000.0}]})
    (x,) = MIX.reasons(read(data), solved(data))
    assert x.hourly is not None and x.earns is not None and x.dear is not None
    assert x.hourly == pytest.approx(50_000 / 730)
    # 8 units an hour at 10 USD by 8 chips, less 10 kW at 100 USD a MWh
    assert x.earns == pytest.approx((80 - 1.0) / 8)
    assert x.dear.below == pytest.approx(x.earns * 730)
    assert f"{x.hourly - x.earns:,.2f} USD a chip-hour" in x.said


@pytest.mark.parametrize("kind", ["buy", "lease"])
def test_an_offer_that_is_there_in_no_whole_period_has_no_use(kind: str) -> None:
    world: Data = {"horizon": {"start": "2027-01-01", "periods": 3, "period_hours": 730.0}}
    data = shop(world=world)
    price = "upfront_usd_per_chip" if kind == "buy" else "usd_per_chip_hour"
    other = {"delivery": 100.0, "until": 300.0, "kind": kind, "tiers": [{price: 1.0}]}
    data["mix"]["offers"]["late"] = data["mix"]["offers"]["o"] | other
    plan = solved(data)
    found = {x.job: x.why for x in MIX.reasons(read(data), plan)}
    assert found == {"o": "taken", "late": "no need"}
    assert "not needed" in terminal(MIX.report(read(data), plan))


@pytest.mark.parametrize(
    "name", ["new-york-tpu-or-gpu", pytest.param("loughton-mix", marks=pytest.mark.slow)]
)
def test_a_price_that_turns_an_offer_is_solved_on_both_sides(name: str) -> None:
    instance = load(name)
    plan = MIX.solve(instance, Options())
    tried = MIX.verify(instance, plan, MIX.reasons(instance, plan))
    assert {x.why for x in tried} == {"taken", "priced out"}
    for x in tried:
        is_in = x.why == "taken"
        assert x.stays is not None and x.turns is not None and x.turns < x.stays
        (fix,) = x.fixes
        changed = MIX.patch(instance, fix.changes)
        passes(changed.data(), fix.plan)
        if not is_in:
            assert x.job in {h.offer for h in fix.plan.fleet} and fix.plan.gap <= 1e-4
            continue
        none = (Change(pointer("mix", "offers", x.job, "sites"), []),)
        without = MIX.solve(MIX.patch(instance, none), Options()).objective.total
        assert fix.plan.objective.total >= without * (1 - 2e-4)
    said = terminal(MIX.explain(instance, plan, None, tried))
    assert "too dear by" in said and "a new solve has it in at" in said


def test_the_commands_explain_patch_and_compare_a_mix(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, fixes = "new-york-tpu-or-gpu", tmp_path / "fixes"
    assert main(["mix", name, "--out", str(tmp_path / "a")]) == 0
    plan = str(tmp_path / "a" / "plan.json")
    asked = ["explain", name, plan, "tpu-v7-lease", "--verify", "--out", str(fixes)]
    assert main(asked) == 0
    assert main(["explain", name, plan, "nothing"]) == 2
    assert "known: gb300-buy" in capsys.readouterr().err
    cheap = tmp_path / "cheap.json"
    change = str(fixes / "tpu-v7-lease-price.json")
    assert main(["patch", name, change, "--out", str(cheap)]) == 0
    assert main(["mix", str(cheap), "--out", str(tmp_path / "b")]) == 0
    other = json.loads((tmp_path / "b" / "plan.json").read_text(encoding="utf-8"))
    assert "tpu-v7-lease" in {h["offer"] for h in other["fleet"]}
    worse = tmp_path / "worse.json"
    made = operate(load(name), {("gb300-buy", "lake-mariner"): 1000})
    assert made is not None
    worse.write_text(made.model_dump_json(by_alias=True), encoding="utf-8")
    capsys.readouterr()
    assert main(["compare", name, plan, str(worse)]) == 0
    said = capsys.readouterr().out
    assert "more than the first" in said and "74,560 chips of tpu-v7 less: 0 against 74,560" in said


def test_two_mixes_stand_side_by_side_with_their_difference_in_words() -> None:
    data = two_chips(demand={"work_per_month": 40_000.0})
    instance = read(data)
    one, two = (operate(instance, {("o", "s"): n}, EXACT) for n in (1, 2))
    assert one is not None and two is not None
    found = compare(instance, one, two, (MIX.check(instance, one), MIX.check(instance, two)))
    facts = {f.label: f.value for section in found.sections for f in section.facts}
    assert facts["Objective"] == (two.objective.total - one.objective.total) / 1e9
    assert "8 chips of c more: 16 against 8." in terminal(found)
    same = compare(instance, one, one, (MIX.check(instance, one), MIX.check(instance, one)))
    assert "The mixes are alike." in terminal(same)


def test_a_mix_has_these_doors() -> None:
    for door in ("solve", "check", "certify", "explain", "report", "compare", "patch"):
        assert QUESTIONS["mix"].can(door)
