"""What is asked of an expansion (Options), what is answered (ExpandPlan), what binds (Rule)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from optimizer.domain.answers.records import (
    EngineClaim,
    Record,
    RunRecord,
    Status,
    StoppedBy,
    Violation,
    gap_of,
)

__all__ = [
    "PLAN_SCHEMA", "Cycle", "EngineClaim", "ExpandPlan", "Goal", "NodeSteps", "ObjectiveParts",
    "Options", "Risk", "Rule", "RunRecord", "Status", "Step", "StoppedBy", "Verdict", "Violation",
    "WayOut", "gap_of",
]  # fmt: skip

PLAN_SCHEMA = "fleetwatt/expand-plan/1"

Goal = Literal["expected", "cvar", "worst", "regret"]
"""Expected NPV; that and the mean of the worst cases, weighed; the worst case; least regret."""

Risk = Literal["total", "operation"]
"""What the worst cases of `cvar` are of: all of NPV, or operation, capital aside."""


class Rule(StrEnum):
    """The hard rules of a plan, by name. Power, halls, permits: operation keeps them (MODEL 4)."""

    LEAD_TIME = "lead_time"
    SUPPLY = "supply"
    RETIREMENT = "retirement"
    CONTRACT = "contract"
    STORAGE = "storage"
    CAPEX_BUDGET = "capex_budget"
    CASH = "cash"
    LOAN_TO_COST = "loan_to_cost"
    COVERAGE = "coverage"
    NONANTICIPATIVITY = "nonanticipativity"


class Options(Record):
    """How to solve.

    Attributes
    ----------
    objective
        `expected` NPV; `cvar`: (1 - weight) of it and weight of the mean of the worst share alpha;
        `worst` case; `regret`: the largest difference to the best plan of each future.
    weight, alpha
        Of `cvar`.
    risk
        Of `cvar`: the worst cases are of all of NPV (`total`), or of `operation` alone; then prices
        of builds, upkeep and resale count by their mean, as in PyPSA.
    method
        `benders`: by cuts on what operation brings; `extensive`: one model of all futures, for
        any engine.
    seconds
        Time limit [s], at least 1.
    gap
        Stop at this gap of the engine.
    engine
        Of the method `extensive`: a solver by name, as PuLP knows it.
    threads
        Of that solver; of the method `benders` in the search over whole units. With one thread,
        the same nodes are looked at in the same order each time.
    seed
        Of the draw, and of the engine.
    complete
        A named plan whose orders, retirements and contracts are in the answer, whatever is added.
    draw
        Plan on so many futures drawn with the seed instead of those that are named.
    recourse
        What is decided once futures are told apart may differ between them; False: one plan for
        all futures, whatever is learnt.
    """

    objective: Goal = "expected"
    weight: Annotated[float, Field(ge=0, le=1)] = 0.5
    alpha: Annotated[float, Field(gt=0, le=1)] = 0.1
    risk: Risk = "total"
    method: Literal["benders", "extensive"] = "benders"
    seconds: Annotated[float, Field(ge=1, le=864_000)] = 60.0
    gap: Annotated[float, Field(ge=0, le=1)] = 1e-3
    engine: Annotated[str, Field(min_length=1, max_length=80)] = "HiGHS"
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    threads: Annotated[int, Field(ge=1, le=64)] = 1
    complete: str | None = None
    draw: Annotated[int, Field(ge=0, le=100_000)] = 0
    recourse: bool = True

    @property
    def is_capital_aside(self) -> bool:
        """Whether the objective takes capital by its mean in every future."""
        return self.objective == "cvar" and self.risk == "operation"


class Step(Record):
    """Units of a build at a site, ordered or given up in a period."""

    build: str
    site: str
    period: Annotated[int, Field(ge=0)]
    units: Annotated[int, Field(ge=1)]


class NodeSteps(Record):
    """What is decided besides in the futures below a node of the tree.

    Attributes
    ----------
    node
        The labels of what has been learnt, the first one first, joined by ` / `; `no news` where
        something was learnt of other futures and nothing of these.
    """

    node: Annotated[str, Field(min_length=1)]
    orders: tuple[Step, ...] = ()
    retirements: tuple[Step, ...] = ()
    contracts: tuple[str, ...] = ()


class Cycle(Record):
    """What the batteries of a build at a site do in a period of a future, block by block.

    Attributes
    ----------
    charge_w, discharge_w
        Taken at the site's meter, and offered there [W]; a number for each block.
    """

    future: str
    period: Annotated[int, Field(ge=0)]
    build: str
    site: str
    charge_w: tuple[Annotated[int, Field(ge=0)], ...]
    discharge_w: tuple[Annotated[int, Field(ge=0)], ...]


class ObjectiveParts(Record):
    """The objective and what it is made of.

    Attributes
    ----------
    weight_ppm, alpha_ppm
        Of `cvar`, in millionths; 0 otherwise.
    risk, capital
        Of `cvar`: what the worst cases are of; where that is operation, NPV of prices of builds,
        upkeep and resale in each future [cents].
    best
        Of `regret`: what the best plan of each future is held to be worth [cents].
    values
        NPV of the plan in each future [cents].
    expected, tail, worst
        Mean, mean of the worst share alpha (of a tenth where none is given), least; of NPV, capital
        included whatever the risk is of [cents].
    total
        What was asked for [nano-USD, a whole number of cents]; the largest regret counts as a loss.
    """

    goal: Goal
    weight_ppm: int = 0
    alpha_ppm: int = 0
    risk: Risk = "total"
    capital: tuple[int, ...] = ()
    best: tuple[int, ...] = ()
    values: tuple[int, ...]
    expected: int
    tail: int
    worst: int
    total: int


class Verdict(Record):
    """What the checker says: its findings, and the figures that it re-derived itself.

    Attributes
    ----------
    bound, gap
        None: the bound of an expansion is an engine's claim.
    """

    violations: tuple[Violation, ...]
    objective: ObjectiveParts | None
    bound: int | None = None
    gap: float | None = None

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.violations


class WayOut(Record):
    """Money with which a plan keeps all rules, where none does as things stand.

    Attributes
    ----------
    cash_usd, capex_usd, capex_usd_per_year
        More of these fields of finance, by year from the start for the last [USD].
    is_tried
        A plan in whole units was found with it; otherwise it is what parts of units would need.
    """

    cash_usd: Annotated[float, Field(ge=0)] = 0.0
    capex_usd: Annotated[float, Field(ge=0)] = 0.0
    capex_usd_per_year: tuple[Annotated[float, Field(ge=0)], ...] = ()
    is_tried: bool = False


class ExpandPlan(Record):
    """The answer of `expand`: orders, retirements, contracts, values, run record and hash.

    Attributes
    ----------
    orders, retirements, contracts
        In all futures; contracts are all that are signed in them.
    nodes
        What is ordered, given up and signed besides, where something has been learnt.
    cycles
        What batteries with `storage` do; those not named here stand still.
    drawn, seed
        How many futures it was made for, and the seed they are drawn with; 0 for the named ones.
    bound
        The engine's limit on the objective of any plan [nano-USD]; a claim.
    conflict
        Where there is no plan: rules that cannot all be kept, whatever else gives way, none of them
        superfluous; `complete` for the plan to be completed. By the engine, in parts of units.
    way_out
        The least money with which there is one; None where that is not known, or none is enough.
    """

    schema_version: Literal["fleetwatt/expand-plan/1"] = Field(
        "fleetwatt/expand-plan/1", alias="schema"
    )
    question: Literal["expand"] = "expand"
    instance: str
    instance_hash: str
    status: Status
    orders: tuple[Step, ...]
    retirements: tuple[Step, ...]
    contracts: tuple[str, ...]
    nodes: tuple[NodeSteps, ...] = ()
    cycles: tuple[Cycle, ...] = ()
    drawn: Annotated[int, Field(ge=0)] = 0
    seed: Annotated[int, Field(ge=0)] = 0
    objective: ObjectiveParts
    bound: int | None
    bound_kind: Literal["engine"] = "engine"
    gap: float | None
    conflict: tuple[str, ...] = ()
    way_out: WayOut | None = None
    run: RunRecord
