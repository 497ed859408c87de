"""What batteries do in a plan, what more of them would be worth, and what peaks cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.domain.reports import Chart, ChartSeries, Column, Table, Value
from optimizer.units import usd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.domain.power import Supply
    from optimizer.place.account.ledger import Ledger

__all__ = ["battery_table", "demand_table", "storage_charts", "worth_of_storage"]


def _batteries(ledger: Ledger) -> Iterator[tuple[str, str, Supply]]:
    for site, place in ledger.instance.sites.items():
        for key, supply in place.supplies.items():
            if supply.storage is not None:
                yield site, key, supply


def worth_of_storage(ledger: Ledger, site: str, key: str) -> tuple[int, int, int]:
    """Return what one more MWh, MW of discharge and MW of charge are worth [nano-USD].

    Slopes of the battery's block in the certified bound: it rises by at most so much.
    """
    supply, h = ledger.instance.sites[site].supplies[key], ledger.horizon
    store, c, zeros = supply.storage, ledger.plan.certificate, (0,) * ledger.T
    if store is None:
        return 0, 0, 0
    held = np.array(c.batteries.get(f"{site}/{key}", zeros), object)
    power = np.array(c.power.get(site, zeros), object)
    over = power - ledger.cost[site, key].astype(object) - c.permits.get(f"{site}/{key}", 0)
    rises = int(np.maximum(np.diff(held), 0).sum())
    out = int(np.maximum(1000 * over - store.out_milli * held, 0).sum())
    into = int(np.maximum(store.in_milli * held - 1000 * power, 0).sum())
    return round(rises * 1e6 / h.period_hours), out * 1000, into * 1000


def battery_table(ledger: Ledger) -> Table | None:
    """Return what each battery takes and gives; None where there is none."""
    rows: list[tuple[Value, ...]] = []
    hours = ledger.horizon.period_hours
    for site, key, supply in _batteries(ledger):
        store = supply.storage
        assert store is not None
        given, taken = ledger.dispatch_w(site, key), ledger.charge_w(site, key)
        worth = (usd(x) for x in worth_of_storage(ledger, site, key))
        cycles = int(given.sum()) * store.out_milli / store.most(ledger.horizon)
        mwh = (float(x.sum()) * hours / 1e6 for x in (taken, given))
        rows.append((f"{site}/{key}", store.energy_mwh, cycles, *mwh, *worth))
    columns = (
        Column("battery"), Column("holds", "MWh", "right"), Column("cycles", "", "right"),
        Column("charged", "MWh", "right"), Column("given", "MWh", "right"),
        Column("one more MWh", "USD", "right"), Column("one more MW out", "USD", "right"),
        Column("one more MW in", "USD", "right"),
    )  # fmt: skip
    return Table("Batteries", columns, tuple(rows)) if rows else None


def demand_table(ledger: Ledger) -> Table | None:
    """Return what the peak of each billed supply costs; None where none is billed."""
    rows: list[tuple[Value, ...]] = []
    for site, place in ledger.instance.sites.items():
        for key, supply in place.supplies.items():
            peak = int(ledger.dispatch_w(site, key).max(initial=0))
            if supply.demand_nano:
                charge = usd(peak * supply.demand_nano)
                price = float(supply.demand_usd_per_mw)
                rows.append((f"{site}/{key}", peak / 1e6, price, charge))
    columns = (
        Column("supply"), Column("largest dispatch", "MW", "right"),
        Column("price", "USD/MW", "right"), Column("demand charge", "USD", "right"),
    )  # fmt: skip
    return Table("Demand charges", columns, tuple(rows)) if rows else None


def storage_charts(ledger: Ledger) -> tuple[Chart, ...]:
    """Return for each battery its charge and discharge over time."""
    times = tuple(ledger.horizon.time_of(t) for t in range(ledger.T))
    found = []
    for site, key, _ in _batteries(ledger):
        each = (("discharge", ledger.dispatch_w(site, key)), ("charge", ledger.charge_w(site, key)))
        series = tuple(ChartSeries(name, tuple(float(x) / 1e6 for x in row)) for name, row in each)
        title = f"Charge and discharge of {site}/{key}"
        found.append(Chart("line", title, times, "UTC", "MW", series))
    return tuple(found)
