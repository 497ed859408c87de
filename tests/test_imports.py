"""The house rules that can be read from the sources: layers, third parties, circles, sizes."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
HOUSES = ("optimizer", "instances", "service", "benchmarks")
GROUND = {"optimizer.errors", "optimizer.units"}
SIBLING = {"optimizer.domain", "optimizer.solvers"} | GROUND
MAY_IMPORT = {  # package or module -> what it may import of this repository, besides itself
    "optimizer.errors": set[str](),
    "optimizer.units": set[str](),
    "optimizer.domain": GROUND,
    "optimizer.solvers": GROUND,
    "optimizer.place": SIBLING,
    "optimizer.mix": SIBLING,
    "optimizer.expand": SIBLING,
    "optimizer": {"optimizer"},  # doors, questions, studies, chain: above the siblings
    "instances": {"optimizer.domain"} | GROUND,
    "service": {"optimizer", "instances"},
    "benchmarks": {"optimizer", "instances", "service"},
}
JUDGES = (
    "check",
    "rules",
    "certificate",
    "bound",
    "goal",
    "measure",
    "compare",
    "report",
    "explain",
    "account",
    "reasons",
)
"""Files and folders of a question that share no code with what they judge."""
ENGINES = (
    "optimizer.place.engines",
    "optimizer.place.exact",
    "optimizer.mix.engines",
    "optimizer.expand.engines",
)
CERTIFICATES = (
    "optimizer.place.certificate",
    "optimizer.place.bound.compiled",
    "optimizer.mix.certificate",
)
ONLY_IN = {  # third party -> where alone it may be imported
    "pulp": ("optimizer.solvers", *ENGINES),
    "highspy": ("optimizer.solvers", *ENGINES),
    "ortools": ("optimizer.solvers", *ENGINES, "benchmarks.orlib.plain"),  # a rival as it is
    "numba": (*ENGINES, *CERTIFICATES),
    "joblib": ("optimizer.studies",),
    "fastapi": ("service",),
    "jinja2": ("service",),
}
FILE_LINES, FUNCTION_LINES, FILES_IN_FOLDER = 400, 40, 12


def name_of(file: Path) -> str:
    """Return the dotted name of a module."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def read(file: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(file.read_text(encoding="utf-8"))


def statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield what stands directly in a module or statement and may hold statements."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.stmt | ast.excepthandler | ast.match_case):
            yield node


def is_typing_only(node: ast.AST) -> bool:
    """Return whether a node is `if TYPE_CHECKING:`."""
    test = node.test if isinstance(node, ast.If) else None
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def imports(tree: ast.Module, at_run_time: bool = False) -> set[str]:
    """Return the modules, and names in modules, that a file imports anywhere.

    at_run_time leaves out what only the type checker or a function reads.
    """
    found: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the defining module in full"
            found |= {f"{node.module}.{a.name}" for a in node.names}
        later = is_typing_only(node) or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if not (at_run_time and later):
            waiting.extend(statements(node))
    return found


def is_in(name: str, package: str) -> bool:
    """Return whether a dotted name is a package or lies in it."""
    return name == package or name.startswith(f"{package}.")


@cache
def trees() -> dict[str, ast.Module]:
    """Return the syntax trees of our modules, by name."""
    files = sorted(f for house in HOUSES for f in (ROOT / house).rglob("*.py"))
    return {name_of(f): read(f) for f in files}


@cache
def ours() -> dict[str, set[str]]:
    """Return what each of our modules imports."""
    return {name: imports(tree) for name, tree in trees().items()}


def every_file() -> list[Path]:
    """Return all our files, and those of the tests."""
    return sorted(f for house in (*HOUSES, "tests") for f in (ROOT / house).rglob("*.py"))


def test_imports_run_downwards_only() -> None:
    wrong = []
    for name, found in ours().items():
        room = max((p for p in MAY_IMPORT if is_in(name, p)), key=len)
        allowed = MAY_IMPORT[room] | {room}
        for other in found:
            is_ours = any(is_in(other, house) for house in (*HOUSES, "tests"))
            if is_ours and not any(is_in(other, a) for a in allowed):
                wrong.append(f"{name} imports {other}")
    assert not wrong


def test_judges_share_no_code_with_the_judged() -> None:
    wrong = []
    for name, found in ours().items():
        parts = name.split(".")
        if parts[0] != "optimizer" or len(parts) < 3 or parts[2] not in JUDGES:
            continue
        question = ".".join(parts[:2])
        allowed = ["optimizer.domain", *GROUND, f"{question}.plan"]
        allowed += [f"{question}.{judge}" for judge in JUDGES]
        for other in found:
            if is_in(other, "optimizer") and not any(is_in(other, a) for a in allowed):
                wrong.append(f"{name} imports {other}")
    assert not wrong


def test_the_strangers_verifier_imports_nothing_of_ours() -> None:
    strangers = sorted((ROOT / "tests").rglob("stranger*.py"))
    assert strangers
    for file in strangers:
        found = imports(read(file))
        assert not [f for f in found if any(is_in(f, house) for house in HOUSES)], file.name


def test_third_parties_stay_in_their_rooms() -> None:
    wrong = []
    for name, found in ours().items():
        for party, rooms in ONLY_IN.items():
            is_used = any(is_in(other, party) for other in found)
            if is_used and not any(is_in(name, room) for room in rooms):
                wrong.append(f"{name} imports {party}")
    assert not wrong


def test_no_import_goes_in_a_circle() -> None:
    edges = {
        name: {other for other in trees() if other != name and _reads(found, other)}
        for name, found in ((n, imports(t, at_run_time=True)) for n, t in trees().items())
    }
    while True:
        ends = [name for name, after in edges.items() if not after]
        if not ends:
            break
        for name in ends:
            del edges[name]
        edges = {name: after - set(ends) for name, after in edges.items()}
    assert not edges, "a circle goes through these"


def _reads(found: set[str], module: str) -> bool:
    """Return whether imports read a module: by its name, or a name that it defines."""
    return module in found or any(f.rpartition(".")[0] == module for f in found)


def test_a_file_holds_one_idea() -> None:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    wrong = []
    for file in every_file():
        name = file.relative_to(ROOT)
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > FILE_LINES:
            wrong.append(f"{name}: {lines} lines")
        waiting: list[ast.AST] = [read(file)]
        while waiting:
            waiting.extend(statements(node := waiting.pop()))
            if isinstance(node, functions):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    wrong.append(f"{name}: {node.name} has {lines} lines")
    assert not wrong


def test_a_folder_holds_at_most_twelve_files() -> None:
    folders = {file.parent for file in every_file()}
    crowded = {
        str(folder.relative_to(ROOT)): count
        for folder in folders
        if (count := len([f for f in folder.glob("*.py") if f.name != "__init__.py"]))
        > FILES_IN_FOLDER
    }
    assert not crowded
