"""Facility location: the files of OR-Library's `cap` and of single-source sets.

Sets        sites i, customers j
Parameters  fixed[i], capacity[i], demand[j], cost[i, j] of all of the demand of j from i
Variables   y[i] open, x[i, j] share of j served from i (one site a customer: single source)
Objective   minimise sum fixed y + sum cost x
Rules       sum_i x[i, j] = 1,  sum_j demand x <= capacity y
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import coo_array, eye_array, hstack, kron, vstack

if TYPE_CHECKING:
    from pathlib import Path

Floats = NDArray[np.float64]

__all__ = ["Facilities", "priced", "prices_of_capacity", "read_facilities"]

NOISE = 1e-7
"""What a solver's floats may miss a rule by, as a share."""


@dataclass(frozen=True)
class Facilities:
    """A set; cost has the shape (sites, customers)."""

    name: str
    fixed: Floats
    capacity: Floats
    demand: Floats
    cost: Floats
    is_single_source: bool

    @property
    def is_uncapacitated(self) -> bool:
        """Whether any one site can serve everybody."""
        return bool(self.capacity.min() >= self.demand.sum())


def read_facilities(path: Path) -> Facilities:
    """Return the set in a file: `cap*` as OR-Library has them, or single source."""
    numbers = [float(word) for word in path.read_text(encoding="utf-8").split()]
    sites, customers = int(numbers[0]), int(numbers[1])
    rest = np.array(numbers[2:])
    pairs = rest[: 2 * sites].reshape(sites, 2)
    rest = rest[2 * sites :]
    is_single = not path.name.startswith("cap")
    if is_single:
        demand, cost = rest[:customers], rest[customers:][: sites * customers]
        cost = cost.reshape(sites, customers)
    else:
        rows = rest[: customers * (1 + sites)].reshape(customers, 1 + sites)
        demand, cost = rows[:, 0], rows[:, 1:].T
    return Facilities(path.stem, pairs[:, 1], pairs[:, 0], demand, cost, is_single)


def prices_of_capacity(case: Facilities) -> Floats:
    """Return what a unit of each site's capacity is worth at the optimum of the relaxed set.

    Relaxed: parts of sites may be open, and then serve no more than that part of a customer. By
    scipy's HiGHS.
    """
    n, m = case.cost.shape
    spread = kron(eye_array(n), np.ones((m, 1)))
    load = hstack([kron(eye_array(n), case.demand[None]), -coo_array(np.diag(case.capacity))])
    parts = hstack([eye_array(n * m), -spread])
    each = hstack([kron(np.ones((1, n)), eye_array(m)), coo_array((m, n))])
    found = linprog(
        np.append(case.cost.ravel(), case.fixed),
        A_ub=vstack([load, parts]).tocsr(),
        b_ub=np.zeros(n + n * m),
        A_eq=each.tocsr(),
        b_eq=np.ones(m),
        bounds=(0, 1),
        method="highs",
    )
    prices: Floats = np.maximum(0.0, -found.ineqlin.marginals[:n])
    return prices


def priced(case: Facilities, is_open: NDArray[np.bool_], seconds: float) -> float | None:
    """Return what open sites cost by the set's own rules; None if no assignment was found.

    Assignment alone is sought, by scipy's HiGHS: a plan of the set, and so never below its optimum.
    """
    sites = np.flatnonzero(is_open)
    n, m = len(sites), len(case.demand)
    if n == 0:
        return None
    each = np.kron(np.ones((1, n)), np.eye(m))
    load = np.kron(np.eye(n), case.demand[None])
    found = milp(
        case.cost[sites].ravel(),
        constraints=[
            LinearConstraint(each, 1, 1),
            LinearConstraint(load, -np.inf, case.capacity[sites]),
        ],
        integrality=np.full(n * m, int(case.is_single_source)),
        bounds=Bounds(0, 1),
        options={"time_limit": seconds},
    )
    if found.x is None:
        return None
    share = found.x.reshape(n, m)
    if case.is_single_source:
        share = np.round(share)
    full = share @ case.demand - case.capacity[sites]
    if full.max() > NOISE * case.capacity.max() or abs(share.sum(0) - 1).max() > NOISE:
        raise ArithmeticError(f"{case.name}: the assignment breaks a rule")
    return float(case.fixed[sites].sum() + (case.cost[sites] * share).sum())
