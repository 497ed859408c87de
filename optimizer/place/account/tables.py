"""The tables of a plan's report: jobs, pools, sites, supplies, tenants, limits, rates."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

import numpy as np

from optimizer.domain.answers.say import stretches
from optimizer.domain.reports import Column, Table, Value
from optimizer.place.account.limits import (
    days,
    is_at_cap,
    is_full,
    is_scarce,
    worth_of_domain,
    worth_of_mw,
)
from optimizer.place.account.prices import Row, total_row
from optimizer.units import usd

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optimizer.place.account.fixes import Fix
    from optimizer.place.account.ledger import Ledger, Run
    from optimizer.place.account.prices import PriceBook
    from optimizer.place.explain import Reason

__all__ = [
    "LEGEND",
    "cap_table",
    "domain_worth_table",
    "energy_table",
    "fix_said",
    "kind_said",
    "late_table",
    "limit_table",
    "move_table",
    "mw_worth_table",
    "out_table",
    "placed_table",
    "pool_table",
    "site_table",
    "tenant_table",
]

_KINDS = {"rule": "rule", "priced_out": "price", "no_room": "no room", "gap": "open"}

LEGEND = (
    "price: at the certified prices of the power, chips and budgets it takes, its best run costs "
    "more than it is worth. no room: none of its runs fits beside the others, which stay where and "
    "when they are. rule: a rule excludes it. missed: it fits and pays as the plan stands, and the "
    "search did not see it. open: it fits only at a loss, or whether it fits is not decided."
)
"""What the words for reasons mean."""


def kind_said(reason: Reason) -> str:
    """Return a reason as one word of a table."""
    return "missed" if reason.gain is not None else _KINDS[reason.kind]


def _columns(*given: str) -> tuple[Column, ...]:
    """Return columns from `name` (text), `name|` (number) or `name|unit` (number with a unit)."""
    return tuple(
        Column(name, unit, "right" if bar else "left")
        for name, bar, unit in (text.partition("|") for text in given)
    )


def _hours(number: float) -> float:
    """Return hours, as a whole number where they are."""
    return int(number) if float(number).is_integer() else float(number)


def _share(part: float, whole: float) -> float | None:
    return float(part) / float(whole) if whole else None


def out_table(ledger: Ledger, reasons: Sequence[Reason]) -> Table:
    """Return who is turned away and why, most valuable first."""
    rows: list[tuple[Value, ...]] = []
    for r in sorted(
        (r for r in reasons if not r.is_late), key=lambda r: (-_value(ledger, r), r.job)
    ):
        chips = [m.chips for m in ledger.instance.modes(ledger.index[r.job])]
        rows.append(
            (r.job, max(chips, default=None), _value(ledger, r), kind_said(r), r.short, _help(r))
        )
    columns = _columns("job", "chips|", "value|USD", "reason", "why", "what would help")
    return Table("Jobs turned away, most valuable first", columns, tuple(rows), show=7)


def late_table(ledger: Ledger, reasons: Sequence[Reason]) -> Table:
    """Return who is late, by how much, what it costs and why."""
    rows: list[tuple[Value, ...]] = []
    hours = ledger.horizon.period_hours
    for r in (r for r in reasons if r.is_late):
        j = ledger.index[r.job]
        late = ledger.periods_late(ledger.runs[j])
        cost = usd(late * ledger.late_nano(j))
        rows.append((r.job, _hours(late * hours), cost, kind_said(r), r.short, _help(r)))
    rows.sort(key=lambda row: (-float(row[2] or 0), str(row[0])))  # type: ignore[arg-type]
    columns = _columns("job", "late|h", "cost|USD", "reason", "why", "what would help")
    return Table("Jobs that end late, dearest first", columns, tuple(rows), show=5)


def _help(reason: Reason) -> str | None:
    """Return two fixes, verified ones first; those that a new solve did not confirm say so."""
    if reason.rules == ("precedence",):
        return "what lets in the job that it waits for"
    order = {"verified": 0, "estimated": 1, "not confirmed": 2}
    best = sorted(reason.fixes, key=lambda fix: order[fix.state])[:2]
    return " or ".join(map(fix_said, best)) or None


def fix_said(fix: Fix) -> str:
    """Return a fix in words, and that a new solve did not confirm it, where that is so."""
    more = " (a new solve did not confirm it)" if fix.state == "not confirmed" else ""
    return fix.text + more


def _value(ledger: Ledger, reason: Reason) -> float:
    return ledger.instance.jobs[ledger.index[reason.job]].value_usd


def placed_table(ledger: Ledger) -> Table:
    """Return every placed job: where, with what, when, its draw at the meter, value, lateness."""
    h, rows = ledger.horizon, []
    for j, run in sorted(
        ledger.runs.items(), key=lambda item: (item[1].start, -item[1].mode.chips)
    ):
        job = ledger.instance.jobs[j]
        pools = " + ".join(dict.fromkeys(p.pool for p in run.mode.parts))
        slices = " + ".join(f"{p.slices} x {p.slice_chips}" for p in run.mode.parts)
        late = _hours(ledger.periods_late(run) * h.period_hours)
        row: tuple[Value, ...] = (
            job.id, pools, run.mode.chips, slices, h.time_of(run.start), h.time_of(run.end),
            _mw(ledger, run), job.value_usd, late, job.tenant,
        )  # fmt: skip
        rows.append(row)
    columns = _columns(
        "job", "pool", "chips|", "slices", "start|UTC", "end|UTC", "load|MW", "value|USD",
        "late|h", "tenant",
    )  # fmt: skip
    return Table("Jobs placed, in order of start", columns, tuple(rows), show=8)


def _mw(ledger: Ledger, run: Run) -> float:
    """Return the largest draw of a run at the meter [MW]."""
    draw = np.zeros(ledger.T, np.int64)
    for part in run.mode.parts:
        draw += ledger.pue[ledger.site_of(part.pool)] * np.int64(part.draw_w)
    return float(draw[run.span].max()) / 1e9


def pool_table(ledger: Ledger) -> Table:
    """Return how much of each pool is used."""
    rows: list[tuple[Value, ...]] = []
    hours = ledger.horizon.period_hours
    for name, pool in ledger.instance.pools.items():
        used, usable = ledger.used[name], ledger.usable[name]
        full = _hours(is_full(ledger, name).sum() * hours)
        domains = ledger.instance.domain_chips(pool)
        busiest = max(
            (_share(u, n) or 0.0 for u, n in zip(used.tolist(), usable.tolist(), strict=True))
        )
        rows.append(
            (name, pool.chip, int(usable.max()) // domains, int(usable.max()),
             _share(int(used.sum()), int(usable.sum())), busiest, full)
        )  # fmt: skip
    columns = _columns(
        "pool", "chip", "domains|", "usable chips|", "in use|share", "busiest hour|share", "full|h"
    )
    return Table("Chips in use", columns, tuple(rows))


def site_table(ledger: Ledger) -> Table:
    """Return power of each site at the meter."""
    rows: list[tuple[Value, ...]] = []
    hours = ledger.horizon.period_hours
    for name in ledger.instance.sites:
        load, cap = ledger.load_mw(name) / 1e9, ledger.cap_w[name] / 1e6
        rows.append(
            (name, float(ledger.pue[name].mean()) / 1000, float(load.mean()), float(load.max()),
             float(cap.min()), float(cap.max()), _share(load.sum(), cap.sum()),
             _hours(is_at_cap(ledger, name).sum() * hours))
        )  # fmt: skip
    columns = _columns(
        "site", "PUE|", "mean|MW", "peak|MW", "cap, least|MW", "cap, most|MW", "used|share",
        "at cap|h",
    )  # fmt: skip
    return Table("Power at the meter", columns, tuple(rows))


def energy_table(ledger: Ledger) -> Table:
    """Return what each supply gives, costs and emits."""
    rows: list[tuple[Value, ...]] = []
    h = ledger.horizon
    for site, key in ledger.caps:
        supply = ledger.instance.sites[site].supplies[key]
        given = ledger.dispatch_w(site, key)
        mwh = given * h.period_hours / 1e6
        cost = usd(sum(int(g) * int(c) for g, c in zip(given, ledger.cost[site, key], strict=True)))
        carbon = float((mwh * supply.carbon_kg_per_mwh.over(h, "mean")).sum())
        permit = supply.permit_watt_periods(h)
        rows.append(
            (f"{site}/{key}", float(mwh.sum()), _share(given.sum(), supply.cap_w(h).sum()), cost,
             carbon,
             None if permit is None else _share(given.sum(), permit))
        )  # fmt: skip
    columns = _columns(
        "supply", "energy|MWh", "of its cap|share", "cost|USD", "carbon|kg", "of its permit|share"
    )
    return Table("Energy by supply", columns, tuple(rows))


def tenant_table(ledger: Ledger) -> Table:
    """Return what each tenant asked for and gets."""
    instance, rows = ledger.instance, list[tuple[Value, ...]]()
    names = [*instance.tenants, *({None} if any(j.tenant is None for j in instance.jobs) else ())]
    hours = ledger.horizon.period_hours
    for name in names:
        jobs = [j for j, job in enumerate(instance.jobs) if job.tenant == name]
        runs = [ledger.runs[j] for j in jobs if j in ledger.runs]
        asked = sum(instance.jobs[j].value_usd for j in jobs)
        got = sum(instance.jobs[r.job].value_usd for r in runs)
        used = sum(r.mode.chips * (r.end - r.start) for r in runs) * hours
        rows.append((name or "none", len(jobs), len(runs), asked, got, _share(got, asked), used))
    columns = _columns(
        "tenant", "jobs|", "placed|", "value asked|USD", "value placed|USD", "share|share",
        "chip-hours|",
    )  # fmt: skip
    return Table("Tenants", columns, tuple(rows))


def mw_worth_table(ledger: Ledger, book: PriceBook) -> Table:
    """Return by day the hours at the cap and what one more MW is worth, where power is scarce."""
    rows: list[tuple[Value, ...]] = []
    hours = ledger.horizon.period_hours
    for site in ledger.instance.sites:
        worth, at_cap = worth_of_mw(ledger, book, site), is_at_cap(ledger, site)
        scarce = is_scarce(ledger, worth)
        if not scarce.any():
            continue
        for day, span in days(ledger):
            moment = datetime.combine(day, time(), UTC)
            cap, load = ledger.cap_w[site][span] / 1e6, ledger.load_mw(site)[span] / 1e9
            rows.append(
                (site, f"{moment:%a %Y-%m-%d}", float(cap.min()), float(load.mean()),
                 _hours(at_cap[span].sum() * hours), _hours(scarce[span].sum() * hours),
                 usd(sum(worth[span])))
            )  # fmt: skip
    columns = _columns(
        "site", "day", "least cap|MW", "mean load|MW", "at cap|h", "scarce|h",
        "worth|USD/MW-day",
    )  # fmt: skip
    return Table("Worth of one more MW, day by day", columns, tuple(rows), show=14)


def domain_worth_table(ledger: Ledger, book: PriceBook) -> Table:
    """Return what one more domain of each pool is worth over the horizon, beside its rent."""
    rows: list[tuple[Value, ...]] = []
    h = ledger.horizon
    for name, pool in ledger.instance.pools.items():
        size = ledger.instance.domain_chips(pool)
        worth = usd(sum(worth_of_domain(ledger, book, name)))
        rent = ledger.instance.chips[pool.chip].rent_usd_per_chip_hour
        rows.append(
            (name, pool.domain or "one chip", size, worth, worth / size / h.hours, rent,
             _hours(is_full(ledger, name).sum() * h.period_hours))
        )  # fmt: skip
    columns = _columns(
        "pool", "domain", "chips|", "worth, whole time|USD", "worth|USD/chip-hour",
        "rent|USD/chip-hour", "full|h",
    )  # fmt: skip
    return Table("Worth of one more domain, power apart", columns, tuple(rows))


def limit_table(ledger: Ledger, book: PriceBook) -> Table:
    """Return quotas, budgets, permits and spreads: limit, use, worth of one more unit."""
    columns = _columns("limit", "of|", "unit", "used|share", "one more|USD/unit")
    rows = *_limits(ledger, book), *_counts(ledger, book)
    return Table("Quotas, budgets, permits, spreads, moves", columns, rows)


def _limits(ledger: Ledger, book: PriceBook) -> Iterator[tuple[Value, ...]]:
    instance, h = ledger.instance, ledger.horizon
    for name, tenant in instance.tenants.items():
        if tenant.quota_chips is not None:
            held = np.zeros(ledger.T, np.int64)
            for run in ledger.runs.values():
                if instance.jobs[run.job].tenant == name:
                    held[run.span] += run.mode.chips
            worth = usd(sum(ledger.plan.certificate.quotas.get(name, ())))
            share = _share(held.max(), tenant.quota_chips)
            yield f"quota of {name}", tenant.quota_chips, "chips at once", share, worth
    for name, budget in instance.budgets.items():
        used = sum(x for run in ledger.runs.values() for n, x in run.mode.uses if n == name)
        worth = usd(1000 * book.totals.get(Row("budget", name), 0))
        yield f"budget {name}", budget.limit, budget.unit, _share(used / 1000, budget.limit), worth
    for (site, key), _ in ledger.caps.items():
        limit = instance.sites[site].supplies[key].permit_watt_periods(h)
        if limit is not None:
            used = int(ledger.dispatch_w(site, key).sum())
            price = ledger.plan.certificate.permits.get(f"{site}/{key}", 0)
            worth = usd(price) * 1e6 / h.period_hours
            name = f"permit of {site}/{key}"
            yield name, limit * h.period_hours / 1e6, "MWh", _share(used, limit), worth


def _counts(ledger: Ledger, book: PriceBook) -> Iterator[tuple[Value, ...]]:
    """Yield rows that count jobs: places of a group at a site, running jobs that are moved."""
    taken = Counter(
        name for run in ledger.runs.values() for name, _ in ledger.takes(run.job, run.mode)
    )
    for name, most in ledger.totals().items():
        if name[0] != "budget":
            worth = usd(book.totals.get(total_row(name), 0))
            said = f"spread of group {name[1]}" if name[0] == "spread" else f"moves of {name[1]}"
            yield said, most, "jobs", _share(taken[name], most), worth


def move_table(ledger: Ledger) -> Table:
    """Return the running jobs that are moved: whence, where, when, at what cost."""
    columns = _columns("job", "from", "to", "starts (UTC)", "ends (UTC)", "chips|", "once|USD")
    rows: list[tuple[Value, ...]] = []
    for run in ledger.moved():
        here, there = ledger.instance.modes(run.job)[0], run.mode
        pools = [" and ".join(dict.fromkeys(p.pool for p in m.parts)) for m in (here, there)]
        name, times = ledger.instance.jobs[run.job].id, (run.start, run.end)
        when = [ledger.horizon.time_of(t).isoformat() for t in times]
        rows.append((name, *pools, *when, there.chips, usd(there.one_off_nano)))
    return Table("Running jobs that are moved", columns, tuple(rows))


def cap_table(ledger: Ledger) -> Table:
    """Return the hours in which a cap is reached, in stretches."""
    h, rows = ledger.horizon, list[tuple[Value, ...]]()
    for site in ledger.instance.sites:
        at_cap, t = is_at_cap(ledger, site), 0
        while t < ledger.T:
            end = t
            while (
                end < ledger.T and at_cap[end] and ledger.cap_w[site][end] == ledger.cap_w[site][t]
            ):
                end += 1
            if end > t:
                span = np.zeros(ledger.T, bool)
                span[t:end] = True
                rows.append(
                    (site, stretches(h, span), _hours((end - t) * h.period_hours),
                     float(ledger.cap_w[site][t]) / 1e6)
                )  # fmt: skip
            t = max(end, t + 1)
    columns = _columns("site", "when (UTC)", "for|h", "cap|MW")
    return Table("Hours at the cap (less than 1 % of it unused)", columns, tuple(rows), show=6)
