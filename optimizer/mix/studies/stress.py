"""Stress: the mix to be regretted least when prices and rates turn out half as large again or less.

The futures: prices of one chip after another 50 % down and up, its rates likewise; all prices and
all rates at once in their four corners; and what the instance says. Regret of a mix in a future is
what it costs there, put to its best use, above the best mix of that future. The least largest
regret is found by taking in the worst future of the mix in hand until no other is worse.

What can be ordered today stays so: where prices rise, the limits of money rise with them, and
vendors' shares of the money hold for today's prices alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from optimizer.domain.answers.cases import Case, plan_of
from optimizer.domain.changes.patch import Change, pointer
from optimizer.domain.changes.scale import scaled
from optimizer.errors import PlanError
from optimizer.mix.check import check
from optimizer.mix.engines.regret import least_regret
from optimizer.mix.operate import fleet_of, operate
from optimizer.mix.studies.figures import asked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optimizer.domain.answers.cases import Each, Solve, Solved
    from optimizer.domain.instance import Instance
    from optimizer.mix.plan import MixPlan, Options

__all__ = ["SPREAD", "Stress", "futures", "stress"]

SPREAD = 0.5
"""How far prices and rates go down and up."""

ROUNDS = 12
"""Futures that are taken in at most."""

Fleet = dict[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Stress:
    """The futures, and the regrets of two mixes in each of them.

    Attributes
    ----------
    futures
        Solved, today's first.
    today, robust
        Today's best mix, and the one to be regretted least, at work under today's numbers.
    regret_today, regret_robust
        Regret in each future [nano-USD]; None where the mix cannot keep the rules there.
    limit
        No mix has a smaller largest regret in these futures, by the engine's bound [nano-USD].
    """

    futures: tuple[Solved[MixPlan], ...]
    today: MixPlan
    robust: MixPlan
    regret_today: tuple[int | None, ...]
    regret_robust: tuple[int | None, ...]
    limit: float


def futures(instance: Instance, spread: float = SPREAD) -> list[Case]:
    """Return the futures, today's first."""
    chips = list(dict.fromkeys(offer.chip for offer in instance.image.offers))
    low, high = 1 - spread, 1 + spread
    cases = [Case("today")]
    for chip in chips:
        for factor in (low, high):
            word = f"{factor - 1:+.0%}"
            cases.append(Case(f"prices of {chip} {word}", _prices(instance, [chip], factor)))
            cases.append(Case(f"rates of {chip} {word}", _rates(instance, [chip], factor)))
    for a, b in product((low, high), repeat=2):
        changes = (*_prices(instance, chips, a), *_rates(instance, chips, b))
        cases.append(Case(f"all prices {a - 1:+.0%}, all rates {b - 1:+.0%}", changes))
    return cases


def _prices(instance: Instance, chips: Sequence[str], factor: float) -> tuple[Change, ...]:
    mix = asked(instance)
    at = [
        pointer("mix", "offers", name, "tiers")
        for name, offer in mix.offers.items()
        if instance.domains[offer.domain].chip in chips
    ]
    changes = list(scaled(instance, at, factor)[0])
    if factor > 1:
        money = [f"/mix/{f}" for f in ("capex_usd", "yearly_cash_usd") if getattr(mix, f)]
        changes += scaled(instance, money, factor)[0]
    return (*changes, *([Change("/mix/vendor_share", None)] if mix.vendor_share else []))


def _rates(instance: Instance, chips: Sequence[str], factor: float) -> tuple[Change, ...]:
    at = [
        pointer("workloads", name, "rates", i, "work_per_hour")
        for name, workload in instance.workloads.items()
        for i, row in enumerate(workload.rates)
        if row.chip in chips
    ]
    return scaled(instance, at, factor)[0]


def stress(
    instance: Instance, solve: Solve, each: Each, options: Options, spread: float = SPREAD
) -> Stress:
    """Return the mix of least largest regret, of least cost, and its regrets beside today's.

    Raises
    ------
    InstanceError
        If there is no mix at all in one of the futures.
    """
    options = options.model_copy(update={"objective": "cost"})
    worlds = [
        Case(case.label, case.changes, {"objective": "cost"}) for case in futures(instance, spread)
    ]
    solved = solve(worlds)
    best = [plan_of(s).objective.total for s in solved]
    today = plan_of(solved[0])
    mine = _regrets(each, solved, best, fleet_of(today), options)
    active, kept, limit = [0], (fleet_of(today), mine), 0.0
    if _worst(mine)[1]:
        active.append(_worst(mine)[1])
    for _ in range(ROUNDS):
        found = least_regret(
            [solved[w].instance.image for w in active], [best[w] for w in active], options
        )
        if found is None:
            break
        fleet, limit = found[0], max(limit, found[1])
        theirs = _regrets(each, solved, best, fleet, options)
        if _worst(theirs)[0] < _worst(kept[1])[0]:
            kept = (fleet, theirs)
        worst = _worst(theirs)[1]
        if worst in active:
            break
        active.append(worst)
    robust = operate(instance, kept[0], options, today.certificate)
    if robust is None or not check(instance, robust).is_good:
        raise PlanError("the mix of least regret cannot keep the rules of today")
    return Stress(tuple(solved), today, robust, mine, kept[1], limit)


def _worst(regrets: Sequence[int | None]) -> tuple[float, int]:
    """Return the largest regret and where it is; a future without a way is the worst of all."""
    values = [float("inf") if r is None else float(r) for r in regrets]
    return max(values), values.index(max(values))


def _regrets(
    each: Each,
    solved: Sequence[Solved[MixPlan]],
    best: Sequence[int],
    fleet: Mapping[tuple[str, str], int],
    options: Options,
) -> tuple[int | None, ...]:
    costs = each(_cost, [(s.instance, dict(fleet), options) for s in solved])
    return tuple(None if c is None else c - b for c, b in zip(costs, best, strict=True))


def _cost(instance: Instance, fleet: Fleet, options: Options) -> int | None:
    plan = operate(instance, fleet, options)
    return None if plan is None else plan.objective.total
