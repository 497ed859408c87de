"""Why not, as a report: all jobs that are turned away or late, or everything about one job."""

from __future__ import annotations

import json
from difflib import get_close_matches
from typing import TYPE_CHECKING

from optimizer.domain.answers.say import counted, when
from optimizer.domain.reports import Column, Fact, Report, Section, Table
from optimizer.errors import PlanError
from optimizer.place.account import tables
from optimizer.place.account.ledger import Ledger
from optimizer.place.account.why import worded
from optimizer.units import usd

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optimizer.domain.instance import Instance
    from optimizer.place.account.fixes import Fix
    from optimizer.place.explain import Reason
    from optimizer.place.plan import PlacePlan

__all__ = ["all_reasons", "known_job", "one_reason"]

MOST_VALUE = 60
"""Characters of a changed value that a table shows."""


def known_job(instance: Instance, name: str) -> None:
    """Refuse a job that the instance does not have.

    Raises
    ------
    PlanError
        With the names that come near.
    """
    names = [job.id for job in instance.jobs]
    if name not in names:
        close = get_close_matches(name, names, n=3)
        hint = f"; did you mean {' or '.join(close)}?" if close else f"; it has {len(names):,} jobs"
        raise PlanError(f"job {name!r} is not in instance {instance.name!r}{hint}")


def all_reasons(instance: Instance, plan: PlacePlan, reasons: Sequence[Reason]) -> Report:
    """Return who is turned away or late, why, and what would help."""
    ledger = Ledger(instance, plan)
    out, late = tables.out_table(ledger, reasons), tables.late_table(ledger, reasons)
    turned = sum(not r.is_late for r in reasons)
    said = [
        f"{counted(turned, 'job')} of {len(instance.jobs):,} turned away, "
        f"{len(reasons) - turned} placed late.",
        *((tables.LEGEND,) if reasons else ()),
        *_states(reasons),
    ]
    shown = [t for t in (out, late) if t.rows]
    shown += [t for t in (_fix_table(reasons),) if t.rows]
    section = Section("Why not, and what would help", tuple(said), (), tuple(shown))
    return Report(f"{instance.name}: why not", (section,))


def _states(reasons: Sequence[Reason]) -> Iterator[str]:
    states = [fix.state for reason in reasons for fix in reason.fixes]
    done = states.count("verified") + states.count("not confirmed")
    if done:
        yield (
            f"{counted(done, 'fix', 'fixes')} tried by changing the instance and searching on from "
            f"the plan: {states.count('verified')} verified (a checked plan has the job), "
            f"{states.count('not confirmed')} not confirmed."
        )


def one_reason(instance: Instance, plan: PlacePlan, reasons: Sequence[Reason], name: str) -> Report:
    """Return why one job is not placed, or late; where it runs, if it is neither."""
    ledger = Ledger(instance, plan)
    j = ledger.index[name]
    job, run = instance.jobs[j], ledger.runs.get(j)
    facts = [Fact("Value", job.value_usd, "USD")]
    if run is not None:
        pools = " + ".join(dict.fromkeys(p.pool for p in run.mode.parts))
        facts.append(Fact("Runs in", pools, note=f"{run.mode.chips:,} chips"))
        facts.append(Fact("From", when(ledger.horizon, run.start)))
        facts.append(Fact("Until", when(ledger.horizon, run.end)))
    reason = next((r for r in reasons if r.job == name), None)
    if reason is None:
        said = "It is placed, and not late: there is nothing to explain."
        return Report(f"{name}: placed", (Section("Where it runs", (said,), tuple(facts)),))
    state = "placed late" if reason.is_late else "turned away"
    rules = [worded(rule) for rule in reason.rules]
    facts.append(Fact("Reason", tables.kind_said(reason), note=", ".join(rules)))
    if reason.margin is not None:
        facts.append(Fact("Short by", usd(reason.margin), "USD", note="at the certified prices"))
    if reason.at_stake is not None:
        word = "with it on time" if reason.is_late else "with it"
        note = f"certified: {word}, the objective rises by no more"
        facts.append(Fact("At stake, at most", usd(reason.at_stake), "USD", note=note))
    text = reason.text[:1].upper() + reason.text[1:] + "."
    shown = [t for t in (_price_table(reason), _fix_table([reason])) if t.rows]
    section = Section(f"Why {name} is {state}", (text,), tuple(facts), tuple(shown))
    return Report(f"{name}: {state}", (section,))


def _price_table(reason: Reason) -> Table:
    columns = (Column("what it takes"), Column("price", "USD", "right"))
    rows = tuple((name, usd(amount)) for name, amount in reason.split)
    return Table("What its best run costs at the certified prices", columns, rows)


def _fix_table(reasons: Sequence[Reason]) -> Table:
    """Return every fix with the change of the instance file that it is."""
    columns = (
        Column("job"),
        Column("what would help"),
        Column("is"),
        Column("objective rises by", "USD", "right"),
        Column("change of the instance file"),
    )
    each = [(r.job, fix) for r in reasons for fix in r.fixes if fix.changes]
    order = {"verified": 0, "estimated": 1, "not confirmed": 2}
    each.sort(key=lambda at: (order[at[1].state], -(at[1].effect or 0)))
    rows = tuple(
        (job, fix.text, fix.state, None if fix.effect is None else usd(fix.effect), _changes(fix))
        for job, fix in each
    )
    return Table("Fixes: verified ones first, then by what they win", columns, rows, show=10)


def _changes(fix: Fix) -> str:
    said = []
    for change in fix.changes:
        value = json.dumps(change.value)
        short = value if len(value) <= MOST_VALUE else value[: MOST_VALUE - 3] + "..."
        said.append(f"{change.pointer} = {short}")
    return "; ".join(said)
