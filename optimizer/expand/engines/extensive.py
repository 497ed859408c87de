"""The extensive form: what is decided and operation of every future, period and block in one model.

Objective   value[w] += sum discount x what the columns of its cells bring (`cells.py`)
Rules       of what is decided in `first.py` and, where futures are told apart, `tree/stage.py`; of
            operation in `cells.py`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.expand.engines.cells import Cell, Earned, Scene, add_storage
from optimizer.expand.engines.goals import set_goal
from optimizer.expand.engines.model import Affine, Model
from optimizer.expand.engines.tree.stage import TreeStage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.expand.arrays import Arrays
    from optimizer.expand.plan import Options

__all__ = ["Extensive", "build"]


def build(arrays: Arrays, options: Options, best: Sequence[float] = ()) -> Extensive:
    """Return the model of an objective; best [MUSD] is what regret is measured against."""
    return Extensive(arrays, options, best)


class Extensive:
    """The model with what is decided, on every path of a tree."""

    def __init__(self, arrays: Arrays, options: Options, best: Sequence[float]) -> None:
        self.arrays, self.model = arrays, Model("expand")
        self.first = TreeStage(arrays, self.model)
        if options.is_capital_aside:
            self.first.leave_capital_aside()
        self.brought = [Affine() for _ in range(arrays.T)]
        for at, path in zip(arrays.paths, self.first.paths, strict=True):
            for i, f in enumerate(at):
                scene, earned = Scene(path.arrays.world_of(i), (i,), (1.0,)), self._earned(f)
                for t in range(arrays.T):
                    cells = [Cell(path, scene, str(f), t, b, earned) for b in range(arrays.B)]
                    for cell in cells:
                        cell.add()
                    add_storage(cells)
        self.first.add_money(self.brought)
        set_goal(self.model, arrays, self.first.values, options, best)

    def _earned(self, f: int) -> Earned:
        discount, odds = self.arrays.discount, float(self.arrays.odds[f])

        def earned(site: int, t: int, column: int, amount: float) -> None:
            self.first.values[f].add(column, amount * float(discount[site, t]))
            self.brought[t].add(column, amount * odds)

        return earned
