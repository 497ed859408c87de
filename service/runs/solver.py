"""A solver as its worker sees it: a process that gets one order and can be killed at any moment.

Solvers are started by one thread that lives as long as the worker: the kernel kills them when the
thread that started them ends. One spare is loading or waiting, as loading takes seconds.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

__all__ = ["Nursery", "Solver", "level"]

SPARE_SECONDS = 10.0
"""A spare is begun so long after the one before was taken, or earlier: when that one has found a
plan, undisturbed by one that loads, or when the spare is awaited [s]."""
ROOT = Path(__file__).parents[2]
"""Where the process finds this package."""


class Solver:
    """One process, `service.runs.child`.

    Attributes
    ----------
    settled
        Set when it has found a plan or has ended, or by whoever waits for that no longer.
    """

    def __init__(self) -> None:
        self.settled = threading.Event()
        self._level = level()
        path = [str(ROOT), *(p for p in [os.environ.get("PYTHONPATH", "")] if p)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "service.runs.child", self._level, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path)},
            start_new_session=True,  # Ctrl-C is for the server, which decides
        )
        self._lines: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._said: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._write, daemon=True).start()

    @property
    def pid(self) -> int:
        """Number of the process, which is that of its group."""
        return self._process.pid

    def send(self, line: Mapping[str, Any] | str) -> None:
        """Write a line, at once or later; a process that is gone does not hear it."""
        text = line if isinstance(line, str) else json.dumps(line)
        self._said.put(f"{text}\n".encode())

    def next(self, seconds: float) -> dict[str, Any] | None:
        """Return the next line; None if there is none in time; EOFError when it has ended."""
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            return None
        if line is None:
            raise EOFError
        return line

    def hurry(self) -> None:
        """Let it step back no more: somebody waits for it."""
        with suppress(OSError):
            Path(f"/proc/{self.pid}/autogroup").write_text(self._level)

    def kill(self) -> None:
        """End it, and what is of its session; it is over when this returns."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self._said.put(None)

    def death(self) -> str:
        """Return how it ended, in words."""
        code = self._process.wait()
        return f"ended by signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def is_dead(self) -> bool:
        """Return whether it has ended."""
        return self._process.poll() is not None

    def is_halted(self) -> bool:
        """Return whether somebody stopped it with a signal; never where the system cannot tell."""
        return self._stat().partition(") ")[2][:1] in ("T", "t")

    def memory_mb(self) -> float:
        """Return the memory that it holds [MB]; 0 where the system cannot tell."""
        pages = self._stat().rpartition(") ")[2].split()[21:22]
        return int(pages[0]) * os.sysconf("SC_PAGE_SIZE") / 1e6 if pages else 0.0

    def _stat(self) -> str:
        with suppress(OSError):
            return Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8")
        return ""

    def _read(self) -> None:
        assert self._process.stdout is not None
        with suppress(OSError, ValueError):
            for text in self._process.stdout:
                line = json.loads(text)
                self._lines.put(line)
                if line.get("objective") is not None:
                    self.settled.set()
        self._process.stdout.close()
        self.settled.set()
        self._lines.put(None)

    def _write(self) -> None:
        """Write what is said; a process that is halted is waited for here alone."""
        assert self._process.stdin is not None
        with suppress(OSError):
            while (line := self._said.get()) is not None:
                self._process.stdin.write(line)
                self._process.stdin.flush()
        with suppress(OSError):  # what it did not read
            self._process.stdin.close()


def level(process: Path = Path("/proc/self")) -> str:
    """Return the niceness of a process's session; 0 where it has none, or the system no file of it.

    The file is empty for a process that is in no session group, as under some container runtimes.
    """
    with suppress(OSError):
        if words := (process / "autogroup").read_text(encoding="utf-8").split():
            return words[-1]
    return "0"


class Nursery:
    """Where solvers come from."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "nursery")
        self._lock = threading.Lock()
        self._taken: Solver | None = None
        self._spare: Future[Solver] = self._thread.submit(Solver)

    def take(self) -> Solver:
        """Return the spare, and have another one made; a new one if the spare has died."""
        with self._lock:
            found = self._next()
            if found.is_dead():
                found = self._next()
        return found

    def close(self) -> None:
        """End the spare; no more are made."""
        with self._lock:
            self._awaited().kill()

    def _next(self) -> Solver:
        self._taken = found = self._awaited()
        self._spare = self._thread.submit(self._after, found)
        return found

    def _awaited(self) -> Solver:
        if self._taken is not None:
            self._taken.settled.set()
        return self._spare.result()

    def _after(self, taken: Solver) -> Solver:
        taken.settled.wait(SPARE_SECONDS)
        return Solver()
