"""The bound of a mix's certificate, for the stranger: MODEL section 7, in units of 1e-21 USD."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stranger_mix_world import DOM, MIO, MixWorld, Offer, Price

if TYPE_CHECKING:
    from stranger_series import Data

Cases = dict[tuple[str, str], tuple[int, int]]


def bound(w: MixWorld, goal: str, tree: Data) -> tuple[int | None, bool]:
    """Return the bound, and whether it is proven that there is no plan."""
    found: list[int] = []
    for leaf, cases in _leaves(w, tree, {}):
        if any(_least(w, name, o, cases, None) is None for name, o in w.offers.items()):
            continue
        part = Leaf(w, goal, leaf["prices"], cases, is_empty=leaf["is_empty"]).bound()
        if part is None or (leaf["is_empty"] and part <= 0):
            return None, False
        if not leaf["is_empty"]:
            found.append(part)
    if not found:
        return None, True
    whole = -((-min(found)) // 10**12)
    return (whole if goal == "cost" else -whole), False


def _leaves(w: MixWorld, node: Data, cases: Cases) -> list[tuple[Data, Cases]]:
    if "prices" in node:
        return [(node, cases)]
    key = (node["offer"], node["site"])
    low, high = cases.get(key, (0, max(p.most for p in w.offers[node["offer"]].prices)))
    out = []
    for name, span in (
        ("below", (low, min(high, node["at"]))),
        ("above", (max(low, node["at"] + 1), high)),
    ):
        if span[0] <= span[1]:
            out += _leaves(w, node[name], cases | {key: span})
    return out


def _least(
    w: MixWorld, name: str, o: Offer, cases: Cases, cost: dict[tuple[int, str], int] | None
) -> int | None:
    """Return the least that an offer adds, None where no quantity is allowed."""
    spans = {s: cases.get((name, s), (0, max(p.most for p in o.prices))) for s in o.sites}
    first, last = cases.get((name, ""), (0, 10**9))
    held = sum(low for low, _ in spans.values())
    options = [0] if max(held, first) == 0 else []
    for i, price in enumerate(o.prices):
        low = max(held, first, price.least)
        high = min(price.most, last, sum(high for _, high in spans.values()))
        if low > high:
            continue
        free = {s: high - low for s, (low, high) in spans.items()}
        each = sorted((0 if cost is None else cost[i, s], s) for s in o.sites)
        total, count = sum(c * spans[s][0] for c, s in each), held
        for until, is_cheap in ((low, False), (high, True)):  # what must be, then what pays
            for c, s in each:
                if c < 0 or not is_cheap:
                    more = max(0, min(free[s], until - count))
                    total, count = total + c * more, count + more
                    free[s] -= more
        options.append(total)
    return min(options) if options else None


class Leaf:
    """Prices of a case in their world."""

    def __init__(self, w: MixWorld, goal: str, p: Data, cases: Cases, *, is_empty: bool) -> None:
        self.w, self.goal, self.p, self.cases, self.is_empty = w, goal, p, cases, is_empty
        self.m = 0 if goal == "work" or is_empty else DOM
        none = [0] * len(w.phases)
        self.pi = {k: p["demand"].get(k, none) for k in w.demand}
        self.mu = {s: p["power"].get(s, none) for s in w.site}
        self.nu = p["power_total"] or none
        self.space = {s: p["space"].get(s, none) for s in w.site}
        self.chip = {o.chip: p["supply"].get(o.chip, none) for o in w.offers.values()}
        self.year = p["yearly_cash"] or [0] * (w.phases[-1].year + 1)
        self.earns = {s: [self._earns(s, f) for f in w.F] for s in w.stocks}

    def _earns(self, stock: tuple[str, str], f: int) -> int:
        pue, best, most = self.w.site[stock[0]][f][0], 0, self.w.owned[stock][f]
        for name, o in self.w.offers.items():
            if o.kind == stock[1] and stock[0] in o.sites and o.there[f]:
                top = (0, max(p.most for p in o.prices))
                both = ((name, stock[0]), (name, ""))
                most += min(self.cases.get(key, top)[1] for key in both)
        for way in self.w.ways:
            if way.key[1:3] == stock and way.needs <= most:
                watts = (
                    (self.mu[stock[0]][f] + self.nu[f]) * pue * (way.draw - self.w.idle[stock[1]])
                )
                best = max(best, 1000 * self.pi[way.key[0]][f] * way.work[f] - watts)
        return best

    def rho(self, name: str) -> int:
        """Return what a millionth of a unit counts."""
        _, _, value, weight = self.w.demand[name]
        return 0 if self.is_empty else 1000 * (weight if self.goal == "work" else value)

    def bound(self) -> int | None:
        """Return the bound of this case."""
        w, p = self.w, self.p
        total: int = 0
        theta = int(p["work_floor"])
        counted = 0
        for k, (wanted, may, _, weight) in w.demand.items():
            if wanted is None:
                least = (0 if self.goal == "cost" else self.rho(k)) - ((-theta * weight) // MIO)
                if any(x < least for x in self.pi[k]):
                    return None
                continue
            for f in w.F:
                net = self.rho(k) + theta * weight // MIO - self.pi[k][f]
                total += 1000 * (self.pi[k][f] * wanted[f] + min(0, net) * may[f])
                counted += weight * wanted[f]
                if self.goal != "cost":
                    total -= 1000 * self.rho(k) * wanted[f]
        total += 1000 * (theta * (w.floor or 0) + (-theta * counted) // MIO)
        total += self._places()
        limits = p["capex"] * (w.capex or 0)
        limits += sum(a * b for a, b in zip(self.year, w.cash or (), strict=False))
        limits += sum(a * b for a, b in zip(self.nu, w.power or (), strict=False))
        limits += sum(sum(self.space[s]) * room for s, room in w.room.items())
        for chip, row in p["supply"].items():
            limits += sum(a * b for a, b in zip(row, w.supply[chip], strict=True))
        total -= 1000 * limits
        for name, o in w.offers.items():
            each = {(i, s): self._cost(o, x, s) for i, x in enumerate(o.prices) for s in o.sites}
            total += _least(w, name, o, self.cases, each) or 0
        return total

    def _places(self) -> int:
        """Return what sites and the domains that are there bring to the bound."""
        w, total = self.w, 0
        for s, rows in w.site.items():
            for f, (_, other, supplies) in enumerate(rows):
                total += (self.mu[s][f] + self.nu[f]) * 1000 * other
                for cap, cost, cash in supplies:
                    paid = self.m * cost + self.year[w.phases[f].year] * cash
                    total -= 1000 * cap * max(0, self.mu[s][f] - paid)
        for (s, kind), row in w.present.items():
            for f, n in enumerate(row):
                pue = w.site[s][f][0]
                total += (self.mu[s][f] + self.nu[f]) * pue * w.idle[kind] * n
                total += 1000 * self.space[s][f] * w.racks[kind] * n
                total -= self.earns[s, kind][f] * w.owned[s, kind][f]
        return total

    def _cost(self, o: Offer, x: Price, s: str) -> int:
        w, f_cash = self.w, self.year
        total: int = 1000 * self.m * (x.up_cost + sum(x.keep_cost))
        total += 1000 * (int(self.p["capex"]) + int(f_cash[o.year])) * x.up_cash
        back = 0
        for vendor, price in self.p["vendor_share"].items():
            over = (MIO if o.vendor == vendor else 0) - w.share[vendor]
            back -= 1000 * price * o.committed(x) * over
        total -= ceil_div(back, MIO)
        for f in w.F:
            if o.delivered[f]:
                total += 1000 * self.chip[o.chip][f] * o.chips
            if o.there[f]:
                paid = f_cash[w.phases[f].year]
                total += 1000 * paid * x.keep_cash[f]
                total += 1000 * self.space[s][f] * w.racks[o.kind]
                total += (self.mu[s][f] + self.nu[f]) * w.site[s][f][0] * w.idle[o.kind]
                rent = self.m * x.rent_cost[f] + paid * x.rent_cash[f]
                net = self.earns[s, o.kind][f] - 1000 * rent
                total -= net if net >= 0 else ceil_div(net * o.pay, MIO)
        return total


def ceil_div(a: int, b: int) -> int:
    """Return a / b rounded up."""
    return -((-a) // b)
