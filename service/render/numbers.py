"""How values are written for people: short, with their unit, never NaN, unknown as a dash."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING

from optimizer.domain.answers.say import figure, scaled

if TYPE_CHECKING:
    from optimizer.domain.reports import Value

__all__ = ["DASH", "number", "quantity"]

DASH = "-"
"""Stands for what is not known."""


def quantity(value: Value, unit: str = "") -> str:
    """Return a value with its unit: `USD 12.3 M`, `1,234 chips`, `37.8 MW`, `97.4 %`."""
    text = number(value, unit)
    if unit in ("", "share", "UTC") or text == DASH or isinstance(value, str | bool):
        return text + (" UTC" if isinstance(value, datetime) else "")
    if unit.startswith("USD"):
        return f"USD {text}{unit.removeprefix('USD')}"
    return f"{text} {_one(unit) if text == '1' else unit}"


def number(value: Value, unit: str = "") -> str:
    """Return a value without its unit, as it stands in a column of that unit."""
    if value is None or (isinstance(value, float) and not isfinite(value)):
        return DASH
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        moment = value if value.tzinfo is None else value.astimezone(UTC)
        return f"{moment:%Y-%m-%d %H:%M}"
    if unit == "share":
        return f"{_three(100 * value)} %"
    if unit.startswith("USD"):
        return scaled(value, _three)
    return f"{value:,}" if isinstance(value, int) else _three(value)


def _three(value: float) -> str:
    """Return a number with three digits that count, whole from 100 on; shares in thousandths."""
    return f"{value:.3f}" if 0.0995 <= abs(value) < 0.9995 else figure(value)


def _one(unit: str) -> str:
    """Return the unit of one thing: chips -> chip."""
    return unit[:-1] if unit.endswith("s") and len(unit) > 2 else unit
