"""Findings know where they are; JSON that has two meanings or no sane numbers is found out."""

from __future__ import annotations

import json
from typing import Any

import judged
import pytest

from optimizer.domain.fields import values_withheld
from optimizer.domain.files import parse_instance
from optimizer.domain.findings.strict import oddities
from optimizer.domain.findings.where import CODES, located
from optimizer.errors import Finding, InstanceError
from optimizer.sizes import size_of

Data = dict[str, Any]


def found(data: Data) -> dict[str, str]:
    """Return the codes of the findings of an instance by their pointers."""
    with pytest.raises(InstanceError) as caught:
        parse_instance(json.dumps(data))
    assert all(isinstance(f, Finding) and f.code in CODES for f in caught.value.findings)
    return {f.pointer: f.code for f in caught.value.findings if isinstance(f, Finding)}


def test_findings_point_into_the_data() -> None:
    data = judged.world(judged.job("a"), judged.job("b", release="x"))
    data["sites"]["s"]["supplies"]["grid"]["cap_mw"] = [1.0, 2.0]
    data["jobs"][0]["modes"][0]["parts"][0]["pool"] = "q/1"
    data["pools"]["p"]["domain"] = 7
    data["extra"] = 1
    del data["horizon"]["start"]
    assert found(data) == {
        "/horizon/start": "missing",
        "/pools/p/domain": "wrong_type",
        "/jobs/1/release": "bad_value",
        "/extra": "unknown_field",
        "/jobs/0/modes/0/parts/0/pool": "unknown_name",
    }
    data["horizon"]["start"] = "2026-03-01T00:00:00Z"
    assert found(data)["/sites/s/supplies/grid/cap_mw"] == "inconsistent"


def test_paths_are_read_back_from_lines() -> None:
    data = {"sites": {"a.b/c": {"cap_mw": [0, 1]}}}
    line = "sites['a.b/c'].cap_mw[1]: must not be negative, got -3.0 MW"
    assert located(line, data).pointer == "/sites/a.b~1c/cap_mw/1"
    assert located("rules clash, in short", data).pointer == ""


def test_values_can_be_withheld() -> None:
    data = judged.world(judged.job("a", deadline="the-secret"), notes="the-secret")
    for is_withheld in (True, False):
        with pytest.raises(InstanceError) as caught:
            if is_withheld:
                with values_withheld():
                    parse_instance(json.dumps(data))
            else:
                parse_instance(json.dumps(data))
        assert ("the-secret" in str(caught.value)) is not is_withheld


def test_a_file_with_a_million_wrong_fields_is_refused_in_few_words() -> None:
    data = judged.world() | {"jobs": [{}] * 5000, "notes": list(range(5000))}
    with pytest.raises(InstanceError) as caught:
        parse_instance(json.dumps(data))
    lines = caught.value.findings
    assert len(lines) < 100
    assert "10,000 fields are wrong" in lines[0]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (float("nan"), "not_finite"),
        (float("inf"), "not_finite"),
        (10**100, "too_long"),
        (-(10**100), "too_long"),
        ("\ud800", "not_text"),
        ({"\udfff": 1}, "not_text"),
        (json.loads("[" * 60 + "]" * 60), "too_deep"),
    ],
)
def test_what_python_reads_and_nobody_means_is_found(value: Any, code: str) -> None:
    (finding,) = oddities({"a": [1, "ä", value]})
    assert isinstance(finding, Finding)
    assert finding.code == code
    assert finding.pointer.startswith("/a/2")
    assert oddities({"a": [1, 2.5, "ä", None, True, 10**99]}) == []


def test_the_size_of_a_model_is_counted_before_it_is_made() -> None:
    data = judged.two_sites(judged.job("a"), judged.job("b"), periods=6)
    assert size_of(data) == 2 * 6  # each job has one mode
    gangs = [{"chips": 8, "slice_chips": 8}, {"chips": 4, "slice_chips": 4, "pools": ["p"]}]
    data["jobs"].append({"id": "c", "workload": "w", "gangs": gangs})
    assert size_of(data) == (2 + 2 + 1) * 6  # in both pools, and in one
    data["chips"]["c"]["power_levels"] = {"eco": {}, "low": {}}
    assert size_of(data) == (2 + 3 * 3) * 6
    bad: Any
    for bad in (None, [], {"jobs": 3}, {"horizon": {"periods": True}, "jobs": [1]}):
        assert size_of(bad) == 0


def test_an_object_of_very_many_names_is_not_read() -> None:
    text = json.dumps({"chips": {str(i): 1 for i in range(20_001)}})
    with pytest.raises(InstanceError, match="more than 20,000 names"):
        parse_instance(text)
