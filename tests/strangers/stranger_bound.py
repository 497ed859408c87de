"""The bound of MODEL section 6 from prices alone, for the stranger."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from stranger_modes import may_move
from stranger_series import Data, nano
from stranger_world import Supply, World

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from stranger_modes import Mode

__all__ = ["Prices", "bound", "bound_of", "charges", "is_sound"]


class Prices:
    """A certificate; what it does not name has the price 0."""

    def __init__(self, world: World, certificate: Data) -> None:
        zeros = [0] * world.periods

        def filled(key: str, names: Iterable[str]) -> dict[str, list[int]]:
            given = certificate.get(key, {})
            return {name: list(given.get(name, zeros)) for name in names}

        self.power = filled("power", world.sites)
        self.chips = filled("chips", world.pools)
        self.quotas = filled("quotas", world.tenants)
        self.budgets: dict[str, int] = certificate.get("budgets", {})
        self.permits: dict[str, int] = certificate.get("permits", {})
        self.moves: int = certificate.get("moves") or 0
        self.order: dict[str, int] = {}
        for after, each in certificate.get("precedence", {}).items():
            for before, price in each.items():
                self.order[after] = self.order.get(after, 0) + price
                self.order[before] = self.order.get(before, 0) - price
        self.spread: dict[str, dict[str, int]] = certificate.get("spread", {})
        batteries = {f"{s}/{k}" for (s, k), supply in world.supplies.items() if supply.battery}
        self.batteries = filled("batteries", batteries)
        self.slices: Sequence[Data] = certificate.get("slices", ())
        self.rounding: Sequence[Data] = certificate.get("rounding", ())
        self.covers: Sequence[Data] = certificate.get("covers", ())


KINDS = {"chips": "chips", "power": "power", "quota": "quotas"}


def _of_covers(
    world: World, certificate: Data, series_of: dict[str, set[str]]
) -> Iterator[tuple[bool, Any]]:
    """Yield of every cover row whether it exists, and its prices."""
    waits = [j for j in world.jobs if j.get("running") is None or may_move(world.instance, j)]
    free = {job["id"] for job in waits}
    for row in certificate.get("covers", ()):
        names = series_of[KINDS[row["row"]]] if row["row"] in KINDS else set()
        ends = row["begin"] + len(row["prices"])
        is_there = row["of"] in names and row["begin"] >= 0 and ends <= world.periods
        for item in row["items"]:
            is_there &= item["job"] in free and item["coefficient"] >= 1 and item["least"] >= 1
        yield is_there, row["prices"]


def is_sound(world: World, certificate: Data) -> bool:
    """Return whether all prices are whole, not negative, and of rows that exist."""
    limited = {n for n, tenant in world.tenants.items() if tenant.get("quota_chips") is not None}
    permits = {f"{s}/{k}" for (s, k), supply in world.supplies.items() if supply.permit is not None}
    whole = {name for name, pool in world.pools.items() if pool.domain is not None}
    rows: list[tuple[bool, Any]] = []
    series_of = {"power": set(world.sites), "chips": set(world.pools), "quotas": limited}
    series_of["batteries"] = {f"{s}/{k}" for (s, k), x in world.supplies.items() if x.battery}
    for key, names in series_of.items():
        rows += [(name in names, prices) for name, prices in certificate.get(key, {}).items()]
    for row in certificate.get("slices", ()):  # a pool without domains has no such row
        rows.append((row["pool"] in whole and row["slice_chips"] >= 1, row["prices"]))
    for row in certificate.get("rounding", ()):
        names = series_of[KINDS[row["row"]]] if row["row"] in KINDS else set()
        rows.append((row["of"] in names and row["divisor"] >= 1, row["prices"]))
    if any(len(prices) != world.periods for _, prices in rows):
        return False
    rows += _of_covers(world, certificate, series_of)
    for key, names in (("budgets", set(world.budgets)), ("permits", permits)):
        rows += [(name in names, [price]) for name, price in certificate.get(key, {}).items()]
    for group, each in certificate.get("spread", {}).items():
        is_spread = group in world.spreads
        rows += [(is_spread and site in world.sites, [price]) for site, price in each.items()]
        rows.append((is_spread, []))
    waits = {job["id"]: job.get("predecessors", ()) for job in world.jobs}
    for after, each in certificate.get("precedence", {}).items():
        rows += [(before in waits.get(after, ()), [price]) for before, price in each.items()]
        rows.append((after in waits, []))
    if certificate.get("moves") is not None:
        rows.append((world.instance.get("moves") is not None, [certificate["moves"]]))
    return all(is_row and _are_prices(prices) for is_row, prices in rows)


def _are_prices(prices: Iterable[Any]) -> bool:
    return all(isinstance(p, int) and not isinstance(p, bool) and p >= 0 for p in prices)


def bound(instance: Data, certificate: Data) -> int | None:
    """Return what no plan can exceed [nano-USD]; None if there is no plan, or no certificate.

    A must job without an allowed column proves that there is no plan; a price that is no whole
    number >= 0, or of a row that does not exist, proves nothing.
    """
    return bound_of(World(instance), certificate)


def bound_of(world: World, certificate: Data, values: list[int] | None = None) -> int | None:
    """Return the bound in a world; values: what each job is worth, where not its value."""
    if not is_sound(world, certificate):
        return None
    prices = Prices(world, certificate)
    total = _right_sides(world, prices)
    for (site, name), supply in world.supplies.items():
        permit = prices.permits.get(f"{site}/{name}", 0)
        power, held = prices.power[site], prices.batteries.get(f"{site}/{name}", [])
        total += _block(supply, power, permit, held)
    fixed = sum(
        price * load
        for name, site in world.sites.items()
        for price, load in zip(prices.power[name], site.fixed, strict=True)
    )
    total -= fixed // 1000
    worths = values or [nano(job.get("value_usd", 0.0)) for job in world.jobs]
    for job, ways, value in zip(world.jobs, world.modes, worths, strict=True):
        best = _best(world, prices, job, ways, value)
        if best is None:
            return None
        total += best
    return total


def _block(supply: Supply, power: list[int], permit: int, held: list[int]) -> int:
    """Return what a supply earns at most at the price of power, its permit apart."""
    times = range(len(power))
    over = [power[t] - supply.energy[t] - permit for t in times]
    if supply.battery is None:
        total, below = 0, 0
        for level in sorted(set(supply.cap_w)):
            high = sum(max(0, over[t]) for t in times if supply.cap_w[t] >= level)
            total += (level - below) * max(0, high - supply.demand)
            below = level
        return total
    b, total = supply.battery, 0
    for t in times:
        total += supply.cap_w[t] * max(0, 1000 * over[t] - b.taken * held[t])
        total += b.most_w * max(0, b.added * held[t] - 1000 * power[t])
    total += (held[0] - held[-1]) * b.start
    total += b.full * sum(max(0, b2 - b1) for b1, b2 in pairwise(held))
    return -(-total // 1000)


def most_within(items: Sequence[Data], room: int) -> int:
    """Return the largest sum of coefficients of items that fit into a room: all sums, one by one"""
    sums = {0: 0}  # the least weight of each sum
    for item in items:
        for total, weight in list(sums.items()):
            more, heavier = total + item["coefficient"], weight + item["least"]
            sums[more] = min(sums.get(more, heavier), heavier)
    return max(total for total, weight in sums.items() if weight <= room)


def _right_sides(world: World, prices: Prices) -> int:
    """Return the sum of price x right side over all rows but those of power."""
    total: int = 0
    for t in range(world.periods):
        for name, pool in world.pools.items():
            total += prices.chips[name][t] * pool.free[t] * pool.size
        for row in prices.slices:
            pool = world.pools[row["pool"]]
            each = pool.size // row["slice_chips"]
            total += row["prices"][t] * len(pool.usable(t)) * each
        for row in prices.rounding:
            total += row["prices"][t] * max(
                0, world.left(row["row"], row["of"], t) // row["divisor"]
            )
        for row in prices.covers:
            if 0 <= t - row["begin"] < len(row["prices"]):
                room = max(0, world.left(row["row"], row["of"], t))
                total += row["prices"][t - row["begin"]] * most_within(row["items"], room)
        for name, tenant in world.tenants.items():
            total += prices.quotas[name][t] * (tenant.get("quota_chips") or 0)
    total += sum(price * world.budgets[name] for name, price in prices.budgets.items())
    total += prices.moves * (world.instance.get("moves") or {}).get("at_most", 0)
    for group, each in prices.spread.items():
        total += sum(each.values()) * world.spreads[group]
    for (site, name), supply in world.supplies.items():
        total += prices.permits.get(f"{site}/{name}", 0) * (supply.permit or 0)
    return total


def _best(world: World, prices: Prices, job: Data, ways: list[Mode], value: int) -> int | None:
    """Return best_j; None where a job that must run has no allowed column."""
    is_free = job.get("running") is None and not job.get("must", False)
    best: int | None = 0 if is_free else None
    for mode in ways:
        power, other, blocked = charges(world, prices, job, mode)
        starts = range(1) if mode.stays else range(mode.first, world.periods)
        if mode.stays and not world.can_stay(mode):
            continue
        ends = world.ends(mode)
        uses = prices.order.get(job["id"], 0)
        uses += sum(prices.budgets.get(name, 0) * amount for name, amount in mode.uses.items())
        uses += prices.moves if job.get("running") is not None and not mode.stays else 0
        places = prices.spread.get(job.get("group") or "", {})
        uses += sum(places.get(site, 0) for site in world.sites_of(mode))
        for start in starts:
            end = ends[start]
            if end is None or end > mode.end_by or blocked[end] > blocked[start]:
                continue
            late, one_off = world.once(job, mode, start, end)
            paid = (power[end] - power[start]) // 1000 + other[end] - other[start]
            worth = value - late - one_off - paid - uses
            best = worth if best is None else max(best, worth)
    return best


def charges(world: World, prices: Prices, job: Data, mode: Mode) -> tuple[list[int], ...]:
    """Return sums over periods before each boundary: power [thousandths], the rest, blocked."""
    is_fixed = mode.stays and not may_move(world.instance, job)
    chips: Counter[str] = Counter()
    watts: Counter[str] = Counter()
    for part in mode.parts:
        chips[part.pool] += part.chips
        watts[world.pools[part.pool].site] += part.net_w
    quota = prices.quotas.get(job.get("tenant") or "")
    own = Counter({job["tenant"]: mode.chips} if job.get("tenant") else {})
    held = {"chips": chips, "power": watts, "quota": own}
    power, other, blocked = [0], [0], [0]
    for t, trains in enumerate(world.trains(mode)):
        at = sum(prices.power[s][t] * world.sites[s].pue[t] * w for s, w in watts.items())
        rest = sum(prices.chips[p][t] * n for p, n in chips.items())
        rest += quota[t] * mode.chips if quota else 0
        for row in prices.slices:
            for part in mode.parts:
                if part.pool == row["pool"]:
                    each = part.slice_chips // row["slice_chips"]
                    rest += row["prices"][t] * part.slices * each
        for row in prices.rounding:
            if not is_fixed and (row["row"] != "power" or trains):
                rest += row["prices"][t] * (held[row["row"]][row["of"]] // row["divisor"])
        for row in prices.covers:
            is_of = 0 <= t - row["begin"] < len(row["prices"])
            if is_of and not is_fixed and (row["row"] != "power" or trains):
                amount = held[row["row"]][row["of"]]
                pays = [i["coefficient"] for i in row["items"]
                       if i["job"] == job["id"] and i["least"] <= amount]  # fmt: skip
                rest += row["prices"][t - row["begin"]] * max(pays, default=0)
        too_much = any(n > world.pools[p].left[t] for p, n in chips.items()) or (
            trains and any(w > world.sites[s].room_w[t] for s, w in watts.items())
        )
        power.append(at if trains else 0)
        other.append(rest)
        blocked.append(int(too_much and not is_fixed))
    return list(accumulate(power)), list(accumulate(other)), list(accumulate(blocked))
