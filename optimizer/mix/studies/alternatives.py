"""Mixes that are hardly worse than the best: how much of each chip they may have, and must have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.errors import PlanError
from optimizer.mix.check import check
from optimizer.mix.engines.alternatives import Extreme, extreme_fleet
from optimizer.mix.operate import operate
from optimizer.mix.studies.figures import chips_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.domain.answers.cases import Each
    from optimizer.domain.instance import Instance
    from optimizer.mix.plan import MixPlan, Options

__all__ = ["WITHIN", "Alternative", "alternatives"]

WITHIN = (0.01, 0.05)
"""How much worse than the best an alternative may be, as shares of its objective."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """The mix with the most, or the least, of a chip that is hardly worse than the best.

    Attributes
    ----------
    chips
        How many of the type it has; None where no plan was found.
    limit
        The engine's bound: no such mix has more, or less. A claim of the engine, not certified.
    plan
        Checked.
    """

    chip: str
    which: Extreme
    within: float
    chips: int | None
    limit: float | None
    plan: MixPlan | None


def alternatives(
    instance: Instance,
    each: Each,
    best: MixPlan,
    options: Options,
    within: Sequence[float] = WITHIN,
) -> tuple[Alternative, ...]:
    """Return, for every chip on offer, the most and the least of it within shares of the best."""
    kinds: tuple[Extreme, Extreme] = ("least", "most")
    tasks = [
        (instance, best, chip, which, share, options)
        for chip in chips_of(instance, best)
        for share in sorted(within)
        for which in kinds
    ]
    return tuple(each(_alternative, tasks))


def _alternative(
    instance: Instance, best: MixPlan, chip: str, which: Extreme, within: float, options: Options
) -> Alternative:
    found = extreme_fleet(instance.image, best, chip, which, within, options)
    plan = None if found is None else operate(instance, found[0], options, best.certificate)
    if found is None or plan is None:
        return Alternative(chip, which, within, None, None, None)
    verdict = check(instance, plan)
    if not verdict.is_good:
        raise PlanError(f"{which} {chip} within {within:.1%}: {verdict.violations[0]}")
    return Alternative(chip, which, within, chips_of(instance, plan)[chip], found[1], plan)
