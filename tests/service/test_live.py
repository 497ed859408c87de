"""The live line, and what Ctrl-C does while a search runs."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

from benchmarks.anytime import breaches, interrupted
from instances.catalog import load, names
from optimizer.place.check import check
from optimizer.place.plan import Options
from optimizer.place.solve import prepare, solve
from service.cli.live import Live, interruptible, watch

ROOT = Path(__file__).parents[2]


class Terminal(StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_one_line_that_is_redrawn() -> None:
    stream = Terminal()
    live = Live(60, stream)
    live.show()
    live.tell(90 * 10**9, 100 * 10**9, 1.0)
    live.show()
    live.close()
    said = stream.getvalue()
    assert "\n" not in said
    assert "making ready" in said
    assert "plan USD 90.0   bound USD 100   gap 11.1 %" in said


def test_without_a_terminal_a_line_is_printed_only_for_news() -> None:
    stream = StringIO()
    live = Live(60, stream)
    for _ in range(3):
        live.show()
    live.tell(None, 5 * 10**9, 0.1)
    for _ in range(3):
        live.show()
    live.tell(4 * 10**9, 5 * 10**9, 0.2)
    live.show()  # news, but within the pause
    live.close()
    assert len(stream.getvalue().splitlines()) == 1


def test_an_error_of_the_search_is_handed_on() -> None:
    def fail() -> None:
        raise RuntimeError("no plan")

    with pytest.raises(RuntimeError, match="no plan"):
        watch(fail, Live(1, StringIO()), threading.Event())


def test_a_search_runs_beside_the_main_thread() -> None:
    name = watch(lambda: threading.current_thread().name, Live(1, StringIO()), threading.Event())
    assert name == "search"


def test_the_second_interrupt_aborts_with_code_130() -> None:
    code = """
import os, signal, threading, time
from service.cli.live import Live, interruptible, watch
live = Live(60)
def search():
    os.kill(os.getpid(), signal.SIGINT)
    cancel.wait()
    time.sleep(1)
    os.kill(os.getpid(), signal.SIGINT)
    threading.Event().wait()
with interruptible() as cancel:
    watch(search, live, cancel)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 130
    assert "Ctrl-C again aborts" in done.stderr
    assert "nothing written" in done.stderr


def test_the_first_signal_sets_the_flag_and_the_second_one_raises() -> None:
    for first in (signal.SIGINT, signal.SIGTERM):
        for second in (signal.SIGINT, signal.SIGTERM):
            with interruptible() as cancel:
                assert not cancel.is_set()
                signal.raise_signal(first)
                assert cancel.is_set()
                with pytest.raises(KeyboardInterrupt):
                    signal.raise_signal(second)


def test_nothing_interrupts_the_writing_of_files() -> None:
    written = []
    with interruptible() as cancel:
        signal.raise_signal(signal.SIGINT)
        with cancel.held():
            signal.raise_signal(signal.SIGINT)
            written.append("all of them")
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
    assert written


def test_signals_are_as_they_were_afterwards() -> None:
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    with interruptible():
        assert signal.getsignal(signal.SIGTERM) is not before[1]
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_search_that_is_stopped_leaves_a_checked_plan_and_no_thread(seed: int) -> None:
    rng, instance, cancel = np.random.default_rng(seed), load("loughton-2027"), threading.Event()
    prepare()
    threads = set(threading.enumerate())
    timer = threading.Timer(float(rng.uniform(0, 1.2)), cancel.set)
    told: list[tuple[int | None, int | None]] = []
    timer.start()
    plan = solve(instance, Options(seconds=600), lambda *x: told.append(x[:2]), cancel)
    timer.join()
    assert set(threading.enumerate()) == threads
    assert check(instance, plan).is_good
    assert plan.run.stopped_by == "cancel"
    assert told == [(x, y) for _, x, y in plan.run.history]
    assert told[-1] == (plan.objective.total, plan.bound)
    found = [x for x, _ in told if x is not None]
    bounds = [y for _, y in told if y is not None]
    assert found == sorted(found)
    assert bounds == sorted(bounds, reverse=True)


@pytest.mark.slow
def test_twenty_interrupts_of_facilities_each_leave_a_checked_plan() -> None:
    rng = random.Random(7)
    for i in range(20):
        is_twice = i % 4 == 3
        ended = interrupted(rng.choice(list(names("place"))), 8.0, rng, is_twice)
        assert list(breaches(ended, may_abort=is_twice)) == [], i
