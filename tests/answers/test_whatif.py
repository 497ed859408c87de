"""Changes in words, and what comes of them beside what the prices foretell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from judged import job, passes, read, solved, world

from instances.catalog import load
from optimizer.domain.changes.patch import patch
from optimizer.domain.changes.said import said
from optimizer.errors import InstanceError
from optimizer.questions import QUESTIONS
from optimizer.whatif import told, whatif
from service.cli.files import plan_text
from service.cli.main import main
from service.render.terminal import terminal

if TYPE_CHECKING:
    from pathlib import Path

PLACE = QUESTIONS["place"]


def test_words_are_changes_of_the_file() -> None:
    instance = load("memphis-bridge")
    pool = next(iter(instance.pools))
    chip = instance.pools[pool].chip
    (more,) = said(instance, "memphis: +50 MW")
    assert more.pointer.startswith("/sites/memphis/supplies/") and more.pointer.endswith("/cap_mw")
    changed = patch(instance, [more])
    h = instance.horizon
    for name, supply in instance.sites["memphis"].supplies.items():
        gained = changed.sites["memphis"].supplies[name].cap_w(h) - supply.cap_w(h)
        assert set(gained.tolist()) <= ({0, 50_000_000} if f"/{name}/" in more.pointer else {0})
    both = said(instance, f"{pool}: +2 domains, {chip}: x0.8 draw")
    assert [c.pointer.split("/")[1] for c in both] == ["pools", "chips"]
    there = patch(instance, both)
    assert there.chips[chip].training_kw == pytest.approx(0.8 * instance.chips[chip].training_kw)
    with pytest.raises(InstanceError, match="raise the supply"):
        patch(instance, said(instance, "memphis: -1000 MW"))


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("memphis +50 MW", "must be NAME"),
        ("memphis: +50 GW", "must be NAME"),
        ("mars: +50 MW", "is no site; known: memphis"),
        ("memphis: x1e9 price", "must be NAME"),
        ("memphis: +1 MW, memphis: +2 MW", "twice"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_may_be_said(text: str, finding: str) -> None:
    with pytest.raises(InstanceError, match=finding):
        said(load("memphis-bridge"), text)


def test_more_power_is_worth_no_more_than_the_prices_foretell_and_jobs_come_in() -> None:
    # one job and 16 idle chips draw 15 kW at the meter, two jobs and 8 idle chips 22.5 kW
    data = world(*(job(f"j{n}", hours=4.0) for n in range(3)), count=3, grid={"cap_mw": 0.02})
    instance, plan = read(data), solved(data, rounds=2)
    assert len(plan.placements) == 1
    texts = ["s: +5 MW", "s: -0.006 MW", "s: +5 MW, p: -1 domains"]
    more, less, fewer = whatif(PLACE, instance, plan, texts, {"rounds": 2})
    for each in (more, less, fewer):
        passes(each.instance.data(), each.plan, each.instance)
    assert len(more.plan.placements) == 3 and more.predicted is not None
    assert plan.bound is not None
    assert more.plan.objective.total - plan.objective.total > 0
    assert more.plan.objective.total <= plan.bound + more.predicted
    assert not more.breaks and less.breaks == ("supply",)
    assert not less.plan.placements and len(fewer.plan.placements) == 2
    report = terminal(told(instance, plan, [more, less, fewer]))
    assert (
        "2 jobs come in" in report and "1 job goes out" in report and "it breaks supply" in report
    )


def test_the_command_writes_plans_that_the_checker_passes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = world(*(job(f"j{n}", hours=4.0) for n in range(3)), count=3, grid={"cap_mw": 0.02})
    given, out = tmp_path / "i.json", tmp_path / "o"
    given.write_text(json.dumps(data), encoding="utf-8")
    plan = tmp_path / "plan.json"
    plan.write_text(plan_text(solved(data, rounds=2)), encoding="utf-8")
    asked = ["whatif", str(given), str(plan), "s: +5 MW", "--seconds", "1", "--out", str(out)]
    assert main(asked) == 0
    assert "s: +5 MW: the new plan stands at" in capsys.readouterr().out
    changed = str(tmp_path / "changed.json")
    assert main(["patch", str(given), str(out / "1.changes.json"), "--out", changed]) == 0
    assert main(["check", changed, str(out / "1.plan.json")]) == 0
    assert main(["whatif", str(given), str(plan), "s: more"]) == 2
    assert "must be NAME" in capsys.readouterr().err
