"""What every benchmark prints and writes: the machine, and its rows as CSV."""

from __future__ import annotations

import csv
import os
import platform
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

__all__ = ["print_machine", "write_rows"]


def print_machine() -> None:
    """Print what the figures are of: processor, cores, Python."""
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")


def write_rows(
    path: Path | None, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]
) -> None:
    """Write rows as CSV, if there is a file to write them to."""
    if path is None:
        return
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, columns)
        writer.writeheader()
        writer.writerows(rows)
