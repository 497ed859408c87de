"""JSON as strictly as strangers deserve: one meaning, finite numbers, no traps."""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import TYPE_CHECKING, Any

from optimizer.domain.fields import shown
from optimizer.domain.findings.where import pointer
from optimizer.errors import Finding, InstanceError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["oddities", "strict_json"]

MAX_TWICE = 50
"""Keys given twice that are listed; no text is read on for more."""
MAX_ODD = 50
"""Oddities that are listed."""
MAX_DEPTH = 50
"""Lists and objects in one another; an instance has about ten."""
_NAME = re.compile(r"[\w./+-]{1,80}", re.ASCII)
LARGEST = 10**100
"""No whole number is larger: prices in certificates have some forty digits."""


class _Enough(Exception):
    """More keys are given twice than anyone wants listed."""


def strict_json(text: str) -> tuple[Any, list[str]]:
    """Return JSON data and what is wrong with it beyond its grammar (keys given twice).

    Raises
    ------
    InstanceError
        If it is no JSON.
    """
    findings: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        out = dict(items)
        if len(out) < len(items):
            seen: set[str] = set()
            for key, _ in items:
                if key in seen:
                    name = repr(key) if _NAME.fullmatch(key) else shown(key)
                    said = f"key {name} is given twice; every name may stand once"
                    findings.append(Finding(said, "duplicate_key"))
                seen.add(key)
            if len(findings) > MAX_TWICE:
                raise _Enough
        return out

    try:
        return json.loads(text, object_pairs_hook=pairs), findings
    except _Enough:
        raise InstanceError(findings[:MAX_TWICE]) from None
    except json.JSONDecodeError as e:
        said = f"line {e.lineno} column {e.colno}: not JSON: {e.msg}"
        raise InstanceError([Finding(said, "not_json")]) from None
    except (RecursionError, ValueError) as e:
        raise InstanceError([Finding(f"not JSON that can be read: {e}", "not_json")]) from None


def oddities(data: Any) -> list[str]:
    """Return what JSON data hold that Python's reader lets pass and nobody means.

    NaN, Infinity and numbers that are too large for a double; whole numbers of more than a hundred
    digits; texts that are no Unicode; data nested deeper than any of ours.
    """
    found: list[str] = []
    waiting: list[tuple[Any, tuple[str | int, ...]]] = [(data, ())]
    while waiting and len(found) < MAX_ODD:
        here, steps = waiting.pop()
        if len(steps) > MAX_DEPTH:
            said = f"lists and objects in one another, deeper than {MAX_DEPTH}"
            return [*found, Finding(said, "too_deep", pointer(*steps[:MAX_DEPTH]))]
        for step, value in _parts(here):
            if isinstance(value, dict | list):
                waiting.append((value, (*steps, step)))
            elif (finding := _odd(value)) is not None or (isinstance(step, str) and _is_half(step)):
                code, said = finding or ("not_text", "a name that is not Unicode")
                at = (*steps, step) if finding else steps
                found.append(Finding(said, code, pointer(*at)))
    return found


def _parts(here: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(here, dict):
        yield from here.items()
    elif isinstance(here, list):
        yield from enumerate(here)
    else:
        yield "", here


def _odd(value: Any) -> tuple[str, str] | None:
    kind = type(value)
    if kind is float and not isfinite(value):
        return "not_finite", "must be a finite number"
    if kind is int and not -LARGEST < value < LARGEST:
        return "too_long", "must have at most a hundred digits"
    if kind is str and _is_half(value):
        return "not_text", "must be Unicode text; it has half of a surrogate pair"
    return None


def _is_half(text: str) -> bool:
    """Return whether a text holds half of a surrogate pair."""
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
