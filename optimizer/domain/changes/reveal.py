"""When the futures of an expansion are told apart: all at once, at a date, or never."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.changes.patch import Change, patch, pointer

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance

__all__ = ["reveals_at", "told_apart"]


def reveals_at(instance: Instance, period: int) -> tuple[Change, ...]:
    """Return the changes by which all named futures are told apart from the start of a period on.

    Reveals that they have are left out. From period 0 on it is perfect information; from the end
    of the horizon on, or later, nothing is ever learnt.
    """
    calendar, changes = instance.growth.calendar, []
    for name in instance.expand.futures if instance.expand is not None else ():
        told: list[dict[str, str]] | None = None
        if period < calendar.periods:
            at = calendar.edges[max(0, period)].strftime("%Y-%m-%dT%H:%M:%SZ")
            told = [{"at": at, "label": name.replace("/", "|")}]
        changes.append(Change(pointer("expand", "futures", name, "reveals"), told))
    return tuple(changes)


def told_apart(instance: Instance, period: int) -> Instance:
    """Return the instance with the changes of `reveals_at`."""
    return patch(instance, reveals_at(instance, period))
