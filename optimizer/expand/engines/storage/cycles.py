"""What batteries with storage do, and operation with it, in whole watts that keep the rule.

Where a market has such batteries and any are there, the best charging of each future and period is
that of a linear program (`market.py`); given it, all is operated by merit order. With slopes asked
for, those of such markets are the duals of the program, whether batteries are there or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.expand.engines.cuts import markets_of
from optimizer.expand.engines.operate import operate
from optimizer.expand.engines.records import Given
from optimizer.expand.engines.storage.market import Duals, Market

if TYPE_CHECKING:
    from optimizer.expand.arrays import Arrays
    from optimizer.expand.engines.records import Costs, Found, World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

__all__ = ["Cycles", "operated"]

SURELY = 0.01
"""What of a watt is float noise of the linear program."""

ROUNDS = 3
"""How often charging and what it gives are fitted to one another."""


@dataclass(frozen=True, slots=True)
class Cycles:
    """What batteries are charged with and offer [W], by future, period, block and battery."""

    charge: Ints
    given: Ints


def operated(
    arrays: Arrays, world: World, given: Given, costs: Costs | None = None
) -> tuple[Found, Cycles | None]:
    """Return what capacities earn, with slopes where costs are told, and what batteries do.

    None where no battery has storage.
    """
    if not arrays.batteries:
        return operate(world, given, costs), None
    able = Given(*(np.maximum(x, 0.0) for x in given))  # less, of plans that are not legal
    shape = (arrays.F, arrays.T, arrays.B, len(arrays.batteries))
    charge, out = np.zeros(shape), np.zeros(shape)
    stands = costs is not None or bool((given.cap[:, :, 0, arrays.batteries] > 0).any())
    solved = [(market, Duals()) for market in (_markets(arrays) if stands else ())]
    for market, duals in solved:
        for f in range(arrays.F):
            needs = market.at.copy()
            if costs is None:
                own = np.array(arrays.batteries)[market.batteries]
                needs &= (given.cap[f, :, 0, own] > 0).any(0)
            if not needs.any():
                continue
            prices, most = market.costs(world, f), market.bounds(world, able, f)
            sides = market.sides(world, able, f)
            for t in np.flatnonzero(needs).tolist():
                solution = market.solve(prices[t], most[t], sides[t])
                taken = market.given(np.array(solution.col_value))
                charge[f, t][:, market.batteries], out[f, t][:, market.batteries] = taken
                if costs is not None:
                    duals.note(f, t, solution, sides[t])
    cycles = legal(arrays, world, able, charge, out)
    found = operate(world, with_cycles(arrays, given, cycles), costs)
    for market, duals in solved:
        if duals.f:
            market.slopes(found, world, duals)
    return found, cycles


def _markets(arrays: Arrays) -> list[Market]:
    """Return the programs of markets with batteries, one for each PUE that their sites have."""
    market, found = markets_of(arrays), []
    for m in sorted({market[arrays.growth.sources[j].site] for j in arrays.batteries}):
        sites = [s for s, own in enumerate(market) if own == m]
        for pue in np.unique(arrays.world.pue[:, sites], axis=0):
            found.append(Market(arrays, sites, pue))
    return found


def with_cycles(arrays: Arrays, given: Given, cycles: Cycles) -> Given:
    """Return capacities in which batteries give what they offer, and sites charge them."""
    cap, charge = given.cap.copy(), given.charge.copy()
    for i, j in enumerate(arrays.batteries):
        cap[:, :, :, j] = cycles.given[:, :, :, i]
        charge[:, :, :, arrays.growth.sources[j].site] += cycles.charge[:, :, :, i]
    return given._replace(cap=cap, charge=charge)


def legal(arrays: Arrays, world: World, given: Given, charge: Floats, out: Floats) -> Cycles:
    """Return charging near to what is wanted, in whole watts, that keeps the rule `storage`."""
    there = given.cap[:, :, :, arrays.batteries]
    shares = np.array(arrays.store_shares)
    most = np.floor(there * shares[:, 0] + 1e-6)
    cycles = Cycles(
        np.clip(np.ceil(charge - SURELY), 0, most).astype(np.int64),
        np.clip(np.floor(out + SURELY), 0, np.floor(there + 1e-6)).astype(np.int64),
    )
    mean = np.floor(there[:, :, 0] * shares[:, 1] + 1e-6).astype(np.int64) * 1_000_000
    for _ in range(ROUNDS):
        _give_less(arrays, cycles, mean)
        _charge_less(arrays, world, given, cycles)
    _give_less(arrays, cycles, mean)
    over = _over(arrays, world, given, cycles)
    for i, j in enumerate(arrays.batteries):
        lacks = (over[:, :, :, arrays.growth.sources[j].site] > 0).any(2)
        cycles.charge[lacks, :, i] = cycles.given[lacks, :, i] = 0
    return cycles


def _give_less(arrays: Arrays, cycles: Cycles, mean: Ints) -> None:
    """Lower what is given to what charging and a day allow, in millionths of the hours."""
    share = np.array(arrays.growth.share_ppm, np.int64)
    for i in range(len(arrays.batteries)):
        high, low = np.divmod(cycles.charge[:, :, :, i] @ share, 1_000_000)
        keep = arrays.store(i).efficiency_ppm
        most = np.minimum(high * keep + low * keep // 1_000_000, mean[:, :, i])
        over = np.maximum(0, cycles.given[:, :, :, i] @ share - most)
        for b, each in enumerate(share.tolist()):
            less = np.minimum(cycles.given[:, :, b, i], -(-over // each))
            cycles.given[:, :, b, i] -= less
            over = np.maximum(0, over - less * each)


def _charge_less(arrays: Arrays, world: World, given: Given, cycles: Cycles) -> None:
    """Lower charging to what is left of energy beside other load."""
    over = np.ceil(_over(arrays, world, given, cycles) - 1e-6).astype(np.int64)
    for i, j in enumerate(arrays.batteries):
        s = arrays.growth.sources[j].site
        less = np.minimum(cycles.charge[:, :, :, i], np.maximum(0, over[:, :, :, s]))
        cycles.charge[:, :, :, i] -= less
        over[:, :, :, s] -= less


def _over(arrays: Arrays, world: World, given: Given, cycles: Cycles) -> Floats:
    """Return by how much other load and charging are more than energy, shape (F, T, B, S) [W]."""
    now = with_cycles(arrays, given, cycles)
    out: Floats = now.charge + world.other[None, :, None, :]
    for s in {arrays.growth.sources[j].site for j in arrays.batteries}:
        first, last = int(world.source_ptr[s]), int(world.source_ptr[s + 1])
        own = world.permit[first:last]
        cap = now.cap[:, :, :, first:last]
        out[:, :, :, s] -= cap[:, :, :, own < 0].sum(3)
        for permit in sorted(set(own[own >= 0].tolist())):
            limit = world.permit_w[:, :, None, permit]
            out[:, :, :, s] -= np.minimum(cap[:, :, :, own == permit].sum(3), limit)
    return out
