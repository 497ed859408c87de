"""The one door: what every question can be asked, and the registry of the questions.

    place = QUESTIONS["place"]
    plan = place.solve(instance, place.options(seconds=60))
    verdict = place.check(instance, plan)
    report = place.report(instance, plan, verdict)

Nothing of a question is imported before one of its doors is used, so whoever only reads
instances never waits for a solver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimizer.doors import DOORS, MAX_SHOWN, Question
from optimizer.errors import InstanceError, PlanError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from threading import Event

    from optimizer.domain.answers.records import Start
    from optimizer.domain.changes.patch import Change
    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Report
    from optimizer.expand.plan import ExpandPlan
    from optimizer.expand.plan import Options as ExpandOptions
    from optimizer.expand.plan import Verdict as ExpandVerdict
    from optimizer.expand.why.out import Out as ExpandOut
    from optimizer.mix.account.out import Out
    from optimizer.mix.plan import Certificate as MixCertificate
    from optimizer.mix.plan import MixPlan
    from optimizer.mix.plan import Options as MixOptions
    from optimizer.mix.plan import Verdict as MixVerdict
    from optimizer.place.explain import Reason
    from optimizer.place.plan import Certificate, Options, PlacePlan, Verdict

__all__ = ["DOORS", "EXPAND", "MIX", "PLACE", "QUESTIONS", "Question", "parse_plan"]


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

    def prepare(self, instance: Instance, options: Options) -> None:
        from optimizer.place.solve import prepare_for

        prepare_for(options.objective)

    def solve(
        self,
        instance: Instance,
        options: Options,
        on_incumbent: Callable[[int | None, int | None, float], None] | None = None,
        cancel: Event | None = None,
        start: Start[PlacePlan] | None = None,
        on_plan: Callable[[PlacePlan], None] | None = None,
    ) -> PlacePlan:
        from optimizer.place.solve import solve

        return solve(instance, options, on_incumbent, cancel, start, on_plan)

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
        start: Start[MixPlan] | None = None,
        on_plan: Callable[[MixPlan], None] | None = None,
    ) -> MixPlan:
        from optimizer.mix.solve import solve

        return solve(instance, options, on_incumbent, cancel, start, on_plan)

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

    def reasons(self, instance: Instance, plan: MixPlan) -> tuple[Out, ...]:
        from optimizer.mix.account.out import outs

        return outs(instance, plan)

    def verify(
        self,
        instance: Instance,
        plan: MixPlan,
        reasons: tuple[Out, ...],
        most: int = 10,
        seconds: float | None = None,
        cancel: Event | None = None,
    ) -> tuple[Out, ...]:
        from optimizer.mix.verify import confirmed
        from optimizer.studies import Sweep

        each = {} if seconds is None else {"seconds": max(1.0, seconds / max(1, 10 * most))}
        fixed = {"objective": plan.objective.goal, "conflicts": False, **each}
        return confirmed(instance, Sweep(1).of(self, instance, fixed), plan, reasons, most)

    def explain(
        self,
        instance: Instance,
        plan: MixPlan,
        job: str | None = None,
        reasons: tuple[Out, ...] | None = None,
    ) -> Report:
        from optimizer.mix.explain import explain

        found = self.reasons(instance, plan) if reasons is None else reasons
        return explain(instance, plan, job, found)

    def compare(self, instance: Instance, before: MixPlan, after: MixPlan) -> Report:
        from optimizer.mix.compare import compare

        verdicts = self.check(instance, before), self.check(instance, after)
        return compare(instance, before, after, verdicts)

    def patch(self, instance: Instance, changes: Iterable[Change]) -> Instance:
        return PLACE.patch(instance, changes)


class Expand(Question["ExpandOptions", "ExpandPlan", "ExpandVerdict"]):
    """Which sites to build or grow, when, with what power and chips."""

    name = "expand"
    title = "which sites to build or grow, when, with what power and chips"

    def options(self, **given: Any) -> ExpandOptions:
        from optimizer.expand.plan import Options

        return Options(**given)

    def plan_type(self) -> type[ExpandPlan]:
        from optimizer.expand.plan import ExpandPlan

        return ExpandPlan

    def prepare(self, instance: Instance, options: ExpandOptions) -> None:
        from optimizer.expand.solve import prepare

        prepare(instance)

    def solve(
        self,
        instance: Instance,
        options: ExpandOptions,
        on_incumbent: Callable[[int | None, int | None, float], None] | None = None,
        cancel: Event | None = None,
        start: Start[ExpandPlan] | None = None,
        on_plan: Callable[[ExpandPlan], None] | None = None,
    ) -> ExpandPlan:
        from optimizer.expand.solve import solve

        return solve(instance, options, on_incumbent, cancel, start, on_plan)

    def check(self, instance: Instance, plan: ExpandPlan) -> ExpandVerdict:
        from optimizer.expand.check import check

        return check(instance, plan)

    def report(
        self,
        instance: Instance,
        plan: ExpandPlan,
        verdict: ExpandVerdict | None = None,
        reasons: tuple[Any, ...] | None = None,
    ) -> Report:
        from optimizer.expand.report import report

        return report(instance, plan, self.check(instance, plan) if verdict is None else verdict)

    def reasons(self, instance: Instance, plan: ExpandPlan) -> tuple[ExpandOut, ...]:
        from optimizer.expand.why.out import outs

        return outs(instance, plan)

    def verify(
        self,
        instance: Instance,
        plan: ExpandPlan,
        reasons: tuple[ExpandOut, ...],
        most: int = 10,
        seconds: float | None = None,
        cancel: Event | None = None,
    ) -> tuple[ExpandOut, ...]:
        from optimizer.expand.why.out import options_of
        from optimizer.expand.why.turn import tried
        from optimizer.studies import Sweep

        options = options_of(plan)
        each = {} if seconds is None else {"seconds": max(1.0, seconds / max(1, 4 * most))}
        solve = Sweep(1).of(self, instance, options.model_dump() | each)
        return tried(instance, solve, plan, reasons, most, options)

    def explain(
        self,
        instance: Instance,
        plan: ExpandPlan,
        job: str | None = None,
        reasons: tuple[ExpandOut, ...] | None = None,
    ) -> Report:
        from optimizer.expand.why.told import explained

        found = self.reasons(instance, plan) if reasons is None else reasons
        return explained(instance, plan, job, found)

    def compare(self, instance: Instance, before: ExpandPlan, after: ExpandPlan) -> Report:
        from optimizer.expand.studies.weigh import compared

        verdicts = self.check(instance, before), self.check(instance, after)
        return compared(instance, before, after, verdicts)

    def patch(self, instance: Instance, changes: Iterable[Change]) -> Instance:
        return PLACE.patch(instance, changes)


PLACE = Place()
MIX = Mix()
EXPAND = Expand()
QUESTIONS: dict[str, Question[Any, Any, Any]] = {q.name: q for q in (PLACE, MIX, EXPAND)}
"""All questions, by name."""


def parse_plan(text: str) -> tuple[Question[Any, Any, Any], Any]:
    """Return the question that a plan answers and the plan, from its JSON text.

    Raises
    ------
    PlanError
        If it is no plan of a question that is known here.
    """
    from optimizer.domain.findings.strict import strict_json

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
