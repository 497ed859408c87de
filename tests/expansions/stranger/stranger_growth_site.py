"""What the sites of an expansion give and serve in one future, period and block, exactly."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil

from stranger_growth_world import MIO, Future, GrowthWorld, cap_w, moved, ppm, ppm_down
from stranger_series import Data, demand_w, nano

Steps = list[tuple[Fraction, Fraction]]
"""Compute [micro] and what a unit and hour of it costs [nano-USD], cheapest first."""


Cycles = dict[tuple[str, str, int], tuple[list[int], list[int]]]
"""What batteries of a build at a site do in a period: charged, and given, by block [W]."""


@dataclass
class Stand:
    """Units in service of a build at a site by age, in a period."""

    ages: dict[int, int] = field(default_factory=dict)

    @property
    def units(self) -> int:
        """All units."""
        return sum(self.ages.values())


class Ground:
    """What a site has in a period besides builds, as whole numbers."""

    def __init__(self, world: GrowthWorld, site: str) -> None:
        data, w = world.data["sites"][site], world
        ground = w.x["sites"][site]
        self.pue = [ceil(x * 1000 - 1e-6) for x in w.over(data["pue"], "max")]
        self.other = [demand_w(x * 1000) for x in w.over(data.get("other_load_mw", 0.0), "max")]
        self.hall = [cap_w(x) for x in w.over(ground.get("hall_mw", 0.0), "min")]
        self.driver = ground.get("energy_driver")
        self.supplies = [self._supply(w, s) for s in data.get("supplies", {}).values()]
        self.pools: list[tuple[str, list[int]]] = []
        for pool in w.data.get("pools", {}).values():
            if pool["site"] == site:
                count = [int(x + 1e-6) for x in w.over(pool["count"], "min")]
                usable = [max(0, n - pool.get("spares", 0)) for n in count]
                self.pools.append((pool["domain"], usable))

    @staticmethod
    def _supply(w: GrowthWorld, s: Data) -> tuple[list[int], list[int], list[int]]:
        cap = [cap_w(x) for x in w.over(s["cap_mw"], "min")]
        for call in s.get("calls", ()):
            for t in range(max(0, w.down(call["from"])), min(w.T, w.up(call["until"]))):
                cap[t] = min(cap[t], cap_w(call["cap_mw"]))
        price = [nano(x) for x in w.over(s["price_usd_per_mwh"], "mean")]
        per_kg = w.data.get("carbon_usd_per_kg", 0.0)
        carbon = [nano(x * per_kg) for x in w.over(s.get("carbon_kg_per_mwh", 0.0), "mean")]
        return cap, price, carbon


class Operation:
    """Operation of all sites in one future, given what is in service."""

    def __init__(self, world: GrowthWorld) -> None:
        self.w = world
        self.grounds = {s: Ground(world, s) for s in world.sites}
        self.permits = {
            k: [cap_w(x) for x in world.over(p["cap_mw"], "min")]
            for k, p in world.x.get("permits", {}).items()
        }

    def _unit_w(self, build: Data, age: int, b: int) -> int:
        ramp, there = build.get("ramp", ()), build.get("availability")
        share = ppm_down(ramp[age]) if age < len(ramp) else MIO
        given = cap_w(build["cap_mw"]) * share // MIO
        return given * (ppm_down(there[b]) if there else MIO) // MIO

    def _offered(
        self, site: str, stands: dict[str, Stand], f: Future, t: int, b: int, cycles: Cycles
    ) -> list[tuple[int, int, int, str | None, int]]:
        """Return what sources can give: W, cost, its part for carbon, permit, share taken."""
        ground, factor = self.grounds[site], self.w.blocks[b]["energy"]
        found: list[tuple[int, int, int, str | None, int]] = []
        for cap, prices, carbons in ground.supplies:
            e = moved(f.moved(prices[t], ground.driver, t), factor) + carbons[t]
            found.append((cap[t], e, carbons[t], None, 0))
        for name, stand in stands.items():
            build = self.w.builds[name]
            if build["kind"] in ("hall", "chips"):
                continue
            watts = sum(n * self._unit_w(build, age, b) for age, n in stand.ages.items())
            if build.get("storage"):
                watts = cycles[name, site, t][1][b] if (name, site, t) in cycles else 0
            price = nano(self.w.over(build["price_usd_per_mwh"], "mean")[t])
            per_kg = self.w.data.get("carbon_usd_per_kg", 0.0)
            carbon = nano(build.get("carbon_kg_per_mwh", 0.0) * per_kg)
            e = moved(f.moved(price, build.get("energy_driver"), t), factor) + carbon
            share = ppm(build.get("take_or_pay", 0.0))
            found.append((watts, e, carbon, build.get("permit"), share))
        return found

    def energy(
        self, site: str, stands: dict[str, Stand], f: Future, t: int, b: int, cycles: Cycles
    ) -> tuple[list[list[int]], int]:
        """Return [W, nano-USD a MWh] cheapest first, and what is paid in any case [W x nano]."""
        offered = self._offered(site, stands, f, t, b, cycles)
        left = {
            k: f.moved(cap[t], self.w.x["permits"][k].get("driver"), t)
            for k, cap in self.permits.items()
        }
        parts, anyway = [], 0
        for i, (watts, e, carbon_usd, permit, share) in enumerate(offered):
            taken = watts * share // MIO
            anyway += taken * (e - carbon_usd)
            parts += [(carbon_usd, i, 0, taken, permit), (e, i, 1, watts - taken, permit)]
        out = []
        for cost, _, _, watts, permit in sorted(parts, key=lambda p: p[:3]):
            given = watts if permit is None else min(watts, left[permit])
            if permit is not None:
                left[permit] -= given
            out.append([given, cost])
        return out, anyway

    def load(self, site: str, t: int, b: int, cycles: Cycles) -> int:
        """Return what comes before chips: other load, and what batteries are charged with [W]."""
        own = [
            charge[b] for (_, at, when), (charge, _) in cycles.items() if (at, when) == (site, t)
        ]
        return self.grounds[site].other[t] + sum(own)

    def site(
        self, site: str, stands: dict[str, Stand], f: Future, t: int, b: int, cycles: Cycles
    ) -> tuple[Steps, Fraction, Fraction]:
        """Return the steps of compute, energy paid anyway [nano-USD an hour], and W for leases."""
        ground = self.grounds[site]
        energy, anyway = self.energy(site, stands, f, t, b, cycles)
        need, spent = self.load(site, t, b, cycles), anyway
        for part in energy:
            used = min(need, part[0])
            part[0] -= used
            need -= used
            spent += used * part[1]
        paid = Fraction(spent, MIO)
        if need:
            return [], paid, Fraction(0)
        hall = Fraction(ground.hall[t])
        for name, stand in stands.items():
            if self.w.builds[name]["kind"] == "hall":
                hall += stand.units * cap_w(self.w.builds[name]["it_mw"])
        pue = ground.pue[t]
        reach = min(hall, Fraction(sum(part[0] for part in energy) * 1000, pue))
        return self._steps(site, stands, hall, energy, t), paid, reach

    def _kinds(self, site: str, stands: dict[str, Stand], t: int) -> list[tuple[int, int, int]]:
        found = [(n[t], *self.w.domain(kind)) for kind, n in self.grounds[site].pools]
        for name, stand in stands.items():
            build = self.w.builds[name]
            if build["kind"] == "chips":
                domains = stand.units * build.get("domains", 1)
                found.append((domains, *self.w.domain(build["domain"])))
        return sorted((k for k in found if k[0] and k[2]), key=lambda k: Fraction(-k[2], k[1]))

    def _steps(
        self,
        site: str,
        stands: dict[str, Stand],
        hall: Fraction,
        energy: list[list[int]],
        t: int,
    ) -> Steps:
        pue = self.grounds[site].pue[t]
        room, parts = hall, [(Fraction(w * 1000, pue), cost) for w, cost in energy if w]
        out: Steps = []
        for domains, draw, micro in self._kinds(site, stands, t):
            want = min(Fraction(domains * draw), room)
            room -= want
            while want > 0 and parts:
                watts, cost = parts[0]
                used = min(watts, want)
                want -= used
                parts[0] = (watts - used, cost)
                if parts[0][0] == 0:
                    parts.pop(0)
                out.append((used * micro / draw, Fraction(cost * pue * draw, 1000 * micro)))
            room += want  # what has no energy leaves its room, though nobody can use it
        return out
