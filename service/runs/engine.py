"""The durable-execution engine behind our port: what is handed to it is done, whoever dies.

The port is three words: `hand` a run, `recover` those of a dead worker, `clear` what is done. The
engine (dbos) keeps its own tables; they hold ids of runs and nothing else. What it must not do is
done here: pickle (its serializer is JSON), give a run up after a few restarts, wait a second to
look at its queue, keep what is done for ever.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from dbos import DBOS, DBOSConfig, Serializer, SetWorkflowID

if TYPE_CHECKING:
    from collections.abc import Callable

    import sqlalchemy as sa

__all__ = ["Durable"]

QUEUE = "runs"
LOOK_SECONDS = 0.2
"""How often the engine looks at its queue."""
RECOVERIES = 10_000
"""A run is begun again so often after deaths of workers; deaths of its solver are counted by us."""
OVER = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
"""What the engine calls that which it does no more."""
MOST = 1000
"""Rows that are cleared at a time."""
VERSION = "1"
"""Of what the engine keeps: one worker takes over another's runs only if both have the same."""


class _Json(Serializer):
    def serialize(self, data: Any) -> str:
        return json.dumps(data, default=repr)  # errors are told, not raised again

    def deserialize(self, serialized_data: str) -> Any:
        return json.loads(serialized_data)

    def name(self) -> str:
        return "fleetwatt_json"


class Durable:
    """The engine in this process; there is one at a time.

    Parameters
    ----------
    worker
        Who takes runs: no two that live may have the same name.
    slots
        Runs at a time, on every worker of the database.
    act
        Does a run; called in a thread, again after a death before it has returned.
    """

    def __init__(self, url: sa.URL, worker: str, slots: int, act: Callable[[str], None]) -> None:
        config: DBOSConfig = {
            "name": "fleetwatt",
            "system_database_url": _own(url).render_as_string(hide_password=False),
            "executor_id": worker,
            "application_version": VERSION,
            "serializer": _Json(),
            "log_level": "ERROR",
            "scheduler_polling_interval_sec": 3600.0,
        }
        DBOS(config=config)

        @DBOS.workflow(name="run", max_recovery_attempts=RECOVERIES)
        def do(run: str) -> None:
            act(run)

        self._do = do
        DBOS.launch()
        self._queue = DBOS.register_queue(
            QUEUE,
            worker_concurrency=slots,
            polling_interval_sec=LOOK_SECONDS,
            on_conflict="always_update",
        )

    def hand(self, run: str) -> None:
        """See to it that a run is done, once; harmless if it has been handed on before."""
        with SetWorkflowID(run):
            self._queue.enqueue(self._do, run)

    def recover(self, worker: str) -> None:
        """Begin again what a dead worker had under way; harmless if done twice."""
        DBOS._recover_pending_workflows([worker])  # noqa: SLF001 (the engine's door for this)

    def clear(self, seconds: float) -> None:
        """Forget what has been done for so long [s]; harmless if done twice."""
        until = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()
        asked: dict[str, Any] = {"status": OVER, "completed_before": until, "limit": MOST}
        done = DBOS.list_workflows(**asked, load_input=False, load_output=False)
        if done:
            DBOS.delete_workflows([each.workflow_id for each in done])


def _own(url: sa.URL) -> sa.URL:
    """Return where the engine keeps its tables: a file beside ours, or the same database."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return url.set(drivername="postgresql")
    name = f"{url.database}-engine"
    with suppress(sqlite3.OperationalError), sqlite3.connect(name) as c:
        c.execute("PRAGMA journal_mode=WAL")  # three times the throughput
    return url.set(database=name)
