"""From a fresh clone to the first plan over HTTP, with nothing installed or compiled before.

    python -m benchmarks.fresh [--wheels FOLDER]

Clones this repository, and runs the command of docs/SERVICE.md that installs and serves, with a
HOME that is empty. As soon as the server answers, it is asked for a mix and a placement. Printed
are the seconds since the end of the clone: until it answers, until each has a first plan that the
checker has passed. `--wheels` holds the packages that are needed: nothing is downloaded then.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks.rows import print_machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[1]
GUIDE = "docs/SERVICE.md"
URL = "http://127.0.0.1:8000"
ASKED = {"mix": ("loughton-mix", 20), "place": ("loughton-2027", 20)}
"""Question: instance of the catalog, and the time limit of its run [s]."""
MOST = 900.0
"""After so long it has failed [s]."""


def command_of(guide: str) -> str:
    """Return the one command that installs and serves."""
    (found,) = re.findall(r"^(python3 -m venv .*fleetwatt serve)$", guide, re.MULTILINE)
    return str(found)


def first_plans(began: float) -> Iterator[tuple[str, float]]:
    """Ask a server that comes; yield when it answered, and when each plan was there [s]."""
    with httpx.Client(base_url=URL, timeout=30.0) as client:
        _until(lambda: client.get("/readyz").status_code == 200, began)
        yield "answers", time.monotonic() - began
        runs = {name: _asked(client, name) for name in ASKED}
        while runs:
            _until(lambda: any(_has_plan(client, *run) for run in runs.items()), began)
            name = next(name for name, run in runs.items() if _has_plan(client, name, run))
            yield name, time.monotonic() - began
            del runs[name]


def _until(is_so: Callable[[], bool], began: float) -> None:
    """Wait until something is so."""
    while time.monotonic() - began < MOST:
        with suppress(httpx.TransportError):
            if is_so():
                return
        time.sleep(0.1)
    raise TimeoutError


def _asked(client: httpx.Client, question: str) -> str:
    instance, seconds = ASKED[question]
    body: dict[str, Any] = {"instance": instance, "options": {"seconds": seconds}}
    answer = client.post(f"/v1/{question}/runs", json=body).raise_for_status()
    return str(answer.json()["id"])


def _has_plan(client: httpx.Client, question: str, run: str) -> bool:
    """Return whether a run has a plan, of which the checker of the service says that it is good."""
    plan = client.get(f"/v1/runs/{run}/plan")
    if plan.status_code != 200:
        return False
    body = {"instance": ASKED[question][0], "plan": plan.json()}
    return bool(client.post("/v1/check", json=body).raise_for_status().json()["is_good"])


def main() -> None:
    """Clone, install, serve, ask."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--wheels", type=Path, help="folder of packages; nothing is downloaded")
    given = parser.parse_args()
    print_machine()
    with suppress(httpx.TransportError):
        httpx.get(f"{URL}/healthz")
        parser.error(f"something answers at {URL} already; end it first")
    with tempfile.TemporaryDirectory(prefix="fleetwatt-fresh-") as room:
        clone, home = Path(room) / "clone", Path(room) / "home"
        home.mkdir()
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        env = os.environ | {"HOME": str(home), "PIP_NO_CACHE_DIR": "1"}
        env.pop("PYTHONPATH", None)
        if given.wheels is not None:
            env |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(given.wheels.resolve())}
        command, began = command_of((clone / GUIDE).read_text(encoding="utf-8")), time.monotonic()
        with (Path(room) / "log").open("wb") as log:
            process = subprocess.Popen(
                ["bash", "-c", command], cwd=clone, env=env, stderr=log, process_group=0
            )
        try:
            for name, seconds in first_plans(began):
                print(f"{name}: {seconds:.1f} s after the clone", flush=True)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


if __name__ == "__main__":
    main()
