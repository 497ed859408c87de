"""Goals by CP-SAT: the optimum of brute force; every plan passes both judges."""

from __future__ import annotations

from typing import Any

import by_force
import judged
import pytest
import stranger
from stranger_goal import entitled

from optimizer.errors import Unsupported
from optimizer.place.measure.records import Fairness, LeastCost, Makespan
from optimizer.place.plan import Options, Status
from optimizer.place.solve import solve

Data = dict[str, Any]

QUICK = (2, 7, 10)
SLOW = [pytest.param(s, marks=pytest.mark.slow) for s in range(40) if s not in QUICK]
COMPLETE = (Status.FEASIBLE, Status.OPTIMAL)


@pytest.mark.parametrize("objective", ["cost", "makespan", "fair"])
@pytest.mark.parametrize("seed", [*QUICK, *SLOW])
def test_cp_sat_finds_the_optimum_of_brute_force(seed: int, objective: str) -> None:
    data = by_force.roomy(seed)
    if objective == "fair" and not entitled(stranger.World(data)):
        pytest.skip("no tenant counts")
    plan = judged.solved(data, objective=objective, engine="exact", rounds=30, threads=1)
    goal, found = plan.goal, plan.status in COMPLETE
    if isinstance(goal, LeastCost):
        assert (goal.cost if found else None) == by_force.least_cost(data)
    elif isinstance(goal, Makespan):
        assert (goal.periods if found else None) == by_force.earliest_end(data)
    else:
        assert isinstance(goal, Fairness)
        reached = (goal.share, plan.objective.total) if found else None
        assert reached == by_force.fairest(data)


def test_the_oracle_knows_value_alone() -> None:
    instance = judged.read(by_force.roomy(2))
    with pytest.raises(Unsupported, match="oracle"):
        solve(instance, Options(objective="cost", engine="oracle"))
