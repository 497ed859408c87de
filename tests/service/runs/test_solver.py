"""The solver's process: what it answers, and that it dies with its parent."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import tiny

from instances.catalog import load
from optimizer.domain.files import parse_instance
from optimizer.expand.engines import operate
from optimizer.questions import EXPAND, PLACE
from service.runs.attempt import Attempt, Ended, Limits
from service.runs.claims import Claims
from service.runs.port import Order, RunState
from service.runs.runs import Runs
from service.runs.solver import Solver, level
from service.runs.tables import Database

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]
TREE = """
import subprocess, sys, time
from optimizer.solvers.watch import die_with_parent
if sys.argv[1] == "0":
    print(subprocess.Popen(["sleep", "60"]).pid, flush=True)
    die_with_parent(at_once=False)
    time.sleep(60)
subprocess.Popen([sys.executable, __file__, "0"], start_new_session=True).wait()
"""


def until(is_so: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Wait until something is so; return whether it came to that."""
    end = time.monotonic() + seconds
    while not is_so() and time.monotonic() < end:
        time.sleep(0.02)
    return is_so()


def is_alive(pid: int) -> bool:
    """Return whether a process runs: one that has ended and is not fetched does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(") ")[2][0] not in "ZX"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_what_a_solver_has_started_dies_with_the_server(tmp_path: Path) -> None:
    (tmp_path / "tree.py").write_text(TREE, encoding="utf-8")
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    top = subprocess.Popen(
        [sys.executable, str(tmp_path / "tree.py"), "1"], stdout=subprocess.PIPE, env=env
    )
    assert top.stdout is not None
    leaf = int(top.stdout.readline())
    top.stdout.close()
    time.sleep(0.3)
    assert is_alive(leaf)
    top.send_signal(signal.SIGKILL)
    top.wait()
    assert until(lambda: not is_alive(leaf))


def test_the_level_of_a_session_is_known_where_there_is_one(tmp_path: Path) -> None:
    assert level(tmp_path) == "0"  # a system without the file
    for text, told in (("", "0"), ("nice 5\n", "5"), ("nice -20\n", "-20")):
        (tmp_path / "autogroup").write_text(
            f"/autogroup-7 {text}" if text else "", encoding="utf-8"
        )
        assert level(tmp_path) == told
    assert -20 <= int(level()) <= 19


def test_a_mix_does_not_wait_for_the_search_of_placement_to_be_compiled() -> None:
    text = json.dumps(load("loughton-mix").data())
    order = {"question": "mix", "instance": text, "options": {"seconds": 1}, "start": None}
    with (ROOT / "optimizer" / "place" / "solve.py").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # as by another process that compiles it
        solver, other = Solver(), Solver()
        try:
            solver.send(order)
            said: list[Any] = []
            while not said or said[-1]["kind"] != "result":
                said.append(solver.next(120.0) or pytest.fail("no answer"))
            assert said[0] == {"kind": "ready"} and said[-1]["is_good"]
            other.send(order | {"question": "place", "instance": json.dumps(tiny.tiny(7))})
            assert other.next(0.5) is None
            fcntl.flock(file, fcntl.LOCK_UN)
            assert other.next(120.0) == {"kind": "ready"}
        finally:
            solver.kill()
            other.kill()


def test_nothing_of_an_expansion_is_compiled_after_it_is_prepared() -> None:
    def compiled() -> dict[str, int]:
        return {n: len(f.signatures) for n, f in vars(operate).items() if hasattr(f, "signatures")}

    instance, options = load("nscale-uk"), EXPAND.options(seconds=1)
    EXPAND.prepare(instance, options)
    before = compiled()
    assert before["_some_cells"] > 0
    assert EXPAND.check(instance, EXPAND.solve(instance, options)).is_good
    assert compiled() == before


def test_a_run_is_solved_in_a_process_of_its_own_and_its_death_is_told(tmp_path: Path) -> None:
    data = tiny.tiny(7)
    instance = parse_instance(json.dumps(data))
    database = Database(f"sqlite:///{tmp_path}/runs.db")
    desk, claims = Runs(database), Claims(database)
    order = Order("ada", "place", json.dumps(data), instance.hash, "tiny", {"rounds": 2})
    run = desk.submit(order)[0].id
    claim = claims.begin(run, "w")
    assert claim is not None
    solver = Solver()
    assert not solver.settled.is_set()
    Attempt(claim, claims, solver, Limits(memory_mb=4000)).run()
    assert solver.settled.is_set()
    done = desk.get("ada", run)
    assert done.state is RunState.DONE and done.is_good
    plan = PLACE.parse(desk.answer("ada", run).plan)
    assert PLACE.check(instance, plan).is_good and plan.objective.total == done.objective
    assert desk.events("ada", run, kind="incumbent")
    assert until(solver.is_dead)
    again = claims.begin(desk.submit(order)[0].id, "w")
    assert again is not None
    with pytest.raises(Ended) as end:  # it answers one order only
        Attempt(again, claims, solver, Limits(memory_mb=4000)).run()
    solver.kill()
    assert end.value.error is not None and end.value.error.code == "solver_crashed"
    assert not end.value.is_final
    database.close()
