"""Accelerators and the scale-up domains that join them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from optimizer.domain.fields import ChipCount, Entity, Id, KwPerChip, Share, Text, UsdPerHour
from optimizer.domain.horizon import Timestamp
from optimizer.units import watts_up

__all__ = ["Chip", "Cooling", "PowerLevel", "ScaleUpDomain"]

Cooling = Literal["air", "liquid"]


class PowerLevel(Entity):
    """One point of a power-speed curve.

    Attributes
    ----------
    draw_share, speed_share
        Draw and speed as shares of those at full training power, in (0, 1].
    """

    draw_share: Share
    speed_share: Share


FULL = {"full": PowerLevel(draw_share=1.0, speed_share=1.0)}
"""The power level that every chip has."""


class Chip(Entity):
    """An accelerator type.

    Attributes
    ----------
    peak_tflops
        Dense peak rate by precision [TFLOP/s].
    hbm_gb
        Memory of one chip [GB].
    nameplate_kw, training_kw, idle_kw
        IT draw per chip, its share of server, switches and fans included [kW]: the vendor's
        maximum, measured or expected in training at full power, and powered but without a job.
    power_levels
        Named points of the power-speed curve; every chip has `full`.
    cooling
        The kinds of cooling it can live with.
    rent_usd_per_chip_hour, purchase_usd
        Market price of an hour and of a chip with its share of the server; None where it cannot
        be had.
    available_from
        First delivery anywhere.
    """

    name: Text = ""
    vendor: Text = ""
    peak_tflops: dict[Id, Annotated[float, Field(gt=0, le=1e6)]] = {}
    hbm_gb: Annotated[float, Field(gt=0, le=100_000)]
    nameplate_kw: KwPerChip
    training_kw: KwPerChip
    idle_kw: Annotated[float, Field(ge=0, le=20)] = 0.0
    power_levels: dict[Id, PowerLevel] = {}
    cooling: tuple[Cooling, ...] = ("air", "liquid")
    rent_usd_per_chip_hour: UsdPerHour | None = None
    purchase_usd: UsdPerHour | None = None
    available_from: Timestamp | None = None

    @property
    def levels(self) -> dict[str, PowerLevel]:
        """All power levels, `full` first."""
        return FULL | self.power_levels

    @property
    def idle_w(self) -> int:
        """Draw of one idle chip [W], rounded up."""
        return watts_up(self.idle_kw)

    def gang_w(self, chips: int, level: str) -> int:
        """Return the IT draw of a gang in training [W], rounded up once for the gang."""
        return watts_up(chips * self.training_kw * self.levels[level].draw_share)


class ScaleUpDomain(Entity):
    """The unit joined by the fast fabric: 8-GPU server, NVL72 rack, TPU cube, UltraServer.

    Attributes
    ----------
    chips
        Chips in one domain.
    slice_chips
        Sizes of slices that may be cut from it [chips]; the whole domain always may.
    racks
        Floor space of one domain [racks].
    """

    chip: Id
    name: Text = ""
    chips: Annotated[int, Field(ge=1, le=100_000)]
    slice_chips: tuple[ChipCount, ...] = ()
    racks: Annotated[float, Field(ge=0, le=10_000)] = 0.0

    @property
    def sizes(self) -> frozenset[int]:
        """Every slice size that may be cut, the whole domain included [chips]."""
        return frozenset(self.slice_chips) | {self.chips}

    def cuts(self, slice_chips: int) -> bool:
        """Return whether slices of that size may be cut from it."""
        return slice_chips == self.chips or slice_chips in self.slice_chips
