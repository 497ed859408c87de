"""Instance files: strict JSON in, the same instance out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import judged
import pytest
import tiny

from optimizer.domain.files import parse_instance, read_instance, write_instance
from optimizer.domain.findings.strict import strict_json
from optimizer.domain.instance import Instance
from optimizer.errors import FleetwattError, InstanceError

if TYPE_CHECKING:
    from pathlib import Path

Data = dict[str, Any]


def text(**changes: Any) -> str:
    """Return a sound instance as JSON."""
    return json.dumps(judged.world(judged.job("a"), **changes))


def refused(said: str) -> tuple[str, ...]:
    """Return the findings of a text."""
    with pytest.raises(InstanceError) as caught:
        parse_instance(said)
    return caught.value.findings


@pytest.mark.parametrize("seed", range(0, 200, 8))
def test_an_instance_comes_back_from_its_file_with_its_hash(seed: int, tmp_path: Path) -> None:
    instance = judged.read(tiny.tiny(seed))
    write_instance(instance, tmp_path / "i.json")
    again = read_instance(tmp_path / "i.json")
    assert again == instance
    assert again.hash == instance.hash
    write_instance(again, tmp_path / "j.json")
    assert (tmp_path / "j.json").read_bytes() == (tmp_path / "i.json").read_bytes()


def test_a_file_has_one_job_a_line(tmp_path: Path) -> None:
    write_instance(judged.read(judged.world(judged.job("a"), judged.job("b"))), tmp_path / "i.json")
    lines = (tmp_path / "i.json").read_text(encoding="utf-8").splitlines()
    assert [json.loads(x.strip(", "))["id"] for x in lines if x.startswith("  {")] == ["a", "b"]


def test_the_hash_is_of_what_is_said_not_how() -> None:
    plain = parse_instance(text())
    data = json.loads(text())
    data["horizon"]["period_hours"] = 1.0  # the default, said
    data["horizon"]["start"] = "2026-03-01T01:00:00+01:00"
    shuffled = json.dumps(dict(reversed(data.items())), indent=3)
    assert parse_instance(shuffled).hash == plain.hash
    data["jobs"][0]["value_usd"] += 1e-9
    assert parse_instance(json.dumps(data)).hash != plain.hash


def test_keys_given_twice_are_refused_each_by_name() -> None:
    twice = text().replace('"name": "by-hand"', '"name": "by-hand", "name": "other"')
    twice = twice.replace('"count": 1', '"count": 1, "count": 2')
    assert refused(twice) == tuple(
        f"key {key!r} is given twice; every name may stand once" for key in ("count", "name")
    )


@pytest.mark.parametrize(
    "bad", ["NaN", "Infinity", "-Infinity", "1e999", "-1", "true", '"5"', "null"]
)
def test_what_is_no_sane_number_is_refused(bad: str) -> None:
    for key, value in (('"training_kw": 1.0', "training_kw"), ('"cap_mw": 1.0', "cap_mw")):
        (said,) = refused(text().replace(key, f'"{value}": {bad}'))
        assert value in said


@pytest.mark.parametrize("bad", ["", "{", "[]", "3", '"x"', "{'a': 1}", "nul", "[" * 100_000])
def test_what_is_no_json_object_is_refused_in_one_line(bad: str) -> None:
    (said,) = refused(bad)
    assert "\n" not in said
    assert len(said) < 300


def test_an_empty_object_lacks_everything_at_once() -> None:
    found = refused("{}")
    assert {f.split(":")[0] for f in found} >= {"schema", "name", "horizon", "chips", "jobs"}


def test_another_schema_is_refused() -> None:
    (said,) = refused(text().replace("fleetwatt/instance/1", "fleetwatt/instance/9"))
    assert said.startswith("schema: must be 'fleetwatt/instance/1', got 'fleetwatt/instance/9'")


@pytest.mark.parametrize("name", ["a b", "", "-x", "x" * 81, "ä", "a\nb", "a\x00"])
def test_names_that_are_no_names_are_refused(name: str) -> None:
    data = judged.world(judged.job(name))
    assert any("id" in f for f in refused(json.dumps(data)))


def test_files_that_cannot_be_read_say_so(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b'{"name": "\xe9"}')
    for path, said in ((tmp_path / "none", "cannot be read"), (tmp_path / "latin", "not UTF-8")):
        with pytest.raises(InstanceError, match=said):
            read_instance(path)
    with pytest.raises(InstanceError, match="cannot be read"):
        read_instance(tmp_path)


def test_strict_json_returns_the_data_and_what_is_wrong() -> None:
    assert strict_json('{"a": 1, "a": 2}') == (
        {"a": 2},
        ["key 'a' is given twice; every name may stand once"],
    )


def test_bad_data_is_also_a_value_error() -> None:
    with pytest.raises(ValueError, match="schema"):
        parse_instance("{}")
    assert issubclass(InstanceError, FleetwattError)


def test_an_instance_cannot_be_changed() -> None:
    instance = judged.read(judged.world(judged.job("a")))
    with pytest.raises(ValueError, match="frozen"):
        instance.name = "other"  # type: ignore[misc]
    assert isinstance(instance, Instance)
