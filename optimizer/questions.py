"""The one door: what every question can be asked, and the registry of the questions.

    place = QUESTIONS["place"]
    plan = place.solve(instance, place.options(seconds=60))
    verdict = place.check(instance, plan)
    report = place.report(instance, plan, verdict)

Nothing of a question is imported before one of its doors is used, so whoever only reads
instances never waits for a solver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from optimizer.errors import InstanceError, PlanError, Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from threading import Event

    from optimizer.domain.changes.patch import Change
    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Report
    from optimizer.mix.plan import Certificate as MixCertificate
    from optimizer.mix.plan import MixPlan
    from optimizer.mix.plan import Options as MixOptions
    from optimizer.mix.plan import Verdict as MixVerdict
    from optimizer.place.explain import Reason
    from optimizer.place.plan import Certificate, Options, PlacePlan, Verdict

__all__ = ["DOORS", "MIX", "PLACE", "QUESTIONS", "Question", "parse_plan"]

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

        model: Any = self.plan_type()
        try:
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

    def solve(
        self,
        instance: Instance,
        options: OptionsT,
        on_incumbent: Callable[[int | None, int | None, float], None] | None = None,
        cancel: Event | None = None,
    ) -> PlanT:
        """Return a plan with its certificate and run record.

        on_incumbent is told incumbent and bound [nano-USD] and the time [s] whenever one of them
        gets better; setting cancel ends the search with the best plan so far.
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


class Place(Question["Options", "PlacePlan", "Verdict"]):
    """Which job runs where, on which chips, and when."""

    name = "place"
    title = "which job runs where, on which chips, and when"

    def options(self, **given: Any) -> Options:
        from optimizer.place.plan import Options

        return Options(**given)

    def plan_type(self) -> type[PlacePlan]:
        from optimizer.place.plan import PlacePlan

        return PlacePlan

    def solve(
        self,
        instance: Instance,
        options: Options,
        on_incumbent: Callable[[int | None, int | None, float], None] | None = None,
        cancel: Event | None = None,
    ) -> PlacePlan:
        from optimizer.place.solve import solve

        return solve(instance, options, on_incumbent, cancel)

    def check(self, instance: Instance, plan: PlacePlan) -> Verdict:
        from optimizer.place.check import check

        return check(instance, plan)

    def write_mps(self, instance: Instance, path: Path) -> None:
        """Write the time-indexed model of an instance in MPS form; Unsupported above its sizes."""
        from optimizer.place.exact.oracle import write_mps

        write_mps(instance, path)

    def certify(self, instance: Instance, certificate: Certificate) -> int | None:
        from optimizer.place.certificate import upper_bound

        return upper_bound(instance, certificate).total

    def reasons(self, instance: Instance, plan: PlacePlan) -> tuple[Reason, ...]:
        from optimizer.place.explain import explain

        return explain(instance, plan)

    def verify(
        self,
        instance: Instance,
        plan: PlacePlan,
        reasons: tuple[Reason, ...],
        most: int = 10,
        seconds: float | None = None,
        cancel: Event | None = None,
    ) -> tuple[Reason, ...]:
        if not any(reason.fixes for reason in reasons):
            return reasons
        from optimizer.place.explain import verify
        from optimizer.place.solve import prepare
        from optimizer.place.verify.readmit import Readmitter

        prepare()
        is_cancelled = (lambda: False) if cancel is None else cancel.is_set
        admit = Readmitter(instance, plan, seconds, most, is_cancelled=is_cancelled)
        return verify(instance, plan, reasons, admit, most, admit.is_over)

    def explain(
        self,
        instance: Instance,
        plan: PlacePlan,
        job: str | None = None,
        reasons: tuple[Reason, ...] | None = None,
    ) -> Report:
        from optimizer.place.reasons.report import all_reasons, known_job, one_reason

        if job is not None:
            known_job(instance, job)
        found = self.reasons(instance, plan) if reasons is None else reasons
        if job is None:
            return all_reasons(instance, plan, found)
        return one_reason(instance, plan, found, job)

    def report(
        self,
        instance: Instance,
        plan: PlacePlan,
        verdict: Verdict | None = None,
        reasons: tuple[Reason, ...] | None = None,
    ) -> Report:
        from optimizer.place.report import report

        made = self.check(instance, plan) if verdict is None else verdict
        return report(instance, plan, made, reasons)

    def diagnose(
        self,
        instance: Instance,
        plan: PlacePlan,
        seconds: float = 60.0,
        costs: dict[str, float] | None = None,
        cancel: Event | None = None,
    ) -> PlacePlan:
        from optimizer.place.conflict.diagnose import diagnosed
        from optimizer.place.measure.images import asked

        return diagnosed(asked(instance, plan.goal), plan, seconds, costs, cancel=cancel)

    def compare(self, instance: Instance, before: PlacePlan, after: PlacePlan) -> Report:
        from optimizer.place.compare.report import compare

        verdicts = self.check(instance, before), self.check(instance, after)
        return compare(instance, before, after, verdicts)

    def patch(self, instance: Instance, changes: Iterable[Change]) -> Instance:
        from optimizer.domain.changes.patch import patch

        return patch(instance, changes)


class Mix(Question["MixOptions", "MixPlan", "MixVerdict"]):
    """Which chips to buy or lease, for a demand, power and money."""

    name = "mix"
    title = "which chips to buy or lease, for a demand, power and money"

    def options(self, **given: Any) -> MixOptions:
        from optimizer.mix.plan import Options

        return Options(**given)

    def plan_type(self) -> type[MixPlan]:
        from optimizer.mix.plan import MixPlan

        return MixPlan

    def solve(
        self,
        instance: Instance,
        options: MixOptions,
        on_incumbent: Callable[[int | None, int | None, float], None] | None = None,
        cancel: Event | None = None,
    ) -> MixPlan:
        from optimizer.mix.solve import solve

        return solve(instance, options, on_incumbent, cancel)

    def check(self, instance: Instance, plan: MixPlan) -> MixVerdict:
        from optimizer.mix.check import check

        return check(instance, plan)

    def certify(self, instance: Instance, certificate: MixCertificate) -> int | None:
        from optimizer.mix.certificate import bound_of

        return bound_of(instance, certificate).total

    def report(
        self,
        instance: Instance,
        plan: MixPlan,
        verdict: MixVerdict | None = None,
        reasons: tuple[Any, ...] | None = None,
    ) -> Report:
        from optimizer.mix.report import report

        return report(instance, plan, self.check(instance, plan) if verdict is None else verdict)


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


PLACE = Place()
MIX = Mix()
QUESTIONS: dict[str, Question[Any, Any, Any]] = {q.name: q for q in (PLACE, MIX)}
"""All questions, by name."""


def parse_plan(text: str) -> tuple[Question[Any, Any, Any], Any]:
    """Return the question that a plan answers and the plan, from its JSON text.

    Raises
    ------
    PlanError
        If it is no plan of a question that is known here.
    """
    from optimizer.domain.files import strict_json

    try:
        data, findings = strict_json(text)
    except InstanceError as e:
        raise PlanError(str(e)) from None
    if findings:
        raise PlanError("\n".join(findings[:MAX_SHOWN]))
    name = data.get("question", "place") if isinstance(data, dict) else None
    if not isinstance(name, str) or name not in QUESTIONS:
        known = ", ".join(QUESTIONS)
        raise PlanError(f"not a plan of a question that is known here; known: {known}")
    question = QUESTIONS[name]
    return question, question.parse(text)
