"""What `fleetwatt serve` and `fleetwatt worker` are asked."""

from __future__ import annotations

import argparse

__all__ = ["COMMANDS", "add_serving"]

COMMANDS = ("serve", "worker")

DATABASE = "sqlite:///fleetwatt.db"


def add_serving(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands that serve runs."""
    serve = commands.add_parser(
        "serve",
        help="answer over HTTP, and solve what is asked for",
        description="Starts the server and a worker beside it. Runs are kept in the database: "
        "whatever is killed, the next start goes on from the best plans.",
    )
    add = serve.add_argument
    add(
        "--host", default="127.0.0.1", help="address to listen at; others need tokens (%(default)s)"
    )
    add("--port", type=int, default=8000, help="port to listen at (%(default)d)")
    add("--tokens", metavar="FILE", help="file of hashed tokens; none: whoever reaches it may ask")
    add("--max-body", type=float, default=16.0, metavar="MIB", help="largest body (%(default)g)")
    add("--no-worker", action="store_true", help="only answer; workers run elsewhere")
    _add_worker(serve)
    worker = commands.add_parser(
        "worker",
        help="solve runs of a database, as one of many workers",
        description="Takes runs from the database that servers and other workers share. What a "
        "worker has under way when it dies, another one takes over.",
    )
    worker.add_argument("--parent", type=int, help=argparse.SUPPRESS)
    _add_worker(worker)


def _add_worker(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--database",
        metavar="URL",
        default=DATABASE,
        help="where runs are kept: a SQLite file, or postgresql://user@host/name (%(default)s)",
    )
    add("--slots", type=int, metavar="N", help="runs at a time, the same on all workers (cores/2)")
    add("--memory-mb", type=float, metavar="MB", help="memory of a solver (4/5 of all, by slot)")
