"""The answer of a run: what the plan file says, in one place, and the verdict beside it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from service.runs.port import Answer, Run

__all__ = ["result_text"]

LIMITS = ("seconds", "gap", "rounds", "leaves", "threads", "engine", "objective")


def result_text(run: Run, answer: Answer) -> bytes:
    """Return the result of a run as JSON: figures of the plan file, the verdict and the plan."""
    plan: dict[str, Any] = json.loads(answer.plan)
    record = plan["run"]
    options = record["options"]
    data = {
        "run": run.id,
        "question": run.question,
        "outcome": plan["status"],
        "stopped_by": record["stopped_by"],
        "objective": plan["objective"]["total"],
        "bound": plan["bound"],
        "bound_kind": plan["bound_kind"],
        "gap": plan["gap"],
        "instance": plan["instance"],
        "instance_hash": plan["instance_hash"],
        "seed": options.get("seed", 0),
        "limits": {name: options[name] for name in LIMITS if name in options},
        "versions": record["versions"],
        "verdict": None if answer.verdict is None else json.loads(answer.verdict),
        "plan": plan,
    }
    return json.dumps(data).encode("ascii")
