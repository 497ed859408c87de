"""Tables and charts of a mix's report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.fleet.image import DOMAIN
from optimizer.domain.reports import Chart, ChartSeries, Column, Table
from optimizer.mix.account.worth import too_dear, work_prices, worths
from optimizer.mix.rules.case import FINE
from optimizer.units import usd

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Value
    from optimizer.mix.plan import MixPlan
    from optimizer.mix.rules.case import Case

__all__ = [
    "fleet_chart", "fleet_table", "limits_table", "offers_table", "ranges_table", "where_table",
    "work_table",
]  # fmt: skip

Rows = list[tuple["Value", ...]]


def fleet_table(case: Case) -> Table:
    """What is taken of which offer, at which site."""
    columns = (
        Column("offer"),
        Column("site"),
        Column("domains", "", "right"),
        Column("chips", "", "right"),
        Column("racks", "", "right"),
        Column("at delivery", "USD", "right"),
        Column("rent, full hours", "USD", "right"),
    )
    image, rows = case.image, Rows()
    for offer, tier, _ in case.offers():
        for site in offer.sites:
            count = case.taken[offer.name, site]
            if count:
                racks = image.racks_milli[offer.kind] * count / 1000
                paid, rent = usd(tier.upfront_cash * count), usd(sum(tier.rent_cash) * count)
                rows.append((offer.name, site, count, count * offer.chips, racks, paid, rent))
    return Table("The mix", columns, tuple(rows))


def fleet_chart(case: Case) -> Chart:
    """Chips of each kind at each site."""
    sites = [s for s in case.image.sites if any(case.taken[o.name, s] for o in case.image.offers)]
    kinds = list(dict.fromkeys(offer.chip for offer, _, _ in case.offers()))
    series = []
    for kind in kinds:
        each = [
            float(
                sum(o.chips * case.taken[o.name, s] for o, _, _ in case.offers() if o.chip == kind)
            )
            for s in sites
        ]
        series.append(ChartSeries(kind, tuple(each)))
    return Chart("bar", "Chips by site", tuple(sites), "", "chips", tuple(series))


def work_table(case: Case, plan: MixPlan) -> Table:
    """What is served of each demand, and what a unit of it costs at the margin."""
    columns = (
        Column("demand"),
        Column("wanted", "", "right"),
        Column("served", "", "right"),
        Column("share served", "share", "right"),
        Column("value of a unit", "USD", "right"),
        Column("price of a unit", "USD", "right"),
    )
    image, rows = case.image, Rows()
    phases, prices = range(len(image.phases)), work_prices(case.instance, plan)
    for name, demand in image.demand.items():
        made = sum(case.serves(name, f) for f in phases) / FINE
        wanted = None if demand.wanted is None else sum(demand.wanted) / 1e6
        share = made / wanted if wanted else None
        rows.append((name, wanted, made, share, usd(demand.value), prices.get(name)))
    return Table("Work over the whole horizon, in the units of the classes", columns, tuple(rows))


def where_table(case: Case) -> Table:
    """Which chips each demand runs on, those that do most of it first."""
    columns = (
        Column("demand"),
        Column("site"),
        Column("domains of"),
        Column("power level"),
        Column("gang", "chips", "right"),
        Column("slices", "chips", "right"),
        Column("domains at work", "", "right"),
        Column("share of its work", "share", "right"),
        Column("rate"),
    )
    image, rows = case.image, Rows()
    hours = sum(f.hours for f in image.phases)
    made: dict[str, float] = {}
    each: dict[tuple[str, str, str, str, int, int], list[float]] = {}
    for use, way, work in case.used:
        done = float(use.amount * work)
        made[use.demand] = made.get(use.demand, 0) + done
        row = each.setdefault(way.key, [0.0, 0.0, float(way.gang.is_assumed)])
        row[0] += use.amount / DOMAIN * image.phases[use.phase].hours / hours
        row[1] += done
    order = list(image.demand)
    for key, (domains, done, is_assumed) in sorted(
        each.items(), key=lambda x: (order.index(x[0][0]), -x[1][1])
    ):
        demand, site, kind, level, cut, chips = key
        rate = "estimate" if is_assumed else "measured"
        rows.append((demand, site, kind, level, chips, cut, domains, done / made[demand], rate))
    return Table("What runs on what", columns, tuple(rows))


def limits_table(case: Case, plan: MixPlan) -> Table:
    """How full each limit is, and what one more unit of it is worth."""
    columns = (
        Column("limit"),
        Column("of"),
        Column("used", "", "right"),
        Column("there is", "", "right"),
        Column("unit"),
        Column("one more is worth at most", "USD", "right"),
    )
    image = case.image
    found = {(w.limit, w.where): w.worth for w in worths(case.instance, plan)}
    rows, last = Rows(), len(image.phases) - 1
    for site in image.sites:
        for f in range(len(image.phases)):
            cap = sum(s.cap_w for s in image.sites[site][f].supplies) / 1e6
            where = site if last == 0 else f"{site}, phase {f + 1}"
            worth = found.get(("power", site)) if f == last else None
            rows.append(("power", where, float(case.load(site, f)) / 1e6, cap, "MW", worth))
        room = image.room_milli[site]
        if room is not None:
            own = [s for s in image.stocks if s[0] == site]
            used = sum(
                image.racks_milli[s[1]] * case.domains(s, last, is_usable=False) for s in own
            )
            rows.append(
                ("space", site, used / 1000, room / 1000, "racks", found.get(("space", site)))
            )
    if image.capex is not None:
        paid = usd(sum(t.upfront_cash * n for _, t, n in case.offers())) / 1e6
        worth = found.get(("capex", "deliveries"))
        rows.append(("capex", "deliveries", paid, usd(image.capex) / 1e6, "million USD", worth))
    for chip, row in image.supply_chips.items():
        taken = sum(o.chips * n for o, _, n in case.offers() if o.chip == chip)
        rows.append(("supply", chip, taken, row[last], "chips", found.get(("supply", chip))))
    return Table("Limits", columns, tuple(rows))


def offers_table(instance: Instance, plan: MixPlan) -> Table:
    """Offers of which nothing is taken, and the price at which they would pay."""
    columns = (
        Column("offer"),
        Column("nearest at"),
        Column("price", "USD", "right"),
        Column("would pay below about", "USD", "right"),
        Column("per"),
        Column("why"),
    )
    taken = {holding.offer for holding in plan.fleet}
    dear, rows = {x.offer: x for x in too_dear(instance, plan)}, Rows()
    for offer in instance.image.offers:
        if offer.name in taken:
            continue
        if not offer.sites:
            rows.append((offer.name, "", None, None, "", "no site can cool it"))
        elif offer.name in dear:
            x = dear[offer.name]
            per = x.unit.removeprefix("USD/")
            why = "too dear" if x.below < x.price else "no room beside the others"
            below = x.below if x.below > 0 else None
            why = why if x.below > 0 else "would not pay even for nothing"
            rows.append((offer.name, x.site, x.price, below, per, why))
        else:
            rows.append((offer.name, "", None, None, "", "not needed"))
    return Table("Offers not taken", columns, tuple(rows))


def ranges_table(instance: Instance) -> Table:
    """Numbers that are assumed or known within a range only."""
    columns = (
        Column("number"),
        Column("low", "share", "right"),
        Column("high", "share", "right"),
        Column("numbers", "", "right"),
        Column("where from"),
    )
    mix = instance.mix
    ranges = {} if mix is None else mix.ranges
    rows = tuple((name, r.low, r.high, len(r.of), r.note) for name, r in ranges.items())
    return Table("Ranges", columns, rows)
