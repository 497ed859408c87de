"""What must not be in any file: addresses of registries, paths of one machine, lock files."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
SKIPPED = {".venv", "build", "dist", "fleetwatt-out", "__pycache__", "node_modules"}
# Written in pieces, so that this file does not find itself.
ADDRESS = re.compile(
    "py" r"pi\.org|pythonhosted" r"\.org|registry\." r"npmjs|(extra-)?index" r"-url|/simple" "/"
)
MACHINE = re.compile(r"(?<![\w.~\])}-])/(?:root|work|home|Users|tmp" r"|mnt)/[\w.]")
LOCKS = {"uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "package-lock.json", "yarn.lock"}


def files() -> list[Path]:
    """Return the files of the project: those that git knows, or all where there is no git."""
    if (ROOT / ".git").exists():
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        done = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True)
        found = [ROOT / name for name in done.stdout.split("\0") if name]
    else:
        found = [f for f in ROOT.rglob("*") if not is_skipped(f.relative_to(ROOT))]
    return [f for f in found if f.is_file()]


def is_skipped(path: Path) -> bool:
    """Return whether a path lies in a folder that is made, not written."""
    return any(part in SKIPPED or part.endswith("_cache") for part in path.parts)


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    """Return the lines in which a pattern stands."""
    found = []
    for file in files():
        text = file.read_text(encoding="utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), 1):
            if pattern.search(line):
                found.append(f"{file.relative_to(ROOT)}:{number}: {line[:120]}")
    return found


def test_no_file_holds_the_address_of_a_registry() -> None:
    assert not lines_with(ADDRESS)


def test_no_file_holds_a_path_of_one_machine() -> None:
    assert not lines_with(MACHINE)


def test_no_lock_file_is_among_the_files() -> None:
    assert not [f for f in files() if f.name in LOCKS]


def test_requirements_are_pinned_and_hashed() -> None:
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    entries = text.replace("\\\n", " ").strip().splitlines()
    assert entries
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==[\w.]+ ", entry), entry
        assert "--hash=sha256:" in entry, entry
