"""Jobs: what is to be trained, how it may be run, what it is worth and when; tenants, budgets."""

from __future__ import annotations

from math import floor
from typing import Annotated

from pydantic import Field

from optimizer.domain.fields import ChipCount, Entity, Id, Share, Text, Usd, UsdPerHour
from optimizer.domain.horizon import Moment
from optimizer.domain.sites import IdRange

__all__ = [
    "Budget",
    "DataAt",
    "ExplicitMode",
    "ExplicitPart",
    "Gang",
    "Job",
    "Move",
    "Moves",
    "Running",
    "RunningPart",
    "Spread",
    "Tenant",
]

Uses = dict[Id, Annotated[float, Field(ge=0, le=1e12)]]


class Gang(Entity):
    """An allowed gang: k whole slices in one pool.

    Attributes
    ----------
    chips, slice_chips
        Size of the gang and of the slices that must each share one scale-up domain.
    pools
        Where it may run; None for every pool whose chip has a rate.
    power_levels
        Allowed levels by name; None for all of the chip.
    one_off_usd
        Cost of running at all.
    uses
        What it takes from budgets over the whole run.
    pauses_at_calls, restart_usd
        It keeps its chips at idle draw while its site is called, and ends later; paid once if it
        meets a call.
    """

    chips: ChipCount
    slice_chips: ChipCount
    pools: tuple[Id, ...] | None = None
    power_levels: tuple[Id, ...] | None = None
    one_off_usd: Usd = 0.0
    uses: Uses = {}
    pauses_at_calls: bool = False
    restart_usd: Usd = 0.0


class ExplicitPart(Entity):
    """Slices of a mode in one pool; their draw [kW], None for training draw at full power."""

    pool: Id
    slice_chips: ChipCount
    slices: ChipCount
    draw_kw: Annotated[float, Field(ge=0, le=10_000_000)] | None = None


class ExplicitMode(Entity):
    """A way to run that is given, not derived: its parts start and stop together.

    Attributes
    ----------
    hours
        How long it runs [h].
    link
        Name of the link that joins parts at different sites; None where all are at one site.
    """

    parts: tuple[ExplicitPart, ...] = Field(min_length=1)
    hours: Annotated[float, Field(gt=0, le=1_000_000)]
    link: Text | None = None
    one_off_usd: Usd = 0.0
    uses: Uses = {}
    pauses_at_calls: bool = False
    restart_usd: Usd = 0.0


class DataAt(Entity):
    """Data of a job at a site: cost of having it there, and from when it is there."""

    site: Id
    cost_usd: Usd = 0.0
    ready: Moment = 0.0


class RunningPart(Entity):
    """Slices that run now: ids of their domains, in runs of (first, last), one for each slice."""

    pool: Id
    slice_chips: ChipCount
    slices: ChipCount
    domains: tuple[IdRange, ...] = ()


class Move(Entity):
    """What it takes to move a job that runs: it leaves its chips when the horizon starts.

    Attributes
    ----------
    usd
        Paid once if it is moved.
    hours
        How long its checkpoint takes to be brought and restored [h]: its new chips are held, and
        draw as in training, for so much longer.
    work_left
        Work that is left, in the unit of its workload; None for what it would do where it runs, at
        the rate there, in the periods it has left.
    """

    usd: Usd = 0.0
    hours: Annotated[float, Field(ge=0, le=1_000_000)] = 0.0
    work_left: Annotated[float, Field(gt=0, le=1e15)] | None = None


class Moves(Entity):
    """Running jobs may be moved: at most so many of those that say what a move takes."""

    at_most: Annotated[int, Field(ge=0, le=1_000_000)]


class Running(Entity):
    """Where a job runs when the horizon starts, and for how many periods more.

    Attributes
    ----------
    move
        What moving it takes; None for a job that stays. Without `moves` of the instance all stay.
    """

    parts: tuple[RunningPart, ...] = Field(min_length=1)
    periods_left: Annotated[int, Field(ge=1, le=8784)]
    power_level: Id = "full"
    pauses_at_calls: bool = False
    restart_usd: Usd = 0.0
    move: Move | None = None


class Job(Entity):
    """A training job to be placed.

    Attributes
    ----------
    workload, work
        Class and amount of work, in the class's unit; work None where all modes are explicit.
    gangs, modes
        Allowed gangs (modes are derived for each pool and power level) and explicit modes.
    release, deadline, due
        Earliest start; hard end; soft end. A deadline of None is the end of the horizon.
    late_usd_per_hour
        Cost of each hour after `due`.
    value_usd
        Worth of the job if it is done by its deadline.
    countries, owners
        Residency: where its sites may lie and whose they may be; None for any.
    data
        What having the data at a site costs and since when it is there; sites not named cost
        nothing and are ready.
    predecessors
        Jobs that must be done before it starts.
    must
        It has to be placed.
    group
        Jobs that should not all be at one site (a name in `spreads`); None for none.
    running
        It runs already; where it may be moved, gangs and modes say how it could go on elsewhere.
    """

    id: Id
    name: Text = ""
    workload: Id | None = None
    work: Annotated[float, Field(gt=0, le=1e15)] | None = None
    gangs: tuple[Gang, ...] = ()
    modes: tuple[ExplicitMode, ...] = ()
    release: Moment = 0.0
    deadline: Moment | None = None
    due: Moment | None = None
    late_usd_per_hour: UsdPerHour = 0.0
    value_usd: Usd = 0.0
    tenant: Id | None = None
    countries: tuple[Id, ...] | None = None
    owners: tuple[Text, ...] | None = None
    data: tuple[DataAt, ...] = ()
    predecessors: tuple[Id, ...] = ()
    must: bool = False
    group: Id | None = None
    running: Running | None = None


class Tenant(Entity):
    """Whose jobs these are.

    Attributes
    ----------
    weight
        Weight in fair sharing.
    quota_chips
        Chips its jobs may hold at once; None for no limit.
    """

    name: Text = ""
    weight: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    quota_chips: ChipCount | None = None


class Budget(Entity):
    """A named total over the horizon that modes consume.

    Attributes
    ----------
    limit, unit
        How much, of what.
    chip_hours_of
        Tenants whose placed chip-hours it counts, besides what gangs and modes say they use.
    """

    limit: Annotated[float, Field(ge=0, le=1e12)]
    unit: Text = ""
    chip_hours_of: tuple[Id, ...] = ()


class Spread(Entity):
    """How much of a group of jobs may be at one site, so that one outage does not take them all.

    Attributes
    ----------
    share
        Largest share of the group's jobs that may have a part at any one site.
    of_jobs
        How many jobs the share is of; None for the jobs of the group in the instance.
    """

    share: Share
    of_jobs: Annotated[int, Field(ge=1, le=1_000_000)] | None = None

    def most(self, jobs: int) -> int:
        """Return how many jobs may be at one site; jobs: how many the group has."""
        return max(1, floor(self.share * (self.of_jobs or jobs) + _JOB_NOISE))


_JOB_NOISE = 1e-9
"""Float noise taken off a number of jobs before it is rounded down."""
