"""Bodies that no client should send: what the service has to refuse, quickly and in few words.

    for case in bodies(2000, seed=0): ...

Each is a sound body spoilt in one way, or no body at all. None of them is random alone: a case of a
number and seed is the same on every machine.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from service.http.routes.said import example

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["KINDS", "Case", "bodies"]

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
