"""Changes of an instance: pointers that lead somewhere, and everything wrong at once."""

from __future__ import annotations

import json

import pytest
from judged import job, read, world

from optimizer.domain.changes.patch import Change, changes_text, parse_changes, patch, pointer
from optimizer.errors import InstanceError


def findings(*changes: Change) -> tuple[str, ...]:
    """Return what is wrong with changes of a small instance."""
    with pytest.raises(InstanceError) as e:
        patch(read(world(job("train-1"), job("train-2"))), changes)
    return e.value.findings


def test_a_job_is_named_by_its_id_or_its_place() -> None:
    before = read(world(job("a"), job("b")))
    changes = [Change("/jobs/b/must", True), Change("/jobs/0/deadline", 3)]
    after = patch(before, changes)
    assert [(j.must, j.deadline) for j in after.jobs] == [(False, 3.0), (True, None)]
    assert after.hash != before.hash


def test_a_change_and_its_way_back_leave_the_instance_as_it_was() -> None:
    before = read(world(job("a")))
    there = patch(before, [Change("/jobs/a/must", True), Change("/sites/s/other_load_mw", 0.01)])
    back = patch(there, [Change("/jobs/a/must", None), Change("/sites/s/other_load_mw", None)])
    assert back.hash == before.hash != there.hash


def test_names_with_slashes_are_escaped() -> None:
    data = world()
    data["pools"] = {"s/p": data["pools"]["p"]}
    after = patch(read(data), [Change(pointer("pools", "s/p", "count"), 3)])
    assert after.pools["s/p"].count.numbers == (3.0,)


def test_a_supply_and_a_job_can_be_added() -> None:
    supply = {"kind": "grid", "cap_mw": 1.0, "price_usd_per_mwh": 50.0}
    changes = [Change("/sites/s/supplies/more", supply), Change("/jobs/-", job("b"))]
    after = patch(read(world(job("a"))), changes)
    assert list(after.sites["s"].supplies) == ["grid", "more"]
    assert [j.id for j in after.jobs] == ["a", "b"]


def test_every_pointer_that_leads_nowhere_is_named() -> None:
    found = findings(
        Change("/jobs/trian-2/must", True),
        Change("/jobs/7/must", True),
        Change("/name/first", "x"),
    )
    assert found == (
        "changes[0].pointer: /jobs has no entry 'trian-2'; did you mean train-2 or train-1?",
        "changes[1].pointer: /jobs has 2 entries, got '7'",
        "changes[2].pointer: '/name/first': /name is 'by-hand', which has no parts",
    )


def test_what_the_change_makes_wrong_is_said_like_in_a_file() -> None:
    found = findings(Change("/pools/p/cuont", 3), Change("/jobs/train-1/deadline", -2))
    assert any("cuont" in line and "not a field" in line for line in found)
    assert any("deadline -2 is before release 0" in line for line in found)


def test_changes_survive_their_file() -> None:
    changes = (Change("/jobs/a/must", True), Change("/pools/p/count", [1.0, 2.0]))
    assert parse_changes(changes_text("by-hand", "a must run", changes)) == changes
    bare = json.dumps([{"pointer": "/jobs/a/must", "value": True}])
    assert parse_changes(bare) == changes[:1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("3", "must be a list"),
        ('{"changes": []}', "schema: must be 'fleetwatt/changes/1'"),
        ('[{"pointer": "/a"}]', "changes[0]: must have pointer and value alone"),
        ('[{"pointer": "jobs", "value": 1}]', "changes[0].pointer: must be a JSON pointer"),
        ('{"schema": "fleetwatt/changes/1", "change": []}', "change: is not a field"),
    ],
)
def test_what_is_no_file_of_changes_is_refused(text: str, said: str) -> None:
    with pytest.raises(InstanceError, match=said.replace("[", r"\[").replace("]", r"\]")):
        parse_changes(text)
