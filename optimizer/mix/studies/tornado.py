"""Tornado: how far the objective swings when one number after another is at its low and high end.

Inputs are the ranges that the instance states, and every number marked `assumed` in its sources
that no range covers, in groups that belong together, by a share that the report states.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.domain.answers.cases import Case
from optimizer.domain.changes.patch import patch
from optimizer.domain.changes.scale import numbers_below, scaled
from optimizer.errors import InstanceError
from optimizer.mix.studies.figures import asked, chips_of, plan_of

if TYPE_CHECKING:
    from optimizer.domain.answers.cases import Solve, Solved
    from optimizer.domain.instance import Instance
    from optimizer.mix.plan import MixPlan

__all__ = ["Input", "Swing", "Tornado", "inputs", "tornado"]

SPREAD = 0.2
"""Assumed numbers without a range go from so much less to so much more."""

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
class Input:
    """Numbers that move together.

    Attributes
    ----------
    of
        JSON pointers.
    low, high
        Factors.
    why
        Where the range comes from.
    """

    name: str
    of: tuple[str, ...]
    low: float
    high: float
    why: str


@dataclass(frozen=True, slots=True)
class Swing:
    """An input with what comes of its two ends; None where the instance refuses the end.

    Attributes
    ----------
    refused
        Why an end could not be asked.
    """

    input: Input
    low: Solved[MixPlan] | None
    high: Solved[MixPlan] | None
    refused: tuple[str, ...] = ()

    def ends(self) -> tuple[int | None, int | None]:
        """Return the objective at the two ends [nano-USD, or billionths of weight]."""
        low, high = (
            None if s is None or s.plan is None else s.plan.objective.total
            for s in (self.low, self.high)
        )
        return low, high

    def width(self, base: int) -> int:
        """Return how far the objective goes, the base included."""
        known = [base, *(x for x in self.ends() if x is not None)]
        return max(known) - min(known)


@dataclass(frozen=True, slots=True)
class Tornado:
    """The base, and the swings about it, the widest first."""

    base: Solved[MixPlan]
    swings: tuple[Swing, ...]

    def turns(self, swing: Swing) -> tuple[str, ...]:
        """Return at which ends the mix has other types of chips than the base."""
        base = _types(self.base)
        ends = (("low", swing.low), ("high", swing.high))
        return tuple(n for n, s in ends if s is not None and s.plan and _types(s) != base)


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
    groups: dict[str, list[str]] = {}
    parts = [f"/{p}" for p in ("chips", "workloads", "sites", "mix") if p in instance.data()]
    for at, _, value in numbers_below(instance, parts, is_given=True):
        name = _group(instance, at)
        if name and value and at not in covered and _is_assumed(instance, at):
            groups.setdefault(name, []).append(at)
    why = f"assumed, no range stated: taken as {SPREAD:.0%} less to {SPREAD:.0%} more"
    return (*found, *(Input(n, tuple(of), 1 - SPREAD, 1 + SPREAD, why) for n, of in groups.items()))


def _group(instance: Instance, at: str) -> str | None:
    """Return the group of a number; None if it does not move."""
    for pattern, name in GROUPS:
        match = re.fullmatch(pattern, at)
        if match is not None:
            words = [g.replace("~1", "/").replace("~0", "~") for g in match.groups()]
            if name != "rates":
                return name.format(*words)
            _, _, workload, _, i, _ = at.split("/")
            rates = instance.workloads[workload.replace("~1", "/").replace("~0", "~")].rates
            return f"rates on {rates[int(i)].domain}"
    return None


def _is_assumed(instance: Instance, at: str) -> bool:
    """Return whether the source that is nearest to a number says that it is assumed."""
    above = [p for p in instance.sources if p == "" or at == p or at.startswith(f"{p}/")]
    return bool(above) and instance.sources[max(above, key=len)].kind == "assumed"


def tornado(instance: Instance, solve: Solve, given: tuple[Input, ...] | None = None) -> Tornado:
    """Return the swings of inputs, the widest first.

    Parameters
    ----------
    given
        Inputs; those that the instance states or assumes unless given.
    """
    every = inputs(instance) if given is None else given
    cases, refused = [Case("base")], dict[str, list[str]]()
    for each in every:
        for end, factor in (("low", each.low), ("high", each.high)):
            changes, _ = scaled(instance, each.of, factor)
            case = Case(f"{each.name}, {end}", changes)
            try:
                patch(instance, changes)
            except InstanceError as e:
                refused.setdefault(each.name, []).extend(e.findings)
            else:
                cases.append(case)
    found = {s.case.label: s for s in solve(cases)}
    base = found["base"]
    swings = [
        Swing(each, found.get(f"{each.name}, low"), found.get(f"{each.name}, high"),
              tuple(refused.get(each.name, ())))
        for each in every
    ]  # fmt: skip
    total = plan_of(base).objective.total
    return Tornado(base, tuple(sorted(swings, key=lambda s: -s.width(total))))
