"""Why an offer is in a mix, or is not: the rule that keeps it out, or by how much it is dear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from optimizer.mix.account.worth import too_dear

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.domain.answers.fixes import Fix
    from optimizer.domain.fleet.image import OfferImage
    from optimizer.domain.instance import Instance
    from optimizer.mix.account.worth import TooDear
    from optimizer.mix.plan import MixPlan

__all__ = ["Out", "Why", "outs"]

Why = Literal["taken", "cooling", "no work", "space", "supply", "priced out", "no room", "no need"]


@dataclass(frozen=True, slots=True)
class Out:
    """An offer and why it is in the mix, or not.

    Attributes
    ----------
    job
        Name of the offer: what `explain` is asked about.
    dear
        At which price it would pay, at these prices; None where that is not known.
    stays, turns
        Prices between which a new solve has found it to turn: out and in; None until tried.
    """

    job: str
    chip: str
    why: Why
    said: str
    dear: TooDear | None = None
    stays: float | None = None
    turns: float | None = None
    fixes: tuple[Fix, ...] = ()

    @property
    def hourly(self) -> float | None:
        """What a chip costs by the hour, where it is known how dear it is [USD/chip-h]."""
        return None if self.dear is None else self.dear.hourly

    @property
    def earns(self) -> float | None:
        """What a chip earns by the hour, where it is known how dear it is [USD/chip-h]."""
        return None if self.dear is None else self.dear.earns


def outs(instance: Instance, plan: MixPlan) -> tuple[Out, ...]:
    """Return every offer with why it is in or out, those that are out first."""
    dear = {x.offer: x for x in too_dear(instance, plan)}
    each = [_out(instance, plan, offer, dear.get(offer.name)) for offer in instance.image.offers]
    return tuple(sorted(each, key=lambda x: x.why == "taken"))


def _out(instance: Instance, plan: MixPlan, offer: OfferImage, dear: TooDear | None) -> Out:
    count = sum(h.domains for h in plan.fleet if h.offer == offer.name)
    if count:
        said = f"is in the mix: {count:,} domains, {count * offer.chips:,} chips"
        return Out(offer.name, offer.chip, "taken", said)
    for why, said in _kept_out(instance, offer):
        return Out(offer.name, offer.chip, why, said)
    if dear is None:
        said = "would add no useful work within the limits"
        return Out(offer.name, offer.chip, "no need", said)
    if dear.below >= dear.price:
        said = (
            "would pay at the certified prices, but whole domains, least quantities or the gap of "
            "the proof leave no room for it"
        )
        return Out(offer.name, offer.chip, "no room", said, dear)
    said = (
        f"is too dear by {dear.hourly - dear.earns:,.2f} USD a chip-hour: nearest to pay at "
        f"{dear.site}, a chip costs {dear.hourly:,.2f} and earns {dear.earns:,.2f} after its "
        "power, space and money"
    )
    return Out(offer.name, offer.chip, "priced out", said, dear)


def _kept_out(instance: Instance, offer: OfferImage) -> Iterator[tuple[Why, str]]:
    """Yield the rules that keep an offer out whatever it costs."""
    image, mix = instance.image, instance.mix
    if not offer.sites:
        named = None if mix is None else mix.offers[offer.name].sites
        where = "it may stand nowhere" if named == () else "no site where it may stand can cool it"
        yield "cooling", f"cannot be taken: {where} (rule cooling)"
    if not any(w.stock[1] == offer.kind and w.stock[0] in offer.sites for w in image.ways):
        said = "no demand runs on it where it may stand (memory, rates, residency)"
        yield "no work", f"has nothing to do: {said}"
    racks = image.racks_milli[offer.kind]
    rooms = [image.room_milli[site] for site in offer.sites]
    if all(room is not None and room < racks for room in rooms):
        yield "space", "cannot be taken: one domain does not fit in any of its sites (rule space)"
    supply = image.supply_chips.get(offer.chip)
    if supply is not None and max(supply) < offer.chips:
        yield (
            "supply",
            "cannot be taken: less of its chip is supplied than a domain (rule supply)",
        )
