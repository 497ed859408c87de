"""Every way to be refused, once: the status, the code, where it is wrong, and nothing echoed."""

from __future__ import annotations

import copy
import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
from served import example, runs_in, served

from optimizer.domain.findings.where import CODES as ISSUES
from service.http.problems import CODES
from service.http.settings import PublicBind, Quotas, Settings, refuse_public

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

SECRET = "do-not-repeat-me"


def problem(answer: httpx.Response, code: str) -> dict[str, Any]:
    """Return a problem that has a code, a status and the form of RFC 9457."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    data: dict[str, Any] = answer.json()
    assert (data["code"], data["status"]) == (code, answer.status_code), data
    assert CODES[code][0] == answer.status_code
    assert data["type"] == f"/v1/codes#{code}"
    assert {e["code"] for e in data.get("errors", [])} <= set(ISSUES)
    assert SECRET not in answer.text
    return data


def post(client: httpx.Client, body: Any, at: str = "/v1/validate", **heads: str) -> httpx.Response:
    """Return the answer to a body of JSON data, or to bytes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(at, content=raw, headers={"Content-Type": "application/json"} | heads)


def changed(**changes: Any) -> dict[str, Any]:
    """Return a sound body with other values in its instance."""
    body: dict[str, Any] = copy.deepcopy(example("validate"))
    body["instance"] |= changes
    return body


@pytest.mark.parametrize(
    ("raw", "code", "issue"),
    [
        (b"", "not_json", "not_json"),
        (b'{"instance": ', "not_json", "not_json"),
        (b'{"instance": "\xff"}', "not_json", None),
        (b"[" * 1000 + b"]" * 1000, "not_json", "not_json"),
        (b'{"instance": ' + b"9" * 100_000 + b"}", "not_json", "not_json"),
        (b'{"instance": NaN}', "bad_data", "not_finite"),
        (b'{"instance": -Infinity}', "bad_data", "not_finite"),
        (b'{"instance": 1e999}', "bad_data", "not_finite"),
        (b'{"instance": ' + b"9" * 200 + b"}", "bad_data", "too_long"),
        (b'{"instance": {"a": 1, "a": 2}}', "bad_data", "duplicate_key"),
        (b'{"instance": "\\ud800"}', "bad_data", "not_text"),
        (b'{"instance": {"\\udfff": 1}}', "bad_data", "not_text"),
        (b'{"x":' * 60 + b"1" + b"}" * 60, "bad_data", "too_deep"),
        (b'{"instance": 3}', "bad_data", "wrong_type"),
        (b'{"instance": true}', "bad_data", "wrong_type"),
        (b'{"instance": "do-not-repeat-me"}', "bad_data", "unknown_name"),
        (b'{"instance": {}, "more": 1}', "bad_data", "unknown_field"),
        (b"{}", "bad_data", "missing"),
        (b"[]", "bad_data", "wrong_type"),
        (b"[" + b"1," * 30_000 + b"1]", "too_large", None),
    ],
)
def test_a_body_that_is_no_plain_json_is_refused(
    acme: httpx.Client, raw: bytes, code: str, issue: str | None
) -> None:
    said = problem(post(acme, raw), code)
    assert issue is None or issue in {e["code"] for e in said["errors"]}


@pytest.mark.parametrize(
    ("changes", "pointer", "issue"),
    [
        ({"jobs": SECRET}, "/instance/jobs", "wrong_type"),
        ({"carbon_usd_per_kg": True}, "/instance/carbon_usd_per_kg", "wrong_type"),
        ({"carbon_usd_per_kg": "0.1"}, "/instance/carbon_usd_per_kg", "wrong_type"),
        ({"carbon_usd_per_kg": -1}, "/instance/carbon_usd_per_kg", "bad_value"),
        ({"hozirn": 1}, "/instance/hozirn", "unknown_field"),
        ({"horizon": {"start": SECRET, "periods": 6}}, "/instance/horizon/start", "bad_value"),
        ({"horizon": {"start": "9999-12-31", "periods": 6}}, "/instance/horizon/start",
         "bad_value"),
        ({"pools": {"p": {"site": "nowhere", "chip": "c", "count": 1}}}, "/instance/pools/p/site",
         "unknown_name"),
        ({"pools": {"p": {"site": "s", "chip": "c", "count": 10**99}}}, "/instance/pools/p/count",
         "bad_value"),
        ({"schema": SECRET}, "/instance/schema", "bad_value"),
        ({"domains": {"rack": {"chip": "c", "chips": 8, "slice_chips": [4, 9]}}},
         "/instance/domains/rack/slice_chips", "inconsistent"),
    ],
)  # fmt: skip
def test_an_instance_is_refused_with_a_pointer_to_what_is_wrong(
    acme: httpx.Client, changes: dict[str, Any], pointer: str, issue: str
) -> None:
    said = problem(post(acme, changed(**changes)), "bad_data")
    assert (pointer, issue) in {(e["pointer"], e["code"]) for e in said["errors"]}


def test_what_cannot_be_asked_is_refused(acme: httpx.Client, address: str) -> None:
    problem(acme.get("/nowhere"), "unknown")
    problem(acme.get("/v1/runs/" + "0" * 32), "unknown")
    problem(acme.get("/v1/catalog/chips/none"), "unknown")
    assert problem(acme.put("/v1/runs"), "wrong_method")["detail"]
    problem(acme.get("/v1/runs?limit=many"), "bad_parameter")
    said = problem(acme.get("/v1/runs?stat=done"), "bad_parameter")
    assert said["errors"][0]["parameter"] == "stat"
    problem(acme.get("/v1/runs/NO"), "bad_parameter")
    problem(acme.post("/v1/validate", content=b"{}"), "wrong_type")
    problem(post(acme, b"{}", **{"Content-Encoding": "gzip"}), "wrong_type")
    problem(post(acme, b" " * 200_001), "too_large")
    problem(post(acme, {}, Origin="https://elsewhere.example"), "other_origin")
    problem(post(acme, {}, **{"Sec-Fetch-Site": "cross-site"}), "other_origin")


def test_chunks_are_counted_and_a_body_has_to_come(acme: httpx.Client, address: str) -> None:
    heads = {"Content-Type": "application/json"}
    chunks = (b" " * 50_000 for _ in range(10))
    problem(acme.post("/v1/validate", content=chunks, headers=heads), "too_large")
    host, port = address.removeprefix("http://").split(":")
    token = acme.headers["authorization"]
    with socket.create_connection((host, int(port)), timeout=10) as late:
        head = f"POST /v1/validate HTTP/1.1\r\nHost: {host}\r\nAuthorization: {token}\r\n"
        late.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 10\r\n\r\n".encode())
        assert late.recv(100).startswith(b"HTTP/1.1 408 ")


def test_who_has_no_token_is_nobody(acme: httpx.Client, address: str) -> None:
    for path in ("/v1/runs", "/v1/questions", "/v1/codes", "/metrics", "/v1/runs/" + "0" * 32):
        answer = acme.get(path, headers={"Authorization": f"Bearer {SECRET}"})
        problem(answer, "no_token")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert acme.get("/healthz", headers={"Authorization": ""}).status_code == 200
    problem(acme.get("/readyz", headers={"Authorization": ""}), "not_ready")  # nobody solves here


def test_quotas_are_kept(acme: httpx.Client) -> None:
    body = example("run-place")
    for name, value in (("seconds", 61), ("threads", 3)):
        asked = body | {"options": {name: value}}
        said = problem(post(acme, asked, "/v1/place/runs"), "over_quota")
        assert said["errors"][0]["pointer"] == f"/options/{name}"
    asked = {"instance": "nscale-300k", "options": {"draw": 1000}}
    said = problem(post(acme, asked, "/v1/expand/runs"), "over_quota")
    assert said["size"] > said["limit"] == 500_000
    made = []
    while (answer := post(acme, body, "/v1/place/runs")).status_code == 202:
        made.append(answer.json()["id"])
        assert len(made) <= 3
    assert problem(answer, "too_many")
    assert answer.headers["retry-after"]
    for run in made:
        assert acme.post(f"/v1/runs/{run}/cancel").json()["state"] == "cancelled"


def test_a_capability_that_is_lacking_is_named(acme: httpx.Client) -> None:
    run = post(acme, example("run-mix"), "/v1/mix/runs").json()["id"]
    said = problem(acme.get(f"/v1/runs/{run}/model.mps"), "not_there")
    assert said["capability"] == "mix.mps"
    acme.post(f"/v1/runs/{run}/cancel")


def test_without_tokens_only_this_machine_is_served(tmp_path: Path) -> None:
    import httpx

    with pytest.raises(PublicBind, match="token"):
        refuse_public("0.0.0.0", None)
    refuse_public("::1", None)
    refuse_public("0.0.0.0", tmp_path / "tokens.json")
    with served(runs_in(tmp_path), Settings(quotas=Quotas(seconds_per_day=0))) as url:
        assert httpx.get(f"{url}/v1/runs").status_code == 200
        problem(httpx.get(f"{url}/v1/runs", headers={"Host": "evil.example"}), "wrong_host")
        with httpx.Client(base_url=url, timeout=60) as client:
            problem(post(client, example("run-place"), "/v1/place/runs"), "too_many")


def test_what_takes_too_long_is_ended_and_the_next_one_answered(tmp_path: Path) -> None:
    import httpx

    with (
        served(runs_in(tmp_path), Settings(work_seconds=0.01)) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        said = problem(post(client, example("check"), "/v1/check"), "too_much_work")
        assert said["hint"]
        assert post(client, example("validate")).status_code == 200


def test_an_error_of_ours_says_nothing_of_itself(tmp_path: Path) -> None:
    import httpx

    from service.runs.tables import metadata

    runs = runs_in(tmp_path)
    with served(runs) as url:
        metadata.drop_all(runs._db.engine)  # as if somebody had taken the database away
        said = problem(httpx.get(f"{url}/v1/runs"), "failed")
        assert "no such table" not in json.dumps(said)
        problem(httpx.get(f"{url}/readyz"), "not_ready")
        assert httpx.get(f"{url}/healthz").status_code == 200
