"""Stochastic server location (SSLP) in SMPS: two stages, scenarios of who is there.

Sets        sites i, clients j, scenarios w
Parameters  cost[i] of a server, revenue[i, j], load[i, j], capacity, penalty, there[w, j] (0 or 1)
Variables   x[i] server, y[w, i, j] client j at i (whole), over[w, i]
Objective   minimise sum cost x + mean over w of (penalty sum over - sum revenue y)
Rules       sum_i y[w, i, j] = there[w, j],  sum_j load y <= capacity x + over
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

if TYPE_CHECKING:
    from pathlib import Path

Floats = NDArray[np.float64]

__all__ = ["Servers", "priced", "read_servers"]


@dataclass(frozen=True)
class Servers:
    """A set; revenue and load have the shape (sites, clients), there (scenarios, clients)."""

    name: str
    cost: Floats
    revenue: Floats
    load: Floats
    capacity: float
    penalty: float
    there: Floats
    odds: Floats


def read_servers(folder: Path, name: str) -> Servers:
    """Return the set in NAME.cor and NAME.sto.

    Raises
    ------
    ValueError
        If the number of servers is limited below that of sites: no part of the model here.
    """
    columns, right = _core((folder / f"{name}.cor").read_text(encoding="utf-8"))
    names = [c for c in columns if c.startswith("x_") and c.count("_") == 1]
    clients = sorted({int(c.split("_")[1]) for c in columns if c.startswith("y_")})
    cost = np.array([columns[c]["obj"] for c in names])
    rooms = [next(r for r, x in columns[c].items() if r != "obj" and x > 0) for c in names]
    if right["c1"] > -len(names):
        raise ValueError(f"{name}: at most {-right['c1']:g} servers; all sites may have one here")
    shape = (len(names), len(clients))
    revenue, load = np.zeros(shape), np.zeros(shape)
    row_of = {}
    for i, room in enumerate(rooms):
        for j, client in enumerate(clients):
            entry = columns[f"y_{client}_{i + 1}"]
            revenue[i, j], load[i, j] = -entry.get("obj", 0.0), -entry.get(room, 0.0)
            (row_of[j],) = entry.keys() - {"obj", room}
    there, odds = [], []
    for odd, changes in _scenarios((folder / f"{name}.sto").read_text(encoding="utf-8")):
        there.append([(right | changes)[row_of[j]] for j in range(len(clients))])
        odds.append(odd)
    over = columns["x_1_0"]["obj"]
    capacity = columns[names[0]][rooms[0]]
    share = np.array(odds) / sum(odds)
    return Servers(name, cost, revenue, load, capacity, over, np.array(there), share)


def _core(text: str) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """Return the entries of every column by row, and right sides, of an MPS file."""
    columns: dict[str, dict[str, float]] = {}
    right: dict[str, float] = {}
    section = ""
    for line in text.splitlines():
        words = line.split()
        if not line.startswith(" ") and words:
            section = words[0]
        elif section in ("COLUMNS", "RHS") and "'MARKER'" not in words:
            into = right if section == "RHS" else columns.setdefault(words[0], {})
            for row, value in zip(words[1::2], words[2::2], strict=True):
                into[row] = float(value)
    return columns, right


def _scenarios(text: str) -> list[tuple[float, dict[str, float]]]:
    """Return probability and right sides of every scenario."""
    found: list[tuple[float, dict[str, float]]] = []
    for line in text.splitlines():
        words = line.split()
        if words and words[0] == "SC":
            found.append((float(words[3]), {}))
        elif words and words[0] == "RHS":
            found[-1][1][words[1]] = float(words[2])
    return found


def priced(case: Servers, is_open: NDArray[np.bool_]) -> float:
    """Return what servers cost by the set's own rules, each scenario solved by scipy's HiGHS."""
    n, m = case.revenue.shape
    each = np.hstack([np.kron(np.ones((1, n)), np.eye(m)), np.zeros((m, n))])
    load = np.hstack([np.kron(np.eye(n), np.ones((1, m))) * case.load.ravel(), -np.eye(n)])
    total = float(case.cost[is_open].sum())
    for odd, there in zip(case.odds, case.there, strict=True):
        found = milp(
            np.concatenate([-case.revenue.ravel(), np.full(n, case.penalty)]),
            constraints=[
                LinearConstraint(each, there, there),
                LinearConstraint(load, -np.inf, case.capacity * is_open),
            ],
            integrality=np.concatenate([np.ones(n * m), np.zeros(n)]),
            bounds=Bounds(0, np.concatenate([np.ones(n * m), np.full(n, np.inf)])),
        )
        total += odd * float(found.fun)
    return total
