"""The command line: it parses first and imports what a command needs after.

Exit codes: 0 good; 1 the plan breaks a rule; 2 bad input, each finding on a line of its own and
nothing written; 3 no plan places every must job; 130 aborted.
"""

from __future__ import annotations

import argparse
import os
import sys

from service.cli.codes import ABORTED, BAD_INPUT, GOOD
from service.cli.expansion.parsing import add_expand
from service.cli.remote.parsing import COMMANDS as REMOTE
from service.cli.remote.parsing import add_remote
from service.cli.serving.parsing import COMMANDS as SERVING
from service.cli.serving.parsing import add_serving
from service.cli.study.parsing import COMMANDS, add_studies, add_unit_costs
from service.tables.columns import described

__all__ = ["main"]


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    argv
        What stands behind the command's name; None for that of this process.
    """
    try:
        given = _parser().parse_args(argv)
    except SystemExit as e:  # argparse has said what was wrong, or printed the help
        return e.code if isinstance(e.code, int) else BAD_INPUT
    from optimizer.errors import FleetwattError, InstanceError

    try:
        code = _run(given)
        sys.stdout.flush()
    except InstanceError as e:
        print("\n".join(e.findings), file=sys.stderr)
    except FleetwattError as e:
        print(e, file=sys.stderr)
    except BrokenPipeError:
        return _closed_pipe()
    except OSError as e:
        print(f"{e.filename}: {e.strerror}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nfleetwatt: aborted, nothing written", file=sys.stderr)
        return ABORTED
    else:
        return code
    return BAD_INPUT


def _run(given: argparse.Namespace) -> int:
    """Call the function of a command; each lives where its imports are cheap enough for it."""
    if given.version:
        from importlib.metadata import version

        print(f"fleetwatt {version('fleetwatt')}")
        return GOOD
    if given.command is None:
        _parser().print_help(sys.stderr)
        return BAD_INPUT
    if given.command in ("place", "demo", "mix", "expand", "whatif"):
        return _search(given)
    if given.command in COMMANDS:
        from service.cli.study import commands

        return commands.run(given)
    if given.command in REMOTE:
        from service.cli.remote import commands as remote

        return remote.run(given)
    if given.command in ("explain", "patch"):
        from service.cli import why

        return why.explain(given) if given.command == "explain" else why.patch(given)
    if given.command in ("import", "generate"):
        from service.cli import importing

        make = importing.bring_in if given.command == "import" else importing.generate
        return make(given)
    if given.command in SERVING:
        from service.cli.serving import commands as serving

        return serving.run(given)
    from service.cli import reading

    return reading.COMMANDS[given.command](given)


def _search(given: argparse.Namespace) -> int:
    """Run a command that seeks a plan and may be interrupted."""
    from service.cli.live import interruptible

    with interruptible() as cancel:  # before all that takes time to import
        if given.command == "mix":
            from service.cli import mixing

            return mixing.mix(given, cancel)
        if given.command == "expand":
            from service.cli.expansion.commands import expand

            return expand(given, cancel)
        if given.command == "whatif":
            from service.cli.study.whatif import whatif

            return whatif(given, cancel)
        from service.cli import placing

        act = placing.place if given.command == "place" else placing.demo
        return act(given, cancel)


def _closed_pipe() -> int:
    """Whoever read our output has seen enough: end quietly."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return GOOD


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fleetwatt",
        description="Decides where AI training jobs run under power caps, which chips to buy or "
        "lease for them, which sites to build and when, and says how good the plan is.",
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    add = commands.add_parser
    add("list", help="list the instances of the catalog")
    show = add("show", help="show what an instance holds and where its numbers come from")
    show.add_argument("instance", metavar="NAME", help="name in the catalog, or a file")
    validate = add("validate", help="read an instance file and report everything that is wrong")
    validate.add_argument("instance", metavar="FILE", help="instance file, or a name")
    _add_place(commands)
    _add_mix(commands)
    add_expand(commands)
    add_studies(commands)
    _add_files(commands)
    schema = add("schema", help="print the JSON Schema of instance or plan files")
    kinds = ("instance", "plan", "mix-plan", "expand-plan")
    schema.add_argument("of", nargs="?", choices=kinds, default="instance")
    _add_why(commands)
    _add_whatif(commands)
    _add_import(commands)
    _add_generate(commands)
    add_remote(commands)
    add_serving(commands)
    demo = add("demo", help="place a week of jobs on a real campus and check the plan")
    demo.set_defaults(instance=None)
    _add_options(demo, seconds=20.0)
    return parser


def _add_place(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command that places jobs."""
    place = commands.add_parser(
        "place", help="place the jobs of an instance, with a certified bound"
    )
    place.add_argument("instance", metavar="NAME_OR_FILE", help="name in the catalog, or a file")
    place.add_argument(
        "--objective",
        choices=("value", "cost", "makespan", "fair"),
        default="value",
        help="value: most value less lateness, one-off costs and energy; cost: all jobs placed at "
        "the least of these costs; makespan: all jobs placed, the last one done as early as can "
        "be; fair: the least share of a tenant (placed value over weighted value of its jobs) as "
        "large as can be, then value (%(default)s)",
    )
    place.add_argument(
        "--plan-only",
        action="store_true",
        help="write the plan alone, checked: no reasons, fixes and report, which on fleets of many "
        "thousand jobs take longer than the search",
    )
    _add_options(place, seconds=60.0)


def _add_mix(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command that chooses a fleet."""
    parser = commands.add_parser(
        "mix", help="choose which chips to buy or lease for a demand, power and money"
    )
    add = parser.add_argument
    add("instance", metavar="NAME_OR_FILE", help="name in the catalog, or a file, with a mix")
    add(
        "--objective",
        choices=("cost", "profit", "work"),
        default="cost",
        help="cost: least total cost, work that is not served counted at its value; profit: most "
        "value of what is served, less cost; work: most useful work within the limits, and the "
        "cheapest fleet that does it (%(default)s)",
    )
    add("--seconds", type=float, default=60.0, help="time limit of the solver, >= 1 (%(default)g)")
    add("--gap", type=float, default=1e-4, help="stop at this certified gap (%(default)g)")
    add(
        "--engine",
        default="tree",
        help="tree: our own search; or a solver by its name in PuLP, such as HiGHS, that is asked "
        "for the mix first (%(default)s)",
    )
    add("--leaves", type=int, default=500, metavar="N", help="cases of the proof (%(default)d)")
    add_unit_costs(parser)
    add("--seed", type=int, default=0, help="seed of the solver (%(default)d)")
    add("--threads", type=int, default=1, help="threads of the solver (%(default)d)")
    add("--out", metavar="DIR", help="where plan, report and tables go (fleetwatt-out/NAME)")
    add("--to-place", metavar="FILE", help="also write a place instance with the chosen fleet")


def _add_files(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands that read plans, or write a model."""
    add = commands.add_parser
    export = add("export", help="write the time-indexed model of a small instance as an MPS file")
    export.add_argument("instance", metavar="NAME_OR_FILE", help="name in the catalog, or a file")
    export.add_argument("mps", metavar="MPS", help="where the model goes; it minimises cost in USD")
    check = add("check", help="check a plan: every rule, objective, bound and gap re-derived")
    check.add_argument("instance", metavar="INSTANCE", help="name in the catalog, or a file")
    check.add_argument("plan", metavar="PLAN", help="plan file")


def _add_why(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands that explain a plan and change an instance."""
    explain = commands.add_parser(
        "explain",
        help="say why jobs, offers, builds or contracts are left out, and what would help",
        description="Says of one job, or of all that are turned away or late, the one reason why, "
        "and what would let it in: more power, chips, time or value, in numbers. Of a mix, why an "
        "offer is not in it, by how much it is too dear, and at which price that turns. Of an "
        "expansion, why a build is not ordered or a contract not signed, and the price or rent at "
        "which a plan with it is no worse.",
    )
    add = explain.add_argument
    add("instance", metavar="INSTANCE", help="name in the catalog, or a file")
    add("plan", metavar="PLAN", help="plan file")
    add("job", metavar="JOB", nargs="?", help="a job, offer, build or contract; without it, all")
    add(
        "--verify",
        metavar="N",
        type=_count,
        nargs="?",
        const=10,
        default=0,
        help="change the instance and search on from the plan for the N fixes that win most (10)",
    )
    add("--seconds", type=_seconds, help="time limit of --verify for all fixes (none: by work)")
    add("--out", metavar="DIR", help="write each fix as a file of changes, for fleetwatt patch")
    patch = commands.add_parser(
        "patch",
        help="write an instance with changes, such as a fix that explain found",
        description="Applies a file of changes to an instance: a JSON list of {pointer, value}, "
        "where pointer is a JSON pointer into the instance file (a job may be named by its id: "
        "/jobs/j-17/deadline) and the value null puts a field back to its default.",
    )
    add = patch.add_argument
    add("instance", metavar="INSTANCE", help="name in the catalog, or a file")
    add("changes", metavar="CHANGES", help="file of changes")
    add("--out", metavar="FILE", required=True, help="where the changed instance goes")


def _add_whatif(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command that tries changes."""
    whatif = commands.add_parser(
        "whatif",
        help="solve again under named changes, beside what the prices of the plan foretell",
        description="Changes are texts such as 'memphis: +50 MW', 'memphis/gb200: +20 domains', "
        "'gb200: x0.8 draw', 'memphis: x1.2 price', 'own: x1.5 value'; several in one text are "
        "joined by commas, several texts are tried one after the other.",
    )
    add = whatif.add_argument
    add("instance", metavar="INSTANCE", help="name in the catalog, or a file")
    add("plan", metavar="PLAN", help="plan file")
    add("change", metavar="CHANGE", nargs="+", help="what changes")
    add("--seconds", type=_seconds, default=10.0, help="time limit of each solve (%(default)g)")
    add("--out", metavar="DIR", help="write report, plans and files of changes")


def _count(text: str) -> int:
    """Return a whole number from 0 on."""
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


def _seconds(text: str) -> float:
    """Return a time limit [s]: finite, more than 0."""
    number = float(text)
    if not 0 < number <= 864_000:
        raise ValueError(text)
    return number


def _add_import(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command that reads spreadsheets; its help documents their columns."""
    parser = commands.add_parser(
        "import",
        help="make an instance file from spreadsheets of jobs and pools",
        description="Puts the jobs of a CSV file, and the counts of pools, on the chips, domains, "
        "workloads and sites of a base.",
        epilog=described(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--jobs", metavar="CSV", required=True, help="jobs, one a row")
    add("--pools", metavar="CSV", help="counts of pools, one a row")
    add("--base", metavar="INSTANCE", required=True, help="name in the catalog, or a file")
    add("--out", metavar="FILE", required=True, help="where the instance goes")
    add("--name", help="its name (that of FILE)")
    add(
        "--extend", action="store_true", help="keep the base's jobs; rows replace those of their id"
    )


def _add_generate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command that draws instances of a size."""
    parser = commands.add_parser(
        "generate",
        help="draw an instance of a size by a seed: S, M, L, XL, Q, pools-200 to pools-20000",
        description="Draws a fictitious fleet with jobs whose gangs and durations have the tails "
        "of published traces. S, M, L, XL: 100 to 20,000 jobs on 1,700 to a million chips, a day "
        "or a week; Q: 5,000 jobs in 91 days; pools-200, -1000, -5000, -20000: that many jobs onto "
        "pools, in one period.",
    )
    parser.add_argument("size", metavar="SIZE", help="S, M, L, XL, Q or pools-J")
    parser.add_argument("--seed", type=_count, default=0, help="seed of all numbers (%(default)d)")
    parser.add_argument("--out", metavar="FILE", help="where it goes (SIZE-SEED.json)")


def _add_options(parser: argparse.ArgumentParser, seconds: float) -> None:
    add = parser.add_argument
    add("--seconds", type=float, default=seconds, help="time limit, at least 1 (%(default)g)")
    add("--gap", type=float, default=0.0, help="stop at this certified gap, such as 0.02")
    add("--seed", type=int, default=0, help="seed of the search (%(default)d)")
    add("--threads", type=int, default=2, help="searches side by side (%(default)d)")
    add("--rounds", type=int, help="work limit: rounds of search, the same on every machine")
    add(
        "--engine",
        choices=("auto", "search", "exact", "oracle", "neighbourhoods"),
        default="auto",
        help="auto: prices and search, exact engines beside it up to 50 jobs on 50 domains; "
        "search: prices and search alone; exact: HiGHS and CP-SAT alone; oracle: a time-indexed "
        "model, tiny instances only; "
        "neighbourhoods: search, then CP-SAT on a few jobs of the plan at a time (%(default)s)",
    )
    add("--solver", default="highs", help="solver of the oracle: highs, cbc or any that PuLP finds")
    add(
        "--fixes",
        metavar="N",
        type=_count,
        default=10,
        help="after the search, try the N fixes that would win most by a new solve, for up to a "
        "quarter of its time more (%(default)d)",
    )
    add("--out", metavar="DIR", help="where plan, report and tables go (fleetwatt-out/NAME)")


if __name__ == "__main__":
    sys.exit(main())
