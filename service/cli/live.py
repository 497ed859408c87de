"""The live line of a search, and what Ctrl-C does to it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO, TypeVar

from optimizer.units import usd
from service.cli.codes import ABORTED
from service.render.numbers import DASH, quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

__all__ = ["Cancel", "Live", "interruptible", "watch"]

_TICK = 0.25
"""How often the line of a terminal is drawn [s]."""
_PAUSE = 5.0
"""Least time between two lines where there is no terminal [s]."""

PlanT = TypeVar("PlanT")


class Live:
    """Incumbent, bound, gap and time of a search: one line, redrawn, on a terminal.

    Parameters
    ----------
    seconds
        Time limit of the search [s].
    stream
        Where it goes; standard error unless given.
    """

    def __init__(self, seconds: float, stream: TextIO | None = None) -> None:
        self._seconds = seconds
        self._stream = sys.stderr if stream is None else stream
        self._is_terminal = self._stream.isatty()
        self._found: tuple[int | None, int | None] = (None, None)
        self._is_new = False
        self._doing = ""
        self._last = -_PAUSE
        self._begin = time.monotonic()

    def tell(self, incumbent: int | None, bound: int | None, seconds: float) -> None:
        """Take note of a better incumbent or bound [nano-USD]; called from any thread.

        The search's own seconds count: its clock begins when its compiled code is ready.
        """
        self._begin = time.monotonic() - seconds
        self._found, self._is_new = (incumbent, bound), True

    def show(self) -> None:
        """Draw the line, or print one if there is news and the last is long ago."""
        elapsed = time.monotonic() - self._begin
        if self._is_terminal:
            print(f"\r\x1b[K{self._line(elapsed)}", end="", file=self._stream, flush=True)
        elif self._is_new and elapsed - self._last >= _PAUSE:
            print(self._line(elapsed), file=self._stream, flush=True)
            self._last, self._is_new = elapsed, False

    def say(self, text: str) -> None:
        """Print a line of its own."""
        print(f"{self._clear()}{text}", file=self._stream, flush=True)

    def now(self, doing: str) -> None:
        """Say what is done from now on, after the search."""
        self.say(doing)
        self._doing = doing

    def parting(self) -> str:
        """Return what to say when the search, or what comes after it, is asked to stop."""
        if self._doing:
            return "stopping with what is known by now; Ctrl-C again aborts, nothing written"
        if self._found == (None, None):
            return "stopping as soon as there is a plan; Ctrl-C again aborts, nothing written"
        return "stopping with the best plan so far; Ctrl-C again aborts, nothing written"

    def close(self) -> None:
        """Take the live line away."""
        print(self._clear(), end="", file=self._stream, flush=True)

    def _clear(self) -> str:
        return "\r\x1b[K" if self._is_terminal else ""

    def _line(self, elapsed: float) -> str:
        incumbent, bound = self._found
        if self._doing:
            return f"{elapsed:5.0f} s   {self._doing}"
        if self._found == (None, None):
            return (
                f"{elapsed:5.0f} s   making ready; the first run on a machine compiles its search"
            )
        said = [
            f"{elapsed:5.0f} s of {self._seconds:g}",
            f"plan {DASH if incumbent is None else quantity(usd(incumbent), 'USD')}",
            f"bound {DASH if bound is None else quantity(usd(bound), 'USD')}",
            f"gap {quantity(_gap(incumbent, bound), 'share')}",
        ]
        return "   ".join(said)


def _gap(incumbent: int | None, bound: int | None) -> float | None:
    if incumbent is None or bound is None or (incumbent == 0 and bound != 0):
        return None
    return 0.0 if incumbent == bound else abs(incumbent - bound) / abs(incumbent)


class Cancel(threading.Event):
    """What the first Ctrl-C (SIGINT) or SIGTERM sets; the second one raises KeyboardInterrupt."""

    is_held = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let nothing interrupt what is done meanwhile: files are written all, or none."""
        self.is_held = True
        try:
            yield
        finally:
            self.is_held = False


@contextmanager
def interruptible() -> Iterator[Cancel]:
    """Give a flag that the first Ctrl-C or SIGTERM sets; the second raises KeyboardInterrupt."""
    cancel = Cancel()
    if threading.current_thread() is not threading.main_thread():
        yield cancel  # only the main thread may set signal handlers
        return

    def stop(signum: int, frame: FrameType | None) -> None:
        if cancel.is_set() and not cancel.is_held:
            raise KeyboardInterrupt
        cancel.set()  # no more than that: a handler that prints may meet a print half done

    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield cancel
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def watch(solve: Callable[[], PlanT], live: Live, cancel: threading.Event) -> PlanT:
    """Return what a search finds; it runs in a thread, so that Ctrl-C is heard at any moment."""
    found: list[PlanT] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            found.append(solve())
        except BaseException as e:  # handed on to the thread that waits
            failed.append(e)

    worker = threading.Thread(target=run, name="search", daemon=True)
    is_told = False
    try:
        worker.start()
        while worker.is_alive():
            worker.join(_TICK)
            if cancel.is_set() and not is_told:
                live.say(live.parting())
                is_told = True
            live.show()
    except KeyboardInterrupt:
        live.say("fleetwatt: aborted, nothing written")
        sys.stdout.flush()
        os._exit(ABORTED)  # the search may hold threads that an orderly exit would wait for
    live.close()
    if failed:
        raise failed[0]
    return found[0]
