"""A report as plain data: sections of sentences, facts, tables and charts, ready to be rendered.

Whoever answers a question builds a `Report`; whoever shows it (terminal, CSV, HTML, page) renders
it. Values stay numbers with a unit until they are shown, so every place shows them alike. Unknown
is None and is shown as a dash; there is no NaN and no infinity in a report.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Literal

__all__ = [
    "Align",
    "Chart",
    "ChartKind",
    "ChartSeries",
    "Column",
    "Fact",
    "Lane",
    "Report",
    "Section",
    "SectionKind",
    "Span",
    "Table",
    "Tone",
    "Value",
]

Value = str | int | float | bool | datetime | None
"""What a cell or a fact holds; a datetime is UTC."""

Align = Literal["left", "right"]
Tone = Literal["plain", "good", "warn", "bad"]
ChartKind = Literal["gantt", "area", "line", "bar", "points", "tornado", "stack", "heat"]
SectionKind = Literal["summary", "topic", "proof"]
"""`summary`: the few figures that stand large above all; `proof`: set apart from the rest."""


def _refuse_unreal(value: Value, where: str) -> None:
    if isinstance(value, float) and not isfinite(value):
        raise ValueError(f"{where}: must be finite or None, got {value}")


@dataclass(frozen=True, slots=True)
class Fact:
    """One labelled value.

    Attributes
    ----------
    unit
        Unit of the value: `USD`, `USD/MWh`, `USD/MW-day`, `MW`, `MWh`, `kW`, `chips`, `h`, `s`, ...
        `share` for a number that is shown in percent, `` for a plain text or count.
    tone
        How it should strike the reader.
    note
        What belongs beside it: a source, "assumed", "certified".
    """

    label: str
    value: Value
    unit: str = ""
    tone: Tone = "plain"
    note: str = ""

    def __post_init__(self) -> None:
        _refuse_unreal(self.value, self.label)


@dataclass(frozen=True, slots=True)
class Column:
    """Heading of a table's column, the unit of all its values, and to which side they lean."""

    name: str
    unit: str = ""
    align: Align = "left"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of values, one for each column.

    Attributes
    ----------
    rows
        All rows, most important first.
    show
        How many of them a terminal shows; None for all. Files and pages always hold all.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    show: int | None = None

    def __post_init__(self) -> None:
        for i, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise ValueError(
                    f"{self.title}: row {i} has {len(row)} values for {len(self.columns)} columns"
                )
            for value, column in zip(row, self.columns, strict=True):
                _refuse_unreal(value, f"{self.title}, row {i}, {column.name}")


@dataclass(frozen=True, slots=True)
class ChartSeries:
    """Named values along a chart's axis; a gap where a value is None.

    Attributes
    ----------
    values
        One for each of the chart's `x` (all but gantt).
    is_limit
        A limit that the others are held against (a cap), not a part of their stack.
    """

    name: str
    values: tuple[float | None, ...]
    is_limit: bool = False

    def __post_init__(self) -> None:
        for value in self.values:
            _refuse_unreal(value, self.name)


@dataclass(frozen=True, slots=True)
class Span:
    """One bar of a gantt chart: what stands on which lane from when to when.

    Attributes
    ----------
    lane
        Row of the chart: a pool, a site, a job.
    label
        What the bar is, such as a job's id.
    start, end
        In the chart's unit of x, half-open.
    height
        How much of the lane it takes (chips); None where lanes have no size.
    group
        What its colour stands for.
    """

    lane: str
    label: str
    start: float
    end: float
    height: float | None = None
    group: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """A row of a gantt chart.

    Attributes
    ----------
    capacity
        What it can hold, as steps (from, height) in order of x, each until the next; empty where
        lanes have no size.
    """

    name: str
    capacity: tuple[tuple[float, float], ...] = ()

    def most(self, default: float = 0.0) -> float:
        """Return the most that it can ever hold."""
        return max((height for _, height in self.capacity), default=default)


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as data; how it is drawn is the renderer's affair.

    Attributes
    ----------
    kind
        `area` stacks its series, `line` and `bar` do not; `gantt` has spans instead. `points` have
        a number for x and are joined in its order; `tornado` are bars to both sides of 0, those of
        one name on one another; `stack` is one bar for each name, its series one after another;
        `heat` has a row for each name and a column for each series, the darker the larger.
    x
        Positions or categories, one for each value of every series; empty for `gantt`.
    x_unit, y_unit
        Units of the axes; `UTC` where x holds date-times.
    lanes
        Rows of a gantt chart from the top, empty ones included; lanes that only its spans name
        come after them.
    begin
        Date-time (UTC) of x = 0 in a gantt chart that counts hours; None: x is shown as numbers.
    end
        Where the axis of a gantt chart ends at least, such as the end of the horizon.
    """

    kind: ChartKind
    title: str
    x: tuple[float | str | datetime, ...] = ()
    x_unit: str = ""
    y_unit: str = ""
    series: tuple[ChartSeries, ...] = ()
    spans: tuple[Span, ...] = ()
    lanes: tuple[Lane, ...] = ()
    begin: datetime | None = None
    end: float = 0.0

    def __post_init__(self) -> None:
        if self.begin is not None and self.x_unit != "h":
            raise ValueError(f"{self.title}: begins at a date-time, but counts '{self.x_unit}'")
        for series in self.series:
            if len(series.values) != len(self.x):
                raise ValueError(
                    f"{self.title}: {series.name} has {len(series.values)} values "
                    f"for {len(self.x)} positions"
                )


@dataclass(frozen=True, slots=True)
class Section:
    """One topic of a report: sentences, facts, tables, charts.

    A terminal shows them in this order; a page, whose tables hold all their rows, has the charts
    above the tables.

    Attributes
    ----------
    kind
        What the section is for, whatever its title says.
    reach
        In a proof: the objective as a share of the bound, 0 to 1; None where that says nothing.
    """

    title: str
    sentences: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    kind: SectionKind = "topic"
    reach: float | None = None

    def __post_init__(self) -> None:
        if self.reach is not None and not 0 <= self.reach <= 1:
            raise ValueError(f"{self.title}: reach must be from 0 to 1, got {self.reach}")


@dataclass(frozen=True, slots=True)
class Report:
    """What an answer says to people, most important first."""

    title: str
    sections: tuple[Section, ...]
