"""Public sets against best known values: `python -m benchmarks.orlib FOLDER [NAME ...]`.

FOLDER has `values.json` (best known by set) and the files of the sets in folders of their own. What
`expand` carries of facility location and stochastic server location is said in `as_expand.py`, what
`place` does of assignment and projects in `as_place.py`. A NAME is a set, `rcpsp/j3013_3`, or a
folder of them, `rcpsp`; of `place` also `drawn/80x1600`, assignment of that size from a seed.

One line a set: best known value, our plan, which the checker passes, our bound, how far the plan
lies above the best known and the bound below it, and wall seconds. Bounds of `expand` are an
engine's; those of `place` are certified, and `engine` stands beside them where CP-SAT says that our
plan is optimal. With `--rival` project scheduling is asked of CP-SAT alone, too (`plain.py`), for
as many seconds and with as many workers. Raw rows with `--csv`: those of runs are in
`expansions.csv` and `placements.csv`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.orlib import expansions, placements
from benchmarks.rows import print_machine, write_rows

OF_PLACE = ("gap", "mmrcpsp", "rcpsp", "drawn")
OF_EXPAND = ("facility", "stochastic")


def asked(known: dict[str, Any], names: list[str]) -> list[str]:
    """Return the sets that are asked for: all that are carried, if none is named."""
    carried = [key for key in known if key.partition("/")[0] in OF_PLACE + OF_EXPAND]
    out: list[str] = []
    for name in names:
        out += [key for key in carried if key.partition("/")[0] == name] or [name]
    return out or carried


def main(argv: list[str] | None = None) -> int:
    """Run the sets that are asked for and print one line each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.orlib", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help="sets, or folders of them")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each solve (%(default)g)")
    parser.add_argument("--rival", action="store_true", help="CP-SAT alone beside projects")
    parser.add_argument("--csv", type=Path)
    given = parser.parse_args(argv)
    known = json.loads((given.folder / "values.json").read_text(encoding="utf-8"))
    print_machine()
    rows: list[dict[str, Any]] = []
    for key in asked(known, given.names):
        if key.partition("/")[0] in OF_EXPAND:
            rows.append(expansions.row(given.folder, key, known[key], given.seconds))
        else:
            rows.append(
                placements.row(given.folder, key, known.get(key), given.seconds, given.rival)
            )
        print("  ".join(f"{name} {x}" for name, x in rows[-1].items()), flush=True)
    for kind in sorted({key.partition("/")[0] for key in (row["set"] for row in rows)}):
        print(placements.summary(kind, [r for r in rows if r["set"].partition("/")[0] == kind]))
    write_rows(given.csv, list(dict.fromkeys(name for row in rows for name in row)), rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
