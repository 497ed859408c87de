"""Time-sharing of the jobs and pools of an instance, and its report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.domain.reports import Chart, ChartSeries, Column, Fact, Report, Section, Table
from optimizer.errors import InstanceError
from optimizer.mix.sharing import SharingProblem

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Value
    from optimizer.mix.sharing import Policy, Sharing

__all__ = ["sharing_problem", "sharing_report"]

MEANS: dict[Policy, str] = {
    "throughput": "the most work of all jobs together, each counted in multiples of what it does "
    "with an equal part of every pool",
    "fair": "the least such multiple as large as can be, then the most work at that",
    "least-cost": "every job at least as fast as with an equal part of every pool, for least money",
    "per-dollar": "the most work by the dollar of chip-hours",
}


def sharing_problem(instance: Instance) -> SharingProblem:
    """Return the jobs of an instance on its pools, all there at once; rates in runs an hour.

    Of the modes of a job in one pool that with the most work by the chip counts. Jobs that can run
    in none alone are left out.

    Raises
    ------
    InstanceError
        If no job can run in a pool.
    """
    pools, rows = list(instance.pools), list[tuple[str, np.ndarray, np.ndarray]]()
    for j, job in enumerate(instance.jobs):
        rate, gang = np.zeros(len(pools)), np.ones(len(pools))
        for mode in instance.modes(j):
            if len(mode.parts) == 1:
                p = pools.index(mode.parts[0].pool)
                each = 1.0 / (mode.duration * instance.horizon.period_hours)
                if each / mode.chips > rate[p] / gang[p]:
                    rate[p], gang[p] = each, mode.chips
        if rate.any():
            rows.append((job.id, rate, gang))
    if not rows:
        raise InstanceError(["jobs: none can run in any pool; there is nothing to share"])
    h = instance.horizon
    count = [
        float(pool.usable(h).max()) * instance.domain_chips(pool)
        for pool in instance.pools.values()
    ]
    rents = [instance.chips[pool.chip].rent_usd_per_chip_hour for pool in instance.pools.values()]
    return SharingProblem(
        rate=np.array([rate for _, rate, _ in rows]),
        gang=np.array([gang for _, _, gang in rows]),
        count=np.array(count),
        price=np.array([rent or 0.0 for rent in rents]),
        jobs=tuple(name for name, _, _ in rows),
        kinds=tuple(pools),
    )


def sharing_report(name: str, found: Sharing) -> Report:
    """Return the report of shares of time."""
    problem, equal = found.problem, found.problem.equal
    each = found.work / equal
    columns = (
        Column("job"), Column("of its equal part", "x", "right"),
        *(Column(kind, "share", "right") for kind in problem.kinds),
    )  # fmt: skip
    order = np.argsort(each, kind="stable")
    rows: list[tuple[Value, ...]] = [
        (problem.jobs[j], float(each[j]), *(float(x) for x in found.share[j])) for j in order
    ]
    used = [float(u / n) if n else 0.0 for u, n in zip(found.used, problem.count, strict=True)]
    facts = [
        Fact("jobs", len(problem.jobs)),
        Fact("work, in multiples of equal parts", float(each.sum())),
        Fact("least of a job", float(each.min()), "x", note="of its equal part"),
        Fact("cost of chips in use", found.cost, "USD/h"),
        Fact("gap to the bound", found.gap, "share", note="from the programme's prices"),
    ]
    use = Chart(
        "bar", "Pools in use", problem.kinds, "", "share", (ChartSeries("in use", tuple(used)),)
    )
    says = (f"Asked was {MEANS[found.policy]}.",)
    table = Table("shares of time, the slowest first", columns, tuple(rows), 25)
    answer = Section("Shares of time", says, tuple(facts), (table,), (use,), kind="summary")
    return Report(f"{name}: who runs where, for which share of the time", (answer,))
