"""What flows in one future of a plan of an expansion, exactly, for the stranger."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction

from stranger_growth_site import Cycles, Operation, Stand, Steps
from stranger_growth_world import MIO, PARTS, Future, GrowthWorld, moved, ppm, ppm_down
from stranger_series import Data, nano

CENT = 10**7


@dataclass
class Path:
    """What a plan does in one future: (build, site, period) -> units, and what is signed."""

    orders: dict[tuple[str, str, int], int] = field(default_factory=lambda: defaultdict(int))
    retired: dict[tuple[str, str, int], int] = field(default_factory=lambda: defaultdict(int))
    signed: set[str] = field(default_factory=set)
    is_signed_twice: bool = False
    cycles: Cycles = field(default_factory=dict)


class Flows:
    """Flows of one future by period [nano-USD]: all, of operation, and what builds cost."""

    def __init__(self, world: GrowthWorld, operation: Operation, path: Path, f: Future) -> None:
        self.w, self.op, self.path, self.f = world, operation, path, f
        self.all = [Fraction(0)] * world.T
        self.operating = [Fraction(0)] * world.T
        self.capex = [Fraction(0)] * world.T
        self.value = self.capital = Fraction(0)
        self.stands = self._standing()
        self._builds()
        for name, contract in world.x.get("contracts", {}).items():
            if name in path.signed:
                self._paid_once(name, contract)
        for t in range(world.T):
            for b in range(len(world.blocks)):
                self._operate(t, b)

    def _flow(
        self,
        site: str,
        t: int,
        amount: Fraction | int,
        *,
        operating: bool,
        of_builds: bool = False,
    ) -> None:
        self.all[t] += amount
        value = Fraction(amount) * self.w.D[site][t] / PARTS
        self.value += value
        if operating:
            self.operating[t] += amount
        if of_builds:
            self.capital += value

    def _standing(self) -> dict[str, list[dict[str, Stand]]]:
        """Return what stands at every site in every period; the oldest are given up first."""
        w, f = self.w, self.f
        came: dict[tuple[str, str], list[list[int]]] = defaultdict(list)
        for (build, site, o), n in sorted(self.path.orders.items(), key=lambda x: x[0][2]):
            lead = w.builds[build].get("lead_periods", 0)
            came[build, site].append([o + lead + f.delays.get(build, 0), n])
        out = {s: [{b: Stand() for b in w.builds} for _ in range(w.T)] for s in w.sites}
        self.sold_at_end: dict[tuple[str, str], int] = {}
        for (build, site), cohorts in came.items():
            life = w.builds[build].get("life_periods")
            for t in range(w.T):
                gone = self.path.retired.get((build, site, t), 0)
                for cohort in cohorts:
                    if cohort[0] <= t and (life is None or t < cohort[0] + life):
                        less = min(gone, cohort[1])
                        cohort[1], gone = cohort[1] - less, gone - less
                        if cohort[1]:
                            ages = out[site][t][build].ages
                            ages[t - cohort[0]] = ages.get(t - cohort[0], 0) + cohort[1]
            ends = [n for a, n in cohorts if life is None or a + life >= w.T]
            self.sold_at_end[build, site] = sum(ends)
        return out

    def _builds(self) -> None:
        w = self.w
        for (build, site, o), n in self.path.orders.items():
            b = w.builds[build]
            each = w.price(build, o, self.f)
            first = each * ppm(b.get("paid_at_order", 1.0)) // MIO
            for t, paid in ((o, first), (o + b.get("lead_periods", 0), each - first)):
                self._flow(site, t, -n * paid, operating=False, of_builds=True)
                self.capex[t] += n * paid
        for (build, site, t), n in self.path.retired.items():
            sold = n * w.resale(build, t, self.f)
            self._flow(site, t, sold, operating=False, of_builds=True)
        for (build, site), n in self.sold_at_end.items():
            sold = n * w.resale(build, w.T - 1, self.f)
            self._flow(site, w.T - 1, sold, operating=False, of_builds=True)
        for site, rows in self.stands.items():
            for t, row in enumerate(rows):
                for build, stand in row.items():
                    fixed = w.builds[build].get("fixed_usd_per_year", 0.0)
                    each = nano(fixed * w.size(build))
                    year = Fraction(stand.units * each * w.days[t], 365)
                    self._flow(site, t, -year, operating=True, of_builds=True)

    def _full(self, c: Data, t: int) -> Fraction:
        """Return the full rent of a contract in a period [nano-USD]."""
        rent = Fraction(self.w.rents(c).get(t, 0) * self.w.amount(c), MIO)
        return rent * self.w.days[t] * (Fraction(1, 365) if c["kind"] == "lease" else 24)

    def _paid_once(self, name: str, c: Data) -> None:
        w, site = self.w, self.w.serving(c)[0]
        default = self.f.defaults.get(name, w.T)
        prepaid, backstop = (
            ppm_down(c.get(k, 0.0)) for k in ("prepayment_share", "backstop_share")
        )
        full = [self._full(c, t) for t in range(w.T)]
        signing = w.down(c["signing"]) if c.get("signing") is not None else 0
        self._flow(site, signing, sum(full, Fraction(0)) * prepaid / MIO, operating=False)
        if default < w.T:
            rest = sum(full[default:], Fraction(0)) * (MIO - prepaid) / MIO
            self._flow(site, default, rest * backstop / MIO, operating=False)
        first, end = w.span(c)
        for t in range(max(0, first), min(end, default)):
            self._flow(site, t, -full[t] * prepaid / MIO, operating=True)

    def _contracts(self, t: int, kind: str) -> list[tuple[str, Data]]:
        """Return the contracts of a kind that are signed, on and not in default."""
        found = []
        for name, c in self.w.x.get("contracts", {}).items():
            first, end = self.w.span(c)
            pays = t < self.f.defaults.get(name, self.w.T)
            if name in self.path.signed and c["kind"] == kind and first <= t < end and pays:
                found.append((name, c))
        return found

    def _operate(self, t: int, b: int) -> None:
        w = self.w
        hours = Fraction(24 * w.days[t] * w.blocks[b]["share"], MIO)
        steps: dict[str, Steps] = {}
        reach: dict[str, Fraction] = {}
        for site in w.sites:
            steps[site], anyway, reach[site] = self.op.site(
                site, self.stands[site][t], self.f, t, b, self.path.cycles
            )
            self._flow(site, t, -anyway * hours, operating=True)
        for worth, sites, want, penalty in self._wanted(t, b):
            left = Fraction(want)
            offers = [
                (step[1], i, n) for i, s in enumerate(sites) for n, step in enumerate(steps[s])
            ]
            for cost, i, n in sorted(offers):
                used = min(left, steps[sites[i]][n][0])
                if cost < worth and used:
                    steps[sites[i]][n] = (steps[sites[i]][n][0] - used, cost)
                    left -= used
                    gain = used * (worth - penalty - cost) / MIO
                    self._flow(sites[i], t, gain * hours, operating=True)
            self._flow(sites[0], t, -left * penalty / MIO * hours, operating=True)
        leases = self._contracts(t, "lease")
        worth_of = {n: w.rents(c)[t] + w.penalty(c) for n, c in leases}
        part = Fraction(w.days[t] * w.blocks[b]["share"], 365 * MIO)
        for name, c in sorted(leases, key=lambda x: -worth_of[x[0]]):
            given = min(Fraction(w.amount(c)), reach[c["site"]])
            reach[c["site"]] -= given
            rent, lacks = w.rents(c)[t], w.amount(c) - given
            paid = (given * rent - lacks * w.penalty(c)) / MIO
            self._flow(c["site"], t, paid * part, operating=True)

    def _wanted(self, t: int, b: int) -> list[tuple[int, list[str], int, int]]:
        """Return who wants compute, dearest first: worth, sites, micro, penalty."""
        w, found = self.w, []
        for s in w.x.get("demand", {}).values():
            volume = ppm(w.over(s["volume"], "mean")[t])
            volume = moved(self.f.moved(volume, s.get("volume_driver"), t), w.blocks[b]["demand"])
            price = nano(w.over(s["usd_per_unit_hour"], "mean")[t])
            found.append((self.f.moved(price, s.get("price_driver"), t), w.serving(s), volume, 0))
        for _, c in self._contracts(t, "cloud"):
            rent, penalty = w.rents(c)[t], w.penalty(c)
            found.append((rent + penalty, w.serving(c), w.amount(c), penalty))
        return sorted((x for x in found if x[1]), key=lambda x: (-x[0], len(x[1])))


__all__ = ["CENT", "Flows", "Path"]
