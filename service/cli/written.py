"""What a search leaves in its folder: plan, report as text and page, tables; each file in whole."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

from service.cli.files import plan_text, write_whole
from service.render.html import html
from service.render.spreadsheet import INDEX, INDEX_HEADS, spreadsheets
from service.render.terminal import terminal

if TYPE_CHECKING:
    from pathlib import Path

    from optimizer.domain.reports import Report

__all__ = ["write_plan", "write_report"]

_OURS = re.compile(r"[a-z0-9-]+\.csv")


def write_plan(folder: Path, plan: object) -> Path:
    """Write plan.json and return its path."""
    path = folder / "plan.json"
    write_whole(path, plan_text(plan))
    return path


def write_report(folder: Path, report: Report) -> dict[str, Path]:
    """Write report.txt, report.html and tables/*.csv; return what to call them and their paths.

    Tables that an earlier report left there, and this one does not have, are taken away: its index
    names them. Other files stay.
    """
    text, page, tables = folder / "report.txt", folder / "report.html", folder / "tables"
    write_whole(text, terminal(report))
    write_whole(page, html(report))
    tables.mkdir(exist_ok=True)
    files = spreadsheets(report)
    for name in _before(tables / INDEX) - set(files):
        (tables / name).unlink(missing_ok=True)
    for name, content in files.items():
        write_whole(tables / name, content)
    return {"report": text, "page": page, "tables": tables}


def _before(index: Path) -> set[str]:
    """Return the tables that an index names; none where it is not there or not ours."""
    try:
        rows = list(csv.reader(index.read_text(encoding="utf-8").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error):
        return set()
    if not rows or rows[0] != list(INDEX_HEADS):
        return set()
    return {row[0] for row in rows[1:] if row and _OURS.fullmatch(row[0])}
