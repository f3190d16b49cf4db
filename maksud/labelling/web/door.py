"""The door: who comes in, and how pages are kept to themselves.

A browser has a session's cookie (HttpOnly, SameSite=Strict); what it sends carries the session's
CSRF token, and comes from our own origin. A script has a bearer token. Everything is closed but
the list of what is public.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool

from maksud.http.api_error import ApiError
from maksud.http.guard import Admission
from maksud.http.scope import KNOWN, add_headers, header
from maksud.http.settings import HttpSettings
from maksud.http.tokens import bearer
from maksud.labelling.people import SESSION_SECONDS, Session, find_session
from maksud.labelling.refusals import StoreFault
from maksud.labelling.store import Store
from maksud.labelling.web.telling import SESSION, store_error

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

PUBLIC = frozenset({("GET", "/health"), ("HEAD", "/health"), ("GET", "/in"), ("HEAD", "/in"),
                    ("POST", "/api/session")})  # fmt: skip
"""What needs no session. Files under `STATIC` are public too: they are the same for everybody."""
STATIC = "/static/"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_PAGES = {k.encode(): v.encode() for k, v in HEADERS.items()}
_STATIC = {k: v for k, v in _PAGES.items() if k != b"cache-control"}


def cookie_name(secure: bool) -> str:
    """The session cookie's name; behind TLS, one that no other host can set."""
    return "__Host-maksud" if secure else "maksud"


def cookie(secret: str, secure: bool) -> str:
    """The header that sets the session's cookie, or removes it (an empty secret)."""
    age = int(SESSION_SECONDS) if secret else 0
    ending = "; Secure" if secure else ""
    name = cookie_name(secure)
    return f"{name}={secret}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{ending}"


class Door:
    """Lets in whoever has a session, and nobody else."""

    def __init__(self, app: ASGIApp, store: Store, secure: bool) -> None:
        self.app = app
        self.store = store
        self.secure = secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        static = scope["path"].startswith(STATIC)
        add_headers(scope, _STATIC if static else _PAGES)
        try:
            if await self._enter(scope):
                await self.app(scope, receive, send)
                return
        except StoreFault as error:
            raise store_error(error) from error
        await send(_TO_SIGN_IN)
        await send({"type": "http.response.body", "body": b""})

    async def _enter(self, scope: Scope) -> bool:
        """Whether the request may go on. Raises `ApiError` where it may not; False for a page
        whose reader has to sign in first."""
        method, path = scope["method"], scope["path"]
        if method == "POST":
            _check_origin(scope)
        if (method, path) in PUBLIC or (path.startswith(STATIC) and method in ("GET", "HEAD")):
            return True
        token = bearer(header(scope, b"authorization"))
        kind = "browser" if token is None else "script"
        secret = token or _cookie_of(scope, cookie_name(self.secure))
        session = None
        if secret:
            now = self.store.clock()
            session = await self._find(lambda c: find_session(c, secret, kind, now))
        if session is None:
            if method == "GET" and not path.startswith("/api/") and token is None:
                return False
            raise ApiError(
                401,
                "sign in first, or send a valid bearer token",
                code="not_signed_in",
                headers={"www-authenticate": "Bearer"},
            )
        if method == "POST" and kind == "browser":
            given = b"".join(header(scope, b"x-csrf-token"))
            if not hmac.compare_digest(given, session.csrf.encode()):
                raise ApiError(403, "this does not come from our own page: load it again",
                               code="csrf")  # fmt: skip
        scope[SESSION] = session
        scope[KNOWN] = session
        return True

    async def _find(self, look: Callable[[Any], Session | None]) -> Session | None:
        if self.store.file is not None:
            try:  # to hand it to a thread takes ten times as long as looking
                return self.store.glance(look)
            except StoreFault as error:
                if error.code != "store_busy":
                    raise
        return await run_in_threadpool(self.store.read, look)


class Room(Admission):
    """Limits on bodies: large ones only where files are uploaded."""

    def __init__(self, app: ASGIApp, settings: HttpSettings, uploads: int) -> None:
        super().__init__(app, settings)
        self.uploads = uploads

    def most_bytes(self, scope: Scope) -> int:
        """See `Admission`."""
        path = scope["path"]
        large = path == "/api/datasets" or (
            path.startswith("/api/tasks/") and path.endswith("/gold")
        )
        return self.uploads if large else self.settings.max_body_bytes


def _check_origin(scope: Scope) -> None:
    """Raises `ApiError` for what another site's page sends. Scripts say no origin."""
    said = header(scope, b"origin")
    if not said:
        return
    host = b"".join(header(scope, b"host"))
    if len(said) > 1 or not host or said[0].partition(b"://")[2] != host:
        raise ApiError(403, "another site's page sent this", code="foreign_origin")


def _cookie_of(scope: Scope, name: str) -> bytes:
    for line in header(scope, b"cookie"):
        for part in line.split(b";"):
            key, _, value = part.strip().partition(b"=")
            if key == name.encode():
                return bytes(value)
    return b""


_TO_SIGN_IN: dict[str, Any] = {
    "type": "http.response.start",
    "status": 303,
    "headers": [(b"location", b"/in"), (b"content-length", b"0")],
}
