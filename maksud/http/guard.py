"""Who and what may come in: layers of ASGI between the socket and the routes.

    Envelope   every exchange: its id, errors in one shape, unread bodies, the log
    Origins    which pages of a browser may ask, where any may (`origins`)
    Gate       deny by default: what is not on the public list needs a token
    Limits     what a token may ask in a minute, where that is bounded (`limits`)
    Admission  limits before parsing: headers, content type, bytes, time, requests at once

The decision who is public is made on `scope["path"]`, the path that the routes see, and never
on a URL that was put together from headers (CVE-2026-48710).
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from maksud.http.access_log import format_line
from maksud.http.api_error import ApiError, as_api_error, new_id
from maksud.http.limits import limited
from maksud.http.origins import open_to_origins
from maksud.http.rights import is_page, may_read_figures, needed_scope
from maksud.http.scope import EXTRA, KNOWN, header
from maksud.http.settings import HttpSettings, ServeSettings
from maksud.http.tokens import INFER, Token, Tokens

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

PUBLIC = frozenset({"/health", "/ready"})
"""Paths that need no token, with GET or HEAD. Everything else does, unknown paths too."""
_GONE = "maksud.gone"
CONNECTION = "maksud.connection"
"""Key in the state of a request's scope: its connection, where it is one of `connection`."""
SMALL_BODY = 64 << 10
"""An unread body up to this size is read away by the server, and the connection kept."""

_FRAMED = frozenset({b"connection", b"transfer-encoding"})
"""Lines of an answer that do more than describe it."""
_CLIENT_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")

log = logging.getLogger("maksud.serving")


Told = Callable[["Scope", int, float, str], None]
"""Is told of each exchange: its scope, status, seconds, and the code of its error or ""."""


def guard_app(
    app: ASGIApp, tokens: Tokens, settings: ServeSettings, tell: Told | None = None
) -> ASGIApp:
    """The application behind all layers: the only way to serve one."""
    inside = limited(Admission(app, settings), settings)
    gate = open_to_origins(Gate(inside, tokens, settings), settings.origins)
    return Envelope(gate, settings, tell)


def connection_of(scope: Scope) -> Any:
    """The connection that a request came on, where it can send a whole answer itself."""
    return scope.get("state", {}).get(CONNECTION)


class Envelope:
    """What holds for every exchange, whatever the layers inside do."""

    def __init__(self, app: ASGIApp, settings: HttpSettings, tell: Told | None = None) -> None:
        self.app = app
        self.settings = settings
        self.tell = tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        exchange = _Exchange(scope, receive, send)
        try:
            await self.app(scope, exchange.receive, exchange.send)
            await exchange.release()
        except asyncio.CancelledError:
            await exchange.fail(_SHUTTING_DOWN)  # the time for ending at shutdown is over
        except Exception as error:
            await exchange.fail(error)
        if self.tell is not None:
            self.tell(scope, exchange.status, time.perf_counter() - exchange.started, exchange.code)
        if self.settings.access_log and log.isEnabledFor(logging.INFO):
            # log.info() looks for the caller's place on the stack first, which no line shows.
            log.handle(
                logging.LogRecord(log.name, logging.INFO, __file__, 0, "%s", (exchange,), None)
            )


_SHUTTING_DOWN = ApiError(
    503,
    "the server is shutting down",
    code="shutting_down",
    kind="server_error",
    headers={"retry-after": "5", "connection": "close"},
)


class _Exchange:
    """One request and its response."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.started = time.perf_counter()
        self.status = 0
        self.code = ""
        given = header(scope, b"x-request-id")
        valid = len(given) == 1 and _CLIENT_ID.fullmatch(given[0])
        self.id = given[0] if valid else new_id("req_").encode()
        self._receive = receive
        self._send = send
        self._length = _content_length(scope)
        self._unread = self._length != 0
        self._connection = connection_of(scope)
        self._start: Message | None = None

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            self._unread = False
        return message

    async def send(self, message: Message) -> None:
        start, self._start = self._start, None
        if start is not None:
            if message["type"] == "http.response.body" and not message.get("more_body"):
                body = message.get("body", b"")
                length = (b"content-length", b"%d" % len(body))
                if length in start["headers"] and self._connection.send_whole(
                    self.scope, start["status"], start["headers"], body
                ):
                    return
            await self._send(start)
        elif message["type"] == "http.response.start":
            self.status = message["status"]
            extra = self.scope.get(EXTRA, {})
            headers = [*message["headers"], *extra.items(), (b"x-request-id", self.id)]
            # What is left of a body is not read: whoever may not come in makes no work.
            closing = self._unread and (
                self._length is None
                or self._length > SMALL_BODY
                or bool(header(self.scope, b"expect"))
            )
            if closing and (b"connection", b"close") not in headers:
                headers.append((b"connection", b"close"))
            message = {**message, "headers": headers}
            if self._connection is not None and not any(k in _FRAMED for k, _ in headers):
                self._start = message  # it is sent together with what follows
                return
        await self._send(message)

    async def release(self) -> None:
        """Sends the head of an answer that nothing followed."""
        start, self._start = self._start, None
        if start is not None:
            await self._send(start)

    async def fail(self, error: BaseException) -> None:
        """Answers with the error; where an answer began already, it is cut, never ended."""
        shown = as_api_error(error)
        self.code = shown.code
        if shown.status >= 500 and (shown is not error or error.__cause__):
            log.error("fault %s %s", self.id.decode(), _described(error))
        if self.status:
            await self.release()
            return
        body = shown.body()
        headers = {
            "content-type": "application/json",
            "content-length": str(len(body)),
            **shown.headers,
        }
        raw = [(k.encode(), v.encode()) for k, v in headers.items()]
        await self.send({"type": "http.response.start", "status": shown.status, "headers": raw})
        await self.send({"type": "http.response.body", "body": body})

    def __str__(self) -> str:
        seconds = time.perf_counter() - self.started
        return format_line(self.scope, self.status, seconds, self.id.decode())


class Gate:
    """Lets public paths through, and whoever has a token with the right scope."""

    def __init__(self, app: ASGIApp, tokens: Tokens, settings: ServeSettings) -> None:
        self.app = app
        self.tokens = tokens
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._is_open(scope):
            token = self._token(scope)
            if token is None:
                scheme = 'Basic realm="Maksud", charset="UTF-8"' if is_page(scope) else "Bearer"
                raise ApiError(
                    401,
                    "a valid bearer token is needed: send the header Authorization: Bearer TOKEN",
                    code="invalid_api_key",
                    headers={"www-authenticate": scheme},
                )
            needed = needed_scope(scope["path"])
            if needed not in token.scopes:
                what = "ask models" if needed == INFER else f"do this, it lacks the scope {needed}"
                raise ApiError(
                    403, f"the token {token.name!r} may not {what}", code="insufficient_permissions"
                )
            scope[KNOWN] = token
        await self.app(scope, receive, send)

    def _token(self, scope: Scope) -> Token | None:
        """The valid token of a request."""
        given = header(scope, b"authorization")
        found = self.tokens.find(given)
        return self.tokens.find_password(given) if found is None and is_page(scope) else found

    def _is_open(self, scope: Scope) -> bool:
        """Whether a request needs no token."""
        return is_public(scope) or may_read_figures(scope, self.settings.metrics)


def is_public(scope: Scope) -> bool:
    """Whether a request needs no token."""
    return scope["path"] in PUBLIC and scope["method"] in ("GET", "HEAD")


class Admission:
    """Limits that hold before anything is parsed. Public paths take no place in the queue."""

    def __init__(self, app: ASGIApp, settings: HttpSettings) -> None:
        self.app = app
        self.settings = settings
        self._at_work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self._check_headers(scope)
        if scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        if self._at_work >= self.settings.max_requests:
            raise ApiError(
                429,
                f"{self._at_work} requests are in work already: ask again later",
                code="queue_full",
                kind="rate_limit_error",
                headers={"retry-after": str(random.randint(1, 3))},
            )
        self._at_work += 1
        try:
            body = await self._body(scope, receive)
            await self.app(scope, _replayed(body, receive), send)
        finally:
            self._at_work -= 1

    def most_bytes(self, scope: Scope) -> int:
        """Bytes of the largest body of this request."""
        return self.settings.max_body_bytes

    def _check_headers(self, scope: Scope) -> None:
        lines = scope["headers"]
        size = sum(len(name) + len(value) + 4 for name, value in lines)
        size += len(scope.get("raw_path") or b"") + len(scope.get("query_string") or b"")
        if size > self.settings.max_header_bytes or len(lines) > self.settings.max_headers:
            raise ApiError(
                431,
                f"the header has {len(lines)} lines and {size:,} bytes, at most "
                f"{self.settings.max_headers} and {self.settings.max_header_bytes:,} are read",
                code="header_too_large",
                headers={"connection": "close"},
            )

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        limit, length = self.most_bytes(scope), _content_length(scope)
        if length == 0:
            return b""
        _check_content_type(scope)
        if length is not None and length > limit:
            raise _too_large(f"{length:,} bytes", limit)
        connection = connection_of(scope)
        came_whole = connection is not None and connection.came_whole(scope)
        body = bytearray()
        try:
            # A timer costs more than the rest, and what is here already needs none.
            async with nullcontext() if came_whole else asyncio.timeout(self.settings.body_seconds):
                async for part in _parts(receive):
                    body += part
                    if len(body) > limit:
                        raise _too_large("more", limit)
        except TimeoutError:
            raise ApiError(
                408,
                f"the body did not arrive within {self.settings.body_seconds:g} s",
                code="request_timeout",
                headers={"connection": "close"},
            ) from None
        return bytes(body)


async def _parts(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise client_gone()
        yield message.get("body", b"")
        more = message.get("more_body", False)


def when_gone(scope: Scope, act: Callable[[], object]) -> None:
    """`act` is called when the client closes the connection; raises `client_gone` where it has.

    Costs less than a task that waits for it. Only servers of `connection` tell; see `tell_gone`.
    """
    if scope.get(_GONE) is True:
        raise client_gone()
    scope[_GONE] = act


def tell_gone(scope: Scope) -> None:
    """Called when the connection of a request that is not answered yet is lost."""
    act = scope.get(_GONE)
    scope[_GONE] = True
    if callable(act):
        act()


def client_gone() -> ApiError:
    """For the log alone: the client closed the connection before the answer."""
    return ApiError(499, "the client closed the connection", code="client_closed_request")


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Gives the body as one message; after it, what comes from the connection."""
    waiting: Iterator[Message] = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def replay() -> Message:
        return next(waiting, None) or await receive()

    return replay


def _check_content_type(scope: Scope) -> None:
    values = header(scope, b"content-type")
    kind, _, rest = b",".join(values).lower().partition(b";")
    charset = rest.partition(b"charset=")[2].strip(b' "')
    encoding = b",".join(header(scope, b"content-encoding")).strip().lower()
    if kind.strip() != b"application/json" or charset not in (b"", b"utf-8", b"utf8"):
        raise _unsupported("send the header Content-Type: application/json")
    if encoding not in (b"", b"identity"):
        raise _unsupported("send the body without Content-Encoding")


def _unsupported(message: str) -> ApiError:
    return ApiError(415, message, code="unsupported_media_type")


def _too_large(found: str, limit: int) -> ApiError:
    return ApiError(
        413, f"the body has {found}, at most {limit:,} bytes are read", code="body_too_large"
    )


def _content_length(scope: Scope) -> int | None:
    """Bytes of the body: 0 without one, None where it comes in chunks of unknown number."""
    if header(scope, b"transfer-encoding"):
        return None
    values = header(scope, b"content-length")
    return int(values[0]) if values else 0


def _described(error: BaseException) -> str:
    """Kind and innermost place of an error, without its text, which may quote what a user said."""
    error = error.__cause__ or error
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown place"
    return f"{type(error).__name__} at {place}"
