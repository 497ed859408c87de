"""The commands that only read: list, show, validate, check, compare, export, schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.errors import PlanError
from service.cli.codes import GOOD, NOT_GOOD
from service.cli.describe import catalog_report, instance_report, print_report, verdict_report
from service.cli.files import load_instance, read_plan
from service.render.numbers import quantity

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

__all__ = ["COMMANDS"]


def _list(given: argparse.Namespace) -> int:
    from instances import catalog

    print_report(catalog_report([catalog.entry(name) for name in catalog.names()]))
    return GOOD


def _show(given: argparse.Namespace) -> int:
    print_report(instance_report(load_instance(given.instance)))
    return GOOD


def _validate(given: argparse.Namespace) -> int:
    instance = load_instance(given.instance)
    placeable = int((instance.table.job_ptr[1:] > instance.table.job_ptr[:-1]).sum())
    print(f"{given.instance}: good; instance {instance.name}, hash {instance.hash[:12]}")
    counts = {
        "sites": len(instance.sites),
        "pools": len(instance.pools),
        "jobs": len(instance.jobs),
        "periods": instance.horizon.periods,
    }
    print(", ".join(quantity(count, what) for what, count in counts.items()))
    if placeable < len(instance.jobs):
        print(f"{len(instance.jobs) - placeable} jobs have no mode: a rule excludes all of them")
    return GOOD


def _check(given: argparse.Namespace) -> int:
    instance = load_instance(given.instance)
    question, plan = read_plan(Path(given.plan))
    verdict = question.check(instance, plan)
    print_report(verdict_report(f"{given.plan} for {instance.name}", verdict))
    return GOOD if verdict.is_good else NOT_GOOD


def _compare(given: argparse.Namespace) -> int:
    instance = load_instance(given.instance)
    if instance.expand is not None:
        from service.cli.expansion.commands import compare

        return compare(given, instance)
    if len(given.plans) != 2:
        raise PlanError(f"compare takes two plan files of {instance.name}, got {len(given.plans)}")
    (question, before), (other, after) = (read_plan(Path(p)) for p in given.plans)
    if question is not other:
        raise PlanError(f"plans of two questions: {question.name} and {other.name}")
    print_report(question.compare(instance, before, after))
    is_good = all(question.check(instance, plan).is_good for plan in (before, after))
    return GOOD if is_good else NOT_GOOD


def _schema(given: argparse.Namespace) -> int:
    if given.of == "plan":
        from optimizer.questions import PLACE

        schema = PLACE.plan_schema()
    elif given.of == "mix-plan":
        from optimizer.questions import MIX

        schema = MIX.plan_schema()
    elif given.of == "expand-plan":
        from optimizer.questions import EXPAND

        schema = EXPAND.plan_schema()
    else:
        from optimizer.domain.instance import Instance

        schema = Instance.model_json_schema(by_alias=True)
    print(json.dumps(schema, indent=1))
    return GOOD


def _export(given: argparse.Namespace) -> int:
    from optimizer.questions import PLACE

    instance = load_instance(given.instance)
    PLACE.write_mps(instance, Path(given.mps))
    print(f"{given.mps}: the model of {instance.name} in MPS form; it minimises cost in USD")
    return GOOD


COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "list": _list,
    "show": _show,
    "validate": _validate,
    "check": _check,
    "compare": _compare,
    "export": _export,
    "schema": _schema,
}
