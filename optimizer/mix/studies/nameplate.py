"""What it costs to plan with nameplate draw instead of the draw expected in training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.domain.answers.cases import Case, plan_of
from optimizer.domain.changes.patch import Change
from optimizer.errors import PlanError
from optimizer.mix.check import check
from optimizer.mix.operate import fleet_of, operate

if TYPE_CHECKING:
    from optimizer.domain.answers.cases import Solve, Solved
    from optimizer.domain.instance import Instance
    from optimizer.mix.plan import MixPlan, Options

__all__ = ["Draws", "draws"]


@dataclass(frozen=True, slots=True)
class Draws:
    """One question under two draws.

    Attributes
    ----------
    training, nameplate
        The best mix if chips draw what is expected in training, and their nameplate.
    carried
        The fleet that was chosen for nameplate draw, at work at the draw in training; None where
        it can keep the rules in no way.
    """

    training: Solved[MixPlan]
    nameplate: Solved[MixPlan]
    carried: MixPlan | None

    @property
    def lost(self) -> int | None:
        """What choosing for nameplate draw costs, in the objective [nano-USD]; not negative."""
        if self.carried is None:
            return None
        best, other = plan_of(self.training).objective, self.carried.objective
        return other.total - best.total if best.goal == "cost" else best.total - other.total


def draws(instance: Instance, solve: Solve, options: Options) -> Draws:
    """Return the best mixes under both draws, and what the one is worth under the other."""
    training, nameplate = solve(
        [Case(f"{d} draw", (Change("/mix/draw", d),)) for d in ("training", "nameplate")]
    )
    carried = None
    if nameplate.plan is not None:
        proof = plan_of(training).certificate
        carried = operate(training.instance, fleet_of(nameplate.plan), options, proof)
    if carried is not None and not (verdict := check(training.instance, carried)).is_good:
        raise PlanError(f"nameplate fleet at training draw: {verdict.violations[0]}")
    return Draws(training, nameplate, carried)
