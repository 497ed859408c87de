"""What a command leaves in its folder: plan, report as text and page, tables; each in whole."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.domain.files import instance_text
from service.cli.describe import print_report
from service.cli.files import plan_text, write_all, write_whole
from service.render.html import html
from service.render.spreadsheet import INDEX, INDEX_HEADS, spreadsheets
from service.render.terminal import terminal

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Report
    from service.cli.live import Cancel

__all__ = ["files_of", "folder_of", "hand_on", "list_files", "publish", "write_files"]

_TABLES = "tables"
_OURS = re.compile(r"[a-z0-9-]+\.csv")


def folder_of(given: argparse.Namespace, name: str) -> Path:
    """Return the folder of an answer, made before the search: a full hour must not end in vain."""
    folder = Path("fleetwatt-out", name) if given.out is None else Path(given.out)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def files_of(report: Report, plan: object = None) -> dict[str, str]:
    """Return what is to be written: path below the folder -> text, the plan first, if given."""
    files = {} if plan is None else {"plan.json": plan_text(plan)}
    files |= {"report.txt": terminal(report), "report.html": html(report)}
    return files | {f"{_TABLES}/{name}": text for name, text in spreadsheets(report).items()}


def write_files(folder: Path, files: Mapping[str, str]) -> dict[str, Path]:
    """Write plan, report.txt, report.html and tables/*.csv; return what to call them, and paths.

    Tables that an earlier report left there, and this one does not have, are taken away: its index
    names them. Other files stay.
    """
    tables = folder / _TABLES
    is_new = not tables.exists()
    tables.mkdir(exist_ok=True)
    old = _before(tables / INDEX)
    try:
        write_all({folder / path: text for path, text in files.items()})
    except BaseException:
        if is_new:
            tables.rmdir()
        raise
    for name in old:
        if f"{_TABLES}/{name}" not in files:
            (tables / name).unlink(missing_ok=True)
    plan = {"plan": folder / "plan.json"} if "plan.json" in files else {}
    return plan | {
        "report": folder / "report.txt",
        "page": folder / "report.html",
        "tables": tables,
    }


def list_files(written: Mapping[str, Path]) -> None:
    """Print what was written, and where."""
    print()
    for what, where in written.items():
        print(f"{what:<7} {where}")


def _before(index: Path) -> set[str]:
    """Return the tables that an index names; none where it is not there or not ours."""
    try:
        rows = list(csv.reader(index.read_text(encoding="utf-8").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error):
        return set()
    if not rows or rows[0] != list(INDEX_HEADS):
        return set()
    return {row[0] for row in rows[1:] if row and _OURS.fullmatch(row[0])}


def publish(report: Report, plan: object, folder: Path, cancel: Cancel) -> None:
    """Write an answer in whole, whatever stops the command meanwhile; then print it."""
    with cancel.held():
        written = write_files(folder, files_of(report, plan))
    print_report(report)
    list_files(written)


def hand_on(made: Instance, path: Path, left: str) -> None:
    """Write an instance that an answer is handed on as; say what is left to add to it."""
    write_whole(path, instance_text(made))
    print(f"{'fleet':<7} {path}: {len(made.pools)} pools, {left}")
