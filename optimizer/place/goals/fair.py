"""Fair shares: the least share of a tenant as large as can be, then the total at that share.

Both levels are one search: the objective less a fine for every tenant below a target share. While
the least share is sought, the target stays a step ahead of the best plan; then it stays where the
best plan is, and the total rises. Plans are compared by (least share, total), exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.errors import Unsupported
from optimizer.place.answer import plan_objective, whole_prices
from optimizer.place.arrays import build_arrays
from optimizer.place.conflict.proof import declared, prove
from optimizer.place.engines.lexical.shares import anneal_shares, fine_of
from optimizer.place.engines.prices import minimised
from optimizer.place.engines.search import copied
from optimizer.place.engines.state import make_problem
from optimizer.place.goals.answers import finished, with_goal
from optimizer.place.goals.everything import revalued
from optimizer.place.goals.pricing import Entitled, bonuses_for, weights_for
from optimizer.place.goals.team import Team, cooled
from optimizer.place.measure.figures import BILLION, claims, least_share
from optimizer.place.measure.images import MILLION, share_image
from optimizer.place.measure.judge import share_bound, total_bound
from optimizer.place.measure.records import Fairness
from optimizer.place.plan import Options, PlacePlan, Status, gap_of
from optimizer.place.prepare import small_instance

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.place.arrays import PlaceArrays
    from optimizer.place.engines.handles import State
    from optimizer.place.goals.effort import Effort
    from optimizer.place.goals.team import Member
    from optimizer.place.measure.figures import Claim
    from optimizer.place.plan import Certificate

__all__ = ["prepare_shares", "solve_fair"]

WEIGHTS_PART, PRICES_PART, FIRST_PART, BONUSES_PART = 0.2, 0.1, 0.5, 0.3
"""Parts of what is left: the bound on the least share, prices to rank by, the search for the least
share, the bound on the total; the rest goes to the search for the total."""

RATE, GROWTH, MOST_RATE = 30.0, 1.5, 3000.0
"""Fine for a USD that a tenant of mean size lacks [USD]: at first, and how it grows to what while
a target is missed; an exact penalty only has to be large enough."""


@dataclass
class _Best:
    """The best plan so far, by least share and total."""

    share: int = -1
    total: int = 0
    plan: State | None = None


class _Fair:
    """The search for fair shares on one instance."""

    def __init__(self, instance: Instance, a: PlaceArrays, team: Team) -> None:
        self.instance, self.a, self.team = instance, a, team
        self.found = claims(instance)
        self.index = {name: i for i, name in enumerate(instance.tenants)}
        self.best = _Best()
        self.entitled = entitled_of(instance, a, self.found)
        self.must = (a.must == 1) | (a.running == 1)
        whole = self.entitled.whole
        mean = float(whole[np.isfinite(whole)].mean())
        self.factor = RATE
        self.rate = np.where(np.isfinite(whole), RATE * mean / np.where(whole > 0, whole, 1.0), 0.0)
        self.need, self.lure = np.zeros(len(whole)), np.zeros(len(whole))

    def need_of(self, share: int) -> Any:
        """Return the value that every tenant needs for a share [USD], (tenants,)."""
        need = np.zeros(len(self.need))
        for name, claim in self.found.items():
            need[self.index[name]] = claim.need(max(0, share)) * 1e-9
        return need

    def set_target(self, share: int, growth: float = 1.0) -> None:
        """Ask every tenant to have a share; what the searches remember is judged anew.

        Jobs of tenants that the best plan so far leaves short get a lure.

        growth
            By how much fines rise.
        """
        need, rate = self.need, self.rate
        self.need = self.need_of(share)
        if growth > 1.0 and self.factor * growth < MOST_RATE:
            self.rate, self.factor = rate * growth, self.factor * growth
        held = np.zeros(len(need))
        if self.best.plan is not None:
            held = self.entitled.placed(self.best.plan.mode_of >= 0)
        lure = np.where(held < self.need, self.rate, 0.0)
        more, self.lure = lure - self.lure, lure
        self.team.problem.prize[:] += self.entitled.value * self.entitled.spread(more)
        for member in self.team.members:
            placed = self.entitled.placed(member.memory.best_mode >= 0)
            change = fine_of(need, rate, placed) - fine_of(self.need, self.rate, placed)
            member.memory.best[0] += change
            member.state.objective[0] += more @ self.entitled.placed(member.state.mode_of >= 0)

    def note(self) -> None:
        """Keep the best plan of a search that is the best of all."""
        for member in self.team.members:
            plan = member.best()
            if not (plan.mode_of[self.must] >= 0).all():
                continue
            share = self._share(plan)
            if share < self.best.share:
                continue
            total = plan_objective(self.team.problem.a, plan).total
            if (share, total) > (self.best.share, self.best.total) or self.best.plan is None:
                self.best = _Best(share, total, copied(plan))

    def _share(self, plan: State) -> int:
        got = [0] * len(self.index)
        for j in np.flatnonzero(plan.mode_of >= 0).tolist():
            if self.a.tenant[j] >= 0:
                got[int(self.a.tenant[j])] += int(self.a.value[j])
        return min(c.share(got[self.index[name]]) for name, c in self.found.items())

    def anneal(self, moves: int, hot: float, cold: float) -> None:
        """Let every search make so many moves."""

        def work(member: Member) -> None:
            got = self.entitled.placed(member.state.mode_of >= 0)
            fines = self.entitled.value, self.need, self.rate, self.lure, got
            anneal_shares(*member.handles, moves, hot, cold, self.team.weight, *fines)

        self.team.each(work)

    def seek_share(self, effort: Effort, limit: int, hot: float) -> None:
        """Raise the least share: the target is a step above the best plan, half the way at most."""
        self.note()
        reach, growth = 0.5, 1.0
        for lap in effort.laps(FIRST_PART):
            if self.best.share >= limit:
                return
            target = self.best.share + max(1, int(reach * (limit - self.best.share)))
            self.set_target(target, growth)
            before = self.best.share
            self.anneal(lap.moves, cooled(hot, lap.begin), cooled(hot, lap.end))
            self.note()
            is_better = self.best.share > before
            reach = min(0.5, reach * 1.5) if is_better else max(0.01, reach * 0.8)
            growth = 1.0 if is_better else GROWTH

    def seek_total(self, effort: Effort, hot: float) -> None:
        """Raise the total; no tenant is to fall below the least share found."""
        if self.best.plan is None:
            return
        for member in self.team.members:
            self.team.take(member, self.best.plan)
            placed = self.entitled.placed(self.best.plan.mode_of >= 0)
            fines = fine_of(self.need, self.rate, placed)
            member.memory.best[0] -= fines + float(self.lure @ placed)
        self.set_target(self.best.share)
        for lap in effort.laps(1.0):
            self.anneal(lap.moves, cooled(hot, lap.begin), cooled(hot, lap.end))
            before = self.best.share
            self.note()
            if self.best.share > before:
                self.set_target(self.best.share)


def prepare_shares() -> None:
    """Load or compile the search for shares."""
    instance = small_instance()
    a = build_arrays(instance)
    nothing = np.zeros((len(a.dur), a.pue.shape[1] + 1)), np.zeros(len(a.late))
    problem = make_problem(a, *nothing, np.zeros(len(a.permit)))
    member = Team(instance, problem, Options(threads=1)).members[0]
    none = np.zeros(0)
    anneal_shares(*member.handles, 10, 1.0, 0.1, 1.0, np.zeros(len(a.late)), none, none, none, none)


def entitled_of(instance: Instance, a: PlaceArrays, found: dict[str, Claim]) -> Entitled:
    """Return the tenants that count, as arrays."""
    names = list(instance.tenants)
    whole = np.array(
        [c.need(BILLION) * 1e-9 if (c := found.get(name)) else np.inf for name in names], float
    )
    counts = np.isfinite(whole)
    of = np.where((a.tenant >= 0) & np.append(counts, False)[a.tenant], a.tenant, -1)
    return Entitled(of, a.value * 1e-9, whole)


def _named(instance: Instance, found: dict[str, Claim], by_tenant: Any) -> dict[str, int]:
    """Return weights or bonuses in millionths, by tenant; those that count."""
    each = zip(instance.tenants, by_tenant, strict=True)
    return {name: round(float(x) * MILLION) for name, x in each if name in found}


def solve_fair(instance: Instance, effort: Effort) -> PlacePlan:
    """Return the plan with the largest least share found, then the largest total; both bounds."""
    found, threads = claims(instance), effort.clock.options.threads
    if not found:
        raise Unsupported("objective fair", "no job of a tenant has a value, so there is no share")
    a = build_arrays(instance)
    entitled = entitled_of(instance, a, found)
    free = build_arrays(share_image(instance, {})[0])
    weights, prices = weights_for(
        revalued(free, a.value), entitled, threads, effort.until(WEIGHTS_PART)
    )
    millionths = _named(instance, found, weights)
    if not any(millionths.values()):
        millionths = dict.fromkeys(found, 1)
    first = whole_prices(instance, prices)
    limit = share_bound(instance, millionths, first)
    dual = minimised(a, threads, effort.until(PRICES_PART))
    priced, worth = dual.mode_prices()
    team = Team(instance, make_problem(a, priced, worth, dual.best.permits), effort.clock.options)
    team.construct()
    search = _Fair(instance, a, team)
    hot = 0.3 * max(float(np.mean(team.problem.gain_usd)), 1e-6) if len(a.gain) else 1.0
    search.seek_share(effort, limit, hot)
    need = search.need_of(search.best.share)
    bonus, dual = bonuses_for(a, entitled, need, threads, effort.until(BONUSES_PART), dual.best)
    team.problem.priced[:] = dual.mode_prices()[0]
    search.seek_total(effort, 0.3 * hot)
    bonuses = _named(instance, found, bonus)
    proof = millionths, first, limit
    return _answered(search, effort, proof, bonuses, whole_prices(instance, dual.finish()))


def _answered(
    search: _Fair,
    effort: Effort,
    proof: tuple[dict[str, int], Certificate, int],
    bonuses: dict[str, int],
    certificate: Certificate,
) -> PlacePlan:
    """Return the plan file; proof: weights, prices and limit of the least share."""
    instance, team, best = search.instance, search.team, search.best.plan
    records = team.best().best() if best is None else best
    plan = finished(instance, search.a, team, records, certificate, effort)
    share = least_share(instance, {p.job for p in plan.placements}) or 0
    total = total_bound(instance, bonuses, share, certificate)
    goal = Fairness(
        share=share,
        bound=proof[2],
        gap=gap_of(share, proof[2]),
        weights=proof[0],
        certificate=proof[1],
        bonuses=bonuses,
        total_bound=total,
        total_gap=gap_of(plan.objective.total, total),
    )
    is_best = share == goal.bound and plan.objective.total == total
    is_hopeless = plan.status is Status.INFEASIBLE
    plan = with_goal(plan, goal, effort, best is not None, is_best, is_hopeless)
    if best is not None or is_hopeless:
        return plan
    prices = prove(instance, effort.clock.cancel.is_set, effort.clock.options.threads)
    return plan if prices is None else declared(plan, prices)
