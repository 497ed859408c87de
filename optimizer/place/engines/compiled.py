"""The one way in which functions of the search are compiled: without the lock, and kept on disk.

numba keeps a compiled function until the file it stands in changes; but these functions contain one
another across files, so a change in one file would leave the others with yesterday's code inside.
Here all of them share one stamp: the contents of every file of this folder and those below it.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ADD", "NONE", "TAKE", "ZERO", "compiled", "stamp"]

NONE, ZERO, ADD, TAKE = np.int64(-1), np.int64(0), np.int64(1), np.int64(-1)
"""Whole numbers that functions are given: a literal would have them compiled once more for it."""


@cache
def stamp() -> tuple[str, int]:
    """Return the stamp of these sources: a digest of their contents, and their size."""
    sources = [file.read_bytes() for file in sorted(Path(__file__).parent.rglob("*.py"))]
    return hashlib.sha256(b"\0".join(sources)).hexdigest(), sum(map(len, sources))


def compiled(function: Callable[..., Any]) -> Any:
    """Return a function that is compiled when it is first called, or loaded if nothing changed."""
    dispatcher: Any = njit(nogil=True, cache=True)(function)
    dispatcher._cache._cache_file._source_stamp = stamp()  # noqa: SLF001 - numba has no door for it
    return dispatcher
