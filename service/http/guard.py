"""The door of the server, before any route: sizes, encodings, origins, headers, logs.

Plain ASGI. A body that is too large is refused by its announced length, or as soon as more than
that has come; nothing of it is parsed. Compressed bodies are refused: a small one can hold any
amount. A page of another site can send requests with a browser's cookies, so a change that names
another origin is refused, and without tokens only this machine's own names are answered (a foreign
name that leads here is an attack on the browser).
"""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import TYPE_CHECKING, Any

from service.http.observe import LOGGER, wrote_down
from service.http.problems import MEDIA_TYPE, Problem, problem_of
from service.http.settings import is_loopback

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from service.http.observe import Figures
    from service.http.settings import Settings

__all__ = ["Guard", "body_of"]

SAFE = ("GET", "HEAD", "OPTIONS")
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Guard:
    """Looks at every request before, and at every answer after the app does."""

    def __init__(self, app: ASGIApp, settings: Settings, figures: Figures) -> None:
        self._app, self._settings, self._figures = app, settings, figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hand it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, seen = time.perf_counter(), {"status": 0}
        scope["fleetwatt.request"] = secrets.token_hex(8)

        async def out(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
                number = scope["fleetwatt.request"].encode()
                there = {name for name, _ in message["headers"]}
                more = [(n, v) for n, v in HEADERS if n not in there]
                message["headers"] = [*message["headers"], *more, (b"x-request-id", number)]
            await send(message)

        try:
            self._admit(scope)
            await self._app(scope, _counted(receive, self._settings.max_body), out)
        except Exception as e:
            if seen["status"]:  # the answer has begun: all that is left is to write it down
                wrote_down(e, scope["fleetwatt.request"])
                return
            problem = problem_of(e)
            if problem.status == 500:
                wrote_down(e, scope["fleetwatt.request"])
            await _refuse(problem, out)
        finally:
            self._note(scope, seen["status"], time.perf_counter() - began)

    def _admit(self, scope: Scope) -> None:
        """Raise Problem for a request that is not handed on."""
        heads: dict[bytes, bytes] = dict(scope["headers"])
        host = heads.get(b"host", b"").decode("latin-1")
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if self._settings.tokens is None and not is_loopback(name):
            raise Problem("wrong_host", "Without tokens, ask 127.0.0.1 or localhost.")
        if scope["method"] not in SAFE:
            origin = heads.get(b"origin", b"").decode("latin-1")
            site = heads.get(b"sec-fetch-site", b"")
            if (origin and origin.partition("://")[2] != host) or site == b"cross-site":
                raise Problem("other_origin", "A change was asked for by a page of another site.")
        encoding = heads.get(b"content-encoding", b"identity").strip().lower()
        if encoding not in (b"identity", b""):
            hint = "Send the body as it is."
            raise Problem("wrong_type", "Compressed bodies are not read.", hint)
        length = heads.get(b"content-length", b"0")
        if not length.isdigit():
            raise Problem("bad_request", "The length of the body is no number.")
        if int(length[:20]) > self._settings.max_body:
            raise _too_large(self._settings.max_body)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"].isalpha() else "other"
        method = method if len(method) < 8 else "other"
        self._figures.saw(method, route, status, seconds)
        fields: dict[str, Any] = {
            "request": scope["fleetwatt.request"],
            "method": method,
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 1),
        }
        if "fleetwatt.tenant" in scope:
            fields["tenant"] = scope["fleetwatt.tenant"]
        LOGGER.info("answered", extra={"fields": fields})


def _too_large(most: int) -> Problem:
    hint = "The command line reads larger files."
    return Problem(
        "too_large",
        f"The body has more than {most:,} bytes.",
        hint,
        headers={"Connection": "close"},
    )


def _counted(receive: Receive, most: int) -> Receive:
    """Return a receiver that refuses to hand on more bytes than that."""
    count = 0

    async def counted() -> Message:
        nonlocal count
        message = await receive()
        if message["type"] == "http.request":
            count += len(message.get("body", b""))
            if count > most:
                raise _too_large(most)
        return message

    return counted


async def body_of(stream: Any, seconds: float) -> bytes:
    """Return the whole body of a request; Problem if it does not come in time.

    stream
        The request.
    """
    try:
        async with asyncio.timeout(seconds):
            body: bytes = await stream.body()
    except TimeoutError:
        raise Problem("body_late", f"The body took more than {seconds:g} s.") from None
    return body


async def _refuse(problem: Problem, send: Send) -> None:
    body = problem.text()
    heads = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    heads += [(k.lower().encode(), v.encode()) for k, v in problem.headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": heads})
    await send({"type": "http.response.body", "body": body})
