"""Sets of one period as expansions: what the model carries of them, and what not.

`expand` serves demand in the order of what it pays, each by the cheapest compute left. That is the
optimum because a site has one cost for whoever it serves. A cost for each pair of customer and site
makes operation a min-cost flow, which no such order solves: of two sites for one unit each,
customer A (pays 100) has costs 0 and 1, customer B (pays 50) 0 and 10. The dearest first, A takes
the first site and B is left with 10; B there and A beside it cost 1. So customers are not segments
of one period here.

**Customers are periods.** Demand of customer j is all there is in period j, and the energy of site
i has in period j the price at which i serves j: operation picks the cheapest open site, at
cost[i, j]. A site is a power source of one unit, bought in the first period; its ramp lets it give
in period j what j needs and no more (part of a site serves no more than that part of a customer).
One more period has all demand at once, at no cost: open sites suffice for it. Chips and halls are
there in any number. What is not served is worth more than any site.

| rule of the set | facility | stochastic servers |
|---|---|---|
| fixed cost, whole sites, cost or revenue by pair | exact | exact |
| who is there by scenario | - | exact: a future each |
| capacity of all open sites together | exact | relaxed: a client has the least load it can be |
| capacity of each site, over its customers | by a price; exact where any could serve all | not |
| a customer has one site | not; follows where capacity does not bind | not |

Capacity by a price (Lagrange): a site costs less by the price of all its capacity, and serving from
it more by that of what is served. At any prices this is a bound; it is asked without any, and at
those of the relaxed set, and the better plan and the better bound of the two count. A client's load
differs by server: with the least it can be there is a bound; with the mean, too, a plan is sought.
So the bound of the engine bounds the set, and the sites that are opened, with customers assigned by
the set's own rules (outside of our model, `priced`), make a plan of it. Where nothing is left out,
both are one number.

Not carried at all: the sets `dcap` (capacity in parts of a unit with a fixed charge beside, tasks
that take what depends on task and resource, each whole at one resource).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.domain.files import parse_instance
from optimizer.domain.growth.calendar import Calendar

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.orlib.facility import Facilities
    from benchmarks.orlib.servers import Servers
    from optimizer.domain.instance import Instance

    Floats = NDArray[np.float64]

__all__ = ["Asked", "of_facilities", "of_servers"]

START = "2026-01-01"
MOST_USD_PER_MWH = 90_000.0
"""Below what a price of energy may be in an instance."""


class Asked:
    """A set as an instance.

    Attributes
    ----------
    scale
        USD of the instance for a unit of money of the set: solvers count from a dollar on.
    constant
        NPV / scale = constant - cost.
    free
        Sites that are open whatever a plan says, as at prices of capacity they cost less than none.
    """

    def __init__(self, instance: Instance, scale: float, constant: float) -> None:
        self.instance, self.scale, self.constant = instance, scale, constant
        self.free = np.zeros(len(instance.sites), bool)

    def cost(self, nano_usd: int) -> float:
        """Return the cost of the set that an objective or bound stands for."""
        return self.constant - nano_usd / 1e9 / self.scale


def of_facilities(case: Facilities, prices: Floats) -> Asked:
    """Return facility location as an expansion, with a price of a unit of each site's capacity."""
    cost = case.cost + np.outer(prices, case.demand)
    fixed = case.fixed - prices * case.capacity
    worth = cost.max(0) + case.fixed.max() + 1.0
    asked = _asked(
        case.name,
        np.maximum(0.0, fixed),
        case.capacity,
        np.append(case.demand, case.demand.sum()),
        np.append(worth, (case.fixed.max() + 1.0) * case.demand.sum()),
        np.hstack([cost, np.zeros((len(fixed), 1))]),
        None,
    )
    asked.constant += float(np.minimum(0.0, fixed).sum())  # those are open: it pays at these prices
    asked.free = fixed < 0
    return asked


def of_servers(case: Servers, load: Floats) -> Asked:
    """Return stochastic server location as an expansion: revenue is a smaller cost.

    Parameters
    ----------
    load
        Of a client in the period of all, where what is served spares the penalty. With the least
        that it can be at any site, a bound is one of the set; with the mean, plans are better.
    """
    most = case.revenue.max(0)
    total = np.round(case.there @ load)
    whole = 10.0 ** np.ceil(np.log10(total.max()))  # shares of it are whole millionths
    n = len(case.cost)
    asked = _asked(
        case.name,
        case.cost,
        np.full(n, case.capacity),
        np.append(np.ones(len(most)), whole),
        np.append(most, case.penalty * whole),
        np.hstack([most - case.revenue, np.zeros((n, 1))]),
        (np.column_stack([case.there, total / whole]), case.odds),
    )
    asked.constant = float(case.odds @ (case.penalty * total))
    return asked


def _asked(
    name: str,
    fixed: Floats,
    capacity: Floats,
    demand: Floats,
    worth: Floats,
    cost: Floats,
    futures: tuple[Floats, Floats] | None,
) -> Asked:
    """Return the instance; the last period is that of all at once.

    Parameters
    ----------
    demand, worth
        By period: units, and what it is worth to serve all of them.
    cost
        Of all the demand of a period from a site, shape (sites, periods).
    futures
        Share of the demand that is there by (future, period), and probabilities.
    """
    n, T = cost.shape
    hours = _hours(T)
    price = cost / demand / hours * 1000.0
    scale = 10.0 ** min(3, int(np.floor(np.log10(MOST_USD_PER_MWH / max(1e-9, price.max())))))
    names = [f"s{i}" for i in range(n)]
    data = _world(names, float(np.ceil(max(demand.max(), capacity.max())))) | {
        "name": name.lower().replace("_", "-"),
        "horizon": {"start": START, "periods": T, "period_hours": 730.0},
    }
    data["expand"] |= _wanted(demand, worth * scale / demand / hours, futures)
    data["expand"]["builds"] = {
        f"open-{s}": _site(s, fixed[i], capacity[i], demand, price[i], scale)
        for i, s in enumerate(names)
    }
    return Asked(parse_instance(json.dumps(data)), scale, float(worth.sum()))


def _wanted(demand: Floats, price: Floats, futures: tuple[Floats, Floats] | None) -> dict[str, Any]:
    """Return the demand of every period at its price, and the futures of it."""
    segment: dict[str, Any] = {"volume": demand.tolist(), "usd_per_unit_hour": price.tolist()}
    if futures is None:
        return {"demand": {"all": segment}}
    return {
        "demand": {"all": segment | {"volume_driver": "there"}},
        "drivers": {"there": {}},
        "futures": {
            f"w{k}": {"probability": float(p), "drivers": {"there": row.tolist()}}
            for k, (row, p) in enumerate(zip(*futures, strict=True))
        },
    }


def _world(names: list[str], kw: float) -> dict[str, Any]:
    """Return sites with chips of 1 kW that give a unit each, and room for them."""
    site = {"country": "XX", "pue": 1.0, "cooling": ["air"], "supplies": {}}
    return {
        "schema": "fleetwatt/instance/1",
        "chips": {"c": {"hbm_gb": 1, "nameplate_kw": 1.0, "training_kw": 1.0, "cooling": ["air"]}},
        "domains": {"d": {"chip": "c", "chips": 1}},
        "sites": dict.fromkeys(names, site),
        "pools": {s: {"site": s, "chip": "c", "domain": "d", "count": kw} for s in names},
        "expand": {
            "months_per_period": 1,
            "sites": {s: {"wacc_per_year": 0.0, "hall_mw": kw / 1000 + 1} for s in names},
            "compute": {"c": 1.0},
        },
    }


def _site(
    name: str, fixed: float, capacity: float, demand: Floats, price: Floats, scale: float
) -> dict[str, Any]:
    """Return a site of the set: a source that is bought in the first period, a kW for each unit."""
    share = np.minimum(1.0, np.ceil(demand[:-1] / capacity * 1e6) / 1e6)
    return {
        "kind": "grid",
        "sites": [name],
        "cap_mw": capacity / 1000,
        "cost_usd": fixed * scale / (capacity / 1000),
        "max_units": 1,
        "last": START,
        "ramp": share.tolist(),
        "price_usd_per_mwh": (price * scale).tolist(),
    }


def _hours(periods: int) -> Floats:
    """Return the hours of the months of the calendar [h]."""
    calendar = Calendar(datetime.fromisoformat(START).replace(tzinfo=UTC), 1, periods)
    return np.array(calendar.hours, float)
