"""Changes in a planner's words: `memphis: +50 MW`, `memphis/gb200: +2 domains`, `gb200: x0.8 draw`.

    changes = said(instance, "memphis: +50 MW, memphis/gb200: +20 domains")

Sites may get MW (their largest supply, throughout) or another price of energy; pools domains or, of
chips without domains, chips; chips another draw in training; tenants another value of their jobs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from optimizer.domain.changes.patch import Change, pointer
from optimizer.domain.changes.scale import scaled
from optimizer.domain.fields import shown
from optimizer.errors import InstanceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.domain.instance import Instance

__all__ = ["said"]

_PART = re.compile(
    r"\s*(?P<name>[^:]+?)\s*:\s*(?P<how>[+\-x])\s*(?P<by>\d+(\.\d+)?)\s*(?P<of>\w+)\s*"
)
FORM = "must be NAME: +50 MW, +20 domains, +8 chips, x0.8 draw, x1.2 price or x1.5 value"


def said(instance: Instance, text: str) -> tuple[Change, ...]:
    """Return the changes of a text: parts joined by commas.

    Raises
    ------
    InstanceError
        With everything that is wrong with it.
    """
    changes: list[Change] = []
    findings: list[str] = []
    for part in text.split(","):
        try:
            changes += _part(instance, part)
        except ValueError as e:
            findings.append(f"{part.strip()!r}: {e}")
    places = [change.pointer for change in changes]
    twice = sorted({at for at in places if places.count(at) > 1})
    findings += [f"{text!r}: changes {at} twice" for at in twice]
    if findings:
        raise InstanceError(findings)
    return tuple(changes)


def _part(instance: Instance, part: str) -> list[Change]:
    found = _PART.fullmatch(part)
    key = None if found is None else ("x" if found["how"] == "x" else "+", found["of"])
    if found is None or key not in _KINDS:
        raise ValueError(FORM)
    by = float(found["by"])
    return _KINDS[key](instance, found["name"], -by if found["how"] == "-" else by)


def _one_of(known: Any, name: str, what: str) -> None:
    if name not in known:
        raise ValueError(f"{shown(name)} is no {what}; known: {', '.join(known)}")


def _power(instance: Instance, site: str, mw: float) -> list[Change]:
    _one_of(instance.sites, site, "site")
    its = instance.sites[site]
    key = its.largest_supply(instance.horizon)
    if key is None:
        raise ValueError("has no supply that could give more or less")
    at = pointer("sites", site, "supplies", key, "cap_mw")
    return [Change(at, its.supplies[key].cap_mw.raised(mw))]


def _domains(instance: Instance, name: str, count: float) -> list[Change]:
    return _count(instance, name, count, "domains")


def _chips(instance: Instance, name: str, count: float) -> list[Change]:
    return _count(instance, name, count, "chips")


def _count(instance: Instance, name: str, count: float, thing: str) -> list[Change]:
    _one_of(instance.pools, name, "pool")
    pool = instance.pools[name]
    counted = "chips" if pool.domain is None else "domains"
    if thing != counted:
        raise ValueError(f"is counted in {counted}")
    if count != int(count):
        raise ValueError(f"must be a whole number of {thing}")
    return [Change(pointer("pools", name, "count"), pool.count.raised(count))]


def _draw(instance: Instance, chip: str, factor: float) -> list[Change]:
    _one_of(instance.chips, chip, "chip")
    return list(scaled(instance, (pointer("chips", chip, "training_kw"),), factor)[0])


def _price(instance: Instance, site: str, factor: float) -> list[Change]:
    _one_of(instance.sites, site, "site")
    each = (pointer("sites", site, "supplies", k, "price_usd_per_mwh")
            for k in instance.sites[site].supplies)  # fmt: skip
    return list(scaled(instance, each, factor)[0])


def _value(instance: Instance, tenant: str, factor: float) -> list[Change]:
    names = sorted({job.tenant for job in instance.jobs if job.tenant is not None})
    _one_of(names, tenant, "tenant with jobs")
    mine = [job for job in instance.jobs if job.tenant == tenant]
    return [Change(pointer("jobs", j.id, "value_usd"), j.value_usd * factor) for j in mine]


_KINDS: dict[tuple[str, str], Callable[[Instance, str, float], list[Change]]] = {
    ("+", "MW"): _power,
    ("+", "domains"): _domains,
    ("+", "chips"): _chips,
    ("x", "draw"): _draw,
    ("x", "price"): _price,
    ("x", "value"): _value,
}
