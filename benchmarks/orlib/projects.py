"""Project scheduling: Patterson's `.rcp` files (one mode) and PSPLIB's or MMLIB's `.mm` (several).

Sets        activities j, modes m of one, renewable resources r, non-renewable ones k, periods t
Parameters  hours[m], takes[m, r] while it runs, uses[m, k] in all, capacity[r], limit[k]
Variables   mode and start of every activity
Objective   minimise the last end
Rules       predecessors end first; in every period sum takes <= capacity; sum uses <= limit
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Activity", "Mode", "Project", "read_project"]

KINDS = ("renewable", "nonrenewable")
"""Resources of a period, and of the whole project; as `.mm` files count them."""


@dataclass(frozen=True)
class Mode:
    """A way to do an activity: its length, what it takes while it runs, what it uses up."""

    hours: int
    takes: tuple[int, ...]
    uses: tuple[int, ...]


@dataclass(frozen=True)
class Activity:
    """An activity by its modes, and the numbers of those that come before it."""

    modes: tuple[Mode, ...]
    before: tuple[int, ...]


@dataclass(frozen=True)
class Project:
    """A set without its source and sink, which have no length."""

    name: str
    capacity: tuple[int, ...]
    limit: tuple[int, ...]
    activities: dict[int, Activity]

    @property
    def periods(self) -> int:
        """Periods in which every activity could run alone, in its longest mode."""
        return sum(max(mode.hours for mode in each.modes) for each in self.activities.values())


def read_project(path: Path) -> Project:
    """Return the set in a file."""
    text = path.read_text(encoding="utf-8")
    return _multi_mode(path.stem, text) if path.suffix == ".mm" else _patterson(path.stem, text)


def _patterson(name: str, text: str) -> Project:
    numbers = map(int, text.split())
    n, resources = next(numbers), next(numbers)
    capacity = tuple(next(numbers) for _ in range(resources))
    modes: dict[int, list[Mode]] = {}
    after: dict[int, list[int]] = {}
    for j in range(1, n + 1):
        hours = next(numbers)
        modes[j] = [Mode(hours, tuple(next(numbers) for _ in range(resources)), ())]
        after[j] = [next(numbers) for _ in range(next(numbers))]
    return _project(name, capacity, (), modes, after)


def _multi_mode(name: str, text: str) -> Project:
    renewable, other = (int(re.findall(rf"- {kind} *: *([0-9]+)", text)[0]) for kind in KINDS)
    parts = re.split(r"PRECEDENCE RELATIONS|REQUESTS/DURATIONS|RESOURCE ?AVAILABILITIES", text)
    after = {row[0]: row[3:] for row in _rows(parts[1])}
    modes: dict[int, list[Mode]] = {}
    j = 0
    for row in _rows(parts[2]):
        if len(row) == 3 + renewable + other:  # the first mode of an activity
            j = row.pop(0)
        takes, uses = row[2 : 2 + renewable], row[2 + renewable :]
        modes.setdefault(j, []).append(Mode(row[1], tuple(takes), tuple(uses)))
    (limits,) = _rows(parts[3])
    return _project(name, tuple(limits[:renewable]), tuple(limits[renewable:]), modes, after)


def _rows(text: str) -> Iterator[list[int]]:
    """Give the lines that are whole numbers only."""
    for line in text.splitlines():
        words = line.split()
        if words and all(word.isdigit() for word in words):
            yield [int(word) for word in words]


def _project(
    name: str,
    capacity: tuple[int, ...],
    limit: tuple[int, ...],
    modes: dict[int, list[Mode]],
    after: dict[int, list[int]],
) -> Project:
    """Return the project; an activity of no length hands on those that come before it."""
    before: dict[int, set[int]] = {j: set() for j in modes}
    for j, each in after.items():
        for k in each:
            before[k].add(j)
    void = {j for j, each in modes.items() if all(mode.hours == 0 for mode in each)}
    if any(mode.hours == 0 for j, each in modes.items() if j not in void for mode in each):
        raise ValueError(f"{name}: an activity of no length in one mode alone is not carried")
    while any(before[j] & void for j in modes):
        for j in modes:
            gone = before[j] & void
            before[j] = (before[j] - gone).union(*(before[k] for k in gone))
    activities = {
        j: Activity(tuple(each), tuple(sorted(before[j])))
        for j, each in modes.items()
        if j not in void
    }
    return Project(name, capacity, limit, activities)
