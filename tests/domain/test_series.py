"""Series, moments and the horizon: a number, T numbers or steps, and what a period makes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from optimizer.domain.horizon import Horizon, parse_moment
from optimizer.domain.series import Series, SeriesData, within

HORIZON = Horizon(start=datetime(2026, 3, 1, tzinfo=UTC), periods=4, period_hours=2.0)
ADAPTER: TypeAdapter[SeriesData] = TypeAdapter(Series)


def over(value: Any, how: Any) -> list[float]:
    """Return a series of JSON data in every period."""
    series = ADAPTER.validate_python(value)
    assert series.finding(HORIZON) is None
    numbers: list[float] = series.over(HORIZON, how).tolist()
    return numbers


def test_a_number_holds_throughout() -> None:
    assert over(3, "min") == over(3.0, "mean") == [3.0] * 4


def test_t_numbers_stand_for_themselves() -> None:
    assert over([1, 2, 3, 4.5], "max") == [1.0, 2.0, 3.0, 4.5]


@pytest.mark.parametrize(("how", "inside"), [("min", 2.0), ("max", 10.0), ("mean", 4.0)])
def test_a_step_inside_a_period_takes_minimum_maximum_or_mean(how: str, inside: float) -> None:
    steps = [{"value": 2.0}, {"from": 3.5, "value": 10.0}]  # a quarter of period 1
    assert over(steps, how) == [2.0, inside, 10.0, 10.0]


def test_a_step_on_a_boundary_touches_only_what_follows() -> None:
    steps = [{"from": "2026-03-01", "value": 2.0}, {"from": "2026-03-01T04:00Z", "value": 9.0}]
    assert over(steps, "min") == over(steps, "max") == over(steps, "mean") == [2.0, 2.0, 9.0, 9.0]


def test_steps_before_and_after_the_horizon_are_welcome() -> None:
    steps = [{"value": 1.0}, {"from": -3.0, "value": 2.0}, {"from": 6.0, "value": 3.0}]
    assert over([*steps, {"from": 100.0, "value": 4.0}], "mean") == [2.0, 2.0, 2.0, 3.0]
    later = [{"value": 1.0}, {"from": 50.0, "value": 2.0}]
    assert over(later, "max") == [1.0] * 4


def test_several_steps_inside_one_period_all_count() -> None:
    steps = [{"value": 5.0}, {"from": 0.5, "value": 1.0}, {"from": 1.0, "value": 9.0}]
    assert [over(steps, how)[0] for how in ("min", "max", "mean")] == [1.0, 9.0, 6.0]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([1.0, 2.0], "one number for each of 4 periods, got 2"),
        ([{"from": 1.0, "value": 2.0}], "first step begins after the horizon starts"),
        ([{"value": 1}, {"from": 5, "value": 2}, {"from": 3, "value": 1}], "in order of time"),
        ([{"value": 1}, {"from": 3, "value": 2}, {"from": 3, "value": 1}], "in order of time"),
    ],
)
def test_series_that_do_not_fit_the_horizon_say_why(value: Any, said: str) -> None:
    finding = ADAPTER.validate_python(value).finding(HORIZON)
    assert finding is not None
    assert said in finding


@pytest.mark.parametrize(
    "value",
    [
        *([], "3", True, None, [1.0, True], [1.0, "2"], float("nan"), [float("inf")], {"value": 1}),
        *([{"value": 1}, {"value": 2}], [{"from": 0.0}], [{"value": 1, "until": 3}]),
        *([{"value": 1}, {"from": "tomorrow", "value": 2}], [{"value": float("nan")}]),
    ],
    ids=repr,
)
def test_what_is_no_series_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        ADAPTER.validate_python(value)


@pytest.mark.parametrize("value", [-0.001, 10.001, [1.0, -1.0], [{"value": 11.0}]])
def test_values_out_of_range_are_refused(value: Any) -> None:
    check = within(0, 10, "MW")
    series = ADAPTER.validate_python(value)
    with pytest.raises(ValueError, match="got"):
        check.func(series)  # type: ignore[call-arg]


@pytest.mark.parametrize("value", [2.5, [1.0, 2.0], [{"value": 1.0}, {"from": 3.5, "value": 2.0}]])
def test_a_series_is_written_as_it_was_read(value: Any) -> None:
    assert ADAPTER.dump_python(ADAPTER.validate_python(value)) == value


# ---- moments ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "hours"),
    [
        (5, 5.0),
        (-2.5, -2.5),
        ("2026-03-01", 0.0),
        ("2026-03-01T03:30Z", 3.5),
        ("2026-03-01T03:30", 3.5),
        ("2026-03-01T03:30:00+02:00", 1.5),
        ("2026-02-28T22:00:00-03:00", 1.0),
    ],
)
def test_moments_are_hours_or_dates_in_utc(moment: Any, hours: float) -> None:
    assert HORIZON.hours_at(parse_moment(moment)) == hours


@pytest.mark.parametrize("moment", ["soon", "2026-13-01", True, None, 1e7, -1e7, [1], "1e5"])
def test_what_is_no_moment_is_refused(moment: Any) -> None:
    with pytest.raises(ValueError, match="must"):
        parse_moment(moment)


def test_boundaries_lie_up_and_down_of_a_moment() -> None:
    assert [HORIZON.up(h) for h in (0.0, 0.1, 2.0, 7.9)] == [0, 1, 1, 4]
    assert [HORIZON.down(h) for h in (0.0, 1.9, 2.0, 9.0)] == [0, 0, 1, 4]
    assert HORIZON.time_of(3) == datetime(2026, 3, 1, 6, tzinfo=UTC)
    assert HORIZON.hours == 8.0


@pytest.mark.parametrize("bad", [{"periods": 0}, {"periods": 10**9}, {"period_hours": 0.0}])
def test_a_horizon_out_of_range_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Horizon.model_validate({"start": datetime(2026, 3, 1, tzinfo=UTC), "periods": 4} | bad)
