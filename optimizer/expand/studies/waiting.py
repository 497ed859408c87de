"""Commit now, or wait: what it is worth to know sooner, and what it costs to order later.

Three values by date. *Know*: ordered as now, all futures told apart from the date on. *Wait*:
nothing is ordered before the date, and no more is learnt than as stated. *Wait and know*: nothing
is ordered before the date, from which on all futures are told apart; against the best plan that
never learns it says whether to commit now or to wait until more is known.

What waits longer, or knows later, could also wait less long, or know sooner: so no value is below
that of a later date, and no bound above that of an earlier one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.domain.answers.cases import Case
from optimizer.domain.changes.reveal import reveals_at
from optimizer.expand.studies.cases import Between, asked, between, not_before

if TYPE_CHECKING:
    from optimizer.domain.answers.cases import Solve, Solved
    from optimizer.domain.changes.patch import Change
    from optimizer.domain.instance import Instance
    from optimizer.expand.plan import ExpandPlan

__all__ = ["Dated", "Waiting", "waiting"]


@dataclass(frozen=True, slots=True)
class Dated:
    """The best plan with a date, what it is worth, and that less what it is held against.

    Attributes
    ----------
    more
        Worth less that of the base.
    """

    period: int
    solved: Solved[ExpandPlan]
    value: Between
    more: Between


@dataclass(frozen=True, slots=True)
class Waiting:
    """What dates do.

    Attributes
    ----------
    now
        The best plan as stated, all ordered when it likes: what `wait` is held against.
    never
        The same if nothing is ever learnt: what `know` and `both` are held against.
    know, wait, both
        By date; `know` and `both` are empty where there is one future only.
    """

    now: Dated
    never: Dated
    know: tuple[Dated, ...]
    wait: tuple[Dated, ...]
    both: tuple[Dated, ...]

    def every(self) -> tuple[Solved[ExpandPlan], ...]:
        """Return all cases."""
        parts = (self.now, self.never, *self.know, *self.wait, *self.both)
        return tuple(dated.solved for dated in parts)


def waiting(instance: Instance, solve: Solve, count: int) -> Waiting:
    """Return what so many dates do, from the start of the horizon to the last order that can be."""
    growth = instance.growth
    last = max((b.last for b in growth.builds), default=0) + 1
    dates = sorted({round(last * i / max(1, count - 1)) for i in range(count)})
    later = [r for r in dates if r > 0]
    tells = [r for r in dates if r < growth.periods] if len(growth.futures) > 1 else []
    label = growth.calendar.label
    cases = [
        Case("as stated"),
        Case("nothing is ever learnt", reveals_at(instance, growth.periods)),
        *(Case(f"all known from {label(r)}", reveals_at(instance, r)) for r in tells),
        *(Case(f"no order before {label(r)}", _orders_from(instance, r)) for r in later),
        *(Case(f"no order before {label(r)}, all known then",
               (*_orders_from(instance, r), *reveals_at(instance, r))) for r in tells if r),
    ]  # fmt: skip
    found = solve(cases)
    know, wait = 2 + len(tells), 2 + len(tells) + len(later)
    now, never = (_dated([0], [each], None)[0] for each in found[:2])
    return Waiting(
        now=now,
        never=never,
        know=_dated(tells, found[2:know], never.value),
        wait=_dated(later, found[know:wait], now.value),
        both=_dated([r for r in tells if r], found[wait:], never.value),
    )


def _orders_from(instance: Instance, period: int) -> tuple[Change, ...]:
    return tuple(not_before(instance, build, period) for build in asked(instance).builds)


def _dated(
    dates: list[int], found: list[Solved[ExpandPlan]], base: Between | None
) -> tuple[Dated, ...]:
    """Return plans by date, each with what those of other dates say of it."""
    spans = [Between(None, None) if s.plan is None else between(s.plan) for s in found]
    values = []
    for i in range(len(dates)):
        lows = [x.low for x in spans[i:] if x.low is not None]
        highs = [x.high for x in spans[: i + 1] if x.high is not None]
        values.append(Between(max(lows, default=None), min(highs, default=None)))
    return tuple(
        Dated(r, solved, value, Between(0, 0) if base is None else value.less(base))
        for r, solved, value in zip(dates, found, values, strict=True)
    )
