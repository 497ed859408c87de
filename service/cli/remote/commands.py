"""`fleetwatt submit`, `watch`, `stop`, `result` on the client, and `fleetwatt token`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.units import usd
from service.cli.codes import GOOD, NO_PLAN, NOT_GOOD
from service.cli.options import BadOption
from service.cli.remote.parsing import TOKEN
from service.client import Client
from service.render.numbers import DASH, quantity
from service.runs.port import RunState

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from service.client import RemoteRun
    from service.http.views import RunView

__all__ = ["run"]

QUOTAS = ("open_runs", "seconds", "seconds_per_day", "cores", "size")


def run(given: argparse.Namespace) -> int:
    """Run one of the commands."""
    if given.command == "token":
        return _token(given)
    with Client(given.server, os.environ.get(TOKEN)) as client:
        if given.command == "submit":
            return _submit(client, given)
        act = {"watch": _watch, "stop": _stop, "result": _result}[given.command]
        return act(client.run(given.run), given)


def _submit(client: Client, given: argparse.Namespace) -> int:
    path, instance = Path(given.instance), given.instance
    if path.is_file():
        try:
            instance = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError):
            raise BadOption(f"{path}: is no JSON; fleetwatt validate says where") from None
    options = dict(_option(each) for each in given.set)
    if given.seconds is not None:
        options["seconds"] = given.seconds
    made = client.submit(given.question, instance, key=given.key, **options)
    print(made.id, flush=True)
    return _watch(made, given) if given.watch else GOOD


def _option(text: str) -> tuple[str, Any]:
    """Return an option as it was given: a value that is no JSON is a text."""
    name, sign, value = text.partition("=")
    if not sign or not name.isidentifier():
        raise BadOption(f"--set {text}: must be NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _watch(made: RemoteRun, given: argparse.Namespace) -> int:
    """Print a line for each better plan or bound, and the state at the end."""
    for event in made.events():
        if event.kind == "incumbent":
            print(_line(event.data), file=sys.stderr, flush=True)
        elif event.kind == "state":
            print(f"{event.data['state']}", file=sys.stderr, flush=True)
    return _ended(made.status())


def _line(data: Mapping[str, Any]) -> str:
    def money(nano: int | None) -> str:
        return DASH if nano is None else quantity(usd(nano), "USD")

    seconds = data.get("seconds") or 0.0
    plan, bound = money(data.get("objective")), money(data.get("bound"))
    gap = quantity(data.get("gap"), "share")
    return f"{seconds:7.1f} s   plan {plan}   bound {bound}   gap {gap}"


def _ended(status: RunView) -> int:
    """Say how a run ended; return the exit code of the same answer of the command line."""
    gap = quantity(status.gap, "share")
    print(f"{status.id}: {status.state}, {status.outcome or 'no plan'}, gap {gap}")
    if status.error is not None:
        print(f"{status.error.code}: {status.error.message}", file=sys.stderr)
    if status.state is not RunState.DONE:
        return NOT_GOOD
    if status.outcome in ("infeasible", "unknown"):
        return NO_PLAN
    return GOOD if status.is_good else NOT_GOOD


def _stop(made: RemoteRun, given: argparse.Namespace) -> int:
    print(f"{made.id}: {made.stop().state}")
    return GOOD


def _result(made: RemoteRun, given: argparse.Namespace) -> int:
    """Write plan, page and tables as the other commands do."""
    made.result()  # refused while there is none
    status = made.status()
    folder = Path("fleetwatt-out", made.id) if given.out is None else Path(given.out)
    tables = json.loads(made.export("tables"))
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    for name in ("plan", *tables):
        path = folder / ("plan.json" if name == "plan" else f"tables/{name}")
        text = made.export("plan" if name == "plan" else f"tables/{name}")
        path.write_text(text, encoding="utf-8")
    (folder / "report.html").write_text(made.export("report.html"), encoding="utf-8")
    print(f"{folder}: plan.json, report.html, {len(tables)} tables")
    return _ended(status)


def _token(given: argparse.Namespace) -> int:
    from service.http.tokens import add_token, drop_token

    path = Path(given.tokens)
    if given.revoke:
        drop_token(path, given.tenant, given.name)
        print(f"{path}: token {given.name!r} of {given.tenant!r} is gone")
        return GOOD
    quotas = {name: value for name in QUOTAS if (value := getattr(given, name)) is not None}
    print(add_token(path, given.tenant, given.name, quotas))
    print(f"{path}: keeps its hash; this is the only time it is shown", file=sys.stderr)
    return GOOD
