"""What a generated week of jobs is like: every parameter of the generator, all of them assumed."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from optimizer.domain.fields import ChipCount, Entity, Id, Share, Text, Usd, UsdPerHour

__all__ = ["Copying", "Demand", "Ordered", "Tenancy"]

Part = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0, le=2**31)]


class Ordered(Entity):
    """How much of a workload class is ordered.

    Attributes
    ----------
    least_chips, most_chips
        Gangs that train it [chips].
    weight
        How often it is drawn among the classes that fit a gang.
    """

    least_chips: ChipCount
    most_chips: ChipCount
    weight: Annotated[float, Field(gt=0, le=1e6)] = 1.0


class Tenancy(Entity):
    """What a tenant orders.

    Attributes
    ----------
    share
        Share of the jobs that are its own.
    has_largest
        The largest jobs may be its own.
    countries, owners
        Residency of its jobs; None for anywhere. What runs already keeps to it, too.
    uses_budget, usd_per_chip_hour
        A budget in USD from which its gangs take so much per chip-hour.
    """

    share: Share
    has_largest: bool = False
    countries: tuple[Id, ...] | None = None
    owners: tuple[Text, ...] | None = None
    uses_budget: Id | None = None
    usd_per_chip_hour: UsdPerHour = 0.0


class Copying(Entity):
    """Data that lies at the home site of a job: what having it at another site costs.

    Attributes
    ----------
    share
        Share of the jobs whose data lies at one site.
    usd_per_chip, hours
        Cost of the copy per chip of the gang [USD], and how long it takes from the release [h].
    """

    share: Part
    usd_per_chip: Usd
    hours: Annotated[float, Field(ge=0, le=8784)] = 0.0


class Demand(Entity):
    """A seeded set of jobs for a fleet.

    Attributes
    ----------
    jobs, load
        How many, and their chip-hours over those that the fleet has in the horizon.
    largest, largest_share
        How many jobs are large, and their share of the chip-hours.
    running, running_share, least_running
        Jobs that run already, the share of the fleet that they hold, and how many of them, of whole
        domains, are in every pool if there are any: fewer cannot fill their share. With 0 they may
        hold less than that, as where pools are small.
    small
        Share of the other jobs whose gang is smaller than a scale-up domain.
    windows, released, due, choices, levels, pauses, staged, anywhere
        Shares of jobs with a window shorter than 3/4 of the horizon; of the others that are
        released later than the horizon starts; with a due date; with gangs of several sizes; that
        may use every power level; that may pause at calls (of those of a domain or more); whose
        data must be brought first, of those released later; that are not bound to one pool.
    elsewhere
        Share of the jobs that are not bound to one pool and may run on other chips or domains,
        too, with a gang of about the same speed. If it is above 0, every gang names its pools.
    whole_domains
        Scale-up domains of which gangs of several take whole ones only.
    copying
        Data that lies at one site; None where it is everywhere.
    must, successors
        Jobs that have to be placed, jobs that follow another.
    size_spread, largest_rest
        Standard deviation of the logarithm of gang sizes, log-normal too; no gang that is not large
        takes more than a share of its pool drawn from this range, unless the load asks for it.
    hours, hours_spread, planned_hours
        Median duration of the jobs that are not large [h], and the standard deviation of its
        logarithm. If `planned_hours` is above 0, what is shorter is not planned: the durations are
        those of the log-normal from there on, and the median is that of all jobs.
    hours_with_size
        Correlation of the logarithms of duration and size.
    urgency, urgency_spread
        Median of value over rent, and the standard deviation of its logarithm.
    """

    seed: Count
    jobs: Count
    load: Annotated[float, Field(gt=0, le=100)] = 1.42
    largest: Count = 5
    largest_share: Part = 0.4
    running: Count = 24
    running_share: Part = 0.35
    least_running: Count = 4
    small: Part = 0.3
    windows: Part = 0.35
    released: Part = 0.45
    due: Part = 0.4
    choices: Part = 0.25
    levels: Part = 0.3
    pauses: Part = 0.0
    staged: Part = 0.15
    anywhere: Part = 0.8
    elsewhere: Part = 0.0
    whole_domains: tuple[Id, ...] = ()
    copying: Copying | None = None
    must: Count = 4
    successors: Count = 12
    size_spread: Annotated[float, Field(ge=0, le=5)] = 1.5
    largest_rest: tuple[Part, Part] = (0.05, 0.2)
    hours: Annotated[float, Field(gt=0, le=8784)] = 16.0
    hours_spread: Annotated[float, Field(ge=0, le=3)] = 0.8
    planned_hours: Annotated[float, Field(ge=0, le=8784)] = 0.0
    hours_with_size: Annotated[float, Field(ge=0, lt=1)] = 0.0
    urgency: Annotated[float, Field(gt=0, le=1000)] = 1.3
    urgency_spread: Annotated[float, Field(ge=0, le=3)] = 0.45
    workloads: dict[Id, Ordered]
    tenants: dict[Id, Tenancy]
    note: Text = ""
