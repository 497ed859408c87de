"""Why not: the one reason of every job that is turned away or late, and what would help.

`rule`: no run survives the rules. `priced_out`: at the certified prices of what it takes, its best
run costs more than it is worth. `no_room`: it is worth its price, yet none of its runs fits beside
the others, shown by trying every one. `gap`: anything else; at stake is at most its regret. A job
that fits as the plan stands, with a gain, is `gap` whatever the prices say: the search missed it.

A late job is asked the same of its runs that end on time; it is priced out where being late is the
cheaper way to run at the prices.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from optimizer.domain.answers.say import counted, listed, money, percent, when
from optimizer.domain.changes.patch import patch
from optimizer.errors import InstanceError
from optimizer.place.account.columns import best_fit, best_priced, described, gains, price_split
from optimizer.place.account.displace import Displacer
from optimizer.place.account.fixes import (
    Fix,
    deadline_fix,
    displace_fix,
    lateness_fix,
    relaxed,
    shortfall_fix,
    value_fix,
)
from optimizer.place.account.ledger import Ledger
from optimizer.place.account.prices import PriceBook
from optimizer.place.account.room import Room
from optimizer.place.account.why import blocking, forbidden, oversized, refused
from optimizer.place.certificate import Bound, upper_bound
from optimizer.place.check import check

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optimizer.domain.instance import Instance
    from optimizer.domain.modes import Mode
    from optimizer.place.account.columns import Fit, Priced
    from optimizer.place.account.room import Columns
    from optimizer.place.plan import PlacePlan

__all__ = ["Admit", "Fix", "Reason", "ReasonKind", "explain", "verify"]


class Admission(Protocol):
    """A plan of a changed instance that has a job, and what the plan in hand is worth there."""

    @property
    def plan(self) -> PlacePlan | None:
        """The plan; None where none was found."""

    @property
    def before(self) -> int:
        """Objective of the plan in hand [nano-USD]."""


class Admit(Protocol):
    """Lets a job in on a changed instance, on time where that is asked."""

    def __call__(self, after: Instance, job: str, on_time: bool) -> Admission:
        """Return what came of it."""


ReasonKind = Literal["rule", "priced_out", "no_room", "gap"]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a job is turned away, or late.

    Attributes
    ----------
    short, text
        The reason in a few words, and in full.
    rules
        The rules that exclude it or keep it out, most runs first.
    margin
        How far its best run lies below its price [nano-USD]; None unless priced out.
    split
        Of its best run at the prices: what each thing it takes is priced at [nano-USD].
    at_stake
        What it can add to the objective at most, by the certificate [nano-USD]; None where the
        certificate cannot say.
    gain
        It fits as the plan stands, and would raise the objective by about so much [nano-USD]: the
        search missed it. None for all others.
    fixes
        What would help, most useful first.
    """

    job: str
    kind: ReasonKind
    is_late: bool
    short: str
    text: str
    rules: tuple[str, ...] = ()
    margin: int | None = None
    split: tuple[tuple[str, int], ...] = ()
    at_stake: int | None = None
    gain: int | None = None
    fixes: tuple[Fix, ...] = ()


def explain(instance: Instance, plan: PlacePlan, bound: Bound | None = None) -> tuple[Reason, ...]:
    """Return the reason of every job that is not placed, then of every job that is late.

    Parameters
    ----------
    bound
        The bound of the plan's certificate, where it has been made already.
    """
    asked = _Asked(Ledger(instance, plan), bound or upper_bound(instance, plan.certificate))
    runs = asked.ledger.runs
    out = [asked.unplaced(j) for j in range(len(instance.jobs)) if j not in runs]
    late = [asked.late(j) for j, run in runs.items() if asked.ledger.periods_late(run)]
    return (*out, *late)


def verify(
    instance: Instance,
    plan: PlacePlan,
    reasons: Sequence[Reason],
    admit: Admit,
    most: int = 10,
    is_over: Callable[[], bool] = lambda: False,
) -> tuple[Reason, ...]:
    """Return reasons with the largest fixes tried: applied to the instance, and solved again.

    A fix is verified where a plan of the changed instance breaks no rule, has the job (a late one:
    on time) and is worth no less there than the plan in hand; one that says that the job must run,
    where there is such a plan at all. Its effect is then the change of the objective found.

    Parameters
    ----------
    admit
        Lets a job in on a changed instance: (instance, job, whether on time) to a plan, or None,
        and what the plan in hand is worth there.
    most
        How many fixes are tried, those that win most first.
    is_over
        Says that no more is to be tried: the others stay estimated.
    """
    ranked = sorted(
        (
            (r, f)
            for r, reason in enumerate(reasons)
            for f, fix in enumerate(reason.fixes)
            if fix.changes
        ),
        key=lambda at: (-_win(reasons[at[0]], reasons[at[0]].fixes[at[1]]), at),
    )
    tried = [list(reason.fixes) for reason in reasons]
    for r, f in ranked[:most]:
        if is_over():
            break
        tried[r][f] = _tried(instance, plan, reasons[r], tried[r][f], admit)
    each = zip(reasons, tried, strict=True)
    return tuple(replace(reason, fixes=tuple(fixes)) for reason, fixes in each)


def _win(reason: Reason, fix: Fix) -> int:
    """Return what a fix is estimated to win [nano-USD]; what is at stake where nothing says."""
    return (reason.at_stake or 0) if fix.effect is None else fix.effect


def _tried(instance: Instance, plan: PlacePlan, reason: Reason, fix: Fix, admit: Admit) -> Fix:
    """Return a fix with what came of it."""
    try:
        after = patch(instance, fix.changes)
    except InstanceError:
        return replace(fix, state="not confirmed")
    admission = admit(after, reason.job, reason.is_late)
    found = admission.plan
    if found is not None and check(after, found).is_good:
        ledger = Ledger(after, found)
        run = ledger.runs.get(ledger.index[reason.job])
        is_in = run is not None and not (reason.is_late and ledger.periods_late(run))
        if is_in and (fix.kind == "displace" or found.objective.total >= admission.before):
            effect = found.objective.total - plan.objective.total
            text = _confirmed(fix, effect)
            return replace(fix, state="verified", effect=effect, text=text, plan=found)
    return replace(fix, state="not confirmed")


class _Asked:
    """Everything that the reasons of one plan are drawn from."""

    def __init__(self, ledger: Ledger, bound: Bound) -> None:
        self.ledger, self.bound, self.book = ledger, bound, PriceBook(ledger)
        self.room = Room(ledger)
        self.displacer = Displacer(ledger, self.room)
        total = bound.total
        self.distance = None if total is None else total - ledger.plan.objective.total

    def unplaced(self, j: int) -> Reason:
        """Return the reason of a job that is not placed."""
        ledger, job = self.ledger, self.ledger.instance.jobs[j]
        modes = list(enumerate(ledger.instance.modes(j)))
        best = self.bound.best[j].profit
        stake = None if best is None else max(0, best)
        made = Reason(job.id, "rule", False, "", "", at_stake=stake)
        missing = [p for p in job.predecessors if ledger.index[p] not in ledger.runs]
        if not modes:
            return self._refused(made, j)
        if best is None:
            rules, text = forbidden(self.book, modes)
            return replace(made, rules=rules, short=text, text=text, fixes=self._later(j))
        over = oversized(ledger, j, modes)
        if over:
            text = f"by itself it takes more than there is of {listed(over)}"
            return replace(made, rules=over, short=text, text=text)
        if missing:
            return self._waiting(made, missing, best)
        columns = [self.room.columns(j, n, mode) for n, mode in modes]
        return self._weighed(made, j, modes, columns, self.room, 0)

    def late(self, j: int) -> Reason:
        """Return the reason of a job that is placed, and ends after its due date."""
        ledger, job, run = self.ledger, self.ledger.instance.jobs[j], self.ledger.runs[j]
        most = self.bound.best[j].profit
        stake = None if most is None else max(0, most - self.book.profit(run))
        made = Reason(job.id, "rule", True, "", "", at_stake=stake)
        due = ledger.due(j)
        if ledger.instance.has_to_stay(j):
            text = (
                f"runs already, where it stays until it is done at {when(ledger.horizon, run.end)}"
            )
            return replace(made, rules=("one_placement",), short=text, text=text)
        modes = [
            (n, replace(mode, end_by=min(mode.end_by, due)))
            for n, mode in enumerate(ledger.instance.modes(j))
        ]
        timely = [(n, mode) for n, mode in modes if mode.first + mode.duration <= mode.end_by]
        if not timely:
            text = f"no run of it can end by its due date, {when(ledger.horizon, due)}"
            return replace(made, rules=("window",), short=text, text=text)
        if best_priced(self.book, j, timely) is None:
            rules, text = forbidden(self.book, timely)
            return replace(made, rules=rules, short=text, text=f"on time, {text}")
        room = self.room.without(frozenset((j,)))
        columns = [room.columns(j, n, mode) for n, mode in timely]
        return self._weighed(made, j, timely, columns, room, self.displacer.net[j])

    def _weighed(
        self,
        made: Reason,
        j: int,
        modes: list[tuple[int, Mode]],
        columns: list[Columns],
        room: Room,
        before: int,
    ) -> Reason:
        """Return the reason of a job with allowed runs: missed, priced out, no room, or gap."""
        ledger = self.ledger
        fit = best_fit(ledger, j, columns)
        if fit is not None and fit.gain > before:
            return self._missed(made, j, fit, before)
        best = best_priced(self.book, j, modes)
        if best is not None and not ledger.is_fixed(j):
            most = max(0, self.bound.best[j].profit or 0) if made.is_late else 0
            if best.profit < most or (best.profit <= 0 and not made.is_late):
                return self._priced_out(made, j, best, most)
        if fit is not None:
            return self._loses(made, fit, before)
        if any(c.undecided.any() for c in columns):
            text = f"not decided whether its slices of several sizes fit; {self._stake(made)}"
            return replace(made, kind="gap", short="undecided", text=text)
        return self._no_room(made, j, columns, room, before)

    def _refused(self, made: Reason, j: int) -> Reason:
        rules, text = refused(self.ledger.instance, j)
        return replace(made, rules=rules, short=text, text=text, fixes=self._later(j))

    def _waiting(self, made: Reason, missing: list[str], best: int) -> Reason:
        text = (
            f"waits for {listed(missing)}, which {'is' if len(missing) == 1 else 'are'} not placed"
        )
        more = f"; by itself it is {money(-best)} short of its price" if best <= 0 else ""
        return replace(made, rules=("precedence",), short=text, text=text + more)

    def _missed(self, made: Reason, j: int, fit: Fit, before: int) -> Reason:
        gain = money(fit.gain - before)
        word = "on time " if made.is_late else ""
        text = (
            f"fits {word}{described(self.ledger, fit.column, fit.index)} as the plan stands and "
            f"would raise the objective by about {gain}: the search missed it"
        )
        short = f"fits {word}as it stands, about {gain} more: missed by the search"
        return replace(made, kind="gap", short=short, text=text, gain=fit.gain - before)

    def _loses(self, made: Reason, fit: Fit, before: int) -> Reason:
        """It fits as the plan stands, and the objective would fall: by energy, or by being late."""
        where, loss = described(self.ledger, fit.column, fit.index), money(before - fit.gain)
        if made.is_late:
            short = f"on time costs {loss} more than being late, as the plan stands"
            text = f"could run on time {where}, but that costs {loss} more than being late"
        else:
            short = f"there is room, but running costs {loss} more than it is worth"
            text = f"could run {where}, but all that it costs there is {loss} more than its worth"
        text += f", with all others where they are; {self._stake(made)}"
        return replace(made, kind="gap", short=short, text=text)

    def _priced_out(self, made: Reason, j: int, best: Priced, most: int) -> Reason:
        """Its best run, at the certified prices, does not pay."""
        ledger, margin = self.ledger, most - best.profit
        split = price_split(self.book, j, best)
        paid = sum(x for _, x in split)
        parts = ", ".join(f"{name} {money(x)}" for name, x in split if x * 50 >= paid)
        where = described(ledger, best.column, best.index)
        if made.is_late:
            short = f"on time costs {money(margin)} more than being late, at the prices"
            text = f"{short}; its best run on time, {where}, is priced {money(paid)}: {parts}"
            fix = lateness_fix(ledger, j, margin)
        else:
            value = best.profit + paid
            short = f"takes {money(paid)} at the certified prices, {_mostly(split)}"
            text = (
                f"its cheapest run, {where}, is priced {money(paid)} ({parts}); it is worth "
                f"{money(value)}, {money(margin)} ({percent(margin, value)}) less"
            )
            fix = value_fix(ledger, j, margin)
        if not made.is_late and self.distance is not None and margin >= self.distance:
            text += "; proven: no plan better than this one has it"
        made = replace(made, kind="priced_out", margin=margin, split=split, short=short, text=text)
        return replace(made, fixes=(fix, *(() if made.is_late else self._later(j))))

    def _no_room(
        self, made: Reason, j: int, columns: list[Columns], room: Room, before: int
    ) -> Reason:
        """No run fits: what blocks, who would have to go, what would have to grow."""
        ledger = self.ledger
        blocks = blocking(ledger, room, j, columns)
        total = sum(len(c.starts) for c in columns)
        which = counted(total, "run") + (" on time" if made.is_late else "")
        text = (
            f"none of its {which} fits beside the others at their hours and on their domains: "
            f"{listed([b.said(total) for b in blocks[:3]])}; {self._stake(made)}"
        )
        fixes, gain = [], self._gain(j, columns) - before
        grown = shortfall_fix(ledger, self.book, room, j, columns, gain)
        fixes += [grown] if grown is not None else []
        away = self.displacer.cheapest(j, columns, room)
        if away is not None:
            fixes.append(displace_fix(ledger, j, away, gain))
            if gain > away.loss:
                text += f"; {fixes[-1].text}: the search missed the exchange"
        short = f"lacks {listed([b.lacks for b in blocks], 2)}"
        rules = tuple(f"{b.block.rule} {b.block.of}" for b in blocks)
        later = () if made.is_late else self._later(j, room)
        return replace(
            made, kind="no_room", rules=rules, short=short, text=text, fixes=(*fixes, *later)
        )

    def _gain(self, j: int, columns: list[Columns]) -> int:
        """Return what its best run would bring after energy, were there room [nano-USD]."""
        each = [gains(self.ledger, j, c, self.displacer.marginal) for c in columns]
        return max((int(x.max()) for x in each if len(x)), default=0)

    def _later(self, j: int, room: Room | None = None) -> tuple[Fix, ...]:
        """Return the fix of a later deadline: the first end that pays, and fits in a room."""
        ends = []
        for number, mode in enumerate(relaxed(self.ledger, j)):
            starts, until = self.book.starts(j, mode)
            profits = self.book.profits(j, mode, starts, until)
            good = profits > 0
            if room is not None and len(starts):
                found = room.columns(j, number, mode)
                good &= np.isin(starts, found.starts[found.fits])
            i = np.flatnonzero(good)
            ends += [(int(until[k]), int(profits[k])) for k in i[:1]]
        if not ends:
            return ()
        end, profit = min(ends)
        return (deadline_fix(self.ledger, j, end, profit),)

    def _stake(self, made: Reason) -> str:
        what = "having it on time" if made.is_late else "letting it in"
        if made.at_stake is None:
            return f"what {what} can add is not bounded"
        return f"{what} can add at most {money(made.at_stake)} to the objective"


def _mostly(split: tuple[tuple[str, int], ...]) -> str:
    """Return the largest part of a price, and its share."""
    name, amount = split[0]
    return f"{percent(amount, sum(x for _, x in split))} of it {name}"


def _confirmed(fix: Fix, effect: int) -> str:
    """Return a fix with what a new solve found; one that displaces says only that it must run."""
    base = "as a job that must run" if fix.kind == "displace" else fix.text
    said = f"{money(abs(effect))} {'higher' if effect >= 0 else 'lower'}"
    return f"{base} (solved again: objective {said})"
