"""Catalogue pieces: fragments of instances with the sources of their numbers.

A piece is a JSON object with parts of an instance (`chips`, `domains`, `workloads`, ...) and a
`sources` map whose JSON pointers are those of the instance, so that pieces are merged key by key.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from optimizer.domain.files import write_instance
from optimizer.domain.instance import SCHEMA
from optimizer.errors import InstanceError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from optimizer.domain.instance import Instance

__all__ = ["enter", "merge", "only_chips", "piece", "recipes_in", "world_of"]

Data = dict[str, Any]

_NOT_FOUND = {"value_usd": None, "by": None, "when": None}


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


def recipes_in(folder: str) -> tuple[str, ...]:
    """Return the names of all recipes in a folder of this package."""
    return tuple(
        sorted(p.name.removesuffix(".json") for p in (files("instances") / folder).iterdir())
    )


def world_of(name: str, recipe: Data, parts: Iterable[str], workloads: Iterable[str]) -> Data:
    """Return the data of an instance from its recipe and the pieces of the catalogue it names.

    parts
        What is taken from the recipe as it stands, where it has it.
    """
    data: Data = {"schema": SCHEMA, "name": name, "title": recipe["title"]}
    data["notes"] = recipe["notes"]
    data |= {part: recipe[part] for part in parts if part in recipe}
    data |= {"chips": {}, "sources": {}}
    for chip in recipe["chips"]:
        merge(data, piece("chips", chip))
    for workload in workloads:
        merge(data, only_chips(piece("workloads", workload), recipe["chips"]))
    merge(data, {"sources": recipe["sources"]})
    return data


def enter(folder: Path, question: str, instance: Instance, size: Data, source: Any) -> None:
    """Write an instance and its catalog line; best results of another version are dropped."""
    name = instance.name
    (folder / "facilities").mkdir(exist_ok=True)
    write_instance(instance, folder / "facilities" / f"{name}.json")
    path = folder / "catalog.json"
    lines = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    before = lines.get(name, {})
    if before.get("hash") != instance.hash:
        before = {"best_incumbent": _NOT_FOUND, "best_bound": _NOT_FOUND}
    lines[name] = {
        "question": question,
        "title": instance.title,
        "path": f"facilities/{name}.json",
        "size": size,
        "source": source,
        "hash": instance.hash,
        "best_incumbent": before["best_incumbent"],
        "best_bound": before["best_bound"],
    }
    text = json.dumps(dict(sorted(lines.items())), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
