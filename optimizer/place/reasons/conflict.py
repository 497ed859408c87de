"""No plan has every must job: why, and the cheapest way out, as a section of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.answers.say import listed
from optimizer.domain.reports import Column, Fact, Section, Table
from optimizer.place.account.why import refused
from optimizer.place.plan import Status
from optimizer.units import usd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.domain.instance import Instance
    from optimizer.place.plan import Conflict, Group, PlacePlan, WayOut

__all__ = ["conflict_section", "group_said", "in_short"]

_WORDS = {
    "must": "job {} must run",
    "running": "job {} runs already",
    "precedence": "the order of job {} behind those it waits for",
    "window": "the window of job {}",
    "residency": "where job {} may run",
    "quota": "the quota of {}",
    "budget": "budget {}",
    "spread": "the spread of group {}",
    "moves": "how many {} may be moved",
    "supply": "the energy permit of {}",
    "pool_capacity": "the chips of {}",
    "power_cap": "the power cap of {}",
}

_UNITS = {
    "mw_hour": ("power over the cap or permit", "USD/MWh"),
    "chip_hour": ("a chip more, for the whole horizon", "USD/chip-hour"),
    "deadline_hour": ("an hour after a deadline", "USD/h"),
    "quota_chip_hour": ("a chip over a quota, for the whole horizon", "USD/chip-hour"),
    "budget_unit": ("a unit over a budget", "USD"),
    "move": ("a running job moved beyond the limit", "USD"),
    "spread_job": ("a job more of a group at any one site", "USD"),
    "must": ("a must job given up, at least (else its value)", "USD"),
}


def group_said(group: Group) -> str:
    """Return a group of rules in words."""
    return _WORDS.get(group.rule, group.rule + " of {}").format(group.of)


def in_short(plan: PlacePlan) -> list[str]:
    """Return in a few lines why there is no plan, and the way out; for standard error."""
    known = plan.conflict
    lines = [_status(plan)]
    if known is None:
        return lines
    if known.groups:
        lines.append(f"in conflict: {listed([group_said(g) for g in known.groups], 8)}")
    if known.way_out is not None:
        lines += [f"way out: {said}" for said in known.way_out.said]
    return lines


def _status(plan: PlacePlan) -> str:
    if plan.status is Status.INFEASIBLE:
        return "no plan places every job that must run: proven"
    return "no plan was found that places every job that must run; that there is none is not proven"


def conflict_section(instance: Instance, plan: PlacePlan) -> Section:
    """Return the section on why no plan exists."""
    known = plan.conflict
    said = [_status(plan)[:1].upper() + _status(plan)[1:] + "."]
    if known is None or not known.groups:
        return Section("No plan: why", tuple(said))
    said += _groups(instance, known)
    facts, tables = [], [_group_table(known)]
    if known.way_out is not None:
        said += _way(known.way_out)
        facts.append(
            Fact("Cheapest way out", usd(known.way_out.cost), "USD", note=_sure(known.way_out))
        )
        facts.append(
            Fact("No way out costs less than", usd(known.way_out.least), "USD", note="certified")
        )
        tables += _way_tables(known, known.way_out)
    return Section(
        "No plan exists: why, and the cheapest way out", tuple(said), tuple(facts), tuple(tables)
    )


def _groups(instance: Instance, known: Conflict) -> Iterator[str]:
    how = {
        "proven": "proven by prices that anyone can recompute",
        "claimed": "as CP-SAT says, which is no proof",
        "not shown": "not shown: the search found no plan, that is all",
    }[known.shown]
    said = listed([group_said(g) for g in known.groups], 12)
    if len(known.groups) == 1:
        yield f"One rule cannot be kept, even by itself ({how}): {said}."
    else:
        yield f"These {len(known.groups)} rules cannot all be kept ({how}): {said}."
    if known.minimal == "proven":
        yield (
            "Without it there is a plan: one was found."
            if len(known.groups) == 1
            else "Without any one of them there is a plan: each was left out, and a plan was found."
        )
    else:
        yield "Time did not suffice to show that none of them can be left out of the list."
    jobs = {job.id: j for j, job in enumerate(instance.jobs)}
    named = [g.of for g in known.groups if g.rule == "must" and g.of in jobs]
    named += [
        name
        for g in known.groups
        if g.rule == "precedence" and g.of in jobs
        for name in instance.jobs[jobs[g.of]].predecessors
    ]
    for name in dict.fromkeys(named):
        if not instance.modes(jobs[name]):
            yield f"Job {name} has no way to run at all: {refused(instance, jobs[name])[1]}."


def _way(way: WayOut) -> Iterator[str]:
    yield f"Cheapest way out by the unit costs below: {listed(list(way.said), 12)}."
    if way.is_verified:
        yield "With these changes a plan with every must job was found and checked."
    else:
        yield "The search found no plan with these changes in its share of the time: not confirmed."


def _sure(way: WayOut) -> str:
    return {
        "proven": "proven: no other costs less",
        "engine proof": "CP-SAT says that no other costs less; its word is no proof",
        "time limit": "the cheapest that was found",
    }[way.proof]


def _group_table(known: Conflict) -> Table:
    rows = tuple((g.rule, g.of, group_said(g)) for g in known.groups)
    return Table("Rules in conflict", (Column("rule"), Column("of"), Column("in words")), rows)


def _way_tables(known: Conflict, way: WayOut) -> list[Table]:
    what = (Column("change of the instance file"), Column("pointer"))
    rows = tuple((s, c.pointer) for s, c in zip(way.said, way.changes, strict=True))
    units = (Column("what"), Column("unit cost", "", "right"), Column("unit"))
    costs = tuple(
        (_UNITS[name][0], cost, _UNITS[name][1])
        for name, cost in known.unit_costs.items()
        if name in _UNITS
    )
    return [Table("The way out", what, rows), Table("Unit costs", units, costs)]
