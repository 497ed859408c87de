"""An instance: all data of one problem, self-contained and immutable."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from optimizer.domain.chips import Chip, ScaleUpDomain
from optimizer.domain.fields import Entity, Id, Text
from optimizer.domain.findings.cross import cross_findings
from optimizer.domain.findings.parts import Parts
from optimizer.domain.fleet.findings import pointer_findings
from optimizer.domain.fleet.image import Image, make_image
from optimizer.domain.fleet.mix import Mix
from optimizer.domain.growth.expand import Expand
from optimizer.domain.growth.image import Growth, make_growth
from optimizer.domain.growth.order import order_findings
from optimizer.domain.horizon import Horizon
from optimizer.domain.jobs import Budget, Job, Moves, Spread, Tenant
from optimizer.domain.modes import Mode, Refusal, derive, ways
from optimizer.domain.sites import Pool, Site
from optimizer.domain.tables.modes import ModeTable, make_table
from optimizer.domain.workloads import Workload
from optimizer.errors import InstanceError

__all__ = ["SCHEMA", "Instance", "Source"]

SCHEMA = "fleetwatt/instance/1"


class Source(Entity):
    """Where numbers come from.

    Attributes
    ----------
    kind
        `reported` (documented), `derived` (arithmetic on documented values, given in `source`) or
        `assumed` (the reason is in `source`).
    as_of
        Date of the source, as precise as it is known.
    """

    source: Annotated[str, Field(min_length=3, max_length=2000)]
    kind: Literal["reported", "derived", "assumed"]
    as_of: Text = ""


class Instance(Entity):
    """All data of one problem.

    Attributes
    ----------
    spreads
        By group of jobs, how much of it may be at one site.
    moves
        How many running jobs may be moved; None for none at all.
    carbon_usd_per_kg
        Price of carbon, added to the price of energy.
    jobs
        What `place` is asked.
    mix
        What `mix` is asked: an instance may hold any question, or several.
    expand
        What `expand` is asked.
    sources
        JSON-pointer prefix -> where the numbers below it come from.
    notes
        What a reader has to know: what is left out, which of two claims was followed.
    """

    schema_version: Literal["fleetwatt/instance/1"] = Field(alias="schema")
    name: Id
    title: Text = ""
    notes: tuple[Text, ...] = ()
    horizon: Horizon
    chips: dict[Id, Chip]
    domains: dict[Id, ScaleUpDomain] = {}
    workloads: dict[Id, Workload] = {}
    sites: dict[Id, Site]
    pools: dict[Id, Pool] = {}
    tenants: dict[Id, Tenant] = {}
    budgets: dict[Id, Budget] = {}
    spreads: dict[Id, Spread] = {}
    moves: Moves | None = None
    carbon_usd_per_kg: Annotated[float, Field(ge=0, le=100)] = 0.0
    jobs: tuple[Job, ...] = ()
    mix: Mix | None = None
    expand: Expand | None = None
    sources: dict[str, Source] = {}

    @model_validator(mode="after")
    def _is_consistent(self) -> Instance:
        findings = cross_findings(Parts.of(self))
        if self.mix is not None and not findings:
            findings = list(pointer_findings(self.mix, self.model_dump(by_alias=True)))
        if self.expand is not None and not findings:
            findings = list(order_findings(self.growth))
        if findings:
            raise InstanceError(findings)
        return self

    @cached_property
    def table(self) -> ModeTable:
        """The modes of all jobs as arrays."""
        return make_table(self)

    @cached_property
    def _known(self) -> dict[int, tuple[tuple[Mode, ...], tuple[Refusal, ...]]]:
        return {}

    def _derived(self, job: int) -> tuple[tuple[Mode, ...], tuple[Refusal, ...]]:
        if job not in self._known:
            self._known[job] = derive(self, self.jobs[job])
        return self._known[job]

    def modes(self, job: int) -> tuple[Mode, ...]:
        """Return the modes of jobs[job], in the order that plans refer to."""
        return self._derived(job)[0]

    @cached_property
    def _asked(self) -> dict[tuple[int, int], Mode | None]:
        return {}

    def mode(self, job: int, at: int) -> Mode | None:
        """Return modes(job)[at], made without those after it; None if there are not so many."""
        if job in self._known:
            return self._known[job][0][at] if at < len(self._known[job][0]) else None
        if (job, at) not in self._asked:
            modes = (each for each in ways(self, self.jobs[job]) if isinstance(each, Mode))
            self._asked[job, at] = next((each for n, each in enumerate(modes) if n == at), None)
        return self._asked[job, at]

    def refusals(self, job: int) -> tuple[Refusal, ...]:
        """Return what rules excluded from the modes of jobs[job]."""
        return self._derived(job)[1]

    @cached_property
    def most_chips(self) -> dict[str, int]:
        """The most chips of each pool that are usable at once, maintenance aside."""
        return {
            name: int(pool.usable(self.horizon).max()) * self.domain_chips(pool)
            for name, pool in self.pools.items()
        }

    @cached_property
    def image(self) -> Image:
        """The integer image of its mix.

        Raises
        ------
        InstanceError
            If the instance asks no mix.
        """
        if self.mix is None:
            raise InstanceError(["mix: is missing; the instance does not say what is wanted"])
        return make_image(self, self.mix)

    @cached_property
    def growth(self) -> Growth:
        """The integer image of its expansion.

        Raises
        ------
        InstanceError
            If the instance asks no expansion.
        """
        if self.expand is None:
            raise InstanceError(["expand: is missing; the instance does not say what is built"])
        return make_growth(self, self.expand)

    def domain_chips(self, pool: Pool) -> int:
        """Return the chips in one domain of a pool; 1 for a pool that is only a chip count."""
        return 1 if pool.domain is None else self.domains[pool.domain].chips

    def may_move(self, job: int) -> bool:
        """Return whether jobs[job] runs already and may be moved."""
        running = self.jobs[job].running
        return self.moves is not None and running is not None and running.move is not None

    def has_to_stay(self, job: int) -> bool:
        """Return whether jobs[job] runs already and stays where it is."""
        return self.jobs[job].running is not None and not self.may_move(job)

    @cached_property
    def most_at_a_site(self) -> dict[str, int]:
        """How many jobs of each group that has a spread may have a part at any one site."""
        held = Counter(job.group for job in self.jobs)
        return {group: spread.most(held[group]) for group, spread in self.spreads.items()}

    def sites_of(self, mode: Mode) -> tuple[str, ...]:
        """Return the sites at which a mode has a part, each once."""
        return tuple(dict.fromkeys(self.pools[part.pool].site for part in mode.parts))

    def data(self) -> dict[str, Any]:
        """Return the instance as JSON data; what is at its default is left out.

        Pools and jobs stand there, even if there are none, unless it asks another question.
        """
        data = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        if self.mix is None and self.expand is None:
            data.setdefault("pools", {})
            data.setdefault("jobs", [])
        return data

    @cached_property
    def text(self) -> str:
        """The data as compact JSON, which reads as an instance equal to this one."""
        return json.dumps(self.data(), separators=(",", ":"))

    @cached_property
    def hash(self) -> str:
        """sha256 of the canonical JSON of the data: sorted keys, no spaces, defaults left out."""
        text = json.dumps(self.data(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()
