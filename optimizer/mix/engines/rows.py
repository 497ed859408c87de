"""The rows of the model: one `add_*` for each rule; formulation.py has the mathematics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulp

from optimizer.domain.fleet.image import MILLION, WORK
from optimizer.mix.engines.formulation import MW, Formulation, Terms

if TYPE_CHECKING:
    from optimizer.domain.fleet.image import Image, OfferImage
    from optimizer.domain.fleet.ways import Stock

__all__ = [
    "add_capex", "add_demand", "add_power", "add_space", "add_supply", "add_vendor_share",
    "add_whole_domain", "add_yearly_cash",
]  # fmt: skip


def add_demand(model: Formulation) -> None:
    """sum_w W v + D u >= D for all k, f; sum_w W v >= m; useful work >= its floor."""
    image = model.image
    terms: dict[tuple[str, int], Terms] = {}
    for (i, f), v in model.work.items():
        name = image.ways[i].demand
        terms.setdefault((name, f), []).append((v, image.work[i][f] / model.unit[name, f]))
    for (name, f), u in model.lack.items():
        row = [*terms.get((name, f), []), (u, 1.0)]
        model.add(("demand", name, f), row, pulp.LpConstraintGE, 1.0)
    for (name, f), m in model.made.items():
        row = [*terms.get((name, f), []), (m, -1.0)]
        model.add(("demand", name, f), row, pulp.LpConstraintGE, 0.0)
    if image.work_floor is not None:
        _work_floor(model, image.work_floor)


def _work_floor(model: Formulation, floor: int) -> None:
    """sum_k weight (D (1 - u) + m) >= floor."""
    image, scale = model.image, max(float(floor), 1.0)
    right = floor * (1 + 1 / MILLION)  # the millionth that may be missing is left to rounding
    row = []
    for (name, f), u in model.lack.items():
        counts = image.demand[name].weight * model.unit[name, f] / WORK
        right -= counts
        row.append((u, -counts / scale))
    for (name, f), m in model.made.items():
        row.append((m, image.demand[name].weight * model.unit[name, f] / WORK / scale))
    model.add(("work_floor", "all", 0), row, pulp.LpConstraintGE, right / scale)


def add_power(model: Formulation) -> None:
    """PUE (sum_w (draw - idle) v + idle n) + other <= sum_p g for all s, f; sum g <= limit."""
    image = model.image
    terms: dict[tuple[str, int], Terms] = {}
    for (i, f), v in model.work.items():
        site, kind = image.ways[i].stock
        pue = image.sites[site][f].pue_milli / 1000
        net = (image.ways[i].draw_w - image.idle_w[kind]) * pue / MW
        terms.setdefault((site, f), []).append((v, net))
    for site, phases in image.sites.items():
        for f, there in enumerate(phases):
            pue, row = there.pue_milli / 1000, terms.get((site, f), [])
            right = -there.other_w / MW
            for where, kind in image.stocks:
                if where == site:
                    idle = image.idle_w[kind] * pue / MW
                    right -= idle * image.present[where, kind][f]
                    row += [(x, idle) for _, x in model.at((where, kind), f)]
            row += [(model.given[site, i, f], -1.0) for i in range(len(there.supplies))]
            model.add(("power", site, f), row, pulp.LpConstraintLE, right)
    for f, limit in enumerate(image.power_w or ()):
        every = [(g, 1.0) for (_, _, at), g in model.given.items() if at == f]
        model.add(("power_total", "all", f), every, pulp.LpConstraintLE, limit / MW)


def add_space(model: Formulation) -> None:
    """sum_d racks n <= racks of the site for all s, f."""
    image = model.image
    for site, room in image.room_milli.items():
        for f in range(len(image.phases)) if room is not None else ():
            row, left = [], (room or 0) / 1000
            for where, kind in image.stocks:
                if where == site:
                    racks = image.racks_milli[kind] / 1000
                    left -= racks * image.present[where, kind][f]
                    row += [(x, racks) for _, x in model.at((where, kind), f)]
            if row:
                model.add(("space", site, f), row, pulp.LpConstraintLE, left)


def add_capex(model: Formulation) -> None:
    """sum upfront n <= capex."""
    if model.image.capex is not None:
        row = [(x, c.tier.upfront_cash / model.money) for c, x in model.columns.items()]
        model.add(("capex", "all", 0), row, pulp.LpConstraintLE, model.image.capex / model.money)


def add_yearly_cash(model: Formulation) -> None:
    """sum (upfront + upkeep + owed rent) n + rent r + energy g <= cash of the year, for all."""
    image = model.image
    for year, limit in enumerate(image.cash or ()):
        inside = [f for f, phase in enumerate(image.phases) if phase.year == year]
        row = []
        for c, x in model.columns.items():
            paid = c.tier.upfront_cash if c.offer.year == year else 0
            paid += sum(c.tier.upkeep_cash[f] for f in inside)
            owed = sum(c.tier.rent_cash[f] for f in inside) * c.offer.pay_ppm / MILLION
            row.append((x, (paid + owed) / model.money))
        row += [
            (r, c.tier.rent_cash[f] / model.money)
            for (c, f), r in model.extra.items()
            if f in inside
        ]
        for (site, i, f), g in model.given.items():
            if f in inside:
                row.append((g, image.sites[site][f].supplies[i].cash * MW / model.money))
        model.add(("yearly_cash", "all", year), row, pulp.LpConstraintLE, limit / model.money)


def add_supply(model: Formulation) -> None:
    """Quantities in their tier; chips of a type <= supply; v <= domains there, for all s, d, f."""
    image = model.image
    for offer in image.offers:
        _add_tiers(model, offer)
    for chip, limits in image.supply_chips.items():
        for f, limit in enumerate(limits):
            row = [
                (x, float(c.offer.chips))
                for c, x in model.columns.items()
                if c.offer.chip == chip and c.offer.is_delivered[f]
            ]
            if row:
                model.add(("supply", chip, f), row, pulp.LpConstraintLE, float(limit))
    terms: dict[tuple[Stock, int], Terms] = {}
    for (i, f), v in model.work.items():
        terms.setdefault((image.ways[i].stock, f), []).append((v, 1.0))
    for (stock, f), row in terms.items():
        for c, x in model.at(stock, f):
            row.append((x, -c.offer.pay_ppm / MILLION))
            if (c, f) in model.extra:
                row.append((model.extra[c, f], -1.0))
        right = float(image.owned[stock][f])
        model.add(("there", "_".join(stock), f), row, pulp.LpConstraintLE, right)
    for (c, f), r in model.extra.items():
        terms_r = [(r, 1.0), (model.columns[c], -(MILLION - c.offer.pay_ppm) / MILLION)]
        model.add(
            ("extra", f"{c.offer.name}_{c.number}_{c.site}", f), terms_r, pulp.LpConstraintLE, 0.0
        )


def _add_tiers(model: Formulation, offer: OfferImage) -> None:
    """least y <= sum_s n <= most y for all t; sum_t y <= 1. Without y where n may be anything."""
    own = {c: x for c, x in model.columns.items() if c.offer is offer}
    chosen = []
    for number, tier in enumerate(offer.tiers):
        row = [(x, 1.0) for c, x in own.items() if c.number == number]
        if len(offer.tiers) == 1 and tier.least <= 1:
            if len(row) > 1:
                right = float(tier.most)
                model.add(("offer", offer.name, 0), row, pulp.LpConstraintLE, right)
            return
        y = model.variable("y", offer.name, number, most=1, whole=True)
        chosen.append((y, 1.0))
        most, least = [*row, (y, -float(tier.most))], [*row, (y, -float(tier.least))]
        model.add(("most", offer.name, number), most, pulp.LpConstraintLE, 0.0)
        model.add(("least", offer.name, number), least, pulp.LpConstraintGE, 0.0)
    model.add(("tier", offer.name, 0), chosen, pulp.LpConstraintLE, 1.0)


def add_vendor_share(model: Formulation) -> None:
    """sum_{o of vendor} committed n <= share sum_o committed n for all vendors."""
    for vendor, ppm in model.image.vendor_ppm.items():
        row = []
        for c, x in model.columns.items():
            over = (c.offer.vendor == vendor) - ppm / MILLION
            row.append((x, c.offer.committed(c.tier) * over / model.money))
        model.add(("vendor_share", vendor, 0), row, pulp.LpConstraintLE, 0.0)


def add_whole_domain(model: Formulation) -> None:
    """sum of v in gangs of q domains <= M z, q z <= domains there, for all s, d, f, q > 1."""
    image = model.image
    gangs: dict[tuple[Stock, int, int], Terms] = {}
    for (i, f), v in model.work.items():
        way = image.ways[i]
        if way.gang.needs > max(1, image.owned[way.stock][f]):
            gangs.setdefault((way.stock, f, way.gang.needs), []).append((v, 1.0))
    for (stock, f, needs), row in gangs.items():
        name = f"{stock[0]}_{stock[1]}_{needs}"
        z = model.variable("z", name, f, most=1, whole=True)
        there = [(x, -1.0) for _, x in model.at(stock, f)]
        big = _most_at_work(image, stock, f)
        model.add(("gang", name, f), [*row, (z, -big)], pulp.LpConstraintLE, 0.0)
        needed = [(z, float(needs)), *there]
        right = float(image.owned[stock][f])
        model.add(("whole_domain", name, f), needed, pulp.LpConstraintLE, right)


def _most_at_work(image: Image, stock: Stock, f: int) -> float:
    """Return how many domains of a stock can be at work: by quantity, space and power."""
    site, kind = stock
    most = image.owned[stock][f]
    most += sum(max(tier.most for tier in o.tiers) for o in image.offers if o.kind == kind)
    room, racks = image.room_milli[site], image.racks_milli[kind]
    if room is not None and racks:
        most = min(most, room // racks)
    there = image.sites[site][f]
    least_w = min((w.draw_w for w in image.ways if w.stock == stock), default=1)
    cap_w = sum(s.cap_w for s in there.supplies)
    return float(min(most, cap_w * 1000 // (there.pue_milli * max(least_w, 1)) + 1))
