"""Two thousand bodies that no client should send: none is a 5xx, and memory is not eaten up."""

from __future__ import annotations

import socket
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from served import runs_in, served

from benchmarks.bodies import KINDS, bodies, send

if TYPE_CHECKING:
    from pathlib import Path


def statuses(port: int, count: int) -> Counter[tuple[str, int]]:
    """Return what so many cases were answered, by kind."""
    return Counter((case.kind, send(port, case)[1]) for case in bodies(count, seed=0))


@pytest.mark.parametrize("count", [34, pytest.param(2000, marks=pytest.mark.slow)])
def test_no_body_is_an_error_of_ours(tmp_path: Path, count: int) -> None:
    with served(runs_in(tmp_path)) as url:
        found = statuses(int(url.rpartition(":")[2]), count)
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as line:
            line.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert line.recv(20).startswith(b"HTTP/1.1 200")
    assert {kind for kind, _ in found} == set(KINDS)
    assert sum(found.values()) == count
    assert not [case for case in found if case[1] >= 500 or case[1] < 200]
