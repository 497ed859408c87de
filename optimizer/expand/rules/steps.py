"""Rules about orders, retirements and contracts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from optimizer.expand.plan import Rule
from optimizer.expand.rules.case import Case, said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.domain.growth.scenes import FutureImage
    from optimizer.expand.plan import Violation

__all__ = [
    "check_contract", "check_lead_time", "check_nonanticipativity", "check_retirement",
    "check_supply",
]  # fmt: skip


def check_lead_time(case: Case) -> Iterator[Violation]:
    """first <= order <= last, and order + lead within the horizon, at a site of the build."""
    for step in case.lost:
        where = f"{step.build} at {step.site}"
        yield said(Rule.LEAD_TIME, where, f"period {step.period}", "a build, a site of it, in time")
    for place, orders in case.orders.items():
        build = case.growth.builds[place[0]]
        for o in orders:
            if not build.first <= o <= build.last:
                limit = f"periods {build.first} to {build.last}"
                yield said(Rule.LEAD_TIME, case.name(place), f"ordered in period {o}", limit)


def check_supply(case: Case) -> Iterator[Violation]:
    """Units of a build and of a period within their limits; chips of a type within supply."""
    for u, build in enumerate(case.growth.builds):
        each: Counter[int] = Counter()
        for place, orders in case.orders.items():
            if place[0] == u:
                each.update(orders)
        if each.total() > build.max_units:
            yield said(Rule.SUPPLY, build.name, f"{each.total()} units", build.max_units)
        for o, units in each.items():
            if units > build.max_per_period:
                where = f"{build.name} period {o}"
                yield said(Rule.SUPPLY, where, f"{units} units", build.max_per_period)
    for chip, row in case.growth.supply_chips.items():
        for t, limit in enumerate(row):
            chips = sum(
                units * case.growth.builds[place[0]].chips
                for place, orders in case.orders.items()
                for o, units in orders.items()
                if case.growth.builds[place[0]].chip == chip
                and o + case.growth.builds[place[0]].lead <= t
            )
            if chips > limit:
                yield said(Rule.SUPPLY, f"{chip} period {t}", f"{chips} chips", limit)


def check_retirement(case: Case) -> Iterator[Violation]:
    """What is given up until a period has come by then, in every future, and may be given up."""
    for place in case.retired:
        build = case.growth.builds[place[0]]
        if not build.may_retire:
            yield said(Rule.RETIREMENT, case.name(place), "is given up", "what may be given up")
            continue
        late = max(case.futures, key=lambda f: f.delays[place[0]])
        for t in range(case.growth.periods):
            if case.units(place, late, t) < 0:
                where = f"{case.name(place)} period {t}"
                come = case.units(place, late, t) + case.gone(place, t)
                yield said(Rule.RETIREMENT, where, f"{case.gone(place, t)} given up", come)
                break


def check_contract(case: Case) -> Iterator[Violation]:
    """Contracts are of the instance, signed once, and all that are signed already."""
    known = {c.name: c for c in case.growth.contracts}
    for name, count in Counter(case.plan.contracts).items():
        if name not in known or count > 1:
            yield said(Rule.CONTRACT, name, f"signed {count} times", "once, of the instance")
    for name, contract in known.items():
        if contract.is_signed and name not in case.plan.contracts:
            yield said(Rule.CONTRACT, name, "is left out", "signed already")


def check_nonanticipativity(case: Case) -> Iterator[Violation]:
    """In every period the same is ordered, given up and signed in futures not told apart by then.

    Nodes are those of the futures; what has been learnt is read from each future itself.
    """
    if not case.plan.nodes:
        return  # all is decided for all futures alike
    known = {name for f in case.futures for _, name in f.nodes}
    for each in case.plan.nodes:
        if each.node not in known:
            yield said(Rule.NONANTICIPATIVITY, each.node, "is decided on", "what can be learnt")
    for t in range(case.growth.periods):
        first: dict[str, FutureImage] = {}
        for future in case.futures:
            other = first.setdefault(future.node(t), future)
            mine, theirs = (_decided(case.along(f), t) for f in (future, other))
            for what in sorted(mine.keys() | theirs.keys()):
                a, b = mine.get(what, 0), theirs.get(what, 0)
                if a != b:
                    where = f"{what} in period {t} ({case.growth.calendar.label(t)})"
                    found = f"{a} in {future.name}, {b} in {other.name}"
                    limit = "the same: they are not told apart by then"
                    yield said(Rule.NONANTICIPATIVITY, where, found, limit)


def _decided(path: Case, t: int) -> dict[str, int]:
    """Return what is decided in a period, in words, and how many units of it."""
    found = {
        f"{word} of {path.name(place)}": units[t]
        for word, steps in (("order", path.orders), ("retirement", path.retired))
        for place, units in steps.items()
        if t in units
    }
    contracts = path.growth.contracts
    found |= {
        f"signing of {contracts[i].name}": 1 for i in path.signed if contracts[i].signing == t
    }
    return found
