"""How much of a solve's time, or of its rounds, a stage of it may take."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from optimizer.domain.answers.records import StoppedBy
    from optimizer.place.clock import Clock

__all__ = ["Effort", "Lap"]

LAP_SECONDS = 0.15
"""Searches come back this often to be watched and stopped."""

LAP_MOVES = 2000
"""Moves of one lap, where work is limited instead of time."""


@dataclass(slots=True)
class Lap:
    """One lap of a stage: how far the stage is at its begin and end, and moves to make."""

    begin: float
    end: float
    moves: int


@dataclass
class Effort:
    """Rounds and time of one solve, spent by its stages one after the other."""

    clock: Clock
    rounds: int = 0
    moves: int = 200

    @property
    def limit(self) -> int | None:
        """The work limit, in rounds."""
        return self.clock.options.rounds

    def is_over(self) -> bool:
        """Return whether there is nothing left, or the caller has cancelled."""
        if self.clock.cancel.is_set() or self.clock.left() <= 0:
            return True
        return self.limit is not None and self.rounds >= self.limit

    def until(self, part: float) -> Callable[[], bool]:
        """Return a question that is answered yes when this part of what is left is spent.

        For stages without rounds: where work is limited they go on to their own end.
        """
        whole = 1.0 if self.limit is not None else part
        end = self.clock.seconds() + whole * max(self.clock.left(), 0.0)
        return lambda: self.clock.cancel.is_set() or self.clock.seconds() > end

    def laps(self, part: float) -> Iterator[Lap]:
        """Give laps until this part of what is left is spent."""
        if self.limit is not None:
            n = max(1, round(part * (self.limit - self.rounds)))
            for i in range(n):
                if self.is_over():
                    return
                yield Lap(i / n, (i + 1) / n, LAP_MOVES)
                self.rounds += 1
            return
        began, span = self.clock.seconds(), max(part * self.clock.left(), 1e-3)
        while not self.is_over():
            share = (self.clock.seconds() - began) / span
            if share >= 1.0:
                return
            at = time.monotonic()
            yield Lap(share, min(1.0, share + LAP_SECONDS / span), self.moves)
            spent = max(time.monotonic() - at, 1e-4)
            self.moves = int(min(max(self.moves * LAP_SECONDS / spent, 10), 1_000_000))
            self.rounds += 1

    def stopped_by(self, is_proven: bool, gap: float | None) -> StoppedBy:
        """Return why a solve ends."""
        if is_proven:
            return "proof"
        if self.clock.cancel.is_set():
            return "cancel"
        if gap is not None and gap <= self.clock.options.gap:
            return "gap"
        return "work limit" if self.limit is not None else "time limit"
