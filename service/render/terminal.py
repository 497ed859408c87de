"""A report as text for a terminal of 100 columns."""

from __future__ import annotations

from datetime import datetime
from io import StringIO
from typing import TYPE_CHECKING

from service.render.bars import draw
from service.render.numbers import number, quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from optimizer.domain.reports import Chart, Column, Fact, Report, Section, Table, Value

__all__ = ["WIDTH", "terminal"]

WIDTH = 100
"""Columns where the terminal does not tell [characters]."""

_LONG = 24
"""Cells longer than this are text that folds [characters]."""
_FOLDED = 12
"""The least room that long text is folded into."""

_BETWEEN = 3
"""Between two columns of a table [characters]."""
_TONES = {"plain": "", "good": "green", "warn": "yellow", "bad": "bold red"}


def terminal(report: Report, width: int = WIDTH, is_colored: bool = False) -> str:
    """Return a report as lines of text.

    Parameters
    ----------
    width
        Columns to fill, at least 40.
    is_colored
        With the escape codes of a colour terminal; plain text otherwise.
    """
    from rich.console import Console

    console = Console(
        file=StringIO(),
        width=max(40, width),
        force_terminal=is_colored,
        color_system="standard" if is_colored else None,
        no_color=not is_colored,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )
    for piece in _pieces(report, max(40, width)):
        console.print(piece, soft_wrap=False)
    text = console.file.getvalue() if isinstance(console.file, StringIO) else ""
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def _pieces(report: Report, width: int) -> Iterator[RenderableType]:
    from rich.text import Text

    yield Text(report.title, style="bold")
    yield Text("=" * min(width, len(report.title)))
    for section in report.sections:
        yield Text("")
        yield Text(section.title, style="bold cyan")
        yield Text("-" * min(width, len(section.title)))
        yield from _section(section, width)


def _section(section: Section, width: int) -> Iterator[RenderableType]:
    from rich.text import Text

    for sentence in section.sentences:
        yield Text(sentence)
    if section.facts:
        yield _facts(section.facts)
    for table in section.tables:
        yield from _table(table, width)
    for chart in section.charts:
        yield from _chart(chart)


def _facts(facts: tuple[Fact, ...]) -> RenderableType:
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid.grid(padding=(0, 2, 0, 0))
    for _ in range(3):
        grid.add_column(overflow="fold")
    for fact in facts:
        value = Text(quantity(fact.value, fact.unit), style=_TONES[fact.tone])
        grid.add_row(Text(fact.label), value, Text(fact.note, style="dim"))
    return grid


def _table(table: Table, width: int) -> Iterator[RenderableType]:
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    yield Text(f"\n{table.title}", style="bold")
    if not table.rows:
        yield Text("none")
        return
    rows = table.rows if table.show is None else table.rows[: table.show]
    cells = [[_cell(v, c) for v, c in zip(row, table.columns, strict=True)] for row in rows]
    heads = [_head(c, [row[i] for row in rows]) for i, c in enumerate(table.columns)]
    sizes = [max(len(row[i]) for row in cells) for i in range(len(heads))]
    sizes = [max(size, *map(len, h.split("\n"))) for size, h in zip(sizes, heads, strict=True)]
    shown = _fitting(sizes, width)
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False)
    for head, column, size in zip(heads[:shown], table.columns, sizes, strict=False):
        is_short = size <= _LONG
        grid.add_column(
            Text(head), justify=column.align, overflow="fold", min_width=size if is_short else None
        )
    for row in cells:
        grid.add_row(*map(Text, row[:shown]))
    yield grid
    if shown < len(heads):
        names = ", ".join(c.name for c in table.columns[shown:])
        yield Text(f"too wide for here: {names}", style="dim")
    if len(table.rows) > len(rows):
        yield Text(f"... and {len(table.rows) - len(rows):,} more", style="dim")


def _head(column: Column, values: list[Value]) -> str:
    """Return a heading with its unit below; that of date-times has the year that they share."""
    unit = "" if column.unit in ("", "share") else column.unit
    years = {v.year for v in values if isinstance(v, datetime)}
    if len(years) == 1:
        unit = f"{years.pop()} {unit}".rstrip()
    return f"{column.name}\n[{unit}]" if unit else column.name


def _cell(value: Value, column: Column) -> str:
    """Return a value as a cell; a date-time without its year."""
    text = number(value, column.unit)
    return text[5:] if isinstance(value, datetime) else text


def _fitting(sizes: list[int], width: int) -> int:
    """Return how many columns fit; long text folds, figures and names do not."""
    sizes = [size if size <= _LONG else _FOLDED for size in sizes]
    shown = len(sizes)
    while shown > 1 and sum(sizes[:shown]) + _BETWEEN * (shown - 1) > width:
        shown -= 1
    return shown


def _chart(chart: Chart) -> Iterator[RenderableType]:
    from rich.text import Text

    lines = list(draw(chart))
    if lines:
        yield Text(f"\n{chart.title}", style="bold")
        for line in lines:
            yield Text(line, no_wrap=True, overflow="ellipsis")
