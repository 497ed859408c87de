"""How the cells of a table are written on a page: one number of decimals for a whole column.

A terminal shortens every figure by itself; in a column that leans to the right figures have to
stand below each other digit by digit, so money is written in full.
"""

from __future__ import annotations

from datetime import UTC, datetime
from math import floor, log10
from typing import TYPE_CHECKING

from service.render.numbers import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.domain.reports import Column, Value

__all__ = ["column_cells", "heading_unit"]

UNKNOWN = "–"  # noqa: RUF001 - the dash of a table
"""Stands for what is not known, or for none."""
_DIGITS = 6
"""Most digits of a column's largest figure, decimals included."""
_NO_CENTS = 10_000
"""From here on money is written without cents [USD]."""


def column_cells(column: Column, values: Sequence[Value]) -> list[str]:
    """Return the cells of a column as text."""
    floats = [_scaled(v, column) for v in values if isinstance(v, float)]
    decimals = _decimals(floats, column.unit)
    return [_cell(value, column, decimals) for value in values]


def heading_unit(column: Column) -> str:
    """Return the unit that stands below a column's name."""
    return {"share": "%"}.get(column.unit, column.unit)


def _scaled(value: float, column: Column) -> float:
    return 100.0 * value if column.unit == "share" else float(value)


def _decimals(values: Sequence[float], unit: str) -> int:
    """Return the decimals that leave three digits of the smallest figure, within limits."""
    sizes = [abs(v) for v in values if v]
    if not sizes or all(v == round(v) for v in values):
        return 0
    if unit == "USD" and (min(sizes) >= 1 or max(sizes) >= _NO_CENTS):
        return 0
    wanted = 2 - floor(log10(min(sizes)) + 1e-9)
    whole = max(1, floor(log10(max(sizes)) + 1e-9) + 1)
    return max(0, min(wanted, 2 if unit in ("USD", "share") else 3, _DIGITS - whole))


def _cell(value: Value, column: Column, decimals: int) -> str:
    if value is None:
        return UNKNOWN
    if isinstance(value, datetime):
        moment = value if value.tzinfo is None else value.astimezone(UTC)
        return f"{moment:%Y-%m-%d %H:%M}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return number(value, column.unit)
    if isinstance(value, int) and column.unit != "share":
        return f"{value:,}"
    figure = _scaled(value, column)
    text = f"{figure:,.{decimals}f}"
    if figure and not any(c in "123456789" for c in text):  # a little is not nothing
        least = 10.0**-decimals
        return f"<{least:.{decimals}f}" if figure > 0 else f">-{least:.{decimals}f}"
    return text.replace("-", "\N{MINUS SIGN}")
