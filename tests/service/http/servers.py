"""One server for all tests of a process: children that read bodies take a second to start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from served import runs_in, served

from service.http.settings import Quotas, Settings
from service.http.tokens import add_token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.runs.runs import Runs


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Runs that nobody solves: what is asked of them is all that is tested."""
    return runs_in(tmp_path_factory.mktemp("http"))


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A file of tokens with two tenants, and their tokens."""
    path = tmp_path_factory.mktemp("tokens") / "tokens.json"
    quotas = {"open_runs": 3, "seconds": 60, "cores": 2, "size": 500_000}
    made = {name: add_token(path, name, "test", quotas) for name in ("acme", "other")}
    return {"path": path} | made


@pytest.fixture(scope="session")
def address(runs: Runs, tokens: dict[str, Any]) -> Iterator[str]:
    """Where the server with tokens is; a body may have 200 kB, a stream beats soon."""
    limits = Settings(
        tokens=tokens["path"], quotas=Quotas(), max_body=200_000, max_values=20_000,
        body_seconds=0.5, beat_seconds=0.1, poll_seconds=0.05,
    )  # fmt: skip
    with served(runs, limits) as url:
        yield url


@pytest.fixture
def acme(address: str, tokens: dict[str, Any]) -> Iterator[httpx.Client]:
    """A client with the token of acme."""
    heads = {"Authorization": f"Bearer {tokens['acme']}"}
    with httpx.Client(base_url=address, headers=heads, timeout=60) as client:
        yield client


@pytest.fixture
def other(address: str, tokens: dict[str, Any]) -> Iterator[httpx.Client]:
    """A client with the token of another tenant."""
    heads = {"Authorization": f"Bearer {tokens['other']}"}
    with httpx.Client(base_url=address, headers=heads, timeout=60) as client:
        yield client
