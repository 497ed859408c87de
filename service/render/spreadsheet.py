"""The tables of a report as CSV: one file each, values as they are, units in the headings.

UTF-8, commas, decimal points; date-times as ISO 8601 in UTC; shares as numbers from 0 to 1, not in
percent; unknown is an empty cell. A text that a spreadsheet would take for a formula gets an
apostrophe in front.
"""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime
from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optimizer.domain.reports import Report, Table, Value

__all__ = ["INDEX", "INDEX_HEADS", "spreadsheets", "table_csv"]

INDEX = "index.csv"
"""The file that says which file holds which table."""
INDEX_HEADS = ("file", "section", "table", "rows")

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def spreadsheets(report: Report) -> dict[str, str]:
    """Return file name -> text for every table of a report, and for the index of them."""
    files: dict[str, str] = {}
    index: list[tuple[str, str, str, int]] = []
    for section in report.sections:
        for table in section.tables:
            name = _name(table.title, files)
            files[name] = table_csv(table)
            index.append((name, section.title, table.title, len(table.rows)))
    files[INDEX] = _text([INDEX_HEADS, *index])
    return files


def table_csv(table: Table) -> str:
    """Return a table as the text of a CSV file."""
    heads = [f"{c.name} [{c.unit}]".strip() if c.unit else c.name for c in table.columns]
    return _text([heads, *table.rows])


def _text(rows: Iterable[Sequence[Value]]) -> str:
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([_plain(value) for value in row] for row in rows)
    return out.getvalue()


def _plain(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        moment = value if value.tzinfo is None else value.astimezone(UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return repr(value)


def _name(title: str, taken: dict[str, str]) -> str:
    """Return a file name for a table: its title up to a colon or bracket, in small letters."""
    slug = re.sub(r"[^a-z0-9]+", "-", re.split(r"[:(]", title.lower())[0]).strip("-") or "table"
    name, count = f"{slug[:60]}.csv", 1
    while name in taken or name == INDEX:
        count += 1
        name = f"{slug[:60]}-{count}.csv"
    return name
