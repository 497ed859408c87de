"""Demand: how much work of a class is wanted, what it is worth, and where it may run."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from optimizer.domain.fields import ChipCount, Entity, Id, Text
from optimizer.domain.series import Series, within

__all__ = ["Demand", "GangSize"]

PerUnit = Annotated[float, Field(ge=0, le=1e9)]


class GangSize(Entity):
    """A gang in which a class may run: whole slices of one size [chips]."""

    chips: ChipCount
    slice_chips: ChipCount


class Demand(Entity):
    """Work of one class that is wanted.

    Attributes
    ----------
    work_per_month
        How much, in the unit of the workload for 730 h; None for as much as possible.
    value_usd_per_unit
        What a unit is worth, and so what one costs that is not served; None for work that has to
        be served whatever it costs.
    least_share
        Share of the demand that has to be served in every phase.
    weight_per_unit
        What a unit counts in "useful work"; None for its value.
    countries, owners
        Residency: where its sites may lie and whose they may be; None for any.
    gangs
        Gang sizes in which it may run; None for those that its workload has rates of.
    whole_domain
        Its gangs consist of whole domains only.
    not_on
        Kinds of domain on which it does not run. A kind on offer that is neither named here nor
        has a rate is an error.
    """

    workload: Id
    name: Text = ""
    work_per_month: Annotated[Series, within(0, 1e15, "")] | None = None
    value_usd_per_unit: PerUnit | None = None
    least_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    weight_per_unit: PerUnit | None = None
    countries: tuple[Id, ...] | None = None
    owners: tuple[Text, ...] | None = None
    gangs: tuple[GangSize, ...] | None = None
    whole_domain: bool = False
    not_on: tuple[Id, ...] = ()

    @property
    def weight(self) -> float:
        """What a unit counts in useful work."""
        return (
            (self.value_usd_per_unit or 0.0)
            if self.weight_per_unit is None
            else (self.weight_per_unit)
        )
