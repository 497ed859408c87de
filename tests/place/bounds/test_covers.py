"""Cover rows: valid for every packing, broken by fractional ones, and the bound they give."""

from __future__ import annotations

import json
from itertools import product

import brute
import judged
import numpy as np
import pytest
import stranger
from judged import job, world

from instances.seeded.sizes import sized
from optimizer.place.account.ledger import Ledger
from optimizer.place.account.prices import PriceBook, gap_terms
from optimizer.place.arrays import build_arrays
from optimizer.place.bound.covers import coefficient, most_that_fits
from optimizer.place.bound.prices import CoverItem
from optimizer.place.certificate import upper_bound
from optimizer.place.check import check
from optimizer.place.engines.dual.covers import covers_at
from optimizer.place.engines.dual.knapsack import most_that_fits as most_of
from optimizer.place.engines.prices import Dual, minimised
from optimizer.place.plan import Options
from optimizer.place.solve import solve


def _most(profits: list[int], weights: list[int], room: int) -> int:
    return max(
        sum(p for p, z in zip(profits, taken, strict=True) if z)
        for taken in product((0, 1), repeat=len(profits))
        if sum(w for w, z in zip(weights, taken, strict=True) if z) <= room
    )


@pytest.mark.parametrize("seed", range(40))
def test_what_fits_is_what_trying_all_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    profits, weights = rng.integers(1, 5, n), rng.integers(1, 20, n)
    rooms = np.sort(rng.integers(0, 60, 7))
    expected = [_most(profits.tolist(), weights.tolist(), int(room)) for room in rooms]
    items = [
        CoverItem(job=f"{i}", coefficient=int(p), least=int(w))
        for i, (p, w) in enumerate(zip(profits, weights, strict=True))
    ]
    assert most_that_fits(items, rooms).tolist() == expected
    found = np.zeros(len(rooms), np.int64)
    most_of(profits, weights, rooms, found)
    assert found.tolist() == expected


@pytest.mark.parametrize("seed", range(40))
def test_a_row_holds_for_all_that_fit_and_not_for_the_plan_it_is_found_in(seed: int) -> None:
    """Jobs of one or two sizes, fractions of them that fit by weight; rooms differ by period."""
    rng = np.random.default_rng(seed)
    amount = rng.integers(3, 12, 9).astype(np.int64)
    job = np.sort(rng.integers(0, 7, 9)).astype(np.int64)
    room = rng.integers(15, 25, 4).astype(np.int64)
    used = rng.uniform(0, 1, (9, 4))
    for j in set(job.tolist()):  # each job runs once at most
        used[job == j] /= np.maximum(1.0, used[job == j].sum(0))
    used *= np.minimum(1.0, room / (amount @ used))
    for cover in covers_at(job, amount, used, room, 0.01):
        items = [CoverItem(job=str(j), coefficient=c, least=n) for j, c, n in cover.items]
        pays = [coefficient(items, str(j), int(w)) for j, w in zip(job, amount, strict=True)]
        right = most_that_fits(items, room)
        over = np.array(pays) @ used - right
        assert (over[cover.begin : cover.end] > 0).all()
        for t in range(cover.begin, cover.end):
            for taken in product((0, 1), repeat=9):
                z = np.array(taken)
                once = np.bincount(job, z).max() <= 1
                if once and z @ amount <= room[t]:
                    assert z @ np.array(pays) <= right[t]


def test_cover_rows_close_the_gap_that_sums_and_lumps_leave() -> None:
    """Of jobs of 6, 7, 9 and 11 chips no three fit into 19, and not 9 and 11."""
    worth = {6: 60, 7: 71, 9: 93, 11: 114}
    jobs = [job(f"j{n}", (n, 1), hours=1.0, value_usd=float(v)) for n, v in worth.items()]
    data = world(*jobs, periods=1, size=1, count=19)
    best = (brute.optimum(data)[0] or 0) / 1e9
    arrays = build_arrays(judged.read(data))
    plain = Dual(arrays, 1)
    plain.minimise()
    assert plain.best.bound > 1.02 * best
    dual = minimised(arrays, 1, lambda: False)
    assert any(row.items for row in dual.best.table.rows)
    assert best <= dual.best.bound <= 1.002 * best


@pytest.mark.parametrize("seed", range(2))
def test_a_certificate_with_cover_rows_is_what_the_stranger_makes_of_it(seed: int) -> None:
    instance = sized("S", 101 + seed)
    plan = solve(instance, Options(rounds=1, threads=1, engine="search", seed=seed))
    assert plan.certificate.covers
    verdict = check(instance, plan)
    assert verdict.is_good
    data = json.loads(instance.model_dump_json(exclude_unset=True, by_alias=True))
    assert stranger.bound(data, plan.certificate.model_dump(mode="json")) == plan.bound
    ledger = Ledger(instance, plan)
    terms = gap_terms(ledger, upper_bound(instance, plan.certificate), PriceBook(ledger))
    assert min(term.amount for term in terms) > 0
    assert sum(term.amount for term in terms) == (plan.bound or 0) - plan.objective.total
