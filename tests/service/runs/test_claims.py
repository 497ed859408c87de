"""The worker's side of the tables: attempts, fencing, checkpoints, whose turn it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from test_runs import ORDER

from service.runs.claims import Claim, Claims, Fenced
from service.runs.port import Error, NotYet, PlanKind, RunState, Start
from service.runs.runs import Runs
from service.runs.worker import is_gone, process_name

if TYPE_CHECKING:
    from service.runs.tables import Database

PLAN = json.dumps(
    {"status": "feasible", "run": {"stopped_by": "time limit", "seconds": 2.0},
     "objective": {"total": 10**24}, "bound": 2 * 10**24, "gap": 1.0}
)  # fmt: skip
FOUND: dict[str, Any] = {
    "plan": PLAN, "verdict": "{}", "seconds": 2.0, "is_good": True, "outcome": "feasible",
    "stopped_by": "time limit", "objective": 10**24, "bound": 2 * 10**24, "gap": 1.0,
}  # fmt: skip


def begun(database: Database, run: str) -> Claim:
    """Return a new attempt at a run that goes on."""
    claim = Claims(database).begin(run, "w")
    assert claim is not None
    return claim


def test_an_attempt_begins_from_the_best_plan_of_the_one_before(database: Database) -> None:
    desk, claims = Runs(database), Claims(database)
    order = replace(ORDER, start=Start('{"s": 1}', '{"b": 2}', "hash-b"))
    run = desk.submit(order)[0].id
    first = begun(database, run)
    assert first.start == {"plan": '{"s": 1}', "instance": '{"b": 2}'} and first.spent == 0.0
    claims.tell(first, 10**24, None, 1.5)
    assert first.checkpoint is None
    claims.checkpoint(first, FOUND)
    second = begun(database, run)
    assert second.start == {"plan": PLAN, "instance": None} and second.checkpoint == FOUND
    assert (second.attempt, second.spent) == (2, 2.0)
    assert desk.get("ada", run).objective == 10**24
    incumbent = desk.events("ada", run, kind="incumbent")[0]
    assert incumbent.data == {"seconds": 1.5, "objective": 10**24, "bound": None, "gap": None}


def test_only_the_latest_attempt_writes_and_a_result_is_written_once(database: Database) -> None:
    desk, claims = Runs(database), Claims(database)
    run = desk.submit(ORDER)[0].id
    old, new = begun(database, run), begun(database, run)
    calls = (
        lambda c: claims.tell(c, 1, 2, 3.0),
        lambda c: claims.checkpoint(c, FOUND),
        lambda c: claims.fail(c, Error("solver_crashed", "x")),
        lambda c: claims.crashed(c),
        lambda c: claims.finish(c, FOUND),
    )
    for call in calls:
        with pytest.raises(Fenced):
            call(old)
    claims.finish(new, FOUND)
    for call in calls:
        with pytest.raises(Fenced):
            call(new)
    done = desk.get("ada", run)
    assert (done.state, done.outcome, done.is_good) == (RunState.DONE, "feasible", True)
    assert (done.objective, done.bound, done.gap) == (10**24, 2 * 10**24, 1.0)
    assert desk.answer("ada", run).plan == PLAN and claims.begin(run, "w") is None
    states = [e.data["state"] for e in desk.events("ada", run, kind="state")]
    assert states == ["queued", "running", "running", "done"]


def test_what_is_cancelled_while_it_runs_keeps_its_best_plan(database: Database) -> None:
    desk, claims = Runs(database), Claims(database)
    run = desk.submit(ORDER)[0].id
    claim = begun(database, run)
    claims.checkpoint(claim, FOUND)
    assert desk.stop("ada", run).state is RunState.STOPPING
    claim = begun(database, run)
    assert claims.states([run, "none"]) == {run: (2, RunState.STOPPING)}
    assert desk.cancel("ada", run).state is RunState.CANCELLED
    with pytest.raises(Fenced):
        claims.finish(claim, FOUND)
    assert desk.answer("ada", run, PlanKind.CHECKPOINT).plan == PLAN
    with pytest.raises(NotYet):
        desk.answer("ada", run)


def test_tenants_take_turns_and_few_runs_wait_in_the_engine(database: Database) -> None:
    desk, claims = Runs(database), Claims(database)
    ada = [desk.submit(ORDER)[0].id for _ in range(3)]
    bob = desk.submit(replace(ORDER, tenant="bob"))[0].id
    turns = []
    for _ in range(2):
        (run,) = claims.waiting(2)
        claims.handed(run)
        turns.append(run)
    assert turns[0] in ada and turns[1] == bob
    assert claims.waiting(2) == ()
    begun(database, turns[0])
    assert claims.waiting(2)[0] in ada


def test_a_worker_that_is_silent_is_held_to_be_dead(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = Claims(database)
    claims.beat("w1", 2)
    claims.beat("w2", 3)
    assert claims.others("w1") == {"w2": True}
    health = Runs(database).health()
    assert (health.workers, health.slots) == (2, 5)
    monkeypatch.setattr("service.runs.claims.LIVE_SECONDS", -1.0)
    assert claims.others("w1") == {"w2": False}
    claims.bury("w2")
    assert claims.others("w1") == {}


def test_a_process_of_this_machine_is_known_to_be_gone() -> None:
    code = (
        "from service.runs.worker import process_name; print(process_name(), flush=True); input()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    name = child.stdout.readline().strip()
    assert not is_gone(name)
    child.kill()
    child.communicate()
    assert is_gone(name) and not is_gone(process_name())
    host, _, born = process_name().rsplit(":", 2)
    assert is_gone(f"{host}:{os.getpid()}:{born}1"), "its number is another's now"
    assert not is_gone("elsewhere.1:1:1")
