"""How values are written for people: short, with their unit, never NaN, unknown as a dash."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optimizer.domain.reports import Value

__all__ = ["DASH", "number", "quantity"]

DASH = "-"
"""Stands for what is not known."""

_STEPS = ((1e12, " T"), (1e9, " B"), (1e6, " M"), (1e4, " k"))
"""From where on money is written in thousands, millions, ..., and the letter."""


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
        return _money(value)
    return f"{value:,}" if isinstance(value, int) else _three(value)


def _money(value: float) -> str:
    for step, (least, letter) in enumerate(_STEPS):
        if abs(value) >= least * (1 - 5e-4):  # 999,950 is written 1.00 M, not 1,000 k
            unit = 1e3 if letter == " k" else _STEPS[step][0]
            return f"{_three(value / unit)}{letter}"
    return _three(value)


def _three(value: float) -> str:
    """Return a number with three digits that count, whole from 100 on."""
    size = abs(value)
    if value == 0 or size >= 99.95:
        return f"{value:,.0f}"
    if size >= 9.995:
        return f"{value:.1f}"
    if size >= 0.9995:
        return f"{value:.2f}"
    return f"{value:.3f}" if size >= 0.0995 else f"{value:.2g}"


def _one(unit: str) -> str:
    """Return the unit of one thing: chips -> chip."""
    return unit[:-1] if unit.endswith("s") and len(unit) > 2 else unit
