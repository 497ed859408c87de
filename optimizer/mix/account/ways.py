"""What is said where there is no mix: which limits conflict, the way out, and what easing costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.answers.say import money
from optimizer.domain.reports import Column, Section, Table
from optimizer.mix.plan import UNIT_COSTS, Status
from optimizer.units import nano

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optimizer.domain.reports import Value
    from optimizer.mix.plan import MixPlan

__all__ = ["costs_section", "nothing"]


def nothing(plan: MixPlan) -> tuple[Section, ...]:
    """Return the answer where there is no mix."""
    if plan.status is Status.INFEASIBLE:
        what = "No mix serves what must be served within the limits: proven."
    elif plan.run.claim is not None and plan.run.claim.status is Status.INFEASIBLE:
        what = "The solver holds that no mix serves what must be served; that is not proven."
    else:
        what = "No mix was found in the time given."
    if not plan.conflict:
        return (Section("Answer", (what,), kind="summary"),)
    says = [what]
    if plan.way_out:
        total = sum(each.usd or 0.0 for each in plan.way_out)
        each = " and ".join(f"{e.words} ({money(nano(e.usd or 0))})" for e in plan.way_out)
        says.append(
            f"The cheapest way out is {each}: taken to cost {money(nano(total))} in all, at "
            "the unit costs below. It is the solver's finding; fleetwatt study conflict tries it."
        )
    says.append("Each line says by how much that limit alone would have to give way instead.")
    heads = (
        Column("rule"), Column("of"), Column("what would do"),
        Column("taken to cost", "USD", "right"),
    )  # fmt: skip
    rows: tuple[tuple[Value, ...], ...] = tuple(
        (str(c.rule), c.of, c.words, c.usd) for c in plan.conflict
    )
    table = Table("Limits in conflict: without any one of them there is a mix", heads, rows)
    answer = Section("Answer", tuple(says), tables=(table,), kind="summary")
    return (answer, costs_section(plan.run.options.get("unit_costs", {})))


def costs_section(given: Mapping[str, float]) -> Section:
    """Return the table of unit costs, those given in place of the defaults."""
    heads = (
        Column("what gives way"), Column("taken to cost", "", "right"), Column("unit"),
        Column("why so much"),
    )  # fmt: skip
    rows = tuple(
        (name, given.get(name, cost.usd), cost.unit, "given" if name in given else cost.why)
        for name, cost in UNIT_COSTS.items()
    )
    says = ("They rank the ways out and are no rule; change one with --unit-cost NAME=NUMBER.",)
    return Section("What easing is taken to cost", says, tables=(Table("unit costs", heads, rows),))
