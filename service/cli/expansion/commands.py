"""`fleetwatt expand`, and `compare` for its plans: solve or value, check, report, write."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.chain import period_at, standing
from optimizer.domain.horizon import parse_moment
from optimizer.errors import InstanceError, PlanError
from optimizer.questions import EXPAND
from service.cli.codes import GOOD, NO_PLAN, NOT_GOOD
from service.cli.describe import print_report, verdict_report
from service.cli.files import load_instance, read_plan
from service.cli.live import Live, watch
from service.cli.options import BadOption, options_of
from service.cli.written import files_of, folder_of, hand_on, publish, write_files

if TYPE_CHECKING:
    import argparse
    from datetime import datetime

    from optimizer.domain.instance import Instance
    from optimizer.expand.plan import ExpandPlan
    from optimizer.studies import Sweep
    from service.cli.live import Cancel

__all__ = ["compare", "expand"]

YEAR = 12
"""Months of the mix that is handed on."""

NAMES = (
    "objective", "weight", "alpha", "seconds", "gap", "engine", "threads", "seed", "draw",
    "complete", "method", "recourse", "risk",
)  # fmt: skip


def expand(given: argparse.Namespace, cancel: Cancel) -> int:
    """Seek a plan, or value a named one; print the report and write the plan."""
    options = options_of(EXPAND, given, NAMES)
    instance = load_instance(given.instance)
    if instance.expand is None:
        raise InstanceError([f"{given.instance}: asks no expansion; give builds in 'expand'"])
    at, folder = _moment(instance, given.at), folder_of(given, instance.name)
    if given.plan is not None:
        from optimizer.expand.studies.named import valued

        plan = valued(instance, given.plan, options)
    else:
        live = Live(options.seconds)
        plan = watch(lambda: EXPAND.solve(instance, options, live.tell, cancel), live, cancel)
    verdict = EXPAND.check(instance, plan)
    has_plan = plan.status in ("optimal", "feasible")
    if has_plan and not verdict.is_good and given.plan is None:
        print_report(verdict_report("The plan found breaks a rule; not written", verdict))
        return NOT_GOOD
    publish(EXPAND.report(instance, plan, verdict), plan, folder, cancel)
    if has_plan:
        _hand_on(given, instance, plan, at)
    if not has_plan:
        return NO_PLAN
    return GOOD if verdict.is_good else NOT_GOOD


def _hand_on(
    given: argparse.Namespace, instance: Instance, plan: ExpandPlan, at: float | datetime
) -> None:
    """Write what stands at a date as instances of the other questions, where asked."""
    for file, months, left in (
        (given.to_place, 0, "no jobs yet; add them with import"),
        (given.to_mix, YEAR, "no mix yet; add demand and offers"),
    ):
        if file is not None:
            path = Path(file)
            made = standing(instance, plan, at, path.stem, future=given.future, months=months)
            hand_on(made, path, left)


def _moment(instance: Instance, text: str | None) -> float | datetime:
    """Return the date of the fleet that is handed on, found before the search."""
    if text is None:
        return instance.growth.calendar.edges[-2]
    try:
        at = parse_moment(text)
    except ValueError as e:
        raise InstanceError([f"--at: {e}"]) from None
    period_at(instance, at)
    return at


def _side_by_side(given: argparse.Namespace) -> Sweep:
    """Return who values the futures: on this machine one process, unless more are asked for."""
    from optimizer.studies import NEEDS, Sweep

    if given.workers is not None and given.workers < 1:
        raise BadOption(f"--workers: must be at least 1, got {given.workers}")
    workers = given.workers or (None if given.backend in NEEDS else 1)
    return Sweep(workers, given.backend, given.address)


def compare(given: argparse.Namespace, instance: Instance) -> int:
    """Lay named plans and plan files side by side; write the report where asked."""
    from optimizer.expand.studies.named import valued
    from optimizer.expand.studies.weigh import weigh

    options = EXPAND.options(draw=given.draw, seed=given.seed)
    named = instance.expand.plans if instance.expand is not None else {}
    if not (given.plans or named):
        raise PlanError(f"{instance.name} has no named plans; give plan files")
    plans: dict[str, ExpandPlan] = {}
    for name in given.plans or named:
        if name in named:
            plans[name] = valued(instance, name)  # the rules are those of the named futures
            continue
        question, plan = read_plan(Path(name))
        if question is not EXPAND:
            raise PlanError(f"{name}: is a plan of {question.name}, not of expand")
        plans[Path(name).stem if Path(name).stem not in plans else name] = plan
    verdicts = {name: EXPAND.check(instance, plan) for name, plan in plans.items()}
    report = weigh(instance, plans, options, _side_by_side(given).each)
    print_report(report)
    for name, verdict in verdicts.items():
        for violation in verdict.violations:
            print(f"{name}: {violation}")
    if given.out is not None:
        write_files(folder_of(given, instance.name), files_of(report))
    return GOOD if all(v.is_good for v in verdicts.values()) else NOT_GOOD
