"""Time-sharing of a fleet that is there: which share of its time each job has on each kind of chip.

Sets        j jobs, c kinds of chips
Parameters  R[j,c] work in an hour, G[j,c] chips of a gang, N[c] chips, P[c] USD for a chip-hour
Variables   x[j,c] share of the time that j runs on c               >= 0
Rules       sum_c x <= 1 for all j;  sum_j G x <= N for all c
Policies    throughput   max sum_j w_j sum_c R x
            fair         max t with sum_c R x / equal_j >= t for all j; then throughput at that t
            least-cost   min sum P G x with sum_c R x >= floor_j for all j
            per-dollar   max sum w_j R x / P with floors: throughput by the dollar
equal_j is what j would do with an equal part of every kind; w_j = 1 / equal_j unless given.
The second programme of `fair` leaves no chip idle that could do more for anybody.

References: Narayanan et al. 2020, Gavel, sections 4.1-4.4; its throughput by cost is `per-dollar`.
The optimum is bounded from the programme's prices, in floats: any prices bound it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from optimizer.errors import Unsupported

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["POLICIES", "Policy", "Sharing", "SharingProblem", "share"]

Floats = "NDArray[np.float64]"

Policy = Literal["throughput", "fair", "least-cost", "per-dollar"]
POLICIES: tuple[Policy, ...] = ("throughput", "fair", "least-cost", "per-dollar")

KEPT = 1e-9
"""Share of the fair minimum that the second programme may fall short of it."""


@dataclass(frozen=True)
class SharingProblem:
    """Jobs on chips; J jobs, C kinds.

    Attributes
    ----------
    rate
        (J, C) work in an hour of a job whose whole gang runs on a kind; 0 where it cannot.
    gang
        (J, C) chips of the gang there.
    count
        (C,) chips there are.
    price
        (C,) USD for a chip-hour.
    weight
        (J,) what a unit of each job's work counts; one over its work with an equal part of every
        kind, where it is None.
    floor
        (J,) least work in an hour of each job, for `least-cost` and `per-dollar`; for `least-cost`
        that of an equal part, where it is None.
    """

    rate: NDArray[np.float64]
    gang: NDArray[np.float64]
    count: NDArray[np.float64]
    price: NDArray[np.float64]
    weight: NDArray[np.float64] | None = None
    floor: NDArray[np.float64] | None = None
    jobs: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.rate.max(axis=1) <= 0).any():
            j = int(np.flatnonzero(self.rate.max(axis=1) <= 0)[0])
            name = self.jobs[j] if self.jobs else str(j)
            raise Unsupported(f"job {name}", "it runs on none of the kinds; leave it out")

    @property
    def equal(self) -> NDArray[np.float64]:
        """(J,) work in an hour of each job with an equal part of every kind that it can use."""
        users = np.maximum((self.rate > 0).sum(axis=0), 1)
        part = np.where(self.rate > 0, self.count / users / np.maximum(self.gang, 1e-12), 0.0)
        share = np.minimum(1.0, 1.0 / np.maximum(part.sum(axis=1), 1e-12))
        found: NDArray[np.float64] = (self.rate * part).sum(axis=1) * share
        return found


@dataclass(frozen=True)
class Sharing:
    """Shares of time and what they do.

    Attributes
    ----------
    share
        (J, C) share of the time of each job on each kind.
    work
        (J,) work in an hour.
    objective, bound
        Of the (last) programme; no shares can do better than the bound.
    least
        For `fair`: the least multiple of its equal part that any job has, and its bound.
    """

    policy: Policy
    problem: SharingProblem
    share: NDArray[np.float64]
    work: NDArray[np.float64]
    objective: float
    bound: float
    least: tuple[float, float] | None = None

    @property
    def gap(self) -> float:
        """How far the objective is from its bound, as a share of it."""
        return abs(self.objective - self.bound) / max(abs(self.objective), 1e-12)

    @property
    def used(self) -> NDArray[np.float64]:
        """(C,) chips in use on average."""
        found: NDArray[np.float64] = (self.share * self.problem.gang).sum(axis=0)
        return found

    @property
    def cost(self) -> float:
        """What the chips in use cost in an hour [USD]."""
        return float((self.used * self.problem.price).sum())


@dataclass
class _Programme:
    """minimise c x with rows A x <= b and 0 <= x <= most; built from the cells that can be used."""

    problem: SharingProblem
    extra: int = 0
    cells: tuple[NDArray[np.int64], NDArray[np.int64]] = field(init=False)

    def __post_init__(self) -> None:
        j, c = np.nonzero(self.problem.rate > 0)
        self.cells = (j.astype(np.int64), c.astype(np.int64))

    @property
    def rate(self) -> NDArray[np.float64]:
        found: NDArray[np.float64] = self.problem.rate[self.cells]
        return found

    def rows(self) -> tuple[sparse.csr_matrix, NDArray[np.float64]]:
        """Return the rows of time and of chips."""
        (j, c), (jobs, kinds) = self.cells, self.problem.rate.shape
        n, gang = len(j), self.problem.gang[self.cells]
        size = self.problem.count
        time = sparse.coo_matrix((np.ones(n), (j, np.arange(n))), (jobs, n + self.extra))
        unit = np.maximum(size, 1.0)
        chips = sparse.coo_matrix((gang / unit[c], (c, np.arange(n))), (kinds, n + self.extra))
        right = np.concatenate([np.ones(jobs), size / unit])
        return sparse.vstack([time, chips]).tocsr(), right

    def work(self, scale: NDArray[np.float64], last: float | None = None) -> sparse.csr_matrix:
        """Return rows - scale_j sum_c R x (+ last x t)."""
        (j, _), jobs = self.cells, self.problem.rate.shape[0]
        n = len(j)
        rows = sparse.coo_matrix((-self.rate * scale[j], (j, np.arange(n))), (jobs, n + self.extra))
        if last is None:
            return rows.tocsr()
        t = sparse.coo_matrix(
            (np.full(jobs, last), (np.arange(jobs), np.full(jobs, n))), rows.shape
        )
        return (rows + t).tocsr()

    def solve(
        self,
        c: NDArray[np.float64],
        rows: sparse.csr_matrix,
        right: NDArray[np.float64],
        most: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], float, float]:
        """Return values, objective, and the bound that the prices of the rows give."""
        scale = max(float(np.abs(c).max()), 1e-300)
        tight = {"primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9}
        done = linprog(c / scale, A_ub=rows, b_ub=right, method="highs", options=tight)
        if done.status != 0:
            raise Unsupported("these floors", "no shares of time reach all of them")
        y = np.maximum(0.0, -done.ineqlin.marginals)
        reduced = c / scale + rows.T @ y
        bound = float(-(right @ y) + (np.minimum(0.0, reduced) * most).sum())
        return done.x, float(done.fun) * scale, bound * scale

    def shares(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (J, C) shares within the rules to the last bit."""
        found = np.zeros_like(self.problem.rate)
        found[self.cells] = np.clip(x[: len(self.cells[0])], 0.0, 1.0)
        found /= np.maximum(1.0, found.sum(axis=1))[:, None]
        used = (found * self.problem.gang).sum(axis=0)
        over = np.where(used > 0, used / np.maximum(self.problem.count, 1e-300), 0.0)
        shared: NDArray[np.float64] = found / np.maximum(1.0, over)
        return shared


def share(problem: SharingProblem, policy: Policy) -> Sharing:
    """Return the shares of time that are best by a policy.

    Raises
    ------
    Unsupported
        If floors are given that no shares can reach.
    """
    makers = {
        "throughput": _throughput, "fair": _fair, "least-cost": _least_cost,
        "per-dollar": _per_dollar,
    }  # fmt: skip
    return makers[policy](problem)


def _weights(problem: SharingProblem) -> NDArray[np.float64]:
    return 1.0 / problem.equal if problem.weight is None else problem.weight


def _made(
    policy: Policy, programme: _Programme, x: NDArray[np.float64], objective: float, bound: float,
    least: tuple[float, float] | None = None,
) -> Sharing:  # fmt: skip
    shares = programme.shares(x)
    work = (shares * programme.problem.rate).sum(axis=1)
    return Sharing(policy, programme.problem, shares, work, objective, bound, least)


def _throughput(problem: SharingProblem) -> Sharing:
    programme = _Programme(problem)
    j, _ = programme.cells
    c = -programme.rate * _weights(problem)[j]
    x, found, bound = programme.solve(c, *programme.rows(), np.ones(len(c)))
    return _made("throughput", programme, x, -found, -bound)


def _fair(problem: SharingProblem) -> Sharing:
    """Two programmes: the largest least, then the most throughput that leaves it at that."""
    first, equal = _Programme(problem, extra=1), problem.equal
    rows, right = first.rows()
    rows = sparse.vstack([rows, first.work(1.0 / equal, last=1.0)]).tocsr()
    right = np.concatenate([right, np.zeros(len(equal))])
    n = rows.shape[1]
    c, most = np.zeros(n), np.ones(n)
    c[-1], most[-1] = -1.0, float((problem.rate.max(axis=1) / equal).max())
    _, found, bound = first.solve(c, rows, right, most)
    least = -found
    second = _Programme(problem)
    rows, right = second.rows()
    rows = sparse.vstack([rows, second.work(1.0 / equal)]).tocsr()
    right = np.concatenate([right, np.full(len(equal), -least * (1 - KEPT))])
    j, _ = second.cells
    c = -second.rate * _weights(problem)[j]
    x, total, limit = second.solve(c, rows, right, np.ones(len(c)))
    return _made("fair", second, x, -total, -limit, (least, -bound))


def _floored(
    programme: _Programme, floor: NDArray[np.float64] | None
) -> tuple[sparse.csr_matrix, NDArray[np.float64]]:
    """Return the rows with each job's least work, in shares of it."""
    rows, right = programme.rows()
    if floor is None:
        return rows, right
    unit = np.maximum(floor, 1e-12)
    rows = sparse.vstack([rows, programme.work(1.0 / unit)]).tocsr()
    return rows, np.concatenate([right, -floor / unit])


def _least_cost(problem: SharingProblem) -> Sharing:
    programme = _Programme(problem)
    _, kind = programme.cells
    c = problem.gang[programme.cells] * problem.price[kind]
    floor = problem.equal if problem.floor is None else problem.floor
    x, found, bound = programme.solve(c, *_floored(programme, floor), np.ones(len(c)))
    return _made("least-cost", programme, x, found, bound)


def _per_dollar(problem: SharingProblem) -> Sharing:
    programme = _Programme(problem)
    j, kind = programme.cells
    if (problem.price[kind] <= 0).any():
        raise Unsupported("throughput by the dollar", "every kind needs a price above 0")
    c = -programme.rate * _weights(problem)[j] / problem.price[kind]
    x, found, bound = programme.solve(c, *_floored(programme, problem.floor), np.ones(len(c)))
    return _made("per-dollar", programme, x, -found, -bound)
