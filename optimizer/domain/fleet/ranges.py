"""An instance with numbers of one of its ranges moved together: what a tornado turns."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from optimizer.domain.files import parse_instance
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
    data = instance.model_dump(mode="json", by_alias=True)  # with what is at its default
    for pointer in ranges[name].of:
        steps = [s.replace("~1", "/").replace("~0", "~") for s in pointer.split("/")[1:]]
        above: Any = data
        for step in steps[:-1]:
            above = above[_key(above, step)]
        last = _key(above, steps[-1])
        above[last] = _times(above[last], factor)
    return parse_instance(json.dumps(data))


def _key(here: Any, step: str) -> Any:
    return int(step) if isinstance(here, list) else step


def _times(value: Any, factor: float) -> Any:
    """Return data with every number times a factor; dates and counts of domains stay."""
    if isinstance(value, dict):
        return {k: v if k in _KEPT else _times(v, factor) for k, v in value.items()}
    if isinstance(value, list):
        return [_times(v, factor) for v in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value * factor if is_number else value


_KEPT = ("from", "from_domains", "chips", "slice_chips")
"""Numbers below a pointer that are no quantity of it: moments, quantities, sizes."""
