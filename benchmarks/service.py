"""What the service holds: nothing lost, nothing twice, no process left, quick answers.

    python -m benchmarks.service restarts|solvers|stops|workers|hosts|load

`restarts`: kill -9 of the server at random moments over 8 runs. `solvers`: a solver is killed,
stopped with a signal, out of memory. `stops`: cancel and stop at random moments. `workers`: two on
one PostgreSQL (--database), one is killed. `hosts`: the same, each on a host of its own by name and
process numbers (for root). `load`: submits and status reads beside a solve. Everything is asked
over HTTP of a server of its own, in a folder of its own. A p99 is of 100 times or more.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks.rows import print_machine
from optimizer.questions import PLACE
from service.cli.files import load_instance
from service.http.tokens import add_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.runs.port import Event

Json = dict[str, Any]
ROOT = Path(__file__).parents[1]
NAME = "memphis-bridge"
ENDED = ("done", "failed", "cancelled")
ELSEWHERE = ("unshare", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc")
"""A host as far as names and processes go; only root may make one."""


class Server:
    """One `fleetwatt serve`, which can be killed and started again."""

    def __init__(
        self, room: Path, given: argparse.Namespace, *options: str, token: str = ""
    ) -> None:
        self.database = given.database or f"sqlite:///{room}/fleetwatt.db"
        self.instance = load_instance(given.instance)
        self.asked = self.instance.data() if Path(given.instance).is_file() else given.instance
        self.options, self.port = options, random.SystemRandom().randrange(20_000, 30_000)
        where, says = f"http://127.0.0.1:{self.port}", {"Authorization": f"Bearer {token}"}
        self.client = httpx.Client(base_url=where, timeout=30.0, headers=says if token else {})
        self.log = (room / "server.log").open("ab")
        OPEN.extend((self.client, self.log))
        self.start()

    def start(self) -> float:
        """Start it; return the seconds until it is ready: it answers, and a worker lives."""
        began = time.monotonic()
        self.process = fleetwatt(
            self.log, "serve", "--port", str(self.port), "--database", self.database, *self.options
        )
        until(self.is_ready, 120.0)
        return time.monotonic() - began

    def is_ready(self) -> bool:
        with suppress(httpx.HTTPError):
            return self.client.get("/healthz").status_code == 200
        return False

    def kill(self) -> list[str]:
        """Kill it; return the modules of its processes that live a second later."""
        tree = descendants(self.process.pid)
        self.process.kill()
        self.process.wait()
        time.sleep(1.0)
        return [module_of(pid) for pid in tree if not is_dead(pid)]

    def submit(self, seconds: float, **options: Any) -> str:
        body = {"instance": self.asked, "options": options | {"seconds": seconds}}
        answer = self.client.post("/v1/place/runs", json=body)
        answer.raise_for_status()
        run: str = answer.json()["id"]
        return run

    def status(self, run: str) -> Json:
        found: Json = self.client.get(f"/v1/runs/{run}").json()
        return found

    def reach(self, run: str, is_so: Callable[[Json], bool], seconds: float = 120.0) -> float:
        """Wait until a run's status is so; return how long that took."""
        return until(lambda: is_so(self.status(run)), seconds)

    def wait(self, run: str, seconds: float = 300.0) -> Json:
        self.reach(run, lambda found: found["state"] in ENDED, seconds)
        return self.status(run)

    def verdict(self, run: str) -> bool:
        """Return whether the plan of a run is good, by the checker, here."""
        plan = PLACE.parse(self.client.get(f"/v1/runs/{run}/plan").text)
        return PLACE.check(self.instance, plan).is_good


OPEN: list[Any] = []
STARTED: list[subprocess.Popen[bytes]] = []
"""What is ended at the latest when a protocol is over."""


def fleetwatt(log: Any, *words: str, host: str | None = None) -> subprocess.Popen[bytes]:
    """Start the command; on a host of that name, which sees no process of this one, if given."""
    command = [sys.executable, "-m", "service.cli.main", *words]
    if host is not None:
        there = f'hostname {host} && exec "$@"'
        command = [*ELSEWHERE, "sh", "-c", there, "sh", *command]
    STARTED.append(subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log))
    return STARTED[-1]


def until(is_so: Callable[[], bool], seconds: float) -> float:
    """Wait until something is so; return how long that took; TimeoutError if it does not come."""
    began = time.monotonic()
    while not is_so():
        if time.monotonic() - began > seconds:
            raise TimeoutError(is_so)
        time.sleep(0.02)
    return time.monotonic() - began


def is_dead(pid: int) -> bool:
    """Return whether a process runs no more."""
    with suppress(OSError):
        return stat(pid)[0] in "ZX"
    return True


def stat(pid: int) -> list[str]:
    """Return what Linux says of a process, from its state on."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()


def descendants(pid: int) -> list[int]:
    """Return the processes below one."""
    parents: dict[int, list[int]] = {}
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            with suppress(OSError):
                parents.setdefault(int(stat(int(each.name))[1]), []).append(int(each.name))
    found = list(parents.get(pid, []))
    for child in found:
        found += parents.get(child, [])
    return found


def module_of(pid: int) -> str:
    """Return the module that a process of ours runs; empty if it is gone."""
    with suppress(OSError, ValueError):
        words = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")
        return words[words.index("-m") + 1]
    return ""


def solvers(pid: int) -> list[int]:
    """Return the solvers below a process, the spare one included."""
    return [each for each in descendants(pid) if module_of(each) == "service.runs.child"]


def busy(server: Server) -> int:
    """Return the solver of the run that is under way, where one is at a time: the older one."""
    return min(solvers(server.process.pid), key=lambda pid: int(stat(pid)[19]))


def quantiles(name: str, times: list[float]) -> Json:
    """Return median and maximum [s], and the 99th percentile of a hundred times or more."""
    found = sorted(times)
    each = {"times": len(found), "median": statistics.median(found), "max": found[-1]}
    if len(found) >= 100:
        each["p99"] = found[int(0.99 * len(found))]
    return {name: {k: round(x, 3) for k, x in each.items()}}


def restarts(room: Path, given: argparse.Namespace) -> Json:
    """Kill the server at random moments over 8 runs."""
    rng, server = random.Random(given.seed), Server(room, given)
    runs = [server.submit(5.0, seed=i, threads=1) for i in range(8)]
    orphans, healthy = list[str](), list[float]()
    for _ in range(given.rounds):
        time.sleep(rng.uniform(0.0, 4.0))
        orphans += server.kill()
        healthy.append(server.start())
    found = [server.wait(run, 600.0) for run in runs]
    done = [results(server, run) for run in runs]
    good = sum(server.verdict(run) for run in runs)
    attempts = [each["attempts"] for each in found]
    server.kill()
    return {
        "kills": given.rounds,
        "lost": sum(each["state"] != "done" for each in found),
        "double": sum(done) - len(runs),
        "orphans": orphans,
        "good": good,
        "attempts": attempts,
    } | quantiles("healthy", healthy)


def events(server: Server, run: str) -> tuple[Event, ...]:
    """Return the events of a run, from the tables."""
    from service.runs.runs import Runs
    from service.runs.tables import Database

    database = Database(server.database)
    found = Runs(database).events("local", run)
    database.close()
    return found


def stops(room: Path, given: argparse.Namespace) -> Json:
    """Cancel and stop runs at random moments."""
    rng, server = random.Random(given.seed), Server(room, given)
    gone, ended, bad = [], [], 0
    for i in range(2 * given.rounds):
        run = server.submit(60.0, seed=i)
        server.reach(run, lambda found: found["state"] == "running")
        time.sleep(rng.uniform(0.0, 6.0))
        pid, began = busy(server), time.monotonic()
        if i % 2:
            server.client.post(f"/v1/runs/{run}/stop").raise_for_status()
            server.wait(run)
            ended.append(time.monotonic() - began)
            bad += not server.verdict(run)
        else:
            server.client.post(f"/v1/runs/{run}/cancel").raise_for_status()
            until(partial(is_dead, pid), 60.0)
            gone.append(time.monotonic() - began)
            bad += server.status(run)["state"] != "cancelled"
    server.kill()
    return {"bad": bad} | quantiles("cancel", gone) | quantiles("stop", ended)


def hurt(room: Path, given: argparse.Namespace) -> Json:
    """Kill a solver, stop one with a signal, let one run out of memory."""
    server, times, said = Server(room, given), list[float](), Json()

    def ended(run: str) -> Json:
        found = Json(timed(partial(server.status, run), times))
        while found["state"] not in ENDED:
            time.sleep(0.02)
            found = timed(partial(server.status, run), times)
        return found

    for name, number in (("killed", signal.SIGKILL), ("stopped", signal.SIGSTOP)):
        run = server.submit(10.0, threads=1)
        server.reach(run, lambda found: found["objective"] is not None)
        os.kill(busy(server), number)
        found = ended(run)
        said[name] = {"state": found["state"], "attempts": found["attempts"]}
        said[name]["good"] = server.verdict(run)
    server.kill()
    server = Server(room, given, "--memory-mb", "150")
    found = ended(server.submit(10.0, threads=1))
    server.kill()
    said["memory"] = {"state": found["state"], "error": found["error"]}
    return said | quantiles("status", times)


def timed(ask: Callable[[], Any], times: list[float]) -> Any:
    """Return an answer, and note how long it took."""
    began = time.monotonic()
    found = ask()
    times.append(time.monotonic() - began)
    return found


def take_over(room: Path, given: argparse.Namespace, *, is_apart: bool = False) -> Json:
    """Kill one of two workers on PostgreSQL, which are on two hosts if they are apart."""
    server = Server(room, given, "--no-worker")
    took, rounds = [], []
    with (room / "workers.log").open("ab") as log:
        command = ("worker", "--database", given.database)
        hosts = (f"host-{i}" if is_apart else None for i in itertools.count())
        pair = [fleetwatt(log, *command, host=next(hosts)) for _ in range(2)]
        for i in range(given.rounds):
            until(lambda: server.client.get("/readyz").json().get("workers") == 2, 60.0)
            runs = [server.submit(20.0, seed=i, threads=1) for _ in range(2)]
            for run in runs:
                server.reach(run, lambda found: found["objective"] is not None)
            pair[0].kill()
            pair[0].wait()
            began = time.monotonic()
            found = [server.wait(run) for run in runs]
            again = next(run for run, each in zip(runs, found, strict=True) if each["attempts"] > 1)
            took.append(taken(server, again) - (time.time() - time.monotonic() + began))
            rounds.append(
                [
                    (f["state"], f["attempts"], server.verdict(f["id"]), results(server, f["id"]))
                    for f in found
                ]
            )
            pair = [pair[1], fleetwatt(log, *command, host=next(hosts))]
    server.kill()
    return {"state, attempts, good, results": rounds} | quantiles("taken over", took)


def taken(server: Server, run: str) -> float:
    """Return when the second attempt at a run began [s since 1970]."""
    return next(e.at for e in events(server, run) if e.data.get("attempt") == 2)


def results(server: Server, run: str) -> int:
    """Return how often a run was done."""
    return sum(e.data.get("state") == "done" for e in events(server, run))


def traffic(room: Path, given: argparse.Namespace) -> Json:
    """Submit and read beside a solve."""
    tokens = room / "tokens.json"
    token = add_token(tokens, "load", "load", {"open_runs": 1e6, "seconds_per_day": 1e9})
    server = Server(room, given, "--tokens", str(tokens), token=token)
    said = Json()
    solving = server.submit(120.0)
    until(lambda: server.status(solving)["objective"] is not None, 120.0)
    asks: dict[str, Callable[[int], Any]] = {
        "submits": lambda i: server.submit(1.0, seed=i),
        "status reads": lambda i: server.status(solving),
    }
    for name, ask in asks.items():
        times, began = list[float](), time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(timed, partial(ask, i), times) for i in range(50 * given.rounds)]
            for each in asked:
                each.result()
        said[f"{name} a second"] = round(len(times) / (time.monotonic() - began))
        said |= quantiles(name, times)
    server.kill()
    return said


PROTOCOLS: dict[str, Callable[[Path, argparse.Namespace], Json]] = {
    "restarts": restarts,
    "solvers": hurt,
    "stops": stops,
    "workers": take_over,
    "hosts": partial(take_over, is_apart=True),
    "load": traffic,
}


def measured(
    protocol: str,
    rounds: int,
    seed: int = 0,
    database: str | None = None,
    instance: str = NAME,
) -> Json:
    """Return the figures of a protocol."""
    given = argparse.Namespace(rounds=rounds, seed=seed, database=database, instance=instance)
    with tempfile.TemporaryDirectory(prefix="fleetwatt-service-") as room:
        try:
            return PROTOCOLS[protocol](Path(room), given)
        finally:
            for each in STARTED:
                each.kill()
                each.wait()
            for held in OPEN:
                held.close()
            STARTED.clear()
            OPEN.clear()


def main() -> None:
    """Run one protocol."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("protocol", choices=PROTOCOLS)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--database", help="PostgreSQL URL; a SQLite file of its own without it")
    parser.add_argument("--instance", default=NAME, help="what is placed (%(default)s)")
    given = parser.parse_args()
    print_machine()
    for name, figure in measured(**vars(given)).items():
        print(f"{name}: {figure}", flush=True)


if __name__ == "__main__":
    main()
