"""Tornado: how far the value swings when one number after another is at its low and high end.

Inputs are the drivers, whose factors go to one end of their range by the horizon, on top of what
they do in every future; and all numbers marked `assumed` in the sources, in groups that belong
together, probabilities of futures among them. The plan is kept as it is, which is quick; the inputs
that matter most can be solved again at both ends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from optimizer.domain.answers.cases import Case, plan_of
from optimizer.domain.answers.swings import End, Swing, swings
from optimizer.domain.changes.inputs import Input, assumed_inputs, grouped
from optimizer.domain.changes.patch import Change, pointer
from optimizer.domain.changes.scale import scaled
from optimizer.expand.studies.cases import asked, keeping, kept_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.domain.answers.cases import Solve, Solved
    from optimizer.domain.instance import Instance
    from optimizer.expand.plan import ExpandPlan, Options

__all__ = ["Tornado", "changes_at", "inputs", "tornado"]

GROUPS = (
    (r"/chips/([^/]+)/(?:training_kw|nameplate_kw|idle_kw)", "draw of {}"),
    (r"/sites/([^/]+)/pue.*", "PUE of {}"),
    (r"/sites/([^/]+)/other_load_mw.*", "other load of {}"),
    (r"/sites/([^/]+)/supplies/([^/]+)/cap_mw.*", "power of {} ({})"),
    (r"/sites/([^/]+)/supplies/([^/]+)/price_usd_per_mwh.*", "power price of {} ({})"),
    (r"/expand/sites/[^/]+/wacc_per_year", "WACC"),
    (r"/expand/sites/([^/]+)/hall_mw.*", "halls of {}"),
    (r"/expand/permits/([^/]+)/cap_mw.*", "permit {}"),
    (r"/expand/builds/([^/]+)/cost_usd.*", "price of {}"),
    (r"/expand/builds/([^/]+)/resale_usd.*", "resale of {}"),
    (r"/expand/builds/([^/]+)/fixed_usd_per_year", "upkeep of {}"),
    (r"/expand/builds/([^/]+)/price_usd_per_mwh.*", "energy price of {}"),
    (r"/expand/builds/([^/]+)/lead_periods", "lead time of {}"),
    (r"/expand/builds/([^/]+)/max_(?:units|per_period)", "units of {}"),
    (r"/expand/builds/([^/]+)/(take_or_pay|life_periods)", "{1} of {0}"),
    (r"/expand/demand/([^/]+)/volume.*", "volume of {}"),
    (r"/expand/demand/([^/]+)/usd_per_unit_hour.*", "price paid by {}"),
    (r"/expand/contracts/([^/]+)/(?:usd_per_unit_hour|usd_per_mw_year)", "rent of {}"),
    (r"/expand/contracts/([^/]+)/penalty_.*", "penalty of {}"),
    (r"/expand/contracts/([^/]+)/(?:units|it_mw)", "size of {}"),
    (r"/expand/supply_chips/([^/]+)/?.*", "supply of {}"),
    (r"/expand/finance/(debt_usd|loan_to_cost|interest_per_year|coverage|cash_usd|equity_usd|"
     r"capex_usd)", "{}"),
    (r"/expand/futures/([^/]+)/probability", "probability of {}"),
)  # fmt: skip
"""Which assumed numbers move together, and what the group is called; no others move."""

DRIVERS = "/expand/drivers/"
FUTURES = "/expand/futures/"


@dataclass(frozen=True, slots=True)
class Tornado:
    """The best plan as stated, and the swings about its value, the widest first.

    Attributes
    ----------
    kept
        With that plan as it is.
    anew
        With a plan sought anew at each end, for the widest of them.
    """

    base: Solved[ExpandPlan]
    kept: tuple[Swing, ...]
    anew: tuple[Swing, ...]


def inputs(instance: Instance) -> tuple[Input, ...]:
    """Return every driver that has a range, then groups of assumed numbers."""
    found = [
        Input(f"{name} by the end", (f"{DRIVERS}{name}",), d.low, d.high,
              "range of the driver: one in ten futures drawn ends below it, one in ten above")
        for name, d in asked(instance).drivers.items() if d.low < 1 or d.high > 1
    ]  # fmt: skip
    parts = ("chips", "sites", "expand")
    more = assumed_inputs(instance, parts, lambda at: grouped(GROUPS, at))
    moving = (x for x in more if any(_moves(instance, x, f) for f in (x.low, x.high)))
    return (*found, *(replace(x, name=x.name.replace("_usd", "")) for x in moving))


def _moves(instance: Instance, each: Input, factor: float) -> bool:
    """Return whether a factor changes anything: small whole numbers stay what they are."""
    return any(x.before != x.after for x in scaled(instance, each.of, factor)[1])


def changes_at(instance: Instance, each: Input, factor: float) -> tuple[Change, ...]:
    """Return the changes that put an input at a factor."""
    if each.of[0].startswith(DRIVERS):
        return _driven(instance, each.of[0].removeprefix(DRIVERS), factor)
    if each.of[0].startswith(FUTURES):
        return _likely(instance, each.of[0].split("/")[3], factor)
    return scaled(instance, each.of, factor)[0]


def _driven(instance: Instance, driver: str, factor: float) -> tuple[Change, ...]:
    """Let a driver go to a factor by the end, by the same ratio in every period."""
    growth, T = instance.growth, instance.growth.periods
    path = [factor ** ((t + 1) / T) for t in range(T)]
    if not asked(instance).futures:
        row = [round(x, 6) for x in path]
        data = {"as-planned": {"probability": 1.0, "drivers": {driver: row}}}
        return (Change("/expand/futures", data),)
    rows = {f.name: [round(x * f.factor(driver, t) / 1e6, 6) for t, x in enumerate(path)]
            for f in growth.futures}  # fmt: skip
    return tuple(
        Change(pointer("expand", "futures", name, "drivers", driver), row)
        for name, row in rows.items()
    )


def _likely(instance: Instance, future: str, factor: float) -> tuple[Change, ...]:
    """Make a future so much more likely, and all others as much less as they share it out."""
    futures = asked(instance).futures
    now = futures[future].probability
    then = min(1.0, now * factor)
    rest = (1 - then) / (1 - now) if now < 1 else 0.0
    return tuple(
        Change(pointer("expand", "futures", name, "probability"),
               then if name == future else f.probability * rest)
        for name, f in futures.items()
    )  # fmt: skip


def tornado(
    instance: Instance,
    solve: Solve,
    each: Callable[..., list[End]],
    options: Options,
    anew: int = 0,
) -> Tornado:
    """Return the swings of all inputs, the widest first.

    Parameters
    ----------
    anew
        For so many of them a plan is sought at both ends.
    """
    (base,) = solve([Case("as stated")])
    plan = plan_of(base)
    keep = keeping(instance, plan)

    def at(given: Input, factor: float) -> tuple[Change, ...]:
        return changes_at(instance, given, factor)

    def search(given: Input, factor: float) -> tuple[Change, ...]:
        return (*changes_at(instance, given, factor), keep)

    kept = swings(
        instance, inputs(instance), at,
        lambda cases: each(kept_at, [(instance, case, plan, options) for case in cases]),
    )  # fmt: skip
    total = plan.objective.total
    widest = sorted(kept, key=lambda s: -s.width(total))
    again = swings(
        instance, [s.input for s in widest[:anew]], search,
        lambda cases: [End.of(s) for s in solve(cases)],
    )  # fmt: skip
    return Tornado(base, tuple(widest), again)
