"""Rules of power: loads under what supplies give, supplies within caps and permits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.place.plan import Rule
from optimizer.place.rules.case import Case, said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.place.plan import Violation

__all__ = ["check_power_cap", "check_supply"]


def check_power_cap(case: Case) -> Iterator[Violation]:
    """PUE x (draw + idle) + other <= what the supplies give, per site and period."""
    T = case.instance.horizon.periods
    for name, site in case.instance.sites.items():
        given = case.plan.dispatch.get(name, {})
        if set(given) != set(site.supplies) or any(len(g) != T for g in given.values()):
            continue  # said by supply
        total = np.sum([np.array(g, object) for g in given.values()] or [np.zeros(T, object)], 0)
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
