"""The tables of runs, and how they are opened: SQLite in a file, or PostgreSQL by its URL.

Whole amounts of money pass 64 bits, so they are kept as text. Every write is one transaction that
takes SQLite's write lock at its beginning: a lock that is taken halfway cannot be waited for.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from optimizer.errors import FleetwattError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "Database",
    "OtherVersion",
    "events",
    "instances",
    "metadata",
    "plans",
    "runs",
    "workers",
]

BUSY_MS = 20_000
"""How long a SQLite writer waits for another."""
POOL = 20
"""Connections that are kept; as many more are opened where need be."""

VERSION = 2
"""Of the tables; a change of them is a new one."""

metadata = sa.MetaData()

versions = sa.Table(
    "fleetwatt_version",
    metadata,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
)

instances = sa.Table(
    "fleetwatt_instances",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
)

runs = sa.Table(
    "fleetwatt_runs",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("tenant", sa.String(80), nullable=False),
    sa.Column("question", sa.String(16), nullable=False),
    sa.Column("name", sa.String(80), nullable=False),
    sa.Column("instance_hash", sa.String(64), nullable=False, index=True),
    sa.Column("options", sa.Text, nullable=False),
    sa.Column("parent", sa.String(32)),
    sa.Column("key", sa.String(255)),
    sa.Column("body_hash", sa.String(64), nullable=False),
    sa.Column("created", sa.Float(53), nullable=False),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("handed", sa.Boolean, nullable=False, default=False),
    sa.Column("started", sa.Float(53)),
    sa.Column("ended", sa.Float(53)),
    sa.Column("worker", sa.String(120)),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("crashes", sa.Integer, nullable=False, default=0),
    sa.Column("spent", sa.Float(53), nullable=False, default=0.0),
    sa.Column("events", sa.Integer, nullable=False, default=0),
    sa.Column("outcome", sa.String(16)),
    sa.Column("stopped_by", sa.String(16)),
    sa.Column("objective", sa.String(40)),
    sa.Column("bound", sa.String(40)),
    sa.Column("gap", sa.Float(53)),
    sa.Column("is_good", sa.Boolean),
    sa.Column("error_code", sa.String(40)),
    sa.Column("error_message", sa.Text),
    sa.UniqueConstraint("tenant", "key"),
    sa.Index("fleetwatt_runs_by_tenant", "tenant", "id"),
)

plans = sa.Table(
    "fleetwatt_plans",
    metadata,
    sa.Column("run", sa.String(32), sa.ForeignKey("fleetwatt_runs.id"), primary_key=True),
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("instance_hash", sa.String(64), nullable=False, index=True),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("verdict", sa.Text),
)

events = sa.Table(
    "fleetwatt_events",
    metadata,
    sa.Column("run", sa.String(32), sa.ForeignKey("fleetwatt_runs.id"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Float(53), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("data", sa.Text, nullable=False),
)

workers = sa.Table(
    "fleetwatt_workers",
    metadata,
    sa.Column("id", sa.String(120), primary_key=True),
    sa.Column("slots", sa.Integer, nullable=False),
    sa.Column("beat", sa.Float(53), nullable=False),
)


class OtherVersion(FleetwattError):
    """The tables are those of another version of this program."""


class Database:
    """Connections to the tables; they are created where there are none.

    Parameters
    ----------
    url
        `sqlite:///fleetwatt.db`, `postgresql://user@host/name`.

    Raises
    ------
    OtherVersion
        If the tables are there, and of another version.
    """

    def __init__(self, url: str) -> None:
        self.url = sa.make_url(url)
        if self.url.drivername in ("postgres", "postgresql"):
            self.url = self.url.set(drivername="postgresql+psycopg")
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = sa.create_engine(
            self.url, pool_size=POOL, max_overflow=POOL, pool_pre_ping=not self.is_sqlite
        )
        self._reader = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._lock: Any = threading.Lock() if self.is_sqlite else nullcontext()
        if self.is_sqlite:
            sa.event.listen(self.engine, "connect", _prepare_sqlite)
            sa.event.listen(self.engine, "begin", _begin_sqlite)
        with self.write() as c:
            self.hold(c, "tables")  # two that create the same ones would refuse each other
            metadata.create_all(c)
            found = c.execute(sa.select(versions.c.version)).scalars().first()
            if found is None:
                c.execute(sa.insert(versions).values(version=VERSION))
        if found not in (None, VERSION):
            self.close()
            raise OtherVersion(f"the tables are of version {found}, this program of {VERSION}")

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Give a connection for one transaction that may write."""
        with self._lock, self.engine.begin() as c:
            yield c

    def hold(self, c: sa.Connection, name: str) -> None:
        """Keep all others that hold this name waiting until the transaction ends."""
        if not self.is_sqlite:  # there every writer keeps the others waiting
            c.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": name})

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Give a connection that only reads, each statement for itself."""
        with self._reader.connect() as c:
            yield c

    def now(self) -> sa.ColumnElement[float]:
        """Return the database's own clock, the same for all machines [s since 1970]."""
        if self.is_sqlite:
            return sa.literal_column("((julianday('now') - 2440587.5) * 86400.0)", sa.Float)
        return sa.literal_column("extract(epoch from clock_timestamp())", sa.Float)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _prepare_sqlite(raw: Any, _: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        raw.execute(f"PRAGMA {pragma}")
    raw.execute(f"PRAGMA busy_timeout={BUSY_MS}")


def _begin_sqlite(c: sa.Connection) -> None:
    if c.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        c.exec_driver_sql("BEGIN IMMEDIATE")
