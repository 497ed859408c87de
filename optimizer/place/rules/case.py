"""What the rules look at: a plan read beside its instance, with nothing of the engines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.domain.modes import Mode, Part, run_ends
from optimizer.place.plan import Placement, PlacePlan, Violation

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.domain.sites import IdRange

__all__ = ["Case", "Held", "Ints", "Run", "expand", "said"]

Ints = NDArray[np.int64]


@dataclass
class Run:
    """A placement with the mode that it names, from its start to the end that follows from it."""

    job: int
    placement: Placement
    mode: Mode
    stands: NDArray[np.bool_]
    end: int

    @property
    def span(self) -> slice:
        return slice(self.placement.start, self.end)


class Held(NamedTuple):
    """A part of a run, in its pool, with the domain ids that the plan names for it."""

    run: Run
    part: Part
    ids: tuple[IdRange, ...]


@dataclass
class Case:
    """What the rules look at: instance, plan, the first run of each job, and those without end.

    Attributes
    ----------
    held
        By pool, in the order of the instance, the parts of runs there.
    """

    instance: Instance
    plan: PlacePlan
    runs: list[Run] = field(default_factory=list)
    unfinished: list[Placement] = field(default_factory=list)
    held: dict[str, list[Held]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        h, seen = self.instance.horizon, set[int]()
        index = {job.id: j for j, job in enumerate(self.instance.jobs)}
        called = {name: site.is_called(h) for name, site in self.instance.sites.items()}
        for placement in self.plan.placements:
            j = index.get(placement.job)
            mode = None if j is None else self.instance.mode(j, placement.mode)
            if j is None or mode is None or j in seen:
                continue  # said by one_placement
            seen.add(j)
            T = h.periods
            stands = np.zeros(T, bool)
            for part in mode.parts if mode.pauses else ():
                stands |= called[self.instance.pools[part.pool].site]
            ends = [*run_ends(mode.duration, stands, T).tolist(), T + 1]
            end = ends[min(placement.start, T)]
            if end > T:
                self.unfinished.append(placement)
            else:
                self.runs.append(Run(j, placement, mode, stands, end))
        self.held = {name: [] for name in self.instance.pools}
        for run in self.runs:
            named = run.placement.domains
            for rank, part in enumerate(run.mode.parts):
                ids = named[rank] if rank < len(named) else ()  # too few: said by domain_fit
                self.held[part.pool].append(Held(run, part, ids))

    def load_mw(self, site: str) -> Ints:
        """Return the load at the meter, shape (T,) [thousandths of a watt]."""
        h, place = self.instance.horizon, self.instance.sites[site]
        draw = np.zeros(h.periods, np.int64)
        for name, pool in self.instance.pools.items():
            if pool.site != site:
                continue
            idle = self.instance.chips[pool.chip].idle_w
            draw += idle * pool.present(h) * self.instance.domain_chips(pool)
            for run, part, _ in self.held[name]:
                works = ~run.stands[run.span]
                draw[run.span] += works * np.int64(part.draw_w - part.idle_w)
        return place.pue_milli(h) * draw + 1000 * place.other_w(h)


def said(rule: str, where: str, found: object, limit: object) -> Violation:
    """Return a violation in words."""
    return Violation(rule=str(rule), where=where, found=str(found), limit=str(limit))


def expand(ids: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
    """Return ids and how often each stands, by runs of equal count: two lists of ids compared."""
    steps: dict[int, int] = {}
    for first, last in ids:
        steps[first] = steps.get(first, 0) + 1
        steps[last + 1] = steps.get(last + 1, 0) - 1
    return sorted((at, step) for at, step in steps.items() if step)
