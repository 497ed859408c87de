"""JSON as strictly as strangers deserve: one meaning, finite numbers, no traps."""

from __future__ import annotations

import json
import re
from itertools import islice
from math import isfinite
from types import NoneType
from typing import TYPE_CHECKING, Any

from optimizer.domain.fields import shown
from optimizer.domain.findings.where import pointer
from optimizer.errors import Finding, InstanceError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LONG", "MANY", "first_entries", "oddities", "strict_json"]

MAX_TWICE = 50
"""Keys given twice that are listed; no text is read on for more."""
MAX_NAMES = 20_000
"""Names in one object: pools, sites, domains; jobs and numbers stand in lists."""
MAX_ODD = 50
"""Oddities that are listed."""
SAMPLE = 20
"""Entries of each list and object that are looked at first in a long text."""
LONG, MANY = 200_000, 15
"""In a text with more characters they are looked at first; where so many of their fields are wrong,
the rest is not read: a text can have millions of wrong fields, each of which would take a kilobyte
to be described."""
MAX_DEPTH = 50
"""Lists and objects in one another; an instance has about ten."""
_NAME = re.compile(r"[\w./+-]{1,80}", re.ASCII)
LARGEST = 10**100
"""No whole number is larger: prices in certificates have some forty digits."""


class _Enough(Exception):
    """More keys are given, or given twice, than anyone means."""


def strict_json(text: str) -> tuple[Any, list[str]]:
    """Return JSON data and what is wrong with it beyond its grammar (keys given twice).

    Raises
    ------
    InstanceError
        If it is no JSON.
    """
    findings: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(items) > MAX_NAMES:
            findings.append(Finding(f"an object of more than {MAX_NAMES:,} names", "bad_value"))
            raise _Enough
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
        raise InstanceError(findings[-MAX_TWICE:]) from None
    except json.JSONDecodeError as e:
        said = f"line {e.lineno} column {e.colno}: not JSON: {e.msg}"
        raise InstanceError([Finding(said, "not_json")]) from None
    except (RecursionError, ValueError) as e:
        raise InstanceError([Finding(f"not JSON that can be read: {e}", "not_json")]) from None


def first_entries(data: Any) -> Any:
    """Return data with the first few entries of every list and object."""
    if isinstance(data, dict):
        return {key: first_entries(value) for key, value in islice(data.items(), SAMPLE)}
    return [first_entries(value) for value in data[:SAMPLE]] if isinstance(data, list) else data


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
        if _is_plain(here):
            continue
        for step, value in _parts(here):
            if isinstance(value, dict | list):
                if value:
                    waiting.append((value, (*steps, step)))
            elif (finding := _odd(value)) is not None:
                found.append(Finding(finding[1], finding[0], pointer(*steps, step)))
            if isinstance(step, str) and _is_half(step):
                found.append(Finding("a name that is not Unicode", "not_text", pointer(*steps)))
    return found


def _is_plain(here: Any) -> bool:
    """Return whether values of one kind are all in order, as those of long lists mostly are."""
    if not isinstance(here, dict | list) or not here:
        return isinstance(here, dict | list)
    values = list(here.values()) if isinstance(here, dict) else here
    if isinstance(here, dict) and not "".join(here).isascii():
        return False
    kinds = set(map(type, values))
    if kinds <= {NoneType, bool} or (kinds <= {dict, list} and not any(values)):
        return True
    if len(kinds) > 1:
        return False
    if kinds == {int}:
        return bool(min(values) > -LARGEST and max(values) < LARGEST)
    if kinds == {float}:
        return all(map(isfinite, values))
    return kinds == {str} and "".join(values).isascii()


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
