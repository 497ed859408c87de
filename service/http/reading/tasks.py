"""What a child can be asked. Parts are bytes: bodies as they came, stored texts; answers are JSON.

The head of a question has, where a body is read, `max_values` and `quotas` of whoever sent it.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from optimizer.domain.files import instance_of, parse_instance
from optimizer.domain.findings.where import located
from optimizer.errors import Finding, FleetwattError, InstanceError, Unsupported
from optimizer.questions import QUESTIONS, parse_plan
from optimizer.sizes import size_of
from service.http import bodies
from service.http.problems import Problem, errors_of, problem_of
from service.http.reading.data import report_data
from service.render.html import html
from service.render.spreadsheet import spreadsheets

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Report
    from optimizer.questions import Question

__all__ = ["TASKS"]

Head = dict[str, Any]


LATER = (
    "optimizer.place.check", "optimizer.place.report", "optimizer.place.explain",
    "optimizer.place.reasons.report", "optimizer.place.compare.report", "optimizer.mix.check",
    "optimizer.mix.report", "optimizer.mix.explain", "optimizer.mix.compare",
    "optimizer.expand.check", "optimizer.expand.report", "optimizer.expand.why.told",
    "optimizer.expand.studies.weigh",
)  # fmt: skip
"""Modules that the doors of the questions import when they are first used."""


def _load(head: Head) -> list[bytes]:
    """Nothing -> nothing: what would be imported later is imported now."""
    for name in LATER:
        import_module(name)
    return []


def _validate(head: Head, body: bytes) -> list[bytes]:
    """An instance -> what it holds."""
    asked = bodies.read(bodies.Validated, body, head["max_values"])
    return [_json(_said(_instance(asked.instance, head), head))]


def _order(head: Head, body: bytes) -> list[bytes]:
    """A submission of a question -> what is known of it, and the text of the instance."""
    asked = bodies.read(bodies.Submission, body, head["max_values"])
    question = QUESTIONS[head["question"]]
    options = _options(question, asked.options, head)
    return _ordered(question, _instance(asked.instance, head, options), options, head)


def _follow(head: Head, body: bytes, instance: bytes) -> list[bytes]:
    """What follows a run, and the instance of that run -> as `_order`.

    The head has the question, the options of the run, and whether its instance is changed.
    """
    question = QUESTIONS[head["question"]]
    model = bodies.Changed if head["is_changed"] else bodies.Again
    asked: bodies.Again = bodies.read(model, body, head["max_values"])
    options = _options(question, head["options"] | asked.options, head)
    made = _stored(instance)
    if isinstance(asked, bodies.Changed):
        made = _patched(question, made, asked)
    _not_too_large(made.data(), head, getattr(options, "draw", 0))
    return _ordered(question, made, options, head)


def _patched(
    question: Question[Any, Any, Any], instance: Instance, asked: bodies.Changed
) -> Instance:
    from optimizer.domain.changes.patch import Change

    try:
        return question.patch(instance, [Change(c.pointer, c.value) for c in asked.changes])
    except InstanceError as e:
        is_lost = all(f.startswith("changes[") for f in e.findings)
        hint = "" if is_lost else "Pointers are into the changed instance."
        problem = problem_of(e)
        raise Problem("bad_data", "The changes are refused.", hint, problem.errors) from None


def _check(head: Head, body: bytes) -> list[bytes]:
    """An instance and a plan -> verdict."""
    asked = bodies.read(bodies.Checked, body, head["max_values"])
    question, instance, plan = _both(asked, head)
    verdict = _about_plan(question.check, instance, plan)
    found = verdict.model_dump(mode="json", by_alias=True)
    names = {"question": question.name, "instance": instance.name, "instance_hash": instance.hash}
    return [_json(names | {"is_good": verdict.is_good} | found)]


def _explain(head: Head, body: bytes) -> list[bytes]:
    """An instance, a plan, a job -> report."""
    asked = bodies.read(bodies.Explained, body, head["max_values"])
    question, instance, plan = _both(asked, head)
    return [_report(_about_plan(question.explain, instance, plan, asked.job))]


def _compare(head: Head, body: bytes) -> list[bytes]:
    """An instance and two plans -> report."""
    asked = bodies.read(bodies.Compared, body, head["max_values"])
    instance = _instance(asked.instance, head)
    found = [_plan(plan, instance, f"/plans/{i}") for i, plan in enumerate(asked.plans)]
    return [_side_by_side(instance, *found)]


def _explain_run(head: Head, instance: bytes, plan: bytes) -> list[bytes]:
    """Texts of a run -> report."""
    question, made, found = _answer(instance, plan)
    return [_report(_about_job(question, made, found, head["job"]))]


def _about_job(
    question: Question[Any, Any, Any], made: Instance, plan: Any, job: str | None
) -> Report:
    try:
        return question.explain(made, plan, job)
    except Unsupported:
        raise
    except FleetwattError:
        detail = "There is no such job or offer in the instance of the run."
        error = {"parameter": "job", "code": "unknown_name", "detail": "names nothing there"}
        raise Problem("bad_parameter", detail, errors=[error]) from None


def _compare_runs(head: Head, instance: bytes, first: bytes, second: bytes) -> list[bytes]:
    """Texts of two runs of one instance -> report."""
    made = _stored(instance)
    plans = [parse_plan(text.decode()) for text in (first, second)]
    return [_side_by_side(made, *plans)]


def _side_by_side(instance: Instance, first: tuple[Any, Any], second: tuple[Any, Any]) -> bytes:
    (question, before), (other, after) = first, second
    if question is not other:
        detail = f"One plan answers {question.name}, the other {other.name}."
        raise Problem("bad_data", detail)
    return _report(_about_plan(question.compare, instance, before, after))


def _report_run(head: Head, instance: bytes, plan: bytes) -> list[bytes]:
    """Texts of a run -> its report, in the form that the head says.

    form: `data`; `page`; `tables`, their names; `table`, the one that the head names.
    """
    report = _reported(instance, plan)
    if head["form"] == "page":
        return [html(report).encode()]
    if head["form"] == "data":
        return [_report(report)]
    files = spreadsheets(report)
    if head["form"] == "tables":
        return [_json(list(files))]
    if head["table"] not in files:
        raise Problem("unknown", "The report has no such table.", f"See {head['see']}")
    return [files[head["table"]].encode()]


def _model(head: Head, instance: bytes) -> list[bytes]:
    """Text of an instance -> its model in MPS form."""
    question = QUESTIONS[head["question"]]
    write = getattr(question, "write_mps", None)
    if write is None:
        raise Unsupported(f"{question.name}.mps")
    with TemporaryDirectory() as folder:
        path = Path(folder, "model.mps")
        write(_stored(instance), path)
        return [path.read_bytes()]


def _ordered(
    question: Question[Any, Any, Any], instance: Instance, options: Any, head: Head
) -> list[bytes]:
    said = _said(instance, head)
    if question.name not in said["questions"]:
        part = {"place": "jobs"}.get(question.name, question.name)
        error = {"pointer": f"/instance/{part}", "code": "missing", "detail": "is missing; give it"}
        raise Problem("bad_data", f"The instance asks nothing of {question.name}.", errors=[error])
    said["options"] = options.model_dump(mode="json")
    return [_json(said), instance.text.encode()]


def _said(instance: Instance, head: Head) -> dict[str, Any]:
    """Return what is known of an instance that can be read."""
    asks = {"place": bool(instance.jobs), "mix": instance.mix, "expand": instance.expand}
    return {
        "name": instance.name,
        "instance_hash": instance.hash,
        "questions": [name for name, asked in asks.items() if asked],
        "size": head["found_size"],
        "jobs": len(instance.jobs),
        "sites": len(instance.sites),
        "pools": len(instance.pools),
        "periods": instance.horizon.periods,
    }


def _instance(given: dict[str, Any] | str, head: Head, options: Any = None) -> Instance:
    """Return the instance of a body: of the catalog by its name, or as it was sent."""
    draw = getattr(options, "draw", 0)
    if isinstance(given, str):
        instance, data = _named(given)
        _not_too_large(data, head, draw)
        return instance
    _not_too_large(given, head, draw)
    try:
        return instance_of(given)
    except InstanceError as e:
        raise problem_of(e, "/instance") from None


@lru_cache(maxsize=16)
def _named(name: str) -> tuple[Instance, dict[str, Any]]:
    from instances import catalog

    if name not in catalog.names():
        said = "is no name in the catalog; GET /v1/catalog/instances has them"
        error = {"pointer": "/instance", "code": "unknown_name", "detail": said}
        raise Problem("bad_data", "The catalog has no such instance.", errors=[error])
    instance = catalog.load(name)
    return instance, instance.data()


def _not_too_large(data: Any, head: Head, draw: int = 0) -> None:
    """Refuse an instance by the size of its model, before anything is made of it."""
    size, most = size_of(data, draw), head["quotas"]["size"]
    head["found_size"] = size
    if size > most:
        detail = f"Its model would have about {size:,} columns; {most:,} are allowed."
        hint = "Fewer jobs, pools, periods or futures; longer periods."
        raise Problem("over_quota", detail, hint, more={"size": size, "limit": most})


def _options(question: Question[Any, Any, Any], given: dict[str, Any], head: Head) -> Any:
    """Return options of a question, within the quotas of whoever asks."""
    try:
        options = type(question.options()).model_validate(given)
    except ValidationError as e:
        errors = list(bodies.errors_in(e, "/options"))
        raise Problem("bad_data", "The options are refused.", errors=errors) from None
    quotas = head["quotas"]
    for name, most in (("seconds", quotas["seconds"]), ("threads", quotas["cores"])):
        if getattr(options, name) > most:
            error = {
                "pointer": f"/options/{name}",
                "code": "bad_value",
                "detail": f"at most {most:g}",
            }
            raise Problem("over_quota", f"A run may have {most:g} {name}.", errors=[error])
    return options


def _both(asked: bodies.Checked, head: Head) -> tuple[Question[Any, Any, Any], Instance, Any]:
    instance = _instance(asked.instance, head)
    question, plan = _plan(asked.plan, instance, "/plan")
    return question, instance, plan


def _plan(data: dict[str, Any], instance: Instance, at: str) -> tuple[Question[Any, Any, Any], Any]:
    try:
        question, plan = parse_plan(json.dumps(data))
    except FleetwattError as e:
        lines = [located(Finding(line, "bad_value"), data) for line in str(e).splitlines()]
        raise Problem("bad_data", "The plan is refused.", errors=errors_of(lines, at)) from None
    if plan.instance_hash != instance.hash:
        said = "is of another instance"
        error = {"pointer": f"{at}/instance_hash", "code": "inconsistent", "detail": said}
        raise Problem("bad_data", "The plan is not of this instance.", errors=[error])
    return question, plan


def _about_plan(ask: Callable[..., Any], *given: Any) -> Any:
    """Return what a door says; what it refuses is about the plan or the job that were sent."""
    try:
        return ask(*given)
    except Unsupported:
        raise
    except OverflowError:
        detail = "A number of the plan is larger than any that is meant."
        raise Problem("bad_data", detail) from None
    except FleetwattError as e:
        raise problem_of(e, "/plan") from None


@lru_cache(maxsize=4)
def _stored(text: bytes) -> Instance:
    return parse_instance(text.decode())


@lru_cache(maxsize=4)
def _answer(instance: bytes, plan: bytes) -> tuple[Question[Any, Any, Any], Instance, Any]:
    """Return question, instance and plan of a run; the last few are kept."""
    question, found = parse_plan(plan.decode())
    return question, _stored(instance), found


@lru_cache(maxsize=2)
def _reported(instance: bytes, plan: bytes) -> Report:
    """Return the report of a run; all its forms are asked for one after the other."""
    question, made, found = _answer(instance, plan)
    return question.report(made, found, question.check(made, found))


def _report(report: Report) -> bytes:
    return _json(report_data(report))


def _json(data: Any) -> bytes:
    return json.dumps(data, allow_nan=False).encode("ascii")


TASKS: dict[str, Callable[..., list[bytes]]] = {
    "load": _load,
    "validate": _validate,
    "order": _order,
    "follow": _follow,
    "check": _check,
    "explain": _explain,
    "compare": _compare,
    "explain_run": _explain_run,
    "compare_runs": _compare_runs,
    "report_run": _report_run,
    "model": _model,
}
