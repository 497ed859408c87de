"""How figures stand in sentences: USD 1.23 M, 2026-02-03 12:00, hours in stretches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.units import usd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from optimizer.domain.horizon import Horizon

__all__ = [
    "counted",
    "dollars",
    "figure",
    "hours_said",
    "listed",
    "money",
    "percent",
    "scaled",
    "stretches",
    "when",
    "whole",
]

_STEPS = ((1e12, " T"), (1e9, " B"), (1e6, " M"), (1e4, " k"))
"""From where on money is written in thousands, millions, ..., and the letter."""


def money(nano_usd: int) -> str:
    """Return nano-USD as a sentence has it: USD 1.23 M."""
    return f"USD {scaled(usd(nano_usd), figure)}"


def scaled(amount: float, write: Callable[[float], str]) -> str:
    """Return money in thousands, millions, ...: 1.23 M; write gives the digits."""
    for least, letter in _STEPS:
        if abs(amount) >= least * (1 - 5e-4):  # 999,950 is written 1.00 M, not 1,000 k
            return f"{write(amount / (1e3 if letter == ' k' else least))}{letter}"
    return write(amount)


def dollars(nano_usd: int) -> str:
    """Return nano-USD in whole dollars, for figures that are compared: USD 113,061,220."""
    return f"USD {round(usd(nano_usd)):,}"


def figure(value: float) -> str:
    """Return a number with three digits that count, whole from 100 on."""
    size = abs(value)
    if value == 0 or size >= 99.95:
        return f"{value:,.0f}"
    if size >= 9.995:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 0.9995 else f"{value:.2g}"


def percent(part: float, whole_: float) -> str:
    """Return a share in percent; a dash of nothing."""
    return f"{figure(100 * part / whole_)} %" if whole_ else "-"


def whole(number: float) -> str:
    """Return a count with thousands set off."""
    return f"{number:,.0f}"


def counted(number: int, thing: str, many: str = "") -> str:
    """Return a count with its noun: 1 job, 2 jobs."""
    return f"{number:,} {thing if number == 1 else many or thing + 's'}"


def listed(names: Sequence[str], most: int = 3) -> str:
    """Return a few names: `a, b and c`, or `a, b, c and 4 more`."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def when(horizon: Horizon, boundary: int) -> str:
    """Return a period boundary as a UTC date-time."""
    return f"{horizon.time_of(boundary):%Y-%m-%d %H:%M}"


def stretches(horizon: Horizon, periods: NDArray[np.bool_], most: int = 1) -> str:
    """Return when something holds: `2026-02-03 12:00 to 16:00`, or in how many hours it does."""
    spans = list(_spans(periods.tolist()))
    if not spans:
        return "never"
    if spans == [(0, horizon.periods)]:
        return "all the time"
    if len(spans) > most:
        return hours_said(horizon, periods)
    return listed([_span(horizon, a, b) for a, b in spans])


def _span(horizon: Horizon, first: int, last: int) -> str:
    begin, end = horizon.time_of(first), horizon.time_of(last)
    short = f"{end:%H:%M}" if begin.date() == end.date() else f"{end:%Y-%m-%d %H:%M}"
    return f"{begin:%Y-%m-%d %H:%M} to {short}"


def _spans(flags: Iterable[bool]) -> Iterable[tuple[int, int]]:
    begin = None
    t = -1
    for t, flag in enumerate(flags):
        if flag and begin is None:
            begin = t
        elif not flag and begin is not None:
            yield begin, t
            begin = None
    if begin is not None:
        yield begin, t + 1


def hours_said(horizon: Horizon, periods: NDArray[np.bool_]) -> str:
    """Return in how many hours something holds: `54 of 168 h`."""
    total = int(periods.sum()) * horizon.period_hours
    return f"{total:,.6g} of {horizon.hours:,.6g} h"
