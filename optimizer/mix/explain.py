"""Why a chip is in the mix or not, as a report: of one offer, or of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.answers.say import money
from optimizer.domain.reports import Column, Report, Section, Table
from optimizer.errors import PlanError
from optimizer.mix.account.ways import nothing
from optimizer.mix.account.worth import worths
from optimizer.units import nano

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Value
    from optimizer.mix.account.out import Out
    from optimizer.mix.plan import MixPlan

__all__ = ["explain"]


def explain(instance: Instance, plan: MixPlan, offer: str | None, reasons: Sequence[Out]) -> Report:
    """Return why offers are in the mix or not, and at which price that turns.

    Raises
    ------
    PlanError
        If the instance has no such offer.
    """
    if not plan.status.has_plan:
        return Report(f"{instance.name}: why there is no mix", nothing(plan))
    names = [x.name for x in instance.image.offers]
    if offer is not None and offer not in names:
        known = ", ".join(names)
        raise PlanError(f"{offer!r} is not an offer of {instance.name!r}; known: {known}")
    shown = [x for x in reasons if offer in (None, x.job)]
    says = [sentence for each in shown for sentence in _said(each)]
    section = Section("Why, and what would turn it", tuple(says), tables=(_table(shown),))
    title = f"{instance.name}: which offers are in the mix, and why"
    return Report(title, (section, _bind(instance, plan)))


def _said(each: Out) -> list[str]:
    says = [f"{each.job} ({each.chip}) {each.said}."]
    dear = each.dear
    unit = "" if dear is None else dear.unit
    if dear is not None and each.why == "priced out" and each.turns is None:
        if dear.below <= 0:
            says.append(f"It would not pay even for nothing: {dear.price:,.4g} {unit} today.")
        else:
            says.append(
                f"It would pay below about {dear.below:,.4g} {unit}, {dear.price:,.4g} today: an "
                "estimate at the certified prices; --verify solves again on both sides."
            )
    return says + [f"{each.job}: {fix.text}." for fix in each.fixes]


def _table(shown: Sequence[Out]) -> Table:
    columns = (
        Column("offer"), Column("chip"), Column("why"),
        Column("costs", "USD/chip-h", "right"), Column("earns", "USD/chip-h", "right"),
        Column("price", "", "right"), Column("would pay below about", "", "right"),
        Column("per"), Column("tried: out at", "", "right"), Column("tried: in at", "", "right"),
    )  # fmt: skip
    rows: list[tuple[Value, ...]] = []
    for x in shown:
        below = x.dear.below if x.dear is not None and x.dear.below > 0 else None
        price, unit = (None, "") if x.dear is None else (x.dear.price, x.dear.unit)
        rows.append((x.job, x.chip, x.why, x.hourly, x.earns, price, below, unit, x.stays, x.turns))
    return Table("offers", columns, tuple(rows), 40)


def _bind(instance: Instance, plan: MixPlan) -> Section:
    """Say which limits make chips dear: those that are worth something."""
    found = sorted((w for w in worths(instance, plan) if w.worth > 0), key=lambda w: -w.worth)
    says = tuple(
        f"{w.limit} of {w.where} binds: one {w.unit} more is worth at most "
        + (f"{w.worth:,.4g} of work" if plan.objective.goal == "work" else money(nano(w.worth)))
        + " over the horizon."
        for w in found
    )
    none = ("No limit of power, space, supply or money binds: chips are weighed by price alone.",)
    return Section("Which rules bind", says or none)
