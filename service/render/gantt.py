"""Gantt charts drawn as SVG: bars packed lane by lane, big gangs thick, colours by group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.reports import Lane
from service.render.axes import Frame, TimeAxis
from service.render.numbers import number, quantity
from service.render.svg import LETTER, Drawn, picture, steps, tag, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optimizer.domain.reports import Chart, Span

__all__ = ["draw_gantt", "groups_of", "lanes_of", "packed"]

Piece = tuple[float, float]
"""Foot and thickness of a part of a bar, from the lane's floor [px]."""

_COLORS = 8
_FULL, _LOW = 440.0, 140.0
"""Thickness of all that a lane can hold: if it is alone, and at least [px]."""
_LEAST, _PLAIN = 1.2, 14.0
"""Thickness of the smallest bar where there is no limit, and of bars without a size [px]."""
_SLIVER = 0.05
"""Gaps below this are not filled [px]."""
_HEAD, _GAP = 20.0, 10.0
"""Height of a lane's heading, and between lanes [px]."""


def groups_of(chart: Chart) -> list[str]:
    """Return the groups of a chart's spans in the order of their colours."""
    return sorted({span.group for span in chart.spans})


def lanes_of(chart: Chart) -> list[Lane]:
    """Return the lanes of a chart, those that only spans name at the end."""
    known = {lane.name: lane for lane in chart.lanes}
    return list(
        (known | {s.lane: Lane(s.lane) for s in chart.spans if s.lane not in known}).values()
    )


def draw_gantt(chart: Chart, width: float) -> Drawn:
    """Return a gantt chart: each lane as thick as what it can hold."""
    last = max(chart.end, *(s.end for s in chart.spans), 0.0)
    first = min(0.0, *(s.start for s in chart.spans), 0.0)
    across = TimeAxis(first, last, chart.x_unit, chart.begin)
    colors = {name: f"s{i % _COLORS}" for i, name in enumerate(groups_of(chart))}
    lanes = lanes_of(chart)
    full = max(_LOW, _FULL / len(lanes) ** 0.6)
    y, parts = 0.0, list[Drawn]()
    for lane in lanes:
        spans = [s for s in chart.spans if s.lane == lane.name]
        peak = _peak(spans)
        whole = max(lane.most(), peak or 0.0)
        least = 0.0 if lane.capacity else _LEAST  # against a limit nothing is drawn too thick
        sizes = [max(least, (s.height or 0) * full / whole) if peak else _PLAIN for s in spans]
        pieces = packed(spans, sizes)
        tops = [foot + size for piece in pieces for foot, size in piece]
        tall = max([full if lane.capacity else _PLAIN, *tops])
        frame = Frame(4, y + _HEAD, width - 4, y + _HEAD + tall)
        parts += _lane(frame, lane.name, _note(lane, peak, chart.y_unit))
        parts += across.draw(frame)
        for span, piece in zip(spans, pieces, strict=True):
            parts += _bar(span, piece, across, frame, chart, colors[span.group])
        if lane.capacity and whole:
            parts.append(_limit(lane, across, frame, full / whole))
        y = frame.bottom + _HEAD + _GAP
    return picture(width, y, f"{chart.title}: {len(chart.spans)} bars", parts)


def _note(lane: Lane, peak: float | None, unit: str) -> str:
    """Return what stands beside a lane's name: how full it gets."""
    if lane.capacity:
        return f"at most {number(int(peak or 0))} of {quantity(int(lane.most()), unit)} in use"
    return f"at most {quantity(peak, unit)} at once" if peak else ""


def _limit(lane: Lane, across: TimeAxis, frame: Frame, scale: float) -> Drawn:
    """Return the line of what a lane can hold; scale in px for a unit of height."""
    edges = [max(x, across.first) for x, _ in lane.capacity] + [across.last]
    ys: list[float | None] = [frame.bottom - height * scale for _, height in lane.capacity]
    drawn = steps([across.at(x, frame) for x in edges], ys)
    return tag("path", d=drawn, class_="line limit")


def packed(spans: Sequence[Span], sizes: Sequence[float]) -> list[list[Piece]]:
    """Return for every span its pieces above the lane's floor, so that no two spans overlap.

    In order of start, thick before thin, each takes the tightest gap that is free as it starts, or
    several gaps where none takes it whole: so the lane is no taller than what runs at once, and
    what stays empty is what is not in use.
    """
    pieces: list[list[Piece]] = [[] for _ in spans]
    running: list[int] = []
    for i in sorted(range(len(spans)), key=lambda i: (spans[i].start, -sizes[i], i)):
        running = [k for k in running if spans[k].end > spans[i].start]
        pieces[i] = _fitted(sorted(p for k in running for p in pieces[k]), sizes[i])
        running.append(i)
    return pieces


def _fitted(held: list[Piece], size: float) -> list[Piece]:
    """Return the pieces of a size between those that are held; the last may stand on top."""
    gaps, floor = list[Piece](), 0.0
    for low, tall in held:
        if low - floor >= _SLIVER:
            gaps.append((floor, low - floor))
        floor = max(floor, low + tall)
    whole = [gap for gap in gaps if gap[1] >= size - 1e-9]
    if whole:
        return [(min(whole, key=lambda gap: gap[1])[0], size)]
    found = list[Piece]()
    for low, room in sorted(gaps, key=lambda gap: -gap[1]):
        found.append((low, min(room, size)))
        size -= found[-1][1]
        if size < _SLIVER:
            return found
    return [*found, (floor, size)]


def _peak(spans: Sequence[Span]) -> float | None:
    """Return the largest height that runs at once; None where spans have none."""
    if any(s.height is None for s in spans):
        return None
    turns = [(s.start, s.height or 0.0) for s in spans]
    turns = sorted([*turns, *((s.end, -(s.height or 0.0)) for s in spans)])
    most = held = 0.0
    for _, change in turns:  # at a moment ends come first: their change is negative
        held += change
        most = max(most, held)
    return most or None


def _lane(frame: Frame, name: str, note: str) -> Iterator[Drawn]:
    yield words(frame.left, frame.top - 6, name, "start", "name")
    yield words(frame.right, frame.top - 6, note, "end")
    yield tag(
        "rect", x=frame.left, y=frame.top, width=frame.right - frame.left,
        height=frame.bottom - frame.top, class_="lane",
    )  # fmt: skip


def _bar(
    span: Span, pieces: list[Piece], across: TimeAxis, frame: Frame, chart: Chart, color: str
) -> Iterator[Drawn]:
    left, right = across.at(span.start, frame), across.at(span.end, frame)
    drawn = [tag("title", _said(span, across, chart))]
    for foot, size in pieces:
        y, wide = frame.bottom - foot - size, max(right - left, 1)
        drawn.append(tag("rect", x=left, y=y, width=wide, height=max(size, 0.1)))
    yield tag("g", *drawn, class_=f"bar {color}")
    foot, size = max(pieces, key=lambda piece: piece[1])
    if size >= 12 and right - left > len(span.label) * LETTER + 8:
        yield words(left + 4, frame.bottom - foot - size / 2 + 4, span.label, "start", "inside")


def _said(span: Span, across: TimeAxis, chart: Chart) -> str:
    """Return what a bar tells when pointed at."""
    said = [span.label]
    if span.group:
        said.append(span.group)
    if span.height is not None:
        height = int(span.height) if span.height == int(span.height) else span.height
        said.append(quantity(height, chart.y_unit))
    length = quantity(round(span.end - span.start, 6), chart.x_unit)
    return "\n".join([*said, f"{across.said(span.start)} to {across.said(span.end)} ({length})"])
