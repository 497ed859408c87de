"""Offers: whole domains that can be bought, leased or reserved, at what price and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from optimizer.domain.fields import Entity, Id, Text, UsdPerHour
from optimizer.domain.horizon import Moment

if TYPE_CHECKING:
    from optimizer.domain.horizon import Horizon

__all__ = ["MOST_DOMAINS", "Offer", "Tier"]

MOST_DOMAINS = 1_000_000
"""No offer is of more domains, unless it says so itself: a larger number is a count of chips."""

Fraction = Annotated[float, Field(ge=0, le=1)]
Domains = Annotated[int, Field(ge=0, le=10_000_000)]


class Tier(Entity):
    """A price for all domains of an offer, from a quantity on.

    Attributes
    ----------
    from_domains
        The price holds if at least so many are taken over all sites [domains].
    upfront_usd_per_chip
        Paid at delivery, for the chip with its share of the server.
    usd_per_chip_hour
        Rent of a chip for an hour.
    """

    from_domains: Annotated[int, Field(ge=1, le=10_000_000)] = 1
    upfront_usd_per_chip: UsdPerHour = 0.0
    usd_per_chip_hour: UsdPerHour = 0.0


class Offer(Entity):
    """Whole domains of one kind that can be had.

    Attributes
    ----------
    domain
        The kind of scale-up domain.
    kind
        `buy` (paid at delivery), `lease` (paid by the hour), `reserve` (a fee at delivery for the
        right to hours at a price).
    vendor
        Who sells; the maker of the chip where it is None.
    sites
        Where its domains may stand; None for every site that can cool them.
    tiers
        Prices by quantity; the price of the highest tier that is reached holds for all of them.
    min_domains, max_domains
        Least quantity if any are taken, and the most there are, over all sites [domains].
    delivery, until
        From when, and (for a lease) until when they can be used; None to the end of the horizon.
    take_or_pay
        Share of the rent that is owed whether the domains are used or not.
    upkeep_share_per_year
        Yearly upkeep as a share of what was paid at delivery.
    residual_share
        Share of what was paid at delivery that they are still worth at the end of the horizon.
    is_hypothetical
        Nobody offers this today; the report says so.
    """

    domain: Id
    kind: Literal["buy", "lease", "reserve"]
    name: Text = ""
    vendor: Text | None = None
    sites: tuple[Id, ...] | None = None
    tiers: tuple[Tier, ...] = Field(min_length=1)
    min_domains: Domains = 0
    max_domains: Domains = MOST_DOMAINS
    delivery: Moment = 0.0
    until: Moment | None = None
    take_or_pay: Fraction = 1.0
    upkeep_share_per_year: Fraction = 0.0
    residual_share: Fraction = 0.0
    is_hypothetical: bool = False

    def periods(self, horizon: Horizon) -> tuple[int, int]:
        """Return the periods [first, end) in which its domains are there."""
        first = max(0, horizon.up(self.delivery))
        end = horizon.periods if self.until is None else horizon.down(self.until)
        return first, max(first, min(horizon.periods, end))

    def tier_of(self, domains: int) -> Tier:
        """Return the tier whose price holds for a quantity, at least 1."""
        reached = [tier for tier in self.tiers if tier.from_domains <= domains]
        return reached[-1] if reached else self.tiers[0]

    def spans(self) -> list[tuple[Tier, int, int]]:
        """Return every tier with the least and the most domains that it prices."""
        ends = [tier.from_domains - 1 for tier in self.tiers[1:]] + [self.max_domains]
        least = max(1, self.min_domains)
        return [
            (tier, max(least, tier.from_domains), min(end, self.max_domains))
            for tier, end in zip(self.tiers, ends, strict=True)
        ]
