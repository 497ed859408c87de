"""The charts of a plan's report, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.reports import Chart, ChartSeries, Lane, Span
from optimizer.place.account.limits import days, is_scarce, worth_of_domain, worth_of_mw
from optimizer.place.account.prices import Row
from optimizer.units import usd

if TYPE_CHECKING:
    from datetime import datetime

    from optimizer.place.account.ledger import Ledger
    from optimizer.place.account.prices import PriceBook

__all__ = ["gantt_chart", "power_charts", "price_chart", "worth_charts"]


def _times(ledger: Ledger) -> tuple[datetime, ...]:
    return tuple(ledger.horizon.time_of(t) for t in range(ledger.T))


def gantt_chart(ledger: Ledger) -> Chart:
    """Return what runs in each pool and when, against its usable chips, idle pools included."""
    hours = ledger.horizon.period_hours
    spans = [
        Span(
            part.pool,
            run.placement.job,
            run.start * hours,
            run.end * hours,
            float(part.chips),
            ledger.instance.jobs[run.job].tenant or "",
        )
        for run in ledger.runs.values()
        for part in run.mode.parts
    ]
    order = list(ledger.instance.pools)
    spans.sort(key=lambda s: (order.index(s.lane), s.start, -(s.height or 0), s.label))
    return Chart(
        "gantt",
        "Chips in use by pool",
        x_unit="h",
        y_unit="chips",
        spans=tuple(spans),
        lanes=tuple(Lane(name, _steps(ledger.usable[name].tolist(), hours)) for name in order),
        begin=ledger.horizon.time_of(0),
        end=ledger.horizon.hours,
    )


def _steps(chips: list[int], hours: float) -> tuple[tuple[float, float], ...]:
    """Return a count by period as steps (from [h], count)."""
    changed = [t for t, n in enumerate(chips) if t == 0 or n != chips[t - 1]]
    return tuple((t * hours, float(chips[t])) for t in changed)


def power_charts(ledger: Ledger) -> tuple[Chart, ...]:
    """Return for each site what its supplies give, against the cap."""
    found = []
    for site, place in ledger.instance.sites.items():
        parts = [
            ChartSeries(key, tuple(float(x) / 1e6 for x in ledger.dispatch_w(site, key)))
            for key in place.supplies
        ]
        most = ledger.cap_w[site] + sum(ledger.charge_w(site, key) for key in place.supplies)
        cap = ChartSeries("cap", tuple(float(x) / 1e6 for x in most), is_limit=True)
        found.append(
            Chart("area", f"Power of {site} by supply", _times(ledger), "UTC", "MW", (*parts, cap))
        )
    return tuple(found)


def price_chart(ledger: Ledger, book: PriceBook) -> Chart:
    """Return the certified price of power at each site, energy included."""
    hours = ledger.horizon.period_hours
    series = []
    for site in ledger.instance.sites:
        prices = book.rows.get(Row("power", site))
        if prices is not None:
            each = tuple(int(x) / 1000 / hours for x in prices)  # nano-USD per W-period -> USD/MWh
            series.append(ChartSeries(site, each))
    title = "Certified price of power, energy included"
    return Chart("line", title, _times(ledger), "UTC", "USD/MWh", tuple(series))


def worth_charts(ledger: Ledger, book: PriceBook) -> tuple[Chart, ...]:
    """Return what one more MW is worth by day where it is scarce, and one more domain."""
    instance = ledger.instance
    groups = days(ledger)
    sites = []
    for site in instance.sites:
        worth = worth_of_mw(ledger, book, site)
        if not is_scarce(ledger, worth).any():
            continue
        sites.append(ChartSeries(site, tuple(usd(sum(worth[span])) for _, span in groups)))
    names = tuple(f"{day:%a %Y-%m-%d}" for day, _ in groups)
    pools = tuple(usd(sum(worth_of_domain(ledger, book, name))) for name in instance.pools)
    found = []
    if sites:
        title = "Worth of one more MW, by day"
        found.append(Chart("bar", title, names, "", "USD/MW-day", tuple(sites)))
    if any(pools):
        title, series = "Worth of one more domain, whole time", ChartSeries("one more", pools)
        found.append(Chart("bar", title, tuple(instance.pools), "", "USD", (series,)))
    return tuple(found)
