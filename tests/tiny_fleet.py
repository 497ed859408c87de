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


def moves(seed: int) -> Data:
    """Return a tiny instance of two sites with running jobs, of which some may be moved."""
    data, rng = copy.deepcopy(tiny(seed)), np.random.default_rng(20_000 + seed)
    data["name"] = f"moves-{seed}"
    twin(data)
    data["jobs"] = [job for job in data["jobs"] if job["id"] != "r"][: int(rng.integers(1, 4))]
    ids = {job["id"] for job in data["jobs"]}
    for job in data["jobs"]:
        job["predecessors"] = [p for p in job.get("predecessors", ()) if p in ids]
    held: dict[str, dict[int, int]] = {}
    running = [_running(data, rng, f"r{i}", held) for i in range(int(rng.integers(1, 4)))]
    data["jobs"] = [job for job in running if job] + data["jobs"]
    data["moves"] = {"at_most": int(rng.choice([0, 1, 1, 2, 3]))}
    for job in running:  # those that have to stay draw little, so that they fit under every cap
        if job and "move" not in job["running"]:
            job["running"]["periods_left"] = 1
    return data


def _running(data: Data, rng: np.random.Generator, name: str, held: Any) -> Data | None:
    """Return a job that runs on the lowest domains that are free, three in four of them movable."""
    key = list(data["pools"])[int(rng.integers(len(data["pools"])))]
    pool, used = data["pools"][key], held.setdefault(key, {})
    size = data["domains"][pool["domain"]]["chips"] if "domain" in pool else 1
    part_chips = int(rng.choice([4, 8])) if size == 8 else min(size, 36) if size > 1 else 2
    few = min(x["value"] for x in pool["count"]) if isinstance(pool["count"], list) else None
    few = (pool["count"] if few is None else few) - pool.get("spares", 0)
    at = next((i for i in range(int(few)) if used.get(i, 0) + part_chips <= size), None)
    part: Data = {"pool": key, "slice_chips": part_chips if size > 1 else 1, "slices": 1}
    if size == 1:
        part["slices"] = 2
        used[0] = used.get(0, 0) + 2
        if used[0] > few:
            return None
    elif at is None:
        return None
    else:
        used[at] = used.get(at, 0) + part_chips
        part["domains"] = [[at, at]]
    periods = int(rng.integers(1, 4))
    now: Data = {"parts": [part], "periods_left": min(periods, data["horizon"]["periods"])}
    if rng.random() < 0.3:
        now |= {"pauses_at_calls": True, "restart_usd": 0.75}
    chips = part["slices"] * part["slice_chips"]
    hours = data["horizon"].get("period_hours", 1.0)
    if rng.random() < 0.75:
        now["move"] = {"usd": round(float(rng.uniform(0, 1)), 3)}
        if rng.random() < 0.5:
            now["move"]["hours"] = round(float(rng.uniform(0.1, 0.9)) * hours, 2)
        work = periods * hours * chips * (0.1 if pool["chip"] == "h8" else 0.28)
        now["move"]["work_left"] = round(work * float(rng.uniform(0.4, 0.9)), 3)
    value = round(float(rng.uniform(0.5, 2)) * chips * periods * hours * 0.15, 2)
    slice_chips = part["slice_chips"]
    job: Data = {"id": name, "workload": "plain", "value_usd": value, "running": now}
    job["gangs"] = [{"chips": chips, "slice_chips": slice_chips, "power_levels": ["full"]}]
    if rng.random() < 0.3:
        job |= {"due": hours, "late_usd_per_hour": round(value / hours / 5, 3)}
    return job
