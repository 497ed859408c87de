"""A server in this process: the real app behind a real socket, with a real database."""

from __future__ import annotations

import copy
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn

from service.http.app import build
from service.http.routes import said
from service.runs.runs import Runs
from service.runs.tables import Database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from service.http.settings import Settings


@contextmanager
def served(runs: Runs, settings: Settings | None = None) -> Iterator[str]:
    """Give the address of a server of these runs."""
    app = build(runs, settings)
    config = uvicorn.Config(
        app, "127.0.0.1", 0, log_config=None, access_log=False, timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)


def runs_in(folder: Path) -> Runs:
    """Return the runs of a new SQLite file."""
    return Runs(Database(f"sqlite:///{folder}/runs.db"))


def example(name: str) -> Any:
    """Return an example of the documentation, to be changed."""
    return copy.deepcopy(said.example(name))
