"""What the reading commands say, as reports: the catalog, an instance, a verdict."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.domain.reports import Column, Fact, Report, Section, Table
from optimizer.units import usd
from service.render.terminal import WIDTH, terminal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Value

__all__ = ["catalog_report", "instance_report", "print_report", "verdict_report"]


def print_report(report: Report) -> None:
    """Print a report as the terminal likes it; plain text where there is none."""
    if sys.stdout.isatty():
        from shutil import get_terminal_size

        width = min(get_terminal_size((WIDTH, 24)).columns, 140)
        print(terminal(report, width, is_colored=True), end="")
    else:
        print(terminal(report), end="")


def catalog_report(entries: Iterable[Any]) -> Report:
    """Return the instances of the catalog, one a line."""
    columns = (
        Column("name"),
        Column("question"),
        Column("jobs", "", "right"),
        Column("chips", "", "right"),
        Column("periods", "", "right"),
        Column("what it is"),
    )
    rows = tuple((e.name, e.question, e.jobs, e.chips, e.periods, e.title) for e in entries)
    return Report("Instances", (Section("Catalog", tables=(Table("by name", columns, rows),)),))


def _movable(instance: Instance) -> tuple[Fact, ...]:
    """Return how many running jobs could be moved, and how many may; nothing where none may."""
    if instance.moves is None:
        return ()
    could = sum(instance.may_move(j) for j in range(len(instance.jobs)))
    return (Fact("of them could be moved", could, note=f"at most {instance.moves.at_most} may be"),)


def instance_report(instance: Instance) -> Report:
    """Return what an instance holds and where its numbers come from."""
    horizon = instance.horizon
    facts = (
        Fact("from", horizon.start, "UTC"),
        Fact("until", horizon.time_of(horizon.periods), "UTC"),
        Fact("periods", horizon.periods, note=f"of {horizon.period_hours:g} h"),
        Fact("jobs", len(instance.jobs)),
        Fact("of them running", sum(job.running is not None for job in instance.jobs)),
        *_movable(instance),
        Fact("of them must be placed", sum(job.must for job in instance.jobs)),
        Fact("value of all jobs", sum(job.value_usd for job in instance.jobs), "USD"),
        Fact("hash", instance.hash[:16]),
    )
    what = Section("What it is", (instance.title,), facts)
    tables = (_sites(instance), _pools(instance), _demand(instance), *_mix(instance))
    tables += _builds(instance)
    sources = Section("Sources", tables=(_sources(instance),))
    notes = (Section("Notes", instance.notes),) if instance.notes else ()
    return Report(
        instance.name, (what, Section("Fleet and demand", tables=tables), *notes, sources)
    )


def _sites(instance: Instance) -> Table:
    columns = (
        Column("site"),
        Column("country"),
        Column("PUE", "", "right"),
        Column("supplies"),
        Column("least cap", "MW", "right"),
        Column("largest cap", "MW", "right"),
    )
    rows: list[tuple[Value, ...]] = []
    for name, site in instance.sites.items():
        cap = np.zeros(instance.horizon.periods, np.int64)
        for supply in site.supplies.values():
            cap += supply.cap_w(instance.horizon)
        pue = float(site.pue_milli(instance.horizon).max()) / 1000
        least, most = float(cap.min()) / 1e6, float(cap.max()) / 1e6
        rows.append((name, site.country, pue, ", ".join(site.supplies), least, most))
    return Table("sites", columns, tuple(rows))


def _pools(instance: Instance) -> Table:
    columns = (
        Column("pool"),
        Column("site"),
        Column("chip"),
        Column("domains", "", "right"),
        Column("spares", "", "right"),
        Column("chips", "", "right"),
        Column("training draw", "MW", "right"),
    )
    rows: list[tuple[Value, ...]] = []
    for name, pool in instance.pools.items():
        count = int(pool.present(instance.horizon).max())
        chips = count * instance.domain_chips(pool)
        draw = chips * instance.chips[pool.chip].training_kw / 1000
        rows.append((name, pool.site, pool.chip, count, pool.spares, chips, draw))
    return Table("pools, at their largest", columns, tuple(rows))


def _demand(instance: Instance) -> Table:
    jobs, value = Counter[str](), Counter[str]()
    for job in instance.jobs:
        kind = job.workload or ("running" if job.running is not None else "given modes")
        jobs[kind] += 1
        value[kind] += round(job.value_usd)
    columns = (Column("workload"), Column("jobs", "", "right"), Column("value", "USD", "right"))
    rows = tuple((kind, n, value[kind]) for kind, n in jobs.most_common())
    return Table("demand", columns, rows)


def _mix(instance: Instance) -> tuple[Table, ...]:
    """Return what a mix is asked: offers and demand; nothing where it is not."""
    if instance.mix is None:
        return ()
    heads = (
        Column("offer"),
        Column("kind"),
        Column("domains of"),
        Column("at most", "", "right"),
        Column("at delivery", "USD/chip", "right"),
        Column("rent", "USD/chip-h", "right"),
        Column("what it is"),
    )
    offers: list[tuple[Value, ...]] = []
    for name, offer in instance.mix.offers.items():
        for tier in offer.tiers:
            price, rent = tier.upfront_usd_per_chip or None, tier.usd_per_chip_hour or None
            row = (name, offer.kind, offer.domain, offer.max_domains, price, rent, offer.name)
            offers.append(row)
    more = (
        Column("demand"),
        Column("workload"),
        Column("in the first month", "", "right"),
        Column("unit"),
        Column("value of a unit", "USD", "right"),
        Column("must be served", "share", "right"),
    )
    wanted: list[tuple[Value, ...]] = []
    for name, d in instance.mix.demand.items():
        series = d.work_per_month
        first = None if series is None else float(series.over(instance.horizon, "mean")[0])
        unit = instance.workloads[d.workload].unit
        least = 1.0 if d.value_usd_per_unit is None else d.least_share
        wanted.append((name, d.workload, first, unit, d.value_usd_per_unit, least))
    return Table("offers", heads, tuple(offers)), Table("work wanted", more, tuple(wanted))


def _builds(instance: Instance) -> tuple[Table, ...]:
    """Return what an expansion may build; nothing where none is asked."""
    if instance.expand is None:
        return ()
    heads = (
        Column("build"),
        Column("kind"),
        Column("sites"),
        Column("units", "", "right"),
        Column("periods from order", "", "right"),
        Column("price of a unit, first", "USD", "right"),
        Column("what it is"),
    )
    rows = tuple(
        (key, b.kind, ", ".join(b.sites), b.max_units, b.lead_periods, usd(image.cost[0]), b.name)
        for (key, b), image in zip(
            instance.expand.builds.items(), instance.growth.builds, strict=True
        )
    )
    return (Table("builds", heads, rows),)


def _sources(instance: Instance) -> Table:
    columns = (Column("what"), Column("kind"), Column("as of"), Column("source"))
    rows = tuple((at, s.kind, s.as_of, s.source) for at, s in instance.sources.items())
    return Table("where the numbers come from", columns, rows)


_PROVEN = "recomputed from the certificate's prices"


def verdict_report(title: str, verdict: Any) -> Report:
    """Return what the checker says, with the figures that it re-derived itself."""
    rules = len(verdict.violations)
    total = None if verdict.objective is None else usd(verdict.objective.total)
    bound = None if verdict.bound is None else usd(verdict.bound)
    facts = (
        Fact("breaches", rules or "none", tone="bad" if rules else "good"),
        Fact("objective", total, "USD", note="re-derived from the plan itself"),
        Fact("bound", bound, "USD", note=_PROVEN if bound is not None else "none that is proven"),
        Fact("gap", verdict.gap, "share", note="abs(objective - bound) / abs(objective)"),
    )
    columns = (Column("rule"), Column("where"), Column("found"), Column("limit"))
    rows = tuple((v.rule, v.where, v.found, v.limit) for v in verdict.violations)
    tables = (Table("breaches", columns, rows, show=50),) if rows else ()
    says = "The plan keeps every rule." if verdict.is_good else "The plan is not good."
    return Report(title, (Section("Verdict", (says,), facts, tables),))
