"""Pages: what a person sees, the stop button, the cookie; nothing comes from elsewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
from served import example

if TYPE_CHECKING:
    import pytest


def submitted(client: httpx.Client, **heads: str) -> str:
    """Return the id of a new run."""
    answer = client.post("/v1/place/runs", json=example("run-place"), headers=heads)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def test_a_run_is_listed_shown_and_ended_by_its_buttons(acme: httpx.Client) -> None:
    run = submitted(acme)
    home, page = acme.get("/"), acme.get(f"/runs/{run}")
    assert f'href="/runs/{run}"' in home.text
    assert "<b>queued</b>" in page.text
    for answer in (home, page):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert not re.search(r'(?:src|href)="(?!/)', answer.text)
        assert "style=" not in answer.text
        assert "<script>" not in answer.text
    used = set(re.findall(r'"(/static/[^"]+)"', page.text))
    assert used == {"/static/report.css", "/static/site.css", "/static/live.js"}
    assert all(acme.get(path).status_code == 200 for path in used)
    assert acme.get("/static/none.css").status_code == 404
    answer = acme.post(f"/runs/{run}/stop")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/runs/{run}")
    assert "<b>cancelled</b>" in acme.get(f"/runs/{run}/live").text
    assert "live.js" not in acme.get(f"/runs/{run}").text
    assert acme.post(f"/runs/{run}/cancel").status_code == 303
    assert acme.delete(f"/v1/runs/{run}").status_code == 204


def test_who_looks_for_a_page_that_is_not_there_is_told_on_one(acme: httpx.Client) -> None:
    looks = {"Accept": "text/html"}
    for path, said in (
        ("/nowhere", "nothing at this address"),
        (f"/runs/{'0' * 32}", "no such run"),
    ):
        page = acme.get(path, headers=looks)
        assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert said in page.text and 'href="/"' in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert acme.get(path).json()["code"] == "unknown"
    assert acme.get(f"/v1/runs/{'0' * 32}", headers=looks).json()["code"] == "unknown"


def test_who_has_no_token_is_asked_for_one_and_keeps_it_in_a_cookie(
    address: str, tokens: dict[str, Any]
) -> None:
    with httpx.Client(base_url=address, headers={"Accept": "text/html"}) as browser:
        answer = browser.get("/")
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
        assert "password" in browser.get("/login").text
        assert browser.post("/login", data={"token": "fw_no"}).status_code == 401
        answer = browser.post("/login", data={"token": tokens["other"]})
        assert answer.status_code == 303
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "Runs of other" in browser.get("/").text
        heads = {"Origin": "https://elsewhere.example"}
        assert browser.post("/logout", headers=heads).status_code == 403
        assert browser.post("/logout").status_code == 303
        assert browser.get("/").status_code == 303


def test_the_log_has_no_secret(
    acme: httpx.Client, tokens: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "service.http"):
        acme.get("/v1/runs?name=do-not-log-me", headers={"X-Other": "do-not-log-me"})
        acme.post("/login", data={"token": tokens["acme"]})
    lines = [str(vars(record)) for record in caplog.records]
    assert any("/v1/runs" in line for line in lines)
    assert not any(tokens["acme"] in line or "do-not-log-me" in line for line in lines)
