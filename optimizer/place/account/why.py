"""Rules in words: what excludes a job, and what blocks its runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.domain.answers.say import listed, stretches

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.domain.modes import Mode
    from optimizer.place.account.ledger import Ledger
    from optimizer.place.account.prices import PriceBook
    from optimizer.place.account.room import Block, Columns, Room

__all__ = ["Blocking", "blocking", "forbidden", "oversized", "refused", "worded"]

_WORDS = {
    "power_cap": "power at {}",
    "supply": "energy permit of {}",
    "pool_capacity": "chips in {}",
    "domain_fit": "free domains in {}",
    "quota": "quota of {}",
    "budget": "budget {}",
    "spread": "places of group {}",
    "moves": "moves of {}",
}
"""What there is too little of."""

_REFUSED = {
    "window": "too little time",
    "residency": "residency",
    "compatibility": "chips do not suit",
    "domain_fit": "slices do not fit",
    "pool_capacity": "pool too small",
}


@dataclass(frozen=True, slots=True)
class Blocking:
    """A limit, how many runs of a job it blocks, what these lack, in words, and when."""

    block: Block
    runs: int
    lacks: str
    when: str

    def said(self, total: int) -> str:
        """Return how many of all runs lack what, and when."""
        who = f"{self.runs:,} {'lacks' if self.runs == 1 else 'lack'}"
        if self.runs == total:
            who = "it lacks" if total == 1 else "all lack"
        return f"{who} {self.lacks}{self.when}"


def worded(rule: str) -> str:
    """Return a rule of a reason, such as `power_cap memphis`, in plain words."""
    name, _, of = rule.partition(" ")
    if name == "precedence":
        return f"order with {of}" if of else "order"
    return _WORDS.get(name, name + " {}").format(of).strip()


def _lacks(ledger: Ledger, job: int, block: Block) -> str:
    """Return what a run lacks that a limit blocks."""
    if block.rule != "precedence":
        return _WORDS.get(block.rule, block.rule + " {}").format(block.of)
    is_before = block.of in ledger.instance.jobs[job].predecessors
    return f"time {'after' if is_before else 'before'} {block.of}"


def refused(instance: Instance, job: int) -> tuple[tuple[str, ...], str]:
    """Return the rules that leave a job no mode, and why."""
    by_rule: dict[str, list[str]] = {}
    for refusal in instance.refusals(job):
        by_rule.setdefault(refusal.rule, []).append(refusal.why)
    if not by_rule:
        what = instance.jobs[job].workload or "its work"
        return ("compatibility",), f"no pool has a rate of {what} in its slices"
    order = sorted(by_rule.items(), key=lambda item: -len(item[1]))
    said = [f"{_REFUSED[rule]}: {listed(list(dict.fromkeys(whys)), 2)}" for rule, whys in order]
    return tuple(rule for rule, _ in order), "; ".join(said)


def forbidden(book: PriceBook, modes: list[tuple[int, Mode]]) -> tuple[tuple[str, ...], str]:
    """Return the limits of which running jobs leave too little for every run, and when."""
    ledger = book.ledger
    bad: dict[tuple[str, str], np.ndarray[tuple[int], np.dtype[np.bool_]]] = {}
    for _, mode in modes:
        for row, periods in book.forbidding(mode).items():
            window = np.zeros(ledger.T, bool)
            window[mode.first : mode.end_by] = True
            bad[row] = bad.get(row, np.zeros(ledger.T, bool)) | (periods & window)
    named = {row: periods for row, periods in bad.items() if periods.any()}
    order = sorted(named.items(), key=lambda item: (-int(item[1].sum()), item[0]))
    if not order:
        return ("window",), "its window holds no whole run, calls included"
    said = [
        f"{_WORDS[rule].format(of)} ({stretches(ledger.horizon, periods)})"
        for (rule, of), periods in order
    ]
    rules = tuple(f"{rule} {of}" for (rule, of), _ in order)
    return rules, f"what runs already leaves too little for any run of it: {listed(said)}"


def oversized(ledger: Ledger, job: int, modes: list[tuple[int, Mode]]) -> tuple[str, ...]:
    """Return the limits that each mode alone passes, beside running jobs; () if not."""
    instance = ledger.instance
    left = ledger.totals()
    for j in range(len(instance.jobs)):
        for name, n in ledger.takes(j, instance.modes(j)[0]) if instance.has_to_stay(j) else ():
            left[name] -= n
    tenant = instance.jobs[job].tenant
    quota = None if tenant is None else instance.tenants[tenant].quota_chips
    found: set[str] = set()
    for _, mode in modes:
        over = {" ".join(name) for name, n in ledger.takes(job, mode) if n > left[name]}
        if quota is not None and mode.chips > quota:
            over.add(f"quota {tenant}")
        if not over:
            return ()
        found |= over
    return tuple(sorted(found))


def blocking(ledger: Ledger, room: Room, job: int, columns: list[Columns]) -> list[Blocking]:
    """Return the limits that block runs of a job, those that block most first."""
    runs: dict[Block, int] = {}
    when: dict[Block, np.ndarray[tuple[int], np.dtype[np.bool_]]] = {}
    for c in columns:
        for block, blocked in c.blocks.items():
            runs[block] = runs.get(block, 0) + int(blocked.sum())
        reach = np.zeros(ledger.T, bool)
        for start, end in zip(c.starts.tolist(), c.ends.tolist(), strict=True):
            reach[start:end] = True
        for block, bad in room.bad_periods(job, c.mode).items():
            when[block] = when.get(block, np.zeros(ledger.T, bool)) | (bad & reach)
    found = []
    for block, count in sorted(runs.items(), key=lambda item: (-item[1], item[0])):
        hours = f" ({stretches(ledger.horizon, when[block])})" if block in when else ""
        found.append(Blocking(block, count, _lacks(ledger, job, block), hours))
    return found
