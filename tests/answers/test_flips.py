"""Break-evens, tornado, stress and nameplate draw: both sides solved again, and enumerated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from brute_mix import _fleets, _Use, optimum
from judged_mix import passes, read
from small import data_of, judge, solver, two_chips
from stranger_mix_world import MixWorld
from tiny_mix import tiny_mix

from optimizer.domain.answers.cases import plan_of
from optimizer.domain.changes.patch import patch
from optimizer.domain.changes.scale import scaled
from optimizer.mix.plan import MixPlan, Options
from optimizer.mix.studies.breakeven import BreakEven, break_evens, changes_at
from optimizer.mix.studies.figures import domains_of
from optimizer.mix.studies.nameplate import draws
from optimizer.mix.studies.stress import futures, stress
from optimizer.mix.studies.tornado import inputs, tornado
from optimizer.studies import Sweep

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance

Data = dict[str, Any]
NEAR = 1e-6


def thresholds(instance: Instance) -> tuple[BreakEven, ...]:
    """Return the break-evens of today's best mix."""
    solve = solver(instance)
    from optimizer.domain.answers.cases import Case

    (base,) = solve([Case("base")])
    return break_evens(instance, solve, plan_of(base))


def both_sides(each: BreakEven) -> None:
    """Assert that enumeration has the chip in every best mix at the one side, not at the other."""
    for solved in (each.into, each.out, each.without):
        if solved is not None:
            judge(solved)
    if each.into is None or each.out is None:
        return
    for solved, is_in in ((each.into, True), (each.out, False)):
        data = data_of(solved)
        best = optimum(data, "cost")
        for offer in each.offers:
            data["mix"]["offers"][offer]["sites"] = []
        without = optimum(data, "cost")
        assert best is not None and without is not None
        slack = NEAR * max(abs(best), abs(without), 1.0)
        assert (best < without) if is_in else (best >= without - slack)
    assert any(domains_of(plan_of(each.into)).get(offer) for offer in each.offers)


def test_a_break_even_lies_where_arithmetic_has_it() -> None:
    # two domains of `o` do all that is wanted for 8,000 USD each; one of `p` does, too
    found = {(e.what, e.name): e for e in thresholds(read(two_chips()))}
    price = found["price", "p"]
    energy = 10 * 0.73 * 100  # the second domain of `o` draws 10 kW for 730 h at 100 USD/MWh
    exact = (16_000 + energy) / 24_000
    assert price.outside is not None and price.inside is not None
    assert price.inside < exact <= price.outside * (1 + NEAR)
    assert price.outside / price.inside < 1.03
    assert not price.is_in and found["price", "o"].is_in


@pytest.mark.parametrize("data", [two_chips(), tiny_mix(9)], ids=["two chips", "tiny 9"])
def test_break_evens_hold_on_both_sides(data: Data) -> None:
    found = thresholds(read(data))
    assert any(e.into is not None for e in found)
    for each in found:
        both_sides(each)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [*range(500, 508), 510, *range(512, 518)])
def test_many_break_evens_hold_on_both_sides(seed: int) -> None:
    for each in thresholds(read(tiny_mix(seed))):
        both_sides(each)


def test_what_stays_out_is_proven_without_a_solve() -> None:
    instance = read(two_chips())
    for each in thresholds(instance):
        if each.outside is not None and each.out is not None:
            worse = each.outside / 1.5 if each.is_better_up else each.outside * 1.5
            data = patch(instance, changes_at(instance, each, worse)).data()
            best, without = optimum(data, "cost"), each.without.plan
            assert without is not None and without.bound is not None and best is not None
            assert best * 1e9 >= without.bound * (1 - NEAR)


def ranged() -> Data:
    """Return two chips with a stated range, an assumed number without one, and one reported."""
    data = two_chips()
    data["sites"]["s"]["pue"] = 1.1  # a fifth less than that cannot be
    data["mix"]["ranges"] = {"price-p": {"of": ["/mix/offers/p/tiers"], "low": 0.5, "high": 1.5}}
    source = {"source": "nobody", "as_of": "2026-01-01"}
    data["sources"] = {
        "": source | {"kind": "reported"},
        "/mix/offers": source | {"kind": "assumed"},
        "/sites/s/pue": source | {"kind": "assumed"},
    }
    return data


def test_inputs_are_stated_ranges_and_assumed_numbers_without_one() -> None:
    found = {each.name: each for each in inputs(read(ranged()))}
    names = ["price-p", "PUE of s", "price of o", "max_domains of o", "max_domains of p"]
    assert set(found) == set(names)
    assert (found["price-p"].low, found["PUE of s"].low) == (0.5, 0.8)


def test_a_tornado_says_what_direct_solves_say_widest_first() -> None:
    instance = read(ranged())
    found = tornado(instance, solver(instance))
    base = plan_of(found.base).objective.total
    for swing in found.swings:
        for end, factor in ((swing.low, swing.input.low), (swing.high, swing.input.high)):
            assert end is not None
            judge(end.solved)
            changed = patch(instance, scaled(instance, swing.input.of, factor)[0])
            best = optimum(changed.data(), "cost")
            assert best is not None
            assert abs(plan_of(end.solved).objective.total / 1e9 - best) <= NEAR * best
    widths = [swing.width(base) for swing in found.swings]
    assert widths == sorted(widths, reverse=True) and widths[0] > 0
    pue = next(s for s in found.swings if s.input.name == "PUE of s")
    assert (
        pue.low is not None
        and pue.low.solved.instance.sites["s"].pue_milli(instance.horizon)[0] == 1000
    )


def regrets(worlds: list[Instance]) -> float:
    """Return the least largest regret over all fleets, enumerated [USD]."""
    data = [w.data() for w in worlds]
    best = [optimum(d, "cost") for d in data]
    found = []
    for fleet in _fleets(MixWorld(data[0])):
        each = [_Use(MixWorld(d), fleet, "cost").best() for d in data]
        if all(x is not None for x in each):
            pairs = zip(each, best, strict=True)
            found.append(max(x - b for x, b in pairs if x is not None and b is not None))
    return min(found)


@pytest.mark.parametrize("spread", [0.5])
def test_the_robust_mix_has_the_least_largest_regret_of_all_fleets(spread: float) -> None:
    instance = read(two_chips(capex_usd=30_000.0))
    each = Sweep(workers=1).each
    found = stress(instance, solver(instance), each, Options(gap=0.0), spread)
    passes(instance.data(), found.robust)
    worlds = [patch(instance, case.changes) for case in futures(instance, spread)]
    exact, mine = regrets(worlds), max(x for x in found.regret_robust if x is not None) / 1e9
    assert abs(mine - exact) <= 2e-3 * max(exact, 1.0)
    assert None not in found.regret_robust and found.limit / 1e9 <= mine * (1 + NEAR) + NEAR


def test_planning_with_nameplate_draw_never_pays() -> None:
    data = two_chips(demand={"work_per_month": 40_000.0})
    data["chips"]["b"]["nameplate_kw"] = 3.0
    instance = read(data)
    found = draws(instance, solver(instance), Options(gap=0.0))
    carried: MixPlan | None = found.carried
    assert carried is not None and found.lost is not None and found.lost > 0
    for solved in (found.training, found.nameplate):
        judge(solved)
    passes(data_of(found.training), carried)
