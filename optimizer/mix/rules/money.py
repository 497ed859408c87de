"""Rules about money: capex, yearly cash, vendors' shares."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

from optimizer.domain.fleet.image import DOMAIN, MILLION
from optimizer.mix.plan import Rule
from optimizer.mix.rules.case import Case, said
from optimizer.units import usd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.mix.plan import Violation

__all__ = ["check_capex", "check_vendor_share", "check_yearly_cash"]


def check_capex(case: Case) -> Iterator[Violation]:
    """What is paid at deliveries <= the limit."""
    paid, limit = sum(t.upfront_cash * n for _, t, n in case.offers()), case.image.capex
    if limit is not None and paid > limit:
        yield said(Rule.CAPEX, "deliveries", f"{usd(paid):.2f} USD", f"{usd(limit):.2f} USD")


def check_yearly_cash(case: Case) -> Iterator[Violation]:
    """Deliveries, rent, upkeep and energy of each year <= what may leave the till."""
    image = case.image
    for year, limit in enumerate(image.cash or ()):
        paid = sum(t.upfront_cash * n for o, t, n in case.offers() if o.year == year)
        total = Fraction(paid)
        for f, phase in enumerate(image.phases):
            if phase.year == year:
                upkeep = sum(t.upkeep_cash[f] * n for _, t, n in case.offers())
                energy = sum(case.energy(site, f)[1] for site in image.sites)
                rent = sum(t.rent_cash[f] * n for t, n in case.rents(f))
                total += upkeep + energy + Fraction(rent, DOMAIN)
        if total > limit:
            found = f"{usd(ceil(total)):.2f} USD"
            yield said(Rule.YEARLY_CASH, f"year {year}", found, f"{usd(limit):.2f} USD")


def check_vendor_share(case: Case) -> Iterator[Violation]:
    """Money committed to a vendor <= its largest share of all money committed."""
    each: Counter[str] = Counter()
    for offer, tier, count in case.offers():
        each[offer.vendor] += offer.committed(tier) * count
    for vendor, ppm in case.image.vendor_ppm.items():
        if each[vendor] * MILLION > ppm * each.total():
            share = each[vendor] / each.total()
            yield said(Rule.VENDOR_SHARE, vendor, f"{share:.6f}", ppm / MILLION)
