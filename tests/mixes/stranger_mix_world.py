"""The world of a mix as MODEL section 7 makes it whole, for the stranger."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor

from stranger_modes import levels, rate_of
from stranger_series import Data, demand_w, down, nano, series, up

DOM, MIO = 10**9, 10**6


@dataclass
class Phase:
    """Periods that are alike."""

    t: int
    n: int
    hours: float
    weight: float
    year: int


@dataclass
class Way:
    """What a domain can do for a demand."""

    key: tuple[str, str, str, str, int, int]
    needs: int
    work: list[int]
    draw: int


@dataclass
class Price:
    """What a domain of an offer costs within a span of quantities."""

    least: int
    most: int
    up_cost: int
    up_cash: int
    rent_cost: list[int]
    rent_cash: list[int]
    keep_cost: list[int]
    keep_cash: list[int]


@dataclass
class Offer:
    """An offer, phase by phase."""

    kind: str
    chip: str
    chips: int
    vendor: str
    sites: list[str]
    there: list[bool]
    delivered: list[bool]
    year: int
    pay: int
    prices: list[Price]

    def price(self, count: int) -> Price:
        """Return the price that holds for a quantity."""
        good = [p for p in self.prices if p.least <= count]
        return good[-1] if good else self.prices[0]

    def committed(self, p: Price) -> int:
        """Return what a domain commits to."""
        return p.up_cash + sum(p.rent_cash) * self.pay // MIO + sum(p.keep_cash)


class MixWorld:
    """Everything as whole numbers."""

    def __init__(self, data: Data) -> None:
        self.data, self.mix, self.h = data, data["mix"], data["horizon"]
        self.T: int = self.h["periods"]
        self.ph: float = self.h.get("period_hours", 1.0)
        self.rate: float = self.mix.get("discount_rate_per_year", 0.0)
        self.phases = self._phases()
        self.F = range(len(self.phases))
        self.stocks = self._stocks()
        self.idle = {k: d["chips"] * self._idle(d["chip"]) for k, d in data["domains"].items()}
        self.racks = {
            k: ceil(d.get("racks", 0.0) * 1000 - 1e-6) for k, d in data["domains"].items()
        }
        self.offers = {name: self._offer(o) for name, o in self.mix.get("offers", {}).items()}
        self.ways = self._ways()
        self._series()

    def _idle(self, chip: str) -> int:
        return demand_w(self.data["chips"][chip].get("idle_kw", 0.0))

    def _at(self, given: object, how: str) -> list[float]:
        return series(given, self.h, how)

    def _span(self, offer: Data) -> tuple[int, int]:
        first = max(0, up(offer.get("delivery", 0.0), self.h))
        last = self.T if offer.get("until") is None else min(self.T, down(offer["until"], self.h))
        return first, max(first, last)

    def year(self, t: int) -> int:
        """Return the year in which a period begins."""
        return floor(t * self.ph / 8760 + 1e-9)

    def _energy(self, supply: Data, t: int) -> float:
        carbon = self._at(supply.get("carbon_kg_per_mwh", 0), "mean")[t]
        price = self._at(supply["price_usd_per_mwh"], "mean")[t]
        per_kg: float = self.data.get("carbon_usd_per_kg", 0.0)
        return price + carbon * per_kg

    def cap(self, supply: Data) -> list[int]:
        """Return what a supply can give in every period [W]."""
        cap = [floor(x * 1e6 + 1e-6) for x in self._at(supply["cap_mw"], "min")]
        for call in supply.get("calls", ()):
            for t in range(
                max(0, down(call["from"], self.h)), min(self.T, up(call["until"], self.h))
            ):
                cap[t] = min(cap[t], floor(call["cap_mw"] * 1e6 + 1e-6))
        return cap

    def pools(self, stock: tuple[str, str], t: int) -> tuple[int, int]:
        """Return the domains of pools that are usable, and that are present."""
        usable = present = 0
        for pool in self.data.get("pools", {}).values():
            if (pool["site"], pool["domain"]) == stock:
                n = floor(self._at(pool["count"], "min")[t] + 1e-6)
                usable, present = usable + max(0, n - pool.get("spares", 0)), present + n
        return usable, present

    def _phases(self) -> list[Phase]:
        rows: list[list[float]] = []
        if "yearly_cash_usd" in self.mix:
            rows.append([self.year(t) for t in range(self.T)])
        for site in self.data["sites"].values():
            rows.append([ceil(x * 1000 - 1e-6) for x in self._at(site["pue"], "max")])
            rows.append([demand_w(x * 1000) for x in self._at(site.get("other_load_mw", 0), "max")])
            for supply in site["supplies"].values():
                rows.append(list(map(float, self.cap(supply))))
                each = (self._energy(supply, t) * self.ph * 1000 for t in range(self.T))
                rows.append([round(x) for x in each])
        for pool in self.data.get("pools", {}).values():
            rows.append([floor(x + 1e-6) for x in self._at(pool["count"], "min")])
        for demand in self.mix["demand"].values():
            if demand.get("work_per_month") is not None:
                rows.append(self._at(demand["work_per_month"], "mean"))
        if "power_mw" in self.mix:
            rows.append(self._at(self.mix["power_mw"], "min"))
        rows += [self._at(x, "min") for x in self.mix.get("supply_chips", {}).values()]
        cuts = {0, self.T}
        cuts |= {t for row in rows for t in range(1, self.T) if row[t] != row[t - 1]}
        spans = (self._span(offer) for offer in self.mix.get("offers", {}).values())
        cuts |= {t for span in spans for t in span if t < self.T}
        out = []
        for a, b in pairwise(sorted(cuts)):
            weights = [(1 + self.rate) ** (-(t + 0.5) * self.ph / 8760) for t in range(a, b)]
            mean = sum(weights) / (b - a)
            out.append(Phase(a, b - a, (b - a) * self.ph, mean, self.year(a)))
        return out

    def _sites_of(self, offer: Data) -> list[str]:
        found: list[str] | None = offer.get("sites")
        return list(self.data["sites"]) if found is None else found

    def _cools(self, site: str, kind: str) -> bool:
        chip = self.data["chips"][self.data["domains"][kind]["chip"]]
        both = ["air", "liquid"]
        mine, its = chip.get("cooling", both), self.data["sites"][site].get("cooling", both)
        return any(c in its for c in mine)

    def _stocks(self) -> list[tuple[str, str]]:
        found = {(p["site"], p["domain"]) for p in self.data.get("pools", {}).values()}
        for offer in self.mix.get("offers", {}).values():
            for site in self._sites_of(offer):
                if self._cools(site, offer["domain"]):
                    found.add((site, offer["domain"]))
        return sorted(found)

    def resides(self, demand: Data, site: str) -> bool:
        """Return whether a demand may run at a site."""
        there = self.data["sites"][site]
        countries, owners = demand.get("countries"), demand.get("owners")
        return (countries is None or there["country"] in countries) and (
            owners is None or there.get("owner", "") in owners
        )

    def _gangs(self, demand: Data, kind: str) -> list[tuple[int, float, int, int]]:
        domain = self.data["domains"][kind]
        work, size = self.data["workloads"][demand["workload"]], domain["chips"]
        memory = self.data["chips"][domain["chip"]]["hbm_gb"]
        if kind in demand.get("not_on", ()) or memory < work.get("min_hbm_gb", 0.0):
            return []
        rows = [r for r in work["rates"] if r.get("domain") == kind]
        if demand.get("gangs") is not None:
            rows = demand["gangs"]
        found = []
        for chips, cut in {(r["chips"], r["slice_chips"]) for r in rows}:
            is_cut = cut not in [*domain.get("slice_chips", ()), size]
            if is_cut or chips % cut or (demand.get("whole_domain") and cut != size):
                continue
            rate = rate_of(work, domain["chip"], kind, cut, chips)
            if rate is not None:
                held, slices = size // cut, chips // cut
                found.append((ceil(slices / held), -(rate * held / slices), chips, cut))
        kept: list[tuple[int, float, int, int]] = []
        for each in sorted(found):
            if all(each[1] < other[1] for other in kept):
                kept.append(each)
        return kept

    def _ways(self) -> list[Way]:
        out, use = [], self.mix.get("utilisation", 1.0)
        for name, demand in self.mix["demand"].items():
            for site, kind in self.stocks:
                if not self.resides(demand, site):
                    continue
                domain = self.data["domains"][kind]
                chip = self.data["chips"][domain["chip"]]
                kw = chip["nameplate_kw" if self.mix.get("draw") == "nameplate" else "training_kw"]
                for level, (draw, speed) in self._levels(chip).items():
                    for needs, less, chips, cut in self._gangs(demand, kind):
                        each = -less * speed * use
                        work = [floor(each * p.hours * 1e6 + 1e-6) for p in self.phases]
                        watts = demand_w(domain["chips"] * kw * draw)
                        out.append(Way((name, site, kind, level, cut, chips), needs, work, watts))
        return out

    def _levels(self, chip: Data) -> dict[str, tuple[float, float]]:
        named = self.mix.get("power_levels")
        each = {k: (v["draw_share"], v["speed_share"]) for k, v in levels(chip).items()}
        return {k: v for k, v in each.items() if named is None or k in named}

    def _offer(self, o: Data) -> Offer:
        domain = self.data["domains"][o["domain"]]
        first, last = self._span(o)
        maker = self.data["chips"][domain["chip"]].get("vendor") or domain["chip"]
        sites = [s for s in self._sites_of(o) if self._cools(s, o["domain"])]
        tiers, prices = o["tiers"], []
        for i, tier in enumerate(tiers):
            after = tiers[i + 1]["from_domains"] - 1 if i + 1 < len(tiers) else 10**9
            least = max(1, o.get("min_domains", 0), tier.get("from_domains", 1))
            span = (least, min(o.get("max_domains", 10**6), after))
            prices.append(self._price(o, tier, span, domain["chips"]))
        return Offer(
            o["domain"],
            domain["chip"],
            domain["chips"],
            o.get("vendor") or maker,
            sites,
            [first <= p.t < last for p in self.phases],
            [first <= p.t for p in self.phases],
            self.year(first),
            ceil(o.get("take_or_pay", 1.0) * 1e6 - 1e-6),
            prices,
        )

    def _price(self, o: Data, tier: Data, span: tuple[int, int], chips: int) -> Price:
        first, last = self._span(o)
        paid = tier.get("upfront_usd_per_chip", 0.0) * chips
        hours = [p.hours if first <= p.t < last else 0.0 for p in self.phases]
        rent = [tier.get("usd_per_chip_hour", 0.0) * chips * x for x in hours]
        keep = [paid * o.get("upkeep_share_per_year", 0.0) * x / 8760 for x in hours]
        begin = (1 + self.rate) ** (-(first * self.ph) / 8760)
        end = (1 + self.rate) ** (-(self.T * self.ph) / 8760)
        both = list(zip(rent, keep, self.phases, strict=True))
        return Price(
            *span,
            nano(paid * (begin - o.get("residual_share", 0.0) * end)),
            nano(paid),
            [nano(r * p.weight) for r, _, p in both],
            [nano(r) for r, _, _ in both],
            [nano(k * p.weight) for _, k, p in both],
            [nano(k) for _, k, _ in both],
        )

    def _series(self) -> None:
        at = [p.t for p in self.phases]
        self.site: dict[str, list[tuple[int, int, list[tuple[int, int, int]]]]] = {}
        for name, s in self.data["sites"].items():
            pue, other = self._at(s["pue"], "max"), self._at(s.get("other_load_mw", 0), "max")
            rows = []
            for p in self.phases:
                given = []
                for supply in s["supplies"].values():
                    price = self._energy(supply, p.t)
                    cost = round(price * p.hours * p.weight * 1000)
                    cash = round(price * p.hours * 1000)
                    given.append((self.cap(supply)[p.t], cost, cash))
                given.sort(key=lambda x: x[1])
                load = demand_w(other[p.t] * 1000)
                rows.append((ceil(pue[p.t] * 1000 - 1e-6), load, given))
            self.site[name] = rows
        self._limits(at)
        self.owned = {s: [self.pools(s, t)[0] for t in at] for s in self.stocks}
        self.present = {s: [self.pools(s, t)[1] for t in at] for s in self.stocks}

    def _limits(self, at: list[int]) -> None:
        mix = self.mix
        self.room = {
            name: floor(s["racks"] * 1000 + 1e-6)
            for name, s in self.data["sites"].items()
            if s.get("racks") is not None
        }
        power = mix.get("power_mw")
        self.power = None
        if power is not None:
            self.power = [floor(self._at(power, "min")[t] * 1e6 + 1e-6) for t in at]
        self.supply = {
            chip: [floor(self._at(x, "min")[t] + 1e-6) for t in at]
            for chip, x in mix.get("supply_chips", {}).items()
        }
        self.capex = None if mix.get("capex_usd") is None else nano(mix["capex_usd"])
        years, cash = self.phases[-1].year + 1, mix.get("yearly_cash_usd")
        self.cash = None
        if cash is not None:
            self.cash = [nano(cash[min(y, len(cash) - 1)]) for y in range(years)]
        self.share = {v: floor(x * 1e6 + 1e-6) for v, x in mix.get("vendor_share", {}).items()}
        floor_of = mix.get("work_at_least")
        self.floor = None if floor_of is None else nano(floor_of) * 999_999 // MIO
        self.demand = {name: self._demand(d) for name, d in mix["demand"].items()}

    def _demand(self, d: Data) -> tuple[list[int] | None, list[int], int, int]:
        value = nano(d.get("value_usd_per_unit") or 0.0)
        weight = value if d.get("weight_per_unit") is None else nano(d["weight_per_unit"])
        if d.get("work_per_month") is None:
            return None, [0] * len(self.phases), value, weight
        monthly = self._at(d["work_per_month"], "mean")
        wanted = [ceil(monthly[p.t] * p.hours / 730 * 1e6 - 1e-6) for p in self.phases]
        least = ceil(d.get("least_share", 0.0) * 1e6 - 1e-6)
        if d.get("value_usd_per_unit") is None:
            least = MIO
        may = [min(w, w + (-w * least) // MIO + w // MIO) for w in wanted]
        return wanted, may, value, weight
