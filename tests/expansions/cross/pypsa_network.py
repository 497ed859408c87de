"""An expansion as a PyPSA network, written from the numbers of its file alone.

Nothing of ours is read but the file: calendar, discounts, draws and flows are worked out again. A
network has a bus for power, one for the draw of chips and one for compute at every site, and one
for every segment of demand:

Bus              Fed by                              Its modules (`p_nom_mod`)
power @ site     generators: supplies, power builds  cap_mw
IT @ site        links: halls, efficiency 1 / PUE    it_mw x PUE
compute @ site   links: chips                        draw of a unit [MW of IT]
demand           links without a limit

Orders      one component for each build, site and period of an order; `p_max_pu` is 0 before a unit
            comes, in the scenarios in which it is late for longer
Capital     price, rest of it at delivery and upkeep less resale, all discounted: MUSD per MW
Demand      a generator that takes: `p_min_pu` < 0, so that what is sold is a negative cost of
            operation, and total cost is - NPV in every scenario. With `is_load`, a load as usual,
            and what is not served costs its price: total cost is - NPV + what serving all would
            bring, `all_served` of the scenario
Take or pay `p_min_pu` = the share that is taken, beside a generator that takes power for nothing
Permit      a link from a bus of the permit's sources to the bus of power
Discount    snapshot weightings: hours x discount. With `is_rented`, periods are PyPSA's investment
            periods, weighed with years x discount, and builds have `build_year`, `lifetime` and a
            rent for every period in service

All else is refused: retirement, contracts, finance, reveals, carbon; delays of what is rented.
"""

from __future__ import annotations

from datetime import date
from itertools import pairwise, product
from typing import Any

import pytest

pypsa = pytest.importorskip("pypsa")

Data = dict[str, Any]

MUSD = 1e-6
PLENTY = 1e6
"""A capacity that is no limit [MW or units of compute]."""

KNOWN = {"sites", "builds", "permits", "compute", "demand", "drivers", "futures", "blocks"}
KNOWN_BUILD = {
    "kind", "sites", "cap_mw", "it_mw", "domain", "domains", "cost_usd", "cost_driver",
    "paid_at_order", "lead_periods", "max_units", "fixed_usd_per_year", "life_periods",
    "resale_usd", "resale_driver", "ramp", "availability", "price_usd_per_mwh", "energy_driver",
    "take_or_pay", "permit",
}  # fmt: skip


def optimum(twin: Twin, risk: tuple[float, float] | None = None) -> Any:
    """Solve the network of an instance and return it; its objective is the total cost [MUSD].

    risk: alpha and omega as PyPSA has them; None for the mean.
    """
    network = twin.network
    if risk is not None:
        network.set_risk_preference(alpha=risk[0], omega=risk[1])
    status = network.optimize(
        multi_investment_periods=twin.is_rented,
        extra_functionality=twin.limit_units,
        include_objective_constant=False,
        log_to_console=False,
        solver_options={"mip_rel_gap": 1e-10, "mip_abs_gap": 1e-9, "threads": 1},
    )
    assert status == ("ok", "optimal")
    return network


class Twin:
    """The network of an instance."""

    def __init__(self, data: Data, *, is_rented: bool = False, is_load: bool = False) -> None:
        asked = data["expand"]
        assert asked.keys() <= KNOWN
        for future in asked["futures"].values():
            assert future.keys() <= {"probability", "drivers"} | (
                set() if is_rented else {"delays"}
            )
        self.data, self.asked, self.is_rented, self.is_load = data, asked, is_rented, is_load
        self.blocks = asked.get("blocks", [{"share": 1.0}])
        self.days = quarters(data)
        self.T, self.B = len(self.days), len(self.blocks)
        (wacc,) = {s["wacc_per_year"] for s in asked["sites"].values()}
        ends = [sum(self.days[: t + 1]) for t in range(self.T)]
        self.discount = [(1 + wacc) ** (-end / 365) for end in ends]
        self.network = pypsa.Network()
        self.later: list[tuple[str, str, str, str, list[float]]] = []
        self._lay_time()
        for site in asked["sites"]:
            self._add_site(site)
        for name, build in asked["builds"].items():
            assert build.keys() <= KNOWN_BUILD, (name, build.keys() - KNOWN_BUILD)
            for site, t in product(build["sites"], range(self.T - build.get("lead_periods", 0))):
                self._add_order(name, build, site, t)
        for name, segment in asked["demand"].items():
            self._add_demand(name, segment)
        self.network.set_scenarios({w: f["probability"] for w, f in asked["futures"].items()})
        for component, attribute, name, future, row in self.later:
            self._set(component, attribute, name, future, row)

    def _lay_time(self) -> None:
        """Lay a snapshot for every block of every period."""
        n, shares = self.network, [b["share"] for b in self.blocks]
        if self.is_rented:
            n.set_snapshots(range(self.B))
            n.set_investment_periods(range(self.T))
            years = [d / 365 for d in self.days]
            n.investment_period_weightings["objective"] = [
                y * x for y, x in zip(years, self.discount, strict=True)
            ]
            n.snapshot_weightings["objective"] = [8760 * x for x in shares] * self.T
        else:
            n.set_snapshots(range(self.T * self.B))
            n.snapshot_weightings["objective"] = [
                24 * self.days[t] * self.discount[t] * x for t in range(self.T) for x in shares
            ]

    def _add_site(self, site: str) -> None:
        for bus in ("power", "it", "compute"):
            self.network.add("Bus", f"{bus}@{site}")
        for name, supply in self.data["sites"][site]["supplies"].items():
            key = f"{name}@{site}"
            self.network.add("Generator", key, bus=f"power@{site}", p_nom=supply["cap_mw"])
            driver = self.asked["sites"][site].get("energy_driver")
            self._price(key, supply["price_usd_per_mwh"], driver)
        for name, permit in self.asked.get("permits", {}).items():
            key = f"{name}@{site}"
            self.network.add("Bus", key)
            self.network.add("Link", key, bus0=key, bus1=f"power@{site}", p_nom=permit["cap_mw"])
            for w in self.asked["futures"]:
                shares = [self.factor(w, permit.get("driver"), t) for t in range(self.T)]
                self._later("links", "p_max_pu", key, w, shares)

    def _add_order(self, name: str, build: Data, site: str, t: int) -> None:
        """Add the units of a build that may be ordered at a site in a period."""
        key, unit = f"{name}@{site}/{t}", self.unit_mw(build, site)
        limits: Data = {
            "p_nom_extendable": True, "p_nom_mod": unit, "p_nom_max": unit * build["max_units"],
        }  # fmt: skip
        if self.is_rented:
            assert not build["cost_usd"] and not build.get("resale_usd")
            limits["build_year"] = t + build.get("lead_periods", 0)
            limits["lifetime"] = build.get("life_periods", self.T)
        if build["kind"] == "hall":
            ends = {"bus0": f"power@{site}", "bus1": f"it@{site}"}
            self.network.add("Link", key, **ends, **limits, efficiency=1 / self.pue(site))
        elif build["kind"] == "chips":
            ends = {"bus0": f"it@{site}", "bus1": f"compute@{site}"}
            gives = self.unit_chips(build) * self.asked["compute"][self.chip(build)]
            self.network.add("Link", key, **ends, **limits, efficiency=gives / unit)
        else:
            bus = f"{build['permit']}@{site}" if "permit" in build else f"power@{site}"
            self.network.add("Generator", key, bus=bus, **limits)
            self._price(key, build["price_usd_per_mwh"], build.get("energy_driver"))
            if "take_or_pay" in build:
                wasted = {"p_nom": PLENTY, "p_min_pu": -1, "p_max_pu": 0}
                self.network.add("Generator", f"waste of {key}", bus=bus, **wasted)
        kind = "links" if build["kind"] in ("hall", "chips") else "generators"
        for w in self.asked["futures"]:
            given = self.gives(w, name, build, t)
            self._later(kind, "p_max_pu", key, w, given)
            if "take_or_pay" in build:
                taken = [x * build["take_or_pay"] for x in given]
                self._later(kind, "p_min_pu", key, w, taken)
            capital = self.capital(w, name, build, t) / unit
            self.later.append((kind, "capital_cost", key, w, [capital]))

    def _add_demand(self, name: str, segment: Data) -> None:
        """Add demand, as a generator that takes what is sold or as a load that may be shed."""
        self.network.add("Bus", name)
        for site in segment.get("sites", self.asked["sites"]):
            ends = {"bus0": f"compute@{site}", "bus1": name}
            self.network.add("Link", f"{site} to {name}", **ends, p_nom=PLENTY)
        if self.is_load:
            self.network.add("Load", name, bus=name)
            self.network.add("Generator", name, bus=name, p_nom=PLENTY)
        else:
            self.network.add("Generator", name, bus=name, p_nom=1.0, p_max_pu=0)
        self._price(name, segment["usd_per_unit_hour"], segment.get("price_driver"), energy=False)
        for w in self.asked["futures"]:
            wanted = self.wanted(w, segment)
            if self.is_load:
                self._later("loads", "p_set", name, w, wanted)
            else:
                self._later("generators", "p_min_pu", name, w, [-x for x in wanted])

    def wanted(self, future: str, segment: Data) -> list[float]:
        """Return what a segment wants in a future, by period and block [units]."""
        driver = segment.get("volume_driver")
        rows = [at(segment["volume"], t) * self.factor(future, driver, t) for t in range(self.T)]
        return [x * b.get("demand", 1.0) for x in rows for b in self.blocks]

    def all_served(self, future: str) -> float:
        """Return what it would bring to serve all demand in a future [MUSD, discounted]."""
        weights, total = self.network.snapshot_weightings["objective"].to_list(), 0.0
        for segment in self.asked["demand"].values():
            for i, units in enumerate(self.wanted(future, segment)):
                t, price = i // self.B, segment["usd_per_unit_hour"]
                usd = at(price, t) * self.factor(future, segment.get("price_driver"), t)
                total += weights[i] * units * usd
        return total * MUSD

    def _price(self, key: str, price: Any, driver: str | None, *, energy: bool = True) -> None:
        for w in self.asked["futures"]:
            row = [
                at(price, t) * self.factor(w, driver, t) * MUSD
                * (b.get("energy", 1.0) if energy else 1.0)
                for t in range(self.T) for b in self.blocks
            ]  # fmt: skip
            self._later("generators", "marginal_cost", key, w, row)

    def _later(self, kind: str, what: str, key: str, future: str, row: list[float]) -> None:
        """Note a series by period or snapshot, which waits for the scenarios to be there."""
        each = self.T * self.B // len(row)
        self.later.append((kind, what, key, future, [x for x in row for _ in range(each)]))

    def _set(self, kind: str, what: str, key: str, future: str, row: list[float]) -> None:
        component = self.network.components[kind]
        if what == "capital_cost":
            component.static.loc[(future, key), what] = row[0]
        else:
            component.dynamic[what][(future, key)] = row

    def limit_units(self, network: Any, _: Any) -> None:
        """Hold the units of a build over all its sites and orders below their limit."""
        for name, build in self.asked["builds"].items():
            kind = "Link" if build["kind"] in ("hall", "chips") else "Generator"
            slots = product(build["sites"], range(self.T - build.get("lead_periods", 0)))
            units = network.model[f"{kind}-n_mod"].loc[[f"{name}@{s}/{t}" for s, t in slots]]
            limit = units.sum() <= build["max_units"]
            network.model.add_constraints(limit, name=f"units of {name}")

    # ---- what a unit is ------------------------------------------------------------------------

    def pue(self, site: str) -> float:
        """Return the PUE of a site."""
        return float(self.data["sites"][site]["pue"])

    def chip(self, build: Data) -> str:
        """Return the chips of a build."""
        return str(self.data["domains"][build["domain"]]["chip"])

    def unit_chips(self, build: Data) -> int:
        """Return how many chips are in a unit."""
        return int(build.get("domains", 1) * self.data["domains"][build["domain"]]["chips"])

    def unit_mw(self, build: Data, site: str) -> float:
        """Return what a unit takes in, or what a source gives [MW]."""
        if build["kind"] == "hall":
            return float(build["it_mw"]) * self.pue(site)
        if build["kind"] == "chips":
            kw = self.data["chips"][self.chip(build)]["training_kw"]
            return float(self.unit_chips(build) * kw / 1000)
        return float(build["cap_mw"])

    def factor(self, future: str, driver: str | None, t: int) -> float:
        """Return the factor of a driver in a future and period."""
        drivers = self.asked["futures"][future].get("drivers", {})
        return at(drivers[driver], t) if driver in drivers else 1.0

    def serves(self, future: str, name: str, build: Data, t: int) -> list[int | None]:
        """Return periods in service of a unit ordered in t, by period; None where it is not."""
        late = self.asked["futures"][future].get("delays", {}).get(name, 0)
        ages = [x - t - build.get("lead_periods", 0) - late for x in range(self.T)]
        return [a if 0 <= a < build.get("life_periods", self.T) else None for a in ages]

    def gives(self, future: str, name: str, build: Data, t: int) -> list[float]:
        """Return the share that a unit ordered in t gives, by period and block."""
        ramp, shares = build.get("ramp", []), build.get("availability", [1.0] * self.B)
        ages = self.serves(future, name, build, t)
        grown = [0.0 if a is None else ramp[a] if a < len(ramp) else 1.0 for a in ages]
        return [g * a for g in grown for a in shares]

    def capital(self, future: str, name: str, build: Data, t: int) -> float:
        """Return what a unit ordered in t costs beside its energy, less resale [MUSD].

        Discounted; a year's rent where builds are rented.
        """
        size = self.unit_chips(build) if build["kind"] == "chips" else build.get("cap_mw")
        size = build["it_mw"] if build["kind"] == "hall" else size
        rent = build.get("fixed_usd_per_year", 0.0)
        if self.is_rented:
            return float(rent * size * MUSD)
        first, rest = build.get("paid_at_order", 1.0), t + build.get("lead_periods", 0)
        paid = first * self.discount[t] + (1 - first) * self.discount[rest]
        usd = at(build["cost_usd"], t) * self.factor(future, build.get("cost_driver"), t) * paid
        for x, age in enumerate(self.serves(future, name, build, t)):
            usd += 0 if age is None else rent * self.days[x] / 365 * self.discount[x]
        late = self.asked["futures"][future].get("delays", {}).get(name, 0)
        if rest + late + build.get("life_periods", self.T) >= self.T:
            last, driver = self.T - 1, build.get("resale_driver")
            sold = at(build.get("resale_usd", 0.0), last) * self.factor(future, driver, last)
            usd -= sold * self.discount[last]
        return float(usd * size * MUSD)


def at(series: Any, t: int) -> float:
    """Return a number of a series in a period."""
    return float(series[t] if isinstance(series, list | tuple) else series)


def quarters(data: Data) -> list[int]:
    """Return the days of every quarter from the start on."""
    first = date.fromisoformat(data["horizon"]["start"])
    count = data["horizon"]["periods"] // 3
    months = [first.month - 1 + 3 * t for t in range(count + 1)]
    edges = [first.replace(year=first.year + m // 12, month=m % 12 + 1) for m in months]
    return [(b - a).days for a, b in pairwise(edges)]
