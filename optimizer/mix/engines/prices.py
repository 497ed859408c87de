"""From the prices of a relaxed model to whole ones: the certificate's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.fleet.image import WORK
from optimizer.mix.engines.formulation import MW
from optimizer.mix.plan import Prices

if TYPE_CHECKING:
    from optimizer.mix.engines.formulation import Formulation

__all__ = ["whole_prices"]

PER = {
    "power": MW,
    "power_total": MW,
    "space": 1000.0,
    "supply": 1.0,
}
"""Watts, thousandths of a rack, chips in one of a row's."""

PER_NANO = 10**9
"""Prices are in billionths of a nano-USD."""


def whole_prices(model: Formulation, slopes: dict[str, float], *, is_empty: bool = False) -> Prices:
    """Return the certificate's prices from the slopes of a relaxed model's rows.

    is_empty
        The slopes are of a model whose objective is what breaks its rows.
    """
    image, count = model.image, len(model.image.phases)
    rows: dict[str, dict[str, list[int]]] = {}
    one = model.scale * PER_NANO
    for (rule, name, at), row in model.rows.items():
        per = _per(model, rule, name, at)
        if per is not None:
            length = len(image.cash or ()) if rule == "yearly_cash" else count
            each = rows.setdefault(rule, {}).setdefault(name, [0] * length)
            each[at] = round(abs(slopes.get(row.name, 0.0)) * one / per)
    _lift(model, rows, is_empty=is_empty)
    named = {rule: {k: tuple(v) for k, v in each.items()} for rule, each in rows.items()}
    total = named.get("power_total", {}).get("all", ())
    power = {
        site: tuple(max(0, p - (total[f] if total else 0)) for f, p in enumerate(row))
        for site, row in named.get("power", {}).items()
    }
    return Prices(
        demand=named.get("demand", {}),
        power=power,
        power_total=total,
        space=named.get("space", {}),
        supply=named.get("supply", {}),
        capex=sum(sum(row) for row in named.get("capex", {}).values()),
        yearly_cash=named.get("yearly_cash", {}).get("all", ()),
        vendor_share={k: row[0] for k, row in named.get("vendor_share", {}).items()},
        work_floor=sum(sum(row) for row in named.get("work_floor", {}).values()),
    )


def _per(model: Formulation, rule: str, name: str, at: int) -> float | None:
    """Return how many of what a price is of are in one of a row's; None where it has no price."""
    if rule == "demand":
        return model.unit[name, at]
    if rule == "work_floor":
        return max(float(model.image.work_floor or 0), 1.0)
    if rule in ("capex", "yearly_cash", "vendor_share"):
        return model.money
    return PER.get(rule)


def _lift(model: Formulation, rows: dict[str, dict[str, list[int]]], *, is_empty: bool) -> None:
    """Raise the price of work without end to what it brings, where rounding took it below."""
    floor = sum(sum(row) for row in rows.get("work_floor", {}).values())
    for name, demand in model.image.demand.items():
        if demand.wanted is None:
            most = demand.weight if model.goal == "work" else demand.value
            most = 0 if model.goal == "cost" or is_empty else 1000 * most
            least = most + -(-floor * demand.weight // WORK)
            each = rows.setdefault("demand", {}).setdefault(name, [0] * len(model.image.phases))
            each[:] = [max(p, least) for p in each]
