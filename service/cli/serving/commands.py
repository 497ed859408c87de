"""`fleetwatt serve` and `fleetwatt worker`: one tree of processes that dies as one.

serve: HTTP ---- worker: engine, tables ---- solver, one for each run
                                        \\--- spare solver
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.cli.codes import GOOD

if TYPE_CHECKING:
    import argparse

    from service.http.settings import Settings

__all__ = ["run"]

RESTART_SECONDS = 1.0
"""A worker that has ended is started again after so long [s]."""
MEMORY_SHARE = 0.8
"""Share of the machine's memory that solvers may hold together."""
MOST_OPEN = 500
"""Requests that are answered at a time."""

log = logging.getLogger("fleetwatt.serve")


def run(given: argparse.Namespace) -> int:
    """Run one of the two commands."""
    return serve(given) if given.command == "serve" else work(given)


def serve(given: argparse.Namespace) -> int:
    """Answer over HTTP until told to stop; the worker beside it is started again if it ends."""
    from service.http.settings import MIB, Settings, refuse_public

    tokens = None if given.tokens is None else Path(given.tokens)
    refuse_public(given.host, tokens)
    keeper = None if given.no_worker else Keeper(_worker_command(given))
    try:
        _answer(given, Settings(tokens=tokens, max_body=int(given.max_body * MIB), is_warm=True))
    finally:
        if keeper is not None:
            keeper.close()
    return GOOD


def _answer(given: argparse.Namespace, settings: Settings) -> None:
    """Answer over HTTP until told to stop."""
    import uvicorn

    from service.http.app import build
    from service.http.observe import set_up_logs
    from service.runs.runs import Runs
    from service.runs.tables import Database

    set_up_logs()
    runs = Runs(Database(given.database))
    app = build(runs, settings)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=given.host,
            port=given.port,
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MOST_OPEN,
            timeout_graceful_shutdown=3,
        )
    )
    print(f"fleetwatt: serving at http://{given.host}:{given.port}", file=sys.stderr, flush=True)
    server.run()


class Keeper:
    """Keeps a worker beside the server.

    The thread that starts it lives as long as the server: the kernel ends the worker with it.
    """

    def __init__(self, command: list[str]) -> None:
        self._command, self._closing = command, threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, daemon=True, name="keeper")
        self._thread.start()

    def close(self) -> None:
        """Stop the worker."""
        self._closing.set()
        if self._process is not None:
            self._process.terminate()
        self._thread.join(10.0)

    def _keep(self) -> None:
        while not self._closing.is_set():
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)
            code = self._process.wait()
            if not self._closing.wait(RESTART_SECONDS):
                log.error("the worker ended with code %d; it is started again", code)


def _worker_command(given: argparse.Namespace) -> list[str]:
    asked = ["--database", given.database]
    if given.slots is not None:
        asked += ["--slots", str(given.slots)]
    if given.memory_mb is not None:
        asked += ["--memory-mb", str(given.memory_mb)]
    return [
        sys.executable,
        "-m",
        "service.cli.main",
        "worker",
        "--parent",
        str(os.getpid()),
        *asked,
    ]


def work(given: argparse.Namespace) -> int:
    """Solve runs until told to stop."""
    from optimizer.solvers.watch import die_with_parent

    if given.parent is not None:
        die_with_parent(given.parent, at_once=True)
    from service.runs.attempt import Limits
    from service.runs.tables import Database
    from service.runs.worker import Worker

    if not logging.getLogger().handlers:
        logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    slots = given.slots or max(1, (os.cpu_count() or 1) // 2)
    most = given.memory_mb or MEMORY_SHARE * _memory_mb() / slots
    worker = Worker(Database(given.database), slots, Limits(most))

    def end(*_: Any) -> None:
        threading.Thread(target=_leave, args=(worker,)).start()  # no lock is waited for in here

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, end)
    print(f"fleetwatt: worker {worker.name}, {slots} runs at a time", file=sys.stderr, flush=True)
    worker.run()
    threading.Event().wait(10.0)  # while the other thread ends what is under way
    return GOOD


def _leave(worker: Any) -> None:
    worker.close()
    os._exit(GOOD)  # threads wait for runs that are begun again elsewhere


def _memory_mb() -> float:
    """Return the memory of the machine [MB]."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6
