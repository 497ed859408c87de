"""`fleetwatt explain` and `fleetwatt patch`: from a job turned away to the file that takes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import judged
import pytest
from judged import by_hand, job, placed, read, world

from optimizer.domain.files import read_instance
from optimizer.questions import PLACE, parse_plan
from service.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

Data = dict[str, Any]


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str, Data]:
    """Return an instance file, a plan file that turns a job away, and the instance's data."""
    data = world(job("train-1", hours=3), job("train-2", hours=4, value_usd=90.0))
    data["jobs"][1]["due"] = 4
    instance, plan = tmp_path / "week.json", tmp_path / "plan.json"
    instance.write_text(json.dumps(data))
    plan.write_text(json.dumps(by_hand(data, placed("train-2", 0, 4))))
    return str(instance), str(plan), data


def test_all_jobs_turned_away_are_listed_with_reason_and_fix(
    files: tuple[str, str, Data], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", *files[:2]]) == 0
    said = capsys.readouterr().out
    assert "1 job of 2 turned away" in said
    assert "no room" in said
    assert "1 domain of 8 chips more in p" in said
    assert "estimated" in said


def test_one_job_is_explained_in_full(
    files: tuple[str, str, Data], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", *files[:2], "train-1"]) == 0
    said = capsys.readouterr().out
    assert "train-1: turned away" in said
    assert "None of its 2 runs fits beside the others" in said
    assert "/pools/p/count = 2.0" in said
    assert main(["explain", *files[:2], "train-2"]) == 0
    assert "nothing to explain" in capsys.readouterr().out


def test_an_unknown_job_is_refused_with_the_names_that_come_near(
    files: tuple[str, str, Data], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", *files[:2], "trian-1"]) == 2
    said = capsys.readouterr().err
    assert "job 'trian-1' is not in instance 'by-hand'; did you mean train-1 or train-2?" in said


def test_a_plan_of_another_instance_is_refused(
    files: tuple[str, str, Data], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.json"
    other.write_text(json.dumps(world(job("a"))))
    assert main(["explain", str(other), files[1]]) == 2
    assert "plan is of instance" in capsys.readouterr().err


def test_a_verified_fix_written_applied_and_checked_admits_the_job(
    files: tuple[str, str, Data], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, changed = tmp_path / "fixes", tmp_path / "changed.json"
    assert main(["explain", *files[:2], "train-1", "--verify", "--out", str(out)]) == 0
    assert "verified" in capsys.readouterr().out
    fix, plan = out / "train-1-capacity.json", out / "train-1-capacity.plan.json"
    assert main(["patch", files[0], str(fix), "--out", str(changed)]) == 0
    assert "/pools/p/count" in capsys.readouterr().out
    assert main(["check", str(changed), str(plan)]) == 0
    _, found = parse_plan(plan.read_text())
    assert {p.job for p in found.placements} == {"train-1", "train-2"}
    judged.passes(json.loads(changed.read_text()), found)
    data = json.loads(changed.read_text())
    assert data["pools"]["p"]["count"] == 2.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[{"pointer": "/jobs/trian-1/must", "value": true}]', "did you mean train-1"),
        ('[{"pointer": "/pools/p/count", "value": -1}]', "must not be negative"),
        ("nonsense", "not JSON"),
    ],
)
def test_changes_that_cannot_be_applied_write_nothing(
    files: tuple[str, str, Data],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    said: str,
) -> None:
    changes, out = tmp_path / "changes.json", tmp_path / "out.json"
    changes.write_text(text)
    assert main(["patch", files[0], str(changes), "--out", str(out)]) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()


def test_a_patched_instance_is_read_again_as_it_was_made(
    files: tuple[str, str, Data], tmp_path: Path
) -> None:
    changes, out = tmp_path / "changes.json", tmp_path / "out.json"
    changes.write_text('[{"pointer": "/jobs/train-2/value_usd", "value": 7}]')
    assert main(["patch", files[0], str(changes), "--out", str(out)]) == 0
    assert read_instance(out).jobs[1].value_usd == 7.0


@pytest.mark.parametrize("given", [["--verify", "-1"], ["--seconds", "0"], ["--seconds", "nan"]])
def test_limits_out_of_range_are_refused(files: tuple[str, str, Data], given: list[str]) -> None:
    assert main(["explain", *files[:2], *given]) == 2


def test_the_doors_of_place_are_open() -> None:
    assert all(PLACE.can(door) for door in ("explain", "patch"))
    data = world(job("a"), job("b"))
    plan = judged.as_plan(by_hand(data, placed("b", 0, 2)))
    assert PLACE.explain(read(data), plan, "a").title == "a: turned away"
