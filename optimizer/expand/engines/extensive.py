"""The extensive form: what is decided and operation of every future, period and block in one model.

Objective   value[w] += sum discount x what the columns of its cells bring (`cells.py`)
Rules       of what is decided in `first.py` and, where futures are told apart, `tree/stage.py`; of
            operation in `cells.py`
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.expand.engines.cells import Cell, Earned, Scene, mean_scene
from optimizer.expand.engines.goals import set_goal
from optimizer.expand.engines.model import Affine, Model
from optimizer.expand.engines.tree.stage import TreeStage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.expand.arrays import Arrays
    from optimizer.expand.engines.first import FirstStage
    from optimizer.expand.plan import Options

Floats = NDArray[np.float64]

__all__ = ["Extensive", "build"]


def build(arrays: Arrays, options: Options, best: Sequence[float] = ()) -> Extensive:
    """Return the model of an objective; best [MUSD] is what regret is measured against."""
    return Extensive(arrays, options, best)


class Extensive:
    """The model with what is decided; with means, the futures of a path operate as one, a bound."""

    def __init__(
        self, arrays: Arrays, options: Options, best: Sequence[float], *, has_means: bool = False
    ) -> None:
        self.arrays, self.model = arrays, Model("expand")
        self.first = TreeStage(arrays, self.model)
        self.brought = [Affine() for _ in range(arrays.T)]
        for at, path in zip(arrays.paths, self.first.paths, strict=True):
            if has_means:
                scene, extra = mean_scene(path.arrays, range(len(at)))
                self._operate(path, scene, at)
                self._add(extra, at)
                continue
            for i, f in enumerate(at):
                self._operate(path, Scene(path.arrays.world_of(i), (i,), (1.0,)), [f])
        self.first.add_money(self.brought)
        set_goal(self.model, arrays, self.first.values, options, best)

    def _operate(self, path: FirstStage, scene: Scene, futures: Sequence[int]) -> None:
        earned = self._earned(futures)
        for t, b in product(range(self.arrays.T), range(self.arrays.B)):
            Cell(path, scene, str(futures[0]), t, b, earned).add()

    def _earned(self, futures: Sequence[int]) -> Earned:
        """Return who books what a column brings in each of some futures."""
        discount, odds = self.arrays.discount, float(self.arrays.odds[list(futures)].sum())

        def earned(site: int, t: int, column: int, amount: float) -> None:
            for f in futures:
                self.first.values[f].add(column, amount * float(discount[site, t]))
            self.brought[t].add(column, amount * odds)

        return earned

    def _add(self, extra: Floats, futures: Sequence[int]) -> None:
        """Book what a mean may earn too little, by site and period [MUSD]."""
        for f in futures:
            self.first.values[f].constant += float((extra * self.arrays.discount).sum())
        for t, each in enumerate(extra.sum(0) * self.arrays.odds[list(futures)].sum()):
            self.brought[t].constant += float(each)
