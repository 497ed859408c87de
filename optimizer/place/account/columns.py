"""One run at a time: the best that fits, the best at the prices, what it pays, how it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.domain.answers.say import when
from optimizer.place.account.prices import Row
from optimizer.place.account.room import Columns
from optimizer.units import nano

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.domain.modes import Mode
    from optimizer.place.account.ledger import Ints, Ledger
    from optimizer.place.account.prices import PriceBook

__all__ = ["Fit", "Priced", "best_fit", "best_priced", "described", "gains", "price_split"]


@dataclass(frozen=True)
class Fit:
    """A run and what it would add to the objective as the plan stands [nano-USD]."""

    column: Columns
    index: int
    gain: int


@dataclass(frozen=True)
class Priced:
    """A run and what it earns above all prices [nano-USD]."""

    column: Columns
    index: int
    profit: int


def best_fit(ledger: Ledger, job: int, columns: list[Columns]) -> Fit | None:
    """Return the run that fits and adds most, energy dispatched anew; None if none fits.

    Exact where a site has at most one supply with a permit; else an estimate.
    """
    best: Fit | None = None
    least = {site: _least_cost(ledger, site) for site in ledger.instance.sites}
    for c in columns:
        at_most = gains(ledger, job, c, least)
        for i in sorted(np.flatnonzero(c.fits).tolist(), key=lambda i: (-at_most[i], i)):
            if best is not None and at_most[i] <= best.gain:
                break
            saved = int(at_most[i]) + _energy_at(ledger, c, i, least)
            gain = saved - _added_energy(ledger, c, i)
            if best is None or gain > best.gain:
                best = Fit(c, i, gain)
    return best


def gains(ledger: Ledger, job: int, c: Columns, energy: dict[str, Ints]) -> NDArray[np.int64]:
    """Return value less lateness, one-offs, restart and energy of every run, (N,) [nano-USD].

    energy : {site: (T,) int64}
        What a watt costs in each period [nano-USD per W-period].
    """
    mode, stands = c.mode, ledger.stands(c.mode)
    late = ledger.late_nano(job) * np.maximum(c.ends - ledger.due(job), 0)
    sums = _energy_sums(ledger, mode, energy)
    calls = np.concatenate(([0], np.cumsum(stands)))
    restart = mode.restart_nano * (calls[c.ends] > calls[c.starts])
    value = nano(ledger.instance.jobs[job].value_usd) - mode.one_off_nano
    found: NDArray[np.int64] = value - late - restart - (sums[c.ends] - sums[c.starts])
    return found


def _net(ledger: Ledger, mode: Mode) -> dict[str, int]:
    """Return the IT watts of a mode above idle, by site."""
    found: dict[str, int] = {}
    for part in mode.parts:
        site = ledger.site_of(part.pool)
        found[site] = found.get(site, 0) + part.draw_w - part.idle_w
    return found


def _energy_sums(ledger: Ledger, mode: Mode, energy: dict[str, Ints]) -> Ints:
    paid = np.zeros(ledger.T, np.int64)
    for site, net in _net(ledger, mode).items():
        paid += ledger.pue[site] * net // 1000 * energy[site]
    sums: Ints = np.concatenate(([0], np.cumsum(np.where(ledger.stands(mode), 0, paid))))
    return sums


def _energy_at(ledger: Ledger, c: Columns, i: int, energy: dict[str, Ints]) -> int:
    sums = _energy_sums(ledger, c.mode, energy)
    return int(sums[c.ends[i]] - sums[c.starts[i]])


def _least_cost(ledger: Ledger, site: str) -> Ints:
    """Return the cost of the cheapest supply of any period: no watt is cheaper, (T,)."""
    supplies = ledger.instance.sites[site].supplies
    least = min((int(ledger.cost[site, k].min()) for k in supplies), default=0)
    return np.full(ledger.T, least, np.int64)


def _added_energy(ledger: Ledger, c: Columns, i: int) -> int:
    """Return by how much the energy of a plan's sites gets dearer with one more run."""
    works = ~ledger.stands(c.mode)
    works[: c.starts[i]] = False
    works[c.ends[i] :] = False
    total = 0
    for site, net in _net(ledger, c.mode).items():
        milli = ledger.load_mw(site)
        after = -(-(milli + works * (ledger.pue[site] * np.int64(net))) // 1000)
        total += _dispatch_cost(ledger, site, after) + _added_demand(ledger, site, after)
        total -= _dispatch_cost(ledger, site, -(-milli // 1000))
    return total


def _added_demand(ledger: Ledger, site: str, load: Ints) -> int:
    """Return what a load adds to demand charges, at the dearest of the site [nano-USD]."""
    supplies = ledger.instance.sites[site].supplies.values()
    dearest = max((s.demand_nano for s in supplies), default=0)
    before = int(-(-ledger.load_mw(site).max(initial=0) // 1000))
    return dearest * max(0, int(load.max(initial=0)) - before)


def _dispatch_cost(ledger: Ledger, site: str, load: Ints) -> int:
    """Return the least cost of a load, permits kept [nano-USD].

    A single permit goes to the watts for which it saves most, after those that nothing else can
    give. Several permits: each is taken as used where it has to be, at the dearest cost.
    """
    supplies = ledger.instance.sites[site].supplies
    limited = [k for k, s in supplies.items() if s.permit_watt_periods(ledger.horizon) is not None]
    steps: list[tuple[Ints, Ints]] = []
    rest, paid = load, 0
    for cost, cap in _merit_order(ledger, site, [k for k in supplies if k not in limited]):
        take = np.minimum(rest, cap)
        paid += int((take * cost).sum())
        rest = rest - take
        steps.append((cost, take))
    if len(limited) != 1:
        return paid + int(rest.sum()) * max((int(x.max()) for x in ledger.cost.values()), default=0)
    (key,) = limited
    own = ledger.cost[site, key]
    paid += int((rest * own).sum())
    left = (supplies[key].permit_watt_periods(ledger.horizon) or 0) - int(rest.sum())
    return paid - _saving(steps, own, ledger.caps[site, key] - rest, left)


def _merit_order(ledger: Ledger, site: str, keys: list[str]) -> list[tuple[Ints, Ints]]:
    """Return (cost, cap) of supplies, in every period the cheapest first."""
    if not keys:
        return []
    cost = np.array([ledger.cost[site, k] for k in keys])
    cap = np.array([ledger.caps[site, k] for k in keys])
    order = np.argsort(cost, axis=0, kind="stable")
    cost, cap = np.take_along_axis(cost, order, 0), np.take_along_axis(cap, order, 0)
    return list(zip(cost, cap, strict=True))


def _saving(steps: list[tuple[Ints, Ints]], own: Ints, room: Ints, left: int) -> int:
    """Return what a permitted supply saves in place of others, the greatest savings first."""
    saves, watts = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for cost, take in reversed(steps):
        swap = np.clip(np.minimum(take, room), 0, None)
        swap = np.where(cost > own, swap, 0)
        room = room - swap
        saves.append(cost - own)
        watts.append(swap)
    each, much = np.concatenate(saves), np.concatenate(watts)
    order = np.argsort(-each, kind="stable")
    each, much = each[order], much[order]
    before = np.cumsum(much) - much
    used = np.clip(left - before, 0, much)
    return int((each * used).sum())


def best_priced(book: PriceBook, job: int, modes: list[tuple[int, Mode]]) -> Priced | None:
    """Return the allowed run that earns most at the prices; None if none is allowed."""
    best: Priced | None = None
    for number, mode in modes:
        starts, ends = book.starts(job, mode)
        if not len(starts):
            continue
        profits = book.profits(job, mode, starts, ends)
        i = int(np.argmax(profits))
        if best is None or int(profits[i]) > best.profit:
            best = Priced(Columns(number, mode, starts, ends), i, int(profits[i]))
    return best


def price_split(book: PriceBook, job: int, best: Priced) -> tuple[tuple[str, int], ...]:
    """Return what a run is charged for, largest first [nano-USD]: value less all is its profit."""
    ledger, c, i = book.ledger, best.column, best.index
    start, end = c.starts[i : i + 1], c.ends[i : i + 1]
    found: dict[str, int] = {}
    for row, paid in book.pays(job, c.mode, start, end).items():
        name = _row_label(row)
        found[name] = found.get(name, 0) + int(paid[0])
    energy = min(_energy(book, job, c.mode, int(start[0]), int(end[0])), found.get("power", 0))
    if "power" in found:
        found |= {"energy": energy, "scarce power": found.pop("power") - energy}
    late = ledger.late_nano(job) * max(0, int(end[0]) - ledger.due(job))
    once = nano(ledger.instance.jobs[job].value_usd) - best.profit - sum(found.values()) - late
    found |= {"lateness": late, "one-off costs": once}
    return tuple(sorted(((k, v) for k, v in found.items() if v), key=lambda x: (-x[1], x[0])))


def _row_label(row: Row) -> str:
    if row.kind in ("power", "quota", "budget", "spread", "moves", "precedence"):
        return "power" if row.kind == "power" else f"{row.kind} {row.of}"
    if row.kind == "chips":
        return f"chips in {row.of}"
    if row.kind == "slices":
        return f"domains in {row.of}"
    what = "large jobs beside it" if row.kind.startswith("cover") else "rounding"
    return f"{what} in {row.of}"


def _energy(book: PriceBook, job: int, mode: Mode, start: int, end: int) -> int:
    """Return the part of the price of power that the cheapest supply's energy makes up."""
    ledger, total = book.ledger, 0
    works = ~ledger.stands(mode)
    for site in {ledger.site_of(p.pool) for p in mode.parts}:
        row = Row("power", site)
        if row not in book.rows:
            continue
        supplies = ledger.instance.sites[site].supplies
        keys = [k for k, s in supplies.items() if s.storage is None]
        cheapest = np.min([ledger.cost[site, k] for k in keys], axis=0)
        each = np.minimum(book.rows[row], cheapest.astype(object)) * ledger.pue[site].astype(object)
        total += int((each * works)[start:end].sum()) * book.use(row, job, mode)
    return total // 1000


def described(ledger: Ledger, c: Columns, i: int) -> str:
    """Return where and when a run would be: `in memphis/h100 (864 chips), A to B`."""
    h = ledger.horizon
    pools = " and ".join(dict.fromkeys(p.pool for p in c.mode.parts))
    begin, end = when(h, int(c.starts[i])), when(h, int(c.ends[i]))
    return f"in {pools} ({c.mode.chips:,} chips), {begin} to {end}"
