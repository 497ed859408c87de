"""The child process: answers one question after another from standard input.

    python -m service.http.reading.child MIB PARENT

It dies with its parent, has a limit of memory, gives way to the server, and is killed when it takes
too long. What it reads was sent by strangers.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from optimizer.solvers.watch import die_with_parent
from service.http.reading.frames import packed, receive_from

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["main"]

NICENESS = 5
LARGE = 100_000
"""Bytes of a question after which memory is given back."""


def main(mib: int, parent: int) -> None:
    """Answer until nobody asks any more. mib: limit of memory [MiB]; parent: who started it."""
    die_with_parent(parent, at_once=True)
    _restrict(mib)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not come between the answers
    from service.http.reading.tasks import TASKS

    while (parts := receive_from(sys.stdin.buffer)) is not None:
        head = json.loads(parts[0])
        out.write(packed(_answer(TASKS[head["task"]], head, parts[1:])))
        out.flush()
        if sum(map(len, parts)) > LARGE:
            del parts
            _give_back()


def _give_back() -> None:
    """Give memory that is free back to the system: a large body leaves a multiple of itself."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _answer(
    task: Callable[..., list[bytes]], head: dict[str, object], parts: list[bytes]
) -> list[bytes]:
    """Return the parts of an answer: a head that says whether it is a problem, and what it is."""
    from optimizer.domain.fields import values_withheld
    from service.http.observe import wrote_down
    from service.http.problems import Problem, problem_of

    try:
        with values_withheld():
            return [b"{}", *task(head, *parts)]
    except MemoryError:
        problem = Problem("too_much_work", "It takes more memory than is given to it here.")
    except RecursionError:
        problem = Problem("too_much_work", "It is nested too deep to be worked on.")
    except Exception as e:
        problem = problem_of(e)
        if problem.code == "failed":
            wrote_down(e, str(head.get("request", "")))
    said: dict[str, object] = {"code": problem.code, "detail": problem.detail, "hint": problem.hint}
    said |= {"errors": problem.errors, "more": problem.more}
    return [json.dumps(said).encode("ascii")]


def _restrict(mib: int) -> None:
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server decides when it ends
    resource.setrlimit(resource.RLIMIT_AS, (mib * 2**20, mib * 2**20))


if __name__ == "__main__":
    from service.http.observe import set_up_logs

    set_up_logs()
    main(int(sys.argv[1]), int(sys.argv[2]))
