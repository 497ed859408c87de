"""What one more MW, rack, hall, unit or dollar is worth at each site, and a period less of waiting.

Every limit is eased by one, and solved again from the best plan as stated. What that is worth lies
between the plan found there less the bound here, and the bound there less the plan found here; it
is told apart from nothing only where that does not hold zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.domain.answers.cases import Case, Solved, plan_of
from optimizer.domain.changes.patch import Change, pointer
from optimizer.domain.growth.builds import ChipBuild, PowerBuild
from optimizer.expand.studies.cases import Between, asked, between, keeping

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from optimizer.domain.answers.cases import Solve
    from optimizer.domain.instance import Instance
    from optimizer.expand.plan import ExpandPlan

__all__ = ["Ease", "Eased", "eases", "worths"]

MILLION_USD = 1e6
"""By how much limits of money are eased."""


@dataclass(frozen=True, slots=True)
class Ease:
    """A limit that is eased by one: what, where, one of what, and the change."""

    what: str
    where: str
    unit: str
    change: Change


@dataclass(frozen=True, slots=True)
class Eased:
    """What came of it.

    Attributes
    ----------
    worth
        Of the one more; never below nothing, as it need not be used.
    found
        What the plan found there is worth more than the one found here [nano-USD].
    """

    ease: Ease
    solved: Solved[ExpandPlan]
    worth: Between
    found: int | None


def worths(instance: Instance, solve: Solve) -> tuple[Solved[ExpandPlan], tuple[Eased, ...]]:
    """Return the best plan as stated, and what easing each limit is worth, the dearest first.

    What is found under one limit holds for no two of them together.
    """
    (base,) = solve([Case("as stated")])
    here, every = between(plan_of(base)), list(eases(instance))
    keep = keeping(instance, plan_of(base))
    cases = [Case(f"one {e.unit} more, {e.what} of {e.where}", (e.change, keep)) for e in every]
    found = []
    for ease, solved in zip(every, solve(cases), strict=True):
        span, more = Between(None, None), None
        if solved.plan is not None:
            span = between(solved.plan).less(here)
            more = solved.plan.objective.total - plan_of(base).objective.total
        found.append(Eased(ease, solved, Between(max(0, span.low or 0), span.high), more))
    return base, tuple(sorted(found, key=lambda e: -(e.found or 0)))


def eases(instance: Instance) -> Iterator[Ease]:
    """Yield the limits of an expansion, each with the change that eases it by one."""
    expand = asked(instance)
    for site in expand.sites:
        yield from _power(instance, site)
        yield from _racks(instance, site)
        halls = expand.sites[site].hall_mw.raised(1.0)
        yield Ease("halls", site, "MW", Change(pointer("expand", "sites", site, "hall_mw"), halls))
    for name, permit in expand.permits.items():
        at = pointer("expand", "permits", name, "cap_mw")
        yield Ease("permit", name, "MW", Change(at, permit.cap_mw.raised(1.0)))
    for name, build in expand.builds.items():
        where = ("expand", "builds", name)
        if build.lead_periods:
            less = Change(pointer(*where, "lead_periods"), build.lead_periods - 1)
            word = "month" if expand.months_per_period == 1 else "quarter"
            yield Ease("earlier delivery", name, word, less)
        more = Change(pointer(*where, "max_units"), build.max_units + 1)
        yield Ease("units", name, "unit", more)
    yield from _supply(instance)
    if expand.finance is not None:
        for field in ("cash_usd", "debt_usd", "capex_usd"):
            limit = getattr(expand.finance, field)
            if limit is not None:
                more = Change(pointer("expand", "finance", field), limit + MILLION_USD)
                yield Ease(field.removesuffix("_usd"), "finance", "million USD", more)


def _power(instance: Instance, site: str) -> Iterator[Ease]:
    """Yield a MW more of the largest supply; where there is none, one at the price of a build."""
    its = instance.sites[site]
    key = its.largest_supply(instance.horizon)
    if key is not None:
        at = pointer("sites", site, "supplies", key, "cap_mw")
        change = Change(at, its.supplies[key].cap_mw.raised(1.0))
        yield Ease("power", f"{site} ({key})", "MW", change)
        return
    builds = instance.data()["expand"].get("builds", {})
    for name, build in asked(instance).builds.items():
        if isinstance(build, PowerBuild) and build.kind == "grid" and site in build.sites:
            data: dict[str, Any] = {"kind": "grid", "cap_mw": 1.0}
            for field in ("price_usd_per_mwh", "carbon_kg_per_mwh"):
                if field in builds[name]:
                    data[field] = builds[name][field]
            change = Change(pointer("sites", site, "supplies", "one-more"), data)
            yield Ease("power", f"{site} (priced as {name})", "MW", change)
            return


def _racks(instance: Instance, site: str) -> Iterator[Ease]:
    """Yield a domain more of every kind that stands, or may stand, at a site."""
    kinds = {p.domain: k for k, p in instance.pools.items() if p.site == site and p.domain}
    for build in asked(instance).builds.values():
        if isinstance(build, ChipBuild) and site in build.sites:
            kinds.setdefault(build.domain, "")
    for kind, pool in kinds.items():
        if pool:
            count = instance.pools[pool].count.raised(1.0)
            change = Change(pointer("pools", pool, "count"), count)
        else:
            chip = instance.domains[kind].chip
            data = {"site": site, "chip": chip, "domain": kind, "count": 1}
            change = Change(pointer("pools", f"{site}/one-more-{kind}"), data)
        yield Ease(kind, site, "domain", change)


def _supply(instance: Instance) -> Iterator[Ease]:
    """Yield a unit's chips more of every chip that is short."""
    expand = asked(instance)
    for chip, series in expand.supply_chips.items():
        sizes = [b.chips for b in instance.growth.builds if b.chip == chip]
        if sizes:
            at = pointer("expand", "supply_chips", chip)
            more = Change(at, series.raised(min(sizes)))
            yield Ease("supply", chip, f"unit of {min(sizes):,} chips", more)
