"""What is said of any two answers side by side: what the checker refuses, and the two gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.answers.records import gap_of
from optimizer.domain.reports import Fact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optimizer.domain.answers.records import Violation

__all__ = ["gaps", "refused"]

_WHICH = ("first", "second")


def refused(thing: str, found: Sequence[Sequence[Violation]]) -> Iterator[str]:
    """Yield which of two the checker refuses: a thing such as `plan`, and what is wrong of each."""
    for which, violations in zip(_WHICH, found, strict=True):
        if violations:
            listed = "; ".join(map(str, violations[:3]))
            yield f"The checker refuses the {which} {thing}, so nothing follows from it: {listed}."


def gaps(thing: str, totals: Sequence[int], bound: int | None) -> Iterator[Fact]:
    """Yield the gap of each of two objectives to one bound."""
    note = "by the tighter of the two bounds"
    for which, total in zip(_WHICH, totals, strict=True):
        yield Fact(f"Gap of the {which} {thing}", gap_of(total, bound), "share", note=note)
