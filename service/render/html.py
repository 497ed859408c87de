"""A report as one page of HTML that needs nothing else: style and charts are in it, no script.

Charts stand above the tables of their section, because a page holds all rows of a table. Every
chart is drawn twice, for a desk and for a phone, and the page shows the one that fits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from service.render import charts
from service.render.cells import column_cells, heading_unit
from service.render.numbers import quantity

if TYPE_CHECKING:
    from jinja2 import Template

    from optimizer.domain.reports import Chart, Column, Fact, Report, Section, Table

__all__ = ["html"]

DESK, PHONE = 1000.0, 370.0
"""Widths at which charts are drawn [px]."""
_LONG = 24
"""Cells longer than this are text that folds [characters]."""
_TALL = 14
"""Tables with more rows than this scroll in a box of their own."""


@dataclass(frozen=True, slots=True)
class _Head:
    """Heading of a column: name, unit, and the class of its cells."""

    name: str
    unit: str
    kind: str


@dataclass(frozen=True, slots=True)
class _Grid:
    """A table in text."""

    title: str
    heads: tuple[_Head, ...]
    rows: tuple[tuple[str, ...], ...]
    count: str
    is_tall: bool


@dataclass(frozen=True, slots=True)
class _Figure:
    """A drawn chart."""

    title: str
    unit: str
    legend: list[tuple[str, str]]
    remark: str
    desk: str
    phone: str


@dataclass(frozen=True, slots=True)
class _Part:
    """A section, ready for the page; figures are the facts that are shown large."""

    anchor: str
    title: str
    is_proof: bool
    sentences: tuple[str, ...]
    figures: list[tuple[Fact, str, str]]
    facts: list[tuple[Fact, str]]
    reach: float | None
    charts: list[_Figure]
    tables: list[_Grid]


def html(report: Report) -> str:
    """Return a report as a page; all of its texts are escaped."""
    name, _, rest = report.title.partition(": ")
    parts = [_part(section, i) for i, section in enumerate(report.sections)]
    return _template().render(
        title=report.title,
        name=name if rest else "",
        heading=rest or name,
        parts=parts,
        has_proof=any(part.is_proof for part in parts),
        style=files("service.render").joinpath("page", "report.css").read_text(encoding="utf-8"),
    )


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    text = files("service.render").joinpath("page", "report.html.j2").read_text(encoding="utf-8")
    room = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return room.from_string(text)


def _part(section: Section, place: int) -> _Part:
    shown = [f for f in section.facts if _is_figure(f)] if section.kind != "topic" else []
    slug = re.sub(r"[^a-z0-9]+", "-", section.title.lower()).strip("-")
    return _Part(
        anchor=f"{place + 1}-{slug}",
        title=section.title,
        is_proof=section.kind == "proof",
        sentences=section.sentences,
        figures=[(f, *_split(quantity(f.value, f.unit))) for f in shown],
        facts=[(f, quantity(f.value, f.unit)) for f in section.facts if f not in shown],
        reach=None if section.reach is None else 100 * section.reach,
        charts=[_figure(c) for c in section.charts if not charts.is_empty(c)],
        tables=[_grid(t) for t in section.tables],
    )


def _is_figure(fact: Fact) -> bool:
    """Return whether a fact is shown large: counts, money and shares, not settings."""
    is_number = isinstance(fact.value, int | float) and not isinstance(fact.value, bool)
    return is_number and fact.unit != "s" and bool(fact.unit or fact.note)


def _split(text: str) -> tuple[str, str]:
    """Return a quantity as figure and unit, so that the unit can be set small."""
    found = re.fullmatch(r"([-\d,.]+)(?: (.+))?", text)
    return (found[1], found[2] or "") if found else (text, "")


def _figure(chart: Chart) -> _Figure:
    unit = "" if chart.kind == "gantt" else chart.y_unit
    desk, phone = (charts.draw(chart, width) for width in (DESK, PHONE))
    return _Figure(chart.title, unit, charts.legend(chart), charts.remark(chart), desk, phone)


def _grid(table: Table) -> _Grid:
    columns = [
        column_cells(column, [row[i] for row in table.rows])
        for i, column in enumerate(table.columns)
    ]
    heads = tuple(
        _Head(column.name, heading_unit(column), _kind(column, cells))
        for column, cells in zip(table.columns, columns, strict=True)
    )
    rows = tuple(zip(*columns, strict=True))
    return _Grid(table.title, heads, rows, quantity(len(rows), "rows"), len(rows) > _TALL)


def _kind(column: Column, cells: list[str]) -> str:
    if column.align == "right":
        return "figure"
    return "long" if max(map(len, cells), default=0) > _LONG else "short"
