"""Two plans side by side: who comes, goes and moves, and that the money adds up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import judged
import pytest
import tiny
from judged import job, placed, world

from optimizer.errors import PlanError
from optimizer.questions import PLACE, QUESTIONS
from optimizer.units import usd
from service.render.html import html
from service.render.terminal import terminal

if TYPE_CHECKING:
    from optimizer.domain.reports import Report, Table, Value


def table(report: Report, title: str) -> Table:
    """Return the table of a title."""
    return next(t for s in report.sections for t in s.tables if t.title == title)


def names(report: Report, title: str) -> list[Value]:
    """Return the first column of a table."""
    return [row[0] for row in table(report, title).rows]


def total(values: list[Value]) -> float:
    """Return the sum of the numbers among values."""
    return sum(float(x) for x in values if isinstance(x, int | float))


def two(*jobs: Any, before: list[Any], after: list[Any], **more: Any) -> Report:
    """Return the comparison of two plans by hand, which both judges accept."""
    data = world(*jobs, **more)
    plans = [judged.as_plan(judged.by_hand(data, *each)) for each in (before, after)]
    for plan in plans:
        judged.passes(data, plan)
    return PLACE.compare(judged.read(data), *plans)


def test_jobs_come_in_go_out_and_move() -> None:
    report = two(
        *(job(name) for name in "abcde"),
        before=[
            placed("a", 0, 2),
            placed("b", 2, 4),
            placed("d", 0, 2, [1]),
            placed("e", 0, 2, [2]),
        ],
        after=[
            placed("c", 0, 2),
            placed("b", 2, 4),
            placed("d", 1, 3, [1]),
            placed("e", 0, 2, [1 + 2]),
        ],
        count=4,
    )
    assert names(report, "Jobs that come in") == ["c"]
    assert names(report, "Jobs that go out") == ["a"]
    assert names(report, "Jobs that move") == ["d"]
    assert table(report, "Jobs that move").rows[0][5:7] == (1.0, 1.0)
    said = " ".join(report.sections[0].sentences)
    assert "1 job has other domains only" in said
    assert "1 job runs in both plans just alike" in said


def test_a_plan_compared_with_itself_is_the_same() -> None:
    plan = [placed("a", 0, 2)]
    report = two(job("a"), before=plan, after=plan)
    assert "The plans are the same" in " ".join(report.sections[0].sentences)
    assert not [
        t for t in ("in", "out") if names(report, f"Jobs that {'come' if t == 'in' else 'go'} {t}")
    ]
    assert not [c for s in report.sections for c in s.charts]


@pytest.mark.parametrize("seed", range(1000, 1006))
def test_the_money_of_a_comparison_adds_up(seed: int) -> None:
    data = tiny.tiny(seed)
    instance = judged.read(data)
    first = judged.solved(data, rounds=0, engine="search", seed=1)
    nothing = [
        p
        for p in judged.as_data(first)["placements"]
        if instance.jobs[next(i for i, j in enumerate(instance.jobs) if j.id == p["job"])].running
        is not None
    ]
    second = judged.as_plan(judged.by_hand(data, *nothing))
    report = PLACE.compare(instance, first, second)
    rows = {row[0]: row for row in table(report, "The objective and its parts").rows}
    change = usd(second.objective.total - first.objective.total)
    assert rows["objective"][3] == pytest.approx(change)
    parts = [row[4] for name, row in rows.items() if name != "objective"]
    assert total(parts) == pytest.approx(change)
    worth = [
        row[-1]
        for kind in ("come in", "go out", "move")
        for row in table(report, f"Jobs that {kind}").rows
    ]
    energy = usd(first.objective.energy - second.objective.energy)
    assert total(worth) + energy == pytest.approx(change)
    text = terminal(report)
    assert max(map(len, text.splitlines())) <= 100
    assert "two plans compared" in html(report)


def test_a_plan_of_another_instance_is_refused() -> None:
    one, other = world(job("a")), world(job("b"))
    plans = [judged.as_plan(judged.by_hand(d)) for d in (one, other)]
    with pytest.raises(PlanError):
        PLACE.compare(judged.read(one), *plans)


def test_a_plan_that_breaks_a_rule_is_named() -> None:
    data = world(job("a"), job("b"))
    good = judged.by_hand(data, placed("a", 0, 2))
    bad = judged.by_hand(data, placed("a", 0, 2), placed("b", 0, 2))
    report = PLACE.compare(judged.read(data), judged.as_plan(good), judged.as_plan(bad))
    assert "refuses the second plan" in report.sections[0].sentences[0]


def test_place_has_the_door() -> None:
    assert QUESTIONS["place"].can("compare")
