"""Which route a request means: one look-up, whatever many routes there are.

Starlette's router tries one pattern after another, seventy of them, which takes longer than
answering. Here the numbers of a path stand for themselves, and the rest of it is looked up.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from maksud.http.api_error import ApiError, refuse_verb

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

Answer = Callable[[Request], Awaitable["Response"]]

_NUMBER = re.compile(r"(?<=/)[0-9]{1,10}(?=/|$)")  # no database has numbers with more digits
_PART = re.compile(r"\{(\w+)\}")


class Paths:
    """The application that sends each request to what answers it.

    `answers`: by method and path, in which `{name}` is a number; what answers finds it in
    `request.path_params`. `files`: what answers `PREFIX + name`, with the name.
    """

    def __init__(
        self, answers: Mapping[tuple[str, str], Answer], files: tuple[str, Answer]
    ) -> None:
        self._known: dict[str, dict[str, tuple[tuple[str, ...], Answer]]] = {}
        for (method, path), answer in answers.items():
            there = self._known.setdefault(_PART.sub("0", path), {})
            there[method] = tuple(_PART.findall(path)), answer
            if method == "GET":
                there["HEAD"] = there[method]
        self._files, self._file = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        scope["path_params"], answer = self._find(scope["method"], scope["path"])
        response = await answer(Request(scope, receive))
        await response(scope, receive, send)

    def _find(self, method: str, path: str) -> tuple[dict[str, Any], Answer]:
        """What answers, and the parts of the path. Raises `ApiError` where nothing does."""
        name = path.removeprefix(self._files)
        if name != path and name and "/" not in name:
            if method not in ("GET", "HEAD"):
                raise refuse_verb(405, method, "GET, HEAD")
            return {"name": name}, self._file
        numbers = _NUMBER.findall(path)
        there = self._known.get(_NUMBER.sub("0", path) if numbers else path)
        if there is None:
            raise ApiError(404, f"there is no {path[:100]!r} here. GET /api lists what there is",
                           code="unknown_url")  # fmt: skip
        if method not in there:
            raise refuse_verb(405, method, ", ".join(sorted(there)))
        names, answer = there[method]
        return dict(zip(names, map(int, numbers), strict=True)), answer


async def _live(receive: Receive, send: Send) -> None:
    """There is nothing to begin or end with the server."""
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})
