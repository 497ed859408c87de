"""`fleetwatt study`, `bench-mix` and `share`: ask, report, write every plan with its changes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.domain.changes.patch import changes_text
from optimizer.errors import InstanceError, PlanError
from optimizer.questions import MIX
from service.cli.codes import GOOD
from service.cli.describe import print_report
from service.cli.files import load_instance, plan_text, read_plan
from service.cli.options import BadOption, options_of
from service.cli.written import files_of, folder_of, list_files, write_files

if TYPE_CHECKING:
    import argparse

    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Report
    from optimizer.mix.studies.ask import Answer

__all__ = ["run"]

NAMES = ("objective", "seconds", "gap", "seed", "leaves")
CASES = "cases"


def run(given: argparse.Namespace) -> int:
    """Run one of the commands."""
    return _share(given) if given.command == "share" else _study(given)


def _study(given: argparse.Namespace) -> int:
    from optimizer.mix.studies.ask import Ask, answer
    from optimizer.studies import Sweep

    options, instance = options_of(MIX, given, NAMES), load_instance(given.instance)
    if instance.mix is None:
        raise InstanceError([f"{given.instance}: asks no mix; give offers and demand in 'mix'"])
    if given.workers is not None and given.workers < 1:
        raise BadOption(f"--workers: must be at least 1, got {given.workers}")
    sweep = Sweep(given.workers, given.backend, given.address)
    fixed = {"conflicts": False}  # limits that leave nothing are an answer of a sweep
    solve = sweep.of(MIX, instance, fixed | {name: getattr(given, name) for name in NAMES})
    is_bench = given.command == "bench-mix"
    more: dict[str, Any] = {"power_mw": given.power, "fleets": _fleets(given.yours)} if is_bench \
        else {"axes": given.axes, "count": given.points, "within": tuple(given.within),
              "spread": given.spread}  # fmt: skip
    what = "bench" if is_bench else given.what
    _refuse(given)
    found = answer(what, Ask(instance, options, solve, sweep.each, **more))
    _write(folder_of(given, f"{instance.name}-{what}"), found.report, _cases(instance, found))
    return GOOD


def _share(given: argparse.Namespace) -> int:
    from optimizer.mix.sharing import share
    from optimizer.mix.studies.shared import sharing_problem, sharing_report

    instance = load_instance(given.instance)
    found = share(sharing_problem(instance), given.policy)
    _write(folder_of(given, f"{instance.name}-share"), sharing_report(instance.name, found), {})
    return GOOD


def _refuse(given: argparse.Namespace) -> None:
    """Raise with every option of a study that is out of its range."""
    said = []
    if getattr(given, "points", 2) < 2:
        said.append(f"--points: must be at least 2, got {given.points}")
    if not 0 < getattr(given, "spread", 0.5) < 1:
        said.append(f"--spread: must be between 0 and 1, got {given.spread:g}")
    if any(not 0 < share < 1 for share in getattr(given, "within", [])):
        said.append("--within: shares must be between 0 and 1")
    if (getattr(given, "power", None) or 1) <= 0:
        said.append(f"--power: must be more than 0, got {given.power:g}")
    if said:
        raise BadOption("\n".join(said))


def _fleets(paths: list[str]) -> dict[str, dict[tuple[str, str], int]]:
    """Return the fleets of plan files, by the names of the files."""
    from optimizer.mix.operate import fleet_of

    found = {}
    for path in map(Path, paths):
        question, plan = read_plan(path)
        if question is not MIX:
            raise PlanError(f"{path}: is a plan of {question.name}, not of mix")
        found[f"yours: {path.stem}"] = fleet_of(plan)
    return found


def _cases(instance: Instance, found: Answer) -> dict[str, str]:
    """Return the files of every case that has a plan: the plan, and the changes it is of."""
    files = {}
    for i, case in enumerate(c for c in found.cases if c.plan is not None):
        stem = f"{i:03}-" + re.sub(r"[^A-Za-z0-9._-]+", "-", case.case.label)[:60].strip("-.")
        files[f"{CASES}/{stem}.plan.json"] = plan_text(case.plan)
        if case.case.changes:
            text = changes_text(instance.name, case.case.label, case.case.changes)
            files[f"{CASES}/{stem}.changes.json"] = text
    return files


def _write(folder: Path, report: Report, cases: dict[str, str]) -> None:
    """Print a report and write it, with its cases in place of those of an earlier one."""
    if cases:
        (folder / CASES).mkdir(exist_ok=True)
    old = set((folder / CASES).glob("[0-9][0-9][0-9]-*.json"))
    written = write_files(folder, files_of(report) | cases)
    for path in old - {folder / name for name in cases}:
        path.unlink(missing_ok=True)
    print_report(report)
    list_files(written | ({CASES: folder / CASES} if cases else {}))
