"""What is decided now, and what at each node of the tree: in words and as tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.domain.growth.scenes import JOINT
from optimizer.domain.reports import Section
from optimizer.expand.account.tables import orders_table
from optimizer.expand.rules.case import Case

if TYPE_CHECKING:
    from optimizer.domain.reports import Table

__all__ = ["Node", "in_words", "node_words", "nodes_of", "orders_section"]


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the tree: since when, what has been learnt, with what probability.

    Attributes
    ----------
    case
        What is decided there and in no node before it.
    """

    since: int
    name: str
    odds: float
    case: Case

    @property
    def learnt(self) -> str:
        """What has been learnt, in words."""
        return in_words(self.name)


def in_words(name: str) -> str:
    """Return a node by its name as people say it."""
    return name.replace(JOINT, ", then ") or "nothing is learnt"


def nodes_of(case: Case) -> list[Node]:
    """Return the nodes of the tree in order of time, each below the one that it follows."""
    odds: dict[tuple[int, str], int] = {}
    for future in case.futures:
        for node in future.nodes:
            odds[node] = odds.get(node, 0) + future.ppb
    steps = {each.node: each for each in case.plan.nodes}
    found = []
    for (since, name), ppb in sorted(odds.items()):
        each = steps.get(name)
        update = {
            "orders": each.orders if each else (),
            "retirements": each.retirements if each else (),
            "contracts": each.contracts if each else (),
            "nodes": (),
        }
        alone = Case(case.instance, case.plan.model_copy(update=update))
        found.append(Node(since, name, ppb / 1e9, alone))
    return found


def orders_section(case: Case) -> Section:
    """Return what is ordered in all futures and, where something is learnt, besides."""
    if not case.plan.nodes:
        return Section("What to order", tables=(orders_table(case),))
    label = case.growth.calendar.label
    first = min(node.since for node in nodes_of(case))
    says = [f"Before {label(first)} nothing is learnt; in all futures: {node_words(case)}."]
    tables: list[Table] = [orders_table(case, "in all futures")]
    for node in nodes_of(case):
        what = node_words(node.case)
        says.append(f"If {node.learnt} (known from {label(node.since)}, {node.odds:.0%}): {what}.")
        if node.case.orders or node.case.retired:
            tables.append(orders_table(node.case, f"if {node.learnt}"))
    return Section("What to order, and if what is learnt", tuple(says), tables=tuple(tables))


def node_words(case: Case) -> str:
    """Return in words what is decided: order 20 turbines at s in 2027-Q3; sign c."""
    growth, words = case.growth, list[tuple[int, str]]()
    for word, steps in (("order", case.orders), ("give up", case.retired)):
        for place, units in steps.items():
            for t, n in units.items():
                at = f"{growth.builds[place[0]].name} at {growth.sites[place[1]].name}"
                words.append((t, f"{word} {n} {at} in {growth.calendar.label(t)}"))
    for i in case.signed:
        if not growth.contracts[i].is_signed:
            words.append((growth.contracts[i].signing, f"sign {growth.contracts[i].name}"))
    return "; ".join(w for _, w in sorted(words, key=lambda x: x[0])) or "nothing more"
