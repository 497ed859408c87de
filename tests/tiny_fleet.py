"""Tiny instances with what only a fleet has: groups that are spread over sites.

`spread(seed)` takes `tiny(seed)` as it is and adds to it by its own draws, so that what `tiny`
draws stays as it was. Every instance has two sites with the same pools, and limits that bind.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from tiny import tiny

Data = dict[str, Any]


def spread(seed: int) -> Data:
    """Return a tiny instance with groups of jobs that must not all be at one site."""
    data, rng = copy.deepcopy(tiny(seed)), np.random.default_rng(10_000 + seed)
    data["name"] = f"spread-{seed}"
    twin(data)
    names = ["red", "blue"][: int(rng.integers(1, 3))]
    for job in data["jobs"]:
        job.pop("countries", None)
        job.pop("owners", None)
        if rng.random() < 0.85:
            job["group"] = names[int(rng.integers(len(names)))]
    held = {name: sum(job.get("group") == name for job in data["jobs"]) for name in names}
    data["spreads"] = {}
    for name in names:
        share = float(rng.choice([0.2, 1 / 3, 0.34, 0.5, 2 / 3, 0.7, 1.0]))
        data["spreads"][name] = {"share": share}
        if rng.random() < 0.2:
            data["spreads"][name]["of_jobs"] = held[name] + int(rng.integers(1, 4))
    return data


def twin(data: Data) -> None:
    """Give an instance of one site a second one with the same supplies and pools."""
    if len(data["sites"]) > 1:
        return
    (name,) = data["sites"]
    data["sites"]["twin"] = copy.deepcopy(data["sites"][name])
    for key, pool in list(data["pools"].items()):
        data["pools"][f"{key}-twin"] = copy.deepcopy(pool) | {"site": "twin"}
