"""Lines of the sets that are asked of `place`: all of a set is carried (`as_place.py`)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from benchmarks.orlib.as_place import of_assignment, of_project
from benchmarks.orlib.assignment import drawn, read_assignment
from benchmarks.orlib.plain import plain_cpsat
from benchmarks.orlib.projects import read_project
from optimizer.place.check import check
from optimizer.place.measure.records import LeastCost, Makespan
from optimizer.questions import PLACE

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.orlib.projects import Project
    from optimizer.domain.instance import Instance
    from optimizer.place.plan import PlacePlan

__all__ = ["COLUMNS", "row", "summary"]

COLUMNS = (
    "set", "n", "limit", "best_known", "is_optimal", "ours", "bound", "engine", "plain",
    "plain_bound", "above", "below", "plain_above", "seconds",
)  # fmt: skip

THREADS = 2


def read(folder: Path, key: str, known: dict[str, Any] | None) -> tuple[Instance, Project | None]:
    """Return the instance of a set, and the project that it is, if it is one."""
    kind, _, name = key.partition("/")
    if kind == "drawn":
        agents, jobs = map(int, name.split("x"))
        return of_assignment(drawn(agents, jobs, seed=1)), None
    if known is None:
        raise SystemExit(f"{key}: not among the sets of {folder / 'values.json'}")
    if kind == "gap":
        return of_assignment(read_assignment(folder / known["file"])), None
    project = read_project(folder / known["file"])
    return of_project(project), project


def row(
    folder: Path, key: str, known: dict[str, Any] | None, seconds: float, has_rival: bool
) -> dict[str, Any]:
    """Return the line of a set."""
    instance, project = read(folder, key, known)
    objective = "cost" if project is None else "makespan"
    began = time.monotonic()
    plan = PLACE.solve(
        instance, PLACE.options(seconds=seconds, threads=THREADS, objective=objective)
    )
    took = time.monotonic() - began
    verdict = check(instance, plan)
    is_plan = plan.status.has_plan
    if is_plan and not verdict.is_good:
        raise SystemExit(f"{key}: {verdict.violations[0]}")
    ours, bound = _figures(plan)
    line: dict[str, Any] = dict.fromkeys(COLUMNS)
    claim = plan.run.claim
    line |= {
        "set": key,
        "n": len(instance.jobs),
        "limit": seconds,
        "ours": ours if is_plan else None,
        "bound": bound,
        "engine": None if claim is None else claim.status.value,
        "seconds": round(took, 1),
    }
    if has_rival and project is not None:
        rival = plain_cpsat(project, seconds, THREADS, seed=0)
        line |= {"plain": rival.end, "plain_bound": rival.bound}
    return line | _against(line, known)


def _figures(plan: PlacePlan) -> tuple[float, float | None]:
    """Return the figure of the goal and its certified bound, in the unit of the set."""
    goal = plan.goal
    if isinstance(goal, Makespan):
        return goal.periods, goal.bound
    assert isinstance(goal, LeastCost)
    return goal.cost / 1e9, None if goal.bound is None else round(goal.bound / 1e9, 3)


def _against(line: dict[str, Any], known: dict[str, Any] | None) -> dict[str, Any]:
    """Return how far figures lie from the best known value, as shares of it.

    Where none is known, how far our plan lies above our bound.
    """
    if known is None:
        return {"above": _apart(line["ours"], line["bound"])}
    best = float(known["best_known"])
    return {
        "best_known": best,
        "is_optimal": known["optimal"],
        "above": _apart(line["ours"], best),
        "below": None if line["bound"] is None else round((best - line["bound"]) / best, 5),
        "plain_above": _apart(line["plain"], best),
    }


def _apart(figure: float | None, base: float | None) -> float | None:
    return None if figure is None or not base else round((figure - base) / base, 5)


def summary(kind: str, rows: list[dict[str, Any]]) -> str:
    """Return how many sets have a plan, and mean and worst of how far they lie from best known."""
    found = [r["above"] for r in rows if r.get("above") is not None]
    said = [f"{kind}: {len(found)} of {len(rows)} with a plan"]
    for name in ("above", "below", "plain_above"):
        each = [r[name] for r in rows if r.get(name) is not None]
        if each:
            said.append(f"{name} mean {sum(each) / len(each):.3%}, worst {max(each):.3%}")
    worse = [r["set"] for r in rows if r.get("plain") and (r["ours"] or 1e9) > r["plain"]]
    if any(r.get("plain") for r in rows):
        said.append(f"later than CP-SAT alone: {', '.join(worse) or 'none'}")
    return "; ".join(said)
