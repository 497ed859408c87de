"""What runs pay at the certified prices, row by row, and where the gap to the bound lies.

`UB - plan = slack of rows + supplies + regret of jobs`, every term whole nano-USD and >= 0
(MODEL section 2, Certificate). Python integers throughout: no sum overflows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from optimizer.domain.modes import Mode, ids_usable, run_ends
from optimizer.place.account.ledger import MOVES
from optimizer.place.bound.covers import coefficient, most_that_fits, spread_out
from optimizer.place.bound.power import supply_worth
from optimizer.units import nano

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from optimizer.place.account.ledger import Ints, Ledger, Run, Total
    from optimizer.place.bound.prices import Cover
    from optimizer.place.certificate import Bound

__all__ = ["GapTerm", "PriceBook", "Row", "gap_terms", "total_row"]

TermKind = Literal["row", "supply", "job"]
Exact = "NDArray[np.object_]"


@dataclass(frozen=True, slots=True)
class Row:
    """A priced limit: its kind, what it is of, and the size of slice or divisor (0: neither).

    Kinds: power, chips, slices, quota by period, and in lumps round_power, round_chips,
    round_quota; of jobs that do not fit together cover_power, cover_chips, cover_quota, whose
    `size` is their place in the certificate; over the whole horizon budget, spread, moves,
    precedence.
    """

    kind: str
    of: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class GapTerm:
    """One part of the distance between bound and plan [nano-USD], never negative."""

    kind: TermKind
    name: str
    amount: int


def total_row(total: Total) -> Row:
    """Return the row of a limit over the whole horizon."""
    return Row(*total)


def _exact(values: object) -> NDArray[np.object_]:
    return np.array(values, object)


class PriceBook:
    """The prices of a plan's certificate, and what a run pays for each row.

    Attributes
    ----------
    rows
        Price of every row of periods, (T,): [nano-USD per W-period at the meter], per
        chip-period, per slice-period, per divisor-period.
    totals
        Price of budgets [nano-USD per thousandth] and of places of groups at sites [per job].
    order
        What a job pays for waiting, and receives (below 0) from those that wait for it [nano-USD].
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        c = ledger.plan.certificate
        self.rows: dict[Row, NDArray[np.object_]] = {}
        for name, prices in c.power.items():
            self.rows[Row("power", name)] = _exact(prices)
        for name, prices in c.chips.items():
            self.rows[Row("chips", name)] = _exact(prices)
        for piece in c.slices:
            self._add(Row("slices", piece.pool, piece.slice_chips), piece.prices)
        for cut in c.rounding:
            self._add(Row(f"round_{cut.row}", cut.of, cut.divisor), cut.prices)
        for name, prices in c.quotas.items():
            self.rows[Row("quota", name)] = _exact(prices)
        self._shared = tuple(self.rows)
        self._covers: dict[Row, Cover] = {}
        self._covers_of: dict[str, list[Row]] = {}
        for i, cover in enumerate(c.covers):
            row = Row(f"cover_{cover.row}", cover.of, i)
            self._covers[row] = cover
            self.rows[row] = _exact(spread_out(cover, ledger.T))
            for job in {item.job for item in cover.items}:
                self._covers_of.setdefault(job, []).append(row)
        self.totals = {Row("budget", name): price for name, price in c.budgets.items()}
        for group, at_sites in c.spread.items():
            self.totals |= {Row("spread", f"{group} at {s}"): x for s, x in at_sites.items()}
        if c.moves is not None:
            self.totals[total_row(MOVES)] = c.moves
        self.order: dict[str, list[tuple[Row, int]]] = {}
        for after, by_predecessor in c.precedence.items():
            for before, price in by_predecessor.items():
                row = Row("precedence", f"{after} after {before}")
                self.order.setdefault(after, []).append((row, price))
                self.order.setdefault(before, []).append((row, -price))
        self._known: dict[tuple[Row, bytes], NDArray[np.object_]] = {}

    def _add(self, row: Row, prices: tuple[int, ...]) -> None:
        """Add prices of a row; a certificate may name a row more than once."""
        before = self.rows.get(row)
        self.rows[row] = _exact(prices) if before is None else before + _exact(prices)

    def rows_of(self, job: int) -> tuple[Row, ...]:
        """Return the rows of periods that a job may take from: all but cover rows of others."""
        return (*self._shared, *self._covers_of.get(self.ledger.instance.jobs[job].id, ()))

    def use(self, row: Row, job: int, mode: Mode) -> int:
        """Return what a mode takes of a row in a period in which it trains."""
        if row.kind == "slices":
            parts = (p for p in mode.parts if p.pool == row.of)
            return sum(p.slices * (p.slice_chips // row.size) for p in parts)
        lumps, _, what = row.kind.rpartition("_")
        if lumps and self.ledger.instance.has_to_stay(job):
            return 0
        amount = self._amount(what, row.of, job, mode)
        if lumps == "cover":
            name = self.ledger.instance.jobs[job].id
            return coefficient(self._covers[row].items, name, amount)
        return amount // row.size if lumps else amount

    def _amount(self, what: str, of: str, job: int, mode: Mode) -> int:
        """Return what a mode takes of the chips of a pool, the watts of a site or a quota."""
        if what == "quota":
            return mode.chips if self.ledger.instance.jobs[job].tenant == of else 0
        if what == "chips":
            return sum(p.chips for p in mode.parts if p.pool == of)
        site_of = self.ledger.site_of
        return sum(p.draw_w - p.idle_w for p in mode.parts if site_of(p.pool) == of)

    def pays(
        self, job: int, mode: Mode, starts: Ints, ends: Ints
    ) -> dict[Row, NDArray[np.object_]]:
        """Return what a mode pays for each row, for every start [nano-USD].

        Power is rounded down once for each run, over all sites: the site of the first part takes
        the rounding.
        """
        found: dict[Row, NDArray[np.object_]] = {}
        works = ~self.ledger.stands(mode)
        milli = np.zeros(len(starts), object)
        first = Row("power", self.ledger.site_of(mode.parts[0].pool))
        for row in self.rows_of(job):
            amount = self.use(row, job, mode)
            if amount == 0:
                continue
            sums = self._sums(row, works)
            found[row] = (sums[ends] - sums[starts]) * amount
            if row.kind == "power":
                milli = milli + found[row]
                found[row] = found[row] // 1000
        whole = milli // 1000 - sum(found[r] for r in found if r.kind == "power")
        if first in found:
            found[first] = found[first] + whole
        for total, amount in self.ledger.takes(job, mode):
            row = total_row(total)
            if self.totals.get(row):
                found[row] = _exact([self.totals[row] * amount] * len(starts))
        for row, price in self.order.get(self.ledger.instance.jobs[job].id, ()):
            found[row] = _exact([price] * len(starts))
        return found

    def _sums(self, row: Row, works: NDArray[np.bool_]) -> NDArray[np.object_]:
        """Return prefix sums of a row's prices over the periods in which they are paid, (T+1,)."""
        is_power = row.kind.endswith("power")
        key = row, works.tobytes() if is_power else b""
        if key not in self._known:
            each = self.rows[row] * (works.astype(object) if is_power else 1)
            if row.kind == "power":
                each = each * self.ledger.pue[row.of].astype(object)
            self._known[key] = np.concatenate(([0], np.cumsum(each)))
        return self._known[key]

    def profits(self, job: int, mode: Mode, starts: Ints, ends: Ints) -> NDArray[np.object_]:
        """Return value less lateness, one-offs and prices, for every start [nano-USD]."""
        ledger = self.ledger
        value = nano(ledger.instance.jobs[job].value_usd) - mode.one_off_nano
        profit: NDArray[np.object_] = _exact([value] * len(starts))
        for paid in self.pays(job, mode, starts, ends).values():
            profit = profit - paid
        late = np.maximum(ends - ledger.due(job), 0).astype(object)
        profit = profit - ledger.late_nano(job) * late
        stands = ledger.stands(mode)
        if mode.restart_nano and stands.any():
            calls = np.concatenate(([0], np.cumsum(stands)))
            profit = profit - mode.restart_nano * (calls[ends] > calls[starts]).astype(object)
        return profit

    def profit(self, run: Run) -> int:
        """Return what a run earns above all prices [nano-USD]."""
        at = np.array([run.start]), np.array([run.end])
        return int(self.profits(run.job, run.mode, *at)[0])

    def starts(self, job: int, mode: Mode) -> tuple[Ints, Ints]:
        """Return the starts that the certificate allows a mode, and the ends of these runs."""
        ledger = self.ledger
        stands = ledger.stands(mode)
        ends = run_ends(mode.duration, stands, ledger.T)
        if ledger.instance.has_to_stay(job):
            return np.zeros(1, np.int64), ends[:1]
        usable = not mode.stays or ids_usable(ledger.instance, mode, int(ends[0]))
        bad = np.zeros(ledger.T, bool)
        for row_bad in self.forbidding(mode).values():
            bad |= row_bad
        before = np.concatenate(([0], np.cumsum(bad)))
        starts = np.arange((1 if usable else 0) if mode.stays else ledger.T)
        ends = ends[starts]
        fits = (starts >= mode.first) & (ends <= mode.end_by)
        fits &= before[np.minimum(ends, ledger.T)] == before[starts]
        return starts[fits], ends[fits]

    def forbidding(self, mode: Mode) -> dict[tuple[str, str], NDArray[np.bool_]]:
        """Return by (rule, site or pool) when running jobs leave too little for a mode, (T,)."""
        ledger, stands = self.ledger, self.ledger.stands(mode)
        found: dict[tuple[str, str], NDArray[np.bool_]] = {}
        for pool in {p.pool for p in mode.parts}:
            chips = sum(p.chips for p in mode.parts if p.pool == pool)
            found["pool_capacity", pool] = ledger.world.chips_left[pool] < chips
        for site in {ledger.site_of(p.pool) for p in mode.parts}:
            watts = self.use(Row("power", site), -1, mode)
            found["power_cap", site] = ~stands & (ledger.world.room[site] < watts)
        return found

    def right_side(self, row: Row, more: int | Ints = 0) -> Ints:
        """Return the right side of a row, shape (T,).

        more
            Of rows of lumps: what there is more of the place [W or chips].
        """
        ledger, instance = self.ledger, self.ledger.instance
        if row.kind == "quota":
            quota = instance.tenants[row.of].quota_chips or 0
            return np.full(ledger.T, quota, np.int64)
        if row.kind == "chips":
            return ledger.usable[row.of]
        if row.kind == "slices":
            per_domain = instance.domain_chips(instance.pools[row.of]) // row.size
            slots: Ints = instance.pools[row.of].in_service(ledger.horizon) * per_domain
            return slots
        left = ledger.world.left(row.kind.rpartition("_")[2], row.of) + more
        if row in self._covers:
            return most_that_fits(self._covers[row].items, left)
        lumps: Ints = np.maximum(left // row.size, 0)
        return lumps


def gap_terms(ledger: Ledger, bound: Bound, book: PriceBook) -> tuple[GapTerm, ...]:
    """Return the parts of bound less objective, largest first; they add up exactly."""
    terms = [
        *_row_terms(ledger, book),
        *_supply_terms(ledger, book),
        *_job_terms(ledger, bound, book),
    ]
    return tuple(sorted((t for t in terms if t.amount), key=lambda t: (-t.amount, t.name)))


def _row_terms(ledger: Ledger, book: PriceBook) -> Iterator[GapTerm]:
    slack = {row: book.right_side(row).astype(object) for row in book.rows if row.kind != "power"}
    for run in ledger.runs.values():
        for row in book.rows_of(run.job):
            amount = book.use(row, run.job, run.mode) if row in slack else 0
            if amount:
                times = run.works.astype(object) if row.kind.endswith("power") else 1
                slack[row][run.span] = slack[row][run.span] - amount * times
    for row, each in slack.items():
        yield GapTerm("row", _row_name(row), int((book.rows[row] * each).sum()))
    left = ledger.totals()
    for run in ledger.runs.values():
        for name, amount in ledger.takes(run.job, run.mode):
            left[name] -= amount
    for row, price in book.totals.items():
        yield GapTerm("row", f"{row.kind} {row.of} left over", price * left[row.kind, row.of])
    placed = {ledger.instance.jobs[run.job].id for run in ledger.runs.values()}
    for after, by_predecessor in ledger.plan.certificate.precedence.items():
        for before, price in by_predecessor.items():
            free = (before in placed) - (after in placed)
            yield GapTerm("row", f"{before} placed, {after} that waits for it not", price * free)


def _row_name(row: Row) -> str:
    if row.kind == "chips":
        return f"chips of {row.of} left free"
    if row.kind == "slices":
        return f"slices of {row.size} in {row.of} left free"
    if row.kind == "quota":
        return f"quota of {row.of} left free"
    lumps, _, what = row.kind.rpartition("_")
    if lumps == "cover":
        return f"{what} of {row.of} between jobs that do not fit together"
    return f"{what} of {row.of} in lumps of {row.size:,} left free"


def _supply_terms(ledger: Ledger, book: PriceBook) -> Iterator[GapTerm]:
    instance, permits = ledger.instance, ledger.plan.certificate.permits
    worth = supply_worth(ledger.world, ledger.plan.certificate)
    for site, key in ledger.caps:
        supply = instance.sites[site].supplies[key]
        permit, limit = permits.get(f"{site}/{key}", 0), supply.permit_watt_periods(ledger.horizon)
        power = book.rows.get(Row("power", site), np.zeros(ledger.T, object))
        margin = power - ledger.cost[site, key].astype(object) - permit
        given = ledger.dispatch_w(site, key).astype(object)
        taken = ledger.charge_w(site, key).astype(object)
        earned = int((given * margin - taken * power).sum())
        earned -= supply.demand_nano * int(given.max(initial=0))
        most = worth[site, key] - permit * (limit or 0)
        said = f"{site}/{key}: other hours than its price asks"
        yield GapTerm("supply", said, most - earned)
        if permit:
            left = (limit or 0) - int(given.sum())
            yield GapTerm("supply", f"permit of {site}/{key} left over", permit * left)
    yield GapTerm("supply", "rounding to whole watts", _dispatch_above_load(ledger, book))


def _dispatch_above_load(ledger: Ledger, book: PriceBook) -> int:
    """Return the price of what is dispatched above the load that runs and the site pay for."""
    over = fixed = 0
    for site, place in ledger.instance.sites.items():
        prices = book.rows.get(Row("power", site))
        if prices is not None:
            for key in place.supplies:
                net = ledger.dispatch_w(site, key) - ledger.charge_w(site, key)
                over += int((prices * net.astype(object)).sum())
            fixed += int((prices * ledger.fixed_mw[site].astype(object)).sum())
    for run in ledger.runs.values():
        at = np.array([run.start]), np.array([run.end])
        paid = book.pays(run.job, run.mode, *at)
        over -= sum(int(x[0]) for row, x in paid.items() if row.kind == "power")
    return over - fixed // 1000


def _job_terms(ledger: Ledger, bound: Bound, book: PriceBook) -> Iterator[GapTerm]:
    for j, best in enumerate(bound.best):
        run = ledger.runs.get(j)
        most = best.profit or 0
        if not ledger.is_fixed(j):
            most = max(0, most)
        got = 0 if run is None else book.profit(run)
        yield GapTerm("job", ledger.instance.jobs[j].id, most - got)
