"""The rule of batteries with storage: what they are charged with and give, block by block."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from optimizer.domain.growth.prices import MILLION
from optimizer.expand.plan import Rule
from optimizer.expand.rules.case import Case, said
from optimizer.expand.rules.operation import energy_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.domain.growth.builds import Store
    from optimizer.domain.growth.scenes import FutureImage
    from optimizer.expand.plan import Cycle, Violation

__all__ = ["check_storage"]


def check_storage(case: Case) -> Iterator[Violation]:
    """Units in service charge and give within their power and energy, and no more than they keep.

    What they are charged with is met, beside other load, by the energy of the block.
    """
    yield from _unknown(case)
    futures = {f.name: f for f in case.futures}
    loaded: dict[tuple[str, int, int], None] = {}
    for (name, t, j), cycle in case.cycles.items():
        if name in futures and t < case.growth.periods:
            store, site = case.growth.sources[j].store, case.growth.sources[j].site
            assert store is not None
            path = case.along(futures[name])
            yield from _battery(path, futures[name], cycle, j, store)
            if any(cycle.charge_w):
                loaded[name, t, site] = None
    for name, t, s in loaded:
        yield from _unmet(case.along(futures[name]), futures[name], t, s)


def _unknown(case: Case) -> Iterator[Violation]:
    """What a plan says of batteries that are none, of other futures or periods, or twice."""
    names = {f.name for f in case.futures}
    known = set(map(id, case.cycles.values()))
    for (future, t, build, site), count in Counter(
        (x.future, x.period, x.build, x.site) for x in case.plan.cycles
    ).items():
        if count > 1 or future not in names or t >= case.growth.periods:
            where = f"{build} at {site} in {future} period {t}"
            yield said(Rule.STORAGE, where, f"cycles {count} times", "once, in a future and period")
    for x in case.plan.cycles:
        if id(x) not in known:
            what = "a battery with storage, a number for each block, once"
            yield said(Rule.STORAGE, f"{x.build} at {x.site}", "cycles", what)


def _battery(
    path: Case, future: FutureImage, cycle: Cycle, j: int, store: Store
) -> Iterator[Violation]:
    source, share = path.growth.sources[j], path.growth.share_ppm
    assert source.build is not None
    units = path.units((source.build, source.site), future, cycle.period)
    where = f"{cycle.build} at {cycle.site} in {future.name} {_label(path, cycle.period)}"
    for b in range(len(share)):
        for what, watts, limit in (
            ("charged with", cycle.charge_w[b], units * store.in_w),
            ("gives", cycle.discharge_w[b], units * source.unit_w),
        ):
            if watts > limit:
                yield said(Rule.STORAGE, f"{where} block {b}", f"{what} {watts} W", f"{limit} W")
    given = sum(w * x for w, x in zip(cycle.discharge_w, share, strict=True))
    taken = sum(w * x for w, x in zip(cycle.charge_w, share, strict=True))
    if given > units * store.mean_w * MILLION:
        found = f"gives {given / MILLION:g} W on average"
        yield said(Rule.STORAGE, where, found, f"{units * store.mean_w} W by what it stores")
    if given * MILLION > taken * store.efficiency_ppm:
        kept = f"{store.efficiency_ppm / MILLION:g} of {taken / MILLION:g} W charged"
        yield said(Rule.STORAGE, where, f"gives {given / MILLION:g} W on average", kept)


def _unmet(path: Case, future: FutureImage, t: int, s: int) -> Iterator[Violation]:
    for b in range(len(path.growth.share_ppm)):
        load = path.growth.sites[s].other_w[t] + path.charge(s, future, t, b)
        energy = int(sum(e.watts for e in energy_of(path, future, t, b, s)))
        if load > energy:
            where = f"{path.growth.sites[s].name} in {future.name} {_label(path, t)} block {b}"
            found = f"{load} W of other load and charging"
            yield said(Rule.STORAGE, where, found, f"{energy} W that sources give")


def _label(path: Case, t: int) -> str:
    return f"period {t} ({path.growth.calendar.label(t)})"
