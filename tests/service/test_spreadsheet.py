"""Tables of a report as CSV: what was in them can be read again."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from io import StringIO
from typing import TYPE_CHECKING

from optimizer.domain.reports import Column, Report, Section, Table, Value
from service.cli.written import files_of, write_files
from service.render.spreadsheet import INDEX, spreadsheets, table_csv

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = (
    Column("job"),
    Column("load", "MW", "right"),
    Column("used", "share", "right"),
    Column("start", "UTC", "right"),
    Column("chips", "", "right"),
)
ROWS: tuple[tuple[Value, ...], ...] = (
    ("a,b", 0.1 + 0.2, 1 / 3, datetime(2027, 4, 5, 6, tzinfo=UTC), 8),
    ('say "x"\nand y', 1e-9, None, None, 0),
    ("ünï;code", -5.0, 1.0, datetime(2027, 4, 12, tzinfo=UTC), None),
)


def rows(text: str) -> list[list[str]]:
    """Return the cells of a CSV text."""
    return list(csv.reader(StringIO(text, newline="")))


def report(*titles: str) -> Report:
    """Return a report of tables."""
    tables = tuple(Table(title, COLUMNS, ROWS, show=1) for title in titles)
    return Report("r", (Section("s", tables=tables),))


def read_again(cells: list[str]) -> tuple[Value, ...]:
    """Return the values of a row of the table above."""
    job, load, used, start, chips = cells
    return (
        job,
        float(load) if load else None,
        float(used) if used else None,
        datetime.fromisoformat(start) if start else None,
        int(chips) if chips else None,
    )


def test_a_table_comes_back_as_it_was() -> None:
    heads, *found = rows(table_csv(Table("t", COLUMNS, ROWS)))
    assert heads == ["job", "load [MW]", "used [share]", "start [UTC]", "chips"]
    assert tuple(map(read_again, found)) == ROWS


def test_a_text_is_no_formula() -> None:
    table = Table("t", (Column("a"), Column("b", "", "right")), (("=1+1", -1.5), ("@x", 2)))
    assert rows(table_csv(table))[1:] == [["'=1+1", "-1.5"], ["'@x", "2"]]


def test_every_table_has_a_file_of_its_own_and_a_line_in_the_index() -> None:
    files = spreadsheets(report("Jobs, by start", "Jobs (by start)", "Jobs: all", "Index", "?"))
    assert list(files) == [
        "jobs-by-start.csv", "jobs.csv", "jobs-2.csv", "index-2.csv", "table.csv", INDEX,
    ]  # fmt: skip
    listed = rows(files[INDEX])
    assert listed[0] == ["file", "section", "table", "rows"]
    assert [row[0] for row in listed[1:]] == [name for name in files if name != INDEX]
    assert {row[3] for row in listed[1:]} == {"3"}


def test_tables_of_an_earlier_report_are_taken_away_and_nothing_else(tmp_path: Path) -> None:
    write_files(tmp_path, files_of(report("Tenants", "Jobs")))
    (tmp_path / "tables" / "mine.csv").write_text("mine")
    write_files(tmp_path, files_of(report("Jobs")))
    found = sorted(f.name for f in (tmp_path / "tables").iterdir())
    assert found == ["index.csv", "jobs.csv", "mine.csv"]
    assert sorted(f.name for f in tmp_path.iterdir()) == ["report.html", "report.txt", "tables"]


def test_an_index_that_is_not_ours_takes_nothing_away(tmp_path: Path) -> None:
    tables = tmp_path / "tables"
    tables.mkdir()
    (tables / "mine.csv").write_text("mine")
    (tables / INDEX).write_text("name\nmine.csv\n../plan.json\n")
    write_files(tmp_path, files_of(report("Jobs")))
    assert (tables / "mine.csv").read_text() == "mine"
