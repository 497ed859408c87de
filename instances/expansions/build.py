"""Make an instance of an expansion from its recipe: pieces, sites, builds, futures, plans.

``python -m instances.expansions.build NAME ...`` writes `facilities/NAME.json` anew and its line in
the catalog; without a name, all recipes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from instances.pieces import Data, enter, piece, recipes_in, world_of
from optimizer.domain.files import parse_instance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.domain.instance import Instance

__all__ = ["build_expand", "expand_recipes", "main"]

_FOLDER = "expand_recipes"
_PARTS = ("horizon", "sites", "pools", "carbon_usd_per_kg", "expand")


def expand_recipes() -> tuple[str, ...]:
    """Return the names of all recipes of expansions."""
    return recipes_in(_FOLDER)


def build_expand(name: str) -> Instance:
    """Return the instance of a recipe.

    Raises
    ------
    InstanceError
        If the recipe is not known or does not make an instance.
    """
    recipe = piece(_FOLDER, name)
    return parse_instance(json.dumps(world_of(name, recipe, _PARTS, ())))


def catalog_size(instance: Instance) -> Data:
    """Return what the catalog says of an instance's size: chips that are there or can be built."""
    growth = instance.growth
    chips = sum(build.max_units * build.chips for build in growth.builds)
    chips += sum(stock.chips * max(stock.there) for stock in growth.stocks)
    return {"jobs": 0, "periods": growth.periods, "chips": chips}


def main(names: Sequence[str]) -> None:
    """Write the instances of these recipes, or of all."""
    folder = Path(__file__).parents[1]
    for name in names or expand_recipes():
        instance = build_expand(name)
        enter(folder, "expand", instance, catalog_size(instance), piece(_FOLDER, name)["source"])


if __name__ == "__main__":
    main(sys.argv[1:])
