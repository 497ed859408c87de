"""Where the certified gap of a plan lies: regret of jobs by size of gang, slack of rows by kind.

`bound - plan = regret of jobs + slack of rows + supplies` at the certificate's prices, every term
whole nano-USD and not negative (`optimizer/place/account/prices.py`), so the parts add up exactly.
Regret of a job is what its best run would earn at the prices above the run it has, or has not;
slack is what is left of a row, at its price.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.place.account.ledger import Ledger
from optimizer.place.account.prices import PriceBook, gap_terms
from optimizer.place.certificate import upper_bound
from optimizer.units import usd

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.domain.instance import Instance
    from optimizer.place.account.prices import GapTerm
    from optimizer.place.certificate import Bound
    from optimizer.place.plan import PlacePlan

__all__ = ["Share", "split", "told"]

EDGES = (8, 72, 512, 4096)
"""Largest gangs of the bins [chips]; the last bin holds what is larger."""

KINDS = ("chips", "quota", "power", "budget", "spread", "moves")
"""Rows by the first word of their names; slices are told apart by size."""


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a gap.

    Attributes
    ----------
    what
        Which jobs, or which rows.
    many
        Jobs of that size, or terms of the gap.
    amount
        [nano-USD].
    """

    what: str
    many: int
    amount: int


def split(instance: Instance, plan: PlacePlan) -> tuple[Share, ...]:
    """Return the parts of a plan's gap; amounts add up to bound less objective.

    First regret by size of gang, placed and not, smallest gangs first; then slack, largest first.
    """
    ledger, bound = Ledger(instance, plan), upper_bound(instance, plan.certificate)
    terms = gap_terms(ledger, bound, PriceBook(ledger))
    regret = {t.name: t.amount for t in terms if t.kind == "job"}
    found = [*_by_gang(ledger, bound, regret), *_by_kind(t for t in terms if t.kind != "job")]
    return tuple(found)


def _by_gang(ledger: Ledger, bound: Bound, regret: dict[str, int]) -> Iterable[Share]:
    jobs: dict[tuple[int, bool], list[int]] = {}
    for j, (job, best) in enumerate(zip(ledger.instance.jobs, bound.best, strict=True)):
        run, modes = ledger.runs.get(j), ledger.instance.modes(j)
        if run is not None:
            chips = run.mode.chips
        elif best.mode >= 0:
            chips = modes[best.mode].chips
        else:
            chips = min((mode.chips for mode in modes), default=0)
        size = sum(chips > edge for edge in EDGES)
        jobs.setdefault((size, run is None), []).append(regret.get(job.id, 0))
    for (size, is_out), amounts in sorted(jobs.items()):
        low = 1 if size == 0 else EDGES[size - 1] + 1
        said = f"{low:,} to {EDGES[size]:,}" if size < len(EDGES) else f"{low:,} and more"
        what = f"gangs of {said} chips, {'not placed' if is_out else 'placed'}"
        yield Share(what, len(amounts), sum(amounts))


def _by_kind(terms: Iterable[GapTerm]) -> list[Share]:
    found: dict[str, list[int]] = {}
    for t in terms:
        first = t.name.split()[0]
        sizes = re.match(r"slices of \d+", t.name)
        what = "order of jobs" if first not in KINDS else f"{first} left"
        if sizes is not None:
            what = f"{sizes.group()} left"
        found.setdefault("supplies" if t.kind == "supply" else what, []).append(t.amount)
    shares = [Share(what, len(each), sum(each)) for what, each in found.items()]
    return sorted(shares, key=lambda s: -s.amount)


def told(shares: Iterable[Share], objective: int) -> str:
    """Return the parts as lines of text, each as a share of the gap and of the objective."""
    shares = list(shares)
    total = sum(s.amount for s in shares)
    lines = [f"gap {usd(total):,.2f} USD, {total / abs(objective):.3%} of the plan"]
    for s in shares:
        of_all = s.amount / total if total else 0.0
        text = f"  {s.what:<44}{s.many:>7}{usd(s.amount):>16,.2f} USD{of_all:>8.1%}"
        lines.append(f"{text}{s.amount / abs(objective):>9.3%}")
    return "\n".join(lines)
