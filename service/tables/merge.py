"""An instance from spreadsheets: their jobs and counts on the chips and sites of a base."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.domain.files import parse_instance
from optimizer.errors import InstanceError
from service.tables.cells import read_cells
from service.tables.columns import JOBS, POOLS
from service.tables.places import Places

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from service.tables.sheets import Sheet

__all__ = ["merged"]

_OF_JOB = (
    "id", "name", "workload", "work", "release", "deadline", "due", "late_usd_per_hour",
    "value_usd", "tenant", "countries", "owners", "predecessors", "must", "group",
)  # fmt: skip
_OF_GANG = ("pools", "power_levels", "one_off_usd", "uses", "pauses_at_calls", "restart_usd")


@dataclass
class _Read:
    """What is known while tables are read: findings, and the cells that they are about."""

    findings: list[str] = field(default_factory=list)
    wrong: set[tuple[int, str]] = field(default_factory=set)


def merged(
    base: Instance, called: str, name: str, jobs: Sheet, pools: Sheet | None, is_extending: bool
) -> Instance:
    """Return the base with the jobs, and the counts of pools, of tables.

    Parameters
    ----------
    called
        The base as it was given on the command line.
    name
        Name of the new instance.
    is_extending
        The base's jobs stay; a row with the id of one of them takes its place. Otherwise the
        table has all jobs.

    Raises
    ------
    InstanceError
        With every finding, each at its file, row and column.
    """
    data, read = base.data(), _Read()
    read.findings += [*jobs.findings, *(pools.findings if pools is not None else ())]
    pool_rows = {} if pools is None else _set_counts(data, pools, called, read)
    rows = _set_jobs(data, jobs, is_extending, read)
    _trace(data, base, name, jobs, pools, rows)
    ids = [str(job.get("id", "")) for job in data["jobs"]]
    places = Places(called, jobs, rows, ids, frozenset(read.wrong), pools, pool_rows)
    try:
        instance = parse_instance(json.dumps(data))
    except InstanceError as e:
        said = (places.translated(finding) for finding in e.findings)
        read.findings += [text for text in said if text is not None]
    if read.findings:
        raise InstanceError(sorted(dict.fromkeys(read.findings), key=places.order))
    return instance


def _set_counts(data: dict[str, Any], sheet: Sheet, base: str, read: _Read) -> dict[str, int]:
    """Put counts and spares into the pools of the data; return the row of every pool."""
    found: dict[str, int] = {}
    for row in sheet.rows:
        values, wrong = read_cells(row, sheet, POOLS)
        read.findings += wrong.values()
        name, where = values.get("pool"), sheet.where(row.number, "pool")
        if name is None:
            continue
        if name not in data["pools"]:
            known = ", ".join(data["pools"])
            read.findings.append(f"{where}: {name!r} is not a pool of {base}; known pools: {known}")
        elif name in found:
            read.findings.append(f"{where}: {name!r} stands in row {found[name]}, too; keep one")
        else:
            found[name] = row.number
            data["pools"][name] |= {k: values[k] for k in ("count", "spares") if k in values}
    return found


def _set_jobs(
    data: dict[str, Any], sheet: Sheet, is_extending: bool, read: _Read
) -> list[int | None]:
    """Put the rows into the jobs of the data; return the row of each job, None for the base's."""
    kept = list(data["jobs"]) if is_extending else []
    places = {job["id"]: i for i, job in enumerate(kept)}
    rows: list[int | None] = [None] * len(kept)
    for row in sheet.rows:
        values, wrong = read_cells(row, sheet, JOBS)
        job = _job(values, sheet, row.number, wrong)
        read.findings += wrong.values()
        read.wrong |= {(row.number, column) for column in wrong}
        at = places.pop(values.get("id", ""), None)
        if at is None:
            kept.append(job)
            rows.append(row.number)
        else:
            kept[at], rows[at] = job, row.number
    data["jobs"] = kept
    return rows


def _job(values: dict[str, Any], sheet: Sheet, row: int, wrong: dict[str, str]) -> dict[str, Any]:
    """Return a row as a job: each size is a gang of its own, alike in everything else."""
    job = {key: values[key] for key in _OF_JOB if key in values}
    sizes, slices = values.get("chips", []), values.get("slice_chips", [])
    slices = slices * len(sizes) if len(slices) == 1 else slices
    if len(slices) != len(sizes):
        if "chips" not in wrong and "slice_chips" not in wrong:
            wrong["slice_chips"] = (
                f"{sheet.where(row, 'slice_chips')}: must be one size, or one for each in column "
                f"'chips', got {len(slices)} for {len(sizes)}"
            )
        return job
    alike = {key: values[key] for key in _OF_GANG if key in values}
    gangs = [{"chips": c, "slice_chips": s} | alike for c, s in zip(sizes, slices, strict=True)]
    return job | ({"gangs": gangs} if gangs else {})


def _trace(
    data: dict[str, Any], base: Instance, name: str, jobs: Sheet, pools: Sheet | None,
    rows: list[int | None],
) -> None:  # fmt: skip
    """Say in the data where its numbers come from now."""
    table = Path(jobs.name).name
    data["name"] = name
    data["title"] = f"{base.title or base.name}, with the jobs of {table}"
    note = f"Jobs from {table}; all else from {base.name}, sha256 {base.hash[:16]}"
    sources = dict(data.get("sources", {}))
    is_whole = all(row is not None for row in rows)
    if is_whole:
        sources = {k: v for k, v in sources.items() if k != "/jobs" and not k.startswith("/jobs/")}
    for i, row in enumerate(rows):
        if row is not None:
            sources["/jobs" if is_whole else f"/jobs/{i}"] = _source(table)
    if pools is not None:
        note += f", but for the counts of {Path(pools.name).name}"
        for sheet_row in pools.rows:
            step = sheet_row.cells.get("pool", "").replace("~", "~0").replace("/", "~1")
            for key in ("count", "spares"):
                if key in sheet_row.cells:
                    sources[f"/pools/{step}/{key}"] = _source(Path(pools.name).name)
    data["sources"] = sources
    data["notes"] = [*data.get("notes", []), f"{note}."]


def _source(table: str) -> dict[str, str]:
    return {"source": f"table {table}", "kind": "reported"}
