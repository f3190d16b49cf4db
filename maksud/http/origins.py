"""Which pages of a browser may ask: nobody's, unless the operator names their origin.

A browser asks first (a preflight, without the token), and shows a page an answer only where the
server names the page's origin. Neither opens anything by itself: every request needs the token, and
no browser is told to send what it keeps for this server (`Access-Control-Allow-Credentials` is
never sent), so a page has to have the token itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from maksud.errors import SettingsError
from maksud.http.scope import add_headers, header

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

ANY = "*"
METHODS = b"GET, HEAD, POST"
SHOWN = (
    b"x-request-id, retry-after, x-should-retry, x-ratelimit-limit-requests, "
    b"x-ratelimit-remaining-requests, x-ratelimit-reset-requests, x-ratelimit-limit-utterances, "
    b"x-ratelimit-remaining-utterances, x-ratelimit-reset-utterances"
)
"""Headers of answers that pages may see."""
ASKED_AGAIN = b"600"
"""Seconds for which a browser need not ask again."""
MOST = 100
"""Origins at most."""

_ORIGIN = re.compile(
    r"(https?|[a-z][a-z0-9+.-]*-extension|app|tauri|capacitor)://"
    r"([a-z0-9._-]+|\[[0-9a-f:]+\])(:[1-9][0-9]{0,4})?"
)
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_NAME = re.compile(rb"[A-Za-z0-9-]{1,64}")
_MOST_NAMES = 50


def read_origins(text: str) -> tuple[str, ...]:
    """The origins in a setting, separated by blanks or commas.

    Raises `SettingsError` for what no browser would send: a path, a port that goes without
    saying, capitals, `null`.
    """
    origins = tuple(dict.fromkeys(text.replace(",", " ").split()))
    for origin in origins:
        if origin == ANY:
            continue
        found = _ORIGIN.fullmatch(origin)
        if found is None:
            raise SettingsError(
                f"{origin[:60]!r} is no origin",
                where="origins",
                hint="Write it as browsers send it, without a path: https://shop.example",
            )
        if found[3] and found[3] == _DEFAULT_PORTS.get(found[1]):
            raise SettingsError(
                f"{origin!r} has the port that goes without saying, which browsers leave out",
                where="origins",
                hint=f"Write {origin.removesuffix(found[3])}",
            )
    if ANY in origins and len(origins) > 1:
        raise SettingsError("* is every origin already", where="origins", hint="Name no others")
    if len(origins) > MOST:
        raise SettingsError(f"{len(origins)} origins, at most {MOST}", where="origins")
    return origins


class Origins:
    """The layer that tells browsers who may ask; it stands before the gate."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        self.app = app
        self._any = ANY in origins
        self._origins = frozenset(o.encode() for o in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            allowed = self._allowed(scope)
            headers = {} if self._any else {b"vary": b"Origin"}
            if allowed is not None:
                headers[b"access-control-allow-origin"] = allowed
                headers[b"access-control-expose-headers"] = SHOWN
            if _is_preflight(scope):
                headers.pop(b"access-control-expose-headers", None)
                await _answer(scope, headers, allowed is not None, send)
                return
            add_headers(scope, headers)
        await self.app(scope, receive, send)

    def _allowed(self, scope: Scope) -> bytes | None:
        """What to answer with, where the request's origin may ask."""
        given = header(scope, b"origin")
        if len(given) != 1:
            return None
        if self._any:
            return ANY.encode()
        return given[0] if given[0] in self._origins else None


def open_to_origins(app: ASGIApp, origins: str) -> ASGIApp:
    """The application open to pages of these origins, where there are any."""
    read = read_origins(origins)
    return Origins(app, read) if read else app


def _is_preflight(scope: Scope) -> bool:
    return (
        scope["method"] == "OPTIONS"
        and len(header(scope, b"origin")) == 1
        and len(header(scope, b"access-control-request-method")) == 1
    )


async def _answer(scope: Scope, headers: dict[bytes, bytes], allowed: bool, send: Send) -> None:
    """Answers a preflight. It says nothing of what there is, so it needs no token."""
    if allowed:
        headers[b"access-control-allow-methods"] = METHODS
        headers[b"access-control-max-age"] = ASKED_AGAIN
        if names := _names(scope):
            headers[b"access-control-allow-headers"] = names
    await send({"type": "http.response.start", "status": 204, "headers": list(headers.items())})
    await send({"type": "http.response.body", "body": b""})


def _names(scope: Scope) -> bytes:
    """The headers that the page wants to send: names, whichever, as OpenAI's client has many."""
    asked = b",".join(header(scope, b"access-control-request-headers")).split(b",")
    names = [name.strip().lower() for name in asked if _NAME.fullmatch(name.strip())]
    return b", ".join(names[:_MOST_NAMES])
