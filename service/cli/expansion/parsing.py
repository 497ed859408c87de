"""What `expand` and `compare` take; nothing heavy is imported here."""

from __future__ import annotations

import argparse

from service.cli.study.parsing import add_side_by_side

__all__ = ["add_expand"]


def add_expand(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    _add_expand(commands)
    _add_compare(commands)


def _add_expand(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "expand", help="choose which sites to build, when, with what power and chips"
    )
    add = parser.add_argument
    add("instance", metavar="NAME_OR_FILE", help="name in the catalog, or a file, with an expand")
    add("--plan", metavar="NAME", help="value a named plan of the instance instead of seeking one")
    add("--complete", metavar="NAME", help="seek the best plan that has all of a named plan")
    _add_objective(parser)
    add("--seconds", type=float, default=60.0, help="time limit of the solver, >= 1 (%(default)g)")
    add("--gap", type=float, default=1e-3, help="stop at this gap of the solver (%(default)g)")
    add(
        "--method",
        choices=("benders", "extensive"),
        default="benders",
        help="benders: by cuts on what operation brings; extensive: one model of all futures, for "
        "any --engine (%(default)s)",
    )
    add(
        "--recourse",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="what is decided later sees what is learnt by then, where the instance says when; "
        "without: one plan for all futures",
    )
    add("--engine", default="HiGHS", help="extensive: solver, by its name in PuLP (%(default)s)")
    add("--threads", type=int, default=1, help="threads of the search (%(default)d)")
    _add_futures(parser)
    _add_handing_on(parser)
    add("--out", metavar="DIR", help="where plan, report and tables go (fleetwatt-out/NAME)")


def _add_objective(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--objective",
        choices=("expected", "cvar", "worst", "regret"),
        default="expected",
        help="expected: largest expected NPV; cvar: that and the mean of the worst futures; worst: "
        "largest worst case; regret: least difference to the best of each future (%(default)s)",
    )
    add("--weight", type=float, default=0.5, help="cvar: of the worst futures (%(default)g)")
    add("--alpha", type=float, default=0.1, help="cvar: share of futures (%(default)g)")
    add(
        "--risk",
        choices=("total", "operation"),
        default="total",
        help="cvar: the worst futures by all of NPV, or by operation alone: builds, upkeep and "
        "resale then count by their mean (%(default)s)",
    )


def _add_handing_on(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--to-place", metavar="FILE", help="also write a week of place with the fleet of --at")
    add("--to-mix", metavar="FILE", help="also write a year of mix with the fleet of --at")
    add("--at", metavar="DATE", help="a date such as 2028-07-01 (the last period)")
    add("--future", metavar="NAME", help="as things are in a named future (as planned)")


def _add_compare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "compare",
        help="what differs between plans, and what that is worth",
        description="Two plan files of place: what differs, and what that is worth. Of expand: any "
        "number of named plans and plan files side by side on the same futures; without any, all "
        "named plans.",
    )
    add = parser.add_argument
    add("instance", metavar="INSTANCE", help="name in the catalog, or a file")
    add("plans", metavar="PLAN", nargs="*", help="plan files; of expand also names of its plans")
    _add_futures(parser)
    add_side_by_side(
        parser, "of expand: parts of the futures valued side by side (1; all of a cluster)"
    )
    add("--out", metavar="DIR", help="of expand: where report and tables go")


def _add_futures(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--draw",
        type=int,
        default=0,
        metavar="N",
        help="of expand: on so many futures drawn from its drivers and delays, not the named ones",
    )
    add("--seed", type=int, default=0, help="of the draw, and of the solver (%(default)d)")
