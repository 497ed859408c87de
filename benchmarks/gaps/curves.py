"""Incumbent and certified bound against time: a drawing, and how time grows with the jobs.

A curve is what the history of a plan file says, its moments counted from the start of the command.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

from optimizer.domain.reports import Chart, ChartSeries
from service.render.charts import draw
from service.render.svg import Drawn, short, tag, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Curve", "growth", "picture"]

WIDTH, HEIGHT, HEAD, ACROSS = 560.0, 270.0, 26.0, 3
"""Of one chart with its title [px], the title, and how many charts stand side by side."""

LEAST, MOST = 0.85, 1.15
"""What is drawn, as shares of the last bound: the first of both are far off."""

LEVELS = (0.2, 0.15, 0.1, 0.08, 0.06, 0.05, 0.045, 0.04, 0.035, 0.03, 0.025, 0.02, 0.015, 0.01)
"""Gaps at which times are compared."""

STYLE = """
svg { font: 11px system-ui, "Segoe UI", Roboto, Arial, sans-serif; }
text { fill: #5b6670; } .name { fill: #1b2127; font-weight: 600; }
.grid { stroke: #d5dade; fill: none; } .zero { stroke: #5b6670; fill: none; }
.line { fill: none; stroke-width: 1.6; } .s0 { stroke: #2f6ea5; }
.limit { stroke: #1b2127; stroke-dasharray: 6 4; } .hover { fill: transparent; }
"""


@dataclass(frozen=True, slots=True)
class Curve:
    """How a solve went.

    Attributes
    ----------
    jobs
        Of the instance.
    points
        (seconds since the command began, incumbent, bound) whenever one got better [USD].
    end
        When the command ended [s].
    """

    size: str
    seed: int
    jobs: int
    points: tuple[tuple[float, float | None, float | None], ...]
    end: float

    def time_to(self, gap: float) -> float | None:
        """Return when the certified gap was first at most so much [s]; None if never."""
        for at, plan, bound in self.points:
            if plan and bound is not None and (bound - plan) / abs(plan) <= gap:
                return at
        return None


def picture(curves: Sequence[Curve]) -> str:
    """Return an SVG file that needs nothing else: one chart for each size and seed."""
    across = max(1, min(ACROSS, len(curves)))
    width, height = across * WIDTH, -(-len(curves) // across) * HEIGHT + HEAD
    said = "Plan (line) and certified bound (dashed) over time, as shares of the last bound"
    parts = [Drawn(f"<style>{STYLE}</style>"), words(8, 16, said, class_="name")]
    for i, curve in enumerate(curves):
        down, right = divmod(i, across)
        where = f"translate({short(right * WIDTH)} {short(HEAD + down * HEIGHT)})"
        title = words(8, 14, _title(curve), class_="name")
        inner = tag(
            "svg", draw(_chart(curve), WIDTH - 12),
            x=0, y=HEAD - 6, width=WIDTH - 12, height=HEIGHT - HEAD,
        )  # fmt: skip
        parts.append(tag("g", title, inner, transform=where))
    ground = tag("rect", width=width, height=height, fill="#ffffff")
    view = f"0 0 {short(width)} {short(height)}"
    return tag(
        "svg", ground, *parts, xmlns="http://www.w3.org/2000/svg", viewBox=view, width=width,
        height=height,
    )  # fmt: skip


def _title(curve: Curve) -> str:
    last = next((p for p in reversed(curve.points) if p[1] and p[2] is not None), None)
    gap = (
        "no gap" if last is None else f"{((last[2] or 0) - (last[1] or 0)) / abs(last[1] or 1):.2%}"
    )
    return f"{curve.size}, seed {curve.seed}: {gap} at {curve.end:.0f} s"


def _chart(curve: Curve) -> Chart:
    bounds = [bound for _, _, bound in curve.points if bound]
    last = bounds[-1] if bounds else 1.0

    def share(value: float | None) -> float | None:
        found = None if value is None else value / last
        return found if found is not None and LEAST <= found <= MOST else None

    known = [(0.0, None, None), *curve.points]
    known += [(max(curve.end, known[-1][0]), known[-1][1], known[-1][2])]
    times = [at + i * 1e-6 for i, (at, _, _) in enumerate(known)]  # no position twice
    series = (
        ChartSeries("plan", tuple(share(plan) for _, plan, _ in known)),
        ChartSeries("bound", tuple(share(bound) for _, _, bound in known), is_limit=True),
    )
    return Chart("line", _title(curve), tuple(times), "s", "share", series)


def growth(curves: Sequence[Curve]) -> Iterator[tuple[float, Mapping[str, float], float | None]]:
    """Yield for each gap the time of each size that reached it, and the power of time in jobs.

    Times are medians over the seeds, where all of them reached the gap; the power is between the
    sizes of fewest and most jobs that did: log(time ratio) / log(job ratio). None for one size.
    """
    jobs = {c.size: c.jobs for c in curves}
    for level in LEVELS:
        times: dict[str, float] = {}
        for size in sorted(jobs, key=lambda s: jobs[s]):
            each = [c.time_to(level) for c in curves if c.size == size]
            reached = [t for t in each if t is not None]
            if len(reached) == len(each):
                times[size] = statistics.median(reached)
        if times:
            yield level, times, _power(times, jobs)


def _power(times: Mapping[str, float], jobs: Mapping[str, int]) -> float | None:
    first, last = next(iter(times)), list(times)[-1]
    if jobs[first] == jobs[last] or times[first] <= 0 or times[last] <= 0:
        return None
    return log(times[last] / times[first]) / log(jobs[last] / jobs[first])
