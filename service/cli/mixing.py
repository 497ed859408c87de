"""`fleetwatt mix`: which chips to buy or lease; solve, check, report, write."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.errors import InstanceError
from optimizer.questions import MIX
from service.cli.codes import GOOD, NO_PLAN, NOT_GOOD
from service.cli.describe import print_report, verdict_report
from service.cli.files import load_instance
from service.cli.live import Live, watch
from service.cli.options import options_of
from service.cli.written import folder_of, hand_on, publish

if TYPE_CHECKING:
    import argparse

    from optimizer.domain.instance import Instance
    from optimizer.mix.plan import MixPlan
    from service.cli.live import Cancel

__all__ = ["mix"]

NAMES = ("objective", "seconds", "gap", "seed", "threads", "engine", "leaves")


def mix(given: argparse.Namespace, cancel: Cancel) -> int:
    """Choose a fleet; print the report and write the plan; hand the fleet on where asked."""
    options = options_of(MIX, given, NAMES)
    instance = load_instance(given.instance)
    if instance.mix is None:
        raise InstanceError([f"{given.instance}: asks no mix; give offers and demand in 'mix'"])
    folder = folder_of(given, instance.name)
    live = Live(options.seconds)
    plan = watch(lambda: MIX.solve(instance, options, live.tell, cancel), live, cancel)
    verdict = MIX.check(instance, plan)
    has_plan = plan.status in ("optimal", "feasible")
    if has_plan and not verdict.is_good:
        print_report(verdict_report("The plan found breaks a rule; not written", verdict))
        return NOT_GOOD
    publish(MIX.report(instance, plan, verdict), plan, folder, cancel)
    if given.to_place is not None and has_plan:
        _hand_on(instance, plan, Path(given.to_place))
    return GOOD if has_plan else NO_PLAN


def _hand_on(instance: Instance, plan: MixPlan, path: Path) -> None:
    """Write a place instance with the fleet of a plan."""
    from optimizer.chain import fleet_to_place

    hand_on(fleet_to_place(instance, plan, path.stem), path, "no jobs yet; add them with import")
