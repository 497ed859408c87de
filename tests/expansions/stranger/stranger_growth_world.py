"""The world of an expansion as MODEL section 8 makes it whole, for the stranger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from math import ceil, erfc, exp, floor, log, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from stranger_series import Data, demand_w, hours_at, nano

if TYPE_CHECKING:
    from collections.abc import Iterable

MIO, BIO, PARTS = 10**6, 10**9, 10**18


def ppm(x: float) -> int:
    """Return a share or factor in millionths, to the nearest."""
    return round(x * 1e6)


def ppm_down(x: float) -> int:
    """Return a share in millionths, rounded down."""
    return floor(x * 1e6 + 1e-6)


def moved(x: int, factor: int) -> int:
    """Return a number under a factor in millionths."""
    return (x * factor + 500_000) // MIO


def cap_w(mw: float) -> int:
    """Return a cap in whole watts, rounded down."""
    return floor(mw * 1e6 + 1e-6)


def _mixed(share: float, market: float, own: float) -> float:
    return share * market + sqrt(1 - share**2) * own


def _late(delays: Iterable[Data], luck: float) -> int:
    for each in delays:
        luck -= each["probability"]
        if luck < 0:
            return int(each["periods"])
    return 0


@dataclass(frozen=True)
class Future:
    """One way things may go: probability, factors, delays, defaults, and nodes by period."""

    ppb: int
    factors: dict[str, list[int]]
    delays: dict[str, int]
    defaults: dict[str, int]
    nodes: list[tuple[int, str]]

    def at(self, t: int) -> str:
        """Return the node at which it is in a period."""
        return [name for since, name in [(0, ""), *self.nodes] if since <= t][-1]

    def moved(self, x: int, driver: str | None, t: int) -> int:
        """Return a number as its driver moves it."""
        return moved(x, self.factors[driver][t]) if driver in self.factors else x


class GrowthWorld:
    """Calendar, futures and what stands, as whole numbers."""

    def __init__(self, data: Data, drawn: int = 0, seed: int = 0) -> None:
        self.data, self.x, self.h = data, data["expand"], data["horizon"]
        self._laid: dict[tuple[int, str], list[float]] = {}
        self.months: int = self.x.get("months_per_period", 3)
        hours = self.h["periods"] * self.h.get("period_hours", 1.0)
        self.T: int = round(hours / (730 * self.months))
        self.start = datetime.fromisoformat(self.h["start"])
        self.edges = [self._edge(t) for t in range(self.T + 1)]
        self.days = [(b - a).days for a, b in zip(self.edges, self.edges[1:], strict=False)]
        self.sites: list[str] = list(self.x["sites"])
        self.builds: dict[str, Data] = self.x.get("builds", {})
        self.blocks = self._blocks()
        self.names = [f"drawn-{seed}-{i}" for i in range(drawn)] or [
            *(self.x.get("futures") or ["as planned"])
        ]
        self.D = {name: self._discounts(g["wacc_per_year"]) for name, g in self.x["sites"].items()}
        named = self.x.get("futures", {}).values()
        self.futures = self._drawn(drawn, seed) if drawn else [self._future(f) for f in named]
        told = [f.get("reveals", []) for f in named]
        if self.futures and not drawn:
            last = self.futures[-1]
            left = BIO - sum(f.ppb for f in self.futures[:-1])
            self._learn("", 0, list(zip(self.futures, told, strict=True)))
            self.futures[-1] = Future(left, last.factors, last.delays, last.defaults, last.nodes)
        elif not drawn:
            self.futures = [Future(BIO, {}, {}, {}, [])]

    def _edge(self, t: int) -> datetime:
        year, month = divmod(self.start.year * 12 + self.start.month - 1 + t * self.months, 12)
        return self.start.replace(year=year, month=month + 1)

    def position(self, moment: float | str) -> float:
        """Return the period of a moment plus the share of it that is over."""
        at = self.start + timedelta(hours=hours_at(moment, self.h))
        if at < self.start:
            return (at - self.start) / (self.edges[1] - self.edges[0])
        if at >= self.edges[-1]:
            return self.T + (at - self.edges[-1]) / (self.edges[-1] - self.edges[-2])
        t = max(t for t in range(self.T) if self.edges[t] <= at)
        return t + (at - self.edges[t]) / (self.edges[t + 1] - self.edges[t])

    def down(self, moment: float | str) -> int:
        """Return the period in which a moment lies."""
        return floor(self.position(moment) + 1e-9)

    def up(self, moment: float | str) -> int:
        """Return the first period boundary not before a moment."""
        return ceil(self.position(moment) - 1e-9)

    def over(self, given: Any, how: str) -> list[float]:
        """Return a quantity for every period; `how` settles a step inside a period."""
        key = (id(given), how)  # of the file's own data, which stays
        if isinstance(given, list) and key not in self._laid:
            self._laid[key] = self._over(given, how)
        return self._laid[key] if isinstance(given, list) else [float(given)] * self.T

    def _over(self, given: list[Any], how: str) -> list[float]:
        if not isinstance(given[0], dict):
            return [float(x) for x in given]
        begins = [0.0] + [self.position(step["from"]) for step in given[1:]]
        ends = [*begins[1:], max(float(self.T), begins[-1])]
        out = []
        for t in range(self.T):
            seen = [
                (min(end, t + 1) - max(begin, t), float(step["value"]))
                for step, begin, end in zip(given, begins, ends, strict=True)
                if min(end, t + 1) - max(begin, t) > 1e-9
            ]
            values = [v for _, v in seen]
            mean = sum(share * v for share, v in seen)
            out.append({"min": min(values), "max": max(values), "mean": mean}[how])
        return out

    def _blocks(self) -> list[Data]:
        blocks = self.x.get("blocks", [{"share": 1.0}])
        shares = [ppm(b["share"]) for b in blocks]
        shares[-1] = MIO - sum(shares[:-1])
        return [
            {"share": n, "demand": ppm(b.get("demand", 1.0)), "energy": ppm(b.get("energy", 1.0))}
            for n, b in zip(shares, blocks, strict=True)
        ]

    def _discounts(self, wacc: float) -> list[int]:
        out = []
        with localcontext() as context:
            context.prec = 60
            for t in range(self.T):
                years = Decimal((self.edges[t + 1] - self.start).days) / 365
                exact = PARTS / (1 + Decimal(repr(wacc))) ** years
                out.append(int(exact.to_integral_value()))
        return out

    def _future(self, f: Data) -> Future:
        contracts = self.x.get("contracts", {})
        return Future(
            round(f["probability"] * BIO),
            {k: [ppm(x) for x in self.over(v, "mean")] for k, v in f.get("drivers", {}).items()},
            {k: f.get("delays", {}).get(k, 0) for k in self.builds},
            {
                k: max(0, min(self.T, self.down(f["defaults"][k])))
                for k in contracts
                if k in f.get("defaults", {})
            },
            [],
        )

    def _learn(self, name: str, since: int, told: list[tuple[Future, list[Data]]]) -> None:
        """Take futures from a node to those below it, as what is learnt next parts them."""
        if not any(left for _, left in told):
            return
        date = min(self.up(left[0]["at"]) for _, left in told if left)
        below: dict[str, list[tuple[Future, list[Data]]]] = {}
        for future, left in told:
            if left and self.up(left[0]["at"]) == date:
                below.setdefault(left[0]["label"], []).append((future, left[1:]))
            else:
                below.setdefault("no news", []).append((future, left))
        for label, group in below.items():
            node = f"{name} / {label}" if name else label
            for future, _ in group:
                future.nodes.append((max(since, date), node))
            self._learn(node, date, group)

    def _drawn(self, n: int, seed: int) -> list[Future]:
        """Return futures as they are drawn from drivers, delays and credit."""
        x, rng = self.x, np.random.default_rng(seed)
        drivers, customers = x.get("drivers", {}), x.get("customers", {})
        market, own = rng.standard_normal(n), rng.standard_normal((n, len(drivers)))
        luck, credit = rng.random((n, len(self.builds))), rng.standard_normal((n, len(customers)))
        out = []
        for i in range(n):
            rows = {}
            for (name, d), mine in zip(drivers.items(), own[i], strict=True):
                z = _mixed(d.get("market", 0.0), market[i], mine) / 1.2815515655446004
                end = z * (log(d.get("high", 1.0)) if z > 0 else -log(d.get("low", 1.0)))
                rows[name] = [ppm(exp(end * (t + 1) / self.T)) for t in range(self.T)]
            ends = {
                name: self._pays(c, market[i], mine)
                for (name, c), mine in zip(customers.items(), credit[i], strict=True)
            }
            late = {
                name: _late(b.get("delays", ()), u)
                for (name, b), u in zip(self.builds.items(), luck[i], strict=True)
            }
            stops = {
                k: ends.get(c.get("customer"), self.T) for k, c in x.get("contracts", {}).items()
            }
            ppb = BIO * (i + 1) // n - BIO * i // n
            out.append(Future(ppb, rows, late, stops, []))
        return out

    def _pays(self, customer: Data, market: float, own: float) -> int:
        """Return the first period in which a customer does not pay."""
        rate, z = customer["default_per_year"], _mixed(customer.get("market", 0.0), market, own)
        lasts = erfc(z / sqrt(2)) / 2
        if rate == 0 or lasts == 0:
            return self.T
        return min(self.T, floor(log(lasts) / log(1 - rate) * 12 / self.months))

    def year(self, t: int) -> int:
        """Return the year of a period."""
        return t * self.months // 12

    def size(self, build: str) -> float:
        """Return MW or chips of a unit."""
        b = self.builds[build]
        if b["kind"] == "chips":
            return float(b.get("domains", 1) * self.data["domains"][b["domain"]]["chips"])
        return float(b["it_mw"] if b["kind"] == "hall" else b["cap_mw"])

    def price(self, build: str, o: int, future: Future | None) -> int:
        """Return the price of a unit ordered in a period [nano-USD]; planned without a future."""
        b = self.builds[build]
        planned = nano(self.over(b["cost_usd"], "mean")[o] * self.size(build))
        return future.moved(planned, b.get("cost_driver"), o) if future else planned

    def resale(self, build: str, t: int, future: Future) -> int:
        """Return what a unit is sold for [nano-USD]."""
        b = self.builds[build]
        each = nano(self.over(b.get("resale_usd", 0.0), "mean")[t] * self.size(build))
        return future.moved(each, b.get("resale_driver"), t)

    def serving(self, who: Data) -> list[str]:
        """Return the sites that may serve a segment or a contract."""
        if "site" in who:
            return [who["site"]]
        return [
            s
            for s in self.sites
            if (who.get("sites") is None or s in who["sites"])
            and (
                who.get("countries") is None or self.data["sites"][s]["country"] in who["countries"]
            )
        ]

    def domain(self, kind: str) -> tuple[int, int]:
        """Return draw [W] and compute [micro] of a scale-up domain."""
        d = self.data["domains"][kind]
        chip = self.data["chips"][d["chip"]]
        per_chip = self.x.get("compute", {}).get(d["chip"], 0.0)
        return demand_w(d["chips"] * chip["training_kw"]), ppm(d["chips"] * per_chip)

    def span(self, contract: Data) -> tuple[int, int]:
        """Return the periods [first, end) of a contract within the horizon."""
        first = self.down(contract["start"])
        return first, min(self.T, first + contract["periods"])

    def amount(self, c: Data) -> int:
        """Return W of IT, or micro, of a contract."""
        return (
            demand_w(c["it_mw"] * 1000) if c["kind"] == "lease" else ceil(c["units"] * 1e6 - 1e-6)
        )

    def rents(self, c: Data) -> dict[int, int]:
        """Return the rent in its periods [nano-USD per MW and year, or unit and hour]."""
        first, end = self.span(c)
        each = c["usd_per_mw_year" if c["kind"] == "lease" else "usd_per_unit_hour"]
        out = {}
        for t in range(first, end):
            if t > first and (t - first) * self.months % 12 == 0:
                each *= 1 + c.get("escalator_per_year", 0.0)
            out[t] = nano(each)
        return out

    def penalty(self, c: Data) -> int:
        """Return the penalty for what is missing, in the unit of the rent."""
        unit = "mw_year" if c["kind"] == "lease" else "unit_hour"
        return nano(c.get(f"penalty_usd_per_{unit}", 0.0))
