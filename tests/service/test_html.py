"""The page of a report: well-formed, self-contained, escaped, complete."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import combinations

import pytest

from optimizer.domain.reports import (
    Chart,
    ChartSeries,
    Column,
    Fact,
    Lane,
    Report,
    Section,
    Span,
    Table,
    Value,
)
from service.render.axes import ValueAxis
from service.render.cells import column_cells
from service.render.charts import draw
from service.render.gantt import packed
from service.render.html import html

HOSTILE = "</title><script>alert(1)</script><img src=x onerror='alert(\"2\")'>&amp;"
VOID = {"meta", "br", "img", "input", "link", "hr"}


class Reader(HTMLParser):
    """Reads a page; holds what is open, all elements with attributes, and the text of each kind."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(page)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(attrs) == len(dict(attrs)), f"{tag} has an attribute twice: {attrs}"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and data.strip():
            self.texts.setdefault(self.open[-1], []).append(data.strip())

    def count(self, tag: str) -> int:
        """Return how many elements of a kind there are."""
        return sum(t == tag for t, _ in self.elements)


def full(word: str = "job-1") -> Report:
    """Return a report with one of everything; a word stands wherever a text can."""
    start = datetime(2027, 4, 5, 6, tzinfo=UTC)
    hours = tuple(start + timedelta(hours=t) for t in range(48))
    load = tuple(float(t % 24) for t in range(48))
    spans = tuple(
        Span(f"pool {word}", f"{word}-{i}", i % 7, 9.0 + i, 8.0 * (1 + i % 5), word)
        for i in range(40)
    )
    lanes = (Lane(f"pool {word}", ((0.0, 90.0), (24.0, 200.0))), Lane("idle", ((0.0, 8.0),)))
    charts = (
        Chart(
            "area",
            f"Power {word}",
            hours,
            "UTC",
            "MW",
            (ChartSeries(word, load), ChartSeries("cap", (30.0,) * 48, is_limit=True)),
        ),
        Chart("line", "Price", hours, "UTC", "USD/MWh", (ChartSeries(word, (None, *load[1:])),)),
        Chart("bar", "Worth", (word, "there"), "", "USD", (ChartSeries("", (1.5e6, None)),)),
        Chart("gantt", "Chips", (), "h", "chips", (), spans, lanes, start, 168.0),
        Chart("line", "Nothing", hours, "UTC", "MW", (ChartSeries("none", (None,) * 48),)),
    )
    columns = (Column("job"), Column(f"why {word}"), Column("value", "USD", "right"))
    table = Table(f"Jobs {word}", columns, tuple((f"{word}-{i}", word, 1e6) for i in range(30)), 5)
    empty = Table("No jobs", columns, ())
    facts = (Fact("Objective", 90.0, "USD"), Fact("Bound", 100.0, "USD", "good", word))
    sections = (
        Section(f"At once {word}", (f"A sentence on {word}.",), facts, kind="summary"),
        Section("What runs", (), (Fact(word, word, note=word),), (table, empty), charts),
        Section(f"Proof {word}", ("Sure.",), (*facts, Fact("Seed", 0)), kind="proof", reach=0.9),
    )
    return Report(f"week: A week of {word}", sections)


@pytest.fixture(scope="module")
def page() -> str:
    """Return the page of the full report."""
    return html(full())


def test_a_page_is_well_formed(page: str) -> None:
    assert page.startswith("<!doctype html>")
    read = Reader(page)
    ids = [a["id"] for _, a in read.elements if "id" in a]
    assert len(ids) == len(set(ids))


def test_a_page_needs_nothing_else(page: str) -> None:
    assert "://" not in page
    assert "@import" not in page
    assert not re.search(r"url\(", page)
    read = Reader(page)
    for tag, attributes in read.elements:
        assert tag not in ("script", "link", "img", "iframe", "object", "embed", "form", "base")
        assert "src" not in attributes
        assert not [a for a in attributes if a.startswith("on")]
        assert (attributes.get("href") or "#").startswith("#")
    policy = [a["content"] for t, a in read.elements if t == "meta" and "http-equiv" in a]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_every_link_leads_to_a_section(page: str) -> None:
    read = Reader(page)
    ids = {a["id"] for t, a in read.elements if t == "section"}
    assert {a["href"] for t, a in read.elements if t == "a"} == {f"#{i}" for i in ids}


def test_hostile_texts_are_only_texts() -> None:
    page = html(full(HOSTILE))
    assert HOSTILE not in page
    read = Reader(page)
    assert read.count("script") == read.count("img") == 0
    plain = Reader(html(full()))
    assert [t for t, _ in read.elements if t != "text"] == [
        t for t, _ in plain.elements if t != "text"
    ]
    assert f"{HOSTILE}-3" in read.texts["th"]
    assert any(f"{HOSTILE}-3" in said for said in read.texts["title"])


def test_every_section_table_chart_and_fact_is_there(page: str) -> None:
    report, read = full(), Reader(page)
    assert read.texts["h2"] == [s.title for s in report.sections]
    tables = [t for s in report.sections for t in s.tables]
    assert read.texts["h3"] == [t.title for t in tables]
    assert "None." in read.texts["p"]
    drawn = [c.title for s in report.sections for c in s.charts if c.title != "Nothing"]
    assert read.texts["figcaption"] == drawn
    assert read.count("svg") == 2 * len(drawn)
    labels = [f.label for s in report.sections for f in s.facts]
    assert sorted(read.texts["dt"]) == sorted(labels)
    assert read.count("tr") == 31  # all rows and the heading: a page cuts nothing
    assert "2027-04" not in "".join(read.texts["text"])
    assert "Sun 11 Apr" in read.texts["text"]  # the gantt's hours are dated, to the horizon's end
    assert "idle" in read.texts["text"]  # a lane where nothing runs
    assert "at most 0 of 8 chips in use" in read.texts["text"]
    assert not re.search(r"\b(nan|None(?!\.)|inf)\b", page)


def test_the_proof_is_a_box_with_how_far_the_plan_reaches(page: str) -> None:
    read = Reader(page)
    assert [a.get("class") for t, a in read.elements if t == "section"] == [None, None, "proof"]
    assert any("90.0 % of" in said for said in read.texts["p"])
    assert "Approved by" in read.texts["p"]


def test_bars_of_a_lane_never_overlap_and_fill_no_more_than_what_runs() -> None:
    spans = [Span("p", f"j{i}", (i * 7) % 31, (i * 7) % 31 + 3 + i % 11, 1.0) for i in range(60)]
    sizes = [3.0 + i % 13 for i in range(60)]
    pieces = packed(spans, sizes)
    assert [sum(size for _, size in p) for p in pieces] == pytest.approx(sizes, abs=0.2)
    for (a, mine), (b, others) in combinations(zip(spans, pieces, strict=True), 2):
        if a.start < b.end and b.start < a.end:
            for low, tall in mine:
                assert all(low + tall <= o + 1e-9 or o + s <= low + 1e-9 for o, s in others)
    most = max(
        sum(size for s, size in zip(spans, sizes, strict=True) if s.start <= t < s.end)
        for t in range(50)
    )
    assert max(low + tall for p in pieces for low, tall in p) <= most + 0.2


def test_an_area_stacks_its_series_up_to_the_axis() -> None:
    series = (ChartSeries("a", (2.0, 1.0)), ChartSeries("b", (3.0, -1.0)))
    drawn = draw(Chart("area", "t", (0.0, 1.0), "h", "MW", series), 1000)
    assert "M56 120H524L524 147.5H992" in drawn  # a: 2 and 1 on an axis of -2 to 6
    assert "M56 37.5H524L524 202.5H992L992 175H524L524 120H56Z" in drawn  # b on a, then below zero
    assert "<title>" in drawn and "b: 3.00 MW" in drawn


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([50.0], [0.0, 20.0, 40.0, 60.0]),
        ([], [0.0, 1.0]),
        ([-3.0, 9.0], [-5.0, 0.0, 5.0, 10.0]),
        ([1e9], [0.0, 5e8, 1e9]),
    ],
    ids=str,
)
def test_ticks_are_round_and_hold_all_values(values: list[float], ticks: list[float]) -> None:
    assert ValueAxis.over(values).ticks() == ticks


@pytest.mark.parametrize(
    ("unit", "values", "cells"),
    [
        ("MW", (10.637, 0.0131, None), ["10.637", "0.013", "–"]),  # noqa: RUF001
        ("USD", (4_220_000.0, 42.7, 0.0), ["4,220,000", "43", "0"]),
        ("USD", (234.61, 0.177, 0.001), ["234.61", "0.18", "<0.01"]),
        ("USD", (29_400.0, 0.34), ["29,400", "<1"]),
        ("share", (0.9410, 1.0), ["94.1", "100.0"]),
        ("h", (72, 1), ["72", "1"]),
        ("MW", (-3.25, 7.5), ["\N{MINUS SIGN}3.25", "7.50"]),
        ("UTC", (datetime(2027, 4, 5, 6, tzinfo=UTC),), ["2027-04-05 06:00"]),
        ("", ("x", True), ["x", "yes"]),
    ],
    ids=str,
)
def test_figures_of_a_column_stand_below_each_other(
    unit: str, values: tuple[Value, ...], cells: list[str]
) -> None:
    assert column_cells(Column("c", unit, "right"), values) == cells


def test_a_gantt_shows_what_its_lanes_can_hold() -> None:
    spans = (Span("p", "j", 2, 9, 72.0),)
    lanes = (Lane("p", ((0.0, 72.0), (12.0, 144.0))), Lane("q", ((0.0, 8.0),)))
    drawn = draw(Chart("gantt", "t", (), "h", "chips", (), spans, lanes, None, 24.0), 1000)
    assert "at most 72 of 144 chips in use" in drawn
    assert "at most 0 of 8 chips in use" in drawn
    assert drawn.count('class="line limit"') == 2
    bar = re.search(r'class="bar s0">.*?height="([\d.]+)"', drawn, re.DOTALL)
    assert bar is not None
    assert float(bar[1]) == pytest.approx(290 / 2, abs=1)  # half of what the lane can hold


def test_a_gantt_that_is_dated_counts_hours() -> None:
    with pytest.raises(ValueError, match="counts 'd'"):
        Chart("gantt", "t", x_unit="d", begin=datetime(2027, 4, 5, tzinfo=UTC))


@pytest.mark.parametrize("reach", [-0.1, 1.1])
def test_no_plan_reaches_beyond_the_bound(reach: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        Section("Proof", kind="proof", reach=reach)


def test_nothing_is_drawn_above_what_a_lane_can_hold() -> None:
    spans = tuple(Span("p", f"j{i}", i % 5, 20.0 + i % 7, 1.0) for i in range(60))
    lanes = (Lane("p", ((0.0, 100_000.0),)),)
    big = Span("p", "big", 0, 40, 99_940.0)
    drawn = draw(Chart("gantt", "t", (), "h", "chips", (), (*spans, big), lanes, None, 40.0), 1000)
    line = re.search(r'<path d="M[\d.]+ ([\d.]+)H[\d.]+" class="line limit"', drawn)
    assert line is not None
    tops = [float(y) for y in re.findall(r'<rect x="[\d.]+" y="([\d.]+)"', drawn)]
    assert min(tops) >= float(line[1]) - 1


def test_dates_over_years_say_their_year_and_stand_on_first_days_of_months() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    x = tuple(datetime(2026 + t // 4, 3 * (t % 4) + 1, 1, tzinfo=UTC) for t in range(24))
    chart = Chart("line", "t", x, "UTC", "MW", (ChartSeries("a", tuple(map(float, range(24)))),))
    drawn = draw(chart, 1000.0)
    for label in (">2026<", ">2029<", ">Jul 2030<"):
        assert label in drawn
    assert "1 Jan 2027 to 1 Apr 2027" in drawn
    short = Chart("line", "t", (start, start + timedelta(days=7)), "UTC", "MW",
                  (ChartSeries("a", (1.0, 2.0)),))  # fmt: skip
    assert "2026" not in draw(short, 1000.0)


def test_the_darkest_cell_is_the_largest_and_its_figure_is_light() -> None:
    series = (ChartSeries("plan", (0.0, 5e8)), ChartSeries("other", (None, 1e9)))
    drawn = draw(Chart("heat", "regret", ("a", "b"), "", "USD", series), 1000.0)
    assert drawn.count('fill-opacity="1.000"') == 1 and drawn.count('fill-opacity="0.040"') == 2
    assert drawn.count('class="inside"') == 1 and ">1.00 B<" in drawn


def test_two_limits_are_drawn_apart_and_lines_far_from_zero_do_without_it() -> None:
    limits = (ChartSeries("a", (5.0, 6.0), True), ChartSeries("b", (5.5, 6.5), True))
    drawn = draw(Chart("line", "t", (0.0, 1.0), "h", "MW", limits), 1000.0)
    assert 'class="line limit"' in drawn and 'class="line limit other"' in drawn
    assert ValueAxis.about([5.0, 6.5]).low == 5.0 and ValueAxis.about([1.0, 6.5]).low == 0.0
