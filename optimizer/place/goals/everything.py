"""Placing every job: the common ground of least cost and earliest end.

A job that is placed wins a prize that outweighs whatever it costs, and larger gangs more: while
jobs are left out, the searches anneal at the scale of prizes; once nothing is left out, at the
scale of costs, and a move that leaves a job out is a move uphill that is undone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.place.engines.prices import minimised
from optimizer.place.engines.search import copied
from optimizer.place.engines.state import make_problem
from optimizer.place.goals.team import Team, cooled

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.place.arrays import Ints, PlaceArrays
    from optimizer.place.engines.handles import Problem, State
    from optimizer.place.engines.prices import Dual
    from optimizer.place.goals.effort import Effort
    from optimizer.place.goals.team import Member

__all__ = [
    "areas",
    "fill",
    "has_all",
    "has_everything",
    "prepared",
    "prized",
    "revalued",
    "run_ends_of",
    "unpriced",
]

PRIZE = 10.0
"""What placing a job of mean size wins, over what the dearest job can cost."""


def revalued(a: PlaceArrays, values: Any) -> PlaceArrays:
    """Return the arrays with other values of jobs [nano-USD], (J,)."""
    worth = np.asarray(values, np.int64)
    job_of = np.repeat(np.arange(len(worth)), np.diff(a.job_ptr))
    return a._replace(value=worth, gain=a.gain + (worth - a.value)[job_of])


def run_ends_of(a: PlaceArrays) -> Ints:
    """Return where the run of every (mode, start) ends, (M, T); T + 1 where it does not."""
    T = a.pue.shape[1]
    done = a.act[a.mask][:, :-1] + a.dur[:, None]
    ends = a.when[a.mask[:, None], np.minimum(done, T)]
    out: Ints = np.where(done > T, T + 1, ends)
    return out


def areas(a: PlaceArrays) -> Any:
    """Return the least chip-periods of every job over its modes, over their mean, (J,)."""
    each = (a.chips * a.dur).astype(float)
    least = np.array(
        [each[p:q].min(initial=np.inf) for p, q in zip(a.job_ptr[:-1], a.job_ptr[1:], strict=True)]
    )
    least[~np.isfinite(least)] = 0.0
    return least / max(float(least.mean()), 1e-9) if len(least) else least


def dearest_usd(a: PlaceArrays) -> float:
    """Return what no run costs more than, by and large [USD]."""
    energy = float(a.sup_cost.max(initial=0)) * 1e-9
    pue = float(a.pue.max(initial=1000)) / 1000
    watts = np.add.reduceat(np.append(a.part_net_w, 0), a.part_ptr[:-1])[: len(a.dur)]
    job_of = np.repeat(np.arange(len(a.late)), np.diff(a.job_ptr))
    late = a.late[job_of] * a.pue.shape[1] * 1e-9
    each = watts * a.dur * energy * pue + late + (a.restart - a.gain + a.value[job_of]) * 1e-9
    return max(1.0, float(each.max(initial=0.0)))


def prized(a: PlaceArrays, priced: Any, worth: Any, permits: Any) -> Problem:
    """Return the search's view of arrays in which placing a job outweighs all else."""
    prize = PRIZE * dearest_usd(a) * (1.0 + areas(a)) / 2.0
    return make_problem(a, priced, worth, permits)._replace(prize=prize)


def has_all(plan: State) -> bool:
    """Return whether every job is placed."""
    return bool((plan.mode_of >= 0).all())


def has_everything(team: Team) -> Member | None:
    """Return the best search whose best plan has every job, or None."""
    full = [m for m in team.members if has_all(m.best())]
    return max(full, key=lambda m: float(m.memory.best[0]), default=None)


def fill(team: Team, effort: Effort, part: float) -> State | None:
    """Search until every job is placed; return that plan, or None where there is none in time."""
    found = has_everything(team)
    hot = 0.3 * float(np.mean(team.problem.prize)) if len(team.problem.prize) else 1.0
    for lap in effort.laps(part) if found is None else ():
        team.anneal(lap.moves, cooled(hot, lap.begin), cooled(hot, lap.end))
        found = has_everything(team)
        if found is not None:
            break
    return None if found is None else copied(found.best())


def prepared(instance: Instance, a: PlaceArrays, effort: Effort, part: float) -> tuple[Team, Dual]:
    """Return searches over arrays with prizes, and the prices that they rank by."""
    prizes = prized(a, np.zeros((len(a.dur), a.pue.shape[1] + 1)), None, np.zeros(len(a.permit)))
    free = a._replace(must=np.zeros_like(a.must))
    won = np.minimum(prizes.prize * 1e9, 9e17).astype(np.int64)
    dual = minimised(revalued(free, won), effort.clock.options.threads, effort.until(part))
    priced, worth = dual.mode_prices()
    team = Team(instance, prized(a, priced, worth, dual.best.permits), effort.clock.options)
    team.construct()
    return team, dual


def unpriced(instance: Instance, a: PlaceArrays, effort: Effort) -> Team:
    """Return searches over arrays with prizes, without prices: they place what others propose."""
    nothing = np.zeros((len(a.example), a.pue.shape[1] + 1)), None, np.zeros(len(a.permit))
    return Team(instance, prized(a, *nothing), effort.clock.options)
