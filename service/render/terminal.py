"""A report as text for a terminal of 100 columns."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from service.render.bars import draw
from service.render.numbers import number, quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from optimizer.domain.reports import Chart, Fact, Report, Section, Table

__all__ = ["WIDTH", "terminal"]

WIDTH = 100
"""Columns where the terminal does not tell [characters]."""

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
        yield from _section(section)


def _section(section: Section) -> Iterator[RenderableType]:
    from rich.text import Text

    for sentence in section.sentences:
        yield Text(sentence)
    if section.facts:
        yield _facts(section.facts)
    for table in section.tables:
        yield from _table(table)
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


def _table(table: Table) -> Iterator[RenderableType]:
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    yield Text(f"\n{table.title}", style="bold")
    if not table.rows:
        yield Text("none")
        return
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False)
    for column in table.columns:
        unit = "" if column.unit in ("", "share") else f" [{column.unit}]"
        header = Text(f"{column.name}{unit}")
        grid.add_column(header, justify=column.align, overflow="fold")
    shown = table.rows if table.show is None else table.rows[: table.show]
    for row in shown:
        pairs = zip(row, table.columns, strict=True)
        grid.add_row(*(Text(number(v, c.unit)) for v, c in pairs))
    yield grid
    if len(table.rows) > len(shown):
        yield Text(f"... and {len(table.rows) - len(shown):,} more", style="dim")


def _chart(chart: Chart) -> Iterator[RenderableType]:
    from rich.text import Text

    lines = list(draw(chart))
    if lines:
        yield Text(f"\n{chart.title}", style="bold")
        for line in lines:
            yield Text(line, no_wrap=True, overflow="ellipsis")
