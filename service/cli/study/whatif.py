"""`fleetwatt whatif`: solve again under named changes, from the plan in hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.domain.changes.patch import changes_text
from optimizer.whatif import told
from optimizer.whatif import whatif as tries
from service.cli.codes import GOOD
from service.cli.describe import print_report
from service.cli.files import load_instance, plan_text, read_plan
from service.cli.live import Live, watch
from service.cli.written import files_of, list_files, write_files

if TYPE_CHECKING:
    import argparse

    from optimizer.whatif import Tried
    from service.cli.live import Cancel

__all__ = ["whatif"]


def whatif(given: argparse.Namespace, cancel: Cancel) -> int:
    """Try each text of changes; print what came of them, write plans and changes where asked."""
    instance = load_instance(given.instance)
    question, plan = read_plan(Path(given.plan))
    live = Live(given.seconds * len(given.change))
    options = {"seconds": given.seconds}
    found: list[Tried] = watch(
        lambda: list(tries(question, instance, plan, given.change, options, live.tell, cancel)),
        live,
        cancel,
    )
    report = told(instance, plan, found)
    files = files_of(report)
    for number, each in enumerate(found, 1):
        files[f"{number}.plan.json"] = plan_text(each.plan)
        files[f"{number}.changes.json"] = changes_text(instance.name, each.text, each.changes)
    print_report(report)
    if given.out is not None:
        folder = Path(given.out)
        folder.mkdir(parents=True, exist_ok=True)
        with cancel.held():
            list_files(write_files(folder, files))
    return GOOD
