"""What one more of each limit is worth, by the prices of the bound, and tried by a new solve.

A price is the slope of the certified bound: one more unit of the limit lowers the least cost by at
most so much. What it does to the mix is tried, for one limit of each kind, by solving again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.domain.answers.cases import Case, plan_of
from optimizer.domain.changes.patch import Change, pointer
from optimizer.mix.account.worth import Worth, worths
from optimizer.mix.studies.figures import asked

if TYPE_CHECKING:
    from optimizer.domain.answers.cases import Solve, Solved
    from optimizer.domain.instance import Instance
    from optimizer.mix.plan import MixPlan

__all__ = ["Tried", "tried_worths"]

MORE = 0.01
"""Share of a limit by which more of it is tried; of power one MW."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A limit with what one more unit of it is worth, and what more of it did.

    Attributes
    ----------
    more
        How much more was tried [units].
    solved
        The solve with so much more; None where it was not tried.
    """

    worth: Worth
    more: float = 0.0
    solved: Solved[MixPlan] | None = None

    def gain(self, base: MixPlan) -> float | None:
        """Return by how much the plan got better for each unit, as tried [USD, or weight]."""
        if self.solved is None or self.solved.plan is None:
            return None
        change = self.solved.plan.objective.total - base.objective.total
        return (-change if base.objective.goal == "cost" else change) / 1e9 / self.more


def tried_worths(instance: Instance, solve: Solve) -> tuple[Solved[MixPlan], tuple[Tried, ...]]:
    """Return the base, and every limit by what it is worth at the margin; the dearest tried."""
    (base,) = solve([Case("base")])
    plan, tries = plan_of(base), dict[str, tuple[Worth, float, Change]]()
    found = [(w, *_more(instance, w)) for w in worths(instance, plan)]
    found.sort(key=lambda x: -x[0].worth * x[1])
    for worth, more, change in found:
        if worth.worth > 0 and change is not None:
            tries.setdefault(worth.limit, (worth, more, change))
    cases = [
        Case(f"{more:g} {w.unit} more, {w.limit} of {w.where}", (change,))
        for w, more, change in tries.values()
    ]
    done = dict(zip((w for w, _, _ in tries.values()), solve(cases), strict=True))
    return base, tuple(Tried(w, more, done.get(w)) for w, more, _ in found)


def _more(instance: Instance, worth: Worth) -> tuple[float, Change | None]:
    """Return how much more of a limit to try, and the change; None where nothing holds it."""
    mix, where = asked(instance), worth.where
    if worth.limit == "power" and where in instance.sites:
        site = instance.sites[where]
        key = site.largest_supply(instance.horizon)
        if key is not None:
            at = pointer("sites", where, "supplies", key, "cap_mw")
            return 1.0, Change(at, site.supplies[key].cap_mw.raised(1.0))
    if worth.limit == "power" and mix.power_mw is not None:
        return 1.0, Change("/mix/power_mw", mix.power_mw.raised(1.0))
    if worth.limit == "space":
        racks = instance.sites[where].racks or 0.0
        more = max(1.0, round(racks * MORE))
        return more, Change(pointer("sites", where, "racks"), racks + more)
    if worth.limit == "supply":
        series = mix.supply_chips[where]
        more = float(max(64, round(float(series.over(instance.horizon, "min").max()) * MORE)))
        return more, Change(pointer("mix", "supply_chips", where), series.raised(more))
    if worth.limit == "capex" and mix.capex_usd is not None:
        more = max(1.0, mix.capex_usd * MORE)
        return more, Change("/mix/capex_usd", mix.capex_usd + more)
    if worth.limit == "yearly_cash" and mix.yearly_cash_usd is not None:
        year = int(where.split()[1]) - 1
        if year < len(mix.yearly_cash_usd):
            before = mix.yearly_cash_usd[year]
            more = max(1.0, before * MORE)
            return more, Change(pointer("mix", "yearly_cash_usd", year), before + more)
    return 0.0, None
