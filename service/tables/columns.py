"""The columns of job and pool tables: names, what stands in them, which are needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["JOBS", "POOLS", "ColumnRule", "described"]

Kind = Literal["text", "number", "whole", "wholes", "moment", "flag", "list", "amounts"]


@dataclass(frozen=True, slots=True)
class ColumnRule:
    """One column.

    Attributes
    ----------
    kind
        What stands in a cell; `wholes`, `list` and `amounts` (name=amount) hold several,
        separated by semicolons.
    is_needed
        The column has to be there, and no row may leave it empty.
    """

    name: str
    kind: Kind
    says: str
    is_needed: bool = False


JOBS: tuple[ColumnRule, ...] = (
    ColumnRule("id", "text", "name of the job, once in the table", True),
    ColumnRule("workload", "text", "training class, one of the base", True),
    ColumnRule("work", "number", "amount of work, in the unit of the workload", True),
    ColumnRule("chips", "wholes", "gang size [chips]; several: any one of them", True),
    ColumnRule(
        "slice_chips", "wholes", "chips that share a domain; one, or one for each size", True
    ),
    ColumnRule("value_usd", "number", "worth if done by the deadline [USD]", True),
    ColumnRule("name", "text", "what people call it"),
    ColumnRule("tenant", "text", "whose it is, one of the base"),
    ColumnRule("pools", "list", "where it may run; empty: wherever its workload has a rate"),
    ColumnRule("power_levels", "list", "allowed power levels; empty: all of the chip"),
    ColumnRule("release", "moment", "earliest start: hours from the start, or a date-time"),
    ColumnRule("deadline", "moment", "latest end, likewise; empty: the end of the horizon"),
    ColumnRule("due", "moment", "end after which lateness costs, likewise"),
    ColumnRule("late_usd_per_hour", "number", "cost of each hour after `due` [USD/h]"),
    ColumnRule("must", "flag", "has to be placed: yes or no"),
    ColumnRule("group", "text", "jobs not all at one site: one of the base's spreads"),
    ColumnRule("predecessors", "list", "ids of jobs that must end before it starts"),
    ColumnRule("countries", "list", "where it may lie (ISO codes); empty: anywhere"),
    ColumnRule("owners", "list", "whose sites may hold it; empty: anyone's"),
    ColumnRule("one_off_usd", "number", "cost of running at all [USD]"),
    ColumnRule("uses", "amounts", "what it takes from budgets, such as credit=1200;grant=3.5"),
    ColumnRule("pauses_at_calls", "flag", "stands still while its site is called: yes or no"),
    ColumnRule("restart_usd", "number", "cost of meeting a call [USD]"),
)
POOLS: tuple[ColumnRule, ...] = (
    ColumnRule("pool", "text", "a pool of the base, once in the table", True),
    ColumnRule("count", "number", "domains present, all the time (chips in pools without)", True),
    ColumnRule("spares", "whole", "how many of them are kept free; empty: as in the base"),
)


def described() -> str:
    """Return what the help of the command says about the columns."""
    lines = [
        "columns of --jobs (* needed):",
        *_lines(JOBS),
        "",
        "columns of --pools:",
        *_lines(POOLS),
    ]
    return "\n".join(
        [
            *lines,
            "",
            "UTF-8 text with a heading, separated by commas or semicolons. Lists are separated by",
            "semicolons: put them in quotes where columns are, too. Numbers have a decimal point",
            "and no thousands separator; date-times are ISO 8601, UTC where no zone is given. An",
            "empty cell stands for the default.",
        ]
    )


def _lines(rules: tuple[ColumnRule, ...]) -> list[str]:
    return [f"  {r.name + ('*' if r.is_needed else ''):<18} {r.says}" for r in rules]
