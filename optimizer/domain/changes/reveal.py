"""When the futures of an expansion are told apart: all at once, at a date, or never."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from optimizer.domain.files import parse_instance

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance

__all__ = ["told_apart"]


def told_apart(instance: Instance, period: int) -> Instance:
    """Return the instance with all its named futures told apart from the start of a period on.

    Reveals that it has are left out. From period 0 on it is perfect information; from the end of
    the horizon on, or later, nothing is ever learnt.

    Raises
    ------
    InstanceError
        If it asks no expansion.
    """
    calendar, data = instance.growth.calendar, instance.data()
    for name, future in data["expand"].get("futures", {}).items():
        future.pop("reveals", None)
        if period < calendar.periods:
            at = calendar.edges[max(0, period)].strftime("%Y-%m-%dT%H:%M:%SZ")
            future["reveals"] = [{"at": at, "label": name.replace("/", "|")}]
    return parse_instance(json.dumps(data))
