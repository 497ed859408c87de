"""Problems: what is said when a request is refused (RFC 9457), in one form and in one place.

Every refusal has a status, a code from `CODES`, a sentence, and where it helps a hint and a list of
errors with the JSON pointer of each. Nothing of what was sent is repeated but names that keep the
form of names.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from optimizer.domain.findings.where import CODES as ISSUES
from optimizer.errors import Finding, FleetwattError, InstanceError, PlanError, Unsupported
from service.runs.port import KeyReused, NotYet, QuotaFull, UnknownRun

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["CODES", "ISSUES", "MEDIA_TYPE", "Problem", "errors_of", "problem_of"]

MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 100
"""Errors that a problem lists; the rest is counted."""
LONGEST = 400
"""Characters of one of them."""

CODES: dict[str, tuple[int, str]] = {
    "not_json": (400, "the body is no JSON"),
    "bad_request": (400, "the request cannot be understood"),
    "no_token": (401, "a bearer token is needed, and none that is known was given"),
    "over_quota": (403, "more than this tenant may ask for at once"),
    "other_origin": (403, "a page of another site asked for a change"),
    "unknown": (404, "there is nothing here, or nothing of this tenant"),
    "wrong_method": (405, "what is here cannot be asked in this way"),
    "body_late": (408, "the body did not arrive in time"),
    "not_yet": (409, "the run is in a state in which this cannot be done, or has no plan"),
    "key_reused": (409, "the idempotency key came with another request before"),
    "other_instance": (409, "plans of two instances cannot be laid side by side"),
    "too_large": (413, "the body, or the model that it asks for, is too large"),
    "wrong_type": (415, "the body is not of a type that is read here, or is compressed"),
    "wrong_host": (421, "without tokens only this machine's own names are answered"),
    "bad_data": (422, "the body is JSON, but not what is asked for"),
    "bad_parameter": (422, "a parameter of the query, the path or the header is wrong"),
    "too_much_work": (422, "what is asked takes longer, or more memory, than is given to it"),
    "too_many": (429, "as many runs, seconds or requests at once as this tenant may have"),
    "failed": (500, "something is wrong on our side"),
    "not_there": (501, "this question does not have that capability"),
    "not_ready": (503, "runs are not solved now: no worker, or no database"),
}
"""Code -> status, and what it means."""


class Problem(Exception):
    """A refusal.

    Attributes
    ----------
    code
        One of `CODES`.
    detail
        What is wrong with this request, in a sentence.
    hint
        What to do about it.
    errors
        Each with `pointer` (into the body) or `parameter`, `code` (one of `ISSUES`) and `detail`.
    more
        Further members, such as `capability`.
    headers
        Of the response.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        hint: str = "",
        errors: Iterable[Mapping[str, str]] = (),
        more: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code, self.detail, self.hint = code, detail, hint
        self.errors = [dict(e) for e in errors]
        self.more, self.headers = dict(more or {}), dict(headers or {})

    @property
    def status(self) -> int:
        """The HTTP status."""
        return CODES[self.code][0]

    def data(self) -> dict[str, Any]:
        """Return the members of the problem."""
        data: dict[str, Any] = {
            "type": f"/v1/codes#{self.code}",
            "title": CODES[self.code][1],
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }
        data |= {"hint": self.hint} if self.hint else {}
        if self.errors:
            data["errors"] = self.errors[:MOST_ERRORS]
            data |= {"more_errors": n} if (n := len(self.errors) - MOST_ERRORS) > 0 else {}
        return data | self.more

    def text(self) -> bytes:
        """Return it as JSON, in ASCII: whatever stands in it can be sent."""
        return json.dumps(self.data()).encode("ascii")


def problem_of(error: Exception, at: str = "") -> Problem:
    """Return the problem that an error of ours is to those who asked.

    at
        JSON pointer of the part of the body that it is about.
    """
    match error:
        case Problem():
            return error
        case InstanceError():
            errors = list(errors_of(error.findings, at))
            is_text = all(e["code"] == "not_json" for e in errors)
            if is_text:
                return Problem("not_json", "The body is no JSON that can be read.", errors=errors)
            count = f"{len(errors)} things are" if len(errors) > 1 else "One thing is"
            return Problem("bad_data", f"{count} wrong with the instance.", errors=errors)
        case PlanError():
            errors = list(errors_of(str(error).splitlines(), at))
            return Problem("bad_data", "The plan is refused.", errors=errors)
        case Unsupported():
            name = error.capability
            detail = f"{str(error)[:1].upper()}{str(error)[1:LONGEST]}."
            return Problem("not_there", detail, more={"capability": name})
    return _of_runs(error)


def _of_runs(error: Exception) -> Problem:
    match error:
        case UnknownRun():
            return Problem("unknown", "There is no such run.")
        case NotYet():
            return Problem("not_yet", f"{str(error)[:1].upper()}{str(error)[1:]}.")
        case KeyReused():
            hint = "Take a new key for a new request."
            return Problem("key_reused", "The key came with another request before.", hint)
        case QuotaFull():
            hint = "Wait for one to end, or stop one."
            return Problem("too_many", f"{error}.", hint, headers={"Retry-After": "5"})
        case FleetwattError():
            return Problem("bad_data", f"{str(error)[:LONGEST]}.")
    return Problem("failed", "Something is wrong on our side; it has been written to the log.")


def errors_of(lines: Iterable[str], at: str = "") -> Iterable[dict[str, str]]:
    """Yield findings as errors; at is the JSON pointer of the data they are about."""
    for line in lines:
        code = line.code if isinstance(line, Finding) else "inconsistent"
        pointer = line.pointer if isinstance(line, Finding) else ""
        yield {"pointer": at + pointer, "code": code, "detail": str(line)[:LONGEST]}
