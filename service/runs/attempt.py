"""One attempt at a run: what passes between the tables and the solver, and when it is cut short."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from service.runs.port import Error

if TYPE_CHECKING:
    from service.runs.claims import Claim, Claims
    from service.runs.solver import Solver

__all__ = ["Attempt", "Ended", "Limits"]

LOOK_SECONDS = 0.1
"""How often the solver is looked at [s]."""
TELL_SECONDS = 0.25
"""Least time between two incumbents that are written; the last one always is [s]."""
STOP_SECONDS = 2.0
"""After `stop` a solver may take so long to finish its plan; then the last checkpoint is it [s]."""
LOAD_SECONDS = 3600.0
"""A solver may take so long to load: the first one on a machine compiles what it needs, a minute of
a core, of which a busy machine gives it little [s]."""
HALT_SECONDS = 5.0
"""A solver that somebody has stopped with a signal for so long is as good as dead [s]."""
LEAST_SECONDS = 1.0
"""What is left of a run's time at least, however often it was begun again [s]."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a solver may take.

    Attributes
    ----------
    memory_mb
        Memory that it holds [MB].
    grace_seconds
        Time beyond the run's own limit, which begins when all is loaded: to finish and check [s].
    """

    memory_mb: float
    grace_seconds: float = 120.0


class Ended(Exception):
    """The attempt is over without a result of the solver.

    Attributes
    ----------
    error
        Why; None where the run is done all the same, or nobody's any more.
    is_final
        Another attempt would end alike.
    """

    def __init__(self, error: Error | None = None, *, is_final: bool = False) -> None:
        super().__init__(error)
        self.error, self.is_final = error, is_final


class Attempt:
    """One attempt; `run` is called by one thread, `stop` and `kill` by any."""

    def __init__(self, claim: Claim, claims: Claims, solver: Solver, limits: Limits) -> None:
        self.claim, self._claims, self._solver, self._limits = claim, claims, solver, limits
        self._last = claim.checkpoint
        self._news: dict[str, Any] | None = None  # incumbent not yet written
        self._next_tell = 0.0
        self._lock, self._is_killed = threading.Lock(), False
        self._stop_by: float | None = None
        self._until, self._is_ready = time.monotonic() + LOAD_SECONDS, False
        self._halted: float | None = None
        options = dict(claim.options)
        self._seconds = max(LEAST_SECONDS, float(options.get("seconds", 60.0)) - claim.spent)
        options["seconds"] = self._seconds
        order = {"question": claim.question, "instance": claim.instance, "options": options}
        solver.send(order | {"start": claim.start})

    def stop(self) -> None:
        """Ask the solver for the best plan so far; once."""
        with self._lock:
            if self._stop_by is not None:
                return
            now = time.monotonic()
            self._stop_by = now + STOP_SECONDS
            if self._is_ready:
                self._until = min(self._until, now + self._limits.grace_seconds)
            self._solver.hurry()
            self._solver.send("stop")

    def kill(self) -> None:
        """End the solver."""
        self._is_killed = True
        self._solver.kill()

    def run(self) -> None:
        """Have the run solved; Ended if the solver gives no result."""
        while True:
            try:
                line = self._solver.next(LOOK_SECONDS)
            except EOFError:
                self._died()
            self._write_news()
            if line is None:
                self._watch()
            elif self._hear(line):
                return

    def _hear(self, line: dict[str, Any]) -> bool:
        """Take a line of the solver; return whether it was the result."""
        kind = line["kind"]
        if kind == "ready":
            self._begins()
        elif kind == "incumbent":
            self._news = line
        elif kind == "plan" and line["is_good"]:
            self._last = line
            self._claims.checkpoint(self.claim, line)
        elif kind == "error":
            code = line["code"]
            is_final = code != "solver_crashed"
            raise Ended(Error(code, line["message"]), is_final=is_final)
        elif kind == "result":
            self._finish(line)
            return True
        return False

    def _begins(self) -> None:
        """Let the time of the run begin: all is loaded."""
        with self._lock:
            self._is_ready = True
            left = self._seconds if self._stop_by is None else 0.0
            self._until = time.monotonic() + left + self._limits.grace_seconds

    def _write_news(self) -> None:
        """Write the last incumbent, if there is one and the one before is a moment ago."""
        news, now = self._news, time.monotonic()
        if news is not None and now >= self._next_tell:
            self._news, self._next_tell = None, now + TELL_SECONDS
            self._claims.tell(self.claim, news["objective"], news["bound"], news["seconds"])

    def _finish(self, found: dict[str, Any]) -> None:
        if not found["is_good"]:
            said = "; ".join(found["findings"])
            message = f"the checker refused the plan that was found: {said}"
            raise Ended(Error("bad_plan", message), is_final=True)
        self._next_tell = 0.0
        self._write_news()
        self._claims.finish(self.claim, found)

    def _watch(self) -> None:
        """Cut the solver short where it takes too much, or is halted."""
        now = time.monotonic()
        is_due = self._stop_by is not None and now > self._stop_by and self._last is not None
        if is_due or now > self._until:
            self._cut_short()
        held = self._solver.memory_mb()
        if held > self._limits.memory_mb:
            most = self._limits.memory_mb
            message = f"the solver held {held:.0f} MB of memory; the limit is {most:.0f} MB"
            raise Ended(Error("out_of_memory", message), is_final=True)
        if not self._solver.is_halted():
            self._halted = None
        elif self._halted is None:
            self._halted = now
        elif now - self._halted > HALT_SECONDS:
            raise Ended(Error("solver_crashed", "the solver was stopped by a signal"))

    def _cut_short(self) -> None:
        """Take the last checkpoint for the result; it has been checked."""
        if self._last is not None:
            self._finish(self._last)
            raise Ended
        message = "the solver did not end by itself; it had no plan"
        raise Ended(Error("time_limit", message), is_final=True)

    def _died(self) -> None:
        """Say how the solver ended."""
        if self._is_killed:
            raise Ended
        raise Ended(Error("solver_crashed", f"the solver {self._solver.death()}"))
