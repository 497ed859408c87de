"""Scaling numbers of an instance: which stand at or below a pointer, and what they become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optimizer.domain.changes.patch import Change, pointer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from optimizer.domain.instance import Instance

__all__ = ["Scaled", "numbers_below", "scaled"]

FIXED = frozenset(
    {"chips", "slice_chips", "from", "until", "delivery", "from_domains", "min_domains", "spares",
     "start", "periods", "period_hours", "software_date", "as_of", "low", "high"}
)  # fmt: skip
"""Fields that say what or when something is, not how much: they are never scaled."""

MOST = {
    "utilisation": 1.0, "take_or_pay": 1.0, "residual_share": 1.0, "least_share": 1.0,
    "upkeep_share_per_year": 1.0, "discount_rate_per_year": 1.0, "draw_share": 1.0,
    "speed_share": 1.0, "loan_to_cost": 1.0,
}  # fmt: skip
LEAST = {"pue": 1.0}
"""Fields that cannot be more, or less, than this: what would be is put there."""


@dataclass(frozen=True, slots=True)
class Scaled:
    """A number that was scaled: where it stands, and what it was and is."""

    pointer: str
    before: float
    after: float


def scaled(
    instance: Instance, pointers: Iterable[str], factor: float
) -> tuple[tuple[Change, ...], tuple[Scaled, ...]]:
    """Return changes that multiply every number at or below pointers, and what they do.

    Whole numbers stay whole, shares stay at most 1, a PUE at least 1.
    """
    changes, done = [], dict[str, Scaled]()
    for at, field, value in numbers_below(instance, pointers):
        after: float = value * factor
        after = max(after, LEAST.get(field, after))
        after = min(after, MOST.get(field, after))
        if isinstance(value, int):
            after = max(1, round(after)) if value else 0
        if at not in done:
            changes.append(Change(at, after))
            done[at] = Scaled(at, value, after)
    return tuple(changes), tuple(done.values())


def numbers_below(
    instance: Instance, pointers: Iterable[str], *, is_given: bool = False
) -> Iterator[tuple[str, str, int | float]]:
    """Yield (pointer, field, value) of every number at or below pointers that can be scaled.

    is_given
        Only numbers that the file gives: defaults are left out.
    """
    data = instance.data() if is_given else instance.model_dump(mode="json", by_alias=True)
    for given in pointers:
        here: Any = data
        steps = [s.replace("~1", "/").replace("~0", "~") for s in given.split("/")[1:]]
        for step in steps:
            here = here[int(step)] if isinstance(here, list) else here[step]
        yield from _numbers(here, tuple(steps), _field(steps))


def _field(steps: list[str]) -> str:
    """Return the innermost name of a path that is no number."""
    return next((s for s in reversed(steps) if not s.isdecimal() and s != "value"), "")


def _numbers(
    here: Any, steps: tuple[str | int, ...], field: str
) -> Iterator[tuple[str, str, int | float]]:
    if isinstance(here, bool) or here is None or isinstance(here, str):
        return
    if isinstance(here, int | float):
        if field not in FIXED:
            yield pointer(*steps), field, here
        return
    if isinstance(here, dict):
        for key, value in here.items():
            yield from _numbers(value, (*steps, key), field if key == "value" else key)
    else:
        for i, value in enumerate(here):
            yield from _numbers(value, (*steps, i), field)
