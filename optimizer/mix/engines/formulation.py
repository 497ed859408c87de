"""The mix as a mixed-integer linear programme.

Sets        o offers, t their tiers, s sites, d kinds of domain, w ways (demand k, site, kind,
            level, gang), f phases, p supplies
Parameters  W[w,f] work of a domain; D[k,f] demand; draw, idle, PUE, caps, racks, prices
Variables   n[o,t,s]   domains taken                               whole
            v[w,f]     domains at work, on average                 >= 0
            r[o,t,s,f] hours beyond those paid anyway              >= 0, only where take-or-pay < 1
            u[k,f]     share of the demand that is not served      >= 0
            m[k,f]     work done where there is no demand to meet  >= 0
            g[p,f]     what a supply gives [MW]                    >= 0
            y[o,t]     a tier's price holds                        0 or 1, only where it matters
            z[s,d,f,q] q domains are there                         0 or 1, only for gangs of q > 1
Objective   minimise upfront + rent + upkeep + energy + unserved (cost), less work made (profit),
            or what is lacking in useful work (work)
Rules       one `add_*` each; cooling and residency are kept by construction: no variable.
Rows are scaled to about 1: money in the price of a domain, power in MW, work in shares of the
demand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulp

from optimizer.domain.fleet.image import WORK

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.domain.fleet.image import Image, OfferImage, TierImage
    from optimizer.domain.fleet.ways import Stock
    from optimizer.mix.plan import Goal

__all__ = ["MW", "Column", "Formulation", "Row", "Terms"]

MW = 1e6
"""Watts in one MW."""

LIMITS = (
    "demand", "work_floor", "power", "power_total", "space", "capex", "yearly_cash", "supply",
    "vendor_share",
)  # fmt: skip
"""Rows that are limits of the instance, not definitions."""

Terms = list[tuple[pulp.LpVariable, float]]
"""Variables with their coefficients."""

Row = tuple[str, str, int]
"""What a row is of: rule, name, phase or year (0 where there is none)."""


@dataclass(frozen=True, slots=True)
class Column:
    """Domains of an offer at a site under one of its prices."""

    offer: OfferImage
    tier: TierImage
    site: str
    number: int

    @property
    def stock(self) -> Stock:
        """What it adds to."""
        return (self.site, self.offer.kind)


@dataclass
class Formulation:
    """A model with the meaning of its variables and rows.

    Attributes
    ----------
    scale, money
        What the objective and what money is counted in: nano-USD, or billionths of weight, in one.
    columns, work, extra, lack, made, given
        Variables by what they mean, as in the head of this file.
    rows
        Rows whose prices make the certificate.
    """

    image: Image
    goal: Goal
    scale: float
    money: float
    problem: pulp.LpProblem
    columns: dict[Column, pulp.LpVariable] = field(default_factory=dict)
    work: dict[tuple[int, int], pulp.LpVariable] = field(default_factory=dict)
    extra: dict[tuple[Column, int], pulp.LpVariable] = field(default_factory=dict)
    lack: dict[tuple[str, int], pulp.LpVariable] = field(default_factory=dict)
    made: dict[tuple[str, int], pulp.LpVariable] = field(default_factory=dict)
    given: dict[tuple[str, int, int], pulp.LpVariable] = field(default_factory=dict)
    rows: dict[Row, pulp.LpConstraint] = field(default_factory=dict)
    unit: dict[tuple[str, int], float] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    is_elastic: bool = False
    soft: tuple[str, str] | None = None
    gives: pulp.LpVariable | None = None
    broken: dict[Row, pulp.LpVariable] = field(default_factory=dict)

    def name(self, *parts: object) -> str:
        """Return a name that an LP file can hold and no other variable or row has."""
        base = re.sub(r"[^A-Za-z0-9_.]", "_", "_".join(map(str, parts)))
        name, count = base, 1
        while name in self.taken:
            count += 1
            name = f"{base}.{count}"
        self.taken.add(name)
        return name

    def variable(self, *parts: object, most: float | None = None, whole: bool = False) -> Any:
        """Return a new variable from 0 on."""
        kind = pulp.LpInteger if whole else pulp.LpContinuous
        return pulp.LpVariable(self.name(*parts), 0, most, kind)

    def add(self, row: Row, terms: Iterable[tuple[pulp.LpVariable, float]], sense: int,
            right: float) -> None:  # fmt: skip
        """Add a row by what it is of; an elastic one may be broken at a price of 1."""
        expression = pulp.LpAffineExpression([(x, a) for x, a in terms if a])
        if self.is_elastic and row[0] in LIMITS:
            self.broken[row] = self.variable("broken", *row)
            expression += (1.0 if sense == pulp.LpConstraintGE else -1.0) * self.broken[row]
        if self.soft == row[:2]:
            self.gives = self.gives or self.variable("gives", *self.soft)
            expression += (1.0 if sense == pulp.LpConstraintGE else -1.0) * self.gives
        made = pulp.LpConstraint(expression, sense, self.name(*row), right)
        self.problem.addConstraint(made)
        self.rows[row] = made

    @property
    def offset(self) -> float:
        """What `profit` and `work` count down from: all that is wanted, at its worth."""
        found = 0.0
        for name, demand in self.image.demand.items():
            if self.goal != "cost" and demand.wanted is not None:
                worth = demand.weight if self.goal == "work" else demand.value
                found += worth * sum(x for (k, _), x in self.unit.items() if k == name) / WORK
        return found

    def total(self, value: float) -> int:
        """Return what a value of the model is in the objective [nano-USD, billionths of weight]."""
        found = round(value * self.scale)
        return found if self.goal == "cost" else round(self.offset) - found

    def value(self, total: float) -> float:
        """Return what an objective is in the model, as it is minimised."""
        return (total if self.goal == "cost" else self.offset - total) / self.scale

    def at(self, stock: Stock, f: int) -> list[tuple[Column, pulp.LpVariable]]:
        """Return the columns that add to a stock in a phase."""
        each = self.columns.items()
        return [(c, x) for c, x in each if c.stock == stock and c.offer.is_there[f]]
