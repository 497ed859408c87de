"""`fleetwatt place` and `fleetwatt demo`: solve, watch, check, report, write."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.errors import InstanceError
from optimizer.questions import PLACE
from service.cli.codes import ABORTED, GOOD, NO_PLAN, NOT_GOOD
from service.cli.describe import print_report, verdict_report
from service.cli.files import load_instance, read_plan
from service.cli.live import Live, watch
from service.cli.options import options_of
from service.cli.written import files_of, write_files

if TYPE_CHECKING:
    import argparse

    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Report
    from optimizer.place.plan import Options
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
    return _place(instance, options, given.fixes, _folder(given, instance.name), cancel)


def demo(given: argparse.Namespace, cancel: Cancel) -> int:
    """Place a real campus, then check the plan file like a stranger."""
    options = _options(given)
    instance = load_instance(DEMO)
    print(f"{instance.name}: {instance.title}")
    print(f"placing {len(instance.jobs)} jobs, {options.seconds:g} s\n", flush=True)
    folder = _folder(given, instance.name)
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
        left = max(LEAST_WHY, options.seconds - plan.run.seconds, options.seconds / 2)
        plan = PLACE.diagnose(instance, plan, left)
    reasons = PLACE.reasons(instance, plan)
    if fixes and not is_none and not cancel.is_set():
        limit = FIXES_SHARE * options.seconds
        live.say(f"trying the {fixes} fixes that would win most, for up to {limit:g} s")
        reasons = PLACE.verify(instance, plan, reasons, fixes, limit, cancel)
    report = PLACE.report(instance, plan, verdict, reasons)
    files = files_of(report, plan)  # all of them, before the first is written
    with cancel.held():
        written = write_files(folder, files)
    try:
        _show(report, written, cancel.is_set())
    except KeyboardInterrupt:
        print("\nfleetwatt: stopped while printing; plan and report are written", file=sys.stderr)
        return ABORTED
    if is_none:
        from optimizer.place.reasons.conflict import in_short

        print("\n".join(in_short(plan)), file=sys.stderr)
        return NO_PLAN
    return GOOD


def _show(report: Report, written: dict[str, Path], is_interrupted: bool) -> None:
    """Print the report and where the files are."""
    print_report(report)
    if is_interrupted:
        print("interrupted: this is the best plan so far, checked", file=sys.stderr)
    print()
    for what, where in written.items():
        print(f"{what:<7} {where}")


def _folder(given: argparse.Namespace, name: str) -> Path:
    """Return the folder of the plan, made before the search: a full hour must not end in vain."""
    folder = Path("fleetwatt-out", name) if given.out is None else Path(given.out)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _options(given: argparse.Namespace) -> Options:
    """Return the options of the command line; the demo has no choice of objective."""
    names = ("seconds", "gap", "seed", "threads", "rounds", "engine", "solver")
    objective = getattr(given, "objective", "value")
    options: Options = options_of(PLACE, given, names, objective=objective)
    return options
