"""Instance files made: `fleetwatt import` from spreadsheets, `fleetwatt generate` by seed."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.domain.files import write_instance
from optimizer.errors import InstanceError
from service.cli.codes import GOOD
from service.cli.files import load_instance, write_whole
from service.render.numbers import quantity
from service.tables.columns import JOBS, POOLS
from service.tables.merge import merged
from service.tables.sheets import Sheet, read_sheet

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from optimizer.domain.instance import Instance
    from service.tables.columns import ColumnRule

__all__ = ["bring_in", "generate"]


def bring_in(given: argparse.Namespace) -> int:
    """Read tables and base, write the instance; nothing is written if anything is wrong."""
    out = Path(given.out)
    sources = [given.jobs, given.pools, given.base]
    if any(
        s is not None and Path(s).exists() and out.resolve() == Path(s).resolve() for s in sources
    ):
        raise InstanceError([f"--out {given.out}: is one of the files to read; give another name"])
    base = load_instance(given.base)
    jobs, pools = _sheets(given)
    name = out.stem if given.name is None else given.name
    instance = merged(base, given.base, name, jobs, pools, given.extend)
    write_whole(out, _text(instance))
    print(f"{given.out}: good; instance {instance.name}, hash {instance.hash[:12]}")
    kept = len(instance.jobs) - len(jobs.rows)
    rest = f", {quantity(kept, 'jobs')} of {base.name} kept" if given.extend else ""
    print(f"{quantity(len(jobs.rows), 'jobs')} from {given.jobs}{rest}")
    placeable = int((instance.table.job_ptr[1:] > instance.table.job_ptr[:-1]).sum())
    if placeable < len(instance.jobs):
        out_of = quantity(len(instance.jobs) - placeable, "jobs")
        print(f"{out_of} without a mode: a rule excludes all of them")
    return GOOD


def generate(given: argparse.Namespace) -> int:
    """Draw an instance of a size and write it."""
    from instances.seeded.sizes import sized

    instance = sized(given.size, given.seed)
    out = Path(f"{instance.name}.json" if given.out is None else given.out)
    write_whole(out, _text(instance))
    print(f"{out}: {instance.title}; instance {instance.name}, hash {instance.hash[:12]}")
    return GOOD


def _sheets(given: argparse.Namespace) -> tuple[Sheet, Sheet | None]:
    """Return both tables, or raise with what is wrong with either."""
    findings: list[str] = []

    def read(path: str, rules: Sequence[ColumnRule]) -> Sheet | None:
        try:
            return read_sheet(path, rules)
        except InstanceError as e:
            findings.extend(e.findings)
            return None

    jobs = read(given.jobs, JOBS)
    pools = None if given.pools is None else read(given.pools, POOLS)
    if jobs is None or findings:
        raise InstanceError(findings)
    return jobs, pools


def _text(instance: Instance) -> str:
    """Return an instance as its file holds it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "instance.json")
        write_instance(instance, path)
        return path.read_text(encoding="utf-8")
