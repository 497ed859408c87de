"""Where in the data a finding points, and of what kind it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from optimizer.errors import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["CODES", "code_of", "located", "pointer"]

CODES = {
    "not_json": "the text is no JSON, or nothing that can be read: its grammar, its depth",
    "duplicate_key": "a key stands twice in an object",
    "not_finite": "a number that is none: NaN, Infinity, or too large for a double",
    "too_long": "a whole number of more than a hundred digits",
    "too_deep": "lists and objects in one another, deeper than any instance",
    "not_text": "a text that is not Unicode: half of a surrogate pair",
    "missing": "a field that has to be given is not there",
    "unknown_field": "a field that is not known here",
    "wrong_type": "a value of another kind: text for a number, a number for true or false",
    "bad_value": "a value that is not allowed: out of its range, or not of its form",
    "unknown_name": "a name that stands for nothing in this instance",
    "inconsistent": "values that do not go together, each allowed for itself",
}
"""Kinds of findings, and what they mean."""

_STEP = re.compile(r"\.?([A-Za-z_][\w-]*)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]")
_UNKNOWN = re.compile(r": .*? is (?:not an? |no |none |not one )[^;]*; ?(?:known|there)")
_KINDS = {"missing": "missing", "extra_forbidden": "unknown_field", "finite_number": "not_finite"}


def pointer(*steps: str | int) -> str:
    """Return the JSON pointer (RFC 6901) of steps."""
    return "".join("/" + str(s).replace("~", "~0").replace("/", "~1") for s in steps)


def code_of(kind: str) -> str:
    """Return our code of a kind of pydantic's errors."""
    if kind in _KINDS:
        return _KINDS[kind]
    is_type = kind.endswith("_type") or kind in ("bool_parsing", "int_from_float")
    return "wrong_type" if is_type else "bad_value"


def located(line: str, data: Any, steps: Iterable[str | int] | None = None) -> Finding:
    """Return a line of what is wrong as a finding in the data.

    steps
        Where; read from the line's own path where they are not given. Steps that lead nowhere in
        the data (such as the kind of a build) are left out, but for the last one.
    """
    if isinstance(line, Finding) and line.pointer:
        return line
    code = line.code if isinstance(line, Finding) else _said_code(line)
    walk = list(_steps_of(line) if steps is None else steps)
    found: list[str | int] = []
    here = data
    for i, step in enumerate(walk):
        is_there = _has(here, step)
        if is_there:
            here = here[step]
        if is_there or (i == len(walk) - 1 and isinstance(here, dict) and code == "missing"):
            found.append(step)
    return Finding(line, code, pointer(*found))


def _said_code(line: str) -> str:
    return "unknown_name" if _UNKNOWN.search(line) else "inconsistent"


def _has(here: Any, step: str | int) -> bool:
    if isinstance(here, dict):
        return step in here
    return isinstance(here, list) and isinstance(step, int) and 0 <= step < len(here)


def _steps_of(line: str) -> list[str | int]:
    """Return the steps of the path with which a line begins: `sites['a'].cap_mw[48]: ...`."""
    steps: list[str | int] = []
    at = 0
    while found := _STEP.match(line, at):
        name, place, key = found.groups()
        steps.append(int(place) if place is not None else name if name is not None else key)
        at = found.end()
    return steps if line[at : at + 1] in (":", " ", "") else []
