"""Commit now, or wait: what the best plan is worth that orders nothing before a date.

A plan that waits until a later date is one that waits until an earlier one, too: so no value is
below that of a longer wait, and no bound above that of a shorter one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.domain.answers.cases import Case
from optimizer.expand.studies.cases import Between, asked, between, not_before

if TYPE_CHECKING:
    from optimizer.domain.answers.cases import Solve, Solved
    from optimizer.domain.instance import Instance
    from optimizer.expand.plan import ExpandPlan

__all__ = ["Waited", "wait_list"]


@dataclass(frozen=True, slots=True)
class Waited:
    """The best plan without orders before a period.

    Attributes
    ----------
    value
        What it is worth.
    cost
        What it is worth less than ordering now.
    """

    period: int
    solved: Solved[ExpandPlan]
    value: Between
    cost: Between


def wait_list(instance: Instance, solve: Solve, count: int) -> tuple[Waited, ...]:
    """Return what waiting costs, for so many dates from now to the last order that can be."""
    builds = asked(instance).builds
    last = max((b.last for b in instance.growth.builds), default=0) + 1
    dates = sorted({round(last * i / max(1, count - 1)) for i in range(count)})
    cases = []
    for r in dates:
        label = instance.growth.calendar.label(r)
        changes = tuple(not_before(instance, build, r) for build in builds) if r else ()
        cases.append(Case(f"no order before {label}" if r else "order now", changes))
    found = solve(cases)
    spans = [Between(None, None) if s.plan is None else between(s.plan) for s in found]
    values = []
    for i in range(len(dates)):
        lows = [x.low for x in spans[i:] if x.low is not None]
        highs = [x.high for x in spans[: i + 1] if x.high is not None]
        values.append(Between(max(lows, default=None), min(highs, default=None)))
    waited = []
    for r, solved, value in zip(dates, found, values, strict=True):
        cost = values[0].less(value)
        cost = Between(max(0, cost.low or 0), cost.high) if r else Between(0, 0)
        waited.append(Waited(r, solved, value, cost))
    return tuple(waited)
