"""How much a token may ask in a minute: requests, and utterances.

A window of a minute slides over what was asked, by counting the minute that runs and the one before
it: two numbers for each token and limit, however much is asked (`limits`, sliding window counter).
Only valid tokens are counted, so strangers take no memory. Every answer says what is left, in
headers as OpenAI's.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from maksud.http.api_error import ApiError
from maksud.http.rights import is_figures
from maksud.http.scope import KNOWN, add_headers
from maksud.http.settings import ServeSettings
from maksud.http.tokens import Token

if TYPE_CHECKING:
    from limits import RateLimitItem
    from starlette.types import ASGIApp, Receive, Scope, Send

SECONDS = 60
"""Width of the window."""
_KEY = "maksud.limits"


class Limits:
    """The layer that counts what each token asks; it stands behind the gate."""

    def __init__(self, app: ASGIApp, settings: ServeSettings) -> None:
        from limits import RateLimitItemPerMinute
        from limits.storage import MemoryStorage
        from limits.strategies import SlidingWindowCounterRateLimiter

        self.app = app
        self.storage = MemoryStorage()
        self._counter = SlidingWindowCounterRateLimiter(self.storage)
        most = {
            "requests": settings.requests_per_minute,
            "utterances": settings.utterances_per_minute,
        }
        self._limits: dict[str, RateLimitItem] = {
            what: RateLimitItemPerMinute(n, namespace=what) for what, n in most.items() if n
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and KNOWN in scope and not is_figures(scope):
            scope[_KEY] = self
            self.check(scope, "requests", 1)
            self.count(scope, "requests", 1)
            self._tell(scope, "utterances")
        await self.app(scope, receive, send)

    def check(self, scope: Scope, what: str, number: int) -> None:
        """Raises `ApiError` (429) where the request's token may not ask so many more now."""
        limit = self._limits.get(what)
        if limit is None:
            return
        token: Token = scope[KNOWN]
        if number > limit.amount:
            self._tell(scope, what)
            raise ApiError(
                429,
                f"the request has {number} {what}, and the token {token.name!r} may ask "
                f"{limit.amount} a minute: ask for fewer at once",
                code="rate_limit_exceeded",
                kind="rate_limit_error",
                headers={"x-should-retry": "false"},
            )
        if not self._counter.test(limit, token.digest.hex(), cost=number):
            self._tell(scope, what)
            # After so long, and not at that moment; a clock of this age is not exact.
            seconds = math.floor(self._wait(limit, token, number) + 0.001) + 1
            raise ApiError(
                429,
                f"the token {token.name!r} may ask {limit.amount} {what} a minute, and did: ask "
                f"again in {seconds} s",
                code="rate_limit_exceeded",
                kind="rate_limit_error",
                headers={"retry-after": str(seconds)},
            )

    def count(self, scope: Scope, what: str, number: int) -> None:
        """Counts what was asked, up to the limit."""
        limit = self._limits.get(what)
        if limit is not None:
            self._counter.hit(limit, scope[KNOWN].digest.hex(), cost=number)
            self._tell(scope, what)

    def _tell(self, scope: Scope, what: str) -> None:
        """Puts what is left into the headers of the answer."""
        limit = self._limits.get(what)
        if limit is None:
            return
        before, left, now = self._counts(limit, scope[KNOWN])
        rest = max(0, limit.amount - math.floor(before * left / SECONDS + now))
        # All is as it was when what counts has slid out of the window.
        whole = left + SECONDS if now else left if before else 0.0
        name = what.encode()
        add_headers(
            scope,
            {
                b"x-ratelimit-limit-" + name: b"%d" % limit.amount,
                b"x-ratelimit-remaining-" + name: b"%d" % rest,
                b"x-ratelimit-reset-" + name: _duration(whole),
            },
        )

    def _wait(self, limit: RateLimitItem, token: Token, number: int) -> float:
        """Seconds after which there is room for so many, if nobody asks in between.

        There is where what counts, of which a part of one does not, is below `full`.
        """
        before, left, now = self._counts(limit, token)
        full = limit.amount - number + 1
        if now < full:
            # What was asked in the minute before slides out, evenly.
            return max(0.0, left - SECONDS * (full - now) / before) if before else 0.0
        return left + SECONDS * (now - full) / now

    def _counts(self, limit: RateLimitItem, token: Token) -> tuple[int, float, int]:
        """What was asked in the minute before, the seconds left of this one, and what in it."""
        key = limit.key_for(token.digest.hex())
        before, _, now, ttl = self.storage.get_sliding_window(key, SECONDS)
        return before, ttl - SECONDS, now


def check_utterances(scope: Scope, number: int) -> None:
    """Raises `ApiError` (429) where the request's token may not ask so many utterances now."""
    limits: Limits | None = scope.get(_KEY)
    if limits is not None:
        limits.check(scope, "utterances", number)


def count_utterances(scope: Scope, number: int) -> None:
    """Counts utterances that a model is asked."""
    limits: Limits | None = scope.get(_KEY)
    if limits is not None:
        limits.count(scope, "utterances", number)


def limited(app: ASGIApp, settings: ServeSettings) -> ASGIApp:
    """The application behind limits, where there are any."""
    if settings.requests_per_minute or settings.utterances_per_minute:
        return Limits(app, settings)
    return app


def _duration(seconds: float) -> bytes:
    """As OpenAI writes it: `17s`, `1m5s`."""
    minutes, rest = divmod(math.ceil(seconds), 60)
    return (f"{minutes}m{rest}s" if minutes else f"{rest}s").encode()
