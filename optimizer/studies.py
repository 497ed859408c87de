"""Sweeps: many cases of one instance solved side by side, on this machine or on a cluster.

What a study asks lies with its question (`optimizer/mix/studies/`); this is how its cases are run,
for any question that has the doors `solve` and `check`. Every plan goes through the
checker where it was made. joblib starts the workers; Ray and Dask take its tasks by one option.

    sweep = Sweep(workers=2)
    solve = sweep.of(QUESTIONS["mix"], instance, {"gap": 1e-4})
    points = solve([Case("20 MW", (Change("/mix/power_mw", 20.0),)), ...])
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from optimizer.domain.answers.cases import Case, Solved
from optimizer.domain.answers.records import Status
from optimizer.domain.changes.patch import patch
from optimizer.errors import PlanError, Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optimizer.domain.answers.cases import Solve
    from optimizer.domain.instance import Instance
    from optimizer.questions import Question

__all__ = ["BACKENDS", "Backend", "Sweep"]

Backend = Literal["loky", "threading", "ray", "dask"]
BACKENDS: tuple[Backend, ...] = ("loky", "threading", "ray", "dask")
"""Processes of this machine, threads, or a cluster of Ray or Dask."""

NEEDS = {"ray": "ray", "dask": "distributed"}
"""What has to be installed for a backend."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """How cases are run.

    Attributes
    ----------
    workers
        Cases solved at once; None for one on each core of this machine, or whatever the cluster
        has. With 1 they are solved one after the other in this process.
    backend
        Who runs them.
    address
        Of the cluster of Ray or Dask; None for one that is started here.
    """

    workers: int | None = None
    backend: Backend = "loky"
    address: str | None = None

    def of(
        self,
        question: Question[Any, Any, Any],
        instance: Instance,
        options: dict[str, Any] | None = None,
    ) -> Solve:
        """Return what solves cases of an instance; options hold for all of them."""

        def solve(cases: Sequence[Case]) -> list[Solved[Any]]:
            return self.run(question, instance, cases, options or {})

        return solve

    def run(
        self,
        question: Question[Any, Any, Any],
        instance: Instance,
        cases: Sequence[Case],
        options: dict[str, Any],
    ) -> list[Solved[Any]]:
        """Solve cases, in their order; InstanceError if changes are refused."""
        return self.each(_solved, [(question, instance, case, options) for case in cases])

    def each(self, function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Call a function with one tuple of arguments after another; answers in their order.

        Raises
        ------
        Unsupported
            If the backend is not installed.
        """
        workers = self.workers or (os.cpu_count() or 1)
        if self.backend in NEEDS:
            self._needs()
        elif min(workers, len(tasks)) <= 1:
            return [function(*task) for task in tasks]
        from joblib import Parallel, delayed, parallel_config

        count = self.workers or (-1 if self.backend in NEEDS else workers)
        with self._started(), parallel_config(self.backend, n_jobs=count):
            found = Parallel(batch_size=1)(delayed(function)(*task) for task in tasks)
        return list(found)

    def _needs(self) -> None:
        module = NEEDS[self.backend]
        if find_spec(module) is None:
            raise Unsupported(
                f"backend {self.backend!r}", f"install fleetwatt[{self.backend}] to have it"
            )

    def _started(self) -> Any:
        """Return the cluster as a context, started or joined; it ends with the context."""
        if self.backend == "ray":
            return _ray(self.address, self.workers)
        if self.backend == "dask":
            from distributed import Client

            if self.address is not None:
                return Client(self.address)
            return Client(n_workers=self.workers or (os.cpu_count() or 1), threads_per_worker=1)
        from contextlib import nullcontext

        return nullcontext()


def _ray(address: str | None, workers: int | None) -> Any:
    """Return Ray as a context that joblib can use."""
    import ray
    from ray.util.joblib import register_ray

    register_ray()
    local = {} if address is not None else {"num_cpus": workers or os.cpu_count()}
    return ray.init(address=address, ignore_reinit_error=True, include_dashboard=False, **local)


def _solved(
    question: Question[Any, Any, Any], instance: Instance, case: Case, options: dict[str, Any]
) -> Solved[Any]:
    """Solve one case and let the checker judge it.

    Raises
    ------
    InstanceError
        If its changes are refused.
    PlanError
        If the plan breaks a rule: an error of ours that no study may rest on.
    """
    if case.changes:
        instance = patch(instance, case.changes)
    plan = question.solve(instance, question.options(**(options | case.options)))
    if not plan.status.has_plan:
        return Solved(case, instance, None, plan.status is Status.INFEASIBLE)
    verdict = question.check(instance, plan)
    if not verdict.is_good:
        raise PlanError(f"{case.label}: {verdict.violations[0]}")
    return Solved(case, instance, plan)
