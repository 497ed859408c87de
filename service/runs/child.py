"""The solver's own process: one order in, lines of JSON out.

    python -m service.runs.child LEVEL PARENT

It loads what placing needs while it waits for one line, the order, so that a spare one is quick. It
says `ready` when all is loaded and compiled that the order needs: the time of the run begins, and
mixes and expansions do not wait for the search of placements. Then it solves, checks by the
independent checker, and answers by lines:

    {"kind": "ready"} {"kind": "incumbent", ...} {"kind": "plan", ...} {"kind": "result", ...}

A line `stop` ends the search with the best plan so far. The process dies with whoever holds its
standard input, and nothing is pickled. What takes time to import is imported after it has seen to
that.
"""

from __future__ import annotations

import fcntl
import gc
import json
import os
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.errors import FleetwattError
from optimizer.solvers.watch import die_with_parent

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.questions import Question

__all__ = ["main"]

NICE, NICEST = 10, 19
"""How far a solver steps back behind the server, and the end of the scale."""
GC_OBJECTS = 100_000
"""New objects after which garbage is looked for: an instance of 10,000 jobs has more that stay, and
to walk through them every few hundred took a third of the time to read and check."""


class _Out:
    """Lines to the parent; from any thread, whole ones."""

    def __init__(self) -> None:
        self._stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)  # what engines print is no answer
        self._lock = threading.Lock()

    def say(self, kind: str, **data: Any) -> None:
        with self._lock:
            print(json.dumps({"kind": kind, **data}), file=self._stream, flush=True)


def main() -> None:
    """Load, wait for an order, solve it, answer."""
    die_with_parent(int(sys.argv[2]), at_once=True)
    _step_back(sys.argv[1])
    out, cancel = _Out(), threading.Event()
    loading = threading.Thread(target=_load, daemon=True)
    loading.start()
    line = sys.stdin.readline()
    if not line:
        os._exit(0)
    threading.Thread(target=_listen, args=(cancel,), daemon=True).start()
    gc.set_threshold(GC_OBJECTS)
    try:
        order = json.loads(line)
        if order["question"] == "place":
            loading.join()
        _answer(order, out, cancel)
    except FleetwattError as e:
        out.say("error", code="refused", message=str(e))
    except MemoryError:
        out.say("error", code="out_of_memory", message="the solver ran out of memory")
    except Exception as e:
        last = traceback.extract_tb(e.__traceback__)[-1]
        where = f"{os.path.basename(last.filename)}:{last.lineno}"
        out.say("error", code="solver_crashed", message=f"{type(e).__name__} at {where}: {e}")
    os._exit(0)  # threads of engines are not waited for


def _step_back(level: str) -> None:
    """Let the server go first: by niceness, and by that of the session where kernels weigh them.

    level
        Niceness of the server's session.
    """
    os.nice(NICE)
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(min(NICEST, int(level) + NICE)))


def _load() -> None:
    """Import what every placement needs, and load its compiled search.

    One process at a time: the next one loads what the first one on a machine has compiled.
    """
    import optimizer.domain.files
    import optimizer.place.check
    import optimizer.place.solve

    with Path(optimizer.place.solve.__file__).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        optimizer.place.solve.prepare()


def _listen(cancel: threading.Event) -> None:
    """Set cancel at a line `stop`; die at the end of the input."""
    for line in sys.stdin:
        if line.strip() == "stop":
            cancel.set()
    os._exit(1)


def _answer(order: dict[str, Any], out: _Out, cancel: threading.Event) -> None:
    """Solve an order, and say what comes of it."""
    from optimizer.domain.files import parse_instance
    from optimizer.questions import QUESTIONS

    question = QUESTIONS[order["question"]]
    instance = parse_instance(order["instance"])

    def incumbent(objective: int | None, bound: int | None, seconds: float) -> None:
        out.say("incumbent", objective=objective, bound=bound, seconds=seconds)

    def plan(found: Any) -> None:
        out.say("plan", **_checked(question, instance, found))

    options = question.options(**order["options"])
    question.prepare(instance, options)
    out.say("ready")
    start = _start(question, order, instance)
    found = question.solve(instance, options, incumbent, cancel, start, plan)
    out.say("result", **_checked(question, instance, found))


def _start(question: Question[Any, Any, Any], order: dict[str, Any], instance: Instance) -> Any:
    """Return what to begin from; None where nothing is given, or it is of no use."""
    from optimizer.domain.answers.records import Start
    from optimizer.domain.files import parse_instance

    if order["start"] is None:
        return None
    with suppress(FleetwattError):  # an old plan is a help, not a demand
        its = order["start"]["instance"]
        of = instance if its is None else parse_instance(its)
        return Start(of, question.parse(order["start"]["plan"]))
    return None


def _checked(question: Question[Any, Any, Any], instance: Instance, plan: Any) -> dict[str, Any]:
    """Return a plan with the checker's verdict, both as JSON texts, and its figures."""
    verdict = question.check(instance, plan)
    missing = "one_placement" if plan.status in ("infeasible", "unknown") else ""
    return {
        "plan": plan.model_dump_json(by_alias=True),
        "verdict": verdict.model_dump_json(),
        "is_good": not [v for v in verdict.violations if v.rule != missing],
        "findings": [str(v) for v in verdict.violations[:3]],
        "outcome": plan.status.value,
        "stopped_by": plan.run.stopped_by,
        "seconds": plan.run.seconds,
        "objective": plan.objective.total,
        "bound": plan.bound,
        "gap": plan.gap,
    }


if __name__ == "__main__":
    main()
