"""The service under load and under attack: submits and status reads a second, and 2,000 bad bodies.

    python -m benchmarks.api load --seconds 10     beside one running solve
    python -m benchmarks.api bodies --count 2000   each refused within 200 ms, no 5xx, memory held

Starts `fleetwatt serve` on a new SQLite file. Times are of whole requests over new connections of
a client on the same machine, which takes its share of the processor.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.bodies import bodies
from benchmarks.rows import print_machine
from service.http.routes.said import example

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.bodies import Case

__all__ = ["main", "send"]

HOST = "127.0.0.1"
JSON = {"Content-Type": "application/json"}
QUOTAS = ["--open-runs", "1000000", "--seconds-per-day", "1e9"]
COMMAND = [sys.executable, "-m", "service.cli.main"]
MIB = 2**20


@contextmanager
def served(folder: Path) -> Iterator[tuple[int, int]]:
    """Give port and process number of a server of its own."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    make = [*COMMAND, "token", "bench", "--tokens", str(folder / "tokens"), *QUOTAS]
    token = subprocess.run(make, capture_output=True, text=True, check=True).stdout.strip()
    JSON["Authorization"] = f"Bearer {token}"
    command = [*COMMAND, "serve", "--port", str(port)]
    command += ["--database", f"sqlite:///{folder}/runs.db", "--tokens", str(folder / "tokens")]
    command += ["--slots", "1"]
    log = (folder / "log").open("w")
    process = subprocess.Popen(command, stderr=log, stdout=log)
    try:
        for _ in range(600):
            with suppress(OSError):
                if ask(port, "GET", "/readyz")[0] == 200:
                    break
            time.sleep(0.1)
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def ask(port: int, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
    """Return status and body of an answer."""
    line = http.client.HTTPConnection(HOST, port, timeout=60)
    try:
        line.request(method, path, None if body is None else json.dumps(body).encode(), JSON)
        answer = line.getresponse()
        return answer.status, answer.read()
    finally:
        line.close()


# ---- load ---------------------------------------------------------------------------------------


def load(seconds: float, clients: int) -> None:
    """Print how many submits, then status reads, are answered a second beside a running solve."""
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as (port, _):
        long = {"instance": "memphis-bridge", "options": {"seconds": 600, "threads": 1}}
        solve = json.loads(ask(port, "POST", "/v1/place/runs", long)[1])["id"]
        while json.loads(ask(port, "GET", f"/v1/runs/{solve}")[1])["objective"] is None:
            time.sleep(0.5)
        path = Path(__file__).parents[1] / "service" / "http" / "examples" / "run-place.json"
        small = json.loads(path.read_text(encoding="utf-8"))

        def submit(line: http.client.HTTPConnection) -> int:
            return _kept(line, "POST", "/v1/place/runs", json.dumps(small).encode())

        def read(line: http.client.HTTPConnection) -> int:
            return _kept(line, "GET", f"/v1/runs/{solve}", None)

        _rate("submits", port, submit, seconds, clients)
        _rate("status reads", port, read, seconds, clients)
        state = json.loads(ask(port, "GET", f"/v1/runs/{solve}")[1])["state"]
        print(f"the solve beside them is {state}")


def _kept(line: http.client.HTTPConnection, method: str, path: str, raw: bytes | None) -> int:
    """Return the status of an answer over a connection that is kept."""
    line.request(method, path, raw, JSON)
    answer = line.getresponse()
    answer.read()
    return answer.status


def _rate(
    what: str, port: int, call: Callable[[http.client.HTTPConnection], int], seconds: float,
    clients: int,
) -> None:  # fmt: skip
    """Print the rate and the times of calls by so many clients, each over its own connection."""
    times: list[float] = []
    found: Counter[int] = Counter()
    until = time.perf_counter() + seconds

    def client() -> None:
        line = http.client.HTTPConnection(HOST, port, timeout=60)
        while (began := time.perf_counter()) < until:
            found[call(line)] += 1
            times.append(time.perf_counter() - began)
        line.close()

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    ms = np.percentile(times, (50, 99)) * 1000
    rate = len(times) / seconds
    print(f"{what}: {rate:.0f}/s, median {ms[0]:.0f} ms, p99 {ms[1]:.0f} ms, {dict(found)}")


# ---- bodies -------------------------------------------------------------------------------------


def attack(count: int, seed: int, slow: float) -> None:
    """Print status, time and memory of so many bad bodies, by kind."""
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as (port, server):
        for name in ("check", "explain", "compare"):  # after what the children load at the start
            ask(port, "POST", f"/v1/{name}", example(name))
        for each in bodies(34, seed + 1):
            send(port, each)
        before = _memory_mib(server)
        times, statuses = (
            defaultdict[str, list[float]](list),
            defaultdict[str, Counter[int]](Counter),
        )
        for case in bodies(count, seed):
            took, status = send(port, case)
            times[case.kind].append(took * 1000)
            statuses[case.kind][status] += 1
        after = _memory_mib(server)
        for kind, all_of_them in times.items():
            late = sum(t > slow for t in all_of_them)
            found = ", ".join(f"{n} x {s}" for s, n in sorted(statuses[kind].items()))
            print(f"{kind:13} {found}; median {np.median(all_of_them):.0f} ms, largest "
                  f"{max(all_of_them):.0f} ms, {late} over {slow:g} ms")  # fmt: skip
        every = [t for some in times.values() for t in some]
        bad = sum(n for c in statuses.values() for s, n in c.items() if s >= 500 or s == 0)
        print(f"{count} bodies: {bad} x 5xx or no answer, {sum(t > slow for t in every)} over "
              f"{slow:g} ms, p99 {np.percentile(every, 99):.0f} ms")  # fmt: skip
        print(f"memory of the server and its children: {before:.0f} MiB before, {after:.0f} after")


def send(port: int, case: Case) -> tuple[float, int]:
    """Return the time to the answer to a case [s], and its status; 0 where there was none.

    The time begins when the request is on its way; the body is sent until an answer comes.
    """
    heads = JSON | {"Host": HOST, "Connection": "close"} | case.headers
    size = (
        {"Transfer-Encoding": "chunked"} if case.is_chunked else {"Content-Length": len(case.raw)}
    )
    lines = [f"POST {case.path} HTTP/1.1", *(f"{k}: {v}" for k, v in (heads | size).items())]
    began = time.perf_counter()
    with socket.create_connection((HOST, port), timeout=60) as line:
        with suppress(OSError):
            line.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
            for at in range(0, len(case.raw), 65536):
                part = case.raw[at : at + 65536]
                line.sendall(b"%x\r\n%s\r\n" % (len(part), part) if case.is_chunked else part)
                if _has_answer(line):
                    break
            else:
                line.sendall(b"0\r\n\r\n" if case.is_chunked else b"")
        head = b""
        with suppress(OSError):
            while b"\r\n" not in head and (got := line.recv(4096)):
                head += got
    status = head.split(b" ", 2)[1:2]
    return time.perf_counter() - began, int(status[0]) if status else 0


def _has_answer(line: socket.socket) -> bool:
    import select

    return bool(select.select([line], [], [], 0)[0])


def _memory_mib(server: int) -> float:
    """Return the memory of a process and all below it [MiB]."""
    below = [server]
    for each in below:
        with suppress(OSError):
            path = Path(f"/proc/{each}/task/{each}/children")
            below += [int(x) for x in path.read_text().split()]
    page = os.sysconf("SC_PAGE_SIZE")
    total = 0
    for each in below:
        with suppress(OSError):
            total += int(Path(f"/proc/{each}/statm").read_text().split()[1]) * page
    return total / MIB


def main() -> None:
    """Run one of the two."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("what", choices=("load", "bodies"))
    parser.add_argument("--seconds", type=float, default=10.0, help="of each rate")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print_machine()
    if given.what == "load":
        load(given.seconds, given.clients)
    else:
        attack(given.count, given.seed, 200.0)


if __name__ == "__main__":
    main()
