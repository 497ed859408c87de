"""The shipped facilities: numbers have sources, shapes hold, rebuilding is exact."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from shipped import numbers, prefixes, text_of

from instances.build import build, catalog_size, recipes
from instances.catalog import entry, load, names
from instances.measure import Shape, cap_ratio, fleet_chips, shape
from instances.pieces import piece
from optimizer.domain.files import write_instance
from optimizer.errors import InstanceError

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance

NAMES = (
    "loughton-2027",
    "memphis-bridge",
    "memphis-batteries",
    "lake-mariner-mixed",
    "trainium3-campus",
    "uk-and-norway",
    "four-sites",
)
LARGEST_FILE = 600_000


@pytest.fixture(scope="module", params=NAMES)
def facility(request: pytest.FixtureRequest) -> Instance:
    """Each facility of the catalog."""
    return load(request.param)


@pytest.fixture(scope="module")
def form(facility: Instance) -> Shape:
    """The shape of a facility."""
    return shape(facility)


def test_every_number_of_a_facility_has_a_source(facility: Instance) -> None:
    data = json.loads(text_of(facility.name))
    sources = data.pop("sources")
    bare = [p for p in numbers(data) if not any(q in sources for q in prefixes(p))]
    assert bare == []


def test_every_source_covers_a_number(facility: Instance) -> None:
    data = facility.model_dump(mode="json", by_alias=True)  # with what is left at its default
    sources = data.pop("sources")
    covered = {q for p in numbers(data) for q in prefixes(p)}
    assert set(sources) <= covered


@pytest.mark.parametrize("folder", ["chips", "workloads"])
def test_every_number_of_a_catalogue_piece_has_a_source(folder: str) -> None:
    for path in (files("instances") / folder).iterdir():
        data = piece(folder, path.name.removesuffix(".json"))
        sources = data.pop("sources")
        bare = [p for p in numbers(data) if not any(q in sources for q in prefixes(p))]
        assert bare == [], path.name


def test_assumed_rates_are_marked_as_the_sources_say(facility: Instance) -> None:
    for name, workload in facility.workloads.items():
        for i, rate in enumerate(workload.rates):
            source = facility.sources[f"/workloads/{name}/rates/{i}"]
            assert rate.is_assumed == (source.kind == "assumed"), (name, i)


def test_sources_of_a_kind_say_so(facility: Instance) -> None:
    for pointer, source in facility.sources.items():
        assert source.source.startswith("assumed") == (source.kind == "assumed"), pointer
        assert source.kind == "assumed" or source.as_of, pointer


def test_jobs_name_their_generator_and_seed(facility: Instance) -> None:
    seed = piece("recipes", facility.name)["demand"]["seed"]
    assert facility.sources["/jobs"].kind == "assumed"
    assert f"seed {seed}" in facility.sources["/jobs"].source


def test_rebuilding_gives_the_same_file(facility: Instance, tmp_path: Any) -> None:
    write_instance(build(facility.name), tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text(encoding="utf-8") == text_of(facility.name)


def test_catalog_lists_every_recipe_and_tells_its_size() -> None:
    assert set(NAMES) == set(names("place")) == set(recipes())
    for name in names("place"):
        line, instance = entry(name), load(name)
        assert (line.name, line.question, line.title) == (instance.name, "place", instance.title)
        assert line.hash == instance.hash
        size = {"jobs": line.jobs, "periods": line.periods, "chips": line.chips}
        assert size == catalog_size(instance)


def test_unknown_names_are_refused_with_those_that_are_known() -> None:
    with pytest.raises(InstanceError, match="loughton-2027"):
        entry("loughton-2072")


def test_files_are_small_and_name_no_other_place(facility: Instance) -> None:
    text = text_of(facility.name)
    assert len(text.encode()) < LARGEST_FILE
    assert ".." not in text and "/home/" not in text and "/tmp" not in text


def test_offered_load_and_the_largest_jobs(form: Shape) -> None:
    assert form.jobs >= 250
    assert 1.3 <= form.load <= 1.6
    assert 0.3 <= form.largest_share <= 0.5
    assert form.large_gangs >= 3  # above an eighth of the whole fleet, whatever its pools
    assert form.large_in_pool >= form.large_gangs


def test_windows_running_jobs_and_choices(form: Shape) -> None:
    assert form.windows >= 0.2
    assert form.running >= 20
    assert form.partial >= 30
    assert form.choices >= 10
    assert form.successors >= 5
    assert 1 <= form.must <= 10
    assert form.resident >= 10


def test_tenants_quotas_budgets_and_due_dates(facility: Instance) -> None:
    assert len(facility.tenants) >= 3
    quotas = [t.quota_chips for t in facility.tenants.values() if t.quota_chips is not None]
    assert 1 <= len(quotas) < len(facility.tenants)
    used = {name for job in facility.jobs for gang in job.gangs for name in gang.uses}
    counted = {name for name, b in facility.budgets.items() if b.chip_hours_of}
    assert used | counted == set(facility.budgets)
    assert sum(job.due is not None and job.late_usd_per_hour > 0 for job in facility.jobs) > 50
    assert any(job.countries for job in facility.jobs)


def test_budgets_are_less_than_what_is_asked_for(facility: Instance) -> None:
    asked = dict.fromkeys(facility.budgets, 0.0)
    for j in range(len(facility.jobs)):
        uses = [dict(mode.uses) for mode in facility.modes(j)]
        for name in asked:
            asked[name] += max((u.get(name, 0) / 1000 for u in uses), default=0.0)
    for name, budget in facility.budgets.items():
        assert 0.2 * asked[name] < budget.limit < asked[name], name


def test_every_job_has_a_mode(facility: Instance) -> None:
    assert all(facility.modes(j) for j in range(len(facility.jobs)))


def test_running_jobs_share_no_chip_and_keep_their_quotas(facility: Instance) -> None:
    held: dict[tuple[str, int], int] = {}
    chips: dict[str, int] = {}
    for job in facility.jobs:
        for part in job.running.parts if job.running is not None else ():
            for first, last in part.domains:
                for one in range(first, last + 1):
                    key = (part.pool, one)
                    held[key] = held.get(key, 0) + part.slice_chips
            tenant = job.tenant or ""
            chips[tenant] = chips.get(tenant, 0) + part.slices * part.slice_chips
    for (name, one), used in held.items():
        pool = facility.pools[name]
        assert used <= facility.domain_chips(pool)
        assert one < pool.usable(facility.horizon).min()
        out = [ids for ids, _, _ in pool.out_of_use(facility.horizon)]
        assert not any(first <= one <= last for first, last in out)
    for name, tenant_ in facility.tenants.items():
        assert tenant_.quota_chips is None or chips.get(name, 0) <= tenant_.quota_chips


def test_must_jobs_fit_side_by_side_when_what_runs_already_has_ended(facility: Instance) -> None:
    h = facility.horizon
    ends = [facility.modes(j)[0].duration for j, job in enumerate(facility.jobs) if job.running]
    start = max(ends) + 12  # calls may hold up a pausing gang for some hours
    domains = dict.fromkeys(facility.pools, 0)
    draw_w = dict.fromkeys(facility.sites, 0)
    longest = 0
    for j, job in enumerate(facility.jobs):
        if not job.must:
            continue
        mode = facility.modes(j)[0]
        assert mode.first <= start and start + mode.duration <= mode.end_by, job.id
        assert not job.predecessors and not mode.uses, job.id
        assert facility.tenants[job.tenant or ""].quota_chips is None, job.id
        longest = max(longest, mode.duration)
        for part in mode.parts:
            pool = facility.pools[part.pool]
            domains[part.pool] += -(-part.chips // facility.domain_chips(pool))
            draw_w[pool.site] += part.draw_w
    for name, count in domains.items():
        pool = facility.pools[name]
        missing = sum(last - first + 1 for (first, last), _, _ in pool.out_of_use(h))
        assert count <= pool.usable(h).min() - missing, name
    for name, site in facility.sites.items():
        supply = sum(s.cap_w(h) for s in site.supplies.values() if s.permit is None)
        need = site.pue_milli(h) / 1000 * draw_w[name] + site.other_w(h)
        outside_calls = ~site.is_called(h)
        assert np.all((need <= supply)[outside_calls]), name


def test_loughton_is_320_whole_racks_of_50_mw_at_the_meter() -> None:
    loughton = load("loughton-2027")
    pool = loughton.pools["loughton/gb300"]
    assert fleet_chips(loughton) == 23_040 == 320 * 72
    assert set(pool.present(loughton.horizon)) == {320}
    site = loughton.sites["loughton"]
    cap_w = site.supplies["grid"].cap_w(loughton.horizon)
    assert set(cap_w) == {50_000_000}
    assert 2.1 <= 50_000 / 23_040 <= 2.5  # kW at the meter for each Blackwell GPU
    draw_w = 1.2 * loughton.chips["gb300"].gang_w(23_040, "full")
    assert draw_w == pytest.approx(37.8e6, rel=2e-3)
    spare = (50e6 - draw_w) / (1.2 * loughton.chips["gb300"].gang_w(1, "full"))
    assert f"{spare:,.0f} more GB300" in " ".join(loughton.notes)


def test_memphis_lies_before_the_grid_step_and_below_its_training_draw() -> None:
    memphis = load("memphis-bridge")
    h, site = memphis.horizon, memphis.sites["memphis"]
    assert fleet_chips(memphis) == 200_000
    grid, turbines = site.supplies["grid"], site.supplies["turbines"]
    assert set(grid.cap_w(h)) == {150_000_000, 75_000_000}
    assert 300.0 in grid.cap_mw.numbers  # the step is in the data, after the horizon
    assert grid.is_called(h).sum() == 7
    assert {call.notice_minutes for call in grid.calls} == {30.0}
    h100, h200 = memphis.chips["h100"], memphis.chips["h200"]
    draw_w = 1.2 * (h100.gang_w(150_000, "full") + h200.gang_w(50_000, "full"))
    assert draw_w == pytest.approx(231e6)
    assert (grid.cap_w(h) + turbines.cap_w(h)).max() < draw_w
    permit = turbines.permit_watt_periods(h)
    assert permit is not None and permit < turbines.cap_w(h).sum()
    mean_mw = (int(grid.cap_w(h).sum()) + permit) / 168e6
    assert f"the mean to {mean_mw:.1f} MW" in " ".join(memphis.notes)
    assert any(gang.pauses_at_calls for job in memphis.jobs for gang in job.gangs)


def test_batteries_of_memphis_are_there_for_its_calls() -> None:
    memphis = load("memphis-batteries")
    h, site = memphis.horizon, memphis.sites["memphis"]
    grid, batteries = site.supplies["grid"], site.supplies["batteries"]
    assert set(grid.cap_w(h)) == {300_000_000, 150_000_000}
    assert grid.is_called(h).sum() == 12
    assert batteries.storage is not None
    assert set(batteries.cap_w(h)) == {150_000_000} == {batteries.storage.in_w}
    assert memphis.sources["/sites/memphis/supplies/batteries/cap_mw"].kind == "reported"
    assert memphis.sources["/sites/memphis/supplies/batteries/storage"].kind == "assumed"


def test_memphis_permit_follows_from_its_emission_limit() -> None:
    pounds_per_mwh = 15 * 0.003684 * 3.412 / 0.405
    mwh = 87 * 2000 / pounds_per_mwh * 7 / 365
    permit = load("memphis-bridge").sites["memphis"].supplies["turbines"].permit
    assert permit is not None and permit.mwh == pytest.approx(mwh, rel=1e-3)


def test_caps_are_in_balance_with_the_fleet_or_the_notes_say_why(facility: Instance) -> None:
    for name in facility.sites:
        ratio = cap_ratio(facility, name)
        assert 0.85 <= ratio <= 1.25 or f"{ratio:.2f} of what the fleet" in " ".join(facility.notes)
