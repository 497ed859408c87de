"""What routes stand on: runs, settings, tenants, readers, figures; and what several of them do."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from service.http.guard import body_of
from service.http.problems import Problem
from service.runs.port import NotYet, Order, PlanKind, Start

if TYPE_CHECKING:
    from service.http.observe import Figures
    from service.http.reading.readers import Readers
    from service.http.settings import Settings
    from service.runs.port import Answer, Run
    from service.runs.runs import Runs

from service.http.tokens import Caller, Tenants

__all__ = ["COOKIE", "Desk", "Raw", "TheCaller", "TheDesk", "the_desk"]

COOKIE = "fleetwatt_token"
DAY = 86_400.0


@dataclass
class Desk:
    """All that an app needs, made once.

    Attributes
    ----------
    quick
        Children that read what is posted.
    slow
        Children that check, explain and report.
    streams
        Streams of events that are open.
    """

    runs: Runs
    settings: Settings
    tenants: Tenants
    quick: Readers
    slow: Readers
    figures: Figures
    streams: int = 0

    def head(self, caller: Caller, **more: Any) -> dict[str, Any]:
        """Return what a child needs to know to read a body."""
        return {"max_values": self.settings.max_values, "quotas": asdict(caller.quotas)} | more

    async def submit(
        self, caller: Caller, question: str, read: list[bytes], raw: bytes, **more: Any
    ) -> tuple[Run, bool]:
        """Return the run of an order that was read, and whether it is new."""
        said = json.loads(read[0])
        order = Order(
            tenant=caller.tenant,
            question=question,
            instance=read[1].decode(),
            instance_hash=said["instance_hash"],
            name=said["name"],
            options=said["options"],
            body_hash=_fingerprint(question, more.get("parent"), raw),
            **more,
        )
        run, is_new = await run_in_threadpool(self._enter, caller, order)
        if is_new:
            self.figures.submitted.labels(question).inc()
        return run, is_new

    def _enter(self, caller: Caller, order: Order) -> tuple[Run, bool]:
        quotas = caller.quotas
        used = self.runs.seconds(caller.tenant, time.time() - DAY)
        if used >= quotas.seconds_per_day:
            detail = (
                f"{used:,.0f} s were solved in 24 hours; {quotas.seconds_per_day:,.0f} s may be."
            )
            raise Problem("too_many", detail, headers={"Retry-After": "600"})
        return self.runs.submit(order, quotas.open_runs)

    def best(self, tenant: str, run: str) -> Answer:
        """Return the plan of a run: its result, or the best so far; NotYet if there is none."""
        try:
            return self.runs.answer(tenant, run)
        except NotYet:
            return self.runs.answer(tenant, run, PlanKind.CHECKPOINT)

    def texts(self, tenant: str, run: str) -> tuple[Run, bytes, bytes]:
        """Return a run, its instance and its best plan as stored texts."""
        found, plan = self.runs.get(tenant, run), self.best(tenant, run).plan
        return found, self.runs.instance(tenant, run).encode(), plan.encode()

    def start(self, run: Run, instance: str) -> Start | None:
        """Return the plan of a run, of an instance, to begin another from; None if it has none."""
        try:
            return Start(self.best(run.tenant, run.id).plan, instance, run.instance_hash)
        except NotYet:
            return None


def _fingerprint(question: str, parent: str | None, raw: bytes) -> str:
    return hashlib.sha256(f"{question} {parent} ".encode() + raw).hexdigest()


async def the_desk(request: Request) -> Desk:
    """Return the desk of the app."""
    desk: Desk = request.app.state.desk
    return desk


async def _caller(request: Request) -> Caller:
    """Return who asks; Problem if that is nobody we know."""
    desk: Desk = request.app.state.desk
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given = token.strip() if scheme.lower() == "bearer" else request.cookies.get(COOKIE)
    found = desk.tenants.caller(given)
    if found is None:
        heads = {"WWW-Authenticate": 'Bearer realm="fleetwatt"'}
        hint = "Send `Authorization: Bearer fw_...`; `fleetwatt token` makes one."
        raise Problem("no_token", "No token that is known here was given.", hint, headers=heads)
    request.scope["fleetwatt.tenant"] = found.tenant
    return found


async def _raw(request: Request) -> bytes:
    """Return the body, of JSON by its own word."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem("wrong_type", "The body has to be application/json.")
    desk: Desk = request.app.state.desk
    return await body_of(request, desk.settings.body_seconds)


TheDesk = Annotated[Desk, Depends(the_desk)]
TheCaller = Annotated[Caller, Depends(_caller)]
Raw = Annotated[bytes, Depends(_raw)]
