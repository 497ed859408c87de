"""Figures that studies read off plans of mixes, and changes that several of them make."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Any

from optimizer.domain.changes.patch import Change, pointer
from optimizer.domain.fleet.image import DOMAIN
from optimizer.domain.reports import Column, Table
from optimizer.errors import InstanceError
from optimizer.mix.rules.case import Case as Account
from optimizer.units import usd

if TYPE_CHECKING:
    from optimizer.domain.answers.cases import Solved
    from optimizer.domain.fleet.mix import Mix
    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Value
    from optimizer.mix.plan import MixPlan

__all__ = [
    "asked", "capped", "chips_of", "domains_of", "fleet_words", "mean_mw", "peak_w",
    "racks_of", "served_share", "solved_table", "spend_only", "unit_price", "unserved_of",
]  # fmt: skip

NOISE = 1e-6
"""A smaller share of a demand that is not served is what rounding leaves."""


def asked(instance: Instance) -> Mix:
    """Return what an instance asks of a mix.

    Raises
    ------
    InstanceError
        If it asks none.
    """
    if instance.mix is None:
        raise InstanceError(["mix: is missing; the instance does not say what is wanted"])
    return instance.mix


def peak_w(instance: Instance, plan: MixPlan) -> int:
    """Return the most that all sites draw at once, at their meters [W], rounded up."""
    account, image = Account(instance, plan), instance.image
    loads = (
        sum((account.load(site, f) for site in image.sites), Fraction(0))
        for f in range(len(image.phases))
    )
    return ceil(max(loads))


def mean_mw(instance: Instance, plan: MixPlan) -> float:
    """Return the mean draw of all sites over the horizon, at their meters [MW]."""
    account, image = Account(instance, plan), instance.image
    energy = sum(
        account.load(site, f) * Fraction(phase.hours)
        for f, phase in enumerate(image.phases)
        for site in image.sites
    )
    return float(energy) / 1e6 / sum(phase.hours for phase in image.phases)


def racks_of(instance: Instance, plan: MixPlan) -> float:
    """Return the floor space of what is taken, where all of it is there [racks]."""
    image = instance.image
    kinds = {offer.name: offer.kind for offer in image.offers}
    return sum(h.domains * image.racks_milli[kinds[h.offer]] for h in plan.fleet) / 1000


def domains_of(plan: MixPlan) -> dict[str, int]:
    """Return the domains taken of each offer, over all sites."""
    found: dict[str, int] = {}
    for holding in plan.fleet:
        found[holding.offer] = found.get(holding.offer, 0) + holding.domains
    return found


def chips_of(instance: Instance, plan: MixPlan) -> dict[str, int]:
    """Return the chips taken of each type, over all offers; types on offer that are not, as 0."""
    found = {offer.chip: 0 for offer in instance.image.offers}
    taken = domains_of(plan)
    for offer in instance.image.offers:
        found[offer.chip] += taken.get(offer.name, 0) * offer.chips
    return found


def fleet_words(instance: Instance, plan: MixPlan) -> str:
    """Return the chips of a mix as words, the most first: `12,960 gb300, 4,096 tpu-v7`."""
    taken = sorted(chips_of(instance, plan).items(), key=lambda x: -x[1])
    return ", ".join(f"{n:,} {chip}" for chip, n in taken if n) or "nothing"


def unserved_of(instance: Instance, plan: MixPlan) -> dict[str, float]:
    """Return the share of each demand that is not served; demands with an amount only."""
    account, image, found = Account(instance, plan), instance.image, {}
    for name, demand in image.demand.items():
        if demand.wanted is not None and any(demand.wanted):
            lacks = sum(account.lacks(name, f) for f in range(len(image.phases)))
            share = float(Fraction(lacks, sum(demand.wanted) * DOMAIN))
            found[name] = share if share > NOISE else 0.0
    return found


def served_share(instance: Instance, plan: MixPlan) -> float | None:
    """Return what is served as a share of what is wanted, counted by weight."""
    lacks, image = unserved_of(instance, plan), instance.image
    wanted: dict[str, int] = {}
    for name in lacks:
        wanted[name] = image.demand[name].weight * sum(image.demand[name].wanted or (0,))
    total = sum(wanted.values())
    return 1 - sum(lacks[k] * wanted[k] for k in lacks) / total if total else None


def unit_price(plan: MixPlan) -> float | None:
    """Return what is paid for a unit of useful work [USD]; None where none is done."""
    parts = plan.objective
    return usd(parts.spent) / (parts.work / 1e9) if parts.work else None


# ---- changes -------------------------------------------------------------------------------------


def capped(instance: Instance, cap_w: int) -> Change:
    """Return the change that all sites together draw no more, besides what limits them already."""
    series = asked(instance).power_mw
    if series is None:
        return Change("/mix/power_mw", cap_w / 1e6)
    now = [min(float(x), cap_w / 1e6) for x in series.over(instance.horizon, "min")]
    value: Any = now[0] if min(now) == max(now) else now
    return Change("/mix/power_mw", value)


def spend_only(instance: Instance) -> tuple[Change, ...]:
    """Return changes by which work that is not served costs nothing: least cost is least spend.

    What a unit counts in useful work stays as it is; what must be served still must be.
    """
    changes = []
    for name, demand in asked(instance).demand.items():
        if demand.value_usd_per_unit is not None:
            at = ("mix", "demand", name)
            changes.append(Change(pointer(*at, "weight_per_unit"), demand.weight))
            changes.append(Change(pointer(*at, "value_usd_per_unit"), 0.0))
    return tuple(changes)


def solved_table(title: str, cases: list[Solved[MixPlan]], show: int | None = 12) -> Table:
    """Return cases with objective, bound, gap and chips, one a row."""
    columns = (
        Column("case"), Column("objective", "USD", "right"), Column("bound", "USD", "right"),
        Column("gap", "share", "right"), Column("chips"),
    )  # fmt: skip
    rows: list[tuple[Value, ...]] = []
    for case in cases:
        if case.plan is None:
            said = "no plan: proven" if case.is_infeasible else "no plan found"
            rows.append((case.case.label, None, None, None, said))
            continue
        plan = case.plan
        bound = None if plan.bound is None else usd(plan.bound)
        words = fleet_words(case.instance, plan)
        rows.append((case.case.label, usd(plan.objective.total), bound, plan.gap, words))
    return Table(title, columns, tuple(rows), show)
