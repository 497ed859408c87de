"""Rules of power: loads under what supplies give, caps and permits kept, batteries in bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.place.plan import Rule
from optimizer.place.rules.case import Case, said

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optimizer.domain.horizon import Horizon
    from optimizer.domain.power import Storage
    from optimizer.place.plan import Violation

__all__ = ["check_battery", "check_power_cap", "check_supply"]


def check_power_cap(case: Case) -> Iterator[Violation]:
    """PUE x (draw + idle) + other + charge <= what the supplies give, per site and period."""
    T = case.instance.horizon.periods
    for name, site in case.instance.sites.items():
        given = case.plan.dispatch.get(name, {})
        if set(given) != set(site.supplies) or any(len(g) != T for g in given.values()):
            continue  # said by supply
        total = np.sum([np.array(g, object) for g in given.values()] or [np.zeros(T, object)], 0)
        for taken in case.plan.charge.get(name, {}).values():
            if len(taken) == T:  # else said by battery
                total = total - np.array(taken, object)
        short = case.load_mw(name) - 1000 * total
        t = int(short.argmax())
        if short[t] > 0:
            found = f"{(short[t] / 1000 + total[t]) / 1e6:.6f} MW"
            where = f"site {name!r} period {t}"
            yield said(Rule.POWER_CAP, where, found, f"{total[t] / 1e6:.6f} MW")


def check_supply(case: Case) -> Iterator[Violation]:
    """0 <= dispatch <= cap, and permits kept."""
    h, rule = case.instance.horizon, Rule.SUPPLY
    if set(case.plan.dispatch) != set(case.instance.sites):
        yield said(rule, "dispatch", sorted(case.plan.dispatch), "every site of the instance")
        return
    for name, site in case.instance.sites.items():
        given = case.plan.dispatch[name]
        if set(given) != set(site.supplies) or any(len(g) != h.periods for g in given.values()):
            yield said(rule, f"site {name!r}", "dispatch of other supplies", "T numbers for each")
            continue
        for key, supply in site.supplies.items():
            dispatch, cap = np.array(given[key], object), supply.cap_w(h)
            t = int((dispatch - cap).argmax())
            if dispatch[t] > cap[t]:
                yield said(rule, f"{name}/{key} period {t}", f"{dispatch[t]} W", f"{cap[t]} W")
            limit = supply.permit_watt_periods(h)
            if limit is not None and sum(given[key]) > limit:
                yield said(rule, f"{name}/{key}", f"{sum(given[key])} W-periods", f"permit {limit}")


def check_battery(case: Case) -> Iterator[Violation]:
    """0 <= charge <= in_mw, 0 <= stored <= energy_mwh throughout, and no less at the end."""
    h, rule = case.instance.horizon, Rule.BATTERY
    batteries = {
        name: {key: s.storage for key, s in site.supplies.items() if s.storage is not None}
        for name, site in case.instance.sites.items()
    }
    for name, stores in batteries.items():
        charge, given = case.plan.charge.get(name, {}), case.plan.dispatch.get(name, {})
        if set(charge) != set(stores) or any(len(x) != h.periods for x in charge.values()):
            yield said(rule, f"site {name!r}", "charge of other supplies", "T for each battery")
            continue
        for key, store in stores.items():
            yield from _stored(f"{name}/{key}", store, h, charge[key], given.get(key, ()))
    for name in set(case.plan.charge) - set(batteries):
        yield said(rule, f"site {name!r}", "charge", "a site of the instance")


def _stored(
    where: str, store: Storage, h: Horizon, charge: Sequence[int], given: Sequence[int]
) -> Iterator[Violation]:
    """The first breach of a battery's bounds on its way through the horizon, charges apart."""
    held, most, rule = store.start(h), store.most(h), Rule.BATTERY
    taken = max(range(h.periods), key=lambda t: charge[t])
    if charge[taken] > store.in_w:
        yield said(rule, f"{where} period {taken}", f"{charge[taken]} W", f"{store.in_w} W")
    for t, (c, g) in enumerate(zip(charge, given, strict=False)):
        held += store.in_milli * c - store.out_milli * g
        if not 0 <= held <= most:
            found = f"holds {held} thousandths of a W-period"
            yield said(rule, f"{where} after period {t}", found, f"0 to {most}")
            return
    if held < store.start(h):
        found = f"holds {held} thousandths of a W-period"
        yield said(rule, f"{where} at the end", found, f"{store.start(h)}, as at the start")
