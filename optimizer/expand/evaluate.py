"""A plan on futures: operation, flows of money, value, debt; vectorised over futures.

arrays = Arrays(instance.growth, instance.growth.futures)
outcome = evaluate(arrays, decision_of(arrays, plan.orders, plan.retirements, plan.contracts))
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from optimizer.domain.growth.calendar import YEAR_DAYS
from optimizer.domain.growth.prices import MILLION
from optimizer.errors import PlanError
from optimizer.expand.arrays import Arrays, Decision, Flows
from optimizer.expand.engines.records import Found, Given
from optimizer.expand.engines.storage.cycles import Cycles, operated
from optimizer.expand.plan import Cycle, Step
from optimizer.expand.tree import paths_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optimizer.domain.growth.futures import NamedPlan
    from optimizer.expand.engines.records import World
    from optimizer.expand.plan import ExpandPlan, Options

Floats = NDArray[np.float64]

CENT = 0.01
"""What rounding may do to a limit of money [USD]."""

__all__ = [
    "Money", "Outcome", "capital_of", "cents", "cycles_of", "decided", "decision_of", "evaluate",
    "expected", "keeps_money", "looked_at", "money", "named_steps", "steps_of",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What comes of a decision.

    Attributes
    ----------
    values : (F,)
        NPV of every future [USD].
    flows
        By future and period, all sites together [USD].
    cycles
        What batteries do; None where none has storage.
    """

    world: World
    given: Given
    found: Found
    flows: Flows
    values: Floats
    cycles: Cycles | None = None


@dataclass(frozen=True, slots=True)
class Money:
    """Paths of money that follow from flows, shape (rows, T): debt, cash, interest [USD].

    Attributes
    ----------
    breaches
        Where a limit is broken, by its rule.
    """

    debt: Floats
    cash: Floats
    interest: Floats
    breaches: dict[str, NDArray[np.bool_]]


def evaluate(arrays: Arrays, decision: Decision, *, has_slopes: bool = False) -> Outcome:
    """Return what comes of a decision in every future; with slopes, where cuts are to be made."""
    if decision.nodes:
        each = zip(arrays.parts, paths_of(arrays, decision), strict=True)
        return _joined(arrays, [evaluate(part, d, has_slopes=has_slopes) for part, d in each])
    world, given = arrays.capacities(decision)
    found, cycles = operated(arrays, world, given, arrays.user_costs if has_slopes else None)
    shape = (arrays.F, arrays.T)
    capex, running, sales = (np.zeros(shape) for _ in range(3))
    values = np.zeros(arrays.F)

    def add(flows: Flows, site: int, units: float) -> None:
        nonlocal capex, running, sales, values
        capex = capex + units * flows.capex
        running = running + units * flows.running
        sales = sales + units * flows.sales
        values = values + units * (flows.total @ arrays.discount[site])

    for (p, t), units in decision.orders.items():
        add(arrays.order_flows(p, t), arrays.places[p][1], units)
    for (p, t), units in decision.retired.items():
        add(arrays.retired_flows(p, t), arrays.places[p][1], units)
    for i in decision.signed:
        add(arrays.contract_flows(i), min(arrays.growth.contracts[i].sites), 1)
    earned = earnings(arrays, world, found)
    for s in range(len(arrays.growth.sites)):
        running = running + earned[:, :, s]
        values = values + earned[:, :, s] @ arrays.discount[s]
    return Outcome(world, given, found, Flows(capex, running, sales), values, cycles)


OF_FUTURES = ("price", "permit_w", "volume", "worth", "order", "lease_w")
"""What of a world differs between futures: their first axis."""


def _joined(arrays: Arrays, parts: Sequence[Outcome]) -> Outcome:
    """Return outcomes of all paths as one, in the order of the futures."""
    order = np.argsort([f for at in arrays.paths for f in at])

    def joined(rows: Iterable[NDArray[Any]]) -> NDArray[Any]:
        whole: NDArray[Any] = np.concatenate(list(rows))[order]
        return whole

    worlds: dict[str, Any] = {
        name: joined(getattr(x.world, name) for x in parts) for name in OF_FUTURES
    }
    flows = [(x.flows.capex, x.flows.running, x.flows.sales) for x in parts]
    cycles = [(x.cycles.charge, x.cycles.given) for x in parts if x.cycles is not None]
    return Outcome(
        arrays.world._replace(**worlds),
        Given(*map(joined, zip(*(x.given for x in parts), strict=True))),
        Found(*map(joined, zip(*(x.found for x in parts), strict=True))),
        Flows(*map(joined, zip(*flows, strict=True))),
        joined(x.values for x in parts),
        Cycles(*map(joined, zip(*cycles, strict=True))) if cycles else None,
    )


def capital_of(arrays: Arrays, decision: Decision) -> Floats:
    """Return the NPV of prices of builds, upkeep and resale in every future, shape (F,) [USD]."""
    total = np.zeros(arrays.F)
    if decision.nodes:
        each = zip(arrays.paths, arrays.parts, paths_of(arrays, decision), strict=True)
        for at, part, path in each:
            total[at] = capital_of(part, path)
        return total
    for steps, is_order in ((decision.orders, True), (decision.retired, False)):
        for (p, t), units in steps.items():
            flows = arrays.capital_flows(p, t, is_order=is_order)
            total += units * (flows @ arrays.discount[arrays.places[p][1]])
    return total


def looked_at(arrays: Arrays, decision: Decision, values: Floats, options: Options) -> Floats:
    """Return the values that an objective looks at [USD]: capital by its mean where it is aside."""
    if not options.is_capital_aside:
        return values
    capital = capital_of(arrays, decision)
    found: Floats = values - capital + float(arrays.odds @ capital)
    return found


def earnings(arrays: Arrays, world: World, found: Found) -> Floats:
    """Return what operation brings by future, period and site: worth served less energy [USD]."""
    out: Floats = -found.energy
    for k in range(world.worth.shape[2]):
        site = int(np.argmax(world.may[k]))  # all its sites have one discount
        out[:, :, site] += found.served[:, :, k] * world.worth[:, :, k]
    for x, site in enumerate(world.lease_site):
        out[:, :, site] += found.leased[:, :, x] * world.lease_worth[:, x]
    return out


def money(arrays: Arrays, flows: Flows) -> Money | None:
    """Return the paths of debt and cash of flows of any number of rows; None without finance."""
    finance = arrays.growth.finance
    if finance is None:
        return None
    total, spent = flows.total, np.cumsum(-flows.capex, 1)
    debts, cashes, interests = (np.zeros(total.shape) for _ in range(3))
    debt, cash = np.zeros(len(total)), np.full(len(total), finance.cash / 100)
    for t in range(arrays.T):
        interest = debt * finance.interest_ppm / MILLION * arrays.days[t] / YEAR_DAYS
        before = cash + finance.equity[t] / 100 + total[:, t] - interest
        new = np.maximum(0.0, debt + finance.least_cash[t] / 100 - before)
        cash, debt = before + new - debt, new
        debts[:, t], cashes[:, t], interests[:, t] = debt, cash, interest
    cover = (finance.coverage_milli or 0) / 1000 * interests
    cover[:, : finance.coverage_from] = 0.0
    breaches = {
        "cash": debts > finance.debt / 100 + CENT,
        "loan_to_cost": debts > finance.loan_ppm / MILLION * spent + CENT,
        "coverage": (cover > 0) & (flows.running < cover - CENT),
    }
    return Money(debts, cashes, interests, breaches)


def keeps_money(arrays: Arrays, flows: Flows) -> bool:
    """Return whether the expected flow keeps all rules of money, to a cent."""
    finance, calendar = arrays.growth.finance, arrays.growth.calendar
    mean = expected(arrays, flows)
    path = money(arrays, mean)
    if path is not None and any(x.any() for x in path.breaches.values()):
        return False
    for year, limit in () if finance is None else finance.capex:
        mine = [t for t in range(arrays.T) if year in (None, calendar.year(t))]
        if -mean.capex[0, mine].sum() > limit / 100 + CENT:
            return False
    return True


def expected(arrays: Arrays, flows: Flows) -> Flows:
    """Return the mean of flows over futures, as one row."""
    odds = arrays.odds[None]
    return Flows(odds @ flows.capex, odds @ flows.running, odds @ flows.sales)


# ---- plans and decisions ------------------------------------------------------------------------


def decision_of(
    arrays: Arrays, orders: Iterable[Step], retirements: Iterable[Step], contracts: Iterable[str]
) -> Decision:
    """Return the decision that steps and contracts by name stand for."""
    growth = arrays.growth
    number = {
        (growth.builds[u].name, growth.sites[s].name): p for p, (u, s) in enumerate(arrays.places)
    }
    names = {c.name: i for i, c in enumerate(growth.contracts)}
    decision = Decision(signed=frozenset(names[c] for c in contracts))
    for steps, into in ((orders, decision.orders), (retirements, decision.retired)):
        for step in steps:
            key = (number[step.build, step.site], step.period)
            into[key] = into.get(key, 0.0) + step.units
    return decision


def decided(arrays: Arrays, plan: ExpandPlan) -> Decision:
    """Return the decision of a plan, with its nodes.

    Raises
    ------
    PlanError
        If a node is none of the futures: they are told apart in another way, or drawn.
    """
    found = decision_of(arrays, plan.orders, plan.retirements, plan.contracts)
    known = {name for f in arrays.futures for _, name in f.nodes}
    for each in plan.nodes:
        if each.node not in known:
            raise PlanError(f"{each.node!r} is not learnt of these futures; weigh it on its own")
        found.nodes[each.node] = decision_of(arrays, each.orders, each.retirements, each.contracts)
    return found


def steps_of(arrays: Arrays, steps: dict[tuple[int, int], float]) -> tuple[Step, ...]:
    """Return whole units by place and period as steps of a plan."""
    growth, out = arrays.growth, []
    for (p, t), units in sorted(steps.items(), key=lambda x: (x[0][1], x[0][0])):
        u, s = arrays.places[p]
        if round(units) > 0:
            out.append(
                Step(
                    build=growth.builds[u].name,
                    site=growth.sites[s].name,
                    period=t,
                    units=round(units),
                )
            )
    return tuple(out)


def cycles_of(arrays: Arrays, cycles: Cycles | None) -> tuple[Cycle, ...]:
    """Return what batteries do as a plan says it, where they do anything."""
    if cycles is None:
        return ()
    growth, out = arrays.growth, []
    for f, t, i in np.argwhere(cycles.charge.any(2) | cycles.given.any(2)).tolist():
        source = growth.sources[arrays.batteries[i]]
        out.append(
            Cycle(
                future=arrays.futures[f].name,
                period=t,
                build=source.name,
                site=growth.sites[source.site].name,
                charge_w=tuple(cycles.charge[f, t, :, i].tolist()),
                discharge_w=tuple(cycles.given[f, t, :, i].tolist()),
            )
        )
    return tuple(out)


def named_steps(
    arrays: Arrays, plan: NamedPlan
) -> tuple[tuple[Step, ...], tuple[Step, ...], tuple[str, ...]]:
    """Return orders, retirements and all signed contracts of a named plan."""
    growth = arrays.growth
    sets = []
    for steps in (plan.orders, plan.retirements):
        sets.append(
            tuple(
                Step(build=s.build, site=s.site, period=growth.calendar.down(s.at), units=s.units)
                for s in steps
            )
        )
    signed = [c.name for c in growth.contracts if c.is_signed or c.name in plan.contracts]
    return sets[0], sets[1], tuple(signed)


def cents(values: Floats) -> tuple[int, ...]:
    """Return values in whole cents, halves up."""
    return tuple(floor(float(v) * 100 + 0.5) for v in values)
