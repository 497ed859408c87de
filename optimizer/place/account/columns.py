"""One run at a time: the best that fits, the best at the prices, what it pays, how it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.place.account.prices import Row
from optimizer.place.account.room import Columns
from optimizer.place.account.say import when
from optimizer.units import nano

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.domain.modes import Mode
    from optimizer.place.account.ledger import Ints, Ledger
    from optimizer.place.account.prices import PriceBook

__all__ = ["Fit", "Priced", "best_fit", "best_priced", "described", "price_split"]


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


def best_fit(
    ledger: Ledger,
    job: int,
    columns: list[Columns],
    energy: dict[str, Ints] | None = None,
) -> Fit | None:
    """Return the run that fits and adds most; None if none fits.

    energy gives the cost of power by site [nano-USD per W-period]; without it, what the supplies
    have left is used, the cheapest first.
    """
    best: Fit | None = None
    for c in columns:
        fits = np.flatnonzero(c.fits)
        if not len(fits):
            continue
        gains = _gains(ledger, job, c, energy)[fits]
        i = int(np.argmax(gains))
        if best is None or int(gains[i]) > best.gain:
            best = Fit(c, int(fits[i]), int(gains[i]))
    return best


def _gains(
    ledger: Ledger, job: int, c: Columns, energy: dict[str, Ints] | None
) -> NDArray[np.int64]:
    """Return value less lateness, one-offs, restart and added energy of every run, (N,)."""
    mode, stands = c.mode, ledger.stands(c.mode)
    late = ledger.late_nano(job) * np.maximum(c.ends - ledger.due(job), 0)
    paid = np.zeros(ledger.T, np.int64)
    for site in {ledger.site_of(p.pool) for p in mode.parts}:
        net = sum(p.draw_w - p.idle_w for p in mode.parts if ledger.site_of(p.pool) == site)
        watts = -(-ledger.pue[site] * net // 1000)
        paid += watts * energy[site] if energy is not None else _fill(ledger, site, watts)
    sums = np.concatenate(([0], np.cumsum(np.where(stands, 0, paid))))
    calls = np.concatenate(([0], np.cumsum(stands)))
    restart = mode.restart_nano * (calls[c.ends] > calls[c.starts])
    value = nano(ledger.instance.jobs[job].value_usd) - mode.one_off_nano
    gains: NDArray[np.int64] = value - late - restart - (sums[c.ends] - sums[c.starts])
    return gains


def _fill(ledger: Ledger, site: str, watts: Ints) -> Ints:
    """Return what so much more power costs at most, from what the supplies have left, (T,).

    Supplies without a permit come first, each hour's cheapest first. What only a permitted one has
    may move energy between hours: it is charged at the dearest price of the site.
    """
    supplies = ledger.instance.sites[site].supplies
    free = [k for k, s in supplies.items() if s.permit is None]
    left, paid = watts.copy(), np.zeros(ledger.T, np.int64)
    if free:
        cost = np.array([ledger.cost[site, k] for k in free])
        spare = np.array([ledger.caps[site, k] - ledger.dispatch_w(site, k) for k in free])
        order = np.argsort(cost, axis=0, kind="stable")
        cost, spare = np.take_along_axis(cost, order, 0), np.take_along_axis(spare, order, 0)
        for each, has in zip(cost, spare, strict=True):
            take = np.minimum(left, has)
            paid += take * each
            left = left - take
    dearest = max(int(ledger.cost[site, k].max()) for k in supplies)
    return paid + left * dearest


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
    if row.kind in ("power", "quota", "budget"):
        return "power" if row.kind == "power" else f"{row.kind} {row.of}"
    if row.kind == "chips":
        return f"chips in {row.of}"
    return f"domains in {row.of}" if row.kind == "slices" else f"rounding in {row.of}"


def _energy(book: PriceBook, job: int, mode: Mode, start: int, end: int) -> int:
    """Return the part of the price of power that the cheapest supply's energy makes up."""
    ledger, total = book.ledger, 0
    works = ~ledger.stands(mode)
    for site in {ledger.site_of(p.pool) for p in mode.parts}:
        row = Row("power", site)
        if row not in book.rows:
            continue
        keys = ledger.instance.sites[site].supplies
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
