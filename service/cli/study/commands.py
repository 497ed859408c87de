"""`fleetwatt study`, `bench-mix` and `share`: ask, report, write every plan with its changes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.domain.changes.patch import changes_text
from optimizer.errors import InstanceError, PlanError
from optimizer.questions import EXPAND, MIX
from service.cli.codes import GOOD
from service.cli.describe import print_report
from service.cli.files import load_instance, plan_text, read_plan
from service.cli.options import BadOption, options_of
from service.cli.study.parsing import GROWTH, WHAT
from service.cli.written import files_of, folder_of, list_files, write_files

if TYPE_CHECKING:
    import argparse

    from optimizer.domain.answers.cases import Answer
    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Report
    from optimizer.questions import Question
    from optimizer.studies import Sweep

__all__ = ["run"]

NAMES = {
    "mix": ("objective", "seconds", "gap", "seed", "leaves"),
    "expand": ("objective", "weight", "alpha", "risk", "seconds", "gap", "seed"),
}
"""Options of a question that a study takes; those that are not given are at its defaults."""

CASES = "cases"


def run(given: argparse.Namespace) -> int:
    """Run one of the commands."""
    return _share(given) if given.command == "share" else _study(given)


def _study(given: argparse.Namespace) -> int:
    from optimizer.studies import Sweep

    instance = load_instance(given.instance)
    is_bench = given.command == "bench-mix"
    what = "bench" if is_bench else given.what
    question = MIX if is_bench else _asked(instance, what)
    if question is None or (is_bench and instance.mix is None):
        more = "" if is_bench else ", and no expansion; or builds in 'expand'"
        raise InstanceError(
            [f"{given.instance}: asks no mix; give offers and demand in 'mix'{more}"]
        )
    names = [n for n in NAMES[question.name] if getattr(given, n, None) is not None]
    options = options_of(question, given, names)
    if given.workers is not None and given.workers < 1:
        raise BadOption(f"--workers: must be at least 1, got {given.workers}")
    _refuse(given)
    sweep = Sweep(given.workers, given.backend, given.address)
    fixed = {name: getattr(given, name) for name in names}
    made = _mix(given, what, instance, options, sweep, fixed) if question is MIX \
        else _expand(given, what, instance, options, sweep, fixed)  # fmt: skip
    _write(folder_of(given, f"{instance.name}-{what}"), made.report, _cases(instance, made))
    return GOOD


def _asked(instance: Instance, what: str) -> Question[Any, Any, Any] | None:
    """Return the question of an instance that has a study; its only one, where none has it."""
    held: list[tuple[Question[Any, Any, Any], dict[str, str]]] = []
    held += [(MIX, WHAT)] if instance.mix is not None else []
    held += [(EXPAND, GROWTH)] if instance.expand is not None else []
    held.sort(key=lambda x: what not in x[1])
    return held[0][0] if held else None


def _mix(
    given: argparse.Namespace, what: str, instance: Instance, options: Any, sweep: Sweep,
    fixed: dict[str, Any],
) -> Answer[Any]:  # fmt: skip
    from optimizer.mix.studies.ask import Ask, answer

    more: dict[str, Any] = {}
    if what == "bench":
        more = {"power_mw": given.power, "fleets": _fleets(given.yours)}
    else:
        more = {"axes": given.axes, "count": given.points or 25, "within": tuple(given.within),
                "spread": given.spread}  # fmt: skip
    # limits that leave nothing are an answer of a sweep
    solve = sweep.of(MIX, instance, fixed | {"conflicts": False})
    return answer(what, Ask(instance, options, solve, sweep.each, **more))


def _expand(
    given: argparse.Namespace, what: str, instance: Instance, options: Any, sweep: Sweep,
    fixed: dict[str, Any],
) -> Answer[Any]:  # fmt: skip
    from optimizer.expand.studies.ask import Ask, answer

    more = {"count": given.points, "within": tuple(given.within), "anew": given.anew}
    ask = Ask(instance, options, sweep.of(EXPAND, instance, fixed), sweep.each, **more)
    return answer(what, ask)


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
    points = getattr(given, "points", None)
    if points is not None and points < 2:
        said.append(f"--points: must be at least 2, got {points}")
    if getattr(given, "anew", 0) < 0:
        said.append(f"--anew: must not be negative, got {given.anew}")
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


def _cases(instance: Instance, found: Answer[Any]) -> dict[str, str]:
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
