"""Tenants, their quotas, and budgets."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from optimizer.domain.fields import ChipCount, Entity, Id, Text

__all__ = ["Budget", "Tenant"]


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
