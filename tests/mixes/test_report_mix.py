"""The report of a mix, its prices, the command, and the fleet handed on."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from judged_mix import read, shop, solved

from instances.catalog import load
from optimizer.chain import fleet_to_place
from optimizer.mix.account.worth import too_dear
from optimizer.mix.check import check
from optimizer.mix.report import report
from optimizer.questions import QUESTIONS
from service.cli.main import main
from service.render.html import html
from service.render.spreadsheet import spreadsheets
from service.render.terminal import terminal

if TYPE_CHECKING:
    from pathlib import Path

    from optimizer.domain.reports import Report, Table

Data = dict[str, Any]


def reported(data: Data, **options: Any) -> Report:
    """Return the report of the best mix."""
    instance, plan = read(data), solved(data, **options)
    return report(instance, plan, check(instance, plan))


def table(found: Report, title: str) -> Table:
    """Return the table whose title begins so."""
    each = [t for section in found.sections for t in section.tables if t.title.startswith(title)]
    assert len(each) == 1, title
    return each[0]


def test_the_bill_of_the_shop_is_what_a_head_makes_of_it() -> None:
    found = reported(shop())
    facts = {f.label: f.value for section in found.sections for f in section.facts}
    assert facts["paid at deliveries"] == 16000.0
    assert facts["energy"] == 2 * 10 * 0.73 * 100  # two domains of 10 kW for 730 h at 100 USD
    assert facts["value of what is not served"] == 0.0
    assert table(found, "The mix").rows[0][:4] == ("o", "s", 2, 16)


@pytest.mark.parametrize("goal", ["cost", "profit", "work"])
def test_every_report_can_be_shown_everywhere(goal: str) -> None:
    found = reported(shop(capex_usd=9000.0), objective=goal)
    assert terminal(found).startswith("shop")
    assert "What binds" in html(found)
    assert {"the-mix.csv", "limits.csv", "ranges.csv"} <= set(spreadsheets(found))


def test_no_mix_at_all_is_said_with_its_proof() -> None:
    found = reported(shop(demand={"value_usd_per_unit": None}, site={"racks": 1.0}))
    assert "proven" in found.sections[0].sentences[0]


def test_one_more_mw_is_worth_what_the_bound_falls_by() -> None:
    data = shop(demand={"work_per_month": 30000.0})
    more = copy.deepcopy(data)
    more["sites"]["s"]["supplies"]["grid"]["cap_mw"] = 0.031
    rows = {r[0]: r[5] for r in table(reported(data), "Limits").rows}
    before, after = solved(data, leaves=1).bound, solved(more, leaves=1).bound
    assert before is not None and after is not None
    assert (before - after) / 1e9 == pytest.approx(float(str(rows["power"])) * 0.001, rel=1e-6)


@pytest.mark.parametrize("name", ["gb300-lease", "tpu-v7-lease"])
def test_the_price_at_which_an_offer_would_pay_holds_on_both_sides(name: str) -> None:
    instance = load("new-york-tpu-or-gpu")
    mix = QUESTIONS["mix"]
    (found,) = [
        x for x in too_dear(instance, mix.solve(instance, mix.options())) if x.offer == name
    ]
    assert 0 < found.below < found.price
    for share, is_taken in ((0.97, True), (1.03, False)):
        data = copy.deepcopy(instance.data())
        data["mix"]["offers"][name]["tiers"] = [{"usd_per_chip_hour": found.below * share}]
        plan = solved(data, gap=1e-5)
        assert (name in {h.offer for h in plan.fleet}) == is_taken


# ---- the command, and what it hands on ----------------------------------------------------------


def test_the_command_writes_a_plan_that_it_then_checks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, fleet = tmp_path / "out", tmp_path / "fleet.json"
    assert main(["mix", "new-york-tpu-or-gpu", "--out", str(out), "--to-place", str(fleet)]) == 0
    assert "What to take" in capsys.readouterr().out
    assert main(["check", "new-york-tpu-or-gpu", str(out / "plan.json")]) == 0
    assert main(["validate", str(fleet)]) == 0
    pools = json.loads(fleet.read_text(encoding="utf-8"))["pools"]
    plan = json.loads((out / "plan.json").read_text(encoding="utf-8"))
    assert sum(p["count"] for p in pools.values()) == sum(h["domains"] for h in plan["fleet"])


def test_a_placement_asks_no_mix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mix", "loughton-2027", "--out", str(tmp_path)]) == 2
    assert "asks no mix" in capsys.readouterr().err
    assert main(["mix", "loughton-mix", "--out", str(tmp_path), "--gap", "2"]) == 2
    assert main(["show", "loughton-mix"]) == 0
    assert "work wanted" in capsys.readouterr().out


def test_a_fleet_joins_the_pools_that_are_there() -> None:
    pool = {"site": "s", "chip": "c", "domain": "d", "count": 1}
    data = shop(world={"pools": {"s/d": pool}}, demand={"work_per_month": 17520.0})
    plan = solved(data)
    made = fleet_to_place(read(data), plan, "next")
    counts = {name: p.count.numbers[0] for name, p in made.pools.items()}
    assert counts == {"s/d": 1.0, "s/d+": 2.0}
    assert made.horizon.periods == 168 and not made.jobs and made.mix is None
