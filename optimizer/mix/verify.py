"""At which price an offer turns: reasons of `explain`, confirmed by solves on both sides."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from optimizer.domain.answers.fixes import Fix
from optimizer.domain.answers.say import figure
from optimizer.mix.studies.breakeven import break_evens, changes_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.domain.answers.cases import Solve
    from optimizer.domain.instance import Instance
    from optimizer.mix.account.out import Out
    from optimizer.mix.plan import MixPlan
    from optimizer.mix.studies.breakeven import BreakEven

__all__ = ["confirmed"]

DEAR = ("priced out", "no room")
"""Reasons for which an offer is out that a price can turn."""


def confirmed(
    instance: Instance, solve: Solve, plan: MixPlan, reasons: Sequence[Out], most: int
) -> tuple[Out, ...]:
    """Return reasons with so many offers, the nearest to turn, tried at both sides of a price."""
    open_ = [x for x in reasons if x.why in DEAR]
    open_.sort(key=lambda x: (x.hourly or 0.0) - (x.earns or 0.0))
    asked = [*open_, *(x for x in reasons if x.why == "taken")][:most]
    found = break_evens(instance, solve, plan, ("price",), [x.job for x in asked])
    by_name = {each.name: each for each in found}
    return tuple(_tried(instance, x, by_name[x.job]) if x.job in by_name else x for x in reasons)


def _tried(instance: Instance, reason: Out, each: BreakEven) -> Out:
    """Return a reason with both sides of its price, and the change that turns it."""
    stays = None if each.outside is None else each.now * each.outside
    turns = None if each.inside is None else each.now * each.inside
    far, solved = (each.inside, each.into) if not each.is_in else (each.outside, each.out)
    fixes: tuple[Fix, ...] = ()
    if far is not None and solved is not None and solved.plan is not None:
        has = any(h.offer == each.name for h in solved.plan.fleet)
        word = "a new solve has it in" if has else "a new solve has it out"
        if has and each.is_in:
            word = "a mix without it is as good, within the gap of a new solve,"
        text = (
            f"{word} at {figure(each.now * far)} {each.unit} "
            f"(today {figure(each.now)}; all its prices alike)"
        )
        fixes = (Fix("price", text, changes_at(instance, each, far), solved.plan),)
    return replace(reason, stays=stays, turns=turns, fixes=fixes)
