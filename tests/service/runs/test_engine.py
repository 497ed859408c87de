"""The durable engine: what is handed to it is done once, and what is done is forgotten."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from dbos import DBOS

from service.runs.engine import OVER, Durable

if TYPE_CHECKING:
    from service.runs.tables import Database


def rows(*status: str) -> list[str]:
    """Return the runs that the engine keeps, of any status or of one of these."""
    return sorted(each.workflow_id for each in DBOS.list_workflows(status=list(status) or None))


def test_what_is_done_is_forgotten_and_what_is_under_way_is_not(database: Database) -> None:
    done, go_on = list[str](), threading.Event()

    def act(run: str) -> None:
        done.append(run)
        if run == "long":
            go_on.wait(30.0)

    engine = Durable(database.url, "w", 3, act)
    try:
        for run in ("a", "b", "long", "a"):  # the second time is harmless
            engine.hand(run)
        end = time.monotonic() + 30.0
        while time.monotonic() < end and (len(done) < 3 or rows(*OVER) != ["a", "b"]):
            time.sleep(0.02)
        engine.clear(3600.0)
        assert rows() == ["a", "b", "long"]
        engine.clear(0.0)
        assert rows() == ["long"] and sorted(done) == ["a", "b", "long"]
        engine.clear(0.0)
    finally:
        go_on.set()
        DBOS.destroy(destroy_registry=True)
