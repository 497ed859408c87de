"""What is asked of a mix (Options), what is answered (MixPlan), what binds (Rule)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, Field

from optimizer.domain.answers.records import (
    EngineClaim,
    Record,
    RunRecord,
    Status,
    StoppedBy,
    Violation,
    gap_of,
)
from optimizer.domain.answers.say import figure

__all__ = [
    "OWN", "PLAN_SCHEMA", "UNIT_COSTS", "Certificate", "Conflict", "EngineClaim", "Goal",
    "Holding", "Leaf", "MixPlan", "ObjectiveParts", "Options", "Prices", "Rule", "RunRecord",
    "Split", "Status", "StoppedBy", "UnitCost", "Use", "Verdict", "Violation", "gap_of",
]  # fmt: skip

PLAN_SCHEMA = "fleetwatt/mix-plan/1"

Goal = Literal["cost", "profit", "work"]
"""Least total cost with unserved work at its value; most value served less cost; most useful
work."""


OWN = "tree"
"""The engine that is ours."""


class UnitCost(NamedTuple):
    """What easing a limit by one unit is taken to cost [USD, or a factor], and why so much."""

    usd: float
    unit: str
    why: str


FOUND = "assumed: a dollar that has to be found is a dollar"
UNIT_COSTS: dict[str, UnitCost] = {
    "power": UnitCost(10.2e6, "USD/MW", "reported: construction of a campus by the MW of IT (Epoch "
                      "AI, Frontier Data Centers, Colossus 2; others say 8 to 15 MUSD)"),
    "space": UnitCost(200e3, "USD/rack", "assumed: floor, pipes and busbars around one more rack"),
    "supply": UnitCost(10e3, "USD/chip", "assumed: premium for a chip beyond what is allotted"),
    "capex": UnitCost(1.0, "USD/USD", FOUND),
    "yearly_cash": UnitCost(1.0, "USD/USD", FOUND),
    "vendor_share": UnitCost(1.0, "USD/USD", FOUND),
    "demand": UnitCost(2.0, "times", "assumed: work that is not served is bought elsewhere at "
                       "twice what the cheapest offer here takes for it, energy left out"),
    "date": UnitCost(0.05, "of the price a month", "assumed: what is delivered a month earlier "
                     "costs a twentieth more"),
}  # fmt: skip
"""By the rule that is eased, and `date` for deliveries. They rank ways out where there is no mix;
the user may change each (`Options.unit_costs`)."""


class Rule(StrEnum):
    """The hard rules of a mix, by name."""

    DEMAND = "demand"
    POWER = "power"
    SPACE = "space"
    COOLING = "cooling"
    CAPEX = "capex"
    YEARLY_CASH = "yearly_cash"
    SUPPLY = "supply"
    VENDOR_SHARE = "vendor_share"
    RESIDENCY = "residency"
    WHOLE_DOMAIN = "whole_domain"


Cost = Annotated[float, Field(ge=0, le=1e15)]


def _known_costs(given: dict[str, float]) -> dict[str, float]:
    if unknown := sorted(set(given) - set(UNIT_COSTS)):
        raise ValueError(f"no unit cost {unknown[0]!r}; there are {', '.join(UNIT_COSTS)}")
    return given


class Options(Record):
    """How to solve.

    Attributes
    ----------
    objective
        `cost`: least total cost, what is not served counted at its value; `profit`: value of what
        is served less cost; `work`: most useful work within the limits, whatever it costs.
    seconds
        Time limit [s], at least 1.
    gap
        Stop when the gap is at most this share.
    engine
        `tree`: our own search, which finds the mix and proves it; or a solver by name, as PuLP
        knows it, that is asked for the mix first and has a claim in the run record.
    leaves
        Into how many cases the proof may be split: a limit of work, the same on every machine; 1
        for prices of the whole problem alone.
    conflicts
        Where there is no mix, look for the limits in conflict and for a way out.
    unit_costs
        What easing a limit is taken to cost, in place of `UNIT_COSTS`, by the names there.
    """

    objective: Goal = "cost"
    seconds: Annotated[float, Field(ge=1, le=864_000)] = 60.0
    gap: Annotated[float, Field(ge=0, le=1)] = 1e-4
    engine: Annotated[str, Field(min_length=1, max_length=80)] = OWN
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    threads: Annotated[int, Field(ge=1, le=64)] = 1
    leaves: Annotated[int, Field(ge=1, le=100_000)] = 500
    conflicts: bool = True
    unit_costs: Annotated[dict[str, Cost], AfterValidator(_known_costs)] = {}

    @property
    def solver(self) -> str:
        """What solves whole models beside the search: the one that is named, or HiGHS."""
        return "HiGHS" if self.engine == OWN else self.engine


class Holding(Record):
    """Whole domains of an offer at a site."""

    offer: str
    site: str
    domains: Annotated[int, Field(ge=1)]


class Use(Record):
    """Domains at work for a demand throughout a phase.

    Attributes
    ----------
    phase
        Number of the phase.
    domain
        Kind of domain; with demand, site, level and gang it names the way.
    amount
        Domains in training for it, on average [billionths of a domain].
    """

    phase: Annotated[int, Field(ge=0)]
    demand: str
    site: str
    domain: str
    level: str
    slice_chips: int
    chips: int
    amount: Annotated[int, Field(ge=1)]


class ObjectiveParts(Record):
    """The objective and what it is made of; money in nano-USD, discounted.

    Attributes
    ----------
    upfront
        Paid at deliveries, less what is left at the end of the horizon; may be negative.
    unserved
        Value of the work that is wanted and not served.
    earned
        Value of the work that is served.
    work
        Useful work served [billionths of weight].
    total
        cost: upfront + rent + upkeep + energy + unserved; profit: earned - upfront - rent - upkeep
        - energy; work: work.
    """

    goal: Goal
    upfront: int
    rent: int
    upkeep: int
    energy: int
    unserved: int
    earned: int
    work: int
    total: int

    @property
    def spent(self) -> int:
        """All that is paid, discounted [nano-USD]."""
        return self.upfront + self.rent + self.upkeep + self.energy


Price = Annotated[int, Field(ge=0)]
Row = tuple[Price, ...]


class Prices(Record):
    """Prices of limits, all whole and not negative, in billionths of a nano-USD (1e-18 USD).

    Where the objective is useful work, a billionth of weight stands for the nano-USD.

    Attributes
    ----------
    demand
        A millionth of a unit of work, by demand and phase.
    power
        A watt at a site's meter throughout a phase, by site.
    power_total
        A watt under the limit of all sites together, by phase.
    space
        A thousandth of a rack, by site and phase.
    supply
        A chip of the supply of its type, by chip and phase.
    capex, yearly_cash
        A nano-USD of money; by year.
    vendor_share
        A nano-USD committed to a vendor above its share.
    work_floor
        A billionth of weight of the useful work that is asked for.
    """

    demand: dict[str, Row] = {}
    power: dict[str, Row] = {}
    power_total: Row = ()
    space: dict[str, Row] = {}
    supply: dict[str, Row] = {}
    capex: Price = 0
    yearly_cash: Row = ()
    vendor_share: dict[str, Price] = {}
    work_floor: Price = 0


class Leaf(Record):
    """A case of the proof with its prices.

    Attributes
    ----------
    is_empty
        The prices prove that the case holds no plan at all, instead of bounding those it holds.
    """

    prices: Prices
    is_empty: bool = False


class Split(Record):
    """Two cases: at most so many domains of an offer, or more.

    Attributes
    ----------
    site
        Where; over all sites together if it is empty.
    at
        The most domains of the case `below`; the case `above` has at least one more.
    """

    offer: str
    site: str
    at: Annotated[int, Field(ge=0)]
    below: Leaf | Split
    above: Leaf | Split


class Certificate(Record):
    """Prices from which anyone recomputes the bound on an objective, case by case."""

    goal: Goal
    tree: Leaf | Split


class Verdict(Record):
    """What the checker says: its findings, and the figures that it re-derived itself."""

    violations: tuple[Violation, ...]
    objective: ObjectiveParts | None
    bound: int | None
    gap: float | None

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.violations


class Conflict(Record):
    """A limit that is in conflict with others, or that a way out eases.

    Attributes
    ----------
    of
        A site, a chip, a vendor, a demand; `all` where the rule has one limit.
    by
        In a conflict the least by which it alone would have to give way, in a way out by how much
        it does, in `unit`; None if that is not enough.
    usd
        What that is taken to cost, at the unit costs of the run's options [USD].
    """

    rule: Rule
    of: str
    by: Annotated[float, Field(ge=0)] | None
    unit: str
    usd: Annotated[float, Field(ge=0)] | None = None

    @property
    def words(self) -> str:
        """What has to happen: `3 MW more at loughton`."""
        if self.by is None:
            return f"{self.rule} of {self.of}: no amount of it alone is enough"
        if self.rule is Rule.DEMAND:
            whole = "useful work asked for" if self.of == "all" else f"demand {self.of}"
            return f"{figure(100 * self.by)} % less of {whole}"
        if self.unit == "months earlier":
            return f"{self.of} delivered {self.by:g} months earlier"
        at = {Rule.POWER: "at", Rule.SPACE: "at", Rule.SUPPLY: "of", Rule.VENDOR_SHARE: "with"}
        where = f" {at[self.rule]} {self.of}" if self.rule in at else f" ({self.rule} {self.of})"
        return f"{figure(self.by)} {self.unit}{where.replace('at all', 'at all sites together')}"


class MixPlan(Record):
    """The answer of `mix`: fleet, use, certificate, run record and the hash of what it answers.

    Attributes
    ----------
    fleet
        What is taken of which offer, at which site.
    use
        Which domains work for which demand, phase by phase.
    bound
        Proven limit on the objective of any plan, recomputed from `certificate`.
    gap
        abs(objective - bound) / abs(objective); None while the objective is 0 and the bound not.
    margin
        Prices of the whole problem, what limits are worth, where the proof has several cases: in
        one case they prove a bound of their own.
    conflict
        Where there is no mix: limits of which none can be left out of the conflict, as the solver
        finds them; empty where there is a mix, or time was over.
    way_out
        The cheapest limits to ease so that there is a mix, as the solver finds them.
    """

    schema_version: Literal["fleetwatt/mix-plan/1"] = Field("fleetwatt/mix-plan/1", alias="schema")
    question: Literal["mix"] = "mix"
    instance: str
    instance_hash: str
    status: Status
    fleet: tuple[Holding, ...]
    use: tuple[Use, ...]
    objective: ObjectiveParts
    bound: int | None
    bound_kind: Literal["certified"] = "certified"
    gap: float | None
    certificate: Certificate
    margin: Prices | None = None
    conflict: tuple[Conflict, ...] = ()
    way_out: tuple[Conflict, ...] = ()
    run: RunRecord
