"""Break-evens: at which price, rate or draw a chip enters the mix, or leaves it.

The best mix without the chip has a bound, and prices that prove it. Where at these prices the chip
leaves nothing to gain, no mix with it is better than that bound: it stays out, and the certificate
says so without a solve; this brackets the threshold. Where a mix with it is better than the bound
of all mixes without, every best mix has it: it is in. Both sides are solved again, as near to each
other as the gaps of the solves allow, and their plans and bounds are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from optimizer.domain.answers.cases import Case
from optimizer.domain.changes.patch import Change, patch, pointer
from optimizer.domain.changes.scale import scaled
from optimizer.errors import InstanceError
from optimizer.mix.certificate import bound_of
from optimizer.mix.studies.figures import asked, domains_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from optimizer.domain.answers.cases import Solve, Solved
    from optimizer.domain.instance import Instance
    from optimizer.mix.plan import MixPlan

__all__ = ["BreakEven", "What", "break_evens", "changes_at"]

What = Literal["price", "rate", "draw"]

FACTORS = (0.05, 20.0)
"""Between which shares of today's number a threshold is looked for."""

FINE = 1.005
"""How finely the price is found at which the chip stays out."""

STEPS = (1.01, 1.05, 1.2, 1.6, 3.0)
"""By which factors a price is made better, one after the other, until the chip is in."""

NARROW, ROUNDS = 1.02, 3
"""Sides further apart than this are brought together, by halves, so often at most."""


@dataclass
class BreakEven:
    """A threshold of an offer, or of a kind of domain.

    Attributes
    ----------
    name
        The offer (price), or the kind of domain (rate, draw).
    now, unit
        Today's number: of the first tier, of the chip; 1 for rates.
    is_in
        Whether the best mix of today has it.
    without
        The best mix without it.
    outside, inside
        Shares of today's number: at the one it stays out, at the other it is in; None where none
        was found within `FACTORS`.
    out, into
        The solves at these.
    """

    name: str
    what: What
    now: float
    unit: str
    is_in: bool
    offers: tuple[str, ...]
    without: Solved[MixPlan]
    outside: float | None = None
    inside: float | None = None
    out: Solved[MixPlan] | None = None
    into: Solved[MixPlan] | None = None
    said: str = ""

    @property
    def is_better_up(self) -> bool:
        """Whether a larger number makes the chip better: rates, not prices."""
        return self.what == "rate"

    @property
    def width(self) -> float:
        """How far its sides are from each other, as a ratio of at least 1."""
        sides = (self.outside or 1.0, self.inside or 1.0)
        return max(sides) / min(sides)

    def better(self, factor: float, by: float) -> float:
        """Return a factor at which the chip is better."""
        return factor * by if self.is_better_up else factor / by


WHATS: tuple[What, ...] = ("price", "rate", "draw")


def break_evens(
    instance: Instance,
    solve: Solve,
    base: MixPlan,
    whats: tuple[What, ...] = WHATS,
    names: Collection[str] | None = None,
) -> tuple[BreakEven, ...]:
    """Return the thresholds of every offer and kind of domain on offer.

    Parameters
    ----------
    base
        The best mix of today.
    names
        Of which offers, or kinds of domain; None for all.
    """
    groups = [g for g in _groups(instance, whats) if names is None or g[1] in names]
    keys = list(dict.fromkeys(offers for _, _, offers in groups))
    cases = [Case(f"without {', '.join(k)}", _none_of(k)) for k in keys]
    without = dict(zip(keys, solve(cases), strict=True))
    taken, found = domains_of(base), []
    for what, name, offers in groups:
        now, unit = _now(instance, what, name)
        is_in = any(taken.get(offer) for offer in offers)
        each = BreakEven(name, what, now, unit, is_in, offers, without[offers])
        _outside(instance, each)
        found.append(each)
    _confirm(instance, solve, found)
    return tuple(found)


def _groups(instance: Instance, whats: tuple[What, ...]) -> list[tuple[What, str, tuple[str, ...]]]:
    """Return what is asked of what, and the offers that are left out for it."""
    mix, found = asked(instance), list[tuple[What, str, tuple[str, ...]]]()
    owned = {pool.domain for pool in instance.pools.values()}
    if "price" in whats:
        found += [("price", name, (name,)) for name in mix.offers]
    for kind in dict.fromkeys(offer.domain for offer in mix.offers.values()):
        if kind not in owned:  # the rate of what is there already is no matter of buying
            offers = tuple(n for n, o in mix.offers.items() if o.domain == kind)
            others: tuple[What, ...] = ("rate", "draw")
            found += [(what, kind, offers) for what in others if what in whats]
    return found


def _none_of(offers: tuple[str, ...]) -> tuple[Change, ...]:
    """Return changes by which offers can stand nowhere."""
    return tuple(Change(pointer("mix", "offers", offer, "sites"), []) for offer in offers)


def _now(instance: Instance, what: What, name: str) -> tuple[float, str]:
    """Return today's number and its unit."""
    mix = asked(instance)
    if what == "rate":
        return 1.0, "x measured rates"
    if what == "draw":
        chip = instance.chips[instance.domains[name].chip]
        return (chip.training_kw if mix.draw == "training" else chip.nameplate_kw), "kW/chip"
    tier = mix.offers[name].tiers[0]
    if tier.upfront_usd_per_chip:
        return tier.upfront_usd_per_chip, "USD/chip"
    return tier.usd_per_chip_hour, "USD/chip-h"


def changes_at(instance: Instance, each: BreakEven, factor: float) -> tuple[Change, ...]:
    """Return the changes that put the number at a share of today's."""
    if each.what == "price":
        return scaled(instance, [pointer("mix", "offers", each.name, "tiers")], factor)[0]
    if each.what == "draw":
        chip = instance.domains[each.name].chip
        fields = ("training_kw", "nameplate_kw", "idle_kw")
        return scaled(instance, [pointer("chips", chip, f) for f in fields], factor)[0]
    rows = [
        pointer("workloads", name, "rates", i, "work_per_hour")
        for name, workload in instance.workloads.items()
        for i, row in enumerate(workload.rates)
        if row.domain == each.name
    ]
    return scaled(instance, rows, factor)[0]


def _bound(instance: Instance, plan: MixPlan, changes: tuple[Change, ...]) -> int | None:
    """Return what the prices of a plan prove of a changed instance, the less the better."""
    found = bound_of(patch(instance, changes), plan.certificate).total
    if found is None:
        return None
    return found if plan.objective.goal == "cost" else -found


def _value(plan: MixPlan) -> int:
    """Return a plan's objective, the less the better."""
    return plan.objective.total if plan.objective.goal == "cost" else -plan.objective.total


def _outside(instance: Instance, each: BreakEven) -> None:
    """Find, by the prices of the mix without it, up to where the chip stays out."""
    plan = each.without.plan
    if plan is None or plan.bound is None:
        each.said = "without it there is no mix at all: it is needed at any number"
        return
    floor = _certified(plan)
    slack = abs(floor) * 1e-9

    def stays_out(factor: float) -> bool:
        bound = _bound(instance, plan, changes_at(instance, each, factor))
        return bound is not None and bound >= floor - slack

    worst, best = FACTORS if each.is_better_up else FACTORS[::-1]
    worst, best = _allowed(instance, each, worst), _allowed(instance, each, best)
    if not stays_out(worst):
        each.outside = worst  # prices cannot tell; a solve will
        return
    if stays_out(best):
        each.said, each.outside = f"out at every number up to {best:.3g} times today's", best
        return
    low, high = worst, best
    while max(low, high) / min(low, high) > FINE:
        middle = (low * high) ** 0.5
        low, high = (middle, high) if stays_out(middle) else (low, middle)
    each.outside = low


def _allowed(instance: Instance, each: BreakEven, factor: float) -> float:
    """Return the factor, or one nearer to 1, with which the instance is a legal one."""
    while abs(factor - 1) > 1e-3:
        try:
            patch(instance, changes_at(instance, each, factor))
        except InstanceError:
            factor = factor**0.5
        else:
            return factor
    return 1.0


def _confirm(instance: Instance, solve: Solve, found: list[BreakEven]) -> None:
    """Solve both sides again: at `outside`, and ever better until the chip pays; then between."""
    open_ = [e for e in found if e.outside is not None]
    cases = [_case(instance, e, e.outside or 1.0) for e in open_]
    for each, solved in zip(open_, solve(cases), strict=True):
        each.out = solved
        if _is_in(each, solved):  # the bound was too weak to tell: what is worse has to be tried
            each.inside, each.into, each.outside, each.out = each.outside, solved, None, None
            each.said = ""
    _look_outwards(instance, solve, [e for e in open_ if e.outside is None])
    waiting = [e for e in open_ if not e.said and e.inside is None]
    for by in STEPS:
        tries = [(e, e.better(e.outside or 1.0, by)) for e in waiting]
        tries = [(e, _allowed(instance, e, factor)) for e, factor in tries]
        _look(instance, solve, tries)
        waiting = [e for e in waiting if e.inside is None]
    for each in waiting:
        each.said = "no mix with it is proven better than one without"
    for _ in range(ROUNDS):
        wide = [e for e in open_ if None not in (e.inside, e.outside) and e.width > NARROW]
        _look(instance, solve, [(e, ((e.outside or 1.0) * (e.inside or 1.0)) ** 0.5) for e in wide])


def _look_outwards(instance: Instance, solve: Solve, waiting: list[BreakEven]) -> None:
    """Make the number of chips that are in ever worse, until they are out."""
    for by in STEPS:
        waiting = [e for e in waiting if e.outside is None]
        tries = [(e, _allowed(instance, e, e.better(e.inside or 1.0, 1 / by))) for e in waiting]
        _look(instance, solve, tries)
    for each in waiting:
        if each.outside is None:
            each.said = f"in at {each.inside or 1.0:.3g} times today's, and at worse"


def _look(instance: Instance, solve: Solve, tries: list[tuple[BreakEven, float]]) -> None:
    """Solve at factors, and move the sides of the thresholds to where that proves them."""
    cases = [_case(instance, each, factor) for each, factor in tries]
    for (each, factor), solved in zip(tries, solve(cases), strict=True):
        if _is_in(each, solved):
            each.inside, each.into = factor, solved
        elif _is_out(each, solved):
            each.outside, each.out = factor, solved


def _case(instance: Instance, each: BreakEven, factor: float) -> Case:
    label = f"{each.what} of {each.name} at {each.now * factor:.4g} {each.unit}"
    return Case(label, changes_at(instance, each, factor))


def _certified(plan: MixPlan) -> int:
    """Return the certified bound, the less the better."""
    bound = plan.bound or 0
    return bound if plan.objective.goal == "cost" else -bound


def _proven(plan: MixPlan) -> int:
    """Return the best bound there is, certified or the engine's, the less the better."""
    claim = None if plan.run.claim is None else plan.run.claim.bound
    bound, is_cost = _certified(plan), plan.objective.goal == "cost"
    claimed = bound if claim is None else (claim if is_cost else -claim)
    return min(max(bound, claimed), _value(plan))


def _is_in(each: BreakEven, solved: Solved[MixPlan]) -> bool:
    """Return whether every best mix has the chip: one that has it beats all that do not."""
    plan, other = solved.plan, each.without.plan
    return plan is not None and other is not None and _value(plan) < _proven(other) - _noise(other)


def _is_out(each: BreakEven, solved: Solved[MixPlan]) -> bool:
    """Return whether no mix with the chip is better than the one without, to the solves' gap."""
    plan, other = solved.plan, each.without.plan
    if plan is None or other is None:
        return False
    gap = max(0, _value(plan) - _proven(plan)) + _noise(other)
    return _proven(plan) >= _value(other) - gap


def _noise(plan: MixPlan) -> int:
    """Return what rounding of a plan may cost [nano-USD]."""
    return round(1e-7 * (plan.objective.spent + plan.objective.unserved + abs(_value(plan))))
