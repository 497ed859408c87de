"""Tables and charts of an expansion: what is ordered, what stands when, money by period."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.reports import Chart, ChartSeries, Column, Table
from optimizer.units import usd

if TYPE_CHECKING:
    from fractions import Fraction

    from optimizer.domain.reports import Value
    from optimizer.expand.rules.case import Case
    from optimizer.expand.rules.flows import Ledger
    from optimizer.expand.rules.money import Books

__all__ = [
    "capacity_chart", "capacity_table", "future_table", "money_charts",
    "orders_table", "value_chart",
]  # fmt: skip

MEGA = 1_000_000
LOAD = "MW by source against load, at the meters, as planned"
BESIDE = 20
"""A chart of values has so small a part of their span to both sides."""


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
    growth, plan = case.growth, case.as_planned
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
    """Return power within permits, halls, draw of chips [MW] and chips, planned for a period."""
    growth, plan = case.growth, case.as_planned
    hall = sum(case.hall_w(s, plan, t) for s in range(len(growth.sites)))
    draw = chips = 0
    for stock in growth.stocks:
        domains = case.domains(stock, plan, t)
        draw += domains * stock.draw_w
        chips += domains * stock.chips
    return sum(_given(case, t)), hall / MEGA, draw / MEGA, chips


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


def capacity_chart(case: Case, title: str = LOAD) -> Chart:
    """Return power by source against what halls have room for, and what all chips would draw."""
    growth, T = case.growth, case.growth.periods
    rows = [_given(case, t) for t in range(T)]
    series = []
    for j, source in enumerate(growth.sources):
        row = tuple(each[j] for each in rows)
        if any(row):
            name = f"{source.name} at {growth.sites[source.site].name}"
            series.append(ChartSeries(name, row))
    load = [_at_meters(case, t) for t in range(T)]
    series.append(ChartSeries("room in halls", tuple(x for x, _ in load), is_limit=True))
    series.append(ChartSeries("load of all chips", tuple(x for _, x in load), is_limit=True))
    x = tuple(growth.calendar.edges[:-1])
    return Chart("area", title, x, "UTC", "MW", tuple(series))


def _given(case: Case, t: int) -> list[float]:
    """Return what each source gives on average over blocks, all of a permit within it [MW]."""
    growth, plan = case.growth, case.as_planned
    found = [
        sum(case.watts(j, plan, t, b) * share for b, share in enumerate(growth.share_ppm)) / MEGA
        for j in range(len(growth.sources))
    ]
    for p, (cap, _) in enumerate(growth.permits):
        for s in range(len(growth.sites)):
            of = [j for j, x in enumerate(growth.sources) if x.permit == p and x.site == s]
            total = sum(found[j] for j in of)
            for j in of:
                found[j] *= min(1.0, cap[t] / total) if total else 1.0
    return [watts / MEGA for watts in found]


def _at_meters(case: Case, t: int) -> tuple[float, float]:
    """Return what halls have room for, and what chips would draw, other load with both [MW]."""
    growth, plan = case.growth, case.as_planned
    room = load = 0.0
    for s, site in enumerate(growth.sites):
        mine = [k for k in growth.stocks if k.site == s]
        draw = sum(k.draw_w * case.domains(k, plan, t) for k in mine)
        room += case.hall_w(s, plan, t) * site.pue_milli[t] / 1000 + site.other_w[t]
        load += draw * site.pue_milli[t] / 1000 + site.other_w[t]
    return room / MEGA, load / MEGA


def money_charts(case: Case, ledgers: list[Ledger], books: Books) -> tuple[Chart, ...]:
    """Return the expected flows by period, and cash and debt at the ends of them."""
    odds = [f.ppb / 1e9 for f in case.futures]

    def mean(rows: list[list[Fraction]]) -> tuple[float, ...]:
        return tuple(
            sum(p * float(row[t]) for p, row in zip(odds, rows, strict=True)) / 1e9
            for t in range(case.growth.periods)
        )

    flows = (
        ChartSeries("operation", mean([book.running for book in ledgers])),
        ChartSeries("builds sold, prepaid rent", mean([book.sales for book in ledgers])),
        ChartSeries("paid for builds", mean([[-x for x in book.capex] for book in ledgers])),
    )
    x = tuple(case.growth.calendar.edges[:-1])
    found = [Chart("area", "expected flow of money in each period", x, "UTC", "USD", flows)]
    finance = case.growth.finance
    if finance is not None:
        limit = (finance.debt / 100,) * len(books.debt)
        levels = [
            ChartSeries("debt", tuple(d / 100 for d in books.debt)),
            ChartSeries("cash", tuple(c / 100 for c in books.cash)),
        ]
        if max(books.debt, default=0) > finance.debt / 4:  # far below it, it only squeezes the rest
            levels.append(ChartSeries("largest debt allowed", limit, is_limit=True))
        title = "expected cash and debt at the end of each period"
        found.append(Chart("line", title, x, "UTC", "USD", tuple(levels)))
    return tuple(found)


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
    """Return the probability that the NPV is no more than so much: a step at every future."""
    each = sorted((book.value, f.ppb) for f, book in zip(case.futures, ledgers, strict=True))
    span = max(1, each[-1][0] - each[0][0]) // BESIDE
    x, y, total = [(each[0][0] - span) / 100], [0.0], 0
    for value, ppb in each:
        total += ppb
        x.append(value / 100)
        y.append(total / 1e9)
    x.append((each[-1][0] + span) / 100)
    y.append(1.0)
    series = (ChartSeries("probability", tuple(y)),)
    return Chart("line", "probability of no more than that NPV", tuple(x), "USD", "share", series)
