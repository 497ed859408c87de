"""An instance with numbers of one of its ranges moved together: what a tornado turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.changes.patch import Change, patch
from optimizer.domain.changes.scale import numbers_below
from optimizer.errors import InstanceError

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance

__all__ = ["scaled"]


def scaled(instance: Instance, name: str, factor: float) -> Instance:
    """Return the instance with every number of a range times a factor.

    Parameters
    ----------
    name
        Of a range in `mix.ranges`.
    factor
        Greater than 0; the range's own `low` and `high` are its ends.

    Raises
    ------
    InstanceError
        If there is no such range, or a number leaves what is allowed for it.
    """
    ranges = {} if instance.mix is None else instance.mix.ranges
    if name not in ranges:
        some = ", ".join(ranges) or "none"
        raise InstanceError([f"mix.ranges: {name!r} is not a range; known ranges: {some}"])
    found = numbers_below(instance, ranges[name].of)
    return patch(instance, [Change(at, value * factor) for at, _, value in found])
