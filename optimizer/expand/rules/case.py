"""What the rules look at: a plan's steps added up, and what stands in a future."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from optimizer.domain.growth.prices import MILLION, moved
from optimizer.domain.growth.scenes import as_planned, drawn_futures
from optimizer.expand.plan import Violation

if TYPE_CHECKING:
    from optimizer.domain.growth.builds import Store
    from optimizer.domain.growth.image import Growth, Stock
    from optimizer.domain.growth.payers import ContractImage
    from optimizer.domain.growth.scenes import FutureImage
    from optimizer.domain.instance import Instance
    from optimizer.expand.plan import Cycle, ExpandPlan, Step

__all__ = ["Case", "said"]

Place = tuple[int, int]
"""Numbers of a build and of a site."""


class Case:
    """A plan on its futures.

    Attributes
    ----------
    orders, retired
        Units by place and period; steps that name no build at a site are in `lost`.
    """

    def __init__(self, instance: Instance, plan: ExpandPlan) -> None:
        self.instance, self.plan = instance, plan
        self.growth: Growth = instance.growth
        self.lost: list[Step] = []
        self.orders = self._places(plan.orders)
        self.retired = self._places(plan.retirements)

    def _places(self, steps: tuple[Step, ...]) -> dict[Place, dict[int, int]]:
        found: dict[Place, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for step in steps:
            u, s = self.growth.build(step.build), self.growth.site(step.site)
            is_known = u is not None and s is not None and s in self.growth.builds[u].sites
            if u is None or s is None or not is_known or step.period >= self.growth.periods:
                self.lost.append(step)
            else:
                found[u, s][step.period] += step.units
        return found

    @cached_property
    def paths(self) -> list[Case]:
        """The plan on each path of the tree: what it does in all the futures at one leaf."""
        if not self.plan.nodes:
            return [self]
        found: dict[tuple[tuple[int, str], ...], list[FutureImage]] = {}
        for future in self.futures:
            found.setdefault(future.nodes, []).append(future)
        return [self._path(tuple(futures)) for futures in found.values()]

    def _path(self, futures: tuple[FutureImage, ...]) -> Case:
        reached = {name for _, name in futures[0].nodes}
        more = [each for each in self.plan.nodes if each.node in reached]
        plan = self.plan
        path = Case(
            self.instance,
            plan.model_copy(
                update={
                    "orders": (*plan.orders, *(s for each in more for s in each.orders)),
                    "retirements": (
                        *plan.retirements,
                        *(s for each in more for s in each.retirements),
                    ),
                    "contracts": (*plan.contracts, *(c for each in more for c in each.contracts)),
                    "nodes": (),
                }
            ),
        )
        path.futures = futures
        return path

    def along(self, future: FutureImage) -> Case:
        """Return the plan on the path of a future."""
        return self._by_name[future.name] if self.plan.nodes else self

    @cached_property
    def _by_name(self) -> dict[str, Case]:
        return {future.name: path for path in self.paths for future in path.futures}

    @cached_property
    def futures(self) -> tuple[FutureImage, ...]:
        """The futures that the plan was made for."""
        expand = self.instance.expand
        if self.plan.drawn == 0 or expand is None:
            return self.growth.futures
        return drawn_futures(expand, self.growth.calendar, self.plan.drawn, self.plan.seed)

    @cached_property
    def as_planned(self) -> FutureImage:
        """The future in which nothing is late, nobody defaults and no driver moves."""
        return as_planned(len(self.growth.builds), len(self.growth.contracts), self.growth.periods)

    @cached_property
    def signed(self) -> tuple[int, ...]:
        """The contracts that are signed, each once."""
        return tuple(
            i for i, c in enumerate(self.growth.contracts) if c.name in self.plan.contracts
        )

    def name(self, place: Place) -> str:
        """Return a place for people."""
        return f"{self.growth.builds[place[0]].name} at {self.growth.sites[place[1]].name}"

    def vintages(self, place: Place, future: FutureImage, t: int) -> list[tuple[int, int]]:
        """Return (age, units) of what was ordered and is in service in a period."""
        build = self.growth.builds[place[0]]
        found = []
        for o, units in self.orders.get(place, {}).items():
            age = t - (o + build.lead + future.delays[place[0]])
            if age >= 0 and (build.life is None or age < build.life):
                found.append((age, units))
        return found

    def gone(self, place: Place, t: int) -> int:
        """Return the units given up until a period, that one included."""
        return sum(n for at, n in self.retired.get(place, {}).items() if at <= t)

    def units(self, place: Place, future: FutureImage, t: int) -> int:
        """Return the units in service in a period."""
        there = sum(n for _, n in self.vintages(place, future, t))
        return there - self.gone(place, t)

    def watts(self, j: int, future: FutureImage, t: int, b: int) -> int:
        """Return what a source can give in a block [W], permits aside."""
        source = self.growth.sources[j]
        if source.build is None:
            return source.there_w[t]
        place = (source.build, source.site)
        share = source.availability_ppm[b]
        total = -self.gone(place, t) * (source.unit_w * share // MILLION)
        for age, units in self.vintages(place, future, t):
            ramp = source.ramp_ppm[age] if age < len(source.ramp_ppm) else MILLION
            total += units * (source.unit_w * ramp // MILLION * share // MILLION)
        return total

    @cached_property
    def cycles(self) -> dict[tuple[str, int, int], Cycle]:
        """What batteries with storage do, by future, period and source; what names none is lost."""
        at = {
            (x.name, self.growth.sites[x.site].name): j
            for j, x in enumerate(self.growth.sources)
            if x.store is not None
        }
        blocks = len(self.growth.share_ppm)
        return {
            (x.future, x.period, at[x.build, x.site]): x
            for x in self.plan.cycles
            if (x.build, x.site) in at and len(x.charge_w) == len(x.discharge_w) == blocks
        }

    def offered(self, j: int, future: FutureImage, t: int, b: int) -> int:
        """Return what a source offers in a block [W]: of a battery, what the plan has it give."""
        if self.growth.sources[j].store is None:
            return self.watts(j, future, t, b)
        cycle = self.cycles.get((future.name, t, j))
        return 0 if cycle is None else cycle.discharge_w[b]

    def charge(self, s: int, future: FutureImage, t: int, b: int) -> int:
        """Return what the batteries of a site are charged with in a block [W]."""
        each = (self.cycles.get((future.name, t, j)) for j, _ in self.batteries(s))
        return sum(x.charge_w[b] for x in each if x is not None)

    def batteries(self, s: int) -> list[tuple[int, Store]]:
        """Return the batteries with storage at a site, and what a unit of them stores."""
        return self._batteries.get(s, [])

    @cached_property
    def _batteries(self) -> dict[int, list[tuple[int, Store]]]:
        found: dict[int, list[tuple[int, Store]]] = {}
        for j, source in enumerate(self.growth.sources):
            if source.store is not None:
                found.setdefault(source.site, []).append((j, source.store))
        return found

    def domains(self, stock: Stock, future: FutureImage, t: int) -> int:
        """Return the domains of a stock in service in a period."""
        places = [((u, stock.site), n) for u, n in stock.units if (u, stock.site) in self.orders]
        return stock.there[t] + sum(self.units(place, future, t) * n for place, n in places)

    def hall_w(self, s: int, future: FutureImage, t: int) -> int:
        """Return the room for IT draw at a site in a period [W]."""
        total = self.growth.sites[s].hall_w[t]
        for place in self.orders:
            hall = self.growth.builds[place[0]].hall_w
            if place[1] == s and hall:
                total += hall * self.units(place, future, t)
        return total

    def leases(self, s: int, future: FutureImage, t: int) -> list[ContractImage]:
        """Return the signed leases of a site whose tenants are there, and pay, in a period."""
        signed = [self.growth.contracts[i] for i in self.signed if t < future.defaults[i]]
        return [c for c in signed if c.is_lease and s in c.sites and c.first <= t < c.end]

    def cost(self, u: int, o: int, future: FutureImage) -> tuple[int, int]:
        """Return what a unit ordered in a period costs: at the order, and at planned delivery."""
        build = self.growth.builds[u]
        price = moved(build.cost[o], future.factor(build.cost_driver, o))
        first = price * build.order_ppm // MILLION
        return first, price - first


def said(rule: str, where: str, found: object, limit: object) -> Violation:
    """Return one breach."""
    return Violation(rule=str(rule), where=where, found=str(found), limit=str(limit))
