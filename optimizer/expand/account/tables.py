"""Tables and charts of an expansion: what is ordered, what stands when, money by period."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.growth.scenes import FutureImage
from optimizer.domain.reports import Chart, ChartSeries, Column, Table
from optimizer.expand.rules.flows import CENT
from optimizer.units import usd

if TYPE_CHECKING:
    from fractions import Fraction

    from optimizer.domain.reports import Value
    from optimizer.expand.rules.case import Case
    from optimizer.expand.rules.flows import Ledger
    from optimizer.expand.rules.money import Books

__all__ = [
    "as_planned", "capacity_chart", "capacity_table", "future_table", "money_chart", "orders_table",
    "value_chart",
]  # fmt: skip

MEGA = 1_000_000


def as_planned(case: Case) -> FutureImage:
    """Return the future in which nothing is late and no driver moves."""
    growth = case.growth
    nothing = (growth.periods,) * len(growth.contracts)
    return FutureImage("as planned", 0, {}, (0,) * len(growth.builds), nothing)


def orders_table(case: Case, title: str = "orders") -> Table:
    """Return what is ordered and given up: where, when, how much, at which price."""
    heads = (
        Column("ordered"),
        Column("build"),
        Column("site"),
        Column("units", "", "right"),
        Column("there from"),
        Column("price as planned", "USD", "right"),
    )
    growth, plan = case.growth, as_planned(case)
    rows: list[tuple[int, tuple[Value, ...]]] = []
    for place, orders in case.orders.items():
        build, site = growth.builds[place[0]], growth.sites[place[1]]
        for o, units in orders.items():
            price = usd(sum(case.cost(place[0], o, plan)) * units)
            come = growth.calendar.label(o + build.lead)
            label = growth.calendar.label(o)
            rows.append((o, (label, build.name, site.name, units, come, price)))
    for place, gone in case.retired.items():
        build, site = growth.builds[place[0]], growth.sites[place[1]]
        for t, units in gone.items():
            label = growth.calendar.label(t)
            rows.append((t, (label, build.name, site.name, -units, "given up", None)))
    ordered = tuple(row for _, row in sorted(rows, key=lambda x: x[0]))
    return Table(title, heads, ordered, show=30)


def _stands(case: Case, t: int) -> tuple[float, float, float, int]:
    """Return power, halls and draw of chips [MW], and chips, that stand as planned in a period."""
    growth, plan = case.growth, as_planned(case)
    power = sum(
        sum(case.watts(j, plan, t, b) * share for b, share in enumerate(growth.share_ppm))
        for j in range(len(growth.sources))
    )
    hall = sum(s.hall_w[t] for s in growth.sites)
    hall += sum(growth.builds[p[0]].hall_w * case.units(p, plan, t) for p in case.orders)
    draw = chips = 0
    for stock in growth.stocks:
        domains = stock.there[t] + sum(
            case.units((u, stock.site), plan, t) * n
            for u, n in stock.units
            if (u, stock.site) in case.orders
        )
        draw += domains * stock.draw_w
        chips += domains * stock.chips
    return power / MEGA / MEGA, hall / MEGA, draw / MEGA, chips


def capacity_table(case: Case, title: str = "as planned, over all sites") -> Table:
    """Return what stands, as planned: the first period, and those in which it changes."""
    heads = (
        Column("period"),
        Column("power", "MW", "right"),
        Column("halls", "MW", "right"),
        Column("draw of chips", "MW", "right"),
        Column("chips", "chips", "right"),
    )
    label = case.growth.calendar.label
    stands = [_stands(case, t) for t in range(case.growth.periods)]
    rows = tuple((label(t), *row) for t, row in enumerate(stands) if t == 0 or row != stands[t - 1])
    return Table(f"what stands from when on, {title}", heads, rows)


def capacity_chart(case: Case, title: str = "MW by source, as planned") -> Chart:
    """Return power by source against halls and chips."""
    growth, plan, T = case.growth, as_planned(case), case.growth.periods
    series = []
    for j, source in enumerate(growth.sources):
        row = tuple(
            sum(case.watts(j, plan, t, b) * share for b, share in enumerate(growth.share_ppm))
            / MEGA
            / MEGA
            for t in range(T)
        )
        if any(row):
            name = f"{source.name} at {growth.sites[source.site].name}"
            series.append(ChartSeries(name, row))
    stands = [_stands(case, t) for t in range(T)]
    series.append(ChartSeries("halls, IT", tuple(x[1] for x in stands), is_limit=True))
    series.append(ChartSeries("chips, IT", tuple(x[2] for x in stands), is_limit=True))
    x = tuple(growth.calendar.edges[:-1])
    return Chart("area", title, x, "UTC", "MW", tuple(series))


def money_chart(case: Case, ledgers: list[Ledger], books: Books) -> Chart:
    """Return the expected flows, cash and debt."""
    odds = [f.ppb / 1e9 for f in case.futures]

    def mean(rows: list[list[Fraction]]) -> tuple[float, ...]:
        return tuple(
            sum(p * float(row[t]) for p, row in zip(odds, rows, strict=True)) / 1e9
            for t in range(case.growth.periods)
        )

    series = [
        ChartSeries("operation", mean([book.running for book in ledgers])),
        ChartSeries("builds", mean([[-x for x in book.capex] for book in ledgers])),
    ]
    if books.debt:
        series.append(ChartSeries("debt", tuple(d / 100 for d in books.debt)))
        series.append(ChartSeries("cash", tuple(c / 100 for c in books.cash)))
    x = tuple(case.growth.calendar.edges[:-1])
    return Chart("line", "expected money by period", x, "UTC", "USD", tuple(series))


def future_table(case: Case, ledgers: list[Ledger]) -> Table:
    """Return what the plan is worth in every future, the worst first."""
    heads = (
        Column("future"),
        Column("probability", "share", "right"),
        Column("NPV", "USD", "right"),
        Column("paid for builds", "USD", "right"),
        Column("brought by operation", "USD", "right"),
    )
    rows = tuple(
        (
            f.name,
            f.ppb / 1e9,
            book.value / 100,
            float(sum(book.capex)) / 1e9,
            float(sum(book.running)) / 1e9,
        )
        for book, f in sorted(zip(ledgers, case.futures, strict=True), key=lambda x: x[0].value)
    )
    return Table("values by future", heads, rows, show=20)


def value_chart(case: Case, ledgers: list[Ledger]) -> Chart:
    """Return NPVs in order, against the probability that it is no more."""
    each = sorted((book.value, f.ppb) for f, book in zip(case.futures, ledgers, strict=True))
    x, y, total = [], [], 0
    for value, ppb in each:
        total += ppb
        x.append(value * CENT / 1e9)
        y.append(total / 1e9)
    series = (ChartSeries("probability", tuple(y)),)
    return Chart("points", "probability of no more than that NPV", tuple(x), "USD", "share", series)
