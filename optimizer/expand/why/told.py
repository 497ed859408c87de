"""Why builds and contracts are in a plan or not, as a report: of one of them, or of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.answers.say import percent
from optimizer.domain.reports import Column, Report, Section, Table
from optimizer.errors import PlanError
from optimizer.expand.plan import Status
from optimizer.expand.studies.named import valued
from optimizer.units import usd

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Value
    from optimizer.expand.plan import ExpandPlan
    from optimizer.expand.why.out import Out

__all__ = ["explained"]


def explained(
    instance: Instance, plan: ExpandPlan, one: str | None, reasons: Sequence[Out]
) -> Report:
    """Return why builds and contracts are in the plan or not, and at which price that turns.

    Raises
    ------
    PlanError
        If the instance has no build or contract of that name.
    """
    if not plan.status.has_plan:
        said = "There is no plan: no build could be ordered so that all rules hold."
        if plan.status is Status.UNKNOWN:
            said = "No plan was found in the time given; none is proven not to be there."
        return Report(f"{instance.name}: why there is no plan", (Section("Why", (said,)),))
    if one is not None and all(x.job != one for x in reasons):
        known = ", ".join(x.job for x in reasons)
        raise PlanError(f"{one!r} is not a build or contract of {instance.name!r}; known: {known}")
    shown = [x for x in reasons if one in (None, x.job)]
    says = tuple(sentence for each in shown for sentence in _said(each))
    section = Section("Why, and what would turn it", says, tables=(_table(shown),))
    others = () if one is not None else tuple(_named(instance, plan))
    title = f"{instance.name}: what is in the plan, what is not, and why"
    return Report(title, (section, *others))


def _said(each: Out) -> Iterator[str]:
    yield f"{each.job} {each.said}."
    what = "rent" if each.is_contract else "price"
    if each.fixes:
        yield from (f"{each.job}: {fix.text}." for fix in each.fixes)
        if each.stays is not None and each.stays != 1.0:
            yield f"{each.job}: at {percent(each.stays, 1)} a new solve still leaves it out."
    elif each.stays is not None:
        share = percent(each.stays, 1)
        yield f"{each.job}: even at {share} of its {what} a new solve leaves it out."
    elif each.why == "priced out" and each.below is not None:
        yield (
            f"One more would pay below about {percent(each.below, 1)} of its price with the rest "
            "of the plan as it is; --verify solves again, the rest of the plan with it."
        )


def _table(shown: Sequence[Out]) -> Table:
    columns = (
        Column("build or contract"), Column("why"),
        Column("one more changes the objective by", "USD", "right"),
        Column("would pay below about", "share of price", "right"),
        Column("tried: out at", "share", "right"), Column("tried: in at", "share", "right"),
    )  # fmt: skip
    rows: list[tuple[Value, ...]] = [
        (x.job, x.why, None if x.short is None else -usd(x.short), x.below, x.stays, x.turns)
        for x in shown
    ]
    return Table("builds and contracts", columns, tuple(rows), 40)


def _named(instance: Instance, plan: ExpandPlan) -> Iterator[Section]:
    """Yield by how much the named plans are worth less on the futures of the instance."""
    expand = instance.expand
    if expand is None or not expand.plans or plan.drawn:
        return
    worth = {name: valued(instance, name).objective.expected for name in expand.plans}
    rows = tuple(
        (name, cents / 100, (plan.objective.expected - cents) / 100)
        for name, cents in sorted(worth.items(), key=lambda x: -x[1])
    )
    heads = ("expected NPV", "less by")
    columns = (Column("plan"), *(Column(head, "USD", "right") for head in heads))
    yield Section("Named plans beside it", tables=(Table("named plans", columns, rows),))
