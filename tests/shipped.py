"""Shipped instance files as JSON data, and the JSON pointers of their numbers."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

from instances.catalog import entry

if TYPE_CHECKING:
    from collections.abc import Iterator


def text_of(name: str) -> str:
    """Return an instance file as it is shipped."""
    return files("instances").joinpath(*entry(name).path.split("/")).read_text(encoding="utf-8")


def numbers(data: Any, pointer: str = "") -> Iterator[str]:
    """Yield the JSON pointer of every number."""
    if isinstance(data, dict):
        for key, value in data.items():
            step = key.replace("~", "~0").replace("/", "~1")
            yield from numbers(value, f"{pointer}/{step}")
    elif isinstance(data, list):
        for i, value in enumerate(data):
            yield from numbers(value, f"{pointer}/{i}")
    elif isinstance(data, int | float) and not isinstance(data, bool):
        yield pointer


def prefixes(pointer: str) -> Iterator[str]:
    """Yield a pointer and every pointer above it."""
    while pointer:
        yield pointer
        pointer = pointer.rpartition("/")[0]
