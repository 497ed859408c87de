"""Reports as text: figures for people, 100 columns, nothing unreal."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from optimizer.domain.reports import (
    Chart,
    ChartSeries,
    Column,
    Fact,
    Report,
    Section,
    Span,
    Table,
    Value,
)
from service.render.numbers import quantity
from service.render.terminal import terminal


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (12_345_678.9, "USD", "USD 12.3 M"),
        (999_960.0, "USD", "USD 1.00 M"),
        (-4_200, "USD", "USD -4,200"),
        (12_345.6, "USD/MW-day", "USD 12.3 k/MW-day"),
        (1234, "chips", "1,234 chips"),
        (1, "jobs", "1 job"),
        (37.81, "MW", "37.8 MW"),
        (0.0143, "share", "1.43 %"),
        (0.0, "share", "0 %"),
        (None, "MW", "-"),
        (True, "", "yes"),
        (datetime(2026, 2, 11, 6, tzinfo=UTC), "UTC", "2026-02-11 06:00 UTC"),
    ],
    ids=str,
)
def test_a_quantity_is_written_for_people(value: Value, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_report_holds_no_unreal_number(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        Fact("gap", value)
    with pytest.raises(ValueError, match="finite"):
        Table("jobs", (Column("value"),), ((value,),))


def full() -> Report:
    """Return a report with one of everything, some of it too long for a line."""
    hours = tuple(float(t) for t in range(168))
    load = tuple(float(t % 24) for t in range(168))
    charts = (
        Chart("area", "power", hours, "h", "MW", (ChartSeries("load", load),)),
        Chart("line", "no power", hours, "h", "MW", (ChartSeries("none", (None,) * 168),)),
        Chart("bar", "worth", ("here", "there"), "", "USD", (ChartSeries("", (1.5e6, None)),)),
        Chart("gantt", "racks", x_unit="h", y_unit="chips", spans=(Span("a", "j", 0, 9, 72),)),
    )
    table = Table(
        "jobs",
        (Column("job"), Column("why"), Column("value", "USD", "right")),
        tuple((f"job-{i}", "because [of] :power: " * 9, 1e6 * i) for i in range(9)),
        show=5,
    )
    facts = (Fact("gap", 0.02, "share", "good", "certified"), Fact("bound", None, "USD"))
    section = Section("What runs", ("A sentence of many words. " * 9,), facts, (table,), charts)
    return Report("A week", (section,))


def test_a_report_fits_100_columns_and_is_plain() -> None:
    text = terminal(full())
    assert max(map(len, text.splitlines())) <= 100
    assert "\x1b" not in text
    assert "[of] :power:" in text
    assert "... and 4 more" in text
    assert "None" not in text


def test_a_colour_terminal_gets_colours() -> None:
    assert "\x1b[" in terminal(full(), is_colored=True)
