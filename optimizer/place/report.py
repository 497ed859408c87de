"""The report of a plan, as data: what a decision maker asks, then how sure we are, then the tables.

Everything is added up again from instance and plan; prices and bound are those of the certificate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.answers.say import (
    counted,
    figure,
    hours_said,
    listed,
    money,
    percent,
    stretches,
    whole,
)
from optimizer.domain.reports import Fact, Report, Section
from optimizer.place.account import charts, tables
from optimizer.place.account.ledger import Ledger
from optimizer.place.account.limits import (
    full_training_w,
    headroom_chips,
    is_at_cap,
    is_full,
    is_scarce,
    largest_supply,
    worth_of_domain,
    worth_of_mw,
)
from optimizer.place.account.power import stores
from optimizer.place.account.prices import PriceBook
from optimizer.place.account.proof import assumed_table, proof_section
from optimizer.place.certificate import upper_bound
from optimizer.place.explain import Reason, explain
from optimizer.place.measure.images import asked
from optimizer.place.measure.words import goal_sections, measures_table
from optimizer.place.reasons.conflict import conflict_section
from optimizer.units import nano, usd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.domain.instance import Instance
    from optimizer.place.plan import PlacePlan, Verdict

__all__ = ["report"]

"""Of a plan file that lacks must jobs, and so is no plan."""


def report(
    instance: Instance,
    plan: PlacePlan,
    verdict: Verdict,
    reasons: tuple[Reason, ...] | None = None,
) -> Report:
    """Return the report of a plan.

    Parameters
    ----------
    verdict
        What the checker says of this plan.
    reasons
        Why jobs are turned away or late, fixes tried or not; made here where they are not given.

    Raises
    ------
    PlanError
        If the plan's certificate does not belong to the instance.
    """
    ledger = Ledger(instance, plan)
    bound = upper_bound(instance, plan.certificate)
    book = PriceBook(ledger)
    if reasons is None:
        reasons = explain(instance, plan, bound)
    is_none = not plan.status.has_plan
    sections = (
        *((conflict_section(asked(instance, plan.goal), plan),) if is_none else ()),
        _in_short(ledger, book, reasons),
        *goal_sections(ledger),
        _turned_away(ledger, reasons),
        _limits(ledger, book),
        _used(ledger),
        proof_section(ledger, bound, book, verdict),
        _plan(ledger, book),
    )
    return Report(f"{instance.name}: {instance.title or 'placement'}", sections)


def _in_short(ledger: Ledger, book: PriceBook, reasons: tuple[Reason, ...]) -> Section:
    said = [*_who(ledger, reasons), *_what_binds(ledger, book)]
    return Section("In short", tuple(said), tuple(_key_facts(ledger)), kind="summary")


def _chip_hours(ledger: Ledger) -> tuple[float, float]:
    """Return chip-hours held by runs, and chip-hours that may be used."""
    hours = ledger.horizon.period_hours
    held = sum(int(x.sum()) for x in ledger.used.values()) * hours
    return held, sum(int(x.sum()) for x in ledger.usable.values()) * hours


def _key_facts(ledger: Ledger) -> Iterator[Fact]:
    plan, jobs = ledger.plan, ledger.instance.jobs
    held, usable = _chip_hours(ledger)
    asked = sum(nano(job.value_usd) for job in jobs)
    late = sum(ledger.periods_late(run) > 0 for run in ledger.runs.values())
    yield Fact("Jobs placed", len(ledger.runs), "", note=f"of {len(jobs):,}; {late} end late")
    share = percent(plan.objective.value, asked)
    yield Fact("Value placed", usd(plan.objective.value), "USD", note=f"{share} of what is asked")
    note = f"{percent(held, usable)} of those usable"
    yield Fact("Chip-hours in use", int(held), note=note)
    if not plan.status.has_plan:
        return
    rest = "value less lateness, one-off costs and energy"
    yield Fact("Objective", usd(plan.objective.total), "USD", note=rest)
    more = (
        "certified: no plan can be better by more"
        if plan.goal is None
        else "of value, not asked for"
    )
    yield Fact("Gap to the bound", plan.gap, "share", note=more)


def _who(ledger: Ledger, reasons: tuple[Reason, ...]) -> Iterator[str]:
    """Sentences on who runs, who is turned away and who is late."""
    h, jobs = ledger.horizon, ledger.instance.jobs
    out = [r for r in reasons if not r.is_late]
    late = [r for r in reasons if r.is_late]
    running = sum(jobs[j].running is not None for j in ledger.runs)
    if not ledger.plan.status.has_plan:
        yield (
            "This is not a plan, as not every job that must run is in it: what follows is what the "
            "search had placed when it stopped, and why the others did not fit beside it."
        )
    yield (
        f"{len(ledger.runs):,} of {counted(len(jobs), 'job')} run between "
        f"{h.time_of(0):%Y-%m-%d %H:%M} and {h.time_of(h.periods):%Y-%m-%d %H:%M} UTC"
        + (f", {running} of them are running already." if running else ".")
    )
    if ledger.instance.moves is not None:
        moved, most = len(ledger.moved()), ledger.instance.moves.at_most
        yield (
            f"{moved or 'None'} of the running jobs {'is' if moved == 1 else 'are'} moved; "
            f"{most} may be."
        )
    if out:
        yield (
            f"{counted(len(out), 'job')} worth {money(_worth(ledger, out))} "
            f"{'is' if len(out) == 1 else 'are'} turned away: {_by_kind(out)}. The most valuable: "
            f"{listed([f'{r.job} ({money(_worth(ledger, [r]))})' for r in _dearest(ledger, out)])}."
        )
    else:
        yield "Nobody is turned away."
    if late:
        cost = ledger.plan.objective.lateness
        yield f"{counted(len(late), 'job ends', 'jobs end')} late, which costs {money(cost)}."
    missed = [r for r in reasons if r.gain is not None]
    if missed:
        most = max(r.gain or 0 for r in missed)
        yield (
            f"A longer search would find more: {listed([r.job for r in missed])} could be placed "
            f"better with all others where they are, for up to {money(most)} each."
        )


def _dearest(ledger: Ledger, reasons: list[Reason]) -> list[Reason]:
    return sorted(reasons, key=lambda r: (-_worth(ledger, [r]), r.job))[:3]


def _worth(ledger: Ledger, reasons: list[Reason]) -> int:
    return sum(nano(ledger.instance.jobs[ledger.index[r.job]].value_usd) for r in reasons)


_KINDS = {
    "priced_out": "worth less than what they take is priced at",
    "no_room": "worth their price, without room beside the others",
    "rule": "excluded by a rule or by a job they wait for",
    "gap": "undecided",
}


def _by_kind(reasons: list[Reason]) -> str:
    counts = {k: sum(r.kind == k and r.gain is None for r in reasons) for k in _KINDS}
    said = [f"{n} {_KINDS[k]}" for k, n in counts.items() if n]
    missed = sum(r.gain is not None for r in reasons)
    return listed(said + ([f"{missed} missed by the search, as they fit"] if missed else []), 5)


def _what_binds(ledger: Ledger, book: PriceBook) -> Iterator[str]:
    """Sentences on caps that bind, what more would be worth, and power left over."""
    h = ledger.horizon
    for site in ledger.instance.sites:
        worth = worth_of_mw(ledger, book, site)
        scarce, at_cap = is_scarce(ledger, worth), is_at_cap(ledger, site)
        if scarce.any():
            each = sum(worth) / ledger.T * 24 / h.period_hours
            yield (
                f"Power limits {site}: it is scarce in {hours_said(h, scarce)}, and the load is at "
                f"the cap in {hours_said(h, at_cap)}{_rationed(ledger, site)}. One more MW of "
                f"{largest_supply(ledger, site)} is worth {money(sum(worth))} over the "
                f"{h.hours:,g} h, {money(round(each))} a day."
            )
            yield from _permits(ledger, site)
        else:
            yield _headroom(ledger, site)
    for pool in ledger.instance.pools:
        worth, full = worth_of_domain(ledger, book, pool), is_full(ledger, pool)
        if sum(worth):
            used = percent(int(ledger.used[pool].sum()), int(ledger.usable[pool].sum()))
            yield (
                f"Chips of {pool}: {used} in use, full in {hours_said(h, full)}. One more "
                f"{_one_more(ledger, pool)} is worth {money(sum(worth))} over the {h.hours:,g} h, "
                f"power apart{_rent(ledger, pool)}."
            )
        else:
            yield f"Chips do not limit {pool}: one more adds nothing at the certified prices."


def _one_more(ledger: Ledger, pool: str) -> str:
    """Return what a pool grows by: `nvl72 (72 chips)`, or a chip."""
    domain = ledger.instance.pools[pool].domain
    size = ledger.instance.domain_chips(ledger.instance.pools[pool])
    return "chip" if domain is None else f"{domain} ({counted(size, 'chip')})"


def _rent(ledger: Ledger, pool: str) -> str:
    """Return what its chips would cost on the market meanwhile, if that is known."""
    place = ledger.instance.pools[pool]
    rent = ledger.instance.chips[place.chip].rent_usd_per_chip_hour
    if rent is None:
        return ""
    total = nano(rent * ledger.instance.domain_chips(place) * ledger.horizon.hours)
    return f"; its rent would be {money(total)}"


def _rationed(ledger: Ledger, site: str) -> str:
    """Return why power is scarce below the cap, too: what one hour takes, another lacks."""
    prices = ledger.plan.certificate.permits
    keys = [k for k in ledger.instance.sites[site].supplies if prices.get(f"{site}/{k}")]
    if not keys:
        return ""
    names = listed([f"{site}/{key}" for key in keys])
    return f": the energy permit of {names} has to last for all hours, so each MWh counts"


def _permits(ledger: Ledger, site: str) -> Iterator[str]:
    """Sentences on energy permits that bind."""
    h = ledger.horizon
    for key, supply in ledger.instance.sites[site].supplies.items():
        limit = supply.permit_watt_periods(h)
        price = ledger.plan.certificate.permits.get(f"{site}/{key}", 0)
        if limit and price:
            used = int(ledger.dispatch_w(site, key).sum())
            yield (
                f"The energy permit of {site}/{key} binds: {percent(used, limit)} of "
                f"{whole(limit * h.period_hours / 1e6)} MWh are used, and one more MWh is worth "
                f"{money(round(price * 1_000_000 / h.period_hours))}."
            )


def _headroom(ledger: Ledger, site: str) -> str:
    peak, least = int(ledger.load_mw(site).max()) / 1e9, int(ledger.cap_w[site].min()) / 1e6
    found = headroom_chips(ledger, site)
    said = f"Power does not limit {site}: its load peaks at {figure(peak)} MW"
    if found is None:
        return f"{said} (least cap {figure(least)} MW)."
    chip, left, chips = found
    full = int(full_training_w(ledger, site).max()) / 1e6
    return (
        f"{said}. With every chip in training it would draw {figure(full)} MW of its "
        f"{figure(least)} MW; the {figure(left / 1e6)} MW left would feed {whole(chips)} more "
        f"{chip} in training."
    )


def _turned_away(ledger: Ledger, reasons: tuple[Reason, ...]) -> Section:
    out, late = tables.out_table(ledger, reasons), tables.late_table(ledger, reasons)
    return Section("Who is turned away, and who is late", (tables.LEGEND,), (), (out, late))


def _limits(ledger: Ledger, book: PriceBook) -> Section:
    said = [
        "Worth: how much the certified bound rises with one more unit, after the cost of its "
        "energy; for the plan it is an estimate. Scarce: one more MWh is worth at least USD 1. "
        "At cap, full: less than 1 % is unused. All MW are at the site's meter, PUE included.",
        *_calls(ledger),
    ]
    by_day = tables.mw_worth_table(ledger, book)
    shown = [by_day] if by_day.rows else []
    shown.append(tables.domain_worth_table(ledger, book))
    limits = tables.limit_table(ledger, book)
    shown += [limits] if limits.rows else []
    drawn = (*charts.power_charts(ledger), *stores.storage_charts(ledger))
    drawn = (*drawn, charts.price_chart(ledger, book))
    return Section("What limits the plan", tuple(said), (), tuple(shown), drawn)


def _calls(ledger: Ledger) -> Iterator[str]:
    for site, called in ledger.world.called.items():
        if called.any():
            least = int(ledger.cap_w[site][called].min()) / 1e6
            yield (
                f"Calls at {site}: {stretches(ledger.horizon, called, 6)} UTC; "
                f"{figure(least)} MW are left."
            )


def _used(ledger: Ledger) -> Section:
    shown = [
        tables.pool_table(ledger),
        tables.site_table(ledger),
        tables.energy_table(ledger),
    ]
    more = stores.battery_table(ledger), stores.demand_table(ledger)
    shown += [table for table in more if table is not None]
    if ledger.instance.tenants:
        shown.append(tables.tenant_table(ledger))
    shown.append(measures_table(ledger))
    return Section("What is used", (), (), tuple(shown))


def _plan(ledger: Ledger, book: PriceBook) -> Section:
    assumed = assumed_table(ledger)
    moved = () if ledger.instance.moves is None else (tables.move_table(ledger),)
    shown = (tables.placed_table(ledger), *moved, tables.cap_table(ledger), assumed)
    jobs = sum(row[4] for row in assumed.rows if isinstance(row[4], int))
    rest = "rests" if jobs == 1 else "rest"
    said = f"{counted(jobs, 'placed job')} {rest} on a rate that no measurement covers."
    drawn = (charts.gantt_chart(ledger), *charts.worth_charts(ledger, book))
    return Section("The plan", (said,), (), shown, drawn)
