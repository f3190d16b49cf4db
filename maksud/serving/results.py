"""Calls of a conversation and their results: each call has one before the conversation goes on.

As in OpenAI's API: what a call gave is never guessed, and an answer made of the results that are
there would hide that others are not.
"""

from __future__ import annotations

from maksud.errors import name_some
from maksud.http.fields import invalid

NAMED = 8
"""Ids that a refusal names at most."""


class Results:
    """Which calls wait for their result, while messages or items are read in order.

    `call`, `result`: what the two are called in the request.
    """

    def __init__(self, call: str, result: str) -> None:
        self._call = call
        self._result = result
        self._waiting: dict[str, str] = {}  # id, and where it was called
        self._done: set[str] = set()

    def expect(self, id: str, where: str) -> None:
        """Notes a call. An id may come again once it has its result."""
        if id in self._waiting:
            raise invalid(where, f"{id[:60]!r} is the id of another call that has no result yet")
        self._waiting[id] = where
        self._done.discard(id)

    def take(self, id: str, where: str) -> None:
        """Notes the result of a call. Raises `ApiError` where none waits for it."""
        if id in self._done:
            raise invalid(where, f"{id[:60]!r} has a result already: send one for each call")
        if self._waiting.pop(id, None) is None:
            raise invalid(where, f"{id[:60]!r} is no {self._call}")
        self._done.add(id)

    def close(self) -> None:
        """Raises `ApiError` that names the calls without a result, if there are any."""
        if not self._waiting:
            return
        named = name_some([repr(id[:60]) for id in self._waiting], NAMED)
        raise invalid(
            next(iter(self._waiting.values())),
            f"no result follows for {named}. Send {self._result} for each, before what is "
            "said next",
        )
