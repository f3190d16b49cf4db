"""The access log: a line for each request, in which nobody's words stand unless they are asked for.

    127.0.0.1 POST /v1/recognize 200 3.1ms req_7f…
    127.0.0.1 POST /v1/recognize 200 3.1ms req_7f… {"said": [{"utterance": "putar Hampa", …}]}

No token, query or body is in a line, and no path that could break it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from starlette.types import Scope

LONGEST = 500
"""Characters of an utterance in a line, at most."""
MOST = 16
"""Utterances in a line, at most."""
_KEY = "maksud.said"


def note_said(scope: Scope, said: Iterable[dict[str, Any]]) -> None:
    """Leaves what was said, and what was answered, for the line of the request."""
    scope[_KEY] = list(said)


def format_line(scope: Scope, status: int, seconds: float, id: str) -> str:
    """The line of a request that was answered."""
    client = (scope.get("client") or ("-", 0))[0]
    path = quote(scope["path"][:200], safe="/:")  # no control characters, no query
    line = f"{client} {scope['method'][:16]} {path} {status} {seconds * 1000:.1f}ms {id}"
    said = scope.get(_KEY)
    return f"{line} {_format_said(said)}" if said else line


def _format_said(said: list[dict[str, Any]]) -> str:
    """On one line whatever was said: JSON in ASCII."""
    shown = [{key: _cut(value) for key, value in one.items()} for one in said[:MOST]]
    more = {"more": len(said) - MOST} if len(said) > MOST else {}
    return json.dumps({"said": shown, **more})


def _cut(value: Any) -> Any:
    return value if not isinstance(value, str) or len(value) <= LONGEST else value[:LONGEST] + "…"
