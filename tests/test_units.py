"""The integer image: demands up, caps down, float noise off first."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import pytest

from optimizer.units import (
    NANO,
    budget_down,
    budget_up,
    energy_nano_per_watt_period,
    nano,
    nano_per_period,
    periods_down,
    periods_up,
    pue_thousandths,
    run_periods,
    usd,
    watts_down,
    watts_up,
)


def test_every_three_decimal_demand_is_its_own_number_of_watts() -> None:
    """Plain ceil(x * 1000) is one too high for 731 of these."""
    assert [watts_up(i / 1000) for i in range(100_000)] == list(range(100_000))
    assert [budget_up(i / 1000) for i in range(0, 100_000, 7)] == list(range(0, 100_000, 7))
    assert [budget_down(i / 1000) for i in range(0, 100_000, 7)] == list(range(0, 100_000, 7))


def test_every_watt_of_a_cap_survives() -> None:
    assert [watts_down(i / 1_000_000) for i in range(0, 3_000_000, 11)] == list(
        range(0, 3_000_000, 11)
    )


def test_sums_with_float_noise_fit_under_their_cap() -> None:
    assert watts_up((0.1 + 0.2) * 1000) == watts_down(0.3) == 300_000
    assert pue_thousandths(1.1 + 0.1) == 1200


@pytest.mark.parametrize("more", ["0.0000021", "0.0004", "0.0009999"])
def test_true_parts_of_a_watt_round_demands_up_and_caps_down(more: str) -> None:
    exact = Decimal(17) + Decimal(more)
    up = (exact * 1000).to_integral_value(ROUND_CEILING)
    assert watts_up(float(exact)) == int(up) == 17_001
    down = (exact * 1000).to_integral_value(ROUND_FLOOR)
    assert watts_down(float(exact) / 1000) == int(down) == 17_000


def test_pue_rounds_up_to_thousandths() -> None:
    assert [pue_thousandths(x) for x in (1.0, 1.25, 1.2501, 1.0000001)] == [1000, 1250, 1251, 1001]


def test_a_run_takes_whole_periods_and_one_at_least() -> None:
    assert run_periods(0.001, 1.0, 1.0) == 1
    assert run_periods(2.0, 1.0, 1.0) == 2
    assert run_periods(2.0 + 1e-12, 1.0, 1.0) == 2
    assert run_periods(2.001, 1.0, 1.0) == 3
    assert run_periods(0.3, 0.1, 1.0) == 3  # 0.3 / 0.1 is 2.9999999999999996
    assert run_periods(48.0, 1.0, 24.0) == 2


def test_moments_round_to_boundaries_outward_and_inward() -> None:
    assert [periods_up(h, 4.0) for h in (-0.1, 0.0, 0.1, 4.0, 4.0000000001)] == [0, 0, 1, 1, 1]
    assert [periods_down(h, 4.0) for h in (-0.1, 0.0, 3.9, 4.0, 3.9999999999)] == [-1, 0, 0, 1, 1]
    assert periods_up(0.1 * 3, 0.1) == periods_down(0.1 * 3, 0.1) == 3


def test_money_is_nano_usd_to_the_nearest() -> None:
    assert nano(12.345678901) == 12_345_678_901
    assert nano(0.1 + 0.2) == 300_000_000
    assert usd(nano(1234.5)) == 1234.5
    assert nano(1e9) == 10**9 * NANO


def test_prices_come_per_watt_and_period() -> None:
    # 1 USD/MWh is 1 000 nano-USD per Wh
    assert energy_nano_per_watt_period(50.0, 1.0) == 50_000
    assert energy_nano_per_watt_period(50.0, 24.0) == 1_200_000
    assert nano_per_period(2.5, 4.0) == 10 * NANO
