"""Which route a request means: by its method, its words, and where its numbers stand."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from maksud.http.api_error import ApiError
from maksud.labelling.web.paths import Answer, Paths


def saying(name: str) -> Answer:
    async def answer(request: Request) -> Response:
        return Response(f"{name} {sorted(request.path_params.items())}")

    return answer


PATHS = Paths(
    {
        ("GET", "/"): saying("home"),
        ("GET", "/api/tasks/{task}"): saying("task"),
        ("POST", "/api/tasks/{task}"): saying("change"),
        ("POST", "/api/tasks/{task}/items/{item}/reopen"): saying("reopen"),
        ("GET", "/api/tasks/{task}/catalog"): saying("catalog"),
    },
    ("/static/", saying("file")),
)


def ask(method: str, path: str) -> str:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "method": method, "path": path, "headers": [], "query_string": b""}
    asyncio.run(PATHS(scope, receive, send))
    return b"".join(m.get("body", b"") for m in sent).decode()


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("GET", "/", "home []"),
        ("HEAD", "/api/tasks/7", "task [('task', 7)]"),
        ("POST", "/api/tasks/0", "change [('task', 0)]"),
        ("POST", "/api/tasks/12/items/0034/reopen", "reopen [('item', 34), ('task', 12)]"),
        ("GET", "/api/tasks/3/catalog", "catalog [('task', 3)]"),
        ("GET", "/static/7.js", "file [('name', '7.js')]"),
    ],
)
def test_a_route_is_found_with_its_numbers(method: str, path: str, told: str) -> None:
    assert ask(method, path) == told


@pytest.mark.parametrize(
    "path",
    ["/api", "/api/tasks/x", "/api/tasks/", "/api/tasks/7/", "/api/tasks/12345678901", "/static/",
     "/api/tasks/-1", "/api/tasks/\u0661", "/static/a/b", "/api/tasks/{task}", "/api/tasks/1\n"],
)  # fmt: skip
def test_what_is_no_path_is_told(path: str) -> None:
    with pytest.raises(ApiError) as refused:
        ask("GET", path)
    assert (refused.value.status, refused.value.code) == (404, "unknown_url")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("DELETE", "/api/tasks/7", "GET, HEAD, POST"), ("POST", "/static/a.js", "GET, HEAD"),
     ("GET", "/api/tasks/1/items/2/reopen", "POST")],
)  # fmt: skip
def test_a_wrong_verb_is_told_with_those_that_are_right(
    method: str, path: str, allowed: str
) -> None:
    with pytest.raises(ApiError) as refused:
        ask(method, path)
    assert refused.value.status == 405 and refused.value.headers["allow"] == allowed
