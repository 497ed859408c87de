"""Plans side by side on the same futures: values, regret, what stands, debt, demand, energy.

told = weigh(instance, {"grid first": plan, "turbines": other}, Options(draw=1000, seed=1))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from optimizer.domain.answers.pairs import refused
from optimizer.domain.reports import Chart, ChartSeries, Column, Fact, Report, Section, Table
from optimizer.errors import PlanError
from optimizer.expand.answer import arrays_of
from optimizer.expand.arrays import Arrays, Flows
from optimizer.expand.evaluate import decided, evaluate, expected, money
from optimizer.expand.plan import Options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from optimizer.domain.answers.cases import Each
    from optimizer.domain.growth.image import Growth
    from optimizer.domain.growth.scenes import FutureImage
    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Value
    from optimizer.expand.arrays import Decision
    from optimizer.expand.plan import ExpandPlan, Verdict

Floats = NDArray[np.float64]

__all__ = ["Weighed", "compared", "quantile", "tail", "weigh", "weighed"]

PART = 500
"""Futures that are valued at a time."""

SHOWN = 12
"""Futures of a regret matrix that are shown: those with the largest regret."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A plan on the futures of a comparison.

    Attributes
    ----------
    values : (F,)
        NPV [USD].
    power_mw, hall_mw, chips : (T,)
        What stands, on average over futures.
    unserved, mwh, tonnes
        Expected share of open demand (in units) that is not served, energy and carbon drawn.
    debt
        Largest debt on the expected flow [USD]; None without finance.
    breaches
        Probability that a limit of money is broken in a future, by rule.
    """

    name: str
    values: Floats
    flows: Flows
    power_mw: Floats
    hall_mw: Floats
    chips: Floats
    unserved: float
    mwh: float
    tonnes: float
    debt: float | None
    breaches: dict[str, float]


@dataclass(frozen=True, slots=True)
class Share:
    """What some of the futures add to what is weighed of a plan; expectations by whole odds."""

    values: Floats
    flows: Flows
    power_mw: Floats
    hall_mw: Floats
    chips: Floats
    wanted: float
    served: float
    wh: float
    grams: float
    breaches: dict[str, float]


def in_turn(function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Call a function with one tuple of arguments after another."""
    return [function(*task) for task in tasks]


def weighed(
    arrays: Arrays, decisions: Mapping[str, Decision], each: Each = in_turn
) -> list[Weighed]:
    """Return what decisions come to.

    Parameters
    ----------
    each
        Values parts of the futures, side by side where it can. Parts are the same whoever does it,
        and so are all figures, to the last bit.
    """
    parts = [arrays.futures[i : i + PART] for i in range(0, arrays.F, PART)]
    tasks = [(arrays.growth, part, tuple(decisions.values())) for part in parts]
    found: list[list[Share]] = each(shares, tasks)
    return [
        _whole(arrays, name, shares_of) for name, *shares_of in zip(decisions, *found, strict=True)
    ]


def shares(
    growth: Growth, futures: tuple[FutureImage, ...], decisions: tuple[Decision, ...]
) -> list[Share]:
    """Return what each decision comes to in some futures."""
    arrays = Arrays(growth, futures)
    return [_share(arrays, decision) for decision in decisions]


def _share(arrays: Arrays, decision: Decision) -> Share:
    found = evaluate(arrays, decision)
    odds, hours = arrays.odds, arrays.hours / arrays.hours.sum(1, keepdims=True)
    chips = np.array([arrays.growth.stocks[i].chips for i in arrays.stock_order], float)
    wh = np.einsum("f,ftj->tj", odds, found.found.drawn)
    wh[:, arrays.batteries] = 0.0  # what they give was drawn when they were charged
    grams = np.array([s.grams for s in arrays.growth.sources], float).reshape(-1, arrays.T).T
    alone = money(arrays, found.flows)
    breaches = {} if alone is None else alone.breaches
    return Share(
        values=found.values,
        flows=found.flows,
        power_mw=np.einsum("f,ftbj,tb->t", odds, found.given.cap, hours) * 1e-6,
        hall_mw=np.einsum("f,fts->t", odds, found.given.hall) * 1e-6,
        chips=np.einsum("f,ftc,c->t", odds, found.given.there, chips),
        wanted=float(np.einsum("f,ftbk,tb->", odds, found.world.volume, arrays.hours)),
        served=float(np.einsum("f,ftk->", odds, found.found.served)),
        wh=float(wh.sum()),
        grams=float((wh * grams).sum()),
        breaches={rule: float(odds @ x.any(1)) for rule, x in breaches.items()},
    )


def _whole(arrays: Arrays, name: str, parts: Sequence[Share]) -> Weighed:
    flows = Flows(
        *(
            np.concatenate([getattr(p.flows, what) for p in parts])
            for what in ("capex", "running", "sales")
        )
    )
    base = money(arrays, expected(arrays, flows))
    wanted = sum(p.wanted for p in parts)
    return Weighed(
        name=name,
        values=np.concatenate([p.values for p in parts]),
        flows=flows,
        power_mw=np.sum([p.power_mw for p in parts], 0),
        hall_mw=np.sum([p.hall_mw for p in parts], 0),
        chips=np.sum([p.chips for p in parts], 0),
        unserved=1 - sum(p.served for p in parts) / wanted if wanted else 0.0,
        mwh=sum(p.wh for p in parts) * 1e-6,
        tonnes=sum(p.grams for p in parts) * 1e-12,
        debt=None if base is None else float(base.debt.max()),
        breaches={rule: sum(p.breaches[rule] for p in parts) for rule in parts[0].breaches},
    )


def quantile(values: Floats, odds: Floats, share: float) -> float:
    """Return the least value that a share of probability does not exceed."""
    order = np.argsort(values, kind="stable")
    at = int(np.searchsorted(np.cumsum(odds[order]), share - 1e-12))
    return float(values[order[min(at, len(order) - 1)]])


def tail(values: Floats, odds: Floats, share: float) -> float:
    """Return the mean of the worst share of probability."""
    order = np.argsort(values, kind="stable")
    before = np.concatenate([[0.0], np.cumsum(odds[order])])
    parts = np.clip(np.minimum(before[1:], share) - before[:-1], 0.0, None)
    return float(parts @ values[order] / share)


def weigh(
    instance: Instance,
    plans: Mapping[str, ExpandPlan],
    options: Options | None = None,
    each: Each = in_turn,
) -> Report:
    """Return plans side by side, on the futures that are asked for; each: see `weighed`."""
    asked = options or Options()
    arrays = arrays_of(instance, asked)
    decisions = {name: decided(arrays, plan) for name, plan in plans.items()}
    all_of_them = weighed(arrays, decisions, each)
    what = f"{arrays.F} futures drawn with seed {asked.seed}" if asked.draw else "the named futures"
    title = f"{instance.name}: {len(all_of_them)} plans on {what}"
    sections = [_answer(arrays, all_of_them, asked.alpha), _stands(arrays, all_of_them)]
    if len(all_of_them) > 1:
        sections.insert(1, _regret(arrays, all_of_them))
    if len(all_of_them) == 2:
        sections.insert(1, _difference(arrays, *all_of_them))
    return Report(title, tuple(sections))


def compared(
    instance: Instance, before: ExpandPlan, after: ExpandPlan, verdicts: tuple[Verdict, Verdict]
) -> Report:
    """Return two plans side by side on the futures that both were made for.

    Parameters
    ----------
    verdicts
        What the checker says of the two.

    Raises
    ------
    PlanError
        If they were made for different futures.
    """
    if (before.drawn, before.seed) != (after.drawn, after.seed):
        raise PlanError("the plans were made for different futures: weigh them on one draw")
    options = Options(draw=before.drawn, seed=before.seed)
    told = weigh(instance, {"first": before, "second": after}, options)
    says = tuple(refused("plan", [v.violations for v in verdicts]))
    wrong = (Section("Refused", says),) if says else ()
    return Report(f"{instance.name}: two plans compared", (*wrong, *told.sections))


def _answer(arrays: Arrays, plans: list[Weighed], alpha: float) -> Section:
    odds = arrays.odds
    best = max(plans, key=lambda p: float(odds @ p.values))
    safest = max(plans, key=lambda p: tail(p.values, odds, alpha))
    heads = (
        Column("plan"),
        Column("expected NPV", "USD", "right"),
        Column("P10", "USD", "right"),
        Column("P50", "USD", "right"),
        Column("P90", "USD", "right"),
        Column(f"worst {alpha:.0%}", "USD", "right"),
    )
    rows: list[tuple[Value, ...]] = []
    for p in plans:
        points = [quantile(p.values, odds, x) for x in (0.1, 0.5, 0.9)]
        mean = float(odds @ p.values)
        rows.append((p.name, mean, *points, tail(p.values, odds, alpha)))
    says = (
        f"Most is expected of {best.name}; the worst {alpha:.0%} of futures are least bad with "
        f"{safest.name}.",
    )
    series = tuple(ChartSeries(p.name, _fan(p.values, odds)) for p in plans)
    fan = Chart("line", "NPV by share of futures, the worst first", FAN, "share", "USD", series)
    table = Table("values", heads, tuple(rows))
    facts = (Fact("best expected NPV", float(odds @ best.values), "USD", note=best.name),)
    return Section("Answer", says, facts, (table, *_debts(plans)), (fan,), kind="summary")


def _debts(plans: list[Weighed]) -> Iterator[Table]:
    """Yield the debt of each plan, and in what share of futures it breaks a limit of money."""
    heads = (
        Column("plan"),
        Column("largest debt, expected", "USD", "right"),
        Column("limits broken in futures", "share", "right"),
    )
    rows = [(p.name, p.debt, max(p.breaches.values())) for p in plans if p.breaches]
    if rows:
        yield Table("debt and limits of money", heads, tuple(rows))


FAN = tuple(x / 50 for x in range(50))
"""Shares of probability from which on values are drawn; a value is that of the middle."""


def _fan(values: Floats, odds: Floats) -> tuple[float, ...]:
    return tuple(quantile(values, odds, x + FAN[1] / 2) for x in FAN)


def _regret(arrays: Arrays, plans: list[Weighed]) -> Section:
    """Regret of every plan in every future against the best of those compared."""
    values = np.array([p.values for p in plans])
    regret = values.max(0)[None] - values
    heads = (Column("future"), *(Column(p.name, "USD", "right") for p in plans))
    order = np.argsort(-regret.max(0), kind="stable")
    rows = tuple((arrays.futures[f].name, *map(float, regret[:, f])) for f in order.tolist())
    most = regret.max(1)
    least = plans[int(most.argmin())]
    says = (
        f"Least to be regretted is {least.name}: at most {most.min() / 1e6:,.1f} million USD less "
        "than the best of these plans in any future.",
    )
    largest = Table(
        "largest and expected regret",
        (Column("plan"), Column("largest", "USD", "right"), Column("expected", "USD", "right")),
        tuple(
            (p.name, float(r.max()), float(arrays.odds @ r))
            for p, r in zip(plans, regret, strict=True)
        ),
    )
    matrix = Table("regret by future, the largest first", heads, rows, show=SHOWN)
    worst = order[:SHOWN].tolist()
    series = tuple(
        ChartSeries(p.name, tuple(float(r[f]) for f in worst))
        for p, r in zip(plans, regret, strict=True)
    )
    names = tuple(arrays.futures[f].name for f in worst)
    most_of = "" if len(worst) == arrays.F else f", the {len(worst)} futures with most"
    heat = Chart("heat", f"regret by future and plan{most_of}", names, "", "USD", series)
    return Section("Regret", says, tables=(largest, matrix), charts=(heat,))


DATED = (("MW of power", "MW", "power_mw"), ("chips", "chips", "chips"))
"""What stands, by period: its title, its unit, where it is."""


def _stands(arrays: Arrays, plans: list[Weighed]) -> Section:
    heads = (
        Column("plan"),
        Column("power at the end", "MW", "right"),
        Column("halls at the end", "MW", "right"),
        Column("chips at the end", "chips", "right"),
        Column("demand not served", "share", "right"),
        Column("energy", "MWh", "right"),
        Column("carbon", "t", "right"),
    )
    rows = tuple(
        (
            p.name,
            float(p.power_mw[-1]),
            float(p.hall_mw[-1]),
            float(p.chips[-1]),
            p.unserved,
            p.mwh,
            p.tonnes,
        )
        for p in plans
    )
    label = arrays.growth.calendar.label
    dated = (Column("period"), *(Column(p.name, "", "right") for p in plans))
    tables = [Table("what stands and what it does, expected", heads, rows)]
    kinds = [k for k in DATED if any(getattr(p, k[2]).any() for p in plans)]
    for title, _, row in kinds:
        each = [tuple(float(getattr(p, row)[t]) for p in plans) for t in range(arrays.T)]
        new = [t for t in range(arrays.T) if t == 0 or each[t] != each[t - 1]]
        changes: tuple[tuple[Value, ...], ...] = tuple((label(t), *each[t]) for t in new)
        tables.append(Table(f"{title} from when on, expected", dated, changes))
    x = tuple(arrays.growth.calendar.edges[:-1])
    charts = tuple(
        Chart("line", f"{title} by period, expected", x, "UTC", unit,
              tuple(ChartSeries(p.name, tuple(map(float, getattr(p, row)))) for p in plans))
        for title, unit, row in kinds
    )  # fmt: skip
    return Section("What stands", tables=tuple(tables), charts=charts)


def _difference(arrays: Arrays, a: Weighed, b: Weighed) -> Section:
    """Say what the second of two plans does otherwise, and what that is worth."""
    odds, label = arrays.odds, arrays.growth.calendar.label
    mean = float(odds @ (b.values - a.values)) / 1e6
    better = float(odds @ (b.values > a.values))
    says = [
        f"{b.name} is worth {abs(mean):,.1f} million USD {'more' if mean >= 0 else 'less'} than "
        f"{a.name} on average, and more in {better:.0%} of futures."
    ]
    for word, row in (("MW of power", "power_mw"), ("MW of halls", "hall_mw"), ("chips", "chips")):
        gap = getattr(b, row) - getattr(a, row)
        t = int(np.abs(gap).argmax())
        if abs(gap[t]) > 1e-6:
            more = "more" if gap[t] > 0 else "fewer" if row == "chips" else "less"
            says.append(
                f"It has {abs(gap[t]):,.0f} {word} {more} in {label(t)}, the most it differs."
            )
    spent = [-float((odds @ p.flows.capex).sum()) / 1e6 for p in (a, b)]
    says.append(f"It pays {spent[1]:,.1f} million USD for builds, the other {spent[0]:,.1f}.")
    return Section(f"{b.name} against {a.name}", tuple(says))
