"""Make an instance from its recipe: catalogue pieces, a facility, seeded jobs.

``python -m instances.build NAME ...`` writes `facilities/NAME.json` anew and puts its size into the
catalog; without a name, all recipes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from instances.demand import Demand
from instances.generate import make_jobs
from instances.measure import fleet_chips
from instances.pieces import enter, piece, recipes_in, world_of
from optimizer.domain.files import parse_instance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.domain.instance import Instance

__all__ = ["build", "main", "recipes"]

_PARTS = ("horizon", "sites", "pools", "tenants", "budgets", "carbon_usd_per_kg")


def recipes() -> tuple[str, ...]:
    """Return the names of all recipes."""
    return recipes_in("recipes")


def build(name: str) -> Instance:
    """Return the instance of a recipe, jobs and all.

    Raises
    ------
    InstanceError
        If the recipe is not known or does not make an instance.
    """
    recipe = piece("recipes", name)
    demand = Demand.model_validate_json(json.dumps(recipe["demand"]))
    data = world_of(name, recipe, _PARTS, recipe["demand"]["workloads"])
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


def catalog_size(instance: Instance) -> dict[str, Any]:
    """Return what the catalog says of an instance's size."""
    return {
        "jobs": len(instance.jobs),
        "periods": instance.horizon.periods,
        "chips": fleet_chips(instance),
    }


def main(names: Sequence[str]) -> None:
    """Write the instances of these recipes, or of all."""
    folder = Path(__file__).parent
    for name in names or recipes():
        instance = build(name)
        source = piece("recipes", name)["source"]
        enter(folder, "place", instance, catalog_size(instance), source)


if __name__ == "__main__":
    main(sys.argv[1:])
