"""Why not: each class where it is known by head, and refuted nowhere by trying everything."""

from __future__ import annotations

from collections import Counter
from itertools import combinations_with_replacement, product
from typing import TYPE_CHECKING, Any

import brute
import judged
import numpy as np
import pytest
import stranger
import tiny
from judged import as_plan, by_hand, job, placed, read, world

from optimizer.domain.changes.patch import patch
from optimizer.place.account.columns import best_priced
from optimizer.place.account.ledger import Ledger
from optimizer.place.account.prices import PriceBook
from optimizer.place.certificate import upper_bound
from optimizer.place.explain import Admit, Reason, explain, verify
from optimizer.place.verify.readmit import Admission

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.domain.instance import Instance

Data = dict[str, Any]
USD = 1_000_000_000
FIVES = [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(5, 200, 5))]
"""First of five seeds each."""


def reasons(data: Data, *placements: Data, certificate: Data | None = None) -> dict[str, Reason]:
    """Return the reasons of a plan by job."""
    plan = as_plan(by_hand(data, *placements, certificate=certificate))
    return {r.job: r for r in explain(read(data), plan)}


# ---- rule ---------------------------------------------------------------------------------------


def test_a_job_longer_than_its_window_is_excluded_by_the_window() -> None:
    data = world(job("a", hours=3, deadline=2))
    reason = reasons(data)["a"]
    assert (reason.kind, reason.rules) == ("rule", ("window",))
    assert "takes 3 h, has 2 h" in reason.text
    assert [(f.kind, f.changes[0].value) for f in reason.fixes] == [("deadline", 3.0)]


def test_a_job_whose_predecessor_is_not_placed_waits_by_name() -> None:
    data = world(job("a"), job("b", predecessors=["a"]))
    reason = reasons(data)["b"]
    assert (reason.kind, reason.rules) == ("rule", ("precedence",))
    assert "waits for a, which is not placed" in reason.text


def test_a_job_that_running_jobs_leave_no_power_is_excluded_by_the_power_cap() -> None:
    running = {"parts": [{"pool": "p", "slice_chips": 8, "slices": 1, "domains": [[0, 0]]}]}
    busy = {"id": "r", "value_usd": 1.0, "running": running | {"periods_left": 4}}
    data = world(busy, job("a"), count=2, grid={"cap_mw": 0.015})  # 2 x 8 chips draw 0.02 MW
    reason = reasons(data, placed("r", 0, 4))["a"]
    assert (reason.kind, reason.rules) == ("rule", ("power_cap s",))
    assert "all the time" in reason.text


def test_a_gang_above_its_quota_is_excluded_by_it() -> None:
    data = world(job("a", (8, 2), tenant="t"), count=4, tenants={"t": {"quota_chips": 15}})
    reason = reasons(data)["a"]
    assert (reason.kind, reason.rules) == ("rule", ("quota t",))


# ---- priced out ---------------------------------------------------------------------------------


def test_a_job_below_its_price_is_short_by_the_margin_exactly() -> None:
    data = world(job("a"), job("b", value_usd=113.0), count=2)
    prices = {"chips": {"p": [7 * USD] * 4}}  # 8 chips x 2 h x 7 USD = 112 USD
    found = reasons(data, placed("b", 0, 2), certificate=prices)
    reason = found["a"]
    assert reason.kind == "gap"  # a domain is free for it: the prices are wrong, and it fits
    assert reason.gain is not None
    found = reasons(
        data | {"pools": world(count=1)["pools"]}, placed("b", 1, 3), certificate=prices
    )
    reason = found["a"]
    assert (reason.kind, reason.margin) == ("priced_out", 12 * USD)
    assert reason.split == (("chips in p", 112 * USD),)
    assert reason.fixes[0].text == "USD 12.0 more value (12.0 %)"
    assert reason.fixes[0].changes[0].value == pytest.approx(112 * 1.01, abs=0.02)


def test_a_price_splits_into_energy_and_scarce_power() -> None:
    data = world(job("a"), job("b"), grid={"cap_mw": 0.01})
    prices = {"power": {"s": [8_000_000] * 4}}  # 8,000 USD/MWh, energy 100 USD/MWh
    reason = reasons(data, placed("b", 1, 3), certificate=prices)["a"]
    watt_hours = 8 * 750 * 125 // 100 * 2
    assert dict(reason.split) == {
        "energy": watt_hours * 100_000,
        "scarce power": watt_hours * 7_900_000,
    }
    assert (reason.kind, reason.margin) == ("priced_out", 20 * USD)


# ---- no room ------------------------------------------------------------------------------------


def test_a_job_without_chips_left_names_the_pool_and_whom_it_would_displace() -> None:
    data = world(job("a", hours=3), job("b", hours=4, value_usd=90.0))
    reason = reasons(data, placed("b", 0, 4))["a"]
    assert (reason.kind, reason.rules) == ("no_room", ("pool_capacity p",))
    assert reason.at_stake == 100 * USD
    by_kind = {fix.kind: fix for fix in reason.fixes}
    assert by_kind["displace"].text.startswith("instead of b (net gain USD")
    assert " of at least " not in by_kind["displace"].text
    assert by_kind["capacity"].text == "1 domain of 8 chips more in p"
    assert by_kind["capacity"].changes[0].value == 2.0


def test_free_chips_on_the_wrong_domains_are_no_room() -> None:
    data = world(job("a", (6, 1)), job("b", (5, 1), hours=4), job("c", (5, 1), hours=4), count=2)
    reason = reasons(data, placed("b", 0, 4, [0]), placed("c", 0, 4, [1]))["a"]
    assert (reason.kind, reason.rules) == ("no_room", ("domain_fit p",))
    beside = reasons(data, placed("b", 0, 4, [0]), placed("c", 2, 4, [1]))  # breaks c, not a
    assert beside["a"].kind == "gap"


def test_an_energy_permit_that_is_used_up_is_no_room() -> None:
    # idle 0.005 MW x 4 h, and 0.015 MWh for each of two jobs
    data = world(job("a"), job("b"), count=2, grid={"permit": {"mwh": 0.045}})
    reason = reasons(data, placed("b", 0, 2))["a"]
    assert (reason.kind, reason.rules) == ("no_room", ("supply s/grid",))
    (fix,) = [fix for fix in reason.fixes if fix.kind == "capacity"]
    after = patch(read(data), fix.changes)
    limit = after.sites["s"].supplies["grid"].permit_watt_periods(after.horizon)
    assert limit in (50_000, 50_001)  # 1 W-period more for float noise
    assert "an energy permit of s/grid larger by" in fix.text


def test_power_that_lacks_is_named_in_mw_and_hours() -> None:
    data = world(job("a", hours=4), job("b", hours=2), count=2, grid={"cap_mw": 0.015})
    reason = reasons(data, placed("b", 1, 3))["a"]
    assert (reason.kind, reason.rules) == ("no_room", ("power_cap s",))
    assert "it lacks power at s (2026-03-01 01:00 to 03:00)" in reason.text
    (fix,) = [fix for fix in reason.fixes if fix.kind == "capacity"]
    assert fix.text == "0.005 MW more at s (2026-03-01 01:00 to 03:00)"


# ---- gap ----------------------------------------------------------------------------------------


def test_a_job_that_fits_with_a_gain_was_missed_and_is_told_so() -> None:
    data = world(job("a"), job("b"), count=2)
    reason = reasons(data, placed("b", 0, 2))["a"]
    assert (reason.kind, reason.gain) == ("gap", 100 * USD - 15_000 * 100_000)
    assert "the search missed it" in reason.text


def test_a_job_that_fits_at_a_loss_is_undecided_with_its_stake() -> None:
    data = world(job("a", value_usd=1.0), job("b"), count=2)  # its energy costs 1.50 USD
    reason = reasons(data, placed("b", 0, 2))["a"]
    assert (reason.kind, reason.gain, reason.at_stake) == ("gap", None, USD)
    assert reason.short == "there is room, but running costs USD 0.5 more than it is worth"
    assert "letting it in can add at most USD 1.00" in reason.text


# ---- late ---------------------------------------------------------------------------------------


def test_a_late_job_that_cannot_be_on_time_is_late_by_rule() -> None:
    data = world(job("a", due=1, late_usd_per_hour=5.0))
    reason = reasons(data, placed("a", 0, 2))["a"]
    assert (reason.kind, reason.is_late, reason.rules) == ("rule", True, ("window",))


def test_a_late_job_behind_another_has_no_room_on_time() -> None:
    data = world(job("a", due=2, late_usd_per_hour=5.0), job("b"))
    reason = reasons(data, placed("b", 0, 2), placed("a", 2, 4))["a"]
    assert (reason.kind, reason.is_late, reason.at_stake) == ("no_room", True, 10 * USD)


def test_a_late_job_that_could_be_on_time_was_missed() -> None:
    data = world(job("a", due=2, late_usd_per_hour=5.0))
    reason = reasons(data, placed("a", 2, 4))["a"]
    assert (reason.kind, reason.is_late, reason.gain) == ("gap", True, 10 * USD)


def test_a_late_job_is_priced_out_of_the_hours_before_its_due_date() -> None:
    data = world(job("a", due=2, late_usd_per_hour=5.0), job("b"))
    prices = {"chips": {"p": [2 * USD, 2 * USD, 0, 0]}}  # 32 USD on time, 10 USD late
    reason = reasons(data, placed("b", 0, 2), placed("a", 2, 4), certificate=prices)["a"]
    assert (reason.kind, reason.is_late, reason.margin) == ("priced_out", True, 22 * USD)
    assert reason.fixes[0].text == "an hour late priced at USD 16.0 or more (now 5.00)"


# ---- fixes --------------------------------------------------------------------------------------


def exactly(before: int) -> Admit:
    """Return what lets a job in by brute force; before is what the plan in hand is worth."""

    def admit(after: Instance, job: str, on_time: bool) -> Admission:
        data = after.data()
        (each,) = (j for j in data["jobs"] if j["id"] == job)
        each["must"] = True
        if on_time:
            each["deadline"] = each["due"]
        best, placements = brute.optimum(data)
        plan = None if best is None else as_plan(by_hand(after.data(), *placements))
        return Admission(plan, before)

    return admit


def test_a_fix_is_verified_by_solving_the_changed_instance() -> None:
    data = world(job("a", hours=3), job("b", hours=4, value_usd=120.0))
    plan = as_plan(by_hand(data, placed("b", 0, 4)))
    (reason,) = verify(read(data), plan, explain(read(data), plan), exactly(plan.objective.total))
    found = {fix.kind: fix for fix in reason.fixes}
    assert found["capacity"].state == "verified"
    more_idle = 8 * 250 * 125 // 100 * 4 * 100_000
    assert found["capacity"].effect == 100 * USD - 8 * 750 * 125 // 100 * 3 * 100_000 - more_idle
    assert found["displace"].state == "verified"
    assert (found["displace"].effect or 0) < 0
    assert found["displace"].text.startswith("as a job that must run (solved again: objective USD")


def test_a_fix_that_loses_is_not_confirmed() -> None:
    data = world(job("a", hours=3, value_usd=3.0), job("b", hours=4, value_usd=120.0))
    plan = as_plan(by_hand(data, placed("b", 0, 4)))
    reasons = explain(read(data), plan)
    tried = verify(read(data), plan, reasons, exactly(plan.objective.total))
    assert {fix.kind: fix.state for fix in tried[0].fixes}["capacity"] == "not confirmed"


def test_only_so_many_fixes_are_tried_those_that_win_most() -> None:
    data = world(
        job("a", hours=3), job("b", hours=4, value_usd=120.0), job("c", hours=3, value_usd=50.0)
    )
    plan = as_plan(by_hand(data, placed("b", 0, 4)))
    reasons = explain(read(data), plan)
    tried = verify(read(data), plan, reasons, exactly(plan.objective.total), most=1)
    states = [(r.job, f.kind) for r in tried for f in r.fixes if f.state != "estimated"]
    assert states == [("a", "capacity")]


# ---- nothing refutes it -------------------------------------------------------------------------


def ways_in(data: Data, others: list[Data], name: str) -> Iterator[int]:
    """Return the objective of every plan that adds a job to others, which stay as they are."""
    place = stranger.World(data)
    number = [j["id"] for j in place.jobs].index(name)
    for m, mode in enumerate(place.modes[number]):
        choices = []
        for part in mode.parts:
            pool = place.pools[part.pool]
            ids = range(max(pool.present)) if pool.domain is not None else ()
            slices = part.slices if pool.domain is not None else 0
            choices.append(list(combinations_with_replacement(ids, slices)))
        for start, end in enumerate(place.ends(mode)):
            if end is None or start < mode.first or end > mode.end_by:
                continue
            for chosen in product(*choices):
                new = placed(name, start, end, *chosen, mode=m)
                try:
                    said = stranger.verify(data, brute.plan(data, [*others, new]))
                except ValueError:
                    continue
                if not set(said["violations"]) - {"one_placement"}:
                    yield said["objective"]


def random_plan(seed: int) -> tuple[Data, list[Data], Data] | None:
    """Return a tiny instance, a part of its best plan, and prices."""
    data = tiny.tiny(seed)
    best, placements = brute.optimum(data)
    if best is None:
        return None
    rng = np.random.default_rng(seed)
    bound = {j["id"] for j in data["jobs"] if "running" in j or j.get("must")}
    waited = {name for j in data["jobs"] for name in j.get("predecessors", ())}
    free = [p for p in placements if p["job"] not in bound | waited]
    if free and rng.random() < 0.5:
        placements.remove(free[int(rng.integers(len(free)))])
    certificate = judged.random_certificate(data, rng)
    return data, placements, certificate if rng.random() < 0.7 else {}


@pytest.mark.parametrize("first", FIVES)
def test_no_reason_is_refuted_by_trying_everything(first: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(first, first + 5):
        made = random_plan(seed)
        if made is None:
            continue
        data, others, certificate = made
        for name, reason in reasons(data, *others, certificate=certificate).items():
            seen[reason.kind] += 1
            before = stranger.verify(data, brute.plan(data, others))["objective"]
            kept = [p for p in others if p["job"] != name]
            ways = list(ways_in(data, kept, name))
            if reason.gain is not None:
                assert max(ways) > before, (seed, name)
            elif not reason.is_late:
                assert all(x <= before for x in ways), (seed, name)
                if reason.kind in ("rule", "no_room"):
                    assert not ways, (seed, name)
                if reason.kind == "gap":
                    assert ways, (seed, name)
    assert seen


def test_every_class_occurs_among_random_plans() -> None:
    seen: Counter[tuple[str, bool]] = Counter()
    for seed in range(60):
        made = random_plan(seed)
        if made is not None:
            data, others, certificate = made
            found = reasons(data, *others, certificate=certificate).values()
            seen += Counter((r.kind, r.is_late) for r in found)
    assert set(seen) >= {(kind, False) for kind in ("rule", "priced_out", "no_room", "gap")}
    assert any(is_late for _, is_late in seen)


@pytest.mark.parametrize("first", FIVES)
def test_what_a_fix_adds_is_enough_beside_the_others(first: int) -> None:
    for seed in range(first, first + 5):
        made = random_plan(seed)
        if made is None:
            continue
        data, others, certificate = made
        for name, reason in reasons(data, *others, certificate=certificate).items():
            if reason.kind != "no_room" or reason.is_late:
                continue
            for fix in reason.fixes:
                if fix.kind in ("capacity", "deadline"):
                    after = patch(read(data), fix.changes).data()
                    assert list(ways_in(after, others, name)), (seed, name, fix.text)


@pytest.mark.parametrize("seed", range(40))
def test_prices_of_runs_are_those_of_the_certificate(seed: int) -> None:
    made = random_plan(seed)
    if made is None:
        return
    data, others, certificate = made
    instance, plan = read(data), as_plan(by_hand(data, *others, certificate=certificate))
    book = PriceBook(Ledger(instance, plan))
    for j, best in enumerate(upper_bound(instance, plan.certificate).best):
        found = best_priced(book, j, list(enumerate(instance.modes(j))))
        assert (None if found is None else found.profit) == best.profit
