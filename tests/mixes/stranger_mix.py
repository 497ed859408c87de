"""A second verifier of mix plans, written from docs/MODEL.md section 7 alone."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING, Any

from stranger_mix_world import DOM, MIO, MixWorld, Offer, Price, Way

if TYPE_CHECKING:
    from stranger_series import Data

__all__ = ["MixWorld", "verify"]


class Case:
    """A plan in its world."""

    def __init__(self, data: Data, plan: Data) -> None:
        self.w, self.plan = MixWorld(data), plan
        self.goal = plan["objective"]["goal"]
        self.taken: Counter[tuple[str, str]] = Counter()
        self.broken: set[str] = set()
        for each in plan["fleet"]:
            offer = self.w.offers.get(each["offer"])
            key = (each["offer"], each["site"])
            if offer is None or each["site"] not in offer.sites or key in self.taken:
                self.broken.add("cooling")
            if offer is not None and each["site"] in offer.sites:
                self.taken[key] += each["domains"]
        ways = {way.key: way for way in self.w.ways}
        self.uses: list[tuple[int, Way, int]] = []
        for u in plan["use"]:
            key_ = tuple(
                u[k] for k in ("demand", "site", "domain", "level", "slice_chips", "chips")
            )
            demand = self.w.mix["demand"].get(u["demand"])
            if demand and u["site"] in data["sites"] and not self.w.resides(demand, u["site"]):
                self.broken.add("residency")
            elif key_ not in ways or u["phase"] not in self.w.F:
                self.broken.add("demand")
            if key_ in ways and u["phase"] in self.w.F:
                self.uses.append((u["phase"], ways[key_], u["amount"]))

    def sold(self) -> list[tuple[str, Offer, Price, int]]:
        """Return what is taken of every offer, at its price."""
        out = []
        for name, offer in self.w.offers.items():
            count = sum(n for (o, _), n in self.taken.items() if o == name)
            if count:
                out.append((name, offer, offer.price(count), count))
        return out

    def new(self, stock: tuple[str, str], f: int) -> int:
        """Return the domains that offers bring to a stock."""
        return sum(
            self.taken[name, stock[0]]
            for name, offer in self.w.offers.items()
            if offer.kind == stock[1] and offer.there[f]
        )

    def working(self, stock: tuple[str, str], f: int) -> int:
        """Return the domains at work [billionths]."""
        return sum(n for at, way, n in self.uses if at == f and way.key[1:3] == stock)

    def load(self, site: str, f: int) -> Fraction:
        """Return the load of a site [W]."""
        pue, other, _ = self.w.site[site][f]
        draw = Fraction(0)
        for stock in self.w.stocks:
            if stock[0] == site:
                there = self.w.present[stock][f] + self.new(stock, f)
                draw += self.w.idle[stock[1]] * there
        for at, way, n in self.uses:
            if at == f and way.key[1] == site:
                draw += Fraction(n * (way.draw - self.w.idle[way.key[2]]), DOM)
        return Fraction(pue, 1000) * draw + other

    def energy(self, site: str, f: int) -> tuple[Fraction, Fraction]:
        """Return cost and cash of energy."""
        left, cost, cash = self.load(site, f), Fraction(0), Fraction(0)
        for cap, price, paid in self.w.site[site][f][2]:
            here = min(left, Fraction(cap))
            left, cost, cash = left - here, cost + here * price, cash + here * paid
        return cost, cash

    def rents(self, f: int) -> tuple[Fraction, Fraction]:
        """Return rent of a phase as cost and as cash."""
        cost = cash = Fraction(0)
        for stock in self.w.stocks:
            rows, left = [], self.working(stock, f) - self.w.owned[stock][f] * DOM
            for name, offer, price, _ in self.sold():
                n = self.taken[name, stock[0]]
                if offer.kind == stock[1] and offer.there[f] and n:
                    sure = n * DOM * offer.pay // MIO
                    left -= sure
                    rows.append((price.rent_cash[f], price.rent_cost[f], sure, n * DOM - sure))
            for paid, price_, sure, more in sorted(rows, key=lambda r: r[0]):
                use = sure + max(0, min(left, more))
                left -= use - sure
                cost, cash = cost + Fraction(use * price_, DOM), cash + Fraction(use * paid, DOM)
        return cost, cash

    def served(self, name: str, f: int) -> tuple[Fraction, Fraction]:
        """Return what is served and what is lacking [millionths of a unit]."""
        made = sum(
            (Fraction(n * way.work[f], DOM) for at, way, n in self.uses
             if at == f and way.key[0] == name), Fraction(0),
        )  # fmt: skip
        wanted = self.w.demand[name][0]
        if wanted is None:
            return made, Fraction(0)
        return min(made, Fraction(wanted[f])), max(Fraction(0), wanted[f] - made)

    def useful(self) -> int:
        """Return useful work [billionths of weight]."""
        each = (d[3] * self.served(k, f)[0] for k, d in self.w.demand.items() for f in self.w.F)
        return floor(sum(each, Fraction(0)) / MIO)

    def rules(self) -> set[str]:
        """Return the rules that are broken."""
        w, broken = self.w, set(self.broken)
        for f in w.F:
            loads = {site: self.load(site, f) for site in w.site}
            if any(x > sum(c for c, _, _ in w.site[s][f][2]) for s, x in loads.items()):
                broken.add("power")
            if w.power is not None and sum(loads.values()) > w.power[f]:
                broken.add("power")
            for site, room in w.room.items():
                at = (s for s in w.stocks if s[0] == site)
                if sum(w.racks[s[1]] * (w.present[s][f] + self.new(s, f)) for s in at) > room:
                    broken.add("space")
            for s in w.stocks:
                if self.working(s, f) > DOM * (w.owned[s][f] + self.new(s, f)):
                    broken.add("supply")
            if any(self.served(k, f)[1] > d[1][f] for k, d in w.demand.items()):
                broken.add("demand")
            for chip, row in w.supply.items():
                sold = (
                    o.chips * n for _, o, _, n in self.sold() if o.chip == chip and o.delivered[f]
                )
                if sum(sold) > row[f]:
                    broken.add("supply")
        for f, way, _ in self.uses:
            if w.owned[way.key[1:3]][f] + self.new(way.key[1:3], f) < way.needs:
                broken.add("whole_domain")
        if any(not p.least <= n <= p.most for _, _, p, n in self.sold()):
            broken.add("supply")
        if w.floor is not None and self.useful() < w.floor:
            broken.add("demand")
        return broken | self.money()

    def money(self) -> set[str]:
        """Return the rules of money that are broken."""
        w, broken = self.w, set()
        if w.capex is not None and sum(p.up_cash * n for _, _, p, n in self.sold()) > w.capex:
            broken.add("capex")
        for year, limit in enumerate(w.cash or ()):
            paid = Fraction(sum(p.up_cash * n for _, o, p, n in self.sold() if o.year == year))
            for f in w.F:
                if w.phases[f].year == year:
                    paid += sum(p.keep_cash[f] * n for _, _, p, n in self.sold())
                    paid += sum(self.energy(s, f)[1] for s in w.site) + self.rents(f)[1]
            if paid > limit:
                broken.add("yearly_cash")
        each: Counter[str] = Counter()
        for _, o, p, n in self.sold():
            each[o.vendor] += o.committed(p) * n
        if any(each[v] * MIO > ppm * sum(each.values()) for v, ppm in w.share.items()):
            broken.add("vendor_share")
        return broken

    def parts(self) -> dict[str, Any]:
        """Return the objective and its parts."""
        w = self.w
        lost = earned = Fraction(0)
        for name, (_, _, value, _) in w.demand.items():
            for f in w.F:
                good, lacking = self.served(name, f)
                lost, earned = lost + value * lacking / MIO, earned + value * good / MIO
        cost = {
            "upfront": sum(p.up_cost * n for _, _, p, n in self.sold()),
            "rent": ceil(sum((self.rents(f)[0] for f in w.F), Fraction(0))),
            "upkeep": sum(sum(p.keep_cost) * n for _, _, p, n in self.sold()),
            "energy": ceil(sum((self.energy(s, f)[0] for s in w.site for f in w.F), Fraction(0))),
        }
        more = {"unserved": ceil(lost), "earned": floor(earned), "work": self.useful()}
        spent = sum(cost.values())
        total = {"cost": spent + more["unserved"], "profit": more["earned"] - spent}
        total["work"] = more["work"]
        return {"goal": self.goal, **cost, **more, "total": total[self.goal]}


def verify(data: Data, plan: Data) -> dict[str, Any]:
    """Return rules broken, parts of the objective, bound, gap, and untrue claims."""
    from stranger_mix_bound import bound

    case = Case(data, plan)
    parts, broken = case.parts(), case.rules()
    limit, is_empty = bound(case.w, case.goal, plan["certificate"]["tree"])
    total = parts["total"]
    gap: float | None = None
    if limit is not None and not (total == 0 and limit != 0):
        gap = 0.0 if total == limit else abs(total - limit) / abs(total)
    untrue = [k for k in parts if parts[k] != plan["objective"][k]]
    untrue += [k for k, x in (("bound", limit), ("gap", gap)) if plan[k] != x]
    if (plan["status"] == "infeasible") != is_empty:
        untrue.append("status")
    return {"violations": broken, "parts": parts, "bound": limit, "gap": gap, "untrue": untrue}
