"""Tornado: how far the objective swings when one number after another is at its low and high end.

Inputs are the ranges that the instance states, and every number marked `assumed` in its sources
that no range covers, in groups that belong together, by a share that the report states.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.domain.answers.cases import Case, plan_of
from optimizer.domain.answers.swings import End, Swing, swings
from optimizer.domain.changes.inputs import Input, assumed_inputs, grouped
from optimizer.domain.changes.scale import numbers_below, scaled
from optimizer.mix.studies.figures import asked, chips_of

if TYPE_CHECKING:
    from optimizer.domain.answers.cases import Solve, Solved
    from optimizer.domain.instance import Instance
    from optimizer.mix.plan import MixPlan

__all__ = ["Tornado", "inputs", "tornado"]

GROUPS = (
    (r"/chips/([^/]+)/(?:training_kw|nameplate_kw|idle_kw)", "draw of {}"),
    (r"/workloads/[^/]+/rates/\d+/work_per_hour", "rates"),
    (r"/workloads/[^/]+/scaling_exponent", "rates beyond the measured gangs"),
    (r"/sites/([^/]+)/pue.*", "PUE of {}"),
    (r"/sites/([^/]+)/racks", "racks of {}"),
    (r"/sites/([^/]+)/other_load_mw.*", "other load of {}"),
    (r"/sites/([^/]+)/supplies/([^/]+)/cap_mw.*", "power of {} ({})"),
    (r"/sites/([^/]+)/supplies/([^/]+)/price_usd_per_mwh.*", "power price of {} ({})"),
    (r"/mix/offers/([^/]+)/tiers/.*", "price of {}"),
    (r"/mix/offers/([^/]+)/(max_domains|take_or_pay|residual_share|upkeep_share_per_year)",
     "{1} of {0}"),
    (r"/mix/demand/[^/]+/work_per_month.*", "demand"),
    (r"/mix/demand/[^/]+/value_usd_per_unit", "value of work"),
    (r"/mix/(utilisation|capex_usd|discount_rate_per_year|work_at_least)", "{}"),
    (r"/mix/(yearly_cash_usd|power_mw|supply_chips|vendor_share)/?.*", "{}"),
)  # fmt: skip
"""Which assumed numbers move together, and what the group is called; no others move."""


@dataclass(frozen=True, slots=True)
class Tornado:
    """The base, and the swings about it, the widest first."""

    base: Solved[MixPlan]
    swings: tuple[Swing, ...]

    def turns(self, swing: Swing) -> tuple[str, ...]:
        """Return at which ends the mix has other types of chips than the base."""
        base = _types(self.base)
        each = (("low", swing.low), ("high", swing.high))
        ends = [(name, e.solved) for name, e in each if e is not None]
        return tuple(name for name, s in ends if s.plan is not None and _types(s) != base)


def _types(solved: Solved[MixPlan]) -> set[str]:
    taken = chips_of(solved.instance, plan_of(solved))
    return {chip for chip, count in taken.items() if count}


def inputs(instance: Instance) -> tuple[Input, ...]:
    """Return every range of an instance, then groups of assumed numbers that have none."""
    found = [
        Input(name, given.of, given.low, given.high, given.note or "stated range")
        for name, given in asked(instance).ranges.items()
    ]
    covered = {at for each in found for at, _, _ in numbers_below(instance, each.of)}
    parts = ("chips", "workloads", "sites", "mix")
    return (*found, *assumed_inputs(instance, parts, lambda at: _group(instance, at), covered))


def _group(instance: Instance, at: str) -> str | None:
    """Return the group of a number; None if it does not move."""
    name = grouped(GROUPS, at)
    if name != "rates":
        return name
    _, _, workload, _, i, _ = at.split("/")
    rates = instance.workloads[workload.replace("~1", "/").replace("~0", "~")].rates
    return f"rates on {rates[int(i)].domain}"


def tornado(instance: Instance, solve: Solve, given: tuple[Input, ...] | None = None) -> Tornado:
    """Return the swings of inputs, the widest first.

    Parameters
    ----------
    given
        Inputs; those that the instance states or assumes unless given.
    """
    every = inputs(instance) if given is None else given
    (base,) = solve([Case("base")])
    total = plan_of(base).objective.total
    found = swings(
        instance, every, lambda x, f: scaled(instance, x.of, f)[0],
        lambda cases: [End.of(s) for s in solve(cases)],
    )  # fmt: skip
    return Tornado(base, tuple(sorted(found, key=lambda s: -s.width(total))))
