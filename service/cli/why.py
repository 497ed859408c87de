"""`fleetwatt explain` and `fleetwatt patch`: why not, what would help, and the changed instance."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.domain.changes.patch import changes_text, parse_changes
from optimizer.domain.files import write_instance
from optimizer.errors import InstanceError
from optimizer.questions import PLACE
from service.cli.codes import GOOD
from service.cli.describe import print_report
from service.cli.files import load_instance, plan_text, read_plan, write_whole

if TYPE_CHECKING:
    import argparse

    from optimizer.domain.instance import Instance

__all__ = ["explain", "patch"]

MAX_CHANGES_BYTES = 64 * 2**20
"""No file of changes is larger."""


def explain(given: argparse.Namespace) -> int:
    """Say why a job is turned away or late, or why all of them are, and what would help."""
    instance = load_instance(given.instance)
    question, plan = read_plan(Path(given.plan))
    if plan.instance_hash != instance.hash:
        question.check(instance, plan)  # says which instance it is of
    if given.verify or given.out:
        reasons = question.reasons(instance, plan)
        if given.job is not None:
            reasons = tuple(r for r in reasons if r.job == given.job)
        if given.verify:
            reasons = question.verify(instance, plan, reasons, given.verify, given.seconds)
        report = question.explain(instance, plan, given.job, reasons)  # refuses an unknown job
    else:
        reasons = ()
        report = question.explain(instance, plan, given.job)
    print_report(report)
    if given.out:
        folder = Path(given.out)
        folder.mkdir(parents=True, exist_ok=True)
        print()
        for path in _write(folder, instance, reasons):
            print(path)
    return GOOD


def _write(folder: Path, instance: Instance, reasons: tuple[Any, ...]) -> list[Path]:
    """Write each fix as a file of changes, beside it the plan that verified it; return paths."""
    written = []
    for reason in reasons:
        for fix in (f for f in reason.fixes if f.changes):
            stem = re.sub(r"[^A-Za-z0-9._-]", "-", f"{reason.job}-{fix.kind}")
            path = folder / f"{stem}.json"
            write_whole(path, changes_text(instance.name, f"{reason.job}: {fix.text}", fix.changes))
            written.append(path)
            if fix.plan is not None:
                path = folder / f"{stem}.plan.json"
                write_whole(path, plan_text(fix.plan))
                written.append(path)
    return written


def patch(given: argparse.Namespace) -> int:
    """Write an instance with the changes of a file."""
    instance = load_instance(given.instance)
    path, out = Path(given.changes), Path(given.out)
    try:
        if path.stat().st_size > MAX_CHANGES_BYTES:
            raise InstanceError([f"{path}: larger than {MAX_CHANGES_BYTES // 2**20} MiB"])
        changes = parse_changes(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise InstanceError([f"{path}: cannot be read: {e.strerror}"]) from None
    except UnicodeDecodeError:
        raise InstanceError([f"{path}: is not UTF-8 text"]) from None
    changed = PLACE.patch(instance, changes)
    write_instance(changed, out)
    print(
        f"{out}: instance {changed.name}, {len(changes)} values changed, hash {changed.hash[:12]}"
    )
    for change in changes:
        print(f"  {change.pointer}")
    return GOOD
