"""The desk of runs: what tenants ask for and read. All of it answers from our own tables.

Every call names the tenant, and a run of another one is as unknown as one that never was.
"""

from __future__ import annotations

import json
import secrets
import time
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from optimizer.domain.answers.records import Status
from service.runs.port import (
    OPEN,
    Answer,
    Error,
    Event,
    Filter,
    Health,
    KeyReused,
    NotYet,
    Order,
    PlanKind,
    QuotaFull,
    Run,
    RunState,
    UnknownRun,
)
from service.runs.tables import events, instances, plans, runs, workers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.runs.tables import Database

__all__ = ["LIVE_SECONDS", "Runs", "add_event", "run_of"]

LIVE_SECONDS = 15.0
"""A worker that has not been heard of for so long is held to be dead [s]."""

SAME = (
    "id", "tenant", "question", "name", "instance_hash", "created", "parent", "stopped_by",
    "started", "ended", "attempts", "gap", "is_good",
)  # fmt: skip
"""Fields of a run that stand in its row as they are."""


class Runs:
    """What can be asked of runs; methods block on the database and are safe in threads."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def submit(self, order: Order, most_open: int | None = None) -> tuple[Run, bool]:
        """Return the run of an order, and whether it is new: by its key it may be known.

        most_open
            Open runs that the tenant may have, this one included.

        Raises
        ------
        KeyReused
            If the key stands for another request.
        QuotaFull
            If there are as many open runs.
        UnknownRun
            If the parent is not a run of the tenant.
        """
        with self._db.write() as c:
            self._db.hold(c, f"tenant {order.tenant}")
            if (known := self._known(c, order)) is not None:
                return known, False
            if order.parent is not None:
                self._row(c, order.tenant, order.parent)
            mine = runs.c.tenant == order.tenant
            if most_open is not None:
                found = sa.select(sa.func.count()).where(mine, runs.c.state.in_(OPEN))
                if c.execute(found).scalar_one() >= most_open:
                    raise QuotaFull(f"{most_open} runs are open, as many as there may be")
            return self._insert(c, order), True

    def get(self, tenant: str, run: str) -> Run:
        """Return the status of a run; UnknownRun if there is none."""
        with self._db.read() as c:
            return run_of(self._row(c, tenant, run))

    def list(self, tenant: str, which: Filter | None = None) -> tuple[Run, ...]:
        """Return the status of runs, the newest first."""
        which = which or Filter()
        asked = sa.select(runs).where(runs.c.tenant == tenant)
        for name in ("question", "state", "name", "parent"):
            if (value := getattr(which, name)) is not None:
                asked = asked.where(runs.c[name] == value)
        if which.before is not None:
            asked = asked.where(runs.c.id < which.before)
        with self._db.read() as c:
            rows = c.execute(asked.order_by(runs.c.id.desc()).limit(which.limit)).mappings()
            return tuple(run_of(dict(row)) for row in rows)

    def instance(self, tenant: str, run: str) -> str:
        """Return the JSON text of the instance of a run."""
        with self._db.read() as c:
            row = self._row(c, tenant, run)
            asked = sa.select(instances.c.text).where(instances.c.hash == row["instance_hash"])
            text: str = c.execute(asked).scalar_one()
            return text

    def answer(self, tenant: str, run: str, kind: PlanKind = PlanKind.RESULT) -> Answer:
        """Return a plan of a run; NotYet if it has none of that kind."""
        with self._db.read() as c:
            row = self._row(c, tenant, run)
            asked = sa.select(plans).where(plans.c.run == run, plans.c.kind == kind)
            found = c.execute(asked).mappings().first()
            if found is None:
                raise NotYet(f"run {run} is {row['state']} and has no plan of kind {kind.value}")
            return Answer(found["plan"], found["verdict"])

    def events(
        self, tenant: str, run: str, after: int = 0, kind: str | None = None, limit: int = 1000
    ) -> tuple[Event, ...]:
        """Return what happened to a run after an event's number, in order; reading takes nothing.

        kind
            Only events of this kind.
        """
        return self.followed(tenant, run, after, kind, limit)[1]

    def followed(
        self, tenant: str, run: str, after: int = 0, kind: str | None = None, limit: int = 1000
    ) -> tuple[Run, tuple[Event, ...]]:
        """Return the status of a run, and then `events`: none is missing that led to the status."""
        with self._db.read() as c:
            found = run_of(self._row(c, tenant, run))
            asked = sa.select(events).where(events.c.run == run, events.c.seq > after)
            if kind is not None:
                asked = asked.where(events.c.kind == kind)
            rows = c.execute(asked.order_by(events.c.seq).limit(limit)).mappings()
            return found, tuple(
                Event(r["seq"], r["at"], r["kind"], json.loads(r["data"])) for r in rows
            )

    def has_plan(self, tenant: str, run: str) -> bool:
        """Return whether a run has a plan of its own: a result, or the best so far."""
        with self._db.read() as c:
            self._row(c, tenant, run)
            its = sa.exists().where(plans.c.run == run, plans.c.kind != PlanKind.START)
            return bool(c.execute(sa.select(its)).scalar_one())

    def stop(self, tenant: str, run: str) -> Run:
        """Ask for the best plan so far; a run that has not begun is cancelled instead.

        Nothing changes where it has ended.
        """
        with self._db.write() as c:
            state = self._row(c, tenant, run, is_locked=True)["state"]
            if state == RunState.QUEUED:
                self._end(c, run)
            elif state == RunState.RUNNING:
                c.execute(sa.update(runs).where(runs.c.id == run).values(state=RunState.STOPPING))
                add_event(c, run, "state", {"state": RunState.STOPPING})
            return run_of(self._row(c, tenant, run))

    def cancel(self, tenant: str, run: str) -> Run:
        """End a run; its solver is killed, the best plan so far stays. Nothing if it has ended."""
        with self._db.write() as c:
            if self._row(c, tenant, run, is_locked=True)["state"] in OPEN:
                self._end(c, run)
            return run_of(self._row(c, tenant, run))

    def delete(self, tenant: str, run: str) -> None:
        """Forget a run that has ended, and what only it used; NotYet if it goes on."""
        with self._db.write() as c:
            row = self._row(c, tenant, run, is_locked=True)
            if row["state"] in OPEN:
                raise NotYet(f"run {run} is {row['state']}: cancel it first")
            hashes = {row["instance_hash"]}
            used = sa.select(plans.c.instance_hash).where(plans.c.run == run)
            hashes.update(c.execute(used).scalars())
            c.execute(sa.delete(plans).where(plans.c.run == run))
            c.execute(sa.delete(events).where(events.c.run == run))
            c.execute(sa.delete(runs).where(runs.c.id == run))
            for each in sorted(hashes):  # locked first: whoever is just using one is waited for
                c.execute(
                    sa.select(instances.c.hash).where(instances.c.hash == each).with_for_update()
                )
                c.execute(sa.delete(instances).where(instances.c.hash == each, *_unused(each)))

    def seconds(self, tenant: str, since: float) -> float:
        """Return a tenant's seconds of solving since a time [s since 1970]."""
        end = sa.func.coalesce(runs.c.ended, time.time())
        begin = sa.case((runs.c.started < since, since), else_=runs.c.started)
        spent = sa.func.coalesce(sa.func.sum(end - begin), 0.0)
        mine = runs.c.tenant == tenant
        late = sa.or_(runs.c.ended.is_(None), runs.c.ended > since)
        with self._db.read() as c:
            asked = sa.select(spent).where(mine, runs.c.started.is_not(None), late)
            return float(c.execute(asked).scalar_one())

    def health(self) -> Health:
        """Return live workers and runs by state."""
        with self._db.read() as c:
            live = workers.c.beat > self._db.now() - LIVE_SECONDS
            asked = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(workers.c.slots), 0))
            count, slots = c.execute(asked.where(live)).one()
            states = sa.select(runs.c.state, sa.func.count()).group_by(runs.c.state)
            by_state = {state: int(n) for state, n in c.execute(states)}
            return Health(int(count), int(slots), by_state)

    def _known(self, c: sa.Connection, order: Order) -> Run | None:
        if order.key is None:
            return None
        asked = sa.select(runs).where(runs.c.tenant == order.tenant, runs.c.key == order.key)
        row = c.execute(asked).mappings().first()
        if row is not None and row["body_hash"] != order.body_hash:
            raise KeyReused(f"idempotency key {order.key!r} came with another request before")
        return None if row is None else run_of(dict(row))

    def _insert(self, c: sa.Connection, order: Order) -> Run:
        run, now = f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}", time.time()
        _keep(c, order.instance_hash, order.instance)
        c.execute(
            sa.insert(runs).values(
                id=run,
                tenant=order.tenant,
                question=order.question,
                name=order.name,
                instance_hash=order.instance_hash,
                options=json.dumps(order.options),
                parent=order.parent,
                key=order.key,
                body_hash=order.body_hash,
                created=now,
                state=RunState.QUEUED,
            )
        )
        if order.start is not None:
            _keep(c, order.start.instance_hash, order.start.instance)
            c.execute(
                sa.insert(plans).values(
                    run=run,
                    kind=PlanKind.START,
                    instance_hash=order.start.instance_hash,
                    plan=order.start.plan,
                )
            )
        add_event(c, run, "state", {"state": RunState.QUEUED})
        return run_of(self._row(c, order.tenant, run))

    def _row(
        self, c: sa.Connection, tenant: str, run: str, *, is_locked: bool = False
    ) -> Mapping[str, Any]:
        asked = sa.select(runs).where(runs.c.id == run, runs.c.tenant == tenant)
        row = c.execute(asked.with_for_update() if is_locked else asked).mappings().first()
        if row is None:
            raise UnknownRun(f"no run {run}")
        return dict(row)

    def _end(self, c: sa.Connection, run: str) -> None:
        gone = {"state": RunState.CANCELLED, "ended": time.time()}
        c.execute(sa.update(runs).where(runs.c.id == run).values(**gone))
        add_event(c, run, "state", {"state": RunState.CANCELLED})


def run_of(row: Mapping[str, Any]) -> Run:
    """Return the record of a row of `runs`."""
    code, outcome = row["error_code"], row["outcome"]
    return Run(
        **{name: row[name] for name in SAME},
        state=RunState(row["state"]),
        options=json.loads(row["options"]),
        outcome=None if outcome is None else Status(outcome),
        objective=None if row["objective"] is None else int(row["objective"]),
        bound=None if row["bound"] is None else int(row["bound"]),
        error=None if code is None else Error(code, row["error_message"]),
    )


def add_event(c: sa.Connection, run: str, kind: str, data: Mapping[str, Any]) -> None:
    """Write the next event of a run; the run's row is locked by it until the transaction ends."""
    count = sa.update(runs).where(runs.c.id == run).values(events=runs.c.events + 1)
    seq = c.execute(count.returning(runs.c.events)).scalar_one()
    row = {"run": run, "seq": seq, "at": time.time(), "kind": kind, "data": json.dumps(data)}
    c.execute(sa.insert(events).values(**row))


def _keep(c: sa.Connection, its_hash: str, text: str) -> None:
    """Write an instance unless it is there; nobody deletes it until the transaction ends."""
    row = {"hash": its_hash, "text": text}
    if c.dialect.name == "sqlite":  # its one writer is this one; an update would write all the text
        c.execute(sqlite.insert(instances).values(**row).on_conflict_do_nothing())
        return
    new = postgresql.insert(instances).values(**row)
    c.execute(new.on_conflict_do_update(index_elements=["hash"], set_={"hash": its_hash}))


def _unused(its_hash: str) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the condition that no run and no plan is of an instance."""
    return tuple(
        ~sa.exists(sa.select(table.c.instance_hash).where(table.c.instance_hash == its_hash))
        for table in (runs, plans)
    )
