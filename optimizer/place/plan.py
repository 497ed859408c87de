"""What is asked of placement (Options), what is answered (PlacePlan), what binds (Rule)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from optimizer.domain.answers import records
from optimizer.domain.answers.records import EngineClaim, Record, Status, Violation, gap_of
from optimizer.domain.sites import IdRange
from optimizer.place.bound.prices import Certificate, Rounding, SlicePrices
from optimizer.place.measure.records import Goal, GoalName

__all__ = [
    "MAX_SECONDS",
    "PLAN_SCHEMA",
    "Certificate",
    "Conflict",
    "EngineClaim",
    "FileChange",
    "Group",
    "ObjectiveParts",
    "Options",
    "PlacePlan",
    "Placement",
    "Rounding",
    "Rule",
    "RunRecord",
    "SlicePrices",
    "Status",
    "Verdict",
    "Violation",
    "WayOut",
    "gap_of",
]

PLAN_SCHEMA = "fleetwatt/place-plan/1"

Watts = Annotated[int, Field(ge=0, le=10**15)]
"""Power of a supply [W]; sums over a horizon fit into 64 bits."""

MAX_SECONDS = 864_000.0
"""No search has more time [s]."""


class Rule(StrEnum):
    """The hard rules of placement, by name."""

    ONE_PLACEMENT = "one_placement"
    WINDOW = "window"
    POOL_CAPACITY = "pool_capacity"
    DOMAIN_FIT = "domain_fit"
    POWER_CAP = "power_cap"
    SUPPLY = "supply"
    BATTERY = "battery"
    RESIDENCY = "residency"
    COMPATIBILITY = "compatibility"
    PRECEDENCE = "precedence"
    BUDGET = "budget"
    QUOTA = "quota"
    SPREAD = "spread"
    MOVES = "moves"


class Options(Record):
    """How to search.

    Attributes
    ----------
    seconds
        Time limit, from the call to the plan [s], at least 1.
    gap
        Stop when the certified gap is at most this share.
    seed
        Same seed, threads and work, same plan.
    threads
        Searches side by side.
    rounds
        Work limit: rounds of search moves; None for as many as the time allows.
    engine
        What looks for the plan. `auto`: prices and search, and exact engines beside it where the
        instance is small enough; `search`: prices and search alone; `exact`: HiGHS and CP-SAT
        alone, refused above their sizes; `oracle`: a time-indexed model under a PuLP solver, for
        tiny instances; `neighbourhoods`: prices and search, then CP-SAT on a few jobs of the plan
        at a time.
    solver
        The PuLP solver of `oracle`, by PuLP's name; `highs` and `cbc` come with it.
    objective
        What is asked for.
    """

    seconds: Annotated[float, Field(ge=1, le=MAX_SECONDS)] = 60.0
    gap: Annotated[float, Field(ge=0, le=1)] = 0.0
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    threads: Annotated[int, Field(ge=1, le=64)] = 2
    rounds: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    engine: Literal["auto", "search", "exact", "oracle", "neighbourhoods"] = "auto"
    solver: Annotated[str, Field(min_length=1)] = "highs"
    objective: GoalName = "value"


class Placement(Record):
    """Where and when a job runs.

    Attributes
    ----------
    job
        Its id.
    mode
        Which of the job's modes, in the order of `optimizer.domain.modes`.
    start, end
        Periods, half-open [start, end).
    domains
        For each part of the mode the domain id of each of its slices, in runs of (first, last);
        an id stands once for each slice it holds. Empty for a pool that is only a chip count.
    """

    job: str
    mode: Annotated[int, Field(ge=0)]
    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=1)]
    domains: tuple[tuple[IdRange, ...], ...]


class ObjectiveParts(Record):
    """The objective and what it is made of, in nano-USD; total = value - all the rest."""

    value: int
    lateness: int
    one_off: int
    energy: int
    demand: int = 0
    total: int


class Group(Record):
    """Rules that go together: a rule, and the site, pool, job, tenant or budget that it is of."""

    rule: str
    of: str


class FileChange(Record):
    """One changed value of an instance file: its JSON pointer, and what stands there then."""

    pointer: str
    value: Any


class WayOut(Record):
    """What would have to give for all must jobs to be placed.

    Attributes
    ----------
    said
        What, for people, one line each.
    cost, least
        What it costs by the unit costs, and what any way out costs at least, by a certified bound
        [nano-USD].
    proof
        That no other is cheaper: `proven` (cost is the least), `engine proof` (CP-SAT's claim), or
        `time limit`.
    changes
        The same as changes of the instance file.
    is_verified
        The changed instance has a plan, found and checked.
    """

    said: tuple[str, ...]
    cost: int
    least: int
    proof: Literal["proven", "engine proof", "time limit"]
    changes: tuple[FileChange, ...]
    is_verified: bool


class Conflict(Record):
    """Why no plan exists, and the cheapest way out.

    Attributes
    ----------
    prices
        A certificate for the feasibility image (`goal.py`) whose bound there is below 0: the proof
        that there is no plan. None where there is none, or none is needed as a job that has to run
        has no run at all.
    groups
        Rules that no plan keeps together; `shown` says how that is known.
    minimal
        Whether it is known that a plan exists without any one of the groups.
    way_out
        What would have to give, by `unit_costs` [USD].
    """

    prices: Certificate | None = None
    groups: tuple[Group, ...] = ()
    shown: Literal["proven", "claimed", "not shown"] = "not shown"
    minimal: Literal["proven", "time limit"] = "time limit"
    unit_costs: dict[str, float] = {}
    way_out: WayOut | None = None


class RunRecord(records.RunRecord):
    """One solve and what is known about it.

    Attributes
    ----------
    history
        (seconds, incumbent, bound) in nano-USD whenever one of them got better; None while there
        is none.
    """

    rounds: int
    history: tuple[tuple[float, int | None, int | None], ...]


class Verdict(Record):
    """What the checker says: its findings, and the figures that it re-derived itself.

    Attributes
    ----------
    violations
        Every breach; a plan is good where there is none.
    objective, bound
        Re-derived from instance, placements, dispatch and prices [nano-USD]; None where they
        cannot be.
    gap
        abs(objective - bound) / abs(objective); None while the objective is 0 and the bound not.
    """

    violations: tuple[Violation, ...]
    objective: ObjectiveParts | None
    bound: int | None
    gap: float | None

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.violations


class PlacePlan(Record):
    """The answer of `place`: plan, certificate, run record and the hash of what it answers.

    Attributes
    ----------
    dispatch
        What each supply of each site gives, one number a period [W].
    charge
        What each battery of each site that has one takes, one number a period [W].
    bound
        Proven limit on the objective of any plan [nano-USD], recomputed from `certificate`.
    gap
        abs(objective - bound) / abs(objective); None while the objective is 0 and the bound not.
    goal
        What was asked for, if not for value: figure, bound and proof. Objective, bound and gap
        above are those of value whatever was asked.
    conflict
        Where must jobs are not placed: what is known about why; None for all other plans.
    """

    schema_version: Literal["fleetwatt/place-plan/1"] = Field(
        "fleetwatt/place-plan/1", alias="schema"
    )
    question: Literal["place"] = "place"
    instance: str
    instance_hash: str
    status: Status
    placements: tuple[Placement, ...]
    dispatch: dict[str, dict[str, tuple[Watts, ...]]]
    charge: dict[str, dict[str, tuple[Watts, ...]]] = {}
    objective: ObjectiveParts
    bound: int | None
    bound_kind: Literal["certified"] = "certified"
    gap: float | None
    certificate: Certificate
    goal: Goal | None = None
    run: RunRecord
    conflict: Conflict | None = None
