"""Databases for the tests of runs: a SQLite file, and a PostgreSQL that is started where there is
one on this machine.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.runs.tables import Database


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """URL of an empty PostgreSQL database; the test is skipped where there is no server."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL on this machine")
    home, room = found[-1].parent, Path(tempfile.mkdtemp(prefix="fleetwatt-pg-", dir="/tmp"))
    as_user = []
    if os.geteuid() == 0:  # the server refuses to run as root
        names = {entry.pw_name for entry in pwd.getpwall()}
        user = "postgres" if "postgres" in names else "nobody"
        as_user = ["runuser", "-u", user, "--"]
        shutil.chown(room, user)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]

    def run(*command: str) -> None:
        full = [*as_user, str(home / command[0]), *command[1:]]
        subprocess.run(full, check=True, cwd="/", stdout=subprocess.DEVNULL, timeout=60)

    data = str(room / "data")
    run("initdb", "-D", data, "-A", "trust", "-U", "fleetwatt", "--no-sync")
    where = f"-p {port} -k {room} -c listen_addresses=127.0.0.1 -c fsync=off"
    run("pg_ctl", "-D", data, "-w", "-o", where, "-l", str(room / "log"), "start")
    try:
        yield f"postgresql+psycopg://fleetwatt@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(room)


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Empty tables, in both kinds of database."""
    from service.runs.tables import Database, metadata

    is_sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/runs.db" if is_sqlite else request.getfixturevalue("postgres_url")
    found = Database(url)
    try:
        yield found
    finally:
        metadata.drop_all(found.engine)
        found.close()
