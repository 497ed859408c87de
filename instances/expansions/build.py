"""Make an instance of an expansion from its recipe: pieces, sites, builds, futures, plans.

``python -m instances.expansions.build NAME ...`` writes `facilities/NAME.json` anew and its line in
the catalog; without a name, all recipes.

In `expand`, ``{"start": 100, "per_year": -0.12}`` stands for a number that falls by 12 % a year,
and ``{"end": 0.6}`` for a factor that goes from 1 to 0.6 in equal steps, period by period. A recipe
with `of` is another one with its `changes`, a JSON merge patch (RFC 7396): null takes a name out.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    recipe = _recipe(name)
    expand, months = recipe["expand"], recipe["expand"]["months_per_period"]
    periods = recipe["horizon"]["periods"] // months
    recipe |= {"expand": _laid_out(expand, periods, months)}
    return parse_instance(json.dumps(world_of(name, recipe, _PARTS, ())))


def _recipe(name: str) -> Data:
    """Return a recipe, or that of which it is a change, changed."""
    recipe = piece(_FOLDER, name)
    if "of" not in recipe:
        return recipe
    changed: Data = _patched(piece(_FOLDER, recipe["of"]), recipe["changes"])
    return changed


def _patched(data: Any, patch: Any) -> Any:
    """Return data after a JSON merge patch."""
    if not isinstance(patch, dict):
        return patch
    found = dict(data) if isinstance(data, dict) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = _patched(found.get(key), value)
    return found


def _laid_out(part: Any, periods: int, months: int) -> Any:
    """Return a part of a recipe with a number for each period where it gives a path."""
    if isinstance(part, list):
        return [_laid_out(x, periods, months) for x in part]
    if not isinstance(part, dict):
        return part
    if set(part) == {"start", "per_year"}:
        grown = [(1 + part["per_year"]) ** (months * t / 12) for t in range(periods)]
        return [round(part["start"] * x, 2) for x in grown]
    if set(part) == {"end"}:
        return [round(1 + (part["end"] - 1) * (t + 1) / periods, 4) for t in range(periods)]
    return {key: _laid_out(value, periods, months) for key, value in part.items()}


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
        enter(folder, "expand", instance, catalog_size(instance), _recipe(name)["source"])


if __name__ == "__main__":
    main(sys.argv[1:])
