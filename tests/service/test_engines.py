"""`place --engine` and `export`: each engine by its word, and a model that another solver reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pulp
import pytest
from brute import optimum
from tiny import tiny

from service.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

SEED = 20
"""A tiny instance whose gap prices do not close, so that every engine has work."""


@pytest.fixture
def instance(tmp_path: Path) -> str:
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(tiny(SEED)))
    return str(path)


@pytest.mark.parametrize("engine", ["auto", "search", "exact", "oracle", "neighbourhoods"])
def test_every_engine_writes_a_good_plan(engine: str, instance: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    given = ["place", instance, "--engine", engine, "--rounds", "20", "--out", str(out)]
    assert main(given) == 0
    plan = json.loads((out / "plan.json").read_text())
    best = optimum(tiny(SEED))[0]
    assert best is not None
    assert plan["run"]["options"]["engine"] == engine
    assert (plan["run"]["claim"] is None) == (engine in ("search", "neighbourhoods"))
    assert plan["objective"]["total"] <= best <= plan["bound"]
    if engine in ("auto", "exact"):
        assert plan["objective"]["total"] == best
        assert plan["run"]["stopped_by"] == "engine proof"
    assert main(["check", instance, str(out / "plan.json")]) == 0


def test_the_oracle_runs_the_solver_that_is_named(instance: str, tmp_path: Path) -> None:
    given = ["place", instance, "--engine", "oracle", "--out", str(tmp_path), "--rounds", "20"]
    assert main([*given, "--solver", "cbc"]) == 0
    claim = json.loads((tmp_path / "plan.json").read_text())["run"]["claim"]
    assert "CBC" in claim["engine"]
    assert main([*given, "--solver", "nobody"]) == 2


@pytest.mark.parametrize("engine", ["exact", "oracle"])
def test_exact_engines_refuse_a_campus_and_name_its_size(
    engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["place", "loughton-2027", "--engine", engine, "--out", str(tmp_path)]
    assert main(given) == 2
    assert "it takes up to" in capsys.readouterr().err


def test_export_writes_a_model_that_another_solver_solves(
    instance: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.mps"
    assert main(["export", instance, str(path)]) == 0
    assert "minimises" in capsys.readouterr().out
    _, problem = pulp.LpProblem.fromMPS(str(path))
    problem.solve(pulp.getSolver("PULP_CBC_CMD", msg=False, options=["allowableGap 0"]))
    best = optimum(tiny(SEED))[0]
    assert best is not None
    assert -pulp.value(problem.objective) == pytest.approx(best * 1e-9, rel=1e-6)


def test_export_refuses_a_campus(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "loughton-2027", str(tmp_path / "model.mps")]) == 2
    assert "variables" in capsys.readouterr().err
    assert not (tmp_path / "model.mps").exists()
