"""Where a finding about an instance stands in the tables that it was made from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.tables.columns import JOBS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from service.tables.sheets import Sheet

__all__ = ["Places"]

_PATH = r"(?P<path>(?:\.\w[\w+-]*|\[(?:\d+|'[^']*')\])*)"
_JOB = re.compile(rf"jobs\[(?P<index>\d+)\](?: (?:'[^']*'|\"[^\"]*\"))?{_PATH}: (?P<said>.*)", re.S)
_POOL = re.compile(rf"pools\['(?P<pool>[^']*)'\]{_PATH}: (?P<said>.*)", re.S)
_REFERENCE = re.compile(r"jobs\[(\d+)\](?: '[^']*')?")
_COLUMNS = tuple(rule.name for rule in JOBS)
_FOLLOWS = ("gangs need a workload", "has neither gangs nor modes")
"""What an instance says of a job where a cell that tables need could not be read."""
_PATTERN = re.compile(r"String should match pattern '\^\[A-Za-z0-9\].*?'(?=,|$)")
_NAMED = "made of letters, digits and . _ / + -, the first a letter or digit"


@dataclass(frozen=True)
class Places:
    """From the places of an instance to those of its tables.

    Attributes
    ----------
    base
        The base as it was given on the command line.
    job_rows
        Row of jobs[i]; None for a job of the base.
    job_ids
        Ids of the jobs, for those of the base.
    wrong
        (row, column) of cells that could not be read.
    pool_rows
        Row of every pool that the table of pools names.
    """

    base: str
    jobs: Sheet
    job_rows: Sequence[int | None]
    job_ids: Sequence[str]
    wrong: frozenset[tuple[int, str]]
    pools: Sheet | None
    pool_rows: Mapping[str, int]

    def translated(self, finding: str) -> str | None:
        """Return a finding as the reader of the tables needs it.

        None for one that only follows from a cell that could not be read.
        """
        job = _JOB.fullmatch(finding)
        if job is not None and int(job["index"]) < len(self.job_rows):
            return self._of_job(int(job["index"]), job["path"], job["said"])
        pool = _POOL.fullmatch(finding)
        if pool is not None and self.pools is not None and pool["pool"] in self.pool_rows:
            column = "spares" if pool["path"].startswith(".spares") else "count"
            where = self.pools.where(self.pool_rows[pool["pool"]], column)
            path = pool["path"].removeprefix(".")
            about = "" if path in ("count", "spares") else f"with it, {path}: "
            return f"{where}: {about}{self._said(pool['said'])}"
        if finding.startswith("name: "):
            said = self._said(finding.removeprefix("name: "))
            return f"--name: {said}; without --name it is that of --out"
        if finding.startswith("jobs: predecessors"):
            return f"{self.jobs.name} column 'predecessors': {finding.removeprefix('jobs: ')}"
        return f"{self.base} with {self.jobs.name}: {self._said(finding)}"

    def _of_job(self, index: int, path: str, said: str) -> str | None:
        row = self.job_rows[index]
        if row is None:
            return f"{self.base} job {self.job_ids[index]!r}{path}: {self._said(said)}"
        column = _column(path, said)
        if (row, column) in self.wrong or said.startswith(_FOLLOWS):
            return None
        return f"{self.jobs.where(row, column)}: {self._said(said)}"

    def _said(self, said: str) -> str:
        """Return a message with rows in the place of jobs[i]."""

        def name(found: re.Match[str]) -> str:
            index = int(found[1])
            row = self.job_rows[index] if index < len(self.job_rows) else None
            if row is not None:
                return f"row {row}"
            known = self.job_ids[index] if index < len(self.job_ids) else str(found[0])
            return f"job {known!r} of {self.base}"

        return _REFERENCE.sub(name, _PATTERN.sub(_NAMED, said))

    def order(self, finding: str) -> tuple[int, int]:
        """Return what findings are sorted by: table of jobs, table of pools, the rest; the row."""
        sheets = [self.jobs, *([] if self.pools is None else [self.pools])]
        for place, sheet in enumerate(sheets):
            found = re.match(rf"{re.escape(sheet.name)} row (\d+)", finding)
            if found:
                return place, int(found[1])
        return len(sheets), 0


def _column(path: str, said: str) -> str:
    """Return the column that a finding about a job is about."""
    for step in re.finditer(r"\.(\w+)", path):
        if step[1] in _COLUMNS:
            return str(step[1])
    first = said.split(" ", 1)[0]
    if first in _COLUMNS:
        return first
    if said.startswith(("workload", "gangs need")):
        return "workload"
    return "chips" if ".gangs" in path or "gangs" in said else "id"
