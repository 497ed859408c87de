"""What a server is set to: limits, quotas, tokens."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from optimizer.errors import FleetwattError

__all__ = ["PublicBind", "Quotas", "Settings", "is_loopback", "refuse_public"]

MIB = 2**20


class PublicBind(FleetwattError):
    """The server would answer strangers without asking who they are."""


@dataclass(frozen=True, slots=True)
class Quotas:
    """What one tenant may ask for.

    Attributes
    ----------
    open_runs
        Queued and running at once.
    seconds
        Time limit of one run [s].
    seconds_per_day
        Of solving in 24 hours, runs of all ends together [s].
    cores
        Threads of one run.
    size
        Columns of the model of an instance, as `optimizer.sizes` counts them.
    """

    open_runs: int = 20
    seconds: float = 3600.0
    seconds_per_day: float = 86_400.0
    cores: int = 8
    size: int = 250_000_000


@dataclass(frozen=True, slots=True)
class Settings:
    """How a server behaves.

    Attributes
    ----------
    tokens
        File of hashed tokens; None: everyone who reaches the server is the tenant `local`.
    quotas
        Of tenants whose own are not in the file of tokens.
    max_body
        Bytes of a body.
    max_values
        Values in a body, about.
    body_seconds
        Within which a body has to arrive [s].
    read_seconds, work_seconds
        For the reading of a body, and for a check, an explanation or a report [s].
    child_mib
        Memory of the child processes that read and check [MiB].
    poll_seconds, beat_seconds
        How often a watched run is looked at, and the longest silence of a stream [s].
    streams
        Streams of events that are open at once.
    is_warm
        The children load at the start all that they may need, so that nobody waits for it later.
    """

    tokens: Path | None = None
    quotas: Quotas = field(default_factory=Quotas)
    max_body: int = 16 * MIB
    max_values: int = 1_000_000
    body_seconds: float = 30.0
    read_seconds: float = 20.0
    work_seconds: float = 120.0
    child_mib: int = 6144
    poll_seconds: float = 0.25
    beat_seconds: float = 10.0
    streams: int = 100
    is_warm: bool = False


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine's own, which no other reaches."""
    name = host.strip("[]")
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def refuse_public(host: str, tokens: Path | None) -> None:
    """Refuse to be reached from elsewhere without tokens.

    Raises
    ------
    PublicBind
        With what to do.
    """
    if tokens is None and not is_loopback(host):
        raise PublicBind(
            f"--host {host}: others would reach the service without a token; make one with "
            "`fleetwatt token NAME --tokens tokens.json`, and serve with --tokens tokens.json"
        )
