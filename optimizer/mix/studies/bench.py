"""Named mixes side by side: one demand, one budget of power, one set of rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.domain.answers.cases import Case, plan_of
from optimizer.domain.changes.patch import Change, patch, pointer
from optimizer.errors import PlanError
from optimizer.mix.check import check
from optimizer.mix.operate import fleet_of, operate
from optimizer.mix.studies.figures import asked, capped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optimizer.domain.answers.cases import Solve, Solved
    from optimizer.domain.instance import Instance
    from optimizer.mix.plan import MixPlan, Options

    Fleets = dict[str, tuple[str, Mapping[tuple[str, str], int]]]

__all__ = ["Bench", "Named", "bench"]


@dataclass(frozen=True, slots=True)
class Named:
    """A named mix at work.

    Attributes
    ----------
    plan
        Checked; None where the rules leave it none.
    why
        What it is.
    said
        Why there is no plan.
    """

    name: str
    why: str
    plan: MixPlan | None
    said: str = ""


@dataclass(frozen=True, slots=True)
class Bench:
    """Named mixes on one instance, the optimum first.

    Attributes
    ----------
    instance, changes
        With the budget of power, and how it differs from the one that was given.
    """

    instance: Instance
    changes: tuple[Change, ...]
    mixes: tuple[Named, ...]


def bench(
    instance: Instance,
    solve: Solve,
    options: Options,
    power_mw: float | None = None,
    yours: Mapping[str, Mapping[tuple[str, str], int]] | None = None,
) -> Bench:
    """Return the optimum, each chip alone, the two best of these by halves, and given fleets.

    Parameters
    ----------
    power_mw
        Budget of power for all of them, besides the limits of the instance [MW].
    yours
        Fleets by name: domains by (offer, site).
    """
    budget = () if power_mw is None else (capped(instance, round(power_mw * 1e6)),)
    world = patch(instance, budget) if budget else instance
    chips = list(dict.fromkeys(offer.chip for offer in instance.image.offers))
    cases = [Case("optimum", budget)]
    cases += [Case(f"all-{chip}", (*budget, *_only(instance, chip))) for chip in chips]
    best, *alone = solve(cases)
    proof = plan_of(best).certificate
    found = [Named("optimum", "the best mix of all offers", best.plan)]
    found += [_none(s.case.label, s) for s in alone if s.plan is None]
    some = [(s.plan, chip) for s, chip in zip(alone, chips, strict=True) if s.plan is not None]
    fleets: Fleets = {
        f"all-{chip}": (f"the best mix of {chip} alone", fleet_of(plan)) for plan, chip in some
    }
    fleets |= _halves([(plan, chip) for plan, chip in some if plan.fleet])
    fleets |= {name: ("as given", fleet) for name, fleet in (yours or {}).items()}
    for name, (why, fleet) in fleets.items():
        plan = operate(world, fleet, options, proof)
        _judge(world, name, plan)
        none = "" if plan is not None else "its domains cannot keep the rules of this instance"
        found.append(Named(name, why, plan, none))
    return Bench(world, budget, tuple(found))


def _none(name: str, solved: Solved[MixPlan]) -> Named:
    """Return a named mix that there is none of."""
    said = "proven, by what must be served" if solved.is_infeasible else "none found"
    return Named(name, "a chip alone", None, said)


def _judge(instance: Instance, name: str, plan: MixPlan | None) -> None:
    if plan is not None and not (verdict := check(instance, plan)).is_good:
        raise PlanError(f"{name}: {verdict.violations[0]}")


def _only(instance: Instance, chip: str) -> tuple[Change, ...]:
    """Return changes by which only one type of chip is on offer."""
    return tuple(
        Change(pointer("mix", "offers", name, "sites"), [])
        for name, offer in asked(instance).offers.items()
        if instance.domains[offer.domain].chip != chip
    )


def _halves(alone: list[tuple[MixPlan, str]]) -> Fleets:
    """Return half the domains of the best chip alone with half of those of the second best."""
    if len(alone) < 2:
        return {}
    sign = 1 if alone[0][0].objective.goal == "cost" else -1
    (one, a), (two, b) = sorted(alone, key=lambda x: sign * x[0].objective.total)[:2]
    fleet: dict[tuple[str, str], int] = {}
    for plan in (one, two):
        for key, count in fleet_of(plan).items():
            if count // 2:
                fleet[key] = fleet.get(key, 0) + count // 2
    why = f"half the domains of all-{a}, half of those of all-{b}"
    return {f"half-{a}-half-{b}": (why, fleet)}
