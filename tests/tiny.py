"""Tiny random instances with every feature of `place`, small enough for brute force.

`tiny(seed)` returns instance data as JSON would give it. Power and chips are scarce, and values are
of the order of what energy and chips cost, so that most instances cannot place every job.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

Data = dict[str, Any]

_CHIPS: Data = {
    "h8": {
        "hbm_gb": 80,
        "nameplate_kw": 1.5,
        "training_kw": 1.2317,
        "idle_kw": 0.21,
        "power_levels": {
            "low": {"draw_share": 0.6, "speed_share": 0.8},
            "mid": {"draw_share": 0.83, "speed_share": 0.95},
        },
        "cooling": ["air"],
    },
    "g72": {
        "hbm_gb": 192,
        "nameplate_kw": 2.1,
        "training_kw": 1.9003,
        "power_levels": {"low": {"draw_share": 0.7, "speed_share": 0.85}},
        "cooling": ["liquid"],
    },
}
_DOMAINS: Data = {
    "server8": {"chip": "h8", "chips": 8, "slice_chips": [1, 2, 4]},
    "rack72": {"chip": "g72", "chips": 72, "slice_chips": [8, 16, 18, 36, 64]},
}
_RACK_RATES = ((72, 72, 21.0), (36, 36, 10.1), (64, 64, 18.3), (8, 8, 2.2), (18, 18, 5.0))
_START = "2026-03-01T00:00:00Z"


class _Maker:
    """Draws one instance; every `add_` method adds what its name says."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.periods = int(self.rng.integers(3, 7))
        self.hours = float(self.rng.choice([1.0, 4.0, 24.0]))
        self.data: Data = {
            "schema": "fleetwatt/instance/1",
            "name": f"tiny-{seed}",
            "horizon": {
                "start": _START,
                "periods": self.periods,
                "period_hours": self.hours,
            },
            "chips": _CHIPS,
            "domains": _DOMAINS,
            "workloads": self._workloads(),
            "sites": {},
            "pools": {},
            "tenants": {},
            "budgets": {},
            "jobs": [],
        }
        self.busy: dict[str, int] = {}  # domains that running jobs hold, the lowest ids of a pool
        self.most: dict[str, float] = {}  # chips of a pool at its fullest

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def pick(self, among: Any) -> Any:
        return among[int(self.rng.integers(len(among)))]

    def moment(self, periods: float) -> float | str:
        """Return a moment so many periods after the start, as hours or as a date."""
        hours = round(periods * self.hours, 2)
        if hours == int(hours) and hours >= 0 and self.chance(0.3):
            day, hour = divmod(int(hours), 24)
            return f"2026-03-{day + 1:02d}T{hour:02d}:00:00Z"
        return hours

    def series(self, low: float, high: float, digits: int = 1) -> Any:
        """Return a number, T numbers, or steps, one of them inside a period."""
        draw = [round(float(x), digits) for x in self.rng.uniform(low, high, self.periods)]
        kind = self.pick(["constant", "constant", "numbers", "steps"])
        if kind == "constant":
            return draw[0]
        if kind == "numbers":
            return draw
        at = float(self.rng.integers(1, self.periods)) + self.pick([0.0, 0.5, 0.25])
        first: Data = {"value": draw[0]}
        if self.chance(0.5):
            first["from"] = self.moment(0.0)
        return [first, {"from": self.moment(at), "value": draw[1]}]

    def _workloads(self) -> Data:
        scale = self.pick([1.0, 1.0, 0.7])
        rates = [
            {"chip": "h8", "slice_chips": s, "chips": n, "work_per_hour": round(scale * w, 4)}
            for s, n, w in ((8, 8, 1.0), (8, 24, 2.7), (4, 4, 0.48), (2, 2, 0.23), (1, 3, 0.31))
        ]
        for row in list(rates):
            rates.append(row | {"domain": "server8", "work_per_hour": row["work_per_hour"] * 1.1})
        rates += [
            {"chip": "g72", "domain": "rack72", "slice_chips": s, "chips": n, "work_per_hour": w}
            for s, n, w in _RACK_RATES
        ]
        base: Data = {"unit": "units", "scaling_exponent": 0.9, "rates": rates}
        steps = [{"chips": 16, "share": 0.97}, {"chips": 72, "share": 0.93}]
        big = base | {"min_hbm_gb": 100.0, "goodput": steps}
        return {"plain": base, "big": big}

    def add_sites(self) -> None:
        for s in range(1 + self.chance(0.5)):
            site: Data = {
                "country": self.pick(["US", "DE"]),
                "owner": self.pick(["own", "rented"]),
                "pue": self.series(1.08, 1.4, 3),
                "supplies": {},
            }
            if self.chance(0.4):
                site["other_load_mw"] = self.series(0.001, 0.02, 4)
            self.data["sites"][f"s{s}"] = site

    def add_pools(self) -> None:
        for p in range(int(self.rng.integers(1, 4))):
            kind = self.pick(["server8", "server8", "rack72", "none"])
            chip = "g72" if kind == "rack72" else "h8"
            site = f"s{p % len(self.data['sites'])}"
            n = {"server8": 4, "rack72": 2, "none": 30}[kind] + int(self.rng.integers(0, 2))
            pool: Data = {"site": site, "chip": chip, "count": n}
            if kind != "none":
                pool["domain"] = kind
            size = _DOMAINS[kind]["chips"] if kind != "none" else 1
            self._deliveries(pool, n)
            if self.chance(0.25):
                pool["spares"] = 1
            if kind != "none" and self.chance(0.3):
                first = float(self.rng.integers(0, self.periods)) + self.pick([0.0, 0.5])
                span = {"from": self.moment(first), "until": self.moment(first + 1.5)}
                pool["maintenance"] = [{"domains": [[1, 1]], **span}]
            self.most[f"p{p}"] = n * size
            self.busy[f"p{p}"] = 0
            self.data["pools"][f"p{p}"] = pool
        for s in range(len(self.data["sites"])):  # no site without a pool
            if all(pool["site"] != f"s{s}" for pool in self.data["pools"].values()):
                del self.data["sites"][f"s{s}"]

    def _deliveries(self, pool: Data, n: int) -> None:
        """Let a pool grow, or now and then shrink."""
        at = float(self.rng.integers(1, self.periods)) + self.pick([0.0, 0.5])
        less = int(self.rng.integers(n // 4, n))
        if self.chance(0.3):
            pool["count"] = [{"value": less}, {"from": self.moment(at), "value": n}]
        elif self.chance(0.1):
            pool["count"] = [{"value": n}, {"from": self.moment(at), "value": less}]

    def add_tenants_and_budgets(self) -> None:
        for name in ("a", "b"):
            self.data["tenants"][name] = {}
            if self.chance(0.3):
                quota = int(self.pick([8, 12, 16, 24, 72, 80]))
                self.data["tenants"][name]["quota_chips"] = quota
        if self.chance(0.3):
            limit = round(float(self.rng.uniform(20, 150)) * self.hours, 1)
            self.data["budgets"]["hours"] = {"limit": limit, "chip_hours_of": ["a"]}
        if self.chance(0.3):
            limit = round(float(self.rng.uniform(1, 12)), 2)
            self.data["budgets"]["tokens"] = {"limit": limit, "unit": "Gtok"}

    def _running(self) -> None:
        """Start with a job that runs already, on the lowest ids, where these are free."""
        name = self.pick(list(self.data["pools"]))
        pool = self.data["pools"][name]
        size = _DOMAINS[pool["domain"]]["chips"] if "domain" in pool else 8
        few = pool["count"][0]["value"] if isinstance(pool["count"], list) else pool["count"]
        if isinstance(pool["count"], list):
            few = min(few, pool["count"][1]["value"])
        if few - pool.get("spares", 0) < (1 if "domain" in pool else 8):
            return
        part: Data = {"pool": name, "slice_chips": size, "slices": 1}
        if "domain" in pool:
            part["domains"] = [[0, 0]]
        running: Data = {"parts": [part], "periods_left": int(self.rng.integers(1, 3))}
        if self.chance(0.3):
            running["power_level"] = "low"
        if self.chance(0.4):
            running |= {"pauses_at_calls": True, "restart_usd": 7.25}
        value = self._value(size, running["periods_left"], pool["chip"])
        job: Data = {"id": "r", "value_usd": value, "running": running}
        if self.chance(0.3):
            job |= {"due": self.hours, "late_usd_per_hour": 3.5}
        self.data["jobs"].append(job)
        self.busy[name] = size

    def _value(self, chips: int, periods: float, chip: str) -> float:
        """Return a value of the order of what power and chips cost."""
        kw: float = chips * _CHIPS[chip]["training_kw"]
        energy = kw / 1000 * periods * self.hours * 80 * 1.25
        rent = float(self.rng.uniform(0.2, 1.5)) * energy
        return round(energy * float(self.rng.uniform(0.5, 2.0)) + rent, 2)

    def add_jobs(self) -> None:
        if self.chance(0.3):
            self._running()
        for j in range(int(self.rng.integers(3, 7))):
            job = self._job(f"j{j}")
            if j and self.chance(0.25):
                job["predecessors"] = [f"j{int(self.rng.integers(j))}"]
            self.data["jobs"].append(job)

    def _job(self, name: str) -> Data:
        pool = self.data["pools"][self.pick(list(self.data["pools"]))]
        sizes = {
            "server8": [(8, 8), (8, 16), (8, 24), (4, 4), (4, 12), (2, 6), (1, 3)],
            "rack72": [(72, 72), (36, 36), (36, 108), (64, 64), (8, 24), (18, 54)],
            None: [(8, 8), (8, 16), (4, 12), (2, 10), (1, 7)],
        }[pool.get("domain")]
        slice_chips, chips = self._held(self.pick(sizes), pool)
        speed = {8: 1.0, 4: 0.48, 2: 0.23, 1: 0.1}.get(slice_chips, slice_chips * 0.28)
        if pool["chip"] == "g72":
            speed = slice_chips * 0.28
        wanted = float(self.rng.uniform(0.4, 2.6))
        work = wanted * self.hours * speed * (chips / slice_chips)
        job: Data = {
            "id": name,
            "workload": "big" if pool["chip"] == "g72" and self.chance(0.5) else "plain",
            "work": round(work, 3),
            "gangs": [self._gang(slice_chips, chips)],
            "value_usd": self._value(chips, wanted, pool["chip"]),
        }
        if self.chance(0.25):
            self._explicit(job, pool["chip"])
        self._conditions(job)
        return job

    def _held(self, size: tuple[int, int], pool: Data) -> tuple[int, int]:
        """Return slice and gang, cut to what the pool can ever hold."""
        count = pool["count"]
        most = max(x["value"] for x in count) if isinstance(count, list) else count
        most -= pool.get("spares", 0)
        most *= _DOMAINS[pool["domain"]]["chips"] if "domain" in pool else 1
        slice_chips, chips = size
        return slice_chips, min(chips, most // slice_chips * slice_chips)

    def _gang(self, slice_chips: int, chips: int) -> Data:
        gang: Data = {"chips": chips, "slice_chips": slice_chips}
        kind = self.pick(["full", "full", "all", "low"])
        if kind != "all":
            gang["power_levels"] = ["full"] if kind == "full" else ["low", "full"]
        if self.chance(0.35):
            restart = round(float(self.rng.uniform(0, 3)), 2)
            gang |= {"pauses_at_calls": True, "restart_usd": restart}
        if self.chance(0.3):
            gang["one_off_usd"] = round(float(self.rng.uniform(0, 2)), 3)
        if "tokens" in self.data["budgets"] and self.chance(0.7):
            gang["uses"] = {"tokens": round(float(self.rng.uniform(0.5, 5)), 4)}
        return gang

    def _explicit(self, job: Data, chip: str) -> None:
        """Add a mode that is given, over two pools of the chip where there are two."""
        names = [n for n, pool in self.data["pools"].items() if pool["chip"] == chip][:2]
        size = 36 if chip == "g72" else 4
        parts: list[Data] = [{"pool": name, "slice_chips": size, "slices": 1} for name in names]
        if self.chance(0.5):
            parts[0]["draw_kw"] = round(size * _CHIPS[chip]["nameplate_kw"] * 0.9, 4)
        hours = round(self.hours * float(self.rng.uniform(0.5, 2)), 2)
        mode: Data = {"parts": parts, "hours": hours}
        if len({self.data["pools"][name]["site"] for name in names}) > 1:
            mode["link"] = "fibre"
        if self.chance(0.4):
            mode |= {"pauses_at_calls": True, "restart_usd": 0.5}
        if "tokens" in self.data["budgets"]:
            mode["uses"] = {"tokens": 0.75}
        job["modes"] = [mode]

    def _conditions(self, job: Data) -> None:
        """Add dates, tenant, residency, data, must."""
        if self.chance(0.6):
            job["tenant"] = self.pick(["a", "b"])
        if self.chance(0.3):
            job["release"] = self.moment(self.pick([0.5, 1.0, 1.25]))
        if self.chance(0.3):
            job["deadline"] = self.moment(self.periods - self.pick([0.5, 1.0, 0.0]))
        if self.chance(0.35):
            job["due"] = self.moment(self.pick([1.5, 2.0, 2.75]))
            late = job["value_usd"] / self.hours * float(self.rng.uniform(0.05, 0.5))
            job["late_usd_per_hour"] = round(late, 4)
        if self.chance(0.12):
            job["countries"] = self.pick([["US"], ["DE", "FR"]])
        if self.chance(0.08):
            job["owners"] = ["own"]
        if self.chance(0.25):
            site = self.pick(list(self.data["sites"]))
            cost = round(float(self.rng.uniform(0, 0.3)) * job["value_usd"], 2)
            job["data"] = [{"site": site, "cost_usd": cost, "ready": self.moment(0.5)}]
        if self.chance(0.04):
            job["must"] = True

    def add_supplies(self) -> None:
        """Give each site a share of the power that all its chips would draw."""
        for name, site in self.data["sites"].items():
            fixed, full = self._load_mw(name)
            split = self.chance(0.6)
            share = self.rng.uniform(0.9, 1.3) if self.chance(0.4) else self.rng.uniform(0.25, 0.8)
            cap = fixed + float(share) * (full - fixed)
            grid: Data = {"kind": "grid", "cap_mw": round(cap, 5)}
            grid["price_usd_per_mwh"] = self.series(40, 110, 2)
            if self.chance(0.4):
                self._call(grid, fixed)
            site["supplies"]["grid"] = grid
            if self.chance(0.3):
                more = {"from": self.moment(1.5), "value": round(cap * 1.2, 5)}
                grid["cap_mw"] = [{"value": round(cap, 5)}, more]
            if split:
                self._second(site, cap - fixed)
        if self.chance(0.3):
            self.data["carbon_usd_per_kg"] = 0.05

    def _call(self, grid: Data, fixed: float) -> None:
        first = float(self.rng.integers(0, self.periods)) + self.pick([0.0, 0.5])
        cap = round(fixed * float(self.rng.uniform(1.02, 1.3)) + 0.002, 5)
        span = {"from": self.moment(first), "until": self.moment(first + self.pick([0.5, 1.0]))}
        grid["calls"] = [{**span, "cap_mw": cap, "notice_minutes": 30}]

    def _second(self, site: Data, spread: float) -> None:
        turbine: Data = {
            "kind": "turbine",
            "cap_mw": self.series(0.2 * spread, 0.6 * spread, 5),
            "price_usd_per_mwh": self.series(20, 180, 2),
        }
        if self.chance(0.5):
            turbine["carbon_kg_per_mwh"] = self.series(300, 500, 0)
        if self.chance(0.4):
            hours = self.periods * self.hours
            turbine["permit"] = {"run_hours": round(hours * float(self.rng.uniform(0.1, 0.6)), 1)}
            if self.chance(0.5):
                mwh = round(spread * 0.2 * hours * float(self.rng.uniform(0.1, 1)), 4)
                turbine["permit"]["mwh"] = mwh
        if self.chance(0.15):
            self._call(turbine, 0.0)
        site["supplies"]["turbine"] = turbine

    def _load_mw(self, name: str) -> tuple[float, float]:
        """Return the most that idle chips and running jobs, and that all chips, draw [MW]."""
        site = self.data["sites"][name]
        pue, other = _largest(site["pue"]), _largest(site.get("other_load_mw", 0.0))
        fixed = full = 0.0
        for key, pool in self.data["pools"].items():
            if pool["site"] == name:
                chip = _CHIPS[pool["chip"]]
                idle, busy = chip.get("idle_kw", 0.0), self.busy[key]
                fixed += self.most[key] * idle + busy * (chip["training_kw"] - idle)
                full += self.most[key] * chip["training_kw"]
        return pue * fixed / 1000 + other + 1e-4, pue * full / 1000 + other + 1e-4


def _largest(series: Any) -> float:
    if not isinstance(series, list):
        return float(series)
    return max(float(x["value"]) if isinstance(x, dict) else float(x) for x in series)


def tiny(seed: int) -> Data:
    """Return a tiny instance, the same for the same seed."""
    maker = _Maker(seed)
    maker.add_sites()
    maker.add_pools()
    maker.add_tenants_and_budgets()
    maker.add_jobs()
    maker.add_supplies()
    return maker.data


def features(data: Data) -> Counter[str]:
    """Return which features an instance has, each counted once."""
    found: set[str] = set()
    jobs, sites, pools = data["jobs"], data["sites"].values(), data["pools"].values()
    supplies = [s for site in sites for s in site["supplies"].values()]
    gangs = [g for job in jobs for g in [*job.get("gangs", ()), *job.get("modes", ())]]
    gangs += [job["running"] for job in jobs if "running" in job]
    for kind, things in (("job", jobs), ("site", sites), ("pool", pools), ("supply", supplies)):
        found |= {f"{kind}.{key}" for thing in things for key in thing}
    found |= {f"gang.{key}" for gang in gangs for key in gang}
    found |= {f"permit.{key}" for s in supplies for key in s.get("permit", ())}
    found |= {f"domain.{pool.get('domain', 'none')}" for pool in pools}
    found |= {"deliveries"} if any(isinstance(p["count"], list) for p in pools) else set()
    found |= {"two supplies"} if any(len(s["supplies"]) > 1 for s in sites) else set()
    found |= {"pue series"} if any(isinstance(s["pue"], list) for s in sites) else set()
    found |= {"two sites"} if len(sites) > 1 else set()
    found |= {"quota"} if any("quota_chips" in t for t in data["tenants"].values()) else set()
    found |= {"two-pool mode"} if any(len(g.get("parts", ())) > 1 for g in gangs) else set()
    found |= {f"budget.{name}" for name in data["budgets"]}
    found |= {"carbon price"} if "carbon_usd_per_kg" in data else set()
    found |= {"big workload"} if any(j.get("workload") == "big" for j in jobs) else set()
    return Counter(found)
