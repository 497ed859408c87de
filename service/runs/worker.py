"""A worker: takes runs, has them solved in processes of their own, watches over both.

Threads: the engine calls `act` for every run, which speaks with its solver; `run` looks after the
rest: what tenants ask of runs that are under way, runs to hand on, workers that have died.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from service.runs.attempt import Attempt, Ended, Limits
from service.runs.claims import Claims, Fenced
from service.runs.engine import Durable
from service.runs.port import Error, RunState
from service.runs.solver import Nursery

if TYPE_CHECKING:
    from service.runs.claims import Claim
    from service.runs.tables import Database

__all__ = ["MOST_CRASHES", "Worker", "is_gone", "process_name"]

LOOK_SECONDS = 0.1
"""How often a worker asks what tenants want of its runs, and for new ones [s]."""
BEAT_SECONDS = 2.0
"""How often it says that it lives, and looks for dead ones [s]."""
MOST_CRASHES = 3
"""A run whose solver dies so often has failed."""
CLEAR_SECONDS = 60.0
"""How often the engine is told to forget what it has done, and how long it is kept [s]."""

log = logging.getLogger("fleetwatt.worker")


@dataclass
class Worker:
    """One process that solves.

    Attributes
    ----------
    slots
        Runs at a time.
    limits
        Of each solver.
    """

    database: Database
    slots: int
    limits: Limits

    def __post_init__(self) -> None:
        self.name = process_name()
        self._claims, self._nursery = Claims(self.database), Nursery()
        self._under_way: dict[str, Attempt] = {}
        self._closing = threading.Event()
        self._claims.beat(self.name, self.slots)
        self._engine = Durable(self.database.url, self.name, self.slots, self.act)

    def run(self) -> None:
        """Look after runs until closed."""
        next_beat = next_clear = 0.0
        while not self._closing.wait(LOOK_SECONDS):
            try:
                self._heed()
                for run in self._claims.waiting(self.slots):
                    self._engine.hand(run)
                    self._claims.handed(run)
                if time.monotonic() >= next_beat:
                    self._claims.beat(self.name, self.slots)
                    self._take_over()
                    next_beat = time.monotonic() + BEAT_SECONDS
                if time.monotonic() >= next_clear:
                    self._engine.clear(CLEAR_SECONDS)
                    next_clear = time.monotonic() + CLEAR_SECONDS
            except Exception:  # the database may be away for a while
                log.exception("worker %s", self.name)
                self._closing.wait(1.0)

    def close(self) -> None:
        """End all solvers; what was under way is begun again elsewhere, or after a restart."""
        self._closing.set()
        for attempt in list(self._under_way.values()):
            attempt.kill()
        self._nursery.close()

    def act(self, run: str) -> None:
        """Do a run: attempts until one ends it."""
        while True:
            try:
                claim = self._claims.begin(run, self.name)
                if claim is None or self._is_done(claim):
                    return
            except Fenced:
                return
            except Exception:
                log.exception("run %s", run)
                time.sleep(1.0)
            while self._closing.is_set():  # not done: whoever comes next takes it up
                time.sleep(1.0)

    def _is_done(self, claim: Claim) -> bool:
        """Make one attempt; return whether the run has ended, or is another's."""
        attempt = Attempt(claim, self._claims, self._nursery.take(), self.limits)
        self._under_way[claim.run] = attempt
        try:
            attempt.run()
        except Ended as end:
            if self._closing.is_set():
                return False
            if end.error is None:
                return True
            log.warning("run %s attempt %d: %s", claim.run, claim.attempt, end.error.message)
            return self._is_given_up(claim, end.error, is_final=end.is_final)
        finally:
            del self._under_way[claim.run]
            attempt.kill()
        return True

    def _is_given_up(self, claim: Claim, error: Error, *, is_final: bool) -> bool:
        """Count a death of the solver; return whether that was the last one."""
        if not is_final:
            count = self._claims.crashed(claim)
            if count < MOST_CRASHES:
                return False
            error = Error(error.code, f"{error.message}, for the {count}rd time")
        self._claims.fail(claim, error)
        return True

    def _heed(self) -> None:
        """Pass on what tenants have asked of runs that are under way."""
        mine = dict(self._under_way)
        states = self._claims.states(list(mine))
        for run, attempt in mine.items():
            number, state = states.get(run, (0, RunState.CANCELLED))
            if number != attempt.claim.attempt or state not in (
                RunState.RUNNING,
                RunState.STOPPING,
            ):
                attempt.kill()
            elif state is RunState.STOPPING:
                attempt.stop()

    def _take_over(self) -> None:
        """Begin again what dead workers had under way."""
        for name, is_live in self._claims.others(self.name).items():
            if not is_live or is_gone(name):
                log.warning("worker %s is dead: its runs are taken over", name)
                self._engine.recover(name)
                self._claims.bury(name)


def process_name() -> str:
    """Return a name that no other process has, of this machine or another: host, number, birth."""
    boot = ""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8")[:8]
    return f"{socket.gethostname()}.{boot}:{os.getpid()}:{_born(os.getpid())}"


def is_gone(name: str) -> bool:
    """Return whether a process was one of this machine, and has ended."""
    host, pid, born = name.rsplit(":", 2)
    if host != process_name().rsplit(":", 2)[0]:
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return _born(int(pid)) != born


def _born(pid: int) -> str:
    """Return when a process was started, in ticks since the machine was; empty if unknown."""
    with suppress(OSError, IndexError):
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        return stat.rpartition(") ")[2].split()[19]
    return ""
