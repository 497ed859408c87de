"""From the values of a model to a fleet of whole domains and a use in whole billionths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.fleet.image import DOMAIN
from optimizer.mix.engines.account import Account, Amounts, Fleet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.mix.engines.formulation import Formulation

__all__ = ["rounded", "taken"]

LEAST = 1e-8
"""A smaller part of a domain is the solver's noise [domains]."""

SHRINK = (0, 1, 10, 100, 1_000, 10_000)
"""By how many billionths of itself all work is made smaller until it fits."""


def taken(model: Formulation, values: dict[str, float]) -> Fleet:
    """Return the whole domains of each offer at each site."""
    fleet: Fleet = {}
    for column, variable in model.columns.items():
        count = round(values.get(variable.name, 0.0))
        if count > 0:
            key = (column.offer.name, column.site)
            fleet[key] = fleet.get(key, 0) + count
    return fleet


def rounded(model: Formulation, fleet: Fleet, values: dict[str, float]) -> Account | None:
    """Return the account of a use that fits the fleet and serves enough; None if there is none."""
    amounts: Amounts = {}
    for key, variable in model.work.items():
        value = values.get(variable.name, 0.0)
        if value > LEAST:
            amounts[key] = round(value * DOMAIN)
    for account in _smaller(Account(model.image, fleet, amounts)):
        if account.fits():
            return account if account.serves_enough() else None
    return None


def _smaller(account: Account) -> Iterator[Account]:
    """Yield it with no more at work than is there, then with ever less."""
    amounts = dict(account.amounts)
    for (stock, f), working in account.working.items():
        over = working - account.there(stock, f) * DOMAIN
        own = [k for k in amounts if k[1] == f and account.image.ways[k[0]].stock == stock]
        for key in sorted(own, key=lambda k: -amounts[k]) if over > 0 else ():
            less = min(over, amounts[key])
            amounts[key], over = amounts[key] - less, over - less
    for parts in SHRINK:
        left = {k: n - n * parts // DOMAIN - (parts > 0) for k, n in amounts.items()}
        yield Account(account.image, account.fleet, {k: n for k, n in left.items() if n > 0})
