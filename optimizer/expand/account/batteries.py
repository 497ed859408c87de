"""What batteries with storage do: energy through them a year, and what charging them costs."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from optimizer.domain.growth.calendar import YEAR_DAYS
from optimizer.domain.growth.prices import MILLION
from optimizer.domain.growth.scenes import BILLION
from optimizer.domain.reports import Column, Section, Table
from optimizer.expand.rules.operation import energy_of, first_load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.domain.growth.scenes import FutureImage
    from optimizer.expand.rules.case import Case

__all__ = ["batteries_section"]


@dataclass
class _Year:
    """Of a battery: energy charged and given [Wh], price of the charge [nano-USD x 1e6]."""

    taken: Fraction = Fraction(0)
    given: Fraction = Fraction(0)
    paid: Fraction = Fraction(0)


def batteries_section(case: Case) -> Section | None:
    """Return what batteries are charged with and give, expected; None where none does anything."""
    found = {j: _Year() for j, x in enumerate(case.growth.sources) if x.store is not None}
    for future in case.futures:
        path = case.along(future)
        for s in sorted({case.growth.sources[j].site for j in found}):
            for j, year in _of_site(path, future, s):
                for name in ("taken", "given", "paid"):
                    more = getattr(year, name) * future.ppb / BILLION
                    setattr(found[j], name, getattr(found[j], name) + more)
    heads = (
        Column("battery"), Column("site"), Column("charged", "MWh a year", "right"),
        Column("given", "MWh a year", "right"), Column("lost", "share", "right"),
        Column("paid for charging", "USD a year", "right"),
        Column("by MWh given", "USD", "right"),
    )  # fmt: skip
    years, rows = Fraction(sum(case.growth.calendar.days), YEAR_DAYS), []
    for j, x in found.items():
        if x.taken:
            source = case.growth.sources[j]
            taken, given = (float(wh / years) / MILLION for wh in (x.taken, x.given))
            paid = float(x.paid / years) / MILLION / 1e9
            each = paid / given if given else None
            name, site = source.name, case.growth.sites[source.site].name
            rows.append((name, site, taken, given, 1 - given / taken, paid, each))
    if not rows:
        return None
    says = (
        "Expected over futures, on average over the horizon. Charging takes what energy is left to "
        "it at the least price beside other load; chips take what is left after it.",
    )
    return Section("What batteries do", says, tables=(Table("batteries", heads, tuple(rows)),))


def _of_site(case: Case, future: FutureImage, s: int) -> Iterator[tuple[int, _Year]]:
    """Yield what the batteries of a site do in a period; the charge is paid for by its share."""
    growth = case.growth
    for t in range(growth.periods):
        each = [(j, case.cycles.get((future.name, t, j))) for j, _ in case.batteries(s)]
        for b, share in enumerate(growth.share_ppm):
            charge = case.charge(s, future, t, b)
            hours, cost = Fraction(growth.calendar.hours[t] * share, MILLION), Fraction(0)
            if charge:
                other = growth.sites[s].other_w[t]
                both, alone = (
                    first_load(watts, energy_of(case, future, t, b, s))
                    for watts in (other + charge, other)
                )
                cost = (both - alone) / charge
            for j, x in each:
                if x is not None:
                    taken, given = hours * x.charge_w[b], hours * x.discharge_w[b]
                    yield j, _Year(taken, given, taken * cost * MILLION)
