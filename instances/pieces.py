"""Catalogue pieces: fragments of instances with the sources of their numbers.

A piece is a JSON object with parts of an instance (`chips`, `domains`, `workloads`, ...) and a
`sources` map whose JSON pointers are those of the instance, so that pieces are merged key by key.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from optimizer.errors import InstanceError

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["merge", "only_chips", "piece"]

Data = dict[str, Any]


def piece(folder: str, name: str) -> Data:
    """Return the piece `folder`/`name`.json of this package.

    Raises
    ------
    InstanceError
        If there is none of that name.
    """
    path = files("instances") / folder / f"{name}.json"
    if not path.is_file():
        raise InstanceError([f"{folder}: {name!r} is not a piece of the catalogue"])
    data: Data = json.loads(path.read_text(encoding="utf-8"))
    return data


def merge(into: Data, fragment: Data) -> None:
    """Add the maps of a fragment to those of an instance's data.

    Raises
    ------
    InstanceError
        If both give the same name.
    """
    for part, content in fragment.items():
        there = into.setdefault(part, {})
        twice = sorted(set(there) & set(content))
        if twice:
            raise InstanceError([f"{part}: {', '.join(twice)} is given by two pieces"])
        there.update(content)


def only_chips(fragment: Data, chips: Collection[str]) -> Data:
    """Return a piece of workloads with the rates of these chips only, sources renumbered."""
    workloads: Data = {}
    sources: Data = dict(fragment["sources"])
    for name, workload in fragment["workloads"].items():
        kept = [i for i, rate in enumerate(workload["rates"]) if rate["chip"] in chips]
        workloads[name] = workload | {"rates": [workload["rates"][i] for i in kept]}
        stem = f"/workloads/{name}/rates/"
        old = {key: sources.pop(key) for key in list(sources) if key.startswith(stem)}
        for new, i in enumerate(kept):
            sources[f"{stem}{new}"] = old[f"{stem}{i}"]
    return {"workloads": workloads, "sources": sources}
