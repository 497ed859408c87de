"""Whole servers and workers, killed: nothing lost, nothing twice, nothing left running."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from benchmarks.service import ELSEWHERE, measured
from service.cli.main import main

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
def test_a_server_that_is_killed_loses_nothing_and_leaves_nothing() -> None:
    found = measured("restarts", 3)
    assert (found["lost"], found["double"], found["orphans"], found["good"]) == (0, 0, [], 8)


@pytest.mark.slow
def test_a_solver_that_dies_is_replaced_or_the_run_fails_with_a_reason() -> None:
    found = measured("solvers", 1)
    for how in ("killed", "stopped"):
        assert found[how] == {"state": "done", "attempts": 2, "good": True}
    assert found["memory"]["state"] == "failed"
    assert found["memory"]["error"]["code"] == "out_of_memory"


@pytest.mark.slow
def test_what_is_stopped_has_a_checked_plan_and_what_is_cancelled_is_gone() -> None:
    assert measured("stops", 2)["bad"] == 0


def can_be_elsewhere() -> bool:
    """Return whether this process may start others on a host of their own."""
    command = (*ELSEWHERE, "hostname", "elsewhere")
    return bool(shutil.which("unshare")) and subprocess.run(command, check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["workers", "hosts"])
def test_a_dead_workers_runs_are_taken_over_once(postgres_url: str, protocol: str) -> None:
    if protocol == "hosts" and not can_be_elsewhere():
        pytest.skip("no host of its own can be made here")
    found = measured(protocol, 1, database=postgres_url)
    (runs,) = found["state, attempts, good, results"]
    assert [(state, good, results) for state, _, good, results in runs] == [("done", True, 1)] * 2
    assert sorted(attempts for _, attempts, _, _ in runs) == [1, 2]


def test_the_commands_of_the_compose_file_are_known(capsys: pytest.CaptureFixture[str]) -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    for name in ("server", "worker"):
        assert main([*services[name]["command"], "--help"]) == 0
        assert main([*services[name]["command"], "--no-such"]) == 2
    assert capsys.readouterr().err.count("--no-such") == 2
