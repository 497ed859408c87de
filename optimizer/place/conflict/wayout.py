"""From the best plan of the elastic instance to what would have to give, and its price."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from optimizer.domain.answers.say import counted, figure, money, stretches, when
from optimizer.domain.changes.patch import Change, patch, pointer
from optimizer.errors import InstanceError
from optimizer.place.check import check
from optimizer.place.conflict.elastic import MORE_POWER, elastic
from optimizer.place.goal import feasibility_image, has_to_run
from optimizer.place.plan import FileChange, Status, WayOut
from optimizer.units import nano

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.domain.instance import Instance
    from optimizer.place.conflict.elastic import Elastic
    from optimizer.place.plan import PlacePlan

__all__ = ["way_out"]

Said = tuple[str, int, Change]


def way_out(
    instance: Instance,
    costs: dict[str, float],
    solve: Callable[[Instance], PlacePlan],
    prove: Callable[[Instance], PlacePlan],
) -> WayOut | None:
    """Return the cheapest way out that the solver finds, tried out; None where it finds none.

    Parameters
    ----------
    solve, prove
        Solve the elastic instance, and the image of the changed one, each within its limits.
    """
    made = elastic(instance, costs)
    plan = solve(made.instance)
    if not _is_plan(made.instance, plan):
        return None
    each = [*_jobs(instance, made, plan), *_limits(instance, made, plan)]
    each += _power(instance, made, plan)
    ended, changes = _ended(instance, made)
    said = [*((text, nano_usd) for text, nano_usd, _ in each), *ended]
    cost = sum(nano_usd for _, nano_usd in said)
    value = sum(nano(job.value_usd) for job in made.instance.jobs)
    certain = sum(map(nano, made.ended.values()))
    least = certain if plan.bound is None else min(cost, certain + max(0, value - plan.bound))
    claim = plan.run.claim
    proof: Literal["proven", "engine proof", "time limit"] = "time limit"
    if cost <= least:
        proof = "proven"
    elif claim is not None and claim.status is Status.OPTIMAL:
        proof = "engine proof"
    changes = [*(change for *_, change in each), *changes]
    return WayOut(
        said=tuple(f"{text} ({money(nano_usd)})" for text, nano_usd in said),
        cost=cost,
        least=least,
        proof=proof,
        changes=tuple(FileChange(pointer=c.pointer, value=c.value) for c in changes),
        is_verified=_is_way_out(instance, changes, prove),
    )


def _is_way_out(
    instance: Instance, changes: list[Change], prove: Callable[[Instance], PlacePlan]
) -> bool:
    """Return whether the changed instance has a plan, found and checked."""
    try:
        after = feasibility_image(patch(instance, changes))
    except InstanceError:
        return False
    if not after.jobs:
        return True
    return _is_plan(after, prove(after))


def _is_plan(instance: Instance, found: PlacePlan) -> bool:
    """Return whether a plan was found, and the checker finds it good."""
    is_plan = found.status.has_plan
    return is_plan and check(instance, found).is_good


def _jobs(instance: Instance, made: Elastic, plan: PlacePlan) -> list[Said]:
    """Return must jobs given up and later deadlines."""
    h, found = instance.horizon, list[Said]()
    ends = {p.job: p.end for p in plan.placements}
    needed = has_to_run(instance.jobs)
    worth = {job.id: job.value_usd for job in made.instance.jobs}
    for j, job in enumerate(instance.jobs):
        key = j if job.id.isdecimal() else job.id
        if job.id not in needed or job.running is not None:
            continue
        if job.must and job.id not in ends:
            text = f"job {job.id} given up as one that must run"
            change = Change(pointer("jobs", key, "must"), False)
            found.append((text, nano(worth[job.id]), change))
        elif job.id in ends and job.deadline is not None:
            late = ends[job.id] - h.down(job.deadline)
            if late > 0:
                hours = late * h.period_hours
                text = f"deadline of job {job.id} {hours:,g} h later ({when(h, ends[job.id])})"
                change = Change(pointer("jobs", key, "deadline"), ends[job.id] * h.period_hours)
                found.append(
                    (text, nano(made.costs["deadline_hour"] * h.period_hours) * late, change)
                )
    return found


def _ended(instance: Instance, made: Elastic) -> tuple[list[tuple[str, int]], list[Change]]:
    """Return running jobs that are ended with what each costs, and the changes that do so.

    Those that wait for one of them wait no more; entries are taken away last, the last first.
    """
    said, changes, gone = list[tuple[str, int]](), list[Change](), list[Change]()
    for j, job in enumerate(instance.jobs):
        key = j if job.id.isdecimal() else job.id
        waits = [name for name in job.predecessors if name not in made.ended]
        if job.id in made.ended:
            usd = made.ended[job.id]
            said.append((f"running job {job.id} ended, as no run is left to it", nano(usd)))
            gone.append(Change(pointer("jobs", key), None))
        elif len(waits) < len(job.predecessors):
            changes.append(Change(pointer("jobs", key, "predecessors"), waits))
    return said, changes + gone[::-1]


def _limits(instance: Instance, made: Elastic, plan: PlacePlan) -> list[Said]:
    """Return pools and other limits that have to be larger: what their holders gave up."""
    placed = {p.job for p in plan.placements}
    given: dict[tuple[str, str], tuple[float, int]] = {}
    worth = {job.id: nano(job.value_usd) for job in made.instance.jobs}
    for name, holder in made.holders.items():
        if name not in placed:
            amount, paid = given.get((holder.rule, holder.of), (0.0, 0))
            given[holder.rule, holder.of] = amount + holder.amount, paid + worth[name]
    found: list[Said] = []
    for (rule, of), (amount, paid) in given.items():
        text, change = _SAID[rule](instance, of, amount)
        found.append((text, paid, change))
    return found


def _more_chips(instance: Instance, of: str, amount: float) -> tuple[str, Change]:
    pool = instance.pools[of]
    size = "" if pool.domain is None else f" of {instance.domain_chips(pool)} chips"
    thing = "chip" if pool.domain is None else "domain"
    count = [float(x) + amount for x in pool.present(instance.horizon)]
    text = f"{counted(round(amount), thing + size, thing + 's' + size)} more in {of}"
    return text, Change(pointer("pools", of, "count"), _series(count))


def _larger_quota(instance: Instance, of: str, amount: float) -> tuple[str, Change]:
    quota = (instance.tenants[of].quota_chips or 0) + round(amount)
    text = f"quota of {of} {quota:,} chips ({round(amount):,} more)"
    return text, Change(pointer("tenants", of, "quota_chips"), quota)


def _larger_budget(instance: Instance, of: str, amount: float) -> tuple[str, Change]:
    limit, unit = round(instance.budgets[of].limit + amount, 6), instance.budgets[of].unit
    text = f"budget {of} {figure(limit)} {unit} ({figure(amount)} more)"
    return text, Change(pointer("budgets", of, "limit"), limit)


def _more_moves(instance: Instance, of: str, amount: float) -> tuple[str, Change]:
    at_most = (0 if instance.moves is None else instance.moves.at_most) + round(amount)
    text = f"{counted(at_most, 'running job')} moved ({round(amount):,} more than allowed)"
    return text, Change(pointer("moves", "at_most"), at_most)


def _wider_spread(instance: Instance, of: str, amount: float) -> tuple[str, Change]:
    most = instance.most_at_a_site[of] + round(amount)
    jobs = instance.spreads[of].of_jobs or sum(job.group == of for job in instance.jobs)
    text = f"up to {counted(most, 'job')} of group {of} at one site ({round(amount):,} more)"
    return text, Change(pointer("spreads", of, "share"), most / jobs)


_SAID = {
    "pool_capacity": _more_chips,
    "quota": _larger_quota,
    "budget": _larger_budget,
    "moves": _more_moves,
    "spread": _wider_spread,
}
"""How a limit that has to be larger by so much is said, and changed in the file."""


def _power(instance: Instance, made: Elastic, plan: PlacePlan) -> list[Said]:
    """Return more power by site: what the dear supply gives, and the idling of chips added."""
    h, found = instance.horizon, list[Said]()
    idle = _idle_w(instance, made, plan)
    for name, site in instance.sites.items():
        given = np.array(plan.dispatch[name][MORE_POWER], np.int64)
        more = given + idle.get(name, np.zeros_like(given))
        if not more.any():
            continue
        price = made.instance.sites[name].supplies[MORE_POWER].cost_nano(h, 0.0)
        cap = [float(w + 1) / 1e6 if w else 0.0 for w in more.tolist()]
        supply: dict[str, Any] = {"kind": "grid", "name": "way out", "cap_mw": _series(cap)}
        supply["price_usd_per_mwh"] = made.costs["mw_hour"]
        text = f"{figure(max(cap))} MW more at {name} ({stretches(h, more > 0)})"
        if not given.any():
            text += ", for the chips added as they idle"
        key = MORE_POWER
        while key in site.supplies:
            key += "-more"
        change = Change(pointer("sites", name, "supplies", key), supply)
        found.append((text, int((given.astype(object) * price).sum()), change))
    return found


def _idle_w(instance: Instance, made: Elastic, plan: PlacePlan) -> dict[str, Any]:
    """Return the power of the chips added, idling, by site [W], (T,)."""
    placed, found = {p.job for p in plan.placements}, dict[str, Any]()
    for job, holder in made.holders.items():
        if holder.rule != "pool_capacity" or job in placed:
            continue
        pool = instance.pools[holder.of]
        milli = instance.sites[pool.site].pue_milli(instance.horizon)
        chips = round(holder.amount) * instance.domain_chips(pool)
        watts = -(-milli * (instance.chips[pool.chip].idle_w * chips) // 1000)
        found[pool.site] = found.get(pool.site, 0) + watts
    return found


def _series(values: list[float]) -> float | list[float]:
    """Return a series as an instance file has it: one number where all are the same."""
    return values[0] if len(set(values)) == 1 else values
