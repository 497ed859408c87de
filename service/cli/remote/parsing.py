"""What the commands take that ask a service; nothing heavy is imported here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

__all__ = ["COMMANDS", "URL", "add_remote"]

COMMANDS = ("submit", "watch", "stop", "result", "token")
URL = "FLEETWATT_URL"
TOKEN = "FLEETWATT_TOKEN"
"""Where the commands look for a token: an argument would be seen by all who list processes."""


def add_remote(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    _add_submit(commands)
    what = {
        "watch": "follow a run of a service until it ends: plan, bound and gap as they get better",
        "stop": "end a run of a service and keep its best plan",
        "result": "fetch the answer of a run: plan, report, tables",
    }
    for name, said in what.items():
        parser = commands.add_parser(name, help=said)
        parser.add_argument("run", metavar="RUN", help="its id, as submit printed it")
        _add_server(parser)
        if name == "result":
            parser.add_argument("--out", metavar="DIR", help="where it goes (fleetwatt-out/RUN)")
    _add_token(commands)


def _add_submit(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    submit = commands.add_parser(
        "submit",
        help="ask a service for a run and print its id",
        description="Asks a service for a run. Options of the question are given with --set, such "
        "as --set objective=fair --set gap=0.02.",
    )
    add = submit.add_argument
    add("question", choices=("place", "mix", "expand"))
    add("instance", metavar="NAME_OR_FILE", help="name in the service's catalog, or a file")
    add("--seconds", type=float, help="time limit of the search")
    add("--set", metavar="NAME=VALUE", action="append", default=[], help="an option; many may be")
    add("--key", help="idempotency key: the same request may be sent again with it")
    add("--watch", action="store_true", help="follow the run until it ends")
    _add_server(submit)


def _add_server(parser: argparse.ArgumentParser) -> None:
    url = os.environ.get(URL, "http://127.0.0.1:8000")
    said = f"where the service is (${URL}, %(default)s); its token is read from ${TOKEN}"
    parser.add_argument("--server", metavar="URL", default=url, help=said)


def _add_token(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    token = commands.add_parser(
        "token",
        help="make a token for a tenant of a service, or take one away",
        description="Prints a new token once; the file keeps only its SHA-256. A service that is "
        "running reads the file again by itself.",
    )
    add = token.add_argument
    add("tenant", metavar="TENANT", help="who will ask")
    add("--tokens", metavar="FILE", required=True, help="file of tokens; made if it is not there")
    add("--name", default="default", help="of the token: a new one replaces it (%(default)s)")
    add("--revoke", action="store_true", help="take the token of that name away")
    add("--open-runs", type=int, metavar="N", help="runs that may be open at once")
    add("--seconds", type=float, metavar="S", help="longest time limit of a run")
    add("--seconds-per-day", type=float, metavar="S", help="of solving in 24 hours")
    add("--cores", type=int, metavar="N", help="threads of one run")
    add("--size", type=int, metavar="N", help="columns of the model of an instance")
