"""The worker's side of the tables: what is to be done, and what came of it.

Every begin of a run has a number, its attempt, and only the latest attempt may write: a worker that
was held to be dead and comes back finds its writes refused.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from optimizer.domain.answers.records import gap_of
from service.runs.port import ENDED, OPEN, Error, PlanKind, RunState
from service.runs.runs import LIVE_SECONDS, add_event
from service.runs.tables import instances, plans, runs, workers

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from service.runs.tables import Database

__all__ = ["Claim", "Claims", "Fenced"]


class Fenced(Exception):
    """The run is no longer this attempt's: cancelled, deleted, or taken over."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt at a run.

    Attributes
    ----------
    instance
        JSON text.
    start
        What to begin from: `plan` and, if that is not of this instance, its `instance`; or None.
    checkpoint
        The best plan so far, as the solver said it; None while there is none.
    spent
        Seconds of search that earlier attempts have used.
    """

    run: str
    attempt: int
    question: str
    instance: str
    options: dict[str, Any]
    start: dict[str, str | None] | None
    checkpoint: dict[str, Any] | None
    spent: float


class Claims:
    """What workers read and write."""

    def __init__(self, database: Database) -> None:
        self._db = database

    # ---- what is to be done ---------------------------------------------------------------------

    def waiting(self, most: int) -> tuple[str, ...]:
        """Return runs to hand to the engine: few, and of the tenants with the fewest under way.

        most
            How many may have been handed on and not begun.
        """
        queued = sa.and_(runs.c.state == RunState.QUEUED, ~runs.c.handed)
        under_way = sa.or_(runs.c.handed, runs.c.state != RunState.QUEUED)
        each = sa.select(runs.c.tenant, sa.func.count().label("n"))
        busy = each.where(runs.c.state.in_(OPEN), under_way).group_by(runs.c.tenant).subquery()
        handed = sa.select(sa.func.count()).where(runs.c.state == RunState.QUEUED, runs.c.handed)
        with self._db.read() as c:
            room = most - int(c.execute(handed).scalar_one())
            if room <= 0:
                return ()
            asked = sa.select(runs.c.id).outerjoin(busy, busy.c.tenant == runs.c.tenant)
            order = sa.func.coalesce(busy.c.n, 0), runs.c.id
            return tuple(c.execute(asked.where(queued).order_by(*order).limit(1)).scalars())

    def handed(self, run: str) -> None:
        """Note that the engine has a run."""
        with self._db.write() as c:
            c.execute(sa.update(runs).where(runs.c.id == run).values(handed=True))

    def begin(self, run: str, worker: str) -> Claim | None:
        """Return a new attempt at a run; None if it has ended or is gone."""
        with self._db.write() as c:
            asked = sa.select(runs).where(runs.c.id == run).with_for_update()
            row = c.execute(asked).mappings().first()
            if row is None or row["state"] in ENDED:
                return None
            is_stopping = row["state"] == RunState.STOPPING
            state = RunState.STOPPING if is_stopping else RunState.RUNNING
            attempt = row["attempts"] + 1
            new = {"state": state, "attempts": attempt, "worker": worker, "handed": True}
            new["started"] = row["started"] or time.time()
            c.execute(sa.update(runs).where(runs.c.id == run).values(**new))
            add_event(c, run, "state", {"state": state, "attempt": attempt})
            return Claim(
                run,
                attempt,
                row["question"],
                _text(c, row["instance_hash"]),
                json.loads(row["options"]),
                *_start(c, run, row["instance_hash"]),
                row["spent"],
            )

    def states(self, ids: Collection[str]) -> dict[str, tuple[int, RunState]]:
        """Return attempt and state of runs; those that are gone are left out."""
        if not ids:
            return {}
        asked = sa.select(runs.c.id, runs.c.attempts, runs.c.state).where(runs.c.id.in_(ids))
        with self._db.read() as c:
            return {run: (n, RunState(state)) for run, n, state in c.execute(asked)}

    # ---- what came of it ------------------------------------------------------------------------

    def tell(self, claim: Claim, objective: int | None, bound: int | None, seconds: float) -> None:
        """Write a better incumbent or bound [nano-USD], after so many seconds of this attempt."""
        gap = None if objective is None else gap_of(objective, bound)
        spent = round(claim.spent + seconds, 3)
        each = {"objective": objective, "bound": bound}
        data: dict[str, Any] = {"seconds": spent, **each, "gap": gap}
        with self._db.write() as c:
            known = {name: str(x) for name, x in each.items() if x is not None}
            self._write(c, claim, spent=spent, **known, **({} if gap is None else {"gap": gap}))
            add_event(c, claim.run, "incumbent", data)

    def checkpoint(self, claim: Claim, found: Mapping[str, Any]) -> None:
        """Keep the best plan so far."""
        with self._db.write() as c:
            self._write(c, claim, spent=round(claim.spent + found["seconds"], 3))
            self._plan(c, claim, PlanKind.CHECKPOINT, found)

    def finish(self, claim: Claim, found: Mapping[str, Any]) -> None:
        """Write the result: the run is done."""
        with self._db.write() as c:
            figures = {n: None if found[n] is None else str(found[n]) for n in _FIGURES}
            same = {name: found[name] for name in ("outcome", "stopped_by", "gap", "is_good")}
            end = {"state": RunState.DONE, "ended": time.time()}
            self._write(c, claim, **figures, **same, **end)
            self._plan(c, claim, PlanKind.RESULT, found)
            mine = plans.c.run == claim.run, plans.c.kind == PlanKind.CHECKPOINT
            c.execute(sa.delete(plans).where(*mine))
            said = {name: found[name] for name in (*_FIGURES, "gap", "outcome", "stopped_by")}
            add_event(c, claim.run, "state", {"state": RunState.DONE, **said})

    def fail(self, claim: Claim, error: Error) -> None:
        """Write that a run failed, and why; its best plan stays."""
        with self._db.write() as c:
            end = {"state": RunState.FAILED, "ended": time.time()}
            said = {"error_code": error.code, "error_message": error.message}
            self._write(c, claim, **end, **said)
            told = {"code": error.code, "message": error.message}
            add_event(c, claim.run, "state", {"state": RunState.FAILED, "error": told})

    def crashed(self, claim: Claim) -> int:
        """Count a death of the solver; return how many there have been."""
        with self._db.write() as c:
            self._write(c, claim, crashes=runs.c.crashes + 1)
            asked = sa.select(runs.c.crashes).where(runs.c.id == claim.run)
            return int(c.execute(asked).scalar_one())

    def _write(self, c: sa.Connection, claim: Claim, **values: Any) -> None:
        mine = runs.c.id == claim.run, runs.c.attempts == claim.attempt, runs.c.state.in_(OPEN)
        if c.execute(sa.update(runs).where(*mine).values(**values)).rowcount != 1:
            raise Fenced(claim.run)

    def _plan(
        self, c: sa.Connection, claim: Claim, kind: PlanKind, found: Mapping[str, Any]
    ) -> None:
        c.execute(sa.delete(plans).where(plans.c.run == claim.run, plans.c.kind == kind))
        own = sa.select(runs.c.instance_hash).where(runs.c.id == claim.run).scalar_subquery()
        text = {name: found[name] for name in ("plan", "verdict")}
        row = {"run": claim.run, "kind": kind, "instance_hash": own}
        c.execute(sa.insert(plans).values(**row, **text))

    # ---- workers --------------------------------------------------------------------------------

    def beat(self, worker: str, slots: int) -> None:
        """Say that a worker lives."""
        row = {"slots": slots, "beat": self._db.now()}
        with self._db.write() as c:
            known = sa.update(workers).where(workers.c.id == worker).values(**row)
            if c.execute(known).rowcount == 0:
                c.execute(sa.insert(workers).values(id=worker, **row))

    def others(self, worker: str) -> dict[str, bool]:
        """Return the other workers, and whether each has been heard of lately."""
        is_live = workers.c.beat > self._db.now() - LIVE_SECONDS
        with self._db.read() as c:
            rows = c.execute(sa.select(workers.c.id, is_live).where(workers.c.id != worker))
            return {name: bool(live) for name, live in rows}

    def bury(self, worker: str) -> None:
        """Forget a worker whose runs have been taken over."""
        with self._db.write() as c:
            c.execute(sa.delete(workers).where(workers.c.id == worker))


_FIGURES = ("objective", "bound")


def _text(c: sa.Connection, its_hash: str) -> str:
    text: str = c.execute(
        sa.select(instances.c.text).where(instances.c.hash == its_hash)
    ).scalar_one()
    return text


def _start(
    c: sa.Connection, run: str, own: str
) -> tuple[dict[str, str | None] | None, dict[str, Any] | None]:
    """Return what to begin from: the best plan so far, or else a given one; and the former."""
    rows = c.execute(sa.select(plans).where(plans.c.run == run)).mappings()
    found = {row["kind"]: row for row in rows}
    best = found.get(PlanKind.CHECKPOINT)
    row = best or found.get(PlanKind.START)
    if row is None:
        return None, None
    other = row["instance_hash"] != own
    start = {"plan": row["plan"], "instance": _text(c, row["instance_hash"]) if other else None}
    return start, None if best is None else _said(best["plan"], best["verdict"])


def _said(plan: str, verdict: str) -> dict[str, Any]:
    """Return a plan that has been checked as the solver said it."""
    data = json.loads(plan)
    return {
        "plan": plan,
        "verdict": verdict,
        "is_good": True,
        "outcome": data["status"],
        "stopped_by": data["run"]["stopped_by"],
        "seconds": data["run"]["seconds"],
        "objective": data["objective"]["total"],
        "bound": data["bound"],
        "gap": data["gap"],
    }
