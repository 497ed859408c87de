"""Time, cancel, and the history of incumbent and bound of one solve."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threading import Event

    from optimizer.domain.answers.records import Start, StoppedBy
    from optimizer.place.plan import Options, PlacePlan

__all__ = ["Clock", "OnIncumbent"]

OnIncumbent = Callable[[int | None, int | None, float], None]
"""Called with incumbent and bound [nano-USD], None while there is none, and seconds so far."""


POLISH_SHARE, POLISH_SECONDS = 0.05, 0.5
"""What the polish at the end of a search gets at most: a share of the time, and seconds."""

PLAN_SECONDS, PLAN_TIMES = 2.0, 20
"""Plans are handed on with at least so long in between, and so many times as long as it takes to
make one."""


@dataclass
class Clock:
    """Time, cancel, and the history of incumbent and bound.

    Attributes
    ----------
    reserve
        What it takes to make a plan file of what was found [s].
    is_beaten
        Asked whether an engine beside has proven its own plan; that ends the run.
    on_plan
        Given the best plan so far, now and then.
    begin
        What the search begins from.
    """

    options: Options
    cancel: Event
    on_incumbent: OnIncumbent | None
    start: float = field(default_factory=time.monotonic)
    incumbent: int | None = None
    bound: int | None = None
    history: list[tuple[float, int | None, int | None]] = field(default_factory=list)
    reserve: float = 0.2
    is_beaten: Callable[[], bool] | None = None
    on_plan: Callable[[PlacePlan], None] | None = None
    begin: Start[PlacePlan] | None = None
    next_plan: float = 0.0

    def seconds(self) -> float:
        """Return the time since the call [s]."""
        return time.monotonic() - self.start

    def left(self) -> float:
        """Return the time that is left to search in [s]."""
        return self.options.seconds - self.reserve - self._polish() - self.seconds()

    def polished_by(self) -> float:
        """Return when the polish of the plan, which begins now, has to end [s]."""
        if self.options.rounds is None:
            return min(self.options.seconds - self.reserve, self.seconds() + self._polish())
        return self.options.seconds - self.reserve

    def _polish(self) -> float:
        return min(POLISH_SECONDS, POLISH_SHARE * self.options.seconds)

    def tell(self, incumbent: int | None, bound: int | None) -> None:
        """Note a better incumbent or bound; neither ever gets worse."""
        before = (self.incumbent, self.bound)
        if incumbent is not None:
            self.incumbent = incumbent if self.incumbent is None else max(self.incumbent, incumbent)
        if bound is not None:
            self.bound = bound if self.bound is None else min(self.bound, bound)
        if (self.incumbent, self.bound) != before:
            at = round(self.seconds(), 3)
            self.history.append((at, self.incumbent, self.bound))
            if self.on_incumbent is not None:
                self.on_incumbent(self.incumbent, self.bound, at)

    def hand_on(self, make: Callable[[], PlacePlan]) -> bool:
        """Hand on the best plan so far, if somebody asks for it and it is time; return whether.

        Not after a cancel: the answer comes at once.
        """
        began = self.seconds()
        if self.on_plan is None or began < self.next_plan or self.cancel.is_set():
            return False
        self.on_plan(make())
        took = self.seconds() - began
        self.next_plan = self.seconds() + max(PLAN_SECONDS, PLAN_TIMES * took)
        return True

    def reason(self, rounds: int) -> StoppedBy | None:
        """Return why to stop now, or None."""
        if self.cancel.is_set():
            return "cancel"
        if self.incumbent is not None and self.bound is not None:
            if self.incumbent >= self.bound:
                return "proof"
            if self.bound - self.incumbent <= self.options.gap * abs(self.incumbent):
                return "gap"
        if self.is_beaten is not None and self.is_beaten():
            return "engine proof"
        if self.options.rounds is not None and rounds >= self.options.rounds:
            return "work limit"
        return "time limit" if self.left() <= 0 else None
