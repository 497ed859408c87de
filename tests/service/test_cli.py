"""The command line through main(argv): each command once, bad input, interruption."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from instances import catalog
from optimizer.domain.files import read_instance
from service.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
SOLVERS = ("ortools", "numba", "pulp", "highspy")
Data = dict[str, Any]


def small() -> Data:
    """Return a day of three jobs on four servers; power and chips are enough for all."""
    gang = {"chips": 8, "slice_chips": 8}
    job = {"workload": "chat", "work": 40.0, "gangs": [gang], "value_usd": 9000.0}
    return {
        "schema": "fleetwatt/instance/1",
        "name": "small",
        "title": "Four servers for a day",
        "horizon": {"start": "2026-02-11T00:00:00Z", "periods": 24},
        "chips": {"h8": {"hbm_gb": 80.0, "nameplate_kw": 1.5, "training_kw": 1.2, "idle_kw": 0.2}},
        "domains": {"server8": {"chip": "h8", "chips": 8, "slice_chips": [8]}},
        "workloads": {
            "chat": {
                "unit": "billion tokens",
                "rates": [
                    {
                        "chip": "h8",
                        "domain": "server8",
                        "slice_chips": 8,
                        "chips": 8,
                        "work_per_hour": 10.0,
                    }
                ],
            }
        },
        "sites": {
            "here": {
                "country": "GB",
                "pue": 1.2,
                "supplies": {"grid": {"kind": "grid", "cap_mw": 0.1, "price_usd_per_mwh": 80.0}},
            }
        },
        "pools": {"here/h8": {"site": "here", "chip": "h8", "domain": "server8", "count": 4}},
        "jobs": [{"id": f"job-{i}", **job} for i in range(3)],
    }


def nasty() -> Data:
    """Return the small instance with one of everything that must be refused."""
    data = small()
    data["horizon"]["periods"] = 10**9
    data["sites"]["here"]["supplies"]["grid"]["cap_mw"] = -3.0
    turbine = {"kind": "turbine", "cap_mw": 50_000, "price_usd_per_mwh": 60.0}
    data["sites"]["here"]["supplies"]["turbine"] = turbine
    data["sites"]["here"]["other_load_mw"] = float("nan")
    jobs = data["jobs"]
    jobs[0]["gangs"] = [{"chips": 8, "slice_chips": 8, "pools": ["here/h9"]}]
    jobs[1]["release"], jobs[1]["deadline"] = 20.0, 12.0
    jobs[2]["gangs"] = [{"chips": 800, "slice_chips": 8}]
    jobs.append({**small()["jobs"][0], "id": "job-0"})
    jobs.append({**small()["jobs"][0], "id": "job-9", "value_usd": 1e308})
    return data


NASTY = {  # what is wrong -> where the finding says so, and what it got
    "unknown pool": ("jobs[0].gangs[0].pools", "here/h9"),
    "NaN": ("sites['here'].other_load_mw", "nan"),
    "negative cap": ("sites['here'].supplies['grid'].cap_mw", "-3"),
    "deadline before release": ("jobs[1] 'job-1'", "deadline 12 is before release 20"),
    "gang no pool holds": ("jobs[2].gangs[0]", "800"),
    "duplicate ids": ("jobs[3] 'job-0'", "jobs[0]"),
    "50,000 MW": ("sites['here'].supplies['turbine'].cap_mw", "50000"),
    "1e308": ("jobs[4].value_usd", "1e+308"),
    "horizon 10^9": ("horizon.periods", "1000000000"),
}


def write(path: Path, data: Data) -> str:
    """Write JSON and return the path as the command line takes it."""
    path.write_text(json.dumps(data), encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def placed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """Return the small instance's file and the folder into which it was placed."""
    folder = tmp_path_factory.mktemp("placed")
    instance, out = write(folder / "small.json", small()), folder / "out"
    assert main(["place", instance, "--rounds", "10", "--out", str(out)]) == 0
    return instance, out


def test_list_names_every_instance(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in catalog.names())


def test_show_tells_what_an_instance_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", write(tmp_path / "small.json", small())]) == 0
    said = capsys.readouterr().out
    assert "Four servers for a day" in said
    assert "here/h8" in said
    assert "2026-02-11 00:00 UTC" in said


def test_validate_says_what_a_good_file_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", write(tmp_path / "small.json", small())]) == 0
    said = capsys.readouterr().out
    assert "good" in said
    assert "1 site, 1 pool, 3 jobs, 24 periods" in said


def test_place_writes_a_plan_of_its_instance(placed: tuple[str, Path]) -> None:
    instance, out = placed
    plan = json.loads((out / "plan.json").read_text())
    assert plan["instance_hash"] == read_instance(Path(instance)).hash
    assert len(plan["placements"]) == 3
    names = ["plan.json", "report.html", "report.txt", "tables"]
    assert sorted(f.name for f in out.iterdir()) == names
    assert "jobs-placed-in-order-of-start.csv" in {f.name for f in (out / "tables").iterdir()}
    assert 'class="proof"' in (out / "report.html").read_text()


def test_place_writes_the_plan_alone_and_the_same_one(
    placed: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = ["--plan-only", "--rounds", "10", "--out", str(tmp_path)]
    assert main(["place", placed[0], *alone]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]
    assert "plan.json" in capsys.readouterr().out
    plan, whole = (json.loads((d / "plan.json").read_text()) for d in (tmp_path, placed[1]))
    assert (plan["objective"], plan["bound"]) == (whole["objective"], whole["bound"])
    assert main(["check", placed[0], str(tmp_path / "plan.json")]) == 0


def test_place_prints_plain_lines_where_there_is_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out")
    instance = write(tmp_path / "small.json", small())
    assert main(["place", instance, "--rounds", "10", "--out", out]) == 0
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err
    assert "nan" not in said.out.lower().split()
    assert "None" not in said.out
    assert max(map(len, said.out.splitlines()[:-4])) <= 100


def test_check_finds_a_good_plan_good(
    placed: tuple[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    instance, out = placed
    assert main(["check", instance, str(out / "plan.json")]) == 0
    assert "keeps every rule" in capsys.readouterr().out


def test_check_names_the_rule_that_a_spoiled_plan_breaks(
    placed: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    instance, out = placed
    plan = json.loads((out / "plan.json").read_text())
    plan["placements"].append(plan["placements"][0])
    assert main(["check", instance, write(tmp_path / "plan.json", plan)]) == 1
    assert "one_placement" in capsys.readouterr().out


def test_check_refuses_a_plan_of_another_instance_by_name(
    placed: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write(tmp_path / "other.json", {**small(), "name": "other"})
    assert main(["check", other, str(placed[1] / "plan.json")]) == 2
    said = capsys.readouterr().err
    assert "'small'" in said
    assert "'other'" in said


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"question": 3}', '{"question": "mix"}', "{}", "[" * 100_000],
    ids=["empty", "cut", "list", "null", "number", "unknown", "bare", "deep"],
)
def test_check_refuses_what_is_no_plan(
    text: str, placed: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text)
    assert main(["check", placed[0], str(path)]) == 2
    said = capsys.readouterr().err
    assert "plan.json: is not a plan" in said
    assert "Traceback" not in said


def test_check_refuses_a_plan_that_is_not_there(
    placed: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", placed[0], str(tmp_path / "no.json")]) == 2
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("of", "field"), [("instance", "workloads"), ("plan", "certificate")], ids=["instance", "plan"]
)
def test_schema_prints_a_json_schema(
    of: str, field: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schema", of]) == 0
    properties = json.loads(capsys.readouterr().out)["properties"]
    assert field in properties
    assert "schema" in properties


def test_bad_input_reports_every_finding_and_overwrites_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "plan.json").write_text("mine")
    bad = write(tmp_path / "bad.json", nasty())
    for command in (["validate", bad], ["place", bad, "--out", str(out)]):
        assert main(command) == 2
        lines = capsys.readouterr().err.splitlines()
        for what, (where, got) in NASTY.items():
            found = [n for n in lines if n.startswith(where) and got.lower() in n.lower()]
            assert len(found) == 1, f"{what}: {lines}"
        assert len(lines) == len(NASTY), lines
    assert [f.name for f in out.iterdir()] == ["plan.json"]
    assert (out / "plan.json").read_text() == "mine"


def test_bad_options_are_refused_all_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    instance = write(tmp_path / "small.json", small())
    out = tmp_path / "out"
    bad = ["--seconds", "0", "--gap", "nan", "--seed", "-1", "--threads", "99"]
    assert main(["place", instance, *bad, "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert [line.split(":")[0] for line in said.splitlines()] == bad[::2]
    assert not out.exists()


@pytest.mark.parametrize("argv", [[], ["solve"], ["place"], ["place", "x", "--seconds", "soon"]])
def test_what_is_no_command_line_gives_code_2(argv: list[str]) -> None:
    assert main(argv) == 2


def test_an_unknown_name_gets_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    name = catalog.names("place")[0]
    assert main(["show", name[:-1]]) == 2
    assert f"did you mean {name}?" in capsys.readouterr().err


def test_a_failed_write_leaves_the_old_plan(
    placed: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "plan.json").write_text("mine")

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "replace", full)
    assert main(["place", placed[0], "--rounds", "5", "--out", str(out)]) == 2
    assert [f.name for f in out.iterdir()] == ["plan.json"]
    assert (out / "plan.json").read_text() == "mine"


def heavy_of(argv: list[str], parties: tuple[str, ...]) -> str:
    """Return which third parties a command imports, as it says on its last line."""
    code = (
        f"import sys; from service.cli.main import main; assert main({argv}) == 0; "
        f"print('loaded', *(m for m in {parties} if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_help_imports_no_solver() -> None:
    slow = ("numpy", "scipy", "pydantic", "rich", "importlib.metadata")
    assert heavy_of(["--help"], (*SOLVERS, *slow)) == "loaded"


@pytest.mark.parametrize("command", ["list", "schema"])
def test_reading_imports_no_solver(command: str) -> None:
    assert heavy_of([command], SOLVERS) == "loaded"


@contextmanager
def searching(folder: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Give a search that has told its first incumbent or bound, and where its plan will go."""
    instance, out = write(folder / "small.json", crowded()), folder / "out"
    argv = ["place", instance, "--seconds", "600", "--out", str(out)]
    command = [sys.executable, "-m", "service.cli.main", *argv]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stderr is not None
        assert "plan" in process.stderr.readline()
        try:
            yield process, out
        finally:
            process.kill()


def test_the_first_interrupt_finishes_with_the_best_plan(tmp_path: Path) -> None:
    with searching(tmp_path) as (process, out):
        process.send_signal(signal.SIGINT)
        said, more = process.communicate(timeout=120)
    assert process.returncode == 0, more
    assert "interrupted" in more
    assert json.loads((out / "plan.json").read_text())["run"]["stopped_by"] == "cancel"
    assert "plan.json" in said


def crowded() -> Data:
    """Return an instance whose optimum is not proven at once: many jobs, little power."""
    data = small()
    data["sites"]["here"]["supplies"]["grid"]["cap_mw"] = 0.0288
    gang = {"chips": 8, "slice_chips": 8}
    data["jobs"] = [
        {
            "id": f"job-{i}",
            "workload": "chat",
            "work": 10.0 * (2 + i * 7 % 11),
            "gangs": [gang],
            "release": float(i * 5 % 13),
            "value_usd": 1000.0 + i * 377 % 613,
        }
        for i in range(60)
    ]
    return data


def test_compare_says_what_differs_between_two_plans(
    placed: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    instance, plan = placed[0], str(placed[1] / "plan.json")
    assert main(["compare", instance, plan, plan]) == 0
    assert "The plans are the same" in capsys.readouterr().out
    other = json.loads(Path(plan).read_text())
    other["placements"] = other["placements"][1:]
    spoiled = write(tmp_path / "other.json", other)
    assert main(["compare", instance, plan, spoiled]) == 1
    said = capsys.readouterr().out
    assert "The checker refuses the second plan" in said
    assert "1 job goes out" in said


def test_place_refuses_an_instance_without_jobs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["place", "loughton-mix", "--out", str(out)]) == 2
    assert "holds no jobs, so there is nothing to place" in capsys.readouterr().err
    assert not out.exists()
