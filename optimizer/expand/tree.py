"""Decisions on a tree of what is learnt: along each of its paths, and node by node.

A path is what the futures at one leaf have in common: all that is ever learnt of them. A decision
with nodes has what is done in all futures, and for every node what is done besides in those below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.expand.arrays import Arrays, Decision

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["along", "by_node", "paths_of"]

Item = tuple[str, int, int, float]
"""A step, or a signature: what, place (or contract), period, units."""


def along(decision: Decision, nodes: Sequence[str]) -> Decision:
    """Return what is decided on the path through nodes."""
    found = Decision(dict(decision.orders), dict(decision.retired), decision.signed)
    for more in (decision.nodes[name] for name in nodes if name in decision.nodes):
        for steps, into in ((more.orders, found.orders), (more.retired, found.retired)):
            for key, units in steps.items():
                into[key] = into.get(key, 0.0) + units
        found.signed |= more.signed
    return found


def paths_of(arrays: Arrays, decision: Decision) -> list[Decision]:
    """Return what is decided on each path of the arrays."""
    return [
        along(decision, [name for _, name in arrays.futures[at[0]].nodes]) for at in arrays.paths
    ]


def by_node(arrays: Arrays, paths: Sequence[Decision]) -> Decision:
    """Return decisions of the paths as one: each step at the first node that has it everywhere.

    Call it with decisions that are alike where futures cannot be told apart.
    """
    left = [_items(d) for d in paths]
    names = [["", *(name for _, name in arrays.futures[at[0]].nodes)] for at in arrays.paths]
    found = Decision()
    for name in sorted({n for each in names for n in each}, key=lambda n: (n.count("/"), n)):
        below = [i for i, each in enumerate(names) if name in each]
        shared = set.intersection(*(left[i] for i in below))
        for i in below:
            left[i] -= shared
        if name and shared:
            found.nodes[name] = _decision(shared)
        elif shared:
            found = _decision(shared)
    return found


def _items(decision: Decision) -> set[Item]:
    found = {("order", p, t, units) for (p, t), units in decision.orders.items() if units}
    found |= {("retire", p, t, units) for (p, t), units in decision.retired.items() if units}
    return found | {("sign", i, 0, 1.0) for i in decision.signed}


def _decision(items: set[Item]) -> Decision:
    found = Decision()
    for what, p, t, units in sorted(items):
        if what == "sign":
            found.signed |= {p}
        else:
            (found.orders if what == "order" else found.retired)[p, t] = units
    return found
