"""Tenants and their tokens: who asks, and how much they may ask for.

The file holds no token, only the SHA-256 of each: 256 random bits need no slower hash. It is read
again when it changes, so a token that is taken away is refused at once.

    {"schema": "fleetwatt/tokens/1",
     "tenants": {"acme": {"tokens": {"laptop": "9f86d0..."}, "quotas": {"open_runs": 4}}}}
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from optimizer.errors import FleetwattError
from service.http.settings import Quotas

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["LOCAL", "BadTokens", "Caller", "Tenants", "add_token", "drop_token"]

SCHEMA = "fleetwatt/tokens/1"
LOCAL = "local"
"""The only tenant of a server without tokens."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HASH = re.compile(r"[0-9a-f]{64}")


class BadTokens(FleetwattError):
    """A file of tokens that cannot be read as one."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a tenant and its quotas."""

    tenant: str
    quotas: Quotas


class Tenants:
    """Finds out who asks.

    Parameters
    ----------
    path
        File of tokens; None: everyone is `local`.
    quotas
        Of tenants that have none of their own.
    """

    def __init__(self, path: Path | None, quotas: Quotas) -> None:
        self._path, self._quotas = path, quotas
        self._stamp: tuple[int, int] | None = None
        self._callers: dict[str, Caller] = {}
        self._local = Caller(LOCAL, quotas)
        if path is not None:
            self._refresh(path)

    @property
    def are_open(self) -> bool:
        """Whether no token is asked for."""
        return self._path is None

    def caller(self, token: str | None) -> Caller | None:
        """Return who has a token; None if nobody has."""
        if self._path is None:
            return self._local
        self._refresh(self._path)
        return None if token is None else self._callers.get(_hashed(token))

    def _refresh(self, path: Path) -> None:
        try:
            found = path.stat()
        except OSError as e:
            raise BadTokens(f"{path}: cannot be read: {e.strerror}") from None
        stamp = (found.st_mtime_ns, found.st_size)
        if stamp != self._stamp:
            data = _read(path)
            self._callers = {
                each: Caller(name, replace(self._quotas, **tenant.get("quotas", {})))
                for name, tenant in data["tenants"].items()
                for each in tenant["tokens"].values()
            }
            self._stamp = stamp


def add_token(path: Path, tenant: str, name: str, quotas: Mapping[str, float]) -> str:
    """Return a new token of a tenant; the file, made where there is none, gets its hash.

    name
        By which it can be taken away; the token that had it is gone.
    quotas
        Of the tenant, in place of those it has.
    """
    for each in (tenant, name):
        if not _NAME.fullmatch(each):
            raise BadTokens(f"{each!r}: names are letters, digits, dots, dashes, underscores")
    empty: dict[str, Any] = {"schema": SCHEMA, "tenants": {}}
    data = _read(path) if path.exists() else empty
    token = f"fw_{secrets.token_urlsafe(32)}"
    held = data["tenants"].setdefault(tenant, {"tokens": {}})
    held["tokens"][name] = _hashed(token)
    if quotas:
        held["quotas"] = held.get("quotas", {}) | dict(quotas)
    _write(path, data)
    return token


def drop_token(path: Path, tenant: str, name: str) -> None:
    """Take a token away; BadTokens if there is none of that name."""
    data = _read(path)
    if name not in data["tenants"].get(tenant, {"tokens": {}})["tokens"]:
        raise BadTokens(f"{path}: tenant {tenant!r} has no token {name!r}")
    del data["tenants"][tenant]["tokens"][name]
    _write(path, data)


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    """Return the data of a file of tokens, checked."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise BadTokens(f"{path}: cannot be read: {e.strerror}") from None
    except ValueError:
        raise BadTokens(f"{path}: is no JSON") from None
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise BadTokens(f"{path}: schema must be {SCHEMA!r}")
    known = {f.name for f in fields(Quotas)}
    for name, tenant in data.get("tenants", {}).items():
        quotas = tenant.get("quotas", {})
        numbers = all(type(v) in (int, float) and v >= 0 for v in quotas.values())
        if not (numbers and set(quotas) <= known):
            given = ", ".join(asdict(Quotas()))
            raise BadTokens(f"{path}: quotas of {name!r} must be numbers of {given}")
        if not all(_HASH.fullmatch(h) for h in tenant.get("tokens", {}).values()):
            raise BadTokens(f"{path}: tokens of {name!r} must be SHA-256 in hexadecimal")
    return data


def _write(path: Path, data: dict[str, Any]) -> None:
    """Write the file in whole, for its owner's eyes."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(data, file, indent=1)
    draft.replace(path)
