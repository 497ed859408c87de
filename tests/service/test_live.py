"""The live line, and what Ctrl-C does while a search runs."""

from __future__ import annotations

import subprocess
import sys
import threading
from io import StringIO
from pathlib import Path

import pytest

from service.cli.live import Live, watch

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
