"""Make an instance from its recipe: catalogue pieces, a facility, seeded jobs.

``python -m instances.build NAME ...`` writes `facilities/NAME.json` anew and puts its size into the
catalog; without a name, all recipes.
"""

from __future__ import annotations

import json
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from instances.demand import Demand
from instances.generate import make_jobs
from instances.measure import fleet_chips
from instances.pieces import Data, merge, only_chips, piece
from optimizer.domain.files import parse_instance, write_instance
from optimizer.domain.instance import SCHEMA, Instance

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["build", "main", "recipes"]

_PARTS = ("horizon", "sites", "pools", "tenants", "budgets", "carbon_usd_per_kg")
_NOT_FOUND = {"value_usd": None, "by": None, "when": None}


def recipes() -> tuple[str, ...]:
    """Return the names of all recipes."""
    folder = files("instances") / "recipes"
    return tuple(sorted(p.name.removesuffix(".json") for p in folder.iterdir()))


def build(name: str) -> Instance:
    """Return the instance of a recipe, jobs and all.

    Raises
    ------
    InstanceError
        If the recipe is not known or does not make an instance.
    """
    recipe = piece("recipes", name)
    demand = Demand.model_validate_json(json.dumps(recipe["demand"]))
    data = _world(name, recipe)
    world = parse_instance(json.dumps(data | {"jobs": []}))
    data["jobs"] = [
        job.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        for job in make_jobs(world, demand)
    ]
    data["sources"]["/jobs"] = {
        "source": f"assumed: seeded generator of this project, seed {demand.seed}, demand of "
        f"recipe {name}: {demand.note}",
        "kind": "assumed",
    }
    return parse_instance(json.dumps(data))


def _world(name: str, recipe: Data) -> Data:
    """Return the data of an instance without jobs."""
    data: Data = {"schema": SCHEMA, "name": name, "title": recipe["title"]}
    data["notes"] = recipe["notes"]
    data |= {part: recipe[part] for part in _PARTS if part in recipe}
    data["sources"] = {}
    for chip in recipe["chips"]:
        merge(data, piece("chips", chip))
    for workload in recipe["demand"]["workloads"]:
        merge(data, only_chips(piece("workloads", workload), recipe["chips"]))
    merge(data, {"sources": recipe["sources"]})
    return data


def catalog_size(instance: Instance) -> dict[str, Any]:
    """Return what the catalog says of an instance's size."""
    return {
        "jobs": len(instance.jobs),
        "periods": instance.horizon.periods,
        "chips": fleet_chips(instance),
    }


def _write(name: str, folder: Path) -> None:
    """Write an instance and its catalog line; best results of another version are dropped."""
    instance = build(name)
    (folder / "facilities").mkdir(exist_ok=True)
    write_instance(instance, folder / "facilities" / f"{name}.json")
    path = folder / "catalog.json"
    lines = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    line = lines.get(name, {})
    if line.get("hash") != instance.hash:
        line = {"best_incumbent": _NOT_FOUND, "best_bound": _NOT_FOUND}
    lines[name] = {
        "question": "place",
        "title": instance.title,
        "path": f"facilities/{name}.json",
        "size": catalog_size(instance),
        "source": piece("recipes", name)["source"],
        "hash": instance.hash,
        "best_incumbent": line["best_incumbent"],
        "best_bound": line["best_bound"],
    }
    text = json.dumps(dict(sorted(lines.items())), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def main(names: Sequence[str]) -> None:
    """Write the instances of these recipes, or of all."""
    folder = Path(__file__).parent
    for name in names or recipes():
        _write(name, folder)


if __name__ == "__main__":
    main(sys.argv[1:])
