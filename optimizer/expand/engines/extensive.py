"""The extensive form: first stage and operation of every future, period and block in one model.

Objective   value[w] += sum discount x what the columns of its cells bring (`cells.py`)
Rules       of the first stage in `first.py`, of operation in `cells.py`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.expand.engines.cells import Cell, Earned, Scene
from optimizer.expand.engines.first import FirstStage
from optimizer.expand.engines.goals import set_goal
from optimizer.expand.engines.model import Affine, Model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.expand.arrays import Arrays
    from optimizer.expand.plan import Options

__all__ = ["Extensive", "build"]


def build(arrays: Arrays, options: Options, best: Sequence[float] = ()) -> Extensive:
    """Return the model of an objective; best [MUSD] is what regret is measured against."""
    return Extensive(arrays, options, best)


class Extensive:
    """The model with its first stage."""

    def __init__(self, arrays: Arrays, options: Options, best: Sequence[float]) -> None:
        self.arrays, self.model = arrays, Model("expand")
        self.first = FirstStage(arrays, self.model)
        self.brought = [Affine() for _ in range(arrays.T)]
        for f in range(arrays.F):
            scene, earned = Scene(arrays.world_of(f), (f,), (1.0,)), self._earned(f)
            for t in range(arrays.T):
                for b in range(arrays.B):
                    Cell(self.first, scene, str(f), t, b, earned).add()
        self.first.add_money(self.brought)
        set_goal(self.model, arrays, self.first.values, options, best)

    def _earned(self, f: int) -> Earned:
        discount, odds = self.arrays.discount, float(self.arrays.odds[f])

        def earned(site: int, t: int, column: int, amount: float) -> None:
            self.first.values[f].add(column, amount * float(discount[site, t]))
            self.brought[t].add(column, amount * odds)

        return earned
