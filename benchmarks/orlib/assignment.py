"""Generalised assignment (GAP): the files of OR-Library, and seeded instances of its hardest type.

Sets        agents i, jobs j
Parameters  cost[i, j], weight[i, j], capacity[i]
Variables   x[i, j] in {0, 1}
Objective   minimise sum cost x
Rules       sum_i x[i, j] = 1,  sum_j weight x <= capacity[i]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pathlib import Path

Ints = NDArray[np.int64]

__all__ = ["Assignment", "drawn", "read_assignment"]


@dataclass(frozen=True)
class Assignment:
    """A set; cost and weight have the shape (agents, jobs)."""

    name: str
    cost: Ints
    weight: Ints
    capacity: Ints


def read_assignment(path: Path) -> Assignment:
    """Return the set in a file: m n, costs, weights, capacities."""
    numbers = np.array(path.read_text(encoding="utf-8").split(), np.int64)
    m, n = int(numbers[0]), int(numbers[1])
    cost, weight = numbers[2:][: 2 * m * n].reshape(2, m, n)
    capacity = numbers[2 + 2 * m * n :]
    if len(capacity) != m:
        raise ValueError(f"{path.name}: {len(capacity)} capacities; one for each of {m} agents")
    return Assignment(path.stem, cost, weight, capacity)


def drawn(agents: int, jobs: int, seed: int) -> Assignment:
    """Return an instance of type E, in which cost falls as weight rises.

    References
    ----------
    Laguna, Kelly, Gonzalez-Velarde and Glover (1995), "Tabu search for the multilevel generalized
    assignment problem": weight 1 - 10 ln u, cost 1000 / weight - 10 v, capacity 0.8 of the mean.
    """
    rng = np.random.default_rng(seed)
    shape = agents, jobs
    weight = 1 - 10 * np.log(rng.uniform(1e-9, 1, shape))
    cost = 1000 / weight - 10 * rng.uniform(0, 1, shape)
    whole = np.maximum(1, np.rint(weight)).astype(np.int64)
    capacity = (0.8 * whole.sum(1) / agents).astype(np.int64)
    least = np.maximum(1, np.rint(cost)).astype(np.int64)
    return Assignment(f"e{agents}{jobs}-{seed}", least, whole, capacity)
