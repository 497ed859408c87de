"""Plain CP-SAT: the interval model of exact placement as it is, at any size, without a start."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

from optimizer.place.clock import Clock
from optimizer.place.exact.case import make_case
from optimizer.place.exact.solve import exact_case
from optimizer.place.plan import Certificate, Options

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.place.plan import PlacePlan

__all__ = ["cpsat"]

MOST_COLUMNS = 10**9
"""No limit: what it cannot do it shall show."""


def cpsat(instance: Instance, seconds: float, threads: int) -> PlacePlan:
    """Return what CP-SAT finds in so many seconds, its model included; no prices are made."""
    options = Options(seconds=max(1.0, seconds), threads=threads)
    case = make_case(instance, Clock(options, Event(), None), Certificate(), MOST_COLUMNS)
    return exact_case(case, None)
