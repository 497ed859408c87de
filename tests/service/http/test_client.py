"""The client and the commands that stand on it, against a real server."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from served import example

from service.cli.main import main
from service.client import Client, Ended, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OPTIONS: dict[str, Any] = {"seconds": 2, "threads": 1}


@pytest.fixture
def client(address: str, tokens: dict[str, Any]) -> Iterator[Client]:
    """A client of acme."""
    with Client(address, tokens["acme"]) as made:
        yield made


@pytest.fixture
def shell(address: str, tokens: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment of the commands."""
    monkeypatch.setenv("FLEETWATT_URL", address)
    monkeypatch.setenv("FLEETWATT_TOKEN", tokens["acme"])
    return address


def test_a_run_is_asked_for_watched_and_ended(client: Client) -> None:
    instance = example("validate")["instance"]
    run = client.submit("place", instance, key="once", **OPTIONS)
    assert client.submit("place", instance, key="once", **OPTIONS).id == run.id
    with pytest.raises(Refused, match="key_reused"):
        client.submit("place", instance, key="once", seconds=3)
    again = run.re_plan(seed=1)
    changed = run.from_patch([{"pointer": "/jobs/vision/deadline", "value": 6}])
    assert {r.id for r in client.runs(parent=run.id)} == {again.id, changed.id}
    status = again.status()
    assert (status.options["seed"], status.options["seconds"]) == (1, 2)
    assert changed.status().instance_hash != status.instance_hash
    threading.Timer(0.3, run.cancel).start()
    assert list(run.incumbents()) == []  # until it ends
    with pytest.raises(Ended, match="cancelled"):
        run.wait()
    with pytest.raises(Refused, match="not_yet"):
        run.result()
    for each in (again, changed, run):
        each.stop()
        each.delete()
    with pytest.raises(Refused, match="unknown"):
        run.status()


def test_another_tenants_run_is_unknown_on_every_route(
    client: Client, other: httpx.Client, address: str
) -> None:
    run = client.submit("place", example("validate")["instance"], **OPTIONS)
    paths = httpx.get(f"{address}/openapi.json").json()["paths"]
    asked = [(p, m) for p, ways in paths.items() for m in ways if "{run}" in p]
    assert len(asked) > 15
    for path, method in [*asked, ("/runs/{run}", "get"), ("/runs/{run}/live", "get")]:
        at = path.replace("{run}", run.id).replace("{name}", "index.csv")
        body = example("from-patch" if path.endswith("from-patch") else "re-plan")
        answer = other.request(method, at, **({"json": body} if method == "post" else {}))
        assert answer.status_code == 404, (method, path, answer.text)
    assert other.get(f"/v1/compare?ids={run.id},{run.id}").status_code == 404
    assert other.get(f"/v1/runs?parent={run.id}").json()["runs"] == []
    assert run.id not in other.get("/v1/runs").text + other.get("/").text
    assert run.cancel().state == "cancelled"
    run.delete()


def test_what_is_refused_says_why(client: Client) -> None:
    with pytest.raises(Refused) as caught:
        client.submit("place", "memphis-bridge", secnds=3)
    assert (caught.value.status, caught.value.code) == (422, "bad_data")
    assert caught.value.errors[0]["pointer"] == "/options/secnds"
    with Client("http://127.0.0.1:9", seconds=2) as lost, pytest.raises(Refused, match="unreach"):
        lost.runs()
    body = example("check")
    assert client.check(body["instance"], body["plan"]).is_good
    body["plan"]["placements"][0]["start"] += 1
    assert not client.check(body["instance"], body["plan"]).is_good


def test_a_stream_is_taken_up_again_after_the_last_event(
    client: Client, acme: httpx.Client
) -> None:
    run = client.submit("place", example("validate")["instance"], **OPTIONS)
    heads = {"Last-Event-ID": "1"}
    with acme.stream("GET", f"/v1/runs/{run.id}/events", headers=heads) as stream:
        lines = stream.iter_lines()
        assert next(line for line in lines if line).startswith(":")  # it is silent, and lives
        run.stop()
        rest = [line for line in lines if line and not line.startswith(":")]
    assert rest[0] == "event: state"
    assert json.loads(rest[1].removeprefix("data: "))["state"] == "cancelled"
    assert rest[2] == "id: 2"
    assert [e.seq for e in run.events()] == [1, 2]
    run.delete()


def test_the_commands_ask_watch_and_stop(
    shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "one.json"
    path.write_text(json.dumps(example("validate")["instance"]), encoding="utf-8")
    asked = ["submit", "place", str(path), "--seconds", "2", "--set", "threads=1"]
    assert main([*asked, "--set", "engine=search"]) == 0
    run = capsys.readouterr().out.strip()
    assert main(["result", run]) == 2
    assert "not_yet" in capsys.readouterr().err
    assert main(["stop", run]) == 0
    assert capsys.readouterr().out == f"{run}: cancelled\n"
    assert main(["watch", run]) == 1
    said = capsys.readouterr()
    assert said.out == f"{run}: cancelled, no plan, gap -\n"
    assert said.err.splitlines() == ["queued", "cancelled"]
    assert main([*asked, "--set", "engine"]) == 2
    assert main(["submit", "place", "no-such-thing"]) == 2
    assert "catalog" in capsys.readouterr().err


def test_tokens_are_made_and_taken_away(
    address: str, tokens: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tokens["path"])
    assert main(["token", "third", "--tokens", path, "--open-runs", "1"]) == 0
    token = capsys.readouterr().out.strip()
    assert token not in tokens["path"].read_text(encoding="utf-8")
    assert tokens["path"].stat().st_mode & 0o077 == 0
    with Client(address, token) as third:
        assert third.runs() == []  # the server has read the file again
        time.sleep(0.01)  # for another time of change
        assert main(["token", "third", "--tokens", path, "--revoke"]) == 0
        with pytest.raises(Refused, match="no_token"):
            third.runs()
    assert main(["token", "third", "--tokens", path, "--revoke"]) == 2
    assert main(["token", "a b", "--tokens", path]) == 2
