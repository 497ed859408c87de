"""Whether demand can be served one after the other, the dearest first, and be served best so."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from optimizer.domain.growth.prices import moved

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.domain.growth.image import Growth
    from optimizer.domain.growth.scenes import FutureImage

__all__ = ["order_findings", "worth"]


def worth(growth: Growth, future: FutureImage, t: int) -> list[int]:
    """Return what a unit and hour served is worth to whoever serves it [nano-USD].

    Segments in their order, then clouds: rent and the penalty that is not paid.
    """
    found = [moved(s.price[t], future.factor(s.price_driver, t)) for s in growth.segments]
    clouds = (growth.contracts[i] for i in growth.clouds)
    return found + [c.rent[t] + c.penalty for c in clouds]


def order_findings(growth: Growth) -> Iterator[str]:
    """Yield demands whose sites overlap, or of which the narrower one pays less; unmet other load.

    Where sites of any two demands are disjoint, equal or within one another, and the narrower pays
    no less, serving the dearest first, each by the cheapest compute left, is optimal.
    """
    for s, site in enumerate(growth.sites):
        there = [x.there_w for x in growth.sources if x.site == s]
        for t, other in enumerate(site.other_w):
            cap = sum(row[t] for row in there)
            if other > cap:
                yield (
                    f"sites[{site.name!r}].other_load_mw: its supplies give {cap / 1e6:g} MW in "
                    f"{growth.calendar.label(t)}, got {other / 1e6:g} MW; give dated steps"
                )
                break
    clouds = [growth.contracts[i] for i in growth.clouds]
    who = [(f"expand.demand[{s.name!r}]", s.sites) for s in growth.segments]
    who += [(f"expand.contracts[{c.name!r}]", c.sites) for c in clouds]
    ends = [(0, growth.periods)] * len(growth.segments) + [(c.first, c.end) for c in clouds]
    for i, j in combinations(range(len(who)), 2):
        (a, mine), (b, theirs) = who[i], who[j]
        if mine & theirs and not (mine <= theirs or theirs <= mine):
            yield f"{a}: its sites and those of {b} overlap; make them equal, disjoint or nested"
        elif mine & theirs and mine != theirs:
            narrow, wide = (i, j) if mine < theirs else (j, i)
            span = range(max(ends[i][0], ends[j][0]), min(ends[i][1], ends[j][1]))
            yield from _cheaper(growth, who[narrow][0], who[wide][0], narrow, wide, span)


def _cheaper(
    growth: Growth, small: str, large: str, narrow: int, wide: int, span: range
) -> Iterator[str]:
    for future in growth.futures:
        for t in span:
            each = worth(growth, future, t)
            if each[narrow] < each[wide]:
                label = growth.calendar.label(t)
                yield (
                    f"{small}: may be served from fewer sites than {large} and must pay no less, "
                    f"got {each[narrow] / 1e9:g} against {each[wide] / 1e9:g} USD in {label} of "
                    f"{future.name!r}"
                )
                return
