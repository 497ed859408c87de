"""The report of a comparison: what changes, what that is worth, which jobs, how much energy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.answers.pairs import gaps, refused
from optimizer.domain.answers.say import counted, dollars, figure, money
from optimizer.domain.reports import (
    Chart,
    ChartSeries,
    Column,
    Fact,
    Report,
    Section,
    Table,
    Tone,
    Value,
)
from optimizer.place.certificate import upper_bound
from optimizer.place.compare.difference import Difference
from optimizer.units import nano, usd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.domain.instance import Instance
    from optimizer.place.account.ledger import Ledger, Run
    from optimizer.place.compare.difference import Change
    from optimizer.place.plan import PlacePlan, Verdict

__all__ = ["compare"]

_PARTS = (("value", 1), ("lateness", -1), ("one_off", -1), ("energy", -1), ("total", 1))
"""Parts of the objective, and whether more of them is better."""
_NAMES = {
    "value": "value of jobs placed",
    "lateness": "lateness",
    "one_off": "one-off costs",
    "energy": "energy and carbon price",
    "total": "objective",
}


def compare(
    instance: Instance,
    before: PlacePlan,
    after: PlacePlan,
    verdicts: tuple[Verdict, Verdict],
) -> Report:
    """Return what differs between two plans of an instance.

    Parameters
    ----------
    verdicts
        What the checker says of the two.

    Raises
    ------
    PlanError
        If a certificate does not belong to the instance.
    """
    found = Difference(instance, before, after)
    bounds = [upper_bound(instance, plan.certificate).total for plan in (before, after)]
    known = [b for b in bounds if b is not None]
    bound = min(known) if len(known) == len(bounds) else None
    sections = (
        _in_short(found, bound, verdicts),
        _worth(found, bound),
        _jobs(found),
        _used(found),
    )
    return Report(f"{instance.name}: two plans compared", sections)


# ---- in short -----------------------------------------------------------------------------------


def _in_short(found: Difference, bound: int | None, verdicts: tuple[Verdict, Verdict]) -> Section:
    said = [*refused("plan", [v.violations for v in verdicts]), *_goals(found)]
    said += [*_money(found), *_who(found)]
    old, new = (x.plan.objective.total for x in (found.before, found.after))
    energy = sum(_mwh(found.after, s) - _mwh(found.before, s) for s in found.instance.sites)
    tone: Tone = "good" if new > old else "bad" if new < old else "plain"
    facts = [
        Fact("Objective", usd(new - old), "USD", tone, "second plan less first"),
        Fact("Jobs that come in", len(found.of("in"))),
        Fact("Jobs that go out", len(found.of("out"))),
        Fact("Jobs that move", len(found.of("place", "time"))),
        Fact("Energy", energy, "MWh", note="at the meter, second plan less first"),
        *gaps("plan", (old, new), bound),
    ]
    return Section("In short", tuple(said), tuple(facts), kind="summary")


def _goals(found: Difference) -> Iterator[str]:
    goals = [str(x.plan.run.options.get("objective") or "value") for x in _both(found)]
    if goals != ["value", "value"]:
        yield f"The first plan was made for objective {goals[0]}, the second for {goals[1]}."


def _money(found: Difference) -> Iterator[str]:
    old, new = found.before.plan.objective.total, found.after.plan.objective.total
    if old == new and not found.changes:
        yield f"The plans are the same: both are worth {dollars(new)}, and every job runs alike."
    elif old == new:
        yield f"Both plans are worth {dollars(new)}."
    else:
        word = "more" if new > old else "less"
        yield (
            f"The second plan is worth {money(abs(new - old))} {word} than the first: "
            f"{dollars(new)} against {dollars(old)}."
        )


def _who(found: Difference) -> Iterator[str]:
    jobs = found.instance.jobs
    for kind, single, many in (
        ("in", "job comes in", "jobs come in"),
        ("out", "job goes out", "jobs go out"),
    ):
        changes = found.of("in") if kind == "in" else found.of("out")
        if changes:
            value = sum(nano(jobs[c.job].value_usd) for c in changes)
            best = jobs[changes[0].job].id
            more = "" if len(changes) == 1 else ", the largest of them"
            yield f"{counted(len(changes), single, many)}, worth {money(value)}{more} {best}."
    places, times, ids = found.of("place"), found.of("time"), found.of("domains")
    if places or times:
        yield (
            f"{counted(len(places), 'job runs', 'jobs run')} in another pool, gang or power level; "
            f"{counted(len(times), 'job starts', 'jobs start')} at another time with the same."
        )
    if ids:
        yield f"{counted(len(ids), 'job has', 'jobs have')} other domains only."
    yield f"{counted(found.same, 'job runs', 'jobs run')} in both plans just alike."


# ---- money --------------------------------------------------------------------------------------


def _worth(found: Difference, bound: int | None) -> Section:
    old, new = found.before.plan.objective, found.after.plan.objective
    rows: list[tuple[Value, ...]] = []
    for name, sign in _PARTS:
        a, b = getattr(old, name), getattr(new, name)
        rows.append((_NAMES[name], usd(a), usd(b), usd(b - a), usd(sign * (b - a))))
    columns = (
        Column("part"), Column("first", "USD", "right"), Column("second", "USD", "right"),
        Column("change", "USD", "right"), Column("for the objective", "USD", "right"),
    )  # fmt: skip
    said = []
    if bound is not None:
        left = bound - max(old.total, new.total)
        said.append(
            f"No plan is worth more than {dollars(bound)} by the tighter of the two certificates: "
            f"at most {money(left)} above the better one."
        )
    tables = [Table("The objective and its parts", columns, tuple(rows))]
    if found.instance.tenants:
        tables.append(_tenants(found))
    return Section("What the difference is worth", tuple(said), (), tuple(tables))


def _tenants(found: Difference) -> Table:
    """Return the value placed of each tenant in both plans."""
    jobs, rows = found.instance.jobs, list[tuple[Value, ...]]()
    names = [*found.instance.tenants, *({None} if any(j.tenant is None for j in jobs) else ())]
    for name in names:
        mine = [[j for j in x.runs if jobs[j].tenant == name] for x in _both(found)]
        value = [sum(jobs[j].value_usd for j in each) for each in mine]
        rows.append((name or "none", len(mine[0]), len(mine[1]), *value, value[1] - value[0]))
    columns = (
        Column("tenant"), Column("jobs, first", "", "right"), Column("jobs, second", "", "right"),
        Column("value, first", "USD", "right"), Column("value, second", "USD", "right"),
        Column("change", "USD", "right"),
    )  # fmt: skip
    return Table("Value placed by tenant", columns, tuple(rows))


# ---- jobs ---------------------------------------------------------------------------------------


def _jobs(found: Difference) -> Section:
    said = (
        "Worth: value less lateness and one-off costs, before energy; of a job that moves, by how "
        "much that changes.",
    )
    tables = (
        _runs_table("Jobs that come in", found, found.of("in")),
        _runs_table("Jobs that go out", found, found.of("out")),
        _moved_table(found, found.of("place", "time")),
    )
    return Section("Jobs", said, (), tables)


def _runs_table(title: str, found: Difference, changes: list[Change]) -> Table:
    rows: list[tuple[Value, ...]] = []
    h = found.instance.horizon
    for c in changes:
        run = c.after or c.before
        if run is not None:
            rows.append(
                (found.instance.jobs[c.job].id, _where(run), run.mode.chips, h.time_of(run.start),
                 h.time_of(run.end), usd(c.worth))
            )  # fmt: skip
    columns = (
        Column("job"), Column("pool"), Column("chips", "", "right"),
        Column("start", "UTC", "right"), Column("end", "UTC", "right"),
        Column("worth", "USD", "right"),
    )  # fmt: skip
    return Table(title, columns, tuple(rows), show=8)


def _moved_table(found: Difference, changes: list[Change]) -> Table:
    rows: list[tuple[Value, ...]] = []
    hours = found.instance.horizon.period_hours
    for c in changes:
        old, new = c.before, c.after
        if old is not None and new is not None:
            rows.append(
                (found.instance.jobs[c.job].id, _where(old), _where(new), old.mode.chips,
                 new.mode.chips, (new.start - old.start) * hours, (new.end - old.end) * hours,
                 usd(c.worth))
            )  # fmt: skip
    columns = (
        Column("job"), Column("pool, first"), Column("pool, second"),
        Column("chips, first", "", "right"), Column("chips, second", "", "right"),
        Column("starts later by", "h", "right"), Column("ends later by", "h", "right"),
        Column("worth", "USD", "right"),
    )  # fmt: skip
    return Table("Jobs that move", columns, tuple(rows), show=8)


def _where(run: Run) -> str:
    """Return the pools of a run, and its power level where that is not the full one."""
    pools = " + ".join(dict.fromkeys(p.pool for p in run.mode.parts))
    return pools if run.mode.level in ("full", "", None) else f"{pools} ({run.mode.level})"


# ---- power and chips ----------------------------------------------------------------------------


def _used(found: Difference) -> Section:
    said = []
    for site in found.instance.sites:
        change = _mwh(found.after, site) - _mwh(found.before, site)
        if change:
            word = "more" if change > 0 else "less"
            said.append(f"{site} takes {figure(abs(change))} MWh {word}.")
    tables = (_energy_table(found), _chips_table(found))
    return Section("Power and chips", tuple(said), (), tables, tuple(_charts(found)))


def _mwh(ledger: Ledger, site: str) -> float:
    """Return the energy of a site at the meter [MWh]."""
    given = sum(int(ledger.dispatch_w(site, k).sum()) for k in ledger.plan.dispatch[site])
    return given * ledger.horizon.period_hours / 1e6


def _energy_table(found: Difference) -> Table:
    rows: list[tuple[Value, ...]] = []
    for (site, key), _ in found.before.caps.items():
        each = [x.dispatch_w(site, key) for x in _both(found)]
        mwh = [float(w.sum()) * found.before.horizon.period_hours / 1e6 for w in each]
        cost = [
            usd(sum(int(w) * int(c) for w, c in zip(row, x.cost[site, key], strict=True)))
            for row, x in zip(each, _both(found), strict=True)
        ]
        rows.append((f"{site}/{key}", *mwh, mwh[1] - mwh[0], cost[1] - cost[0]))
    columns = (
        Column("supply"), Column("first", "MWh", "right"), Column("second", "MWh", "right"),
        Column("change", "MWh", "right"), Column("cost, change", "USD", "right"),
    )  # fmt: skip
    return Table("Energy by supply in both plans", columns, tuple(rows))


def _chips_table(found: Difference) -> Table:
    rows: list[tuple[Value, ...]] = []
    for name in found.instance.pools:
        hours = found.before.horizon.period_hours
        held = [float(x.used[name].sum()) * hours for x in _both(found)]
        usable = float(found.before.usable[name].sum()) * hours
        share = [h / usable if usable else None for h in held]
        rows.append((name, *held, held[1] - held[0], *share))
    columns = (
        Column("pool"), Column("first", "chip-hours", "right"),
        Column("second", "chip-hours", "right"), Column("change", "chip-hours", "right"),
        Column("in use, first", "share", "right"), Column("in use, second", "share", "right"),
    )  # fmt: skip
    return Table("Chips in use in both plans", columns, tuple(rows))


def _charts(found: Difference) -> Iterator[Chart]:
    """Yield for each site whose load differs the load of both plans against the cap."""
    h = found.before.horizon
    times = tuple(h.time_of(t) for t in range(h.periods))
    for site in found.instance.sites:
        old, new = (x.load_mw(site) / 1e9 for x in _both(found))
        if (old == new).all():
            continue
        cap = tuple((found.before.cap_w[site] / 1e6).tolist())
        series = (
            ChartSeries("first", tuple(old.tolist())),
            ChartSeries("second", tuple(new.tolist())),
            ChartSeries("cap", cap, is_limit=True),
        )
        yield Chart("line", f"Load of {site}", times, "UTC", "MW", series)


def _both(found: Difference) -> tuple[Ledger, Ledger]:
    return found.before, found.after
