"""Inputs that a tornado turns: numbers that move together, between which factors, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.domain.changes.scale import numbers_below

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from optimizer.domain.instance import Instance

__all__ = ["SPREAD", "Input", "assumed_inputs", "grouped"]

SPREAD = 0.2
"""Assumed numbers without a range go from so much less to so much more."""


@dataclass(frozen=True, slots=True)
class Input:
    """Numbers that move together.

    Attributes
    ----------
    of
        JSON pointers.
    low, high
        Factors.
    why
        Where the range comes from.
    """

    name: str
    of: tuple[str, ...]
    low: float
    high: float
    why: str


def assumed_inputs(
    instance: Instance,
    parts: Iterable[str],
    group: Callable[[str], str | None],
    covered: Collection[str] = (),
) -> tuple[Input, ...]:
    """Return the numbers that an instance gives and calls assumed, in groups that move together.

    Parameters
    ----------
    parts
        Fields of the instance that are looked through.
    group
        The name of the group of a JSON pointer; None: it does not move.
    covered
        JSON pointers that have a range of their own.
    """
    groups: dict[str, list[str]] = {}
    below = [f"/{part}" for part in parts if part in instance.data()]
    for at, _, value in numbers_below(instance, below, is_given=True):
        name = group(at)
        if name and value and at not in covered and _is_assumed(instance, at):
            groups.setdefault(name, []).append(at)
    why = f"assumed, no range stated: taken as {SPREAD:.0%} less to {SPREAD:.0%} more"
    return tuple(Input(n, tuple(of), 1 - SPREAD, 1 + SPREAD, why) for n, of in groups.items())


def grouped(patterns: Iterable[tuple[str, str]], at: str) -> str | None:
    """Return the name that the first pattern that fits a JSON pointer gives it, or None."""
    for pattern, name in patterns:
        match = re.fullmatch(pattern, at)
        if match is not None:
            return name.format(*(g.replace("~1", "/").replace("~0", "~") for g in match.groups()))
    return None


def _is_assumed(instance: Instance, at: str) -> bool:
    """Return whether the source that is nearest to a number says that it is assumed."""
    above = [p for p in instance.sources if p == "" or at == p or at.startswith(f"{p}/")]
    return bool(above) and instance.sources[max(above, key=len)].kind == "assumed"
