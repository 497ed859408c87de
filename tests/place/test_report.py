"""The report: figures against head and hand, and the gap accounted for to the last nano-USD."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import brute
import judged
import numpy as np
import pytest
import tiny
from judged import as_plan, by_hand, job, placed, read, world

from optimizer.place.account.ledger import Ledger
from optimizer.place.account.limits import headroom_chips, worth_of_domain, worth_of_mw
from optimizer.place.account.prices import PriceBook, gap_terms
from optimizer.place.certificate import upper_bound
from optimizer.place.check import check
from optimizer.place.report import report
from service.render.terminal import terminal

if TYPE_CHECKING:
    from optimizer.domain.reports import Report, Table, Value

Data = dict[str, Any]
USD = 1_000_000_000


def reported(data: Data, *placements: Data, certificate: Data | None = None) -> Report:
    """Return the report of placements."""
    instance = read(data)
    plan = as_plan(by_hand(data, *placements, certificate=certificate))
    return report(instance, plan, check(instance, plan))


def table(found: Report, title: str) -> Table:
    """Return the table whose title begins so."""
    each = [t for section in found.sections for t in section.tables if t.title.startswith(title)]
    assert len(each) == 1, title
    return each[0]


def row(found: Report, title: str, name: str) -> dict[str, Value]:
    """Return a row of a table by the names of its columns."""
    rows = table(found, title)
    names = [f"{c.name} {c.unit}".rstrip() for c in rows.columns]
    (values,) = [r for r in rows.rows if r[0] == name]
    return dict(zip(names, values, strict=True))


def said(found: Report, section: int = 0) -> str:
    """Return the sentences of a section."""
    return " ".join(found.sections[section].sentences)


# ---- the gap ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "first", [0, 20, *(pytest.param(n, marks=pytest.mark.slow) for n in (40, 60, 80))]
)
def test_the_parts_of_the_gap_add_up_to_the_last_nano_usd(first: int) -> None:
    for seed in range(first, first + 20):
        data = tiny.tiny(seed)
        best, placements = brute.optimum(data)
        if best is None:
            continue
        rng = np.random.default_rng(seed)
        certificate = judged.random_certificate(data, rng)
        instance = read(data)
        plan = as_plan(by_hand(data, *placements, certificate=certificate))
        bound, ledger = upper_bound(instance, plan.certificate), Ledger(instance, plan)
        assert bound.total is not None
        terms = gap_terms(ledger, bound, PriceBook(ledger))
        assert sum(t.amount for t in terms) == bound.total - plan.objective.total, seed
        assert all(t.amount > 0 for t in terms), seed


def test_the_proof_names_where_the_gap_lies() -> None:
    data = world(job("a"), job("b", hours=4))
    prices = {"chips": {"p": [3 * USD] * 4}}
    found = reported(data, placed("a", 0, 2), certificate=prices)
    rows = {str(r[0]): r[1] for r in table(found, "Where the gap lies").rows}
    assert rows["chips of p left free"] == 48.0  # 8 chips x 2 h x 3 USD
    assert rows["job b (not placed)"] == 4.0  # 100 - 96
    assert "No plan is worth more than USD 152" in said(found, 4)


# ---- worth --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_worth_is_what_the_bound_rises_by(seed: int) -> None:
    """One more MW, one more domain: the same prices on the larger instance."""
    rng = np.random.default_rng(seed)
    cuts = [
        {"row": "chips", "of": "p", "divisor": 3, "prices": rng.integers(0, USD, 4).tolist()},
        {"row": "power", "of": "s", "divisor": 700, "prices": rng.integers(0, USD, 4).tolist()},
    ]
    prices = {
        "power": {"s": rng.integers(0, 900_000, 4).tolist()},
        "chips": {"p": rng.integers(0, USD, 4).tolist()},
        "slices": [{"pool": "p", "slice_chips": 3, "prices": rng.integers(0, USD, 4).tolist()}],
        "rounding": cuts[: seed % 3],
    }
    data = world(job("a"), job("b", (3, 2)), count=2)
    data["chips"]["c"]["idle_kw"] = 0.0  # else a domain brings idle load, too
    plan = as_plan(by_hand(data, placed("a", 0, 2), certificate=prices))
    ledger = Ledger(read(data), plan)
    book, before = PriceBook(ledger), upper_bound(read(data), plan.certificate).total or 0
    more_mw = world(job("a"), job("b", (3, 2)), count=2, grid={"cap_mw": 2.0})
    more_domains = world(job("a"), job("b", (3, 2)), count=3)
    for larger, worth in (
        (more_mw, worth_of_mw(ledger, book, "s")),
        (more_domains, worth_of_domain(ledger, book, "p")),
    ):
        larger["chips"]["c"]["idle_kw"] = 0.0
        after = upper_bound(read(larger), plan.certificate).total
        assert after == before + sum(worth)


def test_worth_of_a_mw_is_told_by_day_and_in_the_first_section() -> None:
    data = world(job("a", hours=30), periods=48, grid={"cap_mw": 0.01})
    prices = {"power": {"s": [200_000] * 24 + [100_000] * 24}}  # USD 200, then 100 of 100 a MWh
    found = reported(data, placed("a", 0, 30), certificate=prices)
    rows = table(found, "Worth of one more MW").rows
    assert [(r[1], r[4], r[5], r[6]) for r in rows] == [
        ("Sun 2026-03-01", 24, 24, 2400.0),
        ("Mon 2026-03-02", 6, 0, 0.0),
    ]
    assert "scarce in 24 of 48 h, and the load is at the cap in 30 of 48 h" in said(found)
    assert "One more MW of grid is worth USD 2,400 over the 48 h, USD 1,200 a day." in said(found)


def test_power_that_does_not_limit_is_told_with_the_chips_it_would_feed() -> None:
    data = world(job("a"), count=4, grid={"cap_mw": 0.1})
    found = reported(data, placed("a", 0, 2))
    plan = as_plan(by_hand(data, placed("a", 0, 2)))
    # 32 chips x 1 kW x 1.25 = 0.04 MW, 0.06 MW left feed 0.06 / 1.25 / 1 kW = 48 chips
    assert headroom_chips(Ledger(read(data), plan), "s") == ("c", 60_000, 48)
    assert "Power does not limit s: its load peaks at 0.018 MW" in said(found)
    assert "would feed 48 more c in training" in said(found)


# ---- figures ------------------------------------------------------------------------------------


def test_chips_power_energy_and_money_are_those_of_a_head_count() -> None:
    data = world(
        job("a", due=1, late_usd_per_hour=5.0, tenant="t"),
        job("b", hours=4, tenant="t"),
        tenants={"t": {"quota_chips": 12}},
        grid={"cap_mw": 0.01, "carbon_kg_per_mwh": 400.0},
    )
    found = reported(data, placed("a", 0, 2))
    assert row(found, "Chips in use", "p") == {
        "pool": "p", "chip": "c", "domains": 1, "usable chips": 8, "in use share": 0.5,
        "busiest hour share": 1.0, "full h": 2,
    }  # fmt: skip
    power = row(found, "Power at the meter", "s")
    assert power["mean MW"] == pytest.approx(0.00625)  # 10 kW twice, 2.5 kW twice
    assert power["peak MW"] == 0.01
    assert power["used share"] == pytest.approx(0.625)
    assert power["at cap h"] == 2
    energy = row(found, "Energy by supply", "s/grid")
    assert energy["energy MWh"] == pytest.approx(0.025)
    assert energy["cost USD"] == 2.5
    assert energy["carbon kg"] == pytest.approx(10.0)
    tenant = row(found, "Tenants", "t")
    assert (tenant["jobs"], tenant["placed"], tenant["share share"]) == (2, 1, 0.5)
    assert tenant["chip-hours"] == 16
    assert row(found, "Quotas", "quota of t")["used share"] == pytest.approx(8 / 12)
    late = row(found, "Jobs that end late", "a")
    assert (late["late h"], late["cost USD"], late["reason"]) == (1, 5.0, "rule")
    place = row(found, "Jobs placed", "a")
    assert (place["chips"], place["slices"], place["load MW"]) == (8, "1 x 8", 0.01)
    assert "1 of 2 jobs run between 2026-03-01 00:00 and 2026-03-01 04:00 UTC." in said(found)
    assert "1 job ends late, which costs USD 5.00." in said(found)


def test_a_permit_and_a_call_are_told() -> None:
    call = {"from": 1, "until": 2, "cap_mw": 0.004}
    data = world(job("a"), grid={"cap_mw": 0.02, "permit": {"mwh": 0.025}, "calls": [call]})
    prices = {"power": {"s": [150_000] * 4}, "permits": {"s/grid": 50_000}}
    found = reported(data, placed("a", 2, 4), certificate=prices)
    assert row(found, "Quotas", "permit of s/grid")["one more USD/unit"] == 50.0
    assert "Calls at s: 2026-03-01 01:00 to 02:00 UTC; 0.004 MW are left." in said(found, 2)


def test_assumed_rates_and_rounding_are_counted() -> None:
    data = world(job("a"), count=4)
    rates = [{"chip": "c", "domain": "d", "slice_chips": 8, "chips": 8, "work_per_hour": 10.0}]
    data["workloads"] = {"w": {"unit": "u", "rates": rates}}
    gang = {"chips": 16, "slice_chips": 8}
    data["jobs"] = [{"id": "a", "value_usd": 9.0, "workload": "w", "work": 27.0, "gangs": [gang]}]
    found = reported(data, placed("a", 0, 2, [0, 1]))
    (only,) = table(found, "Rates used").rows
    assert only == ("w", "c", "outside the measured gang sizes", "16", 1, 32.0)
    assert "1 placed job rests on a rate" in said(found, 5)
    (fact,) = [f for f in found.sections[4].facts if f.label == "Largest rounding"]
    assert fact.value == "0.55 h"  # 27 / (10 x 2 ** 0.9) = 1.447 h take 2


# ---- shown --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(0, 60, 3))
def test_any_report_is_plain_text_of_100_columns(seed: int) -> None:
    data = tiny.tiny(seed)
    best, placements = brute.optimum(data)
    if best is None:
        return
    certificate = judged.random_certificate(data, np.random.default_rng(seed))
    text = terminal(reported(data, *placements, certificate=certificate))
    assert max(map(len, text.splitlines())) <= 100
    assert not re.search(r"\b(None|nan|inf|np\.)\b", text)


def test_the_order_is_that_of_a_decision_maker() -> None:
    found = reported(world(job("a")), placed("a", 0, 2))
    assert [section.title for section in found.sections] == [
        "In short",
        "Who is turned away, and who is late",
        "What limits the plan",
        "What is used",
        "How sure we are",
        "The plan",
    ]
    assert "Nobody is turned away." in said(found)


def test_a_plan_that_the_checker_refuses_says_so() -> None:
    data = world(job("a"), grid={"cap_mw": 0.005})
    plan = as_plan(by_hand(data, placed("a", 0, 2), is_generous=True))
    found = report(read(data), plan, check(read(data), plan))
    assert "The checker refuses the plan: power_cap" in said(found, 4)
