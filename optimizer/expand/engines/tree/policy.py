"""A policy: what large trees follow, with a bound, and what the master of smaller ones starts from.

Plan    First the best plan without recourse. Then node by node, in order of time: what is decided
        from the node on is sought anew for the futures below it, with what was decided before as it
        is (rolling horizon). The new steps are taken if the plan as a whole, priced exactly on all
        futures, keeps the rules of money and is better. So it is never worse than the plan without
        recourse.
Bound   Wait and see: nothing brings more in a future than what is best for it alone, and nothing
        more on the futures of a leaf than one plan made for them. Rules of money join futures and
        are left out of it. Where capital is aside, what a future brings at risk has no such bound,
        but the mean of its worst cases is no more than the mean.

Reference: Birge and Louveaux 2011, chapters 4 (wait and see) and 8 (bounds and rolling horizons).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.domain.growth.scenes import BILLION
from optimizer.expand.arrays import Arrays, Decision
from optimizer.expand.engines.benders import Benders, Best, Clock
from optimizer.expand.engines.extensive import Extensive
from optimizer.expand.engines.goals import loss_of
from optimizer.expand.engines.model import to_highs
from optimizer.expand.evaluate import evaluate, keeps_money, looked_at
from optimizer.expand.tree import by_node, paths_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.expand.plan import Options

__all__ = ["Policy"]

BASE, NODES = 0.25, 0.4
"""Shares of the time that are over after the one plan for all, and after the nodes."""

NEAR = 5e-3
"""Gap to which the parts are sought."""

SLICE = 1.0
"""What each node has at least [s]: where there are more than the time suffices for, the first."""


LEAST = 5.0
"""What each part of wait and see has, if it takes that and as long as there is time [s]."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the tree: since when, and the numbers of the futures below it."""

    since: int
    name: str
    futures: tuple[int, ...]


class Policy:
    """One solve by a policy; what is found is in `best`."""

    def __init__(
        self,
        arrays: Arrays,
        options: Options,
        regret_of: Sequence[float],
        clock: Clock,
        keep: Decision | None = None,
    ) -> None:
        self.arrays, self.regret_of = arrays, regret_of
        self.options = options.model_copy(update={"gap": max(options.gap, NEAR)})
        self.clock, self.keep, self.best = clock, keep, Best()
        self.began = time.monotonic()

    def run(self, starts: Sequence[Decision]) -> Best:
        """Return the best plan found in the time, and the bound of wait and see."""
        self.plan(starts)
        self.best.bound = self.wait_and_see()
        self.clock.tell(self.best.loss, self.best.bound)
        return self.best

    def plan(self, starts: Sequence[Decision]) -> Decision | None:
        """Return the best plan found in a part of the time."""
        never = Arrays(self.arrays.growth, tuple(replace(f, nodes=()) for f in self.arrays.futures))
        once = Benders(never, self.options, self.regret_of, self._clock(BASE), self.keep)
        found = once.run(starts).decision
        if found is not None:
            self.offer([found] * len(self.arrays.paths))
        nodes, until = self.nodes(), self._clock(NODES)
        for i, node in enumerate(nodes):
            if self.best.decision is not None and not until.is_over():
                now = time.monotonic()
                share = max(SLICE, (until.end - now) / (len(nodes) - i))
                self.decide(node, Clock(now + share, self.clock.is_cancelled))
        return self.best.decision

    def _clock(self, share: float) -> Clock:
        """Return a clock that is over when that share of the time is."""
        end = self.began + share * (self.clock.end - self.began)
        return Clock(end, self.clock.is_cancelled)

    def nodes(self) -> list[Node]:
        """Return the nodes of the tree in order of time."""
        below: dict[tuple[int, str], list[int]] = {}
        for f, future in enumerate(self.arrays.futures):
            for node in future.nodes:
                below.setdefault(node, []).append(f)
        found = [Node(since, name, tuple(at)) for (since, name), at in below.items()]
        return sorted(found, key=lambda n: (n.since, -self.arrays.odds[list(n.futures)].sum()))

    def offer(self, paths: Sequence[Decision]) -> None:
        """Take the decisions of all paths if they keep the rules of money and are better."""
        decision = by_node(self.arrays, paths)
        outcome = evaluate(self.arrays, decision)
        values = looked_at(self.arrays, decision, outcome.values, self.options) * 1e-6
        loss = loss_of(values, self.arrays.odds, self.options, self.regret_of)
        if loss < self.best.loss - 1e-9 and keeps_money(self.arrays, outcome.flows):
            self.best.loss, self.best.decision = loss, decision
            self.clock.tell(loss, self.best.bound)
            self.clock.take(decision)

    def decide(self, node: Node, clock: Clock) -> None:
        """Seek anew what is decided from a node on, and take it if the whole is better."""
        assert self.best.decision is not None
        paths = paths_of(self.arrays, self.best.decision)
        mine = [i for i, at in enumerate(self.arrays.paths) if at[0] in node.futures]
        now = paths[mine[0]]
        part = conditional(self.arrays, node.futures)
        regret_of = [self.regret_of[f] for f in node.futures] if self.regret_of else ()
        past = self._past(now, node.since)
        found = Benders(part, self.options, regret_of, clock, past).run([now])
        if found.decision is not None:
            for i in mine:
                paths[i] = found.decision
            self.offer(paths)

    def _past(self, now: Decision, since: int) -> Decision:
        """Return what is decided before a period, and what a plan to be completed has later."""
        kept = self.keep or Decision()
        contracts = self.arrays.growth.contracts
        return Decision(
            {k: n for k, n in now.orders.items() if k[1] < since}
            | {k: n for k, n in kept.orders.items() if k[1] >= since},
            {k: n for k, n in now.retired.items() if k[1] < since}
            | {k: n for k, n in kept.retired.items() if k[1] >= since},
            frozenset(i for i in now.signed if contracts[i].signing < since) | kept.signed,
            until=since,
        )

    # ---- bounds ---------------------------------------------------------------------------------

    def wait_and_see(self) -> float:
        """Return the loss that no plan falls below: all that is ever learnt is known at once."""
        arrays, options = self.arrays, self.options.model_copy(update={"objective": "expected"})
        is_mean = self.options.objective == "expected" or self.options.is_capital_aside
        groups = arrays.paths if is_mean else [[f] for f in range(arrays.F)]
        most = np.full(arrays.F, np.inf)
        for i, at in enumerate(groups):
            left = self.clock.end - time.monotonic()
            share = min(left, max(LEAST, left / (len(groups) - i)))
            loss = -np.inf if self.clock.is_over() else self._alone(at, options, share)
            if not np.isfinite(loss):
                return float(-np.inf)
            most[at] = -loss
        asked = options if is_mean else self.options
        return loss_of(most, arrays.odds, asked, self.regret_of)

    def _alone(self, at: Sequence[int], options: Options, seconds: float) -> float:
        """Return a bound on the loss of some futures by themselves, without rules of money."""
        form = Extensive(conditional(self.arrays, at, has_money=False), options, ())
        if self.keep is not None:
            form.first.keep(self.keep)
        solver = to_highs(form.model)
        whole = np.flatnonzero(form.model.is_integer).astype(np.int32)
        solver.changeColsIntegrality(len(whole), whole, np.ones(len(whole), np.uint8))
        solver.setOptionValue("time_limit", seconds)
        solver.setOptionValue("mip_rel_gap", options.gap)
        solver.run()
        return float(solver.getInfo().mip_dual_bound)


def conditional(arrays: Arrays, at: Sequence[int], *, has_money: bool = True) -> Arrays:
    """Return some futures by themselves, with what they are likely given that it is one of them."""
    total = sum(arrays.futures[f].ppb for f in at)
    odds = [arrays.futures[f].ppb * BILLION // total for f in at]
    odds[-1] += BILLION - sum(odds)
    each = zip(at, odds, strict=True)
    futures = tuple(replace(arrays.futures[f], ppb=ppb, nodes=()) for f, ppb in each)
    growth = arrays.growth if has_money else replace(arrays.growth, finance=None)
    return Arrays(growth, futures)
