"""Tiny instances, their optimum by brute force, and bounds that never go below it."""

from __future__ import annotations

import json
from collections import Counter
from itertools import product
from typing import Any

import brute
import numpy as np
import pytest
import stranger
import tiny
from judged import random_certificate

from optimizer.domain.files import parse_instance

Data = dict[str, Any]


# ---- tiny instances -----------------------------------------------------------------------------


def test_tiny_instances_are_read_and_have_the_same_modes() -> None:
    for seed in range(200):
        data = tiny.tiny(seed)
        instance = parse_instance(json.dumps(data))
        world = stranger.World(data)
        for j, ways in enumerate(world.modes):
            ours = [
                (
                    tuple((p.pool, p.slice_chips, p.slices, p.draw_w) for p in mode.parts),
                    (mode.duration, mode.first, mode.end_by, mode.pauses),
                    (mode.one_off_nano, mode.restart_nano, dict(mode.uses)),
                )
                for mode in instance.modes(j)
            ]
            theirs = [
                (
                    tuple((p.pool, p.slice_chips, p.slices, p.draw_w) for p in mode.parts),
                    (mode.duration, mode.first, mode.end_by, mode.pauses),
                    (mode.one_off, mode.restart, mode.uses),
                )
                for mode in ways
            ]
            assert ours == theirs, (seed, j)


def test_every_feature_appears_among_200_tiny_instances() -> None:
    found: Counter[str] = Counter()
    for seed in range(200):
        found += tiny.features(tiny.tiny(seed))
    wanted = {
        *("domain.server8", "domain.rack72", "domain.none", "pool.spares", "pool.maintenance"),
        *("two sites", "two supplies", "two-pool mode", "deliveries", "pue series", "quota"),
        *("supply.calls", "gang.pauses_at_calls", "job.predecessors", "job.running", "job.data"),
        *("budget.hours", "budget.tokens", "site.other_load_mw", "gang.power_levels", "job.due"),
        *("job.countries", "job.owners", "job.must", "permit.mwh", "permit.run_hours"),
        *("job.release", "job.deadline", "job.tenant", "job.modes", "carbon price", "gang.link"),
    }
    assert {name: found[name] for name in wanted if found[name] < 10} == {}


def test_most_tiny_instances_cannot_place_everything() -> None:
    placed_all = 0
    for seed in range(60):
        data = tiny.tiny(seed)
        world = stranger.World(data)
        placed_all += len(brute.optimum(data)[1]) == sum(bool(ways) for ways in world.modes)
    assert placed_all < 30


# ---- brute force --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "first", [0, 100, *(pytest.param(n, marks=pytest.mark.slow) for n in (50, 150))]
)
def test_the_plan_of_an_optimum_passes_and_is_worth_it(first: int) -> None:
    for seed in range(first, first + 50):
        data = tiny.tiny(seed)
        best, placements = brute.optimum(data)
        if best is None:
            continue
        said = stranger.verify(data, brute.plan(data, placements))
        assert (said["violations"], said["objective"]) == ([], best), seed
        assert said["bound"] >= best, seed


def test_the_optimum_is_that_of_plain_enumeration() -> None:
    compared = 0
    for seed in range(200):
        data = tiny.tiny(seed)
        best = _enumerated(data)
        if best != "too many":
            compared += 1
            assert brute.optimum(data)[0] == best, seed
    assert compared >= 20


def _enumerated(data: Data) -> int | str | None:
    """Return the optimum by trying all combinations of columns, with no pruning at all."""
    world = stranger.World(data)
    ways: list[list[Data | None]] = []
    for job, modes in zip(world.jobs, world.modes, strict=True):
        is_bound = job.get("must", False) or "running" in job
        each: list[Data | None] = [] if is_bound else [None]
        for number, mode in enumerate(modes):
            for start, end in enumerate(world.ends(mode)):
                if end is not None and mode.first <= start and end <= mode.end_by:
                    if "running" in job and start:
                        continue
                    each.append({"job": job["id"], "mode": number, "start": start, "end": end})
        ways.append(each)
    if np.prod([float(len(each)) for each in ways]) > 120:
        return "too many"
    totals = [_total(data, world, [c for c in chosen if c]) for chosen in product(*ways)]
    return max((t for t in totals if t is not None), default=None)


def _total(data: Data, world: stranger.World, chosen: list[Data]) -> int | None:
    """Return the objective of placements without ids, or None if they break a rule."""
    number = {job["id"]: j for j, job in enumerate(world.jobs)}
    wanted: dict[str, list[tuple[int, int, brute.Slice, tuple[int, ...] | None]]] = {}
    placements = [c | {"domains": []} for c in chosen]
    for i, each in enumerate(placements):
        for p, part in enumerate(world.modes[number[each["job"]]][each["mode"]].parts):
            each["domains"].append([])
            if world.pools[part.pool].domain is not None:
                piece = (part.slice_chips, each["start"], each["end"])
                for n in range(part.slices):
                    pin = None if part.pinned is None else (part.pinned[n],)
                    wanted.setdefault(part.pool, []).append((i, p, piece, pin))
    for name, slices in wanted.items():
        ids = _plain_ids(world, name, [(piece, pin) for _, _, piece, pin in slices])
        if ids is None:
            return None
        for (i, p, _, _), at in zip(slices, ids, strict=True):
            placements[i]["domains"][p].append([at, at])
    try:
        plan = brute.plan(data, placements)
    except ValueError:
        return None
    said = stranger.verify(data, plan)
    return None if said["violations"] else said["objective"]


def _plain_ids(world: stranger.World, name: str, slices: list[Any]) -> list[int] | None:
    """Return ids by backtracking with no symmetry and no memory; None if there are none."""
    pool = world.pools[name]
    free = [
        [pool.size * (i in pool.usable(t)) for t in range(world.periods)]
        for i in range(max(pool.present))
    ]

    def place(n: int) -> list[int] | None:
        if n == len(slices):
            return []
        (chips, start, end), pin = slices[n]
        for i in range(len(free)) if pin is None else pin:
            if all(x >= chips for x in free[i][start:end]):
                for t in range(start, end):
                    free[i][t] -= chips
                rest = place(n + 1)
                for t in range(start, end):
                    free[i][t] += chips
                if rest is not None:
                    return [i, *rest]
        return None

    return place(0)


# ---- bounds -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "seed", [*range(30), *(pytest.param(n, marks=pytest.mark.slow) for n in range(30, 60))]
)
def test_no_certificate_goes_below_the_optimum(seed: int) -> None:
    """Random prices of all families, and each family by itself beside the price of power."""
    data = tiny.tiny(seed)
    best, _ = brute.optimum(data)
    if best is None:
        return
    rng = np.random.default_rng(seed)
    for _ in range(4):
        certificate = random_certificate(data, rng)
        for family in ("all", *certificate):
            kept = certificate if family == "all" else {family: certificate[family]}
            upper = stranger.bound(data, {"power": certificate["power"]} | kept)
            assert upper is not None
            assert upper >= best, family
