"""The catalog: named instances that are shipped with the package, with their best known results."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from optimizer.domain.files import parse_instance
from optimizer.errors import InstanceError

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance

__all__ = ["Best", "Entry", "entry", "load", "names", "text"]


@dataclass(frozen=True, slots=True)
class Best:
    """A best known incumbent or bound [USD], who found it and when; None until one is stored."""

    value_usd: float | None
    by: str | None
    when: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the catalog.

    Attributes
    ----------
    question
        Which question it belongs to, such as `place`.
    path
        Its file, relative to this package.
    jobs, periods, chips
        Its size.
    source
        Where facility and demand come from.
    hash
        `Instance.hash` of the file; results are of this version only.
    """

    name: str
    question: str
    title: str
    path: str
    jobs: int
    periods: int
    chips: int
    source: str
    hash: str
    best_incumbent: Best
    best_bound: Best


@cache
def _lines() -> dict[str, dict[str, Any]]:
    text = (files("instances") / "catalog.json").read_text(encoding="utf-8")
    lines: dict[str, dict[str, Any]] = json.loads(text)
    return lines


def names(question: str | None = None) -> tuple[str, ...]:
    """Return the names of the instances in the catalog: of one question, or of all."""
    return tuple(n for n, line in _lines().items() if question in (None, line["question"]))


def entry(name: str) -> Entry:
    """Return the catalog's line of an instance.

    Raises
    ------
    InstanceError
        If the catalog has none of that name.
    """
    line = _lines().get(name)
    if line is None:
        known = ", ".join(names())
        raise InstanceError([f"{name!r} is not in the catalog; known instances: {known}"])
    rest: dict[str, Any] = {k: v for k, v in line.items() if k != "size"} | line["size"]
    for key in ("best_incumbent", "best_bound"):
        rest[key] = Best(**rest[key])
    return Entry(name=name, **rest)


def load(name: str) -> Instance:
    """Return an instance of the catalog.

    Raises
    ------
    InstanceError
        If the catalog has none of that name.
    """
    return parse_instance(text(name))


def text(name: str) -> str:
    """Return an instance of the catalog as its file has it; InstanceError if there is none."""
    path = files("instances").joinpath(*entry(name).path.split("/"))
    return path.read_text(encoding="utf-8")
