"""The rule `storage` of MODEL section 8, for the stranger."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING

from stranger_growth_world import MIO, GrowthWorld

if TYPE_CHECKING:
    from stranger_growth_flows import Flows
    from stranger_series import Data


def _down(x: float) -> int:
    return floor(x * 1e6 + 1e-6)


def keeps_storage(w: GrowthWorld, plan: Data, flows: list[Flows]) -> bool:
    """Return whether all that batteries do is said once, of batteries, and can be done."""
    said = [(x["future"], x["build"], x["site"], x["period"]) for x in plan.get("cycles", ())]
    known = {
        (name, b, s, t)
        for name in w.names
        for b, build in w.builds.items()
        if build.get("storage")
        for s in build["sites"]
        for t in range(w.T)
    }
    if len(set(said)) < len(said) or not set(said) <= known:
        return False
    return all(_keeps(w, flow) for flow in flows)


def _keeps(w: GrowthWorld, flow: Flows) -> bool:
    for (name, site, t), (charge, given) in flow.path.cycles.items():
        build, n = w.builds[name], flow.stands[site][t][name].units
        store, share = build["storage"], [block["share"] for block in w.blocks]
        into = store["in_mw"] if store.get("in_mw") is not None else build["cap_mw"]
        day = store["energy_mwh"] * store["efficiency_out"] * store.get("cycles_per_day", 1.0)
        keep = floor(store["efficiency_in"] * store["efficiency_out"] * 1e6 + 1e-6)
        if len(charge) != len(share) or len(given) != len(share):
            return False
        out = sum(x * y for x, y in zip(given, share, strict=True))
        taken = sum(x * y for x, y in zip(charge, share, strict=True))
        if max(charge) > n * _down(into) or max(given) > n * _down(build["cap_mw"]):
            return False
        if out > n * _down(day / 24) * MIO or out * MIO > taken * keep:
            return False
        for b in range(len(share)):
            energy, _ = flow.op.energy(site, flow.stands[site][t], flow.f, t, b, flow.path.cycles)
            load = flow.op.load(site, t, b, flow.path.cycles)
            if charge[b] and load > sum(watts for watts, _ in energy):
                return False
    return True


__all__ = ["keeps_storage"]
