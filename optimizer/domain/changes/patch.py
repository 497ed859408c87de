"""Changes of an instance as data: where in its file (JSON pointer), and what stands there then.

A pointer is that of RFC 6901, with one convenience: in the list of jobs a step may be a job's id
(`/jobs/j-17/deadline`), which holds when jobs come and go. The value null puts a field back to its
default. Every finding is reported at once, with the path of the change that it is about.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from optimizer.domain.fields import shown
from optimizer.domain.files import instance_of
from optimizer.domain.findings.strict import strict_json
from optimizer.domain.findings.where import pointer
from optimizer.errors import InstanceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.domain.instance import Instance

__all__ = ["CHANGES_SCHEMA", "Change", "changes_text", "parse_changes", "patch", "pointer"]

CHANGES_SCHEMA = "fleetwatt/changes/1"


@dataclass(frozen=True, slots=True)
class Change:
    """One changed value of an instance file: its JSON pointer, and what stands there then.

    None takes a field or an entry of a list away, as null does in a merge patch (RFC 7396).
    """

    pointer: str
    value: Any


def patch(instance: Instance, changes: Iterable[Change]) -> Instance:
    """Return the instance with changes, checked like a file.

    Raises
    ------
    InstanceError
        With every finding: pointers that lead nowhere, and what is wrong with the changed file.
    """
    data, findings = instance.data(), []
    for i, change in enumerate(changes):
        try:
            _set(data, change)
        except LookupError as e:
            findings.append(f"changes[{i}].pointer: {e.args[0]}")
    if findings:
        raise InstanceError(findings)
    return instance_of(data)


def parse_changes(text: str) -> tuple[Change, ...]:
    """Return the changes of a JSON text: a list of {pointer, value}, or an object that has one.

    Raises
    ------
    InstanceError
        With every finding, if it cannot be read as changes.
    """
    data, findings = strict_json(text)
    if isinstance(data, dict):
        if data.get("schema") != CHANGES_SCHEMA:
            findings.append(f"schema: must be {CHANGES_SCHEMA!r}, got {shown(data.get('schema'))}")
        known = ("schema", "instance", "text", "changes")
        extra = [key for key in data if key not in known]
        findings += [f"{key}: is not a field that is known here; take it out" for key in extra]
        data = data.get("changes")
    if not isinstance(data, list):
        findings.append(f"changes: must be a list of {{pointer, value}}, got {shown(data)}")
        raise InstanceError(findings)
    for i, each in enumerate(data):
        if not isinstance(each, dict) or set(each) != {"pointer", "value"}:
            findings.append(f"changes[{i}]: must have pointer and value alone, got {shown(each)}")
        elif not isinstance(each["pointer"], str) or not each["pointer"].startswith("/"):
            said = "must be a JSON pointer such as '/jobs/j-17/deadline'"
            findings.append(f"changes[{i}].pointer: {said}, got {shown(each['pointer'])}")
    if findings:
        raise InstanceError(findings)
    return tuple(Change(each["pointer"], each["value"]) for each in data)


def changes_text(instance: str, text: str, changes: Iterable[Change]) -> str:
    """Return changes as the JSON text of a file, with the name of their instance and words."""
    each = [{"pointer": c.pointer, "value": c.value} for c in changes]
    data = {"schema": CHANGES_SCHEMA, "instance": instance, "text": text, "changes": each}
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def _set(data: dict[str, Any], change: Change) -> None:
    """Write a value into JSON data; LookupError, with words, where the pointer leads nowhere."""
    steps = [s.replace("~1", "/").replace("~0", "~") for s in change.pointer[1:].split("/")]
    here: Any = data
    for i, step in enumerate(steps):
        at, is_last = "/" + "/".join(steps[:i]), i == len(steps) - 1
        if isinstance(here, list):
            key: Any = _index(here, step, at, is_last)
        elif isinstance(here, dict):
            key = step
        else:
            raise LookupError(f"{change.pointer!r}: {at} is {shown(here)}, which has no parts")
        if not is_last:
            if isinstance(here, dict) and here.get(key) is None:
                here[key] = {}
            here = here[key]
        elif isinstance(here, dict) and change.value is None:
            here.pop(key, None)
        elif isinstance(here, list) and key == len(here):
            here.append(change.value)
        elif change.value is None:
            del here[key]
        else:
            here[key] = change.value


def _index(here: list[Any], step: str, at: str, is_last: bool) -> int:
    """Return the place in a list that a step names: a number, `-` for a new one, or an id."""
    if step == "-" and is_last:
        return len(here)
    if step.isdecimal():
        if int(step) < len(here):
            return int(step)
        raise LookupError(f"{at} has {len(here)} entries, got {step!r}")
    ids = [each.get("id") if isinstance(each, dict) else None for each in here]
    if step in ids:
        return ids.index(step)
    close = get_close_matches(step, [x for x in ids if isinstance(x, str)], n=3)
    hint = f"; did you mean {' or '.join(close)}?" if close else ""
    raise LookupError(f"{at} has no entry {step!r}{hint}")
