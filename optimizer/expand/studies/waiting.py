"""Commit now, or wait: what it is worth to know sooner, and what it costs to order later.

Three values by date. *Know*: ordered as now, all futures told apart from the date on. *Wait*:
nothing is ordered before the date, and no more is learnt than as stated. *Wait and know*: nothing
is ordered before the date, from which on all futures are told apart; against the best plan that
never learns it says whether to commit now or to wait until more is known.

What waits longer, or knows later, could also wait less long, or know sooner: so no value is below
that of a later date, and no bound above that of an earlier one. Nor is knowing worth less than not
knowing, or waiting more than not waiting.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from optimizer.domain.answers.cases import Case
from optimizer.domain.changes.reveal import reveals_at
from optimizer.expand.studies.cases import Between, asked, between, keeping, not_before

if TYPE_CHECKING:
    from collections.abc import Sequence

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


Line = tuple[Dated, ...]


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
    know: Line
    wait: Line
    both: Line

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
    first, *blind = solve(_blind_cases(instance, later))
    found = dict(zip([0, *later], blind, strict=True))  # at 0: nothing is ever learnt
    told = solve(_told_cases(instance, tells, found))
    now, never = _spans([0], [first])[0], _spans([0], blind[:1])[0]
    wait = _spans(later, blind[1:])
    know = _spans(tells, told[: len(tells)])
    both = _spans([r for r in tells if r], told[len(tells) :])
    if not any(f.reveals for f in asked(instance).futures.values()):
        both = {r: _above(x, wait[r]) for r, x in both.items()}  # who knows need not use it
    know = {r: _above(_above(x, never), both.get(r, never)) for r, x in know.items()}
    both = {r: Between(x.low, _least(x.high, know[r].high)) for r, x in both.items()}

    def dated(spans: dict[int, Between], cases: list[Solved[ExpandPlan]], base: Between) -> Line:
        each = zip(spans.items(), cases, strict=True)
        return tuple(Dated(r, solved, span, span.less(base)) for (r, span), solved in each)

    costs = (replace(x, more=Between(x.more.low, _least(x.more.high, 0)))
             for x in dated(wait, blind[1:], now))  # fmt: skip
    gains = (replace(x, more=_above(x.more, Between(0, None)))
             for x in dated(know, told[: len(tells)], never))  # fmt: skip
    return Waiting(
        now=Dated(0, first, now, Between(0, 0)),
        never=Dated(0, blind[0], never, Between(0, 0)),
        know=tuple(gains),
        wait=tuple(costs),
        both=dated(both, told[len(tells) :], never),
    )


def _blind_cases(instance: Instance, later: list[int]) -> list[Case]:
    """Return the cases as stated, of never learning, and without orders before dates."""
    label = instance.growth.calendar.label
    return [
        Case("as stated"),
        Case("nothing is ever learnt", reveals_at(instance, instance.growth.periods)),
        *(Case(f"no order before {label(r)}", _orders_from(instance, r)) for r in later),
    ]


def _told_cases(
    instance: Instance, tells: list[int], blind: dict[int, Solved[ExpandPlan]]
) -> list[Case]:
    """Return the cases of knowing from dates on, ordered as now and not before them.

    Each search begins with the plan that does not know.
    """
    label, found = instance.growth.calendar.label, []
    for r in tells:
        changes = (*reveals_at(instance, r), *_start(instance, blind[0]))
        found.append(Case(f"all known from {label(r)}", changes))
    for r in tells:
        if r:
            changes = (*_orders_from(instance, r), *reveals_at(instance, r))
            changes = (*changes, *_start(instance, blind[r]))
            found.append(Case(f"no order before {label(r)}, all known then", changes))
    return found


def _orders_from(instance: Instance, period: int) -> tuple[Change, ...]:
    return tuple(not_before(instance, build, period) for build in asked(instance).builds)


def _start(instance: Instance, solved: Solved[ExpandPlan]) -> tuple[Change, ...]:
    """Return the change by which the search begins with a plan, if there is one."""
    return () if solved.plan is None else (keeping(instance, solved.plan),)


def _spans(dates: list[int], found: Sequence[Solved[ExpandPlan]]) -> dict[int, Between]:
    """Return what plans by date are worth, each with what those of other dates say of it."""
    spans = [Between(None, None) if s.plan is None else between(s.plan) for s in found]
    values = {}
    for i, r in enumerate(dates):
        lows = [x.low for x in spans[i:] if x.low is not None]
        highs = [x.high for x in spans[: i + 1] if x.high is not None]
        values[r] = Between(max(lows, default=None), min(highs, default=None))
    return values


def _above(span: Between, other: Between) -> Between:
    """Return an amount that is no less than another one."""
    lows = [x for x in (span.low, other.low) if x is not None]
    return Between(max(lows, default=None), span.high)


def _least(a: int | None, b: int | None) -> int | None:
    return min((x for x in (a, b) if x is not None), default=None)
