"""What a plan file says of the goal that it was made for: figure, bound and proof."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from optimizer.domain.answers.records import Record
from optimizer.place.bound.prices import Certificate, Price

__all__ = ["Fairness", "Goal", "GoalName", "LeastCost", "Makespan"]

GoalName = Literal["value", "cost", "makespan", "fair"]
"""What is asked for: most value, least cost with all placed, earliest end of all, fair shares."""


class LeastCost(Record):
    """Goal `cost`: every job placed at the least lateness, one-offs and energy [nano-USD].

    Attributes
    ----------
    bound
        No plan that places every job costs less, by the plan's certificate on the image in which
        every job must be placed and nothing has a value; None where that proves that there is none.
    gap
        abs(cost - bound) / abs(cost); None while the cost is 0 and the bound not.
    """

    objective: Literal["cost"] = "cost"
    cost: int
    bound: int | None
    gap: float | None


class Makespan(Record):
    """Goal `makespan`: every job placed, and the last one done as early as can be.

    Attributes
    ----------
    periods
        Period boundary at which the last job of the plan ends.
    bound
        No plan that places every job ends before this boundary.
    gap
        (periods - bound) / periods; None where no job is placed.
    certificate
        Prices that prove it: their bound is below 0, or None, on the feasibility image of the
        instance in which every job must end by `bound - 1`.
    """

    objective: Literal["makespan"] = "makespan"
    periods: Annotated[int, Field(ge=0)]
    bound: Annotated[int, Field(ge=0)]
    gap: float | None
    certificate: Certificate


class Fairness(Record):
    """Goal `fair`: the least share of a tenant as large as can be, then the total objective.

    Attributes
    ----------
    share
        Least share of a tenant in the plan [parts per billion].
    bound
        No plan has a larger least share, by `weights` and `certificate` [parts per billion].
    gap
        abs(share - bound) / share; None while the share is 0 and the bound not.
    weights
        By tenant, millionths: what its value counts in the image of weighted shares.
    certificate
        Prices on that image.
    bonuses
        By tenant, millionths: what its value counts on top of itself, as the price of falling
        below the share of the plan.
    total_bound, total_gap
        No plan in which every tenant has that share has a larger total objective [nano-USD], by
        `bonuses` and the plan's own certificate.
    """

    objective: Literal["fair"] = "fair"
    share: int
    bound: int
    gap: float | None
    weights: dict[str, Price]
    certificate: Certificate
    bonuses: dict[str, Price]
    total_bound: int | None
    total_gap: float | None


Goal = Annotated[LeastCost | Makespan | Fairness, Field(discriminator="objective")]
"""What a plan says of the goal it was made for."""
