"""What supplies and batteries earn at the prices of a certificate: closed forms, in integers.

MODEL section 6 is the text. Every block is the largest worth of one supply by itself at the whole
prices of power at its site, so their sum, less the price of the fixed load, bounds what power does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.domain.power import Storage
    from optimizer.place.bound.world import World
    from optimizer.place.plan import Certificate

__all__ = ["fixed_cost", "supply_worth"]


def supply_worth(world: World, certificate: Certificate) -> dict[tuple[str, str], int]:
    """Return by (site, supply) what it earns at most, its permit included [nano-USD]."""
    instance, h, found = world.instance, world.instance.horizon, {}
    for (site, key), caps in world.caps.items():
        supply, name = instance.sites[site].supplies[key], f"{site}/{key}"
        permit = certificate.permits.get(name, 0)
        power = certificate.power.get(site, (0,) * world.T)
        cost = supply.cost_nano(h, instance.carbon_usd_per_kg)
        over = [p - int(c) - permit for p, c in zip(power, cost, strict=True)]
        cap = [int(x) for x in caps]
        if supply.storage is not None:
            held = certificate.batteries.get(name, (0,) * world.T)
            bounds = supply.storage.start(h), supply.storage.most(h)
            worth = _battery(supply.storage, bounds, cap, power, over, held)
        elif supply.demand_nano:
            worth = _billed(cap, over, supply.demand_nano)
        else:
            worth = sum(c * max(0, x) for c, x in zip(cap, over, strict=True))
        limit = supply.permit_watt_periods(h) or 0
        found[site, key] = worth + permit * limit
    return found


def fixed_cost(world: World, certificate: Certificate) -> int:
    """Return the price of the fixed load, over all sites rounded down once [nano-USD]."""
    milli = 0
    for site, power in certificate.power.items():
        milli += sum(p * int(x) for p, x in zip(power, world.fixed[site], strict=True))
    return milli // 1000


def _billed(cap: Sequence[int], over: Sequence[int], demand: int) -> int:
    """max_P sum_t min(cap_t, P) over_t+ - demand P: every layer of watts by itself."""
    worth = below = 0
    for level in sorted(set(cap)):
        earns = sum(max(0, x) for c, x in zip(cap, over, strict=True) if c >= level)
        worth += (level - below) * max(0, earns - demand)
        below = level
    return worth


def _battery(
    store: Storage,
    bounds: tuple[int, int],
    cap: Sequence[int],
    power: Sequence[int],
    over: Sequence[int],
    held: Sequence[int],
) -> int:
    """Charge and discharge at the prices of what is held; rise of these prices on a full store."""
    (start, most), last = bounds, len(held) - 1
    pico = (held[0] - held[last]) * start
    for t, price in enumerate(held):
        pico += cap[t] * max(0, 1000 * over[t] - store.out_milli * price)
        pico += store.in_w * max(0, store.in_milli * price - 1000 * power[t])
        pico += most * max(0, price - held[t - 1]) if t else 0
    return -(-pico // 1000)
