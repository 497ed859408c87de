"""The OpenAPI document: its examples are real, and its references lead somewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from served import example

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx


def parts(data: Any, name: str) -> Iterator[Any]:
    """Yield what stands under a name, wherever it does."""
    if isinstance(data, dict):
        yield from (data[k] for k in data if k == name)
        for value in data.values():
            yield from parts(value, name)
    elif isinstance(data, list):
        for value in data:
            yield from parts(value, name)


def test_every_example_of_a_body_is_taken(acme: httpx.Client) -> None:
    document = acme.get("/openapi.json").json()
    run = acme.post("/v1/place/runs", json=example("run-place")).json()["id"]
    made, sent = [run], 0
    for path, ways in document["paths"].items():
        shown = ways.get("post", {}).get("requestBody", {}).get("content", {})
        for name, given in shown.get("application/json", {}).get("examples", {}).items():
            question = name.removeprefix("run-")
            at = path.replace("{run}", run).replace("{question}", question)
            answer = acme.post(at, json=given["value"])
            assert answer.status_code in (200, 202), (path, name, answer.text)
            sent += 1
            if answer.status_code == 202:
                assert answer.headers["location"] == f"/v1/runs/{answer.json()['id']}"
                made.append(answer.json()["id"])
                for each in made[1:]:
                    acme.post(f"/v1/runs/{each}/cancel")
    assert sent == 9
    for each in made:
        acme.post(f"/v1/runs/{each}/cancel")
        assert acme.delete(f"/v1/runs/{each}").status_code == 204


def test_the_document_is_whole(acme: httpx.Client) -> None:
    document = acme.get("/openapi.json").json()
    for ref in parts(document, "$ref"):
        here = document
        for step in ref.removeprefix("#/").split("/"):
            here = here[step]
    for path, ways in document["paths"].items():
        for method, said in ways.items():
            assert said["description"], (method, path)
            if path not in ("/healthz", "/readyz"):
                assert "401" in said["responses"], (method, path)


def test_questions_and_the_catalog_are_told(acme: httpx.Client) -> None:
    told = acme.get("/v1/questions").json()
    assert set(told) == {"place", "mix", "expand"}
    assert all({"solve", "check", "report"} <= set(q["can"]) for q in told.values())
    names = acme.get("/v1/catalog").json()
    for kind in ("facilities", "chips", "workloads"):
        for name in names[kind][:3]:
            found = acme.get(f"/v1/catalog/{kind}/{name}").json()
            assert found["sources"], (kind, name)
    (first, *_) = acme.get("/v1/catalog/instances?question=place").json()
    text = acme.get(first["href"]).content
    asked = b'{"instance": ' + text + b"}"
    heads = {"Content-Type": "application/json"}
    said = acme.post("/v1/validate", content=asked, headers=heads)
    if len(asked) < 200_000:
        assert said.json()["instance_hash"] == first["hash"]
    codes = acme.get("/v1/codes").json()
    assert codes["problems"]["not_there"]["status"] == 501
    assert "duplicate_key" in codes["issues"]
    for name in ("instance", "place-plan", "mix-options"):
        assert acme.get(f"/v1/schemas/{name}").json()["properties"]
