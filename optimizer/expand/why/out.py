"""Why a build is ordered or not, and a contract signed or not: by adding one to the plan as it is.

One unit is added at each period of its window, at each of its sites (a contract: signed), all else
as it is, and the whole is evaluated exactly. What is left after what it costs says why it is out;
where it would win, the checker says which rule it breaks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from optimizer.domain.answers.say import counted, listed, money
from optimizer.expand.answer import CENT_NANO, arrays_of, measured, plan_of
from optimizer.expand.check import check
from optimizer.expand.evaluate import decided, evaluate
from optimizer.expand.plan import Options
from optimizer.expand.studies.cases import units_of
from optimizer.units import nano

if TYPE_CHECKING:
    from optimizer.domain.answers.fixes import Fix
    from optimizer.domain.growth.image import BuildImage
    from optimizer.domain.instance import Instance
    from optimizer.expand.arrays import Decision
    from optimizer.expand.plan import ExpandPlan

__all__ = ["Out", "Why", "options_of", "outs"]

Why = Literal["taken", "too late", "idle", "priced out", "no room", "gap"]

TRIED = 16
"""Periods of a window in which a unit is tried, spread evenly between its ends."""


@dataclass(frozen=True, slots=True)
class Out:
    """A build or a contract, and why it is in the plan or not.

    Attributes
    ----------
    job
        Its name: what `explain` is asked about.
    short
        By how much the objective falls with one of it added to the plan as it is [nano-USD].
    price
        What of that is its price, discounted and expected [nano-USD]; None of a contract.
    stays, turns
        Shares of today's price (rent) at which a new solve leaves it out, and at which a plan with
        it is no worse than the bound on all plans without it; None until tried, or not found.
    """

    job: str
    is_contract: bool
    why: Why
    said: str
    short: int | None = None
    price: int | None = None
    stays: float | None = None
    turns: float | None = None
    fixes: tuple[Fix, ...] = ()

    @property
    def below(self) -> float | None:
        """The share of its price at which one more would pay in the plan as it is; None if none."""
        if (
            self.why != "priced out"
            or self.price is None
            or self.short is None
            or self.short >= self.price
        ):
            return None
        return 1 - self.short / self.price


@dataclass(frozen=True, slots=True)
class _Trial:
    decision: Decision
    where: str
    total: int
    price: int | None
    earns: int


def options_of(plan: ExpandPlan) -> Options:
    """Return what a plan was asked for, on the futures that it is for."""
    given = Options.model_validate(plan.run.options)
    return given.model_copy(update={"draw": plan.drawn, "seed": plan.seed})


def outs(instance: Instance, plan: ExpandPlan) -> tuple[Out, ...]:
    """Return every build and contract with why it is in or out, those that are out first."""
    expand = instance.expand
    if expand is None:
        return ()
    trials = _Trials(instance, plan)
    found = [trials.build(u, name) for u, name in enumerate(expand.builds)]
    found += [trials.contract(i, name) for i, name in enumerate(expand.contracts)]
    return tuple(sorted(found, key=lambda x: x.why == "taken"))


class _Trials:
    """The plan as it is, and what comes of one thing more."""

    def __init__(self, instance: Instance, plan: ExpandPlan) -> None:
        self.instance, self.plan = instance, plan
        self.options = options_of(plan)
        self.arrays = arrays_of(instance, self.options)
        self.decision = decided(self.arrays, plan)
        self.total, self.earned = self._worth(self.decision)

    def _worth(self, decision: Decision) -> tuple[int, float]:
        """Return the objective [nano-USD] and the expected NPV [USD]."""
        outcome = evaluate(self.arrays, decision)
        best = self.plan.objective.best
        made = measured(self.arrays, decision, outcome, self.options, best)
        return made.total, float(self.arrays.odds @ outcome.values)

    def build(self, u: int, name: str) -> Out:
        """Return why units of a build are in, or not."""
        build, label = self.arrays.growth.builds[u], self.arrays.growth.calendar.label
        units = units_of(self.plan, name)
        if units:
            most = f"{counted(units, 'unit')} of at most {build.max_units:,}"
            return Out(name, False, "taken", f"is in the plan: {most}")
        if build.last < build.first:
            said = "cannot be ordered so that a unit in time comes within the horizon"
            return Out(name, False, "too late", f"{said} and its window (rule lead_time)")
        trials = [self._unit(p, t, name) for p in self.arrays.places_of(u) for t in _spread(build)]
        best = max(trials, key=lambda x: x.total)
        what = f"one unit, {best.where},"
        if build.first == build.last:
            what = f"one unit, {best.where} (it may be ordered in {label(build.first)} alone),"
        return self._said(name, best, what)

    def _unit(self, place: int, period: int, name: str) -> _Trial:
        arrays, site = self.arrays, self.arrays.places[place][1]
        orders = self.decision.orders
        more = orders | {(place, period): orders.get((place, period), 0.0) + 1.0}
        decision = replace(self.decision, orders=more)
        total, earned = self._worth(decision)
        flows, discount = arrays.order_flows(place, period), arrays.discount[site]
        price = -float(arrays.odds @ (flows.capex @ discount))
        whole = -float(arrays.odds @ (flows.total @ discount))
        where = f"ordered in {arrays.growth.calendar.label(period)} for "
        where += arrays.growth.sites[site].name
        return _Trial(decision, where, total, nano(price), nano(earned - self.earned + whole))

    def contract(self, i: int, name: str) -> Out:
        """Return why a contract is signed, or not."""
        if i in self.decision.signed or any(i in d.signed for d in self.decision.nodes.values()):
            return Out(name, True, "taken", "is signed")
        decision = replace(self.decision, signed=self.decision.signed | {i})
        total, earned = self._worth(decision)
        trial = _Trial(decision, "", total, None, nano(earned - self.earned))
        return self._said(name, trial, "signed and served by the plan as it is, it")

    def _said(self, name: str, best: _Trial, what: str) -> Out:
        short = self.total - best.total
        found = Out(name, best.price is None, "priced out", "", short, best.price)
        if short <= 0:
            return self._kept_out(found, best, what, short)
        if best.price is None:
            said = f"is not signed: {what} would cost {money(short)} more than it brings"
        elif best.earns < CENT_NANO:
            said = f"would stand idle: {what} earns nothing with the rest of the plan as it is"
            found = replace(found, why="idle")
        else:
            said = f"is too dear: {what} earns {money(best.earns)} and costs "
            said += f"{money(best.earns + short)}, both discounted, resale off its cost"
        return replace(found, said=said)

    def _kept_out(self, found: Out, best: _Trial, what: str, short: int) -> Out:
        """Return the rules that one thing more would break; the gap where it breaks none."""
        tried = plan_of(self.instance, self.arrays, best.decision, self.options, self.plan.run)
        rules = dict.fromkeys(str(v.rule) for v in check(self.instance, tried).violations)
        if rules:
            wins = f"{what} would be worth {money(-short)} more" if short else what
            said = f"has no room: {wins} but breaks {listed(list(rules))}"
            return replace(found, why="no room", said=said)
        if not short:
            return replace(found, why="idle", said=f"changes nothing: {what} is worth nothing")
        said = f"is open: {what} would be worth {money(-short)} more and breaks no rule; "
        return replace(found, why="gap", said=said + "the plan is as near to the best as its gap")


def _spread(build: BuildImage) -> list[int]:
    """Return periods of its window, spread evenly."""
    span = build.last - build.first
    count = min(span + 1, TRIED)
    return sorted({build.first + round(k * span / max(1, count - 1)) for k in range(count)})
