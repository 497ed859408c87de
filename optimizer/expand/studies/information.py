"""What it is worth to plan for all futures at once, and to know which of them comes.

Value of the stochastic solution: what the best plan for all futures is expected to be worth more
than the plan that is best for the mean future, put into all of them. Expected value of perfect
information: what the best plan of each future, by itself, is worth more on average.

Limits of money hold for the expected flow. Somebody who knows the future orders by it and still has
one lender who looks at the mean of all: what that is worth lies between the best plans that keep
the limits in their own future and those that have none to keep. (Flows that keep them one by one
keep them on average, but for coverage where some futures are without debt and earn nothing.)

References: Birge and Louveaux 2011, Introduction to Stochastic Programming, chapter 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.domain.answers.cases import Case, plan_of
from optimizer.domain.changes.patch import Change
from optimizer.domain.growth.prices import MILLION
from optimizer.domain.growth.scenes import BILLION, FutureImage
from optimizer.errors import Unsupported
from optimizer.expand.studies.cases import (
    Between,
    asked,
    between,
    futures_data,
    keeping,
    kept_at,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.domain.answers.cases import Solve, Solved
    from optimizer.domain.answers.swings import End
    from optimizer.domain.instance import Instance
    from optimizer.expand.plan import ExpandPlan, Options

__all__ = ["Information", "information", "mean_future"]


@dataclass(frozen=True, slots=True)
class Information:
    """Plans for all futures, for their mean, and for each of them.

    Attributes
    ----------
    together
        The best plan for all futures.
    mean, carried
        The best plan for the mean future, there, and put into all of them; None: there is none.
    alone, free
        The best plan for each future, with the limits of money in that future, and without any;
        the same where there are none.
    odds
        Billionths.
    """

    together: Solved[ExpandPlan]
    mean: Solved[ExpandPlan]
    carried: End | None
    alone: tuple[Solved[ExpandPlan], ...]
    free: tuple[Solved[ExpandPlan], ...]
    odds: tuple[int, ...]

    @property
    def vss(self) -> Between:
        """Value of the stochastic solution; unknown where the other plan breaks a rule."""
        if self.carried is None or self.carried.total is None or self.carried.breaks:
            return Between(None, None)
        return between(plan_of(self.together)).less(Between(self.carried.total, self.carried.total))

    @property
    def evpi(self) -> Between:
        """Expected value of perfect information; never below nothing."""
        low, high = self._mean(self.alone).low, self._mean(self.free).high
        found = Between(low, high).less(between(plan_of(self.together)))
        return Between(max(0, found.low or 0), found.high)

    def _mean(self, each: tuple[Solved[ExpandPlan], ...]) -> Between:
        """Return the mean over futures; None where a future has no plan, or no bound."""
        spans = [Between(None, None) if s.plan is None else between(s.plan) for s in each]
        ends: list[int | None] = []
        for side in ([x.low for x in spans], [x.high for x in spans]):
            known = [x for x in side if x is not None]
            whole = len(known) == len(side)
            total = sum(p * x for p, x in zip(self.odds, known, strict=False))
            ends.append(total // BILLION if whole else None)
        return Between(*ends)


def mean_future(instance: Instance) -> FutureImage:
    """Return the future in which every driver and delay is at its mean.

    Delays are whole periods, halves up. A customer defaults where more likely than not it has.
    """
    growth = instance.growth
    futures, T = growth.futures, growth.periods
    names = dict.fromkeys(d for f in futures for d in f.factors)
    mean = {
        d: tuple(round(sum(f.ppb * f.factor(d, t) for f in futures) / BILLION) for t in range(T))
        for d in names
    }
    late = [sum(f.ppb * f.delays[u] for f in futures) for u in range(len(growth.builds))]
    gone = []
    for i in range(len(growth.contracts)):
        lost = [sum(f.ppb for f in futures if f.defaults[i] <= t) for t in range(T)]
        gone.append(next((t for t in range(T) if 2 * lost[t] > BILLION), T))
    delays = tuple((2 * x + BILLION) // (2 * BILLION) for x in late)
    moving = {d: row for d, row in mean.items() if set(row) != {MILLION}}
    return FutureImage("mean", BILLION, moving, delays, tuple(gone))


def information(
    instance: Instance, solve: Solve, each: Callable[..., list[End]], options: Options
) -> Information:
    """Return the plans from which both values follow.

    Raises
    ------
    Unsupported
        If anything but expected NPV is asked for: other objectives are no means over futures.
    """
    if options.objective != "expected":
        raise Unsupported("study information", "it is about expected NPV: --objective expected")
    growth = instance.growth
    (mean,) = solve([_only(instance, "mean future", mean_future(instance))])
    carried, start = None, tuple[Change, ...]()
    if mean.plan is not None:
        start = (keeping(instance, mean.plan),)
        case = Case("mean plan in all futures")
        (carried,) = each(kept_at, [(instance, case, mean.plan, options)])
    (together,) = solve([Case("all futures", start)])
    keep = keeping(instance, plan_of(together))
    alone = [_only(instance, f"only {f.name}", f, keep) for f in growth.futures]
    no_limits = Change("/expand/finance", None)
    free = [_only(instance, f"only {f.name}, no limits of money", f, keep, no_limits)
            for f in growth.futures] if growth.finance is not None else []  # fmt: skip
    found = solve([*alone, *free])
    own, loose = tuple(found[: len(alone)]), tuple(found[len(alone) :])
    odds = tuple(f.ppb for f in growth.futures)
    return Information(together, mean, carried, own, loose or own, odds)


def _only(instance: Instance, label: str, future: FutureImage, *more: Change) -> Case:
    """Return the case in which nothing but one future can come."""
    (data,) = futures_data(instance, [future]).values()
    sure = {future.name: data | {"probability": 1.0}}
    asked(instance)
    return Case(label, (Change("/expand/futures", sure), *more))
