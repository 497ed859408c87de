"""A stranger's verifier of plans of `expand`: MODEL section 8, from its text alone.

It shares no code with the package and reads JSON files. Everything is integers and fractions; it
says what a plan brings in each future, its flows and debt, and which rules it breaks.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING

from stranger_growth_flows import CENT, Flows, Path
from stranger_growth_site import Operation
from stranger_growth_storage import keeps_storage
from stranger_growth_world import BIO, MIO, GrowthWorld, ppm_down

if TYPE_CHECKING:
    from stranger_series import Data


@dataclass
class Said:
    """What the stranger finds: cents, by future or period, and the rules that are broken."""

    values: list[int]
    capital: list[int]
    expected: int
    tail: int
    worst: int
    total: int
    flow: list[int]
    operating: list[int]
    capex: list[int]
    debt: list[int]
    broken: set[str]


def verify(data: Data, plan: Data) -> Said:
    """Return what a plan file means; of one that breaks `lead_time` nothing but the rules."""
    w = GrowthWorld(data, plan.get("drawn", 0), plan.get("seed", 0))
    paths = [_path(plan, {name for _, name in f.nodes}) for f in w.futures]
    for name, path in zip(w.names, paths, strict=True):
        for x in plan.get("cycles", ()):
            if x["future"] == name and w.builds.get(x["build"], {}).get("storage"):
                key = x["build"], x["site"], x["period"]
                path.cycles[key] = (x["charge_w"], x["discharge_w"])
    broken = _steps(w, paths) | _apart(w, plan, paths)
    if "lead_time" in broken:
        return Said([], [], 0, 0, 0, 0, [], [], [], [], broken)
    operation = Operation(w)
    flows = [Flows(w, operation, p, f) for p, f in zip(paths, w.futures, strict=True)]
    broken |= {"storage"} if not keeps_storage(w, plan, flows) else set()
    odds = [f.ppb for f in w.futures]
    flow, operating, capex = (
        [
            sum((p * x for p, x in zip(odds, row, strict=True)), Fraction(0)) / (BIO * CENT)
            for row in zip(*rows, strict=True)
        ]
        for rows in ([f.all for f in flows], [f.operating for f in flows], [f.capex for f in flows])
    )
    said = Said(
        *_worth(plan.get("objective", {}), flows, odds),
        flow=[floor(x) for x in flow],
        operating=[floor(x) for x in operating],
        capex=[ceil(x) for x in capex],
        debt=[],
        broken=broken,
    )
    said.debt, unpaid = _money(w, said)
    said.broken |= unpaid
    return said


def _worth(
    asked: Data, flows: list[Flows], odds: list[int]
) -> tuple[list[int], list[int], int, int, int, int]:
    """Return values, capital aside, mean, tail, the worst, and the objective [cents]."""
    values = [floor(f.value / CENT + Fraction(1, 2)) for f in flows]
    aside = [0 for _ in flows]
    if asked.get("goal") == "cvar" and asked.get("risk") == "operation":
        aside = [floor(f.capital / CENT + Fraction(1, 2)) for f in flows]
    share = Fraction((asked.get("alpha_ppm") or 100_000) * BIO, MIO)
    mean, tail = _mean(values, odds), _tail(values, odds, share)
    total, weight = mean, asked.get("weight_ppm", 0)
    if asked.get("goal") == "cvar":
        earned = [v - k for v, k in zip(values, aside, strict=True)]
        risk = _tail(earned, odds, share) + _mean(aside, odds)
        total = ((MIO - weight) * mean + weight * risk) / MIO
    elif asked.get("goal") == "worst":
        total = Fraction(min(values))
    elif asked.get("goal") == "regret":
        total = Fraction(-max(b - v for b, v in zip(asked["best"], values, strict=True)))
    capital = aside if asked.get("risk") == "operation" else []
    return values, capital, floor(mean), floor(tail), min(values), floor(total)


def _mean(values: list[int], odds: list[int]) -> Fraction:
    return Fraction(sum(p * v for p, v in zip(odds, values, strict=True)), BIO)


def _tail(values: list[int], odds: list[int], left: Fraction) -> Fraction:
    share, total = left, Fraction(0)
    for value, p in sorted(zip(values, odds, strict=True)):
        part = left if left < p else Fraction(p)
        total, left = total + part * value / share, left - part
    return total


def told(data: Data, name: str) -> Data:
    """Return a named plan of an instance in the form of a plan file."""
    w, named = GrowthWorld(data), data["expand"]["plans"][name]
    rows = {
        what: [
            {k: o[k] for k in ("build", "site", "units")} | {"period": w.down(o["at"])}
            for o in named.get(what, ())
        ]
        for what in ("orders", "retirements")
    }
    signed = [n for n, c in data["expand"].get("contracts", {}).items() if c.get("is_signed")]
    more = [n for n in named.get("contracts", ()) if n not in signed]
    return {**rows, "contracts": signed + more, "nodes": []}


def _path(plan: Data, at: set[str]) -> Path:
    path = Path()
    for part in [plan, *(n for n in plan["nodes"] if n["node"] in at)]:
        for what, rows in (("orders", path.orders), ("retirements", path.retired)):
            for o in part[what]:
                rows[o["build"], o["site"], o["period"]] += o["units"]
        twice = path.signed & set(part["contracts"])
        path.is_signed_twice |= bool(twice) or len(set(part["contracts"])) < len(part["contracts"])
        path.signed |= set(part["contracts"])
    return path


def _steps(w: GrowthWorld, paths: list[Path]) -> set[str]:
    """Return the rules of orders, retirements and contracts that a path breaks."""
    broken = set()
    for path, f in zip(paths, w.futures, strict=True):
        broken |= {"lead_time"} if any(not _in_time(w, *o) for o in path.orders) else set()
        broken |= {"supply"} if _too_many(w, path) else set()
        for build, site, t in path.retired:
            late = f.delays.get(build, 0) + w.builds[build].get("lead_periods", 0)
            came = _count(path.orders, build, site, t - late)
            gone = _count(path.retired, build, site, t)
            if gone > came or not w.builds[build].get("may_retire", False):
                broken.add("retirement")
        known = w.x.get("contracts", {})
        must = {n for n, c in known.items() if c.get("is_signed")}
        if must - path.signed or path.signed - set(known) or path.is_signed_twice:
            broken.add("contract")
    return broken


def _count(rows: dict[tuple[str, str, int], int], build: str, site: str, until: int) -> int:
    return sum(n for (b, s, t), n in rows.items() if (b, s) == (build, site) and t <= until)


def _in_time(w: GrowthWorld, build: str, site: str, o: int) -> bool:
    b = w.builds[build]
    first = 0 if b.get("first") is None else w.up(b["first"])
    last = w.T if b.get("last") is None else w.down(b["last"])
    return site in b["sites"] and first <= o <= last and o + b.get("lead_periods", 0) < w.T


def _too_many(w: GrowthWorld, path: Path) -> bool:
    total: dict[str, int] = defaultdict(int)
    period: dict[tuple[str, int], int] = defaultdict(int)
    chips: dict[str, list[int]] = defaultdict(lambda: [0] * w.T)
    for (build, _, o), n in path.orders.items():
        b = w.builds[build]
        total[build] += n
        period[build, o] += n
        if b["kind"] == "chips":
            row = chips[w.data["domains"][b["domain"]]["chip"]]
            for t in range(o + b.get("lead_periods", 0), w.T):
                row[t] += n * round(w.size(build))
    over = any(n > w.builds[b]["max_units"] for b, n in total.items())
    over |= any(n > (w.builds[b].get("max_per_period") or n) for (b, _), n in period.items())
    for chip, most in w.x.get("supply_chips", {}).items():
        limit = [floor(x + 1e-6) for x in w.over(most, "min")]
        over |= any(n > m for n, m in zip(chips[chip], limit, strict=True))
    return over


def _apart(w: GrowthWorld, plan: Data, paths: list[Path]) -> set[str]:
    """Return `nonanticipativity` if futures at one node differ in what is decided then."""
    if {n["node"] for n in plan["nodes"]} - {name for f in w.futures for _, name in f.nodes}:
        return {"nonanticipativity"}
    signing = {
        n: w.down(c["signing"]) if c.get("signing") is not None else 0
        for n, c in w.x.get("contracts", {}).items()
    }
    for t in range(w.T):
        seen: dict[str, object] = {}
        for path, f in zip(paths, w.futures, strict=True):
            now = (
                sorted((k, n) for k, n in path.orders.items() if k[2] == t),
                sorted((k, n) for k, n in path.retired.items() if k[2] == t),
                sorted(c for c in path.signed if signing[c] == t),
            )
            if seen.setdefault(f.at(t), now) != now:
                return {"nonanticipativity"}
    return set()


def _money(w: GrowthWorld, said: Said) -> tuple[list[int], set[str]]:
    """Return the debt by period [cents] and the rules of money that are broken."""
    fin = w.x.get("finance")
    if fin is None:
        return [], set()
    broken: set[str] = set()
    path: list[int] = []
    equity = [_cents(x) for x in w.over(fin.get("equity_usd", 0.0), "min")]
    least = [_cents_up(x) for x in w.over(fin.get("least_cash_usd", 0.0), "max")]
    rate = ceil(fin.get("interest_per_year", 0.0) * 1e6 - 1e-6)
    share, cover = ppm_down(fin.get("loan_to_cost", 0.0)), fin.get("coverage")
    cash, debt = _cents(fin.get("cash_usd", 0.0)), 0
    for t in range(w.T):
        interest = ceil(Fraction(debt * rate * w.days[t], 365 * MIO))
        c = cash + equity[t] + said.flow[t] - interest
        after = max(0, debt + least[t] - c)
        cash, debt = c + after - debt, after
        path.append(debt)
        if debt > _cents(fin.get("debt_usd", 0.0)):
            broken.add("cash")
        if debt > share * sum(said.capex[: t + 1]) // MIO:
            broken.add("loan_to_cost")
        is_tested = cover is not None and t >= fin.get("coverage_from", 0) and interest > 0
        if is_tested and 1000 * said.operating[t] < ceil(cover * 1000 - 1e-6) * interest:
            broken.add("coverage")
    limits = fin.get("capex_usd_per_year")
    for year in range(w.year(w.T - 1) + 1) if limits else ():
        spent = sum(said.capex[t] for t in range(w.T) if w.year(t) == year)
        if spent > _cents(limits[min(year, len(limits) - 1)]):
            broken.add("capex_budget")
    if fin.get("capex_usd") is not None and sum(said.capex) > _cents(fin["capex_usd"]):
        broken.add("capex_budget")
    return path, broken


def _cents(usd: float) -> int:
    return floor(usd * 100 + 1e-6)


def _cents_up(usd: float) -> int:
    return ceil(usd * 100 - 1e-6)
