"""Studies by name: what is asked, and what is answered: a report and the cases that it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.domain.answers.cases import Answer, Case, Solved, plan_of
from optimizer.errors import Unsupported
from optimizer.mix.studies.alternatives import WITHIN, alternatives
from optimizer.mix.studies.bench import bench
from optimizer.mix.studies.breakeven import break_evens
from optimizer.mix.studies.conflict import find_conflict
from optimizer.mix.studies.figures import asked
from optimizer.mix.studies.frontier import frontier
from optimizer.mix.studies.nameplate import draws
from optimizer.mix.studies.stress import SPREAD, stress
from optimizer.mix.studies.told.fleets import (
    alternatives_report,
    bench_report,
    conflict_report,
    worth_report,
)
from optimizer.mix.studies.told.flips import (
    break_even_report,
    draws_report,
    stress_report,
    tornado_report,
)
from optimizer.mix.studies.told.frontiers import frontier_report
from optimizer.mix.studies.tornado import tornado
from optimizer.mix.studies.worth import tried_worths

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from optimizer.domain.answers.cases import Each, Solve
    from optimizer.domain.instance import Instance
    from optimizer.mix.plan import MixPlan, Options
    from optimizer.mix.studies.frontier import Axes

__all__ = ["STUDIES", "Ask", "answer"]


@dataclass(frozen=True)
class Ask:
    """A study to be made.

    Attributes
    ----------
    solve, each
        How cases are solved, and functions called, side by side.
    axes, count
        Of a frontier: what it is of, and about how many points.
    within
        Of alternatives: how much worse they may be.
    spread
        Of a stress test: how far prices and rates go.
    power_mw, fleets
        Of named mixes: a budget of power, and fleets by name, domains by (offer, site).
    """

    instance: Instance
    options: Options
    solve: Solve
    each: Each
    axes: Axes = "cost-power"
    count: int = 25
    within: Sequence[float] = WITHIN
    spread: float = SPREAD
    power_mw: float | None = None
    fleets: Mapping[str, Mapping[tuple[str, str], int]] | None = None


def answer(name: str, ask: Ask) -> Answer[MixPlan]:
    """Return the answer of a study.

    Raises
    ------
    Unsupported
        If there is no study of that name.
    InstanceError
        If the instance asks no mix, or has none that the study could start from.
    """
    if name not in STUDIES:
        raise Unsupported(f"study {name!r}", f"there are {', '.join(STUDIES)}")
    asked(ask.instance)
    return STUDIES[name](ask)


def _frontier(ask: Ask) -> Answer[MixPlan]:
    found = frontier(ask.instance, ask.solve, ask.axes, ask.count)
    return Answer(frontier_report(ask.instance, found), tuple(p.solved for p in found.points))


def _base(ask: Ask) -> Solved[MixPlan]:
    (base,) = ask.solve([Case("base")])
    plan_of(base)
    return base


def _break_even(ask: Ask) -> Answer[MixPlan]:
    base = _base(ask)
    found = break_evens(ask.instance, ask.solve, plan_of(base))
    sides = [s for e in found for s in (e.into, e.out) if s is not None]
    without = {e.without.case.label: e.without for e in found}
    return Answer(break_even_report(ask.instance, found), (base, *without.values(), *sides))


def _tornado(ask: Ask) -> Answer[MixPlan]:
    found = tornado(ask.instance, ask.solve)
    ends = [end.solved for swing in found.swings for end in swing.ends()]
    return Answer(tornado_report(ask.instance, found), (found.base, *ends))


def _alternatives(ask: Ask) -> Answer[MixPlan]:
    base = _base(ask)
    found = alternatives(ask.instance, ask.each, plan_of(base), ask.options, ask.within)
    cases = (
        Solved(Case(f"{a.which} {a.chip} within {a.within:g}"), ask.instance, a.plan) for a in found
    )
    return Answer(alternatives_report(ask.instance, plan_of(base), found), (base, *cases))


def _stress(ask: Ask) -> Answer[MixPlan]:
    found = stress(ask.instance, ask.solve, ask.each, ask.options, ask.spread)
    robust = Solved(Case("robust mix"), ask.instance, found.robust)
    return Answer(stress_report(ask.instance, found), (robust, *found.futures))


def _worth(ask: Ask) -> Answer[MixPlan]:
    base, found = tried_worths(ask.instance, ask.solve)
    tried = (t.solved for t in found if t.solved is not None)
    return Answer(worth_report(ask.instance, base, found), (base, *tried))


def _nameplate(ask: Ask) -> Answer[MixPlan]:
    found = draws(ask.instance, ask.solve, ask.options)
    carried = Solved(Case("nameplate fleet at training draw", found.training.case.changes),
                     found.training.instance, found.carried)  # fmt: skip
    return Answer(draws_report(ask.instance, found), (found.training, found.nameplate, carried))


def _bench(ask: Ask) -> Answer[MixPlan]:
    found = bench(ask.instance, ask.solve, ask.options, ask.power_mw, ask.fleets)
    cases = (Solved(Case(m.name, found.changes), found.instance, m.plan) for m in found.mixes)
    return Answer(bench_report(found), tuple(cases))


def _conflict(ask: Ask) -> Answer[MixPlan]:
    found = find_conflict(ask.instance, ask.solve, ask.options)
    ways = (*([found.cheapest] if found.cheapest else []), *found.alone)
    return Answer(
        conflict_report(ask.instance, found, ask.options.unit_costs), tuple(w.solved for w in ways)
    )


STUDIES: dict[str, Callable[[Ask], Answer[MixPlan]]] = {
    "frontier": _frontier,
    "break-even": _break_even,
    "tornado": _tornado,
    "alternatives": _alternatives,
    "stress": _stress,
    "worth": _worth,
    "nameplate": _nameplate,
    "conflict": _conflict,
    "bench": _bench,
}
"""Every study by its name."""
