"""Every example of docs/SERVICE.md runs, against a server and a worker of their own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from service.http.tokens import add_token

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "SERVICE.md").read_text(encoding="utf-8")
FLEETWATT = f'fleetwatt() {{ "{sys.executable}" -m service.cli.main "$@"; }}\n'


def blocks(language: str) -> list[str]:
    """Return the code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Environment of a shell that asks a server with a worker."""
    folder = tmp_path_factory.mktemp("served")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = add_token(folder / "tokens.json", "docs", "one", {"open_runs": 50})
    command = [sys.executable, "-m", "service.cli.main", "serve", "--port", str(port)]
    command += ["--tokens", str(folder / "tokens.json"), "--slots", "1"]
    command += ["--database", f"sqlite:///{folder}/runs.db"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        url = f"http://127.0.0.1:{port}"
        try:
            for _ in range(600):
                time.sleep(0.2)
                try:
                    if httpx.get(f"{url}/readyz").status_code == 200:
                        break
                except httpx.HTTPError:
                    assert process.poll() is None, (folder / "log").read_text(encoding="utf-8")
            yield {"URL": url, "TOKEN": token}
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_the_shell_examples_run(service: dict[str, str], tmp_path: Path) -> None:
    found = [b for b in blocks("sh") if "export URL=" not in b and "fleetwatt serve" not in b]
    assert len(found) >= 10
    script = "set -euo pipefail\n" + FLEETWATT + "\n".join(found)
    env = os.environ | service | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-1000:]
    assert (tmp_path / "answer" / "report.html").stat().st_size > 10_000
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.slow
def test_the_python_example_runs(
    service: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    (block,) = blocks("python")
    names: dict[str, Any] = dict(service)
    exec(compile(block, "<SERVICE>", "exec"), names)
    names["client"].close()
    assert "fleetwatt" in capsys.readouterr().out
