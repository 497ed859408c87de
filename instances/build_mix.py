"""Make an instance of a mix from its recipe: catalogue pieces, sites, offers, demand, ranges.

``python -m instances.build_mix NAME ...`` writes `facilities/NAME.json` anew and its line in the
catalog; without a name, all recipes.
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

__all__ = ["build_mix", "main", "mix_recipes"]

_PARTS = ("horizon", "sites", "pools", "carbon_usd_per_kg", "mix")


def mix_recipes() -> tuple[str, ...]:
    """Return the names of all recipes of mixes."""
    return recipes_in("mix_recipes")


def build_mix(name: str) -> Instance:
    """Return the instance of a recipe.

    Raises
    ------
    InstanceError
        If the recipe is not known or does not make an instance.
    """
    recipe = piece("mix_recipes", name)
    data = world_of(name, recipe, _PARTS, recipe["workloads"])
    data["mix"]["ranges"] |= estimates(data, recipe["estimates"])
    return parse_instance(json.dumps(data))


def estimates(data: Data, spans: dict[str, tuple[float, float]]) -> Data:
    """Return a range for the estimated rates of every chip: they are wrong together, or not."""
    out: Data = {}
    for chip, (low, high) in spans.items():
        of = [
            f"/workloads/{name.replace('/', '~1')}/rates/{i}/work_per_hour"
            for name, workload in data["workloads"].items()
            for i, rate in enumerate(workload["rates"])
            if rate["chip"] == chip and rate.get("is_assumed")
        ]
        if of:
            note = "estimated rates of this chip, all together"
            out[f"{chip}-rates"] = {"of": of, "low": low, "high": high, "note": note}
    return out


def catalog_size(instance: Instance) -> Data:
    """Return what the catalog says of an instance's size: chips that the offers could bring."""
    chips = sum(
        offer.max_domains * instance.domains[offer.domain].chips
        for offer in (instance.mix.offers.values() if instance.mix else ())
    )
    return {"jobs": 0, "periods": instance.horizon.periods, "chips": chips}


def main(names: Sequence[str]) -> None:
    """Write the instances of these recipes, or of all."""
    folder = Path(__file__).parent
    for name in names or mix_recipes():
        instance = build_mix(name)
        source = piece("mix_recipes", name)["source"]
        enter(folder, "mix", instance, catalog_size(instance), source)


if __name__ == "__main__":
    main(sys.argv[1:])
