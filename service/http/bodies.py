"""What is posted, read strictly: one meaning, known fields, kinds that are not guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from optimizer.domain.fields import shown
from optimizer.domain.findings.strict import oddities, strict_json
from optimizer.domain.findings.where import code_of, pointer
from optimizer.errors import InstanceError
from service.http.problems import Problem, errors_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "Again", "Body", "Changed", "Checked", "Compared", "Explained", "Submission", "Validated",
    "errors_in", "read",
]  # fmt: skip

InstanceOrName = Annotated[
    dict[str, Any] | str,
    Field(
        description="An instance (`GET /v1/schemas/instance`), or the name of one in the catalog"
    ),
]
Plan = Annotated[
    dict[str, Any], Field(description="A plan file, as `GET /v1/runs/{id}/plan` has it")
]
OptionsData = Annotated[
    dict[str, Any],
    Field(description="How to solve, as `GET /v1/schemas/{question}-options`; defaults else"),
]

MANY = 1000
"""More wrong fields are counted, not listed."""

BodyT = TypeVar("BodyT", bound="Body")


class Body(BaseModel):
    """What all bodies have in common."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Submission(Body):
    """A run that is asked for."""

    instance: InstanceOrName
    options: OptionsData = {}


class Validated(Body):
    """An instance that is to be read, and nothing else."""

    instance: InstanceOrName


class Checked(Body):
    """An instance and a plan of it."""

    instance: InstanceOrName
    plan: Plan


class Explained(Checked):
    """An instance, a plan of it, and what is to be explained: a job, an offer; null for all."""

    job: Annotated[str, Field(max_length=80)] | None = None


class Compared(Body):
    """An instance and two plans of it."""

    instance: InstanceOrName
    plans: Annotated[list[dict[str, Any]], Field(min_length=2, max_length=2)]


class Again(Body):
    """The same once more, from the plan there is; options that are given replace those there."""

    options: OptionsData = {}


class Change(Body):
    """One changed value: null puts a field back to its default."""

    pointer: Annotated[str, Field(pattern=r"^/", max_length=1000)]
    value: Any


class Changed(Again):
    """Changes of the instance, as `fleetwatt patch` takes them."""

    changes: Annotated[list[Change], Field(min_length=1, max_length=10_000)]


def read(model: type[BodyT], raw: bytes, max_values: int) -> BodyT:
    """Return a body.

    max_values
        Values that a body may hold, about.

    Raises
    ------
    Problem
        With every finding, none of which repeats a value.
    """
    opened = raw.count(b"[") + raw.count(b"{")
    if opened + raw.count(b",") > max_values or opened > max_values // 5:
        detail = f"The body has more than {max_values:,} values, or a fifth of that in lists."
        raise Problem("too_large", detail)
    try:
        data, findings = strict_json(raw.decode("utf-8"))
    except UnicodeDecodeError as e:
        raise Problem("not_json", f"The body is no UTF-8 text, at byte {e.start:,}.") from None
    except InstanceError as e:
        errors = list(errors_of(e.findings))
        code = "not_json" if errors[0]["code"] == "not_json" else "bad_data"
        raise Problem(code, "The body cannot be read.", errors=errors) from None
    if findings := findings + oddities(data):
        raise Problem("bad_data", "The body is no plain JSON.", errors=errors_of(findings))
    try:
        return model.model_validate(data)
    except ValidationError as e:
        raise Problem("bad_data", "The body is refused.", errors=errors_in(e)) from None


def errors_in(error: ValidationError, at: str = "") -> Iterator[dict[str, str]]:
    """Yield what pydantic found as errors; at is the JSON pointer of what it looked at."""
    if error.error_count() > MANY:
        said = f"{error.error_count():,} fields are wrong"
        yield {"pointer": at, "code": "bad_value", "detail": said}
        return
    for item in error.errors(include_url=False, include_context=False):
        said = item["msg"].removeprefix("Value error, ")
        steps = [s for s in item["loc"] if s not in ("dict[str,any]", "str")]
        detail = f"{said}, got {shown(item['input'])}"
        if item["type"] == "extra_forbidden":
            detail = "is not a field that is known here; take it out or mend its name"
        elif item["type"] == "missing":
            detail = "is missing; give it"
        code = code_of(item["type"])
        yield {"pointer": (at + pointer(*steps))[:400], "code": code, "detail": detail[:400]}
