"""The pages: a list of runs, and a run whose gap closes while one looks.

They are made here, in whole, and need no script to be read; a script of some twenty lines fetches
the live part anew when the stream of events says that something happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from optimizer.domain.reports import Chart, ChartSeries
from optimizer.units import usd
from service.http.views import run_view
from service.render import charts
from service.render.html import DESK, PHONE
from service.render.numbers import DASH, quantity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment

    from service.http.problems import Problem
    from service.runs.port import Event, Run

__all__ = ["POLICY", "STATIC", "live_part", "login_page", "page_of", "problem_page", "runs_page"]

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
STATIC = {
    "report.css": ("service.render", "text/css"),
    "site.css": ("service.http", "text/css"),
    "live.js": ("service.http", "text/javascript"),
}
"""Files that pages need, and where they are."""

SAYS = {
    "queued": "It waits for a worker.",
    "running": "It is searching; plan and bound are shown as they get better.",
    "stopping": "It was asked to stop; the best plan is being checked.",
    "done": "It is done; the plan has passed the checker.",
    "failed": "It failed.",
    "cancelled": "It was cancelled; the best plan that was written down stays.",
}
NO_PLAN = {
    "infeasible": "It is done: there is no plan, proven; the report says which rules clash.",
    "unknown": "It is done: no plan was found, and it is not proven that there is none.",
}
TONES = {"done": "good", "failed": "bad", "cancelled": "warn"}


@dataclass(frozen=True, slots=True)
class _Row:
    """A run in words."""

    run: Run
    began: str
    took: str
    plan: str
    bound: str
    gap: str
    tone: str


def runs_page(tenant: str, found: Sequence[Run], after: str | None, *, is_open: bool) -> str:
    """Return the list of runs; after is where the next page begins."""
    rows = [_row(run) for run in found]
    return (
        _room()
        .get_template("runs.html.j2")
        .render(tenant=tenant, rows=rows, after=after, is_open=is_open)
    )


def page_of(run: Run, events: Sequence[Event], *, has_plan: bool, is_open: bool) -> str:
    """Return the page of a run."""
    facts = [
        ("Instance", f"{run.name}, hash {run.instance_hash[:16]}"),
        ("Asked", _moment(run.created)),
        ("Begun", _moment(run.started)),
        ("Ended", _moment(run.ended)),
        ("Attempts", str(run.attempts)),
        *((name, _option(value)) for name, value in run.options.items()),
    ]
    return (
        _room()
        .get_template("run.html.j2")
        .render(
            run=run, facts=facts, live=live_part(run, events, has_plan=has_plan), is_open=is_open
        )
    )


def live_part(run: Run, events: Sequence[Event], *, has_plan: bool) -> str:
    """Return the part of a page that changes while a run goes on."""
    chart = _chart(run, [e for e in events if e.kind == "incumbent"])
    drawn = None
    if chart is not None:
        pictures = tuple(charts.draw(chart, width) for width in (DESK, PHONE))
        drawn = (chart.y_unit, charts.legend(chart), *pictures)
    kind = "engine" if run.question == "expand" else "certified"
    says = NO_PLAN.get(run.outcome or "", "") if run.state == "done" else ""
    says = says or SAYS[run.state]
    return (
        _room()
        .get_template("live.html.j2")
        .render(run=run, row=_row(run), says=says, chart=drawn, kind=kind, has_plan=has_plan)
    )


def login_page(*, is_wrong: bool) -> str:
    """Return the page that asks for a token."""
    return _room().get_template("login.html.j2").render(is_wrong=is_wrong)


def problem_page(problem: Problem) -> str:
    """Return the page that says what is wrong."""
    return _room().get_template("problem.html.j2").render(**problem.data() | {"hint": problem.hint})


def _row(run: Run) -> _Row:
    view = run_view(run)
    plan, bound = (quantity(x, "USD") for x in (view.objective_usd, view.bound_usd))
    end = run.ended if run.ended is not None else datetime.now(UTC).timestamp()
    took = DASH if run.started is None else quantity(round(end - run.started), "s")
    is_none = run.outcome in ("infeasible", "unknown")
    tone = "warn" if run.state == "done" and is_none else TONES.get(run.state, "plain")
    gap = quantity(run.gap, "share")
    return _Row(run, _moment(run.created), took, plan, bound, gap, tone)


def _moment(at: float | None) -> str:
    return DASH if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"


def _option(value: Any) -> str:
    if value is None or value == {}:
        return DASH
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _chart(run: Run, found: Sequence[Event]) -> Chart | None:
    """Return plan and bound over the time of the search; None where there is nothing to draw."""
    known = [e for e in found if e.data.get("objective") is not None]
    if len(known) < 2:
        return None
    unit = "" if run.options.get("objective") == "work" else "USD"
    series = tuple(
        ChartSeries(name, tuple(_usd(e.data.get(key)) for e in known), is_limit=key == "bound")
        for name, key in (("plan", "objective"), ("bound", "bound"))
    )
    x = tuple(float(e.data["seconds"]) for e in known)
    return Chart("line", "Plan and bound", x, "s", unit, series)


def _usd(nano: int | None) -> float | None:
    return None if nano is None else usd(nano)


@cache
def _room() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    folder = files("service.http") / "page"
    return Environment(
        loader=FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
