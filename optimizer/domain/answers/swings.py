"""A tornado: what comes of the two ends of one input after another, the widest swing first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optimizer.domain.answers.cases import Case
from optimizer.domain.changes.patch import patch
from optimizer.domain.reports import Chart, ChartSeries, Column, Section, Table
from optimizer.errors import InstanceError
from optimizer.units import NANO

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optimizer.domain.answers.cases import Solved
    from optimizer.domain.changes.inputs import Input
    from optimizer.domain.changes.patch import Change
    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Value

__all__ = ["End", "Swing", "ranges_section", "swings", "tornado_chart"]

SHOWN = 30
"""Inputs that a chart has bars for, and a terminal rows."""


@dataclass(frozen=True, slots=True)
class End:
    """What comes of one end of an input.

    Attributes
    ----------
    solved
        Its plan is None where there is none that keeps all rules.
    total
        The objective [nano-USD, or billionths of weight]; None where nothing can be said of it.
    breaks
        The rules that a plan that was kept as it is breaks there, whatever it is worth.
    """

    solved: Solved[Any]
    total: int | None
    breaks: tuple[str, ...] = ()

    @classmethod
    def of(cls, solved: Solved[Any]) -> End:
        """Return the end that a new solve makes."""
        return cls(solved, None if solved.plan is None else solved.plan.objective.total)


@dataclass(frozen=True, slots=True)
class Swing:
    """An input with what comes of its two ends; None where the instance refuses the end.

    Attributes
    ----------
    refused
        Why an end could not be asked.
    """

    input: Input
    low: End | None
    high: End | None
    refused: tuple[str, ...] = ()

    def ends(self) -> tuple[End, ...]:
        """Return the ends that could be asked."""
        return tuple(e for e in (self.low, self.high) if e is not None)

    def totals(self) -> tuple[int | None, int | None]:
        """Return the objective at the two ends."""
        low, high = (None if e is None else e.total for e in (self.low, self.high))
        return low, high

    def width(self, base: int) -> int:
        """Return how far the objective goes, the base included."""
        known = [base, *(x for x in self.totals() if x is not None)]
        return max(known) - min(known)


def swings(
    instance: Instance,
    inputs: Sequence[Input],
    changes_at: Callable[[Input, float], tuple[Change, ...]],
    ask: Callable[[Sequence[Case]], Sequence[End]],
) -> tuple[Swing, ...]:
    """Return what comes of both ends of every input, in their order; ask is told of all at once."""
    cases, refused = list[Case](), dict[str, tuple[str, ...]]()
    for each in inputs:
        for end, factor in (("low", each.low), ("high", each.high)):
            case = Case(f"{each.name}, {end}", changes_at(each, factor))
            try:
                patch(instance, case.changes)
            except InstanceError as e:
                refused[each.name] = (*refused.get(each.name, ()), *e.findings)
            else:
                cases.append(case)
    found = {case.label: end for case, end in zip(cases, ask(cases), strict=True)}
    return tuple(
        Swing(each, found.get(f"{each.name}, low"), found.get(f"{each.name}, high"),
              refused.get(each.name, ()))
        for each in inputs
    )  # fmt: skip


def tornado_chart(
    found: Sequence[Swing], total: int, unit: str, title: str = "Change of the objective"
) -> Chart:
    """Return the swings about an objective as bars, those that move nothing left out."""
    moving = [s for s in found if s.width(total)][:SHOWN]
    both = [s.totals() for s in moving]
    low, high = (
        tuple(None if e[i] is None else (e[i] - total) / NANO for e in both)  # type: ignore[operator]
        for i in (0, 1)
    )
    series = (ChartSeries("at its low end", low), ChartSeries("at its high end", high))
    names = tuple(s.input.name for s in moving)
    return Chart("tornado", title, names, "", unit, series)


def ranges_section(found: Sequence[Swing]) -> Section:
    """Return where the ranges of inputs come from, and which ends were refused."""
    rows: list[tuple[Value, ...]] = [
        (s.input.name, s.input.why, "; ".join(s.refused)) for s in found
    ]
    heads = (Column("input"), Column("why this range"), Column("refused"))
    table = Table("where ranges come from", heads, tuple(rows), SHOWN)
    return Section("Ranges", tables=(table,))
