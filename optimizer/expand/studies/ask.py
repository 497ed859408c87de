"""Studies of an expansion by name: what is asked, and the report and cases that answer it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.domain.answers.cases import Answer, plan_of
from optimizer.errors import Unsupported
from optimizer.expand.studies.alternatives import WITHIN, alternatives
from optimizer.expand.studies.breakeven import bridges
from optimizer.expand.studies.cases import asked
from optimizer.expand.studies.frontier import frontier
from optimizer.expand.studies.information import information
from optimizer.expand.studies.told.turns import (
    alternatives_report,
    break_even_report,
    frontier_report,
    tornado_report,
)
from optimizer.expand.studies.told.values import (
    information_report,
    waiting_report,
    worth_report,
)
from optimizer.expand.studies.tornado import tornado
from optimizer.expand.studies.waiting import waiting
from optimizer.expand.studies.worth import worths

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optimizer.domain.answers.cases import Each, Solve
    from optimizer.domain.instance import Instance
    from optimizer.expand.plan import ExpandPlan, Options

__all__ = ["STUDIES", "Ask", "answer"]

DATES, WEIGHTS = 6, 11
"""Points of waiting and of a frontier."""


@dataclass(frozen=True)
class Ask:
    """A study to be made.

    Attributes
    ----------
    solve, each
        How cases are solved, and functions called, side by side.
    count
        Of a frontier and of waiting: about how many points; None for as many as each has.
    within
        Of alternatives: how much worse they may be.
    anew
        Of a tornado: for how many inputs a plan is sought anew at both ends.
    """

    instance: Instance
    options: Options
    solve: Solve
    each: Each
    count: int | None = None
    within: Sequence[float] = WITHIN
    anew: int = 0


def answer(name: str, ask: Ask) -> Answer[ExpandPlan]:
    """Return the answer of a study.

    Raises
    ------
    Unsupported
        If there is no study of that name, or none of that objective.
    InstanceError
        If the instance asks no expansion, or has no plan that the study could start from.
    """
    if name not in STUDIES:
        raise Unsupported(f"study {name!r} of an expansion", f"there are {', '.join(STUDIES)}")
    if ask.options.objective == "regret":
        raise Unsupported("a study of least regret", "ask for expected, cvar or worst")
    asked(ask.instance)
    return STUDIES[name](ask)


def _information(ask: Ask) -> Answer[ExpandPlan]:
    found = information(ask.instance, ask.solve, ask.each, ask.options)
    carried = (found.carried.solved,) if found.carried is not None else ()
    free = found.free if found.free is not found.alone else ()
    cases = (found.together, found.mean, *carried, *found.alone, *free)
    return Answer(information_report(ask.instance, found), cases)


def _waiting(ask: Ask) -> Answer[ExpandPlan]:
    found = waiting(ask.instance, ask.solve, ask.count or DATES)
    return Answer(waiting_report(ask.instance, found), found.every())


def _break_even(ask: Ask) -> Answer[ExpandPlan]:
    found = bridges(ask.instance, ask.solve)
    tried = [x for each in found for _, x in sorted(each.tried.items())]
    cases = tuple(s for x in tried for s in (x.with_it, x.without_it))
    return Answer(break_even_report(ask.instance, found), cases)


def _worth(ask: Ask) -> Answer[ExpandPlan]:
    base, found = worths(ask.instance, ask.solve)
    cases = (base, *(e.solved for e in found))
    return Answer(worth_report(ask.instance, base, found), cases)


def _tornado(ask: Ask) -> Answer[ExpandPlan]:
    found = tornado(ask.instance, ask.solve, ask.each, ask.options, ask.anew)
    ends = (end.solved for swing in (*found.kept, *found.anew) for end in swing.ends())
    return Answer(tornado_report(ask.instance, found), (found.base, *ends))


def _alternatives(ask: Ask) -> Answer[ExpandPlan]:
    base, found = alternatives(ask.instance, ask.solve, ask.options, ask.within)
    cases = (base, *(a.solved for a in found if a.solved is not None))
    return Answer(alternatives_report(ask.instance, plan_of(base), found), cases)


def _frontier(ask: Ask) -> Answer[ExpandPlan]:
    found = frontier(ask.instance, ask.solve, ask.options, ask.count or WEIGHTS)
    return Answer(frontier_report(ask.instance, found), tuple(p.solved for p in found.points))


STUDIES: dict[str, Callable[[Ask], Answer[ExpandPlan]]] = {
    "information": _information,
    "waiting": _waiting,
    "break-even": _break_even,
    "worth": _worth,
    "tornado": _tornado,
    "alternatives": _alternatives,
    "frontier": _frontier,
}
"""Every study by its name."""
