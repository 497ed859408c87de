"""What if: named changes of an instance, solved again from the plan in hand, beside the prediction.

The certificate of the plan holds prices. At the same prices the changed instance has a bound, too,
without any solve: by so much the best plan there can be worth more (or, where something is taken
away, has to be worth less) as far as the prices know. The new solve begins from what still fits of
the plan in hand.

    for each in whatif(QUESTIONS["place"], instance, plan, ["memphis: +50 MW"], {"seconds": 10.0}):
        print(each.text, each.plan.objective.total - plan.objective.total)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optimizer.domain.answers.records import Start
from optimizer.domain.answers.say import counted, listed, money, percent
from optimizer.domain.changes.patch import patch
from optimizer.domain.changes.said import said
from optimizer.domain.reports import Column, Fact, Report, Section, Table
from optimizer.errors import PlanError
from optimizer.units import usd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from threading import Event

    from optimizer.domain.changes.patch import Change
    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Value
    from optimizer.questions import Question

    OnIncumbent = Callable[[int | None, int | None, float], None]

__all__ = ["Tried", "told", "whatif"]


@dataclass(frozen=True, slots=True)
class Tried:
    """A change and what came of it.

    Attributes
    ----------
    instance
        With the changes.
    predicted
        By how much the bound moves at the prices of the plan in hand [nano-USD]; None where its
        certificate says nothing of the changed instance.
    breaks
        Rules that the plan in hand would break there; it holds as it is where there are none.
    plan
        The new one; it has passed the checker.
    """

    text: str
    changes: tuple[Change, ...]
    instance: Instance
    predicted: int | None
    breaks: tuple[str, ...]
    plan: Any


def whatif(
    question: Question[Any, Any, Any],
    instance: Instance,
    plan: Any,
    texts: Sequence[str],
    options: dict[str, Any],
    on_incumbent: OnIncumbent | None = None,
    cancel: Event | None = None,
) -> Iterator[Tried]:
    """Yield what comes of each text of changes, one after the other.

    Parameters
    ----------
    texts
        As in `optimizer.domain.changes.said`.
    options
        Of each solve.

    Raises
    ------
    InstanceError
        If a text cannot be read, or what it says is refused.
    PlanError
        If the plan answers another instance, or a new plan breaks a rule (an error of ours).
    """
    question.check(instance, plan)  # says which instance it is of
    cases = [(text, said(instance, text)) for text in texts]
    asked, start = question.options(**options), Start(instance, plan)
    before = _bound(question, instance, plan)
    for text, changes in cases:
        changed = patch(instance, changes)
        found = question.solve(changed, asked, on_incumbent, cancel, start)
        verdict = question.check(changed, found)
        if not verdict.is_good and found.status.has_plan:
            raise PlanError(f"{text}: the plan found breaks a rule: {verdict.violations[0]}")
        after = None if before is None else _bound(question, changed, plan)
        predicted = None if before is None or after is None else after - before
        breaks = _breaks(question, changed, plan)
        yield Tried(text, changes, changed, predicted, breaks, found)


def _bound(question: Question[Any, Any, Any], instance: Instance, plan: Any) -> int | None:
    """Return the bound of an instance at the prices of a plan; None where they prove none."""
    if not question.can("certify") or getattr(plan, "goal", None) is not None:
        return None
    return question.certify(instance, plan.certificate)


def _breaks(question: Question[Any, Any, Any], changed: Instance, plan: Any) -> tuple[str, ...]:
    """Return the rules that a plan breaks as it is on a changed instance; figures are no rules."""
    there = plan.model_copy(update={"instance": changed.name, "instance_hash": changed.hash})
    figures = ("certificate", "objective", "bound", "gap", "status")
    rules = (str(v.rule) for v in question.check(changed, there).violations)
    return tuple(dict.fromkeys(rule for rule in rules if rule not in figures))


def told(instance: Instance, plan: Any, found: Sequence[Tried]) -> Report:
    """Return what came of changes, side by side."""
    says = tuple(sentence for each in found for sentence in _said(instance, plan, each))
    facts = (Fact("Plan in hand", usd(plan.objective.total), "USD"),)
    section = Section("In short", says, facts, (_table(plan, found),), kind="summary")
    return Report(f"{instance.name}: what if", (section,))


def _said(instance: Instance, plan: Any, each: Tried) -> Iterator[str]:
    new, old = each.plan.objective.total, plan.objective.total
    if not each.plan.status.has_plan:
        yield f"{each.text}: no plan was found there that keeps every rule."
        return
    text = f"{each.text}: the new plan stands at {money(new)}, {_signed(new - old)}"
    if each.predicted is not None:
        text += f"; the prices foretold {_signed(each.predicted)} for the best one"
    yield text + "."
    moved = _moved(instance, plan, each)
    if moved:
        yield f"{each.text}: {listed(moved)}."
    if each.breaks:
        yield f"{each.text}: the plan in hand would not hold: it breaks {listed(each.breaks)}."


def _signed(amount: int) -> str:
    """Return a change of money in words."""
    return f"{money(abs(amount))} {'more' if amount >= 0 else 'less'}"


def _moved(instance: Instance, plan: Any, each: Tried) -> list[str]:
    """Return how many jobs come in, go out, and run elsewhere or at another time."""
    if not hasattr(plan, "placements"):
        return []
    before, after = _runs(instance, plan), _runs(each.instance, each.plan)
    both = before.keys() & after.keys()
    counts = (
        (len(after.keys() - both), "comes in", "come in"),
        (len(before.keys() - both), "goes out", "go out"),
        (sum(before[job] != after[job] for job in both), "runs otherwise", "run otherwise"),
    )
    return [f"{counted(n, 'job')} {one if n == 1 else many}" for n, one, many in counts if n]


def _runs(instance: Instance, plan: Any) -> dict[str, tuple[Any, ...]]:
    """Return start and pools of every placed job."""
    number = {job.id: j for j, job in enumerate(instance.jobs)}
    return {
        p.job: (p.start, *(part.pool for part in instance.modes(number[p.job])[p.mode].parts))
        for p in plan.placements
    }


def _table(plan: Any, found: Sequence[Tried]) -> Table:
    columns = (
        Column("change"), Column("new plan", "USD", "right"), Column("gained", "USD", "right"),
        Column("foretold by prices", "USD", "right"), Column("its bound", "USD", "right"),
        Column("its gap"), Column("plan in hand"),
    )  # fmt: skip
    rows: list[tuple[Value, ...]] = []
    for x in found:
        is_none = not x.plan.status.has_plan
        total = None if is_none else x.plan.objective.total
        bound = None if x.plan.bound is None else usd(x.plan.bound)
        rows.append(
            (
                x.text,
                None if total is None else usd(total),
                None if total is None else usd(total - plan.objective.total),
                None if x.predicted is None else usd(x.predicted),
                bound,
                "-" if x.plan.gap is None else percent(x.plan.gap, 1),
                f"breaks {listed(x.breaks)}" if x.breaks else "holds",
            )
        )
    return Table("changes", columns, tuple(rows))
