"""Reading a CSV file: its delimiter, its heading, its rows with the numbers that people see."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.domain.fields import shown
from optimizer.errors import InstanceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from service.tables.columns import ColumnRule

__all__ = ["Row", "Sheet", "read_sheet"]

MAX_BYTES = 64 * 2**20
"""No table of jobs has 64 MiB."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number in a spreadsheet (the heading is 1) and its cells that are not empty."""

    number: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table as text, and what is wrong with its shape.

    Attributes
    ----------
    name
        The file as it was given, which every message begins with.
    """

    name: str
    rows: tuple[Row, ...]
    findings: tuple[str, ...]

    def where(self, row: int, column: str = "") -> str:
        """Return how messages name a place: `jobs.csv row 17 column 'deadline'`."""
        return f"{self.name} row {row}" + (f" column {column!r}" if column else "")


def read_sheet(path: str, rules: Sequence[ColumnRule]) -> Sheet:
    """Return the table of a file.

    Raises
    ------
    InstanceError
        If the file cannot be read as a table with these columns at all.
    """
    text = _text(path)
    heading = text.lstrip().partition("\n")[0]
    delimiter = ";" if heading.count(";") > heading.count(",") else ","
    lines = _lines(path, text, delimiter)
    number, names = next(((n, cells) for n, cells in lines if any(cells)), (1, []))
    empty = Sheet(path, (), ())
    wrong = list(_wrong_heading(empty, number, names, rules))
    if wrong:
        raise InstanceError(wrong)
    rows, findings = list[Row](), list[str]()
    for number, cells in lines:
        if any(cells[len(names) :]):
            findings.append(
                f"{empty.where(number)}: has {len(cells)} cells, the heading has {len(names)}; "
                "put cells that hold the delimiter in quotes"
            )
        elif any(cells):
            given = {k: v for k, v in zip(names, cells, strict=False) if k and v}
            rows.append(Row(number, given))
    if not rows and not findings:
        findings.append(f"{path}: has no row below its heading; give one at least")
    return Sheet(path, tuple(rows), tuple(findings))


def _text(path: str) -> str:
    """Return the text of a file without its byte order mark."""
    try:
        if Path(path).stat().st_size > MAX_BYTES:
            raise InstanceError([f"{path}: larger than {MAX_BYTES // 2**20} MiB"])
        return Path(path).read_bytes().decode("utf-8-sig")
    except OSError as e:
        raise InstanceError([f"{path}: cannot be read: {e.strerror}"]) from None
    except UnicodeDecodeError:
        raise InstanceError([f"{path}: is not UTF-8 text; save it as CSV UTF-8"]) from None


def _lines(path: str, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (number, cells without outer spaces); blank lines count, as in a spreadsheet."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            yield number, [cell.strip() for cell in cells]
    except csv.Error as e:
        where = f"{path} row {number + 1}"
        raise InstanceError([f"{where}: is not CSV: {e}; look at its quotes"]) from None


def _wrong_heading(
    sheet: Sheet, row: int, names: list[str], rules: Sequence[ColumnRule]
) -> Iterator[str]:
    known = [rule.name for rule in rules]
    if not any(names):
        yield f"{sheet.name}: is empty; give a heading with {_needed(rules)}"
        return
    if "\t" in "".join(names):
        yield f"{sheet.where(row)}: is separated by tabs; save it with commas or semicolons"
        return
    for i, name in enumerate(names):
        if name and name not in known:
            close = get_close_matches(name.lower(), known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
            where = sheet.where(row, shown(name)[1:-1])
            yield f"{where}: is not a column that is known here; {hint}"
        elif name and name in names[:i]:
            yield f"{sheet.where(row, name)}: stands twice in the heading; keep one"
    for rule in rules:
        if rule.is_needed and rule.name not in names:
            yield f"{sheet.where(row, rule.name)}: is missing; give the column"


def _needed(rules: Sequence[ColumnRule]) -> str:
    return ", ".join(rule.name for rule in rules if rule.is_needed)
