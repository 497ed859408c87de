"""Bodies that no client should send: what the service has to refuse, quickly and in few words.

    python -m benchmarks.bodies --count 2000 --seed 0

Each is a sound body spoilt in one way, or no body at all. None of them is random alone: a case of a
number and seed is the same on every machine. They are sent to a `fleetwatt serve` on a new SQLite
file: each has to be refused within 200 ms, none may be answered by 5xx, and the memory of the
server and its children has to stay. Times are of whole requests over new connections of a client on
the same machine, which takes its share of the processor.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.rows import print_machine
from service.http.routes.said import example

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["KINDS", "Case", "bodies", "main", "send"]

HOST = "127.0.0.1"
JSON = {"Content-Type": "application/json"}
COMMAND = [sys.executable, "-m", "service.cli.main"]
SLOW_MS = 200.0
"""No refusal may take longer [ms]."""

TARGETS = {
    "/v1/validate": "validate",
    "/v1/check": "check",
    "/v1/explain": "explain",
    "/v1/compare": "compare",
    "/v1/place/runs?mode=validate": "run-place",
    "/v1/mix/runs?mode=validate": "run-mix",
    "/v1/expand/runs?mode=validate": "run-expand",
}
"""Where cases go, and the example that is spoilt for it."""
MIB = 2**20

Rng = np.random.Generator


@dataclass(frozen=True)
class Case:
    """A request: where to, what, with which headers; `is_chunked` without its length."""

    kind: str
    path: str
    raw: bytes
    headers: dict[str, str] = field(default_factory=dict)
    is_chunked: bool = False


@cache
def _sound(name: str) -> str:
    return json.dumps(example(name))


def bodies(count: int, seed: int) -> Iterator[Case]:
    """Yield so many cases."""
    rng = np.random.default_rng(seed)
    paths, kinds = list(TARGETS), list(KINDS)
    for i in range(count):
        path, kind = paths[rng.integers(len(paths))], kinds[i % len(kinds)]
        made = KINDS[kind](_sound(TARGETS[path]), rng)
        if isinstance(made, Case):
            yield Case(kind, path, made.raw, made.headers, made.is_chunked)
        else:
            yield Case(kind, path, made)


def _swapped(text: str, rng: Rng, by: str) -> bytes:
    """Return a body with something else in place of one of its values."""
    data = json.loads(text)
    places: list[tuple[Any, Any]] = []
    waiting = [data]
    while waiting:
        here = waiting.pop()
        for key, value in here.items() if isinstance(here, dict) else enumerate(here):
            places.append((here, key))
            if isinstance(value, dict | list):
                waiting.append(value)
    here, key = places[rng.integers(len(places))]
    here[key] = "@@here@@"
    return json.dumps(data).replace('"@@here@@"', by).encode("utf-8", "surrogatepass")


def _swap(*by: str) -> Callable[[str, Rng], bytes]:
    return lambda text, rng: _swapped(text, rng, by[rng.integers(len(by))])


def _twice(text: str, rng: Rng) -> bytes:
    at = [i for i, sign in enumerate(text) if sign == "{" and text[i + 1] == '"']
    begin = at[rng.integers(len(at))]
    key = text[begin + 1 : text.index(":", begin)]
    return f"{text[: begin + 1]}{key}: 1, {text[begin + 1 :]}".encode()


def _cut(text: str, rng: Rng) -> bytes:
    return text.encode()[: rng.integers(len(text))]


def _bytes(text: str, rng: Rng) -> bytes:
    raw = bytearray(text.encode())
    for _ in range(rng.integers(1, 20)):
        raw[rng.integers(len(raw))] = rng.integers(256)
    return bytes(raw)


def _bad_utf8(text: str, rng: Rng) -> bytes:
    tail = (b"\xe2\x82", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80")
    at = int(rng.integers(len(text)))
    return text[:at].encode() + tail[rng.integers(len(tail))] + text[at:].encode()


def _deep(text: str, rng: Rng) -> bytes:
    depth = int(rng.choice([60, 500, 990, 1200, 100_000]))
    opens, closes = (("[", "]"), ('{"a":', "}"))[rng.integers(2)]
    return _swapped(text, rng, f"{opens * depth}1{closes * depth}")


def _long(text: str, rng: Rng) -> bytes:
    digits = "9" * int(rng.choice([120, 4000, 4400, 100_000]))
    return _swapped(text, rng, ("", "-")[rng.integers(2)] + digits)


def _bomb(text: str, rng: Rng) -> Case:
    raw = gzip.compress(b" " * (40 * MIB), 9)
    named = {"Content-Encoding": str(rng.choice(["gzip", "GZIP", "gzip, gzip", "br"]))}
    return Case("", "", raw, named if rng.random() < 0.8 else {})


def _forty(text: str, rng: Rng) -> Case:
    sign = (b" ", b"[", b"1,", b"{}")[rng.integers(4)]
    return Case("", "", sign * (40 * MIB // len(sign)), {}, bool(rng.random() < 0.2))


def _many(text: str, rng: Rng) -> bytes:
    """Return a body with very many wrong values, about as many as may be sent."""
    count = int(rng.choice([2_000, 20_000, 400_000]))
    each = ("{}", "1", "null", '"x"', "[]", '{"id": 1}')[rng.integers(6)]
    return _swapped(text, rng, "[" + ",".join([each] * count) + "]")


def _names(text: str, rng: Rng) -> bytes:
    """Return a body with an object of very many unknown names, or of one that is very long."""
    count = int(rng.choice([1, 5_000, 100_000]))
    long = "k" * (1_000_000 if count == 1 else 1)
    return _swapped(text, rng, "{" + ",".join(f'"{long}{i}": 1' for i in range(count)) + "}")


def _form(text: str, rng: Rng) -> bytes:
    forms = (
        b"", b" ", b"null", b"[]", b"3", b'"x"', b"true", b"{}", b"{'a': 1}", b"{,}", b'{"a":1,}',
        b"\xef\xbb\xbf" + text.encode(), text.encode("utf-16"), text.encode() * 2,
        b"/* a */" + text.encode(), text.replace('"', "'").encode(), b"\x00" * 100,
    )  # fmt: skip
    return forms[rng.integers(len(forms))]


def _other_type(text: str, rng: Rng) -> Case:
    kinds = ["text/plain", "application/xml", "multipart/form-data", "application/x-pickle", "json"]
    return Case("", "", text.encode(), {"Content-Type": str(rng.choice(kinds))})


KINDS: dict[str, Callable[[str, Rng], bytes | Case]] = {
    "not finite": _swap("NaN", "Infinity", "-Infinity", "1e999", "-1e999"),
    "other kind": _swap("true", '"5"', "null", "[]", "{}", '""', "1.5", "-1"),
    "extreme": _swap("0", "-0.0", "1e308", "5e-324", "1e-300", "2147483648", "9223372036854775808"),
    "half a pair": _swap('"\\ud800"', '"\\udc00x"', '{"\\ud83d": 1}', '"\\u0000"'),
    "date": _swap('"0001-01-01T00:00+14:00"', '"9999-12-31T23:59Z"', '"2026-02-30"', '"24:00"'),
    "key twice": _twice,
    "cut off": _cut,
    "bytes": _bytes,
    "no UTF-8": _bad_utf8,
    "deep": _deep,
    "long number": _long,
    "gzip": _bomb,
    "40 MB": _forty,
    "very many": _many,
    "names": _names,
    "form": _form,
    "other type": _other_type,
}
"""Ways to spoil a body."""


# ---- sent to a server ---------------------------------------------------------------------------


@contextmanager
def served(folder: Path) -> Iterator[tuple[int, int]]:
    """Give port and process number of a server of its own."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    make = [*COMMAND, "token", "bench", "--tokens", str(folder / "tokens")]
    token = subprocess.run(make, capture_output=True, text=True, check=True).stdout.strip()
    JSON["Authorization"] = f"Bearer {token}"
    command = [*COMMAND, "serve", "--port", str(port)]
    command += ["--database", f"sqlite:///{folder}/runs.db", "--tokens", str(folder / "tokens")]
    command += ["--no-worker"]  # no body goes to it, and the memory of its solver comes and goes
    log = (folder / "log").open("w")
    process = subprocess.Popen(command, stderr=log, stdout=log)
    try:
        for _ in range(600):
            with suppress(OSError):
                if ask(port, "GET", "/healthz")[0] == 200:
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


def attack(count: int, seed: int, slow: float = SLOW_MS) -> None:
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
    """Send them to a server of their own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print_machine()
    attack(given.count, given.seed)


if __name__ == "__main__":
    main()
