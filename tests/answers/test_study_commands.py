"""The commands of studies, their files, and the charts that only they have."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from judged_mix import read
from small import two_chips

from optimizer.domain.files import write_instance
from optimizer.domain.reports import Chart, ChartSeries
from service.cli.main import main
from service.cli.study.parsing import WHAT
from service.render.charts import draw

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    """Return the file of a mix."""
    path = tmp_path / "two.json"
    data = two_chips(demand={"work_per_month": 40_000.0})
    data["mix"]["ranges"] = {"price-p": {"of": ["/mix/offers/p/tiers"], "low": 0.5, "high": 1.5}}
    write_instance(read(data), path)
    return path


@pytest.mark.parametrize("what", [what for what in WHAT if what != "conflict"])
def test_a_study_writes_its_report_and_every_plan_it_rests_on(
    what: str, instance: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    more = ["--workers", "1", "--points", "4", "--out", str(out)]
    assert main(["study", str(instance), what, *more]) == 0
    assert "two" in capsys.readouterr().out or (out / "report.html").exists()
    plans = sorted((out / "cases").glob("*.plan.json"))
    assert plans
    for plan in plans[:3]:
        changes, world = plan.with_name(plan.name.replace(".plan.", ".changes.")), instance
        if changes.exists():
            world = tmp_path / "changed.json"
            assert main(["patch", str(instance), str(changes), "--out", str(world)]) == 0
        assert main(["check", str(world), str(plan)]) == 0


def test_conflicts_are_told_with_ways_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "clash.json"
    write_instance(read(two_chips(demand={"value_usd_per_unit": None}, site={"racks": 0.5})), path)
    out = str(tmp_path / "out")
    assert main(["study", str(path), "conflict", "--workers", "1", "--out", out]) == 0
    said = capsys.readouterr().out
    assert "space of s" in said and "demand of k" in said
    ways = (tmp_path / "out" / "tables" / "ways-out.csv").read_text(encoding="utf-8")
    assert "racks more" in ways and "yes" in ways.lower().replace("true", "yes")


def test_named_mixes_take_your_plan(
    instance: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mix"
    assert main(["mix", str(instance), "--out", str(out)]) == 0
    more = ["--yours", str(out / "plan.json"), "--workers", "1", "--out", str(tmp_path / "bench")]
    capsys.readouterr()
    assert main(["bench-mix", str(instance), "--power", "0.02", *more]) == 0
    said = capsys.readouterr().out
    assert "yours: plan" in said.replace("\n", " ") or "yours" in said
    index = (tmp_path / "bench" / "tables" / "index.csv").read_text(encoding="utf-8")
    assert "named mixes" in index


def test_shares_of_time_are_told_for_a_facility(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["share", "memphis-bridge", "--policy", "fair", "--out", str(tmp_path)]) == 0
    assert "least of a job" in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong",
    [["--points", "1"], ["--spread", "2"], ["--within", "0"], ["--workers", "0"], ["--gap", "-1"]],
)
def test_options_out_of_range_are_refused(
    wrong: list[str], instance: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["study", str(instance), "frontier", "--out", str(tmp_path / "none"), *wrong]
    assert main(given) == 2
    assert wrong[0] in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_a_study_of_an_instance_that_asks_no_mix_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["study", "memphis-bridge", "frontier"]) == 2
    assert "asks no mix" in capsys.readouterr().err


def test_charts_of_studies_draw_every_value() -> None:
    series = (ChartSeries("a", (1.0, 2.0, None)), ChartSeries("b", (-1.5, 0.5, 4.0)))
    for kind, mark, count in (
        ("points", "<circle", 5), ("tornado", "<rect", 5), ("stack", "<rect", 4),
        ("heat", "<rect", 6),
    ):  # fmt: skip
        x = (10.0, 20.0, 30.0) if kind == "points" else ("one", "two", "three")
        chart = Chart(kind, "title", x, "MW", "USD", series)  # type: ignore[arg-type]
        drawn = draw(chart, 1000.0)
        assert drawn.count(mark) == count
        assert "nan" not in drawn and json.dumps(str(drawn))
