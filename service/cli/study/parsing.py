"""What the commands of studies take; nothing heavy is imported here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

__all__ = ["COMMANDS", "add_side_by_side", "add_studies", "add_unit_costs"]

COMMANDS = ("study", "bench-mix", "share")

WHAT = {
    "frontier": "what less power, or more work, costs",
    "break-even": "the price, rate and draw at which each chip enters the mix or leaves it",
    "tornado": "what the answer hangs on: every assumed or ranged number at both its ends",
    "alternatives": "mixes hardly worse than the best, with the most and the least of each chip",
    "stress": "the mix to be regretted least when prices and rates turn out otherwise",
    "worth": "what one more MW, rack, chip of supply and USD is worth",
    "nameplate": "what planning with nameplate draw costs",
    "conflict": "which rules clash where no mix keeps them all, and the cheapest way out",
}
"""Studies of a mix."""

GROWTH = {
    "information": "what planning for all futures is worth against the mean one, and knowing which "
    "of them comes (VSS, EVPI)",
    "waiting": "what it is worth to know from a date on which future comes, and what it costs to "
    "order nothing before it",
    "break-even": "by how many months the grid has to be late before turbines pay",
    "worth": "what one more MW, rack, unit and USD is worth, and delivery a period earlier",
    "tornado": "what the value hangs on: every driver and every assumed number at both its ends",
    "alternatives": "plans hardly worse than the best, with the most and the least of each build",
    "frontier": "expected NPV against the mean of the worst futures",
}
"""Studies of an expansion."""


def add_studies(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    _add_study(commands)
    _add_bench(commands)
    _add_share(commands)


def _add_study(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    study = commands.add_parser(
        "study",
        help="ask more of a mix or an expansion: break-evens, what it hangs on, alternatives",
        description="Asks more than the best plan. Of a mix: "
        + "; ".join(f"{name}: {what}" for name, what in WHAT.items())
        + ". Of an expansion: "
        + "; ".join(f"{name}: {what}" for name, what in GROWTH.items())
        + ". Writes a report and, in cases/, every plan that it rests on with the changes of the "
        "instance that it is of, for fleetwatt patch and fleetwatt check.",
    )
    add = study.add_argument
    add(
        "instance",
        metavar="NAME_OR_FILE",
        help="name in the catalog, or a file, with a mix or an expand",
    )
    every = tuple(dict.fromkeys((*WHAT, *GROWTH)))
    add("what", metavar="WHAT", choices=every, help=", ".join(every))
    _add_study_options(study)
    _add_solving(
        study,
        ("cost", "profit", "work", "expected", "cvar", "worst"),
        "as in fleetwatt mix (cost), or fleetwatt expand (expected)",
    )


def _add_study_options(study: argparse.ArgumentParser) -> None:
    add = study.add_argument
    add(
        "--points",
        type=int,
        help="frontier, waiting: about how many (25 of a mix; 11, and 6 dates, of an expansion)",
    )
    add(
        "--axes",
        choices=("cost-power", "cost-work", "cost-work-power"),
        default="cost-power",
        help="frontier of a mix: cost-power: least cost, unserved work at its value, for ever "
        "less power; cost-work: least money for ever more useful work; cost-work-power: both "
        "(%(default)s)",
    )
    add(
        "--within",
        type=float,
        nargs="+",
        default=[0.01, 0.05],
        metavar="SHARE",
        help="alternatives: how much worse than the best at most (0.01 0.05)",
    )
    add(
        "--spread",
        type=float,
        default=0.5,
        help="stress: how far prices and rates go down and up (%(default)g)",
    )
    add(
        "--anew",
        type=int,
        default=0,
        metavar="N",
        help="tornado of an expansion: seek a plan anew at both ends of the N widest inputs, "
        "beside the plan as it is (%(default)d)",
    )
    _add_risk(study)


def _add_risk(study: argparse.ArgumentParser) -> None:
    add = study.add_argument
    add("--weight", type=float, default=0.5, help="cvar: of the worst futures (%(default)g)")
    add("--alpha", type=float, default=0.1, help="cvar: share of futures (%(default)g)")
    add(
        "--risk",
        choices=("total", "operation"),
        default="total",
        help="cvar, and frontier: the worst futures by all of NPV, or by operation alone "
        "(%(default)s)",
    )


def _add_bench(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    named = commands.add_parser(
        "bench-mix",
        help="set named mixes side by side: each chip alone, halves, yours, the optimum",
        description="Puts named mixes to their best use on one demand under one set of limits: "
        "work done, cost of a unit, MW, racks, and what is not served.",
    )
    add = named.add_argument
    add("instance", metavar="NAME_OR_FILE", help="name in the catalog, or a file, with a mix")
    add("--power", type=float, metavar="MW", help="one budget of power for all of them")
    add(
        "--yours",
        metavar="PLAN",
        nargs="+",
        default=[],
        help="plan files: their fleets too",
    )
    _add_solving(named, ("cost", "profit", "work"), "what each mix is put to use for (cost)")


def _add_share(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    share = commands.add_parser(
        "share",
        help="share the time of pools that are there among all jobs, by a policy",
        description="Says which share of its time each job of an instance should run in each pool, "
        "all of them side by side, without buying anything.",
    )
    add = share.add_argument
    add("instance", metavar="NAME_OR_FILE", help="name in the catalog, or a file, with jobs")
    add(
        "--policy",
        choices=("throughput", "fair", "least-cost", "per-dollar"),
        default="fair",
        help="throughput: most work; fair: the least share as large as can be, then most work; "
        "least-cost: nobody slower than with an equal part, for least money; per-dollar: most "
        "work by the dollar (%(default)s)",
    )
    add("--out", metavar="DIR", help="where report and tables go (fleetwatt-out/NAME-share)")


def add_unit_costs(parser: argparse.ArgumentParser) -> None:
    """Add what easing a limit is taken to cost."""
    parser.add_argument(
        "--unit-cost",
        dest="unit_costs",
        type=_unit_cost,
        action="append",
        default=[],
        metavar="NAME=USD",
        help="where there is no mix: what easing a limit by one is taken to cost, such as "
        "power=9e6 for a MW, space, supply, capex, demand (times the cost here), date (share of "
        "the price a month); may be given several times",
    )


def add_side_by_side(parser: argparse.ArgumentParser, workers: str) -> None:
    """Add how parts of an answer are found side by side; workers: what their number means."""
    add = parser.add_argument
    add("--workers", type=int, metavar="N", help=workers)
    add(
        "--backend",
        choices=("loky", "threading", "ray", "dask"),
        default="loky",
        help="loky: processes of this machine; ray, dask: a cluster (%(default)s)",
    )
    add("--address", help="of the cluster of ray or dask (one is started here)")


def _unit_cost(text: str) -> tuple[str, float]:
    """Return the name and the number of NAME=NUMBER."""
    name, _, number = text.partition("=")
    return name, float(number)


def _add_solving(
    parser: argparse.ArgumentParser, objectives: tuple[str, ...], meaning: str
) -> None:
    add = parser.add_argument
    add("--objective", choices=objectives, help=meaning)
    add("--seconds", type=float, default=60.0, help="time limit of each solve (%(default)g)")
    add(
        "--gap",
        type=float,
        help="gap of each solve (of a mix certified, 1e-4; of an expansion the engine's, 1e-3)",
    )
    add("--leaves", type=int, metavar="N", help="of a mix: cases of each proof (500)")
    add_unit_costs(parser)
    add("--seed", type=int, default=0, help="seed of the solver (%(default)d)")
    add_side_by_side(parser, "solves side by side (all cores)")
    add("--out", metavar="DIR", help="where report, tables and plans go (fleetwatt-out/NAME-WHAT)")
