"""Make an instance of a mix from its recipe: catalogue pieces, sites, offers, demand, ranges.

``python -m instances.build_mix NAME ...`` writes `facilities/NAME.json` anew and its line in the
catalog; without a name, all recipes.
"""

from __future__ import annotations

import json
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from instances.pieces import Data, merge, only_chips, piece
from optimizer.domain.files import parse_instance, write_instance
from optimizer.domain.instance import SCHEMA, Instance

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["build_mix", "main", "mix_recipes"]

_PARTS = ("horizon", "sites", "pools", "carbon_usd_per_kg", "mix")
_NOT_FOUND = {"value_usd": None, "by": None, "when": None}


def mix_recipes() -> tuple[str, ...]:
    """Return the names of all recipes of mixes."""
    folder = files("instances") / "mix_recipes"
    return tuple(sorted(p.name.removesuffix(".json") for p in folder.iterdir()))


def build_mix(name: str) -> Instance:
    """Return the instance of a recipe.

    Raises
    ------
    InstanceError
        If the recipe is not known or does not make an instance.
    """
    recipe = piece("mix_recipes", name)
    data: Data = {"schema": SCHEMA, "name": name, "title": recipe["title"]}
    data["notes"] = recipe["notes"]
    data |= {part: recipe[part] for part in _PARTS if part in recipe}
    data["sources"] = {}
    for chip in recipe["chips"]:
        merge(data, piece("chips", chip))
    for workload in recipe["workloads"]:
        merge(data, only_chips(piece("workloads", workload), recipe["chips"]))
    merge(data, {"sources": recipe["sources"]})
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


def line(name: str, instance: Instance, before: dict[str, Any]) -> dict[str, Any]:
    """Return the catalog's line; best results of another version are dropped."""
    if before.get("hash") != instance.hash:
        before = {"best_incumbent": _NOT_FOUND, "best_bound": _NOT_FOUND}
    chips = sum(
        offer.max_domains * instance.domains[offer.domain].chips
        for offer in (instance.mix.offers.values() if instance.mix else ())
    )
    return {
        "question": "mix",
        "title": instance.title,
        "path": f"facilities/{name}.json",
        "size": {"jobs": 0, "periods": instance.horizon.periods, "chips": chips},
        "source": piece("mix_recipes", name)["source"],
        "hash": instance.hash,
        "best_incumbent": before["best_incumbent"],
        "best_bound": before["best_bound"],
    }


def main(names: Sequence[str]) -> None:
    """Write the instances of these recipes, or of all."""
    folder = Path(__file__).parent
    path = folder / "catalog.json"
    for name in names or mix_recipes():
        instance = build_mix(name)
        write_instance(instance, folder / "facilities" / f"{name}.json")
        lines = json.loads(path.read_text(encoding="utf-8"))
        lines[name] = line(name, instance, lines.get(name, {}))
        text = json.dumps(dict(sorted(lines.items())), indent=1, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
