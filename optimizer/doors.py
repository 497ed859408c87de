"""What every question can be asked: the doors, all closed; each question opens those it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from optimizer.errors import PlanError, Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from threading import Event

    from optimizer.domain.answers.records import Start
    from optimizer.domain.changes.patch import Change
    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Report

__all__ = ["DOORS", "MAX_SHOWN", "Question"]

DOORS = ("solve", "check", "certify", "explain", "report", "compare", "patch", "convert")
"""What a question can be asked."""

MAX_SHOWN = 20
"""Findings of one plan file that an error lists; the rest is counted."""

OptionsT = TypeVar("OptionsT")
PlanT = TypeVar("PlanT")
VerdictT = TypeVar("VerdictT")


class Question(Generic[OptionsT, PlanT, VerdictT]):
    """A question with all doors closed; each question opens those that it has.

    Attributes
    ----------
    name, title
        Its word everywhere, and what it asks.
    """

    name: str
    title: str

    def options(self, **given: Any) -> OptionsT:
        """Return options; what is not given is at its default."""
        self._lacks("options")

    def parse(self, text: str) -> PlanT:
        """Return the plan written in a JSON text; PlanError if it is none."""
        from pydantic import ValidationError

        from optimizer.domain.findings.strict import LONG

        model: Any = self.plan_type()
        try:
            if len(text) > LONG:
                _refuse_at_once(model, text)
            plan: PlanT = model.model_validate_json(text)
        except ValidationError as e:
            raise PlanError(_said(e)) from None
        return plan

    def plan_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of its plans."""
        model: Any = self.plan_type()
        schema: dict[str, Any] = model.model_json_schema(by_alias=True)
        return schema

    def plan_type(self) -> type[PlanT]:
        """Return the class of its plans."""
        self._lacks("plan_type")

    def prepare(self, instance: Instance, options: OptionsT) -> None:
        """Load and compile what a solve needs; it does so, too, and its time begins after that."""

    def solve(
        self,
        instance: Instance,
        options: OptionsT,
        on_incumbent: Callable[[int | None, int | None, float], None] | None = None,
        cancel: Event | None = None,
        start: Start[PlanT] | None = None,
        on_plan: Callable[[PlanT], None] | None = None,
    ) -> PlanT:
        """Return a plan with its certificate and run record.

        on_incumbent is told incumbent and bound [nano-USD] and the time [s] whenever one of them
        gets better; setting cancel ends the search with the best plan so far. The search begins
        from start: if that is a plan of this instance, no answer is worse than it; of another, from
        what still fits of it. on_plan is given the best plan so far every few seconds, from which
        another solve could begin.
        """
        self._lacks("solve")

    def check(self, instance: Instance, plan: PlanT) -> VerdictT:
        """Return every breach of a rule, and objective, bound and gap re-derived."""
        self._lacks("check")

    def certify(self, instance: Instance, certificate: Any) -> int | None:
        """Return the bound that a certificate proves; None if it proves that there is no plan."""
        self._lacks("certify")

    def reasons(self, instance: Instance, plan: PlanT) -> tuple[Any, ...]:
        """Return why jobs are turned away or late, and what would help, as data."""
        self._lacks("reasons")

    def verify(
        self,
        instance: Instance,
        plan: PlanT,
        reasons: tuple[Any, ...],
        most: int = 10,
        seconds: float | None = None,
        cancel: Event | None = None,
    ) -> tuple[Any, ...]:
        """Return reasons with so many fixes, the largest first, tried by a new solve.

        seconds is the limit for all of them; None where their work alone is limited. Setting
        cancel ends it early: fixes that it did not come to stay estimated.
        """
        self._lacks("verify")

    def explain(
        self,
        instance: Instance,
        plan: PlanT,
        job: str | None = None,
        reasons: tuple[Any, ...] | None = None,
    ) -> Report:
        """Return why a job is where it is, or why it is not; of all that are not, without one."""
        self._lacks("explain")

    def report(
        self,
        instance: Instance,
        plan: PlanT,
        verdict: VerdictT | None = None,
        reasons: tuple[Any, ...] | None = None,
    ) -> Report:
        """Return the report of a plan; its verdict and reasons are made where none are given."""
        self._lacks("report")

    def compare(self, instance: Instance, before: PlanT, after: PlanT) -> Report:
        """Return what differs between two plans, and what the difference is worth."""
        self._lacks("compare")

    def diagnose(
        self,
        instance: Instance,
        plan: PlanT,
        seconds: float = 60.0,
        costs: dict[str, float] | None = None,
        cancel: Event | None = None,
    ) -> PlanT:
        """Return a plan that is none with the rules in conflict, and the cheapest way out.

        costs are unit costs [USD] other than the defaults, by their names. Any other plan is
        returned as it is. Setting cancel ends it early, with what is known by then.
        """
        self._lacks("diagnose")

    def patch(self, instance: Instance, changes: Iterable[Change]) -> Instance:
        """Return the instance with changes, checked like a file; every finding at once."""
        self._lacks("patch")

    def convert(self, text: str) -> Instance:
        """Return the instance of a foreign format."""
        self._lacks("convert")

    def can(self, door: str) -> bool:
        """Return whether the question has a door."""
        return getattr(type(self), door) is not getattr(Question, door)

    def _lacks(self, door: str) -> NoReturn:
        has = ", ".join(d for d in DOORS if self.can(d))
        raise Unsupported(f"{self.name}.{door}", f"{self.name} has {has}")


def _refuse_at_once(model: Any, text: str) -> None:
    """Raise what is wrong with the first entries of a plan, if that is very much."""
    import json

    from pydantic import ValidationError

    from optimizer.domain.findings.strict import MANY, first_entries

    try:
        data = json.loads(text)
    except ValueError:
        return  # what is no JSON is told where all of it is read
    try:
        model.model_validate_json(json.dumps(first_entries(data)))
    except ValidationError as e:
        if e.error_count() > MANY:
            raise


def _said(error: Any) -> str:
    """Every finding of pydantic in one line each: path, what is wrong, value."""
    from optimizer.domain.fields import shown

    lines = []
    for item in error.errors(include_url=False, include_context=False):
        path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in item["loc"])
        said = item["msg"].removeprefix("Value error, ")
        lines.append(f"{path.removeprefix('.') or 'plan'}: {said}, got {shown(item['input'])}")
    more = len(lines) - MAX_SHOWN
    return "\n".join(lines[:MAX_SHOWN] + ([f"and {more} more"] if more > 0 else []))
