"""What would let a job in: fixes as data, and the instance with a fix applied.

A fix names what changes in the instance file (JSON pointer and new value), so that anyone can
apply it and solve again. Amounts come from exact shortfalls; what they are worth is an estimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from optimizer.domain.answers.say import counted, figure, listed, money, percent, stretches, when
from optimizer.domain.changes.patch import Change, pointer
from optimizer.domain.modes import derive
from optimizer.place.account.prices import Row, total_row
from optimizer.place.account.room import Block
from optimizer.units import NANO, nano, usd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.domain.instance import Instance
    from optimizer.domain.modes import Mode
    from optimizer.place.account.displace import Displacement
    from optimizer.place.account.ledger import Ints, Ledger
    from optimizer.place.account.prices import PriceBook
    from optimizer.place.account.room import Columns, Room
    from optimizer.place.plan import PlacePlan

__all__ = [
    "Fix",
    "FixState",
    "deadline_fix",
    "displace_fix",
    "lateness_fix",
    "relaxed",
    "shortfall_fix",
    "value_fix",
]

FixKind = Literal["value", "deadline", "lateness", "capacity", "displace", "residency"]

FixState = Literal["estimated", "verified", "not confirmed"]


@dataclass(frozen=True, slots=True)
class Fix:
    """One way to let a job in, or to have it on time.

    Attributes
    ----------
    text
        What to change, for people, with units.
    effect
        What it would add to the objective [nano-USD], estimated from prices before a re-solve,
        found by it after; None where no estimate is made.
    changes
        The same as changes of the instance file; empty where the file does not say it.
    state
        `estimated`; `verified` where a plan of the changed instance was found and checked that has
        the job (a late one: on time) and is worth no less than this plan is there; `not confirmed`
        where a search with the changes found none.
    plan
        The plan that verified it.
    """

    kind: FixKind
    text: str
    effect: int | None
    changes: tuple[Change, ...] = ()
    state: FixState = "estimated"
    plan: PlacePlan | None = None


def _of_job(ledger: Ledger, job: int, field: str) -> str:
    """Return the pointer of a job's field, by its id unless that reads like a number."""
    name = ledger.instance.jobs[job].id
    return pointer("jobs", job if name.isdecimal() else name, field)


def value_fix(ledger: Ledger, job: int, margin: int) -> Fix:
    """Return the fix that a job is worth more: by its margin and one percent, to be safe."""
    before = ledger.instance.jobs[job].value_usd
    need = before + usd(margin)
    text = f"{money(margin)} more value ({percent(margin, nano(before))})"
    patched = round(need * 1.01 + 0.01, 2)
    return Fix("value", text, None, (Change(_of_job(ledger, job, "value_usd"), patched),))


def relaxed(ledger: Ledger, job: int) -> tuple[Mode, ...]:
    """Return the modes that a job would have with the end of the horizon as its deadline."""
    before = ledger.instance.jobs[job]
    if before.deadline is None or before.running is not None:
        return ()
    return derive(ledger.instance, before.model_copy(update={"deadline": None}))[0]


def deadline_fix(ledger: Ledger, job: int, end: int, effect: int) -> Fix:
    """Return the fix that a deadline lies at a later period boundary."""
    h, deadline = ledger.horizon, ledger.instance.jobs[job].deadline
    later = end * h.period_hours - h.hours_at(0.0 if deadline is None else deadline)
    text = f"deadline {later:,g} h later ({when(h, end)})"
    changes = [Change(_of_job(ledger, job, "deadline"), end * h.period_hours)]
    return Fix("deadline", text, effect, tuple(changes))


@dataclass(frozen=True, slots=True)
class _Lack:
    """What one run lacks of one limit: how much at most, and when, (T,) of bool."""

    block: Block
    amount: int
    hours: Any


def shortfall_fix(
    ledger: Ledger, book: PriceBook, room: Room, job: int, columns: list[Columns], gain: int
) -> Fix | None:
    """Return the smallest set of larger limits with which one run fits, by the certified prices.

    gain is what the best run of the job would bring, were there room [nano-USD].
    """
    best: tuple[float, Columns, int] | None = None
    for found in columns:
        cost = _costs(ledger, book, room, job, found)
        if len(cost) and np.isfinite(cost).any():
            i = int(np.argmin(cost))
            if best is None or cost[i] < best[0]:
                best = float(cost[i]), found, i
    if best is None:
        return None
    _, found, i = best
    lacks = list(_lacks(ledger, room, job, found, i))
    said, changes = [], []
    for lack in lacks:
        text, change = _grow(ledger, lack)
        said.append(text)
        changes.extend(change)
    if not said:
        return None
    return Fix("capacity", listed(said, 9), gain, tuple(changes))


def _costs(ledger: Ledger, book: PriceBook, room: Room, job: int, found: Columns) -> Any:
    """Return for every run what it lacks, at the prices; size alone decides where nothing has one.

    Runs that precedence blocks cannot be helped by larger limits.
    """
    cost = np.zeros(len(found.starts))
    for block, need, left, counts in room.needs(job, found.mode):
        if block.rule == "pool_capacity" and block.of in room.stretches:
            continue  # whole domains are added instead
        lack = np.where(counts, np.maximum(need - left, 0), 0)
        each = lack * (_price(ledger, book, block) + 1e-6 * NANO / max(1, need))
        sums = np.concatenate(([0.0], np.cumsum(each)))
        cost += sums[found.ends] - sums[found.starts]
    for pool, count in _domains(ledger, room, found).items():
        price = _price(ledger, book, Block("domain_fit", pool)) + 1e-3 * NANO
        sums = np.concatenate(([0.0], np.cumsum(price)))
        cost += count * (sums[found.ends] - sums[found.starts])
    for block, over in _totals(ledger, room, job, found):
        cost += np.maximum(over, 0) * (_price(ledger, book, block).max() + 1e-6)
    for block, blocked in found.blocks.items():
        if block.rule == "precedence":
            cost[blocked] = np.inf
    return cost


def _price(ledger: Ledger, book: PriceBook, block: Block) -> Any:
    """Return the price of a limit in every period, (T,) [nano-USD per W, chip, domain, ...]."""
    nothing = np.zeros(ledger.T)

    def of(row: Row) -> Any:
        return book.rows[row].astype(float) if row in book.rows else nothing

    if block.rule == "power_cap":
        return of(Row("power", block.of)) * ledger.pue[block.of] / 1000
    if block.rule == "quota":
        return of(Row("quota", block.of))
    if block.rule == "supply":
        return nothing + ledger.plan.certificate.permits.get(block.of, 0)
    if block.rule in ("budget", "spread", "moves"):
        return nothing + book.totals.get(total_row((block.rule, block.of)), 0)
    size = ledger.instance.domain_chips(ledger.instance.pools[block.of])
    total = of(Row("chips", block.of)) * size
    for row in book.rows:
        if row.kind == "slices" and row.of == block.of:
            total = total + of(row) * (size // row.size)
    return total


def _domains(ledger: Ledger, room: Room, found: Columns) -> dict[str, Ints]:
    """Return by pool how many whole domains more each run needs, (N,)."""
    lacking = {}
    for pool in sorted({p.pool for p in found.mode.parts} & set(room.stretches)):
        size = ledger.instance.domain_chips(ledger.instance.pools[pool])
        parts = [p for p in found.mode.parts if p.pool == pool]
        most = np.zeros(len(found.starts), np.int64)
        for q in {p.slice_chips for p in parts}:
            need = sum(p.slices * (p.slice_chips // q) for p in parts)
            short = need - room.stretches[pool].slots(q, found.starts, found.ends)
            most = np.maximum(most, -(-short // (size // q)))
        lacking[pool] = most
    return lacking


def _totals(ledger: Ledger, room: Room, job: int, found: Columns) -> Iterator[tuple[Block, Ints]]:
    """Return by permit, budget and spread how far each run is over it, (N,)."""
    sites = {ledger.site_of(p.pool) for p in found.mode.parts}
    for permit in room.permits:
        if permit.site in sites:
            sums = room.over_permit(permit, found.mode)
            over = sums[found.ends] - sums[found.starts] + sums[0]
            yield Block("supply", f"{permit.site}/{permit.supplies[0]}"), over
    for name, amount in ledger.takes(job, found.mode):
        yield Block(*name), np.full(len(found.starts), amount - room.totals[name])


def _lacks(ledger: Ledger, room: Room, job: int, found: Columns, i: int) -> Iterator[_Lack]:
    """Return everything that one run lacks; chips that are added draw idle power, too."""
    span = np.zeros(ledger.T, bool)
    span[found.starts[i] : found.ends[i]] = True
    needs = list(room.needs(job, found.mode))
    lacks = [
        _Lack(Block("domain_fit", pool), _more_domains(ledger, pool, int(count[i]), span), span)
        for pool, count in _domains(ledger, room, found).items()
        if count[i] > 0
    ]
    for block, need, left, counts in needs:
        short = span & counts & (left < need)
        is_whole = block.rule == "pool_capacity" and block.of in room.stretches
        if short.any() and not is_whole and block.rule != "power_cap":
            lacks.append(_Lack(block, int((need - left)[short].max()), short))
    idle = _idle(ledger, lacks)
    yield from lacks
    for block, need, left, counts in needs:
        lack = np.where(span & counts, need, 0) + idle.get(block.of, 0) - left
        if block.rule == "power_cap" and (lack > 0).any():
            watts = -(-lack * ledger.pue[block.of] // 1000)
            yield _Lack(block, int(watts.max()), lack > 0)
    for block, over in _totals(ledger, room, job, found):
        more = 0
        if block.rule == "supply" and (extra := idle.get(block.of.split("/", 1)[0])):
            more = int((ledger.pue[block.of.split("/", 1)[0]] * extra // 1000 + 1).sum())
        if over[i] + more > 0:
            yield _Lack(block, int(over[i]) + more, span)


def _more_domains(ledger: Ledger, name: str, amount: int, span: Any) -> int:
    """Return how many domains to add for so many more that are free in a span of periods.

    They get the ids above those that are there all the time; of these, some may be in maintenance,
    or come later and then hold a run.
    """
    pool, busy = ledger.instance.pools[name], set[int]()
    first, last = int(span.argmax()), len(span) - int(span[::-1].argmax())
    for (low, high), begin, end in pool.out_of_use(ledger.horizon):
        if begin < last and end > first:
            busy |= set(range(low, high + 1))
    for run in ledger.runs.values():
        if run.start < last and run.end > first:
            for part, ids in zip(run.mode.parts, run.placement.domains, strict=True):
                if part.pool == name:
                    busy |= {i for low, high in ids for i in range(low, high + 1)}
    there = more = int(pool.usable(ledger.horizon)[span].min())
    while amount > 0:
        amount -= more not in busy
        more += 1
    return more - there


def _idle(ledger: Ledger, lacks: list[_Lack]) -> dict[str, int]:
    """Return the idle draw of the chips that are added, by site [IT W]."""
    found: dict[str, int] = {}
    for lack in lacks:
        if lack.block.rule in ("domain_fit", "pool_capacity"):
            pool = ledger.instance.pools[lack.block.of]
            chips = lack.amount * ledger.instance.domain_chips(pool)
            idle = ledger.instance.chips[pool.chip].idle_w * chips
            found[pool.site] = found.get(pool.site, 0) + idle
    return found


def _grow(ledger: Ledger, lack: _Lack) -> tuple[str, list[Change]]:
    """Return a larger limit in words and as changes of the instance."""
    instance, h, of = ledger.instance, ledger.horizon, lack.block.of
    if lack.block.rule == "power_cap":
        return _more_power(ledger, lack)
    if lack.block.rule in ("domain_fit", "pool_capacity"):
        pool = instance.pools[of]
        count = _series([float(x) + lack.amount for x in pool.present(h)])
        size = "" if pool.domain is None else f" of {instance.domain_chips(pool)} chips"
        thing = "chip" if pool.domain is None else "domain"
        text = f"{counted(lack.amount, thing + size, thing + 's' + size)} more in {of}"
        return text, [Change(pointer("pools", of, "count"), count)]
    if lack.block.rule == "quota":
        quota = (instance.tenants[of].quota_chips or 0) + lack.amount
        text = f"quota of {of} {quota:,} chips ({lack.amount:,} more)"
        return text, [Change(pointer("tenants", of, "quota_chips"), quota)]
    if lack.block.rule == "budget":
        budget = instance.budgets[of]
        limit = budget.limit + lack.amount / 1000
        text = f"budget {of} {figure(limit)} {budget.unit} ({figure(lack.amount / 1000)} more)"
        return text, [Change(pointer("budgets", of, "limit"), limit)]
    if lack.block.rule == "spread":
        return _wider(instance, of, lack.amount)
    if lack.block.rule == "moves":
        most = lack.amount + (0 if instance.moves is None else instance.moves.at_most)
        text = f"{counted(lack.amount, 'more move')} of running jobs ({most:,} in all)"
        return text, [Change("/moves/at_most", most)]
    site, key = of.split("/", 1)
    before = instance.sites[site].supplies[key].permit_watt_periods(h) or 0
    mwh = (before + lack.amount) * h.period_hours / 1e6
    text = f"an energy permit of {of} larger by {figure(lack.amount * h.period_hours / 1e6)} MWh"
    change = Change(pointer("sites", site, "supplies", key, "permit"), {"mwh": mwh + 1e-6})
    return text, [change]


def _wider(instance: Instance, of: str, jobs: int) -> tuple[str, list[Change]]:
    """Return a larger share of a group at one site."""
    group, _, site = of.partition(" at ")
    most = instance.most_at_a_site[group] + jobs
    held = sum(job.group == group for job in instance.jobs)
    share = min(1.0, most / (instance.spreads[group].of_jobs or held))
    text = f"a share of {100 * share:.3g} % of group {group} at one site ({most:,} jobs at {site})"
    return text, [Change(pointer("spreads", group, "share"), share)]


def _series(values: list[float]) -> float | list[float]:
    """Return a series as an instance file has it: one number where all are the same."""
    return values[0] if len(set(values)) == 1 else values


def _more_power(ledger: Ledger, lack: _Lack) -> tuple[str, list[Change]]:
    """Return more power as a supply of its own, at the price of the site's largest."""
    h, of = ledger.horizon, lack.block.of
    largest = max(
        ledger.instance.sites[of].supplies.items(),
        key=lambda item: int(ledger.caps[of, item[0]].sum()),
    )[1]
    price = _series(largest.price_usd_per_mwh.over(h, "mean").tolist())
    mw = -(-lack.amount // 1000) / 1000
    cap = _series([mw if short else 0.0 for short in lack.hours.tolist()])
    supply = {"kind": "grid", "name": "what if", "cap_mw": cap, "price_usd_per_mwh": price}
    text = f"{figure(mw)} MW more at {of} ({stretches(h, lack.hours)})"
    name, there = "what-if", ledger.instance.sites[of].supplies
    while name in there:
        name += "-more"
    return text, [Change(pointer("sites", of, "supplies", name), supply)]


def lateness_fix(ledger: Ledger, job: int, margin: int) -> Fix:
    """Return the fix that lateness costs so much that being on time is the cheaper way."""
    late = max(1, ledger.periods_late(ledger.runs[job])) * ledger.horizon.period_hours
    rate = ledger.instance.jobs[job].late_usd_per_hour + usd(margin) / late
    before = figure(ledger.instance.jobs[job].late_usd_per_hour)
    text = f"an hour late priced at USD {figure(rate)} or more (now {before})"
    return Fix(
        "lateness", text, None, (Change(_of_job(ledger, job, "late_usd_per_hour"), rate * 1.01),)
    )


def displace_fix(ledger: Ledger, job: int, away: Displacement, gain: int) -> Fix:
    """Return the fix that other jobs make room; as a change of the file: the job must run."""
    names = [ledger.instance.jobs[j].id for j in away.jobs]
    net = gain - away.loss
    word = "net gain" if net > 0 else "net loss"
    if not away.is_exact:  # there may be a cheaper set
        word += " of at least" if net > 0 else " of at most"
    text = f"instead of {listed(names)} ({word} {money(abs(net))})"
    change = Change(_of_job(ledger, job, "must"), True)
    return Fix("displace", text, gain - away.loss, (change,))
