"""A process that ends when its parent does, whatever ended that, and takes its session along."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

__all__ = ["die_with_parent"]

PR_SET_PDEATHSIG = 1
LOOK_SECONDS = 0.2
"""How often the thread looks."""


def die_with_parent(parent: int | None = None, *, at_once: bool) -> None:
    """End this process, and its session if it leads one, when its parent is gone.

    A thread looks at the parent's number. Code that does not let threads run would outlive the
    parent meanwhile, so the kernel can be asked (on Linux) to kill the process at once: this one
    alone, without what it started. It does so already when the thread ends that started it.

    parent
        Its number, where it has told: it may be gone already.
    at_once
        Ask the kernel, too.
    """
    parent = os.getppid() if parent is None else parent
    if at_once and sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        _die()
    threading.Thread(target=_look, args=(parent,), daemon=True).start()


def _look(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    _die()


def _die() -> None:
    if os.getpid() == os.getsid(0):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
