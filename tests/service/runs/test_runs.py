"""The desk of runs, on SQLite and on PostgreSQL: tenants apart, keys, quotas, states, events."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from service.runs.port import (
    Filter,
    KeyReused,
    NotYet,
    Order,
    PlanKind,
    QuotaFull,
    RunState,
    Start,
    UnknownRun,
)
from service.runs.runs import Runs
from service.runs.tables import OtherVersion, instances, versions

if TYPE_CHECKING:
    from service.runs.tables import Database

ORDER = Order("ada", "place", '{"a": 1}', "hash-a", "week", {"seconds": 5.0}, body_hash="b1")


def test_a_run_is_known_to_its_tenant_alone(database: Database) -> None:
    desk = Runs(database)
    run, is_new = desk.submit(ORDER)
    assert is_new and desk.get("ada", run.id) == run
    assert run.state is RunState.QUEUED and run.options == {"seconds": 5.0}
    assert desk.instance("ada", run.id) == ORDER.instance
    assert desk.list("bob") == ()
    calls = (desk.get, desk.instance, desk.answer, desk.events, desk.stop, desk.cancel, desk.delete)
    for call in calls:
        with pytest.raises(UnknownRun):
            call("bob", run.id)
    with pytest.raises(UnknownRun):
        desk.submit(replace(ORDER, tenant="bob", parent=run.id))


def test_a_key_stands_for_one_request_of_a_tenant(database: Database) -> None:
    desk = Runs(database)
    order = replace(ORDER, key="k")
    run, _ = desk.submit(order)
    assert desk.submit(order) == (run, False)
    assert desk.submit(replace(order, tenant="bob"))[1]
    with pytest.raises(KeyReused):
        desk.submit(replace(order, body_hash="other"))


def test_one_key_at_the_same_time_makes_one_run(database: Database) -> None:
    desk = Runs(database)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: desk.submit(replace(ORDER, key="k")), range(8)))
    assert len({run.id for run, _ in found}) == 1
    assert sum(is_new for _, is_new in found) == 1


def test_a_tenant_has_no_more_open_runs_than_it_may(database: Database) -> None:
    desk = Runs(database)
    first, _ = desk.submit(ORDER, most_open=1)
    with pytest.raises(QuotaFull):
        desk.submit(ORDER, most_open=1)
    desk.cancel("ada", first.id)
    desk.submit(ORDER, most_open=1)
    assert desk.health().runs["queued"] == 1


def test_the_newest_runs_come_first_page_by_page(database: Database) -> None:
    desk = Runs(database)
    made = [desk.submit(replace(ORDER, name=f"week-{i % 2}"))[0].id for i in range(5)][::-1]
    page = desk.list("ada", Filter(limit=3))
    after = desk.list("ada", Filter(limit=3, before=page[-1].id))
    assert sorted(made) == sorted(r.id for r in page + after)
    assert [r.id for r in page + after] == sorted(made, reverse=True)
    assert len(desk.list("ada", Filter(name="week-1"))) == 2
    assert desk.list("ada", Filter(state=RunState.DONE)) == ()


def test_events_are_read_again_and_from_any_one_on(database: Database) -> None:
    desk = Runs(database)
    run, _ = desk.submit(ORDER)
    assert desk.stop("ada", run.id).state is RunState.CANCELLED  # it has not begun
    assert desk.cancel("ada", run.id).state is RunState.CANCELLED
    events = desk.events("ada", run.id)
    assert [(e.seq, e.data["state"]) for e in events] == [(1, "queued"), (2, "cancelled")]
    assert desk.events("ada", run.id, after=1) == events[1:] == desk.events("ada", run.id, after=1)
    assert desk.events("ada", run.id, kind="incumbent") == ()


def test_only_what_has_ended_is_deleted_and_an_instance_with_its_last_user(
    database: Database,
) -> None:
    desk = Runs(database)
    start = Start("{}", '{"b": 2}', "hash-b")
    first, _ = desk.submit(replace(ORDER, start=start))
    second, _ = desk.submit(ORDER)
    assert desk.answer("ada", first.id, PlanKind.START).plan == "{}"
    with pytest.raises(NotYet):
        desk.answer("ada", first.id)
    with pytest.raises(NotYet):
        desk.delete("ada", first.id)

    def kept() -> list[str]:
        with database.read() as c:
            return sorted(c.execute(sa.select(instances.c.hash)).scalars())

    assert kept() == ["hash-a", "hash-b"]
    for run, left in ((first, ["hash-a"]), (second, [])):
        desk.cancel("ada", run.id)
        desk.delete("ada", run.id)
        assert kept() == left
    with pytest.raises(UnknownRun):
        desk.get("ada", first.id)


def test_tables_of_another_version_are_refused(database: Database) -> None:
    url = database.url.render_as_string(hide_password=False)
    type(database)(url).close()
    with database.write() as c:
        c.execute(sa.update(versions).values(version=0))
    with pytest.raises(OtherVersion):
        type(database)(url)
