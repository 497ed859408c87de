"""`fleetwatt place` and `fleetwatt demo`: solve, watch, check, report, write."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from optimizer.errors import InstanceError
from optimizer.questions import PLACE
from service.cli.codes import ABORTED, GOOD, NO_PLAN, NOT_GOOD
from service.cli.describe import print_report, verdict_report
from service.cli.files import load_instance, plan_text, read_plan, write_whole
from service.cli.live import Live, watch
from service.cli.options import options_of
from service.cli.written import files_of, folder_of, list_files, write_files

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Report
    from optimizer.place.explain import Reason
    from optimizer.place.plan import Options, PlacePlan
    from service.cli.live import Cancel

__all__ = ["demo", "place"]

DEMO = "memphis-bridge"
"""The instance of the demo: grid steps, turbines and a call within its week, so power binds."""

FIXES_SHARE = 0.25
"""Share of the search's time that fixes get after it."""

LEAST_WHY = 5.0
"""Time that the search for rules in conflict has at least, where must jobs are not placed [s]."""


def place(given: argparse.Namespace, cancel: Cancel) -> int:
    """Place an instance's jobs; print the report and write the plan."""
    options = _options(given)
    instance = load_instance(given.instance)
    if not instance.jobs:
        raise InstanceError([f"{instance.name}: holds no jobs, so there is nothing to place"])
    folder = folder_of(given, instance.name)
    if given.plan_only:
        return _plan_only(instance, options, folder, cancel)
    return _place(instance, options, given.fixes, folder, cancel)


def _plan_only(instance: Instance, options: Options, folder: Path, cancel: Cancel) -> int:
    """Search, check and write the plan; return the exit code."""
    live = Live(options.seconds)
    plan = watch(lambda: PLACE.solve(instance, options, live.tell, cancel), live, cancel)
    verdict = PLACE.check(instance, plan)
    print_report(verdict_report(f"{instance.name}, the plan found", verdict))
    if not verdict.is_good:
        return NO_PLAN if plan.status in ("infeasible", "unknown") else NOT_GOOD
    write_whole(folder / "plan.json", plan_text(plan))
    list_files({"plan": folder / "plan.json"})
    return GOOD


def demo(given: argparse.Namespace, cancel: Cancel) -> int:
    """Place a real campus, then check the plan file like a stranger."""
    options = _options(given)
    instance = load_instance(DEMO)
    print(f"{instance.name}: {instance.title}")
    print(f"placing {len(instance.jobs)} jobs, {options.seconds:g} s\n", flush=True)
    folder = folder_of(given, instance.name)
    code = _place(instance, options, given.fixes, folder, cancel)
    if code != GOOD:
        return code
    question, plan = read_plan(folder / "plan.json")
    verdict = question.check(load_instance(DEMO), plan)
    print_report(verdict_report(f"{folder / 'plan.json'}, read again and checked", verdict))
    return GOOD if verdict.is_good else NOT_GOOD


def _place(instance: Instance, options: Options, fixes: int, folder: Path, cancel: Cancel) -> int:
    """Search, check, try fixes, report and write; return the exit code."""
    live = Live(options.seconds)
    plan = watch(lambda: PLACE.solve(instance, options, live.tell, cancel), live, cancel)
    verdict = PLACE.check(instance, plan)
    is_none = plan.status in ("infeasible", "unknown")
    if [v for v in verdict.violations if not (is_none and v.rule == "one_placement")]:
        print_report(verdict_report("The plan found breaks a rule; not written", verdict))
        return NOT_GOOD
    if is_none and not cancel.is_set():
        plan = _diagnosed(instance, plan, options, live, cancel)
    reasons = PLACE.reasons(instance, plan)
    if fixes and not is_none and not cancel.is_set():
        reasons = _tried(
            instance, plan, reasons, fixes, FIXES_SHARE * options.seconds, live, cancel
        )
    report = PLACE.report(instance, plan, verdict, reasons)
    files = files_of(report, plan)  # all of them, before the first is written
    with cancel.held():
        written = write_files(folder, files)
    try:
        _show(report, written, _cut_short(plan) if cancel.is_set() else None)
    except KeyboardInterrupt:
        print("\nfleetwatt: stopped while printing; plan and report are written", file=sys.stderr)
        return ABORTED
    if is_none:
        from optimizer.place.reasons.conflict import in_short

        print("\n".join(in_short(plan)), file=sys.stderr)
        return NO_PLAN
    return GOOD


def _diagnosed(
    instance: Instance, plan: PlacePlan, options: Options, live: Live, cancel: Cancel
) -> PlacePlan:
    """Return a plan that lacks must jobs with the rules in conflict and the cheapest way out."""
    left = max(LEAST_WHY, options.seconds - plan.run.seconds, options.seconds / 2)
    live.now(f"looking for the rules in conflict and a way out, for up to {left:g} s")
    return watch(lambda: PLACE.diagnose(instance, plan, left, cancel=cancel), live, cancel)


def _tried(
    instance: Instance,
    plan: PlacePlan,
    reasons: tuple[Reason, ...],
    fixes: int,
    limit: float,
    live: Live,
    cancel: Cancel,
) -> tuple[Reason, ...]:
    """Return reasons with their largest fixes tried."""
    live.now(f"trying the {fixes} fixes that would win most, for up to {limit:g} s")
    ask = partial(PLACE.verify, instance, plan, reasons, fixes, limit, cancel)
    return watch(ask, live, cancel)


def _cut_short(plan: PlacePlan) -> str:
    """Return what an interrupt has cut short."""
    if plan.status in ("infeasible", "unknown"):
        return "interrupted: why there is no plan was not looked for to the end"
    if plan.run.stopped_by == "cancel":
        return "interrupted: this is the best plan so far, checked; fixes were not tried"
    return "interrupted: the plan is whole and checked; fixes that were not tried stay estimated"


def _show(report: Report, written: dict[str, Path], cut_short: str | None) -> None:
    """Print the report and where the files are."""
    print_report(report)
    if cut_short is not None:
        print(cut_short, file=sys.stderr)
    list_files(written)


def _options(given: argparse.Namespace) -> Options:
    """Return the options of the command line; the demo has no choice of objective."""
    names = ("seconds", "gap", "seed", "threads", "rounds", "engine", "solver")
    objective = getattr(given, "objective", "value")
    options: Options = options_of(PLACE, given, names, objective=objective)
    return options
