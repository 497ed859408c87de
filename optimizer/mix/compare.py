"""Two mixes of one instance side by side: what differs, and what that is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.answers.pairs import gaps, refused
from optimizer.domain.answers.say import counted, dollars, figure, money
from optimizer.domain.reports import Column, Fact, Report, Section, Table
from optimizer.errors import PlanError
from optimizer.mix.rules.case import Case
from optimizer.units import NANO, usd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Tone, Value
    from optimizer.mix.plan import MixPlan, Verdict

__all__ = ["compare"]

PARTS = (
    ("upfront", "upfront less residual value"), ("rent", "rent"), ("upkeep", "upkeep"),
    ("energy", "energy"), ("unserved", "value of what is not served"),
    ("earned", "value of what is served"), ("total", "objective"),
)  # fmt: skip


def compare(
    instance: Instance, before: MixPlan, after: MixPlan, verdicts: tuple[Verdict, Verdict]
) -> Report:
    """Return what differs between two mixes.

    Parameters
    ----------
    verdicts
        What the checker says of the two.

    Raises
    ------
    PlanError
        If they were made for different objectives.
    """
    goals = before.objective.goal, after.objective.goal
    if goals[0] != goals[1]:
        raise PlanError(f"the mixes answer different objectives: {goals[0]} and {goals[1]}")
    cases = Case(instance, before), Case(instance, after)
    sections = (_short(cases, verdicts), _money(cases), _fleet(cases), _work(cases), _used(cases))
    return Report(f"{instance.name}: two mixes compared", sections)


def _plans(cases: tuple[Case, Case]) -> tuple[MixPlan, MixPlan]:
    return cases[0].plan, cases[1].plan


def _short(cases: tuple[Case, Case], verdicts: tuple[Verdict, Verdict]) -> Section:
    (old, new), goal = _plans(cases), cases[0].plan.objective.goal
    says = [*refused("mix", [v.violations for v in verdicts]), _better(old, new)]
    says += [*_chips(cases), *_served(cases)]
    bounds = [v.bound for v in verdicts if v.bound is not None]
    best = None if not bounds else max(bounds) if goal == "cost" else min(bounds)
    change = new.objective.total - old.objective.total
    gain = -change if goal == "cost" else change
    tone: Tone = "good" if gain > 0 else "bad" if gain < 0 else "plain"
    unit = "" if goal == "work" else "USD"
    first = Fact("Objective", change / NANO, unit, tone, "second mix less first")
    facts = (first, *gaps("mix", (old.objective.total, new.objective.total), best))
    return Section("In short", tuple(says), facts, kind="summary")


def _better(old: MixPlan, new: MixPlan) -> str:
    """Return which mix is better, and by how much."""
    a, b, goal = old.objective.total, new.objective.total, old.objective.goal
    if a == b:
        return (
            "Both mixes are worth the same." if old.fleet != new.fleet else "The mixes are alike."
        )
    if goal == "work":
        word = "more" if b > a else "less"
        return f"The second mix does {abs(b - a) / max(abs(a), 1):.2%} {word} useful work."
    does, more = "costs" if goal == "cost" else "earns", "less" if b < a else "more"
    return (
        f"The second mix {does} {money(abs(b - a))} {more} than the first: "
        f"{dollars(b)} against {dollars(a)}."
    )


def _chips(cases: tuple[Case, Case]) -> Iterator[str]:
    """Yield by how many chips of each type the mixes differ."""
    each = []
    for case in cases:
        found: dict[str, int] = {}
        for offer, _, count in case.offers():
            found[offer.chip] = found.get(offer.chip, 0) + count * offer.chips
        each.append(found)
    for chip in dict.fromkeys((*each[0], *each[1])):
        a, b = each[0].get(chip, 0), each[1].get(chip, 0)
        if a != b:
            yield (
                f"{counted(abs(b - a), 'chip')} of {chip} {'more' if b > a else 'less'}: "
                f"{b:,} against {a:,}."
            )


def _share(case: Case, name: str) -> float | None:
    """Return which share of a demand is served; None where it has no amount."""
    wanted = case.image.demand[name].wanted
    if not wanted or not any(wanted):
        return None
    lacks = sum(case.lacks(name, f) for f in range(len(wanted)))
    return 1 - float(lacks) / (sum(wanted) * NANO)


def _served(cases: tuple[Case, Case]) -> Iterator[str]:
    for name in cases[0].image.demand:
        a, b = (_share(case, name) for case in cases)
        if a is not None and b is not None and abs(a - b) >= 0.0005:
            yield f"Of {name} {b:.1%} is served, against {a:.1%}."


def _money(cases: tuple[Case, Case]) -> Section:
    old, new = (plan.objective for plan in _plans(cases))
    rows: list[tuple[Value, ...]] = []
    for name, said in PARTS:
        a, b = getattr(old, name), getattr(new, name)
        if old.goal != "work" or name != "total":
            rows.append((said, usd(a), usd(b), usd(b - a)))
    columns = (
        Column("part"), Column("first", "USD", "right"), Column("second", "USD", "right"),
        Column("change", "USD", "right"),
    )  # fmt: skip
    return Section("What it costs", tables=(Table("money", columns, tuple(rows)),))


def _fleet(cases: tuple[Case, Case]) -> Section:
    each = [{(h.offer, h.site): h.domains for h in plan.fleet} for plan in _plans(cases)]
    chips = {offer.name: offer.chips for offer in cases[0].image.offers}
    rows: list[tuple[Value, ...]] = []
    for offer, site in sorted({*each[0], *each[1]}):
        a, b = (found.get((offer, site), 0) for found in each)
        rows.append((offer, site, a, b, b - a, (b - a) * chips[offer]))
    columns = (
        Column("offer"), Column("site"), Column("first", "domains", "right"),
        Column("second", "domains", "right"), Column("change", "domains", "right"),
        Column("change", "chips", "right"),
    )  # fmt: skip
    return Section("What is taken", tables=(Table("domains", columns, tuple(rows), 40),))


def _work(cases: tuple[Case, Case]) -> Section:
    rows: list[tuple[Value, ...]] = []
    for name in cases[0].image.demand:
        a, b = (_share(case, name) for case in cases)
        rows.append((name, a, b, None if a is None or b is None else b - a))
    columns = (
        Column("demand"), Column("served, first", "share", "right"),
        Column("served, second", "share", "right"), Column("change", "share", "right"),
    )  # fmt: skip
    return Section("What is served", tables=(Table("served", columns, tuple(rows), 40),))


def _used(cases: tuple[Case, Case]) -> Section:
    """Say what each mix draws, and how much room it takes, at its fullest."""
    rows: list[tuple[Value, ...]] = []
    image, phases = cases[0].image, range(len(cases[0].image.phases))
    says = []
    for site in image.sites:
        mw = [max(float(case.load(site, f)) for f in phases) / 1e6 for case in cases]
        racks = [_racks(case, site) for case in cases]
        rows.append((site, mw[0], mw[1], mw[1] - mw[0], racks[0], racks[1], racks[1] - racks[0]))
        if abs(mw[1] - mw[0]) >= 0.005:
            word = "more" if mw[1] > mw[0] else "less"
            says.append(f"{site} draws {figure(abs(mw[1] - mw[0]))} MW {word} at its peak.")
    columns = (
        Column("site"), Column("peak, first", "MW", "right"), Column("peak, second", "MW", "right"),
        Column("change", "MW", "right"), Column("racks, first", "", "right"),
        Column("racks, second", "", "right"), Column("change", "", "right"),
    )  # fmt: skip
    table = Table("power and space", columns, tuple(rows))
    return Section("Power and space", tuple(says), tables=(table,))


def _racks(case: Case, site: str) -> float:
    image, last = case.image, len(case.image.phases) - 1
    own = [s for s in image.stocks if s[0] == site]
    return sum(image.racks_milli[s[1]] * case.domains(s, last, is_usable=False) for s in own) / 1000
