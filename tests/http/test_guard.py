"""Who and what may come in. Each test here fails when the defence that it names is removed."""

import asyncio
import itertools
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from serving_server import TOKEN, Live, Scripted, chat, request, running

from maksud.errors import SettingsError
from maksud.http.api_error import ApiError
from maksud.http.guard import PUBLIC, guard_app
from maksud.http.settings import ServeSettings
from maksud.http.tokens import Token, Tokens

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
HOSTS = (
    "127.0.0.1", "x/health?", "x/#", "a@b", "health", "localhost/health", "x?/health", "[::1]",
    "evil.example", "//health",
)  # fmt: skip
PATHS = (
    "/v1/models", "/v1/models/scripted", "//health", "/health/", "/health/../v1/models",
    "/health%2f..%2fv1/models", "/v1/models?/health", "/V1/MODELS", "/v1/models/", "/HEALTH",
    "/health;x", "http://x/health", "/v1//models", "/docs", "/openapi.json", "/metrics",
)  # fmt: skip
FORWARDED = ("X-Forwarded-Prefix: /health", "X-Original-URL: /health", "X-Rewrite-URL: /health")


@pytest.fixture(scope="module")
def live() -> Live:  # type: ignore[misc]
    with running() as server:
        yield server


# ---------------------------------------------------------------- the gate


def test_every_route_is_classified(live: Live) -> None:
    """A new route is closed without a token, unless somebody puts it on the public list."""
    client = live.client(None)
    for route in live.front.routes():
        path = route.path.replace("{id:path}", "scripted")
        for method in METHODS:
            reply = client.request(method, path)
            public = path in PUBLIC and method in ("GET", "HEAD")
            assert (reply.status_code != 401) == public, (method, path)


def test_an_unlisted_route_is_denied_by_default() -> None:
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route
    from starlette.testclient import TestClient
    from starlette.websockets import WebSocketDisconnect

    async def secret(_: object) -> PlainTextResponse:
        return PlainTextResponse("secret")

    inside = Starlette(routes=[Route("/admin", secret), Route("/health/deep", secret)])
    app = guard_app(inside, Tokens([Token.of(TOKEN, "t")]), ServeSettings())
    client = TestClient(app)
    for path in ("/admin", "/health/deep"):
        assert client.get(path).status_code == 401
        assert client.get(path, headers={"authorization": f"Bearer {TOKEN}"}).text == "secret"
    with pytest.raises(WebSocketDisconnect) as caught, client.websocket_connect("/health"):
        pass
    assert caught.value.code == 1008


@pytest.mark.parametrize("method", METHODS)
def test_no_host_path_or_header_opens_the_door(live: Live, method: str) -> None:
    for host, path in itertools.product(HOSTS, PATHS):
        status = live.send(request(method, path, token=None, host=host)).status
        assert status in (400, 401), (method, host, path)
    for line in FORWARDED:
        assert live.send(request(method, "/v1/models", line, token=None)).status == 401


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("Authorization: Bearer",),
        ("Authorization: Bearer wrong-token",),
        ("Authorization: Basic " + TOKEN,),
        (f"Authorization: {TOKEN}",),
        ("Authorization: Bearer t\xf6ken",),
        (f"Authorization: Bearer {TOKEN}", f"Authorization: Bearer {TOKEN}"),
        (f"X-Api-Key: {TOKEN}",),
    ],
)
def test_a_wrong_token_is_401_in_the_shape_of_openai(live: Live, lines: tuple[str, ...]) -> None:
    reply = live.send(request("GET", "/v1/models", *lines, token=None))
    assert reply.status == 401
    assert reply.headers["www-authenticate"] == "Bearer"
    assert reply.error["code"] == "invalid_api_key"
    assert reply.error["type"] == "invalid_request_error"
    assert TOKEN not in reply.body.decode()


def test_a_token_in_the_query_is_no_token(live: Live) -> None:
    assert live.client(None).get(f"/v1/models?token={TOKEN}&api_key={TOKEN}").status_code == 401


def test_a_token_without_the_scope_is_403() -> None:
    tokens = Tokens([Token.of("label-only-token", "labeller", ["label"])])
    with running(tokens=tokens) as live:
        reply = live.client("label-only-token").get("/v1/models")
        assert reply.status_code == 403
        assert reply.json()["error"]["code"] == "insufficient_permissions"


def test_public_bodies_tell_nothing(live: Live) -> None:
    assert live.client(None).get("/health").json() == {"status": "ok"}
    assert live.client(None).get("/ready").json() == {"status": "ready"}
    for path in ("/health", "/v1/nope"):
        headers = live.client(None).get(path).headers
        assert "server" not in headers and "access-control-allow-origin" not in headers


# ---------------------------------------------------------------- limits


def test_a_large_body_is_413_whoever_sends_it(live: Live) -> None:
    body = b'{"model": "' + b"x" * 10_000_000 + b'"}'
    for client, status in ((live.client(), 413), (live.client(None), 401)):
        reply = client.post(
            "/v1/recognize", content=body, headers={"content-type": "application/json"}
        )
        assert reply.status_code == status
        assert client.get("/health").status_code == 200
    assert reply.json()["error"]["code"] == "invalid_api_key"


def test_a_large_body_is_refused_before_it_is_sent(live: Live) -> None:
    head = request("POST", "/v1/recognize", body=b"{").replace(b"Length: 1", b"Length: 1048577")
    assert live.send(head).status == 413


def test_a_large_body_in_chunks_is_413_before_it_is_whole(live: Live) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    head = request(
        "POST", "/v1/recognize", "Content-Type: application/json", "Transfer-Encoding: chunked"
    )
    reply = live.send(head, chunk * 17)  # and no end
    assert reply.status == 413 and reply.error["code"] == "body_too_large" and reply.closed


def test_the_largest_body_that_is_allowed(live: Live) -> None:
    body = json.dumps(chat("putar lagu")).encode()
    for size, status in ((1 << 20, 200), ((1 << 20) + 1, 413)):
        padded = body + b" " * (size - len(body))
        reply = live.client().post(
            "/v1/chat/completions", content=padded, headers={"content-type": "application/json"}
        )
        assert reply.status_code == status


@pytest.mark.parametrize(
    "lines",
    [
        ["X-Big: " + "x" * 40_000],
        [f"X-{k}: {k}" for k in range(150)],
    ],
)
def test_a_large_header_is_431(live: Live, lines: list[str]) -> None:
    reply = live.send(request("GET", "/health", *lines))
    assert reply.status == 431 and reply.error["code"] == "header_too_large" and reply.closed


@pytest.mark.parametrize(
    ("kind", "encoding", "status"),
    [
        ("application/json", None, 200),
        ("Application/JSON; charset=UTF-8", "identity", 200),
        (None, None, 415),
        ("text/plain", None, 415),
        ("application/x-www-form-urlencoded", None, 415),
        ("multipart/form-data; boundary=x", None, 415),
        ("application/json; charset=latin-1", None, 415),
        ("application/json", "gzip", 415),
    ],
)
def test_only_json_is_read(live: Live, kind: str | None, encoding: str | None, status: int) -> None:
    headers = {"content-type": kind, "content-encoding": encoding}
    reply = live.client().post(
        "/v1/chat/completions",
        content=json.dumps(chat("putar lagu")).encode(),
        headers={k: v for k, v in headers.items() if v},
    )
    assert reply.status_code == status
    if status == 415:
        assert reply.json()["error"]["code"] == "unsupported_media_type"


def test_requests_at_once_are_bounded_and_health_is_exempt() -> None:
    model = Scripted()
    with running(model, max_requests=1) as live, ThreadPoolExecutor() as pool:
        model.gate.clear()
        first = pool.submit(live.client().post, "/v1/chat/completions", json=chat("first"))
        while not model.batches:
            time.sleep(0.002)
        live.front.lanes["scripted"].last_answer = float("inf")  # answered a moment ago
        client = live.client()
        refused = client.post("/v1/recognize", json={"utterance": "x"})
        assert refused.status_code == 429
        assert refused.json()["error"]["code"] == "queue_full"
        assert 1 <= int(refused.headers["retry-after"]) <= 30
        for path in ("/health", "/ready", "/v1/models"):
            assert client.get(path).status_code == 200
        model.gate.set()
        assert first.result().status_code == 200
        assert client.post("/v1/recognize", json={"utterance": "x"}).status_code == 200


# ---------------------------------------------------------------- the envelope


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/v1/nope", b"", 404, "unknown_url"),
        ("GET", "/", b"", 404, "unknown_url"),
        ("POST", "/v1/models", b"", 405, "method_not_allowed"),
        ("GET", "/v1/chat/completions", b"", 405, "method_not_allowed"),
        ("POST", "/health", b"", 405, "method_not_allowed"),
        ("OPTIONS", "/v1/models", b"", 405, "method_not_allowed"),
        ("GET", "/v1/models/nope", b"", 404, "model_not_found"),
        ("POST", "/v1/recognize", b'{"utterance": NaN}', 400, "invalid_json"),
        ("POST", "/v1/recognize", b'{"utterance": 1e999}', 400, "invalid_json"),
        ("POST", "/v1/recognize", b'{"utterance": "\xff"}', 400, "invalid_json"),
        ("POST", "/v1/recognize", b"{", 400, "invalid_json"),
        ("POST", "/v1/recognize", b"[" * 100_000, 400, "invalid_json"),
        ("POST", "/v1/completions", b'{"prompt": "x"}', 404, "unknown_url"),
    ],
)
def test_every_error_has_the_shape_and_an_id(
    live: Live, method: str, path: str, body: bytes, status: int, code: str
) -> None:
    reply = live.send(request(method, path, body=body))
    assert reply.status == status
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-request-id"].startswith("req_")
    assert set(reply.error) == {"message", "type", "param", "code"}
    assert reply.error["code"] == code
    if status == 405:
        assert reply.headers["allow"]


@pytest.mark.parametrize(
    ("given", "echoed"),
    [
        ("abc-1.2_3", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("a b", False),
        ("a%0d%0ab", False),
        ("\xfcmlaut", False),
    ],
)
def test_a_clients_id_is_echoed_only_when_it_is_harmless(
    live: Live, given: str, echoed: bool
) -> None:
    reply = live.send(request("GET", "/health", f"X-Request-Id: {given}"))
    assert (reply.headers["x-request-id"] == given) == echoed
    assert reply.status == 200


def test_ids_differ(live: Live) -> None:
    client = live.client()
    assert len({client.get("/health").headers["x-request-id"] for _ in range(5)}) == 5


def test_a_fault_tells_the_client_nothing_and_the_log_no_secrets(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def on(utterances: object) -> None:
        raise ValueError(f"the user said {utterances}")

    with running(Scripted(on=on)) as live, caplog.at_level(logging.INFO, "maksud.serving"):
        reply = live.client().post("/v1/chat/completions", json=chat("rahasia saya"))
        assert reply.status_code == 500
        assert reply.json()["error"]["code"] == "internal_error"
        assert "rahasia" not in reply.text and "ValueError" not in reply.text
        assert reply.headers["x-request-id"] in caplog.text
        assert "ValueError" in caplog.text and "test_guard.py" in caplog.text
        assert "rahasia" not in caplog.text and TOKEN not in caplog.text


def ask(
    app: Callable[..., Awaitable[None]],
    *received: dict[str, Any],
    settings: ServeSettings | None = None,
    headers: tuple[tuple[bytes, bytes], ...] = (),
    **scope: Any,
) -> list[dict[str, Any]]:
    """What the guarded application sends for one exchange, without a server around it."""
    inside = guard_app(app, Tokens([Token.of(TOKEN, "t")]), settings or ServeSettings())
    known = (b"authorization", f"Bearer {TOKEN}".encode())
    whole = {
        "type": "http", "method": "GET", "path": "/v1/x", "raw_path": b"/v1/x",
        "query_string": b"", "client": ("127.0.0.1", 1), "headers": [known, *headers], **scope,
    }  # fmt: skip
    messages = iter(received)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return next(messages, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(inside(whole, receive, send))  # type: ignore[arg-type]
    return sent


async def fine(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"fine"})


JSON_OF_SEVEN = ((b"content-type", b"application/json"), (b"content-length", b"7"))


def test_the_log_has_one_line_for_a_request_whatever_its_path(
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = "/v1/x\r\n1.2.3.4 GET /forged 200\x1b[31m\x00\x85\u2028 é" + "y" * 5000
    with caplog.at_level(logging.INFO, "maksud.serving"):
        ask(fine, path=path, query_string=b"token=a-secret")
    (line,) = caplog.messages
    assert line.isascii() and line.isprintable()
    assert line.startswith("127.0.0.1 GET /v1/x%0D%0A1.2.3.4%20GET%20/forged")
    assert "a-secret" not in line and len(line) < 1000


def test_the_log_can_be_switched_off(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "maksud.serving"):
        ask(fine, settings=ServeSettings(access_log=False))
    assert not caplog.messages


def test_who_asked_is_not_what_a_header_says(caplog: pytest.LogCaptureFixture) -> None:
    """Anybody can send X-Forwarded-For, and a proxy on this machine is no reason to believe it."""
    lines = ("X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https", "Forwarded: for=9.9.9.9")
    with (
        caplog.at_level(logging.INFO, "maksud.serving"),
        running(access_log=True) as live,
    ):
        assert live.send(request("GET", "/health", *lines)).status == 200
    asked = [m for m in caplog.messages if "/health" in m]
    assert asked and all(m.startswith("127.0.0.1 ") for m in asked)


def test_path_and_query_count_as_header() -> None:
    for scope in ({"raw_path": b"x" * 40_000}, {"query_string": b"x" * 40_000}):
        assert ask(fine, **scope)[0]["status"] == 431
    assert ask(fine)[0]["status"] == 200


def test_two_ids_of_a_client_are_none() -> None:
    once, twice = (ask(fine, headers=((b"x-request-id", b"mine"),) * n)[0] for n in (1, 2))
    assert (b"x-request-id", b"mine") in once["headers"]
    assert (b"x-request-id", b"mine") not in twice["headers"]


def test_a_body_that_breaks_off_reaches_no_route() -> None:
    async def unreachable(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("half a body was given to a route")

    half = {"type": "http.request", "body": b"{", "more_body": True}
    sent = ask(unreachable, half, method="POST", headers=JSON_OF_SEVEN)
    assert sent[0]["status"] == 499


def test_a_fault_behind_the_first_byte_cuts_the_answer() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError

    assert [m["type"] for m in ask(broken)] == ["http.response.start"]


def test_a_request_that_fails_gives_its_place_back() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError

    async def both(scope: Any, receive: Any, send: Any) -> None:
        for _ in range(2):  # through one Admission, which counts
            await inside(scope, receive, send)

    inside = guard_app(broken, Tokens([Token.of(TOKEN, "t")]), ServeSettings(max_requests=1))
    sent = ask(both, method="POST")
    assert [m["status"] for m in sent if "status" in m] == [500, 500]


def test_an_exchange_that_is_cancelled_is_told_that_the_server_ends() -> None:
    async def cancelled(scope: Any, receive: Any, send: Any) -> None:
        raise asyncio.CancelledError

    start, body = ask(cancelled)
    assert start["status"] == 503 and (b"connection", b"close") in start["headers"]
    assert json.loads(body["body"])["error"]["code"] == "shutting_down"


def test_the_log_names_faults_by_their_cause_and_no_refusals(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def failing(scope: Any, receive: Any, send: Any) -> None:
        try:
            raise KeyError("what the user said")
        except KeyError as error:
            raise ApiError(503, "no model", code="engine_unavailable") from error

    ask(failing, settings=ServeSettings(access_log=False))
    (line,) = caplog.messages
    assert line.startswith("fault req_") and "KeyError at " in line and "user said" not in line
    caplog.clear()
    ask(fine, headers=((b"authorization", b"Bearer x"),), settings=ServeSettings(access_log=False))
    assert not caplog.messages  # a 401


# ---------------------------------------------------------------- settings


def test_settings_are_checked() -> None:
    ServeSettings(port=0)
    for wrong in (
        {"port": 70000},
        {"port": -1},
        {"max_body_bytes": 0},
        {"answer_seconds": float("nan")},
        {"batch_size": -1},
        {"max_batch": 300, "max_waiting": 200},
    ):
        with pytest.raises(SettingsError):
            ServeSettings(**wrong)  # type: ignore[arg-type]


# ---------------------------------------------------------------- without a server around it


def body(*parts: bytes, end: bool = True) -> list[dict[str, Any]]:
    """The messages of a body in parts."""
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    return [*messages, {"type": "http.request"}] if end else messages


def typed(*headers: tuple[bytes, bytes]) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"content-type", b"application/json"), *headers)


CHUNKED = typed((b"transfer-encoding", b"chunked"))


def echo(got: list[Any]) -> Callable[..., Awaitable[None]]:
    """An application that reads two messages, and answers."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        got.append(await receive())
        got.append(await receive())
        await fine(scope, receive, send)

    return app


def test_a_route_gets_the_whole_body_and_then_the_connection() -> None:
    got: list[Any] = []
    gone = {"type": "http.disconnect"}
    sent = ask(echo(got), *body(b'{"a"', b":", b"1}"), gone, method="POST", headers=CHUNKED)
    assert [m.get("status") for m in sent] == [200, None] and sent[1]["body"] == b"fine"
    assert got == [{"type": "http.request", "body": b'{"a":1}', "more_body": False}, gone]
    for headers in ((), ((b"content-length", b"0"),)):  # no body needs no content type
        got.clear()
        assert ask(echo(got), gone, method="POST", headers=headers)[0]["status"] == 200
        assert got == [{"type": "http.request", "body": b"", "more_body": False}, gone]


def test_a_body_is_read_up_to_its_limit() -> None:
    settings = ServeSettings(max_body_bytes=10)
    for size, status in ((10, 200), (11, 413)):
        got: list[Any] = []
        for headers in (CHUNKED, typed((b"content-length", str(size).encode()))):
            sent = ask(
                echo(got), *body(b"x" * 7, b"x" * (size - 7)), method="POST", headers=headers,
                settings=settings,
            )  # fmt: skip
            assert sent[0]["status"] == status, headers
    said = json.loads(sent[1]["body"])["error"]["message"]
    assert said == "the body has 11 bytes, at most 10 bytes are read"


def through(
    inside: Callable[..., Awaitable[None]],
    receive: Callable[[], Awaitable[Any]],
    headers: tuple[tuple[bytes, bytes], ...] = (),
    **scope: Any,
) -> list[dict[str, Any]]:
    """What one application that is guarded already sends, for messages as they come."""
    known = (b"authorization", f"Bearer {TOKEN}".encode())
    whole = {
        "type": "http", "method": "GET", "path": "/v1/x", "raw_path": b"/v1/x",
        "query_string": b"", "client": ("127.0.0.1", 1), "headers": [known, *headers], **scope,
    }  # fmt: skip
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(inside(whole, receive, send))  # type: ignore[arg-type]
    return sent


def test_a_body_that_does_not_arrive_is_408() -> None:
    async def never() -> Any:
        await asyncio.Event().wait()

    async def unreachable(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("no body, no route")

    settings = ServeSettings(body_seconds=0.05)
    inside = guard_app(unreachable, Tokens([Token.of(TOKEN, "t")]), settings)
    start, said = through(inside, never, CHUNKED, method="POST")
    assert start["status"] == 408
    assert [v for k, v in start["headers"] if k == b"connection"] == [b"close"]
    error = json.loads(said["body"])["error"]
    assert error["code"] == "request_timeout"
    assert error["message"] == "the body did not arrive within 0.05 s"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (b"application/json", 200),
        (b" Application/JSON ; Charset=\"UTF-8\"", 200),
        (b"application/json; charset=utf8", 200),
        (b"application/json; v=1; charset=utf-8", 200),
        (b"application/json; charset=utf-16", 415),
        (b"application/jsonx", 415),
        (b"text/json", 415),
        (b"", 415),
    ],
)  # fmt: skip
def test_content_types(kind: bytes, status: int) -> None:
    headers = ((b"content-type", kind), (b"content-length", b"2"))
    sent = ask(fine, *body(b"{}"), method="POST", headers=headers)
    assert sent[0]["status"] == status


@pytest.mark.parametrize(
    ("encoding", "status"), [(b"", 200), (b" Identity ", 200), (b"gzip", 415), (b"x,br", 415)]
)  # fmt: skip
def test_content_encodings(encoding: bytes, status: int) -> None:
    headers = typed((b"content-encoding", encoding), (b"content-length", b"2"))
    sent = ask(fine, *body(b"{}"), method="POST", headers=headers)
    assert sent[0]["status"] == status
    if status == 415:
        message = json.loads(sent[1]["body"])["error"]["message"]
        assert message == "send the body without Content-Encoding"


def test_two_content_types_are_none() -> None:
    twice = typed((b"content-type", b"application/json"), (b"content-length", b"2"))
    assert ask(fine, *body(b"{}"), method="POST", headers=twice)[0]["status"] == 415


def test_a_header_is_read_up_to_its_limits() -> None:
    token = len(b"authorization") + len(b"Bearer ") + len(TOKEN) + 4
    used = token + len(b"/v1/x") + len(b"a=1") + len(b"name") + len(b"value") + 4
    for bytes_, lines, status in ((used, 2, 200), (used - 1, 2, 431), (used, 1, 431)):
        sent = ask(
            fine, headers=((b"name", b"value"),), query_string=b"a=1",
            settings=ServeSettings(max_header_bytes=bytes_, max_headers=lines),
        )  # fmt: skip
        assert sent[0]["status"] == status
        if status == 431:
            assert (b"connection", b"close") in sent[0]["headers"]
            assert json.loads(sent[1]["body"])["error"]["message"] == (
                f"the header has 2 lines and {used:,} bytes, at most {lines} and "
                f"{bytes_:,} are read"
            )
    assert ask(fine, raw_path=None, query_string=None)[0]["status"] == 200


def test_so_many_requests_with_a_body_are_in_work_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr("maksud.http.guard.random.randint", lambda low, high: 10 * low + high)

    async def nested(scope: Any, receive: Any, send: Any) -> None:
        if scope["deep"] == 3:
            await fine(scope, receive, send)
            return
        # Inside one request another comes in, through the same Admission.
        deeper = {**scope, "deep": scope["deep"] + 1, "headers": scope["headers"]}
        await inside(deeper, receive, seen_send)
        await fine(scope, receive, send)

    async def seen_send(message: Any) -> None:
        if message["type"] == "http.response.start":
            seen.append(message)
        elif message["type"] == "http.response.body":
            seen[-1] = {**seen[-1], "body": message["body"]}

    inside = guard_app(nested, Tokens([Token.of(TOKEN, "t")]), ServeSettings(max_requests=2))
    for method, statuses in (("POST", [429, 200]), ("GET", [200, 200, 200])):
        seen.clear()

        async def start(scope: Any, receive: Any, send: Any) -> None:
            await inside(scope, receive, send)

        assert ask(start, method=method, deep=0)[0]["status"] == 200
        # The innermost is answered first.
        assert sorted(m["status"] for m in seen) == sorted(statuses), method
        for refused in (m for m in seen if m["status"] == 429):
            assert (b"retry-after", b"13") in refused["headers"]
            error = json.loads(refused["body"])["error"]
            assert error["type"] == "rate_limit_error" and error["code"] == "queue_full"
            assert error["message"] == "2 requests are in work already: ask again later"


@pytest.mark.parametrize(
    ("length", "headers", "closes"),
    [
        (b"65536", (), False),
        (b"65537", (), True),
        (b"7", ((b"expect", b"100-continue"),), True),
        (None, (), True),
    ],
)
def test_an_unread_body_closes_the_connection_where_it_may_be_long(
    length: bytes | None, headers: tuple[tuple[bytes, bytes], ...], closes: bool
) -> None:
    size = (b"transfer-encoding", b"chunked") if length is None else (b"content-length", length)
    left = body(b"x" * 10, b"x" * 10)
    sent = ask(fine, *left, method="PUT", headers=(size, *headers))  # a PUT's body is never read
    assert ((b"connection", b"close") in sent[0]["headers"]) == closes
    assert b"".join(m.get("body", b"") for m in sent[1:]) == b"fine"
    assert [m.get("more_body") for m in sent[1:]] == [None]


def test_a_body_that_was_read_keeps_the_connection() -> None:
    got: list[Any] = []
    size = typed((b"content-length", b"70000"))
    sent = ask(echo(got), *body(b"x" * 70000), method="POST", headers=size)
    assert (b"connection", b"close") not in sent[0]["headers"]
    assert len(sent) == 2 and sent[1] == {"type": "http.response.body", "body": b"fine"}


def test_an_error_is_a_whole_answer_of_its_own() -> None:
    async def failing(scope: Any, receive: Any, send: Any) -> None:
        raise ApiError(418, "no", code="teapot", headers={"x-extra": "1"})

    start, said = ask(failing, headers=((b"x-request-id", b"mine"),))
    assert start == {
        "type": "http.response.start",
        "status": 418,
        "headers": [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(said["body"])).encode()),
            (b"x-extra", b"1"),
            (b"x-request-id", b"mine"),
        ],
    }
    assert json.loads(said["body"])["error"]["code"] == "teapot"


def test_a_line_of_the_log_to_the_letter(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "maksud.serving"):
        ask(fine, headers=((b"x-request-id", b"mine"),), path="/v1:/x y")
        ask(fine, headers=((b"x-request-id", b"mine"),), client=None, method="M" * 20)
        ask(fine, headers=((b"x-request-id", b"mine"),), path="/" + "y" * 300)
    first, second, third = caplog.messages
    assert re.fullmatch(r"127\.0\.0\.1 GET /v1:/x%20y 200 \d+\.\dms mine", first)
    assert 0 <= float(first.split()[4].removesuffix("ms")) < 60_000
    assert re.fullmatch(rf"- {'M' * 16} /v1/x 200 \d+\.\dms mine", second)
    assert third.split()[2] == "/" + "y" * 199


def test_a_fault_is_told_with_its_innermost_place(caplog: pytest.LogCaptureFixture) -> None:
    def deep() -> None:
        raise KeyError("what the user said")

    async def failing(scope: Any, receive: Any, send: Any) -> None:
        deep()

    async def nowhere(scope: Any, receive: Any, send: Any) -> None:
        try:
            raise ValueError("x") from KeyError("never raised")
        except ValueError as error:
            raise ApiError(500, "x", code="x") from error.__cause__

    off = ServeSettings(access_log=False)
    ask(failing, settings=off, headers=((b"x-request-id", b"mine"),))
    line = deep.__code__.co_firstlineno + 1
    assert caplog.messages == [f"fault mine KeyError at {__file__}:{line}"]
    caplog.clear()
    ask(nowhere, settings=off, headers=((b"x-request-id", b"mine"),))
    assert caplog.messages == ["fault mine KeyError at unknown place"]


def test_what_is_no_request_passes_or_is_refused() -> None:
    got: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        got.append(scope["type"])

    assert ask(app, type="lifespan") == [] and got == ["lifespan"]
    assert ask(app, type="websocket") == [{"type": "websocket.close", "code": 1008, "reason": ""}]
    assert got == ["lifespan"]


def test_errors_of_the_gate_to_the_letter() -> None:
    def refused(*tokens: Token, **scope: Any) -> tuple[int, list[Any], dict[str, Any]]:
        async def start(outer: Any, receive: Any, send: Any) -> None:
            inside = guard_app(fine, Tokens(list(tokens)), ServeSettings())
            await inside({**outer, **scope}, receive, send)

        start_, said = ask(start)
        return start_["status"], start_["headers"], json.loads(said["body"])["error"]

    status, headers, error = refused(Token.of("another-token", "t"))
    assert status == 401 and (b"www-authenticate", b"Bearer") in headers
    assert error["message"] == (
        "a valid bearer token is needed: send the header Authorization: Bearer TOKEN"
    )
    status, _, error = refused(Token.of(TOKEN, "labeller", ["label"]))
    assert status == 403 and error["message"] == "the token 'labeller' may not ask models"
    for path, method, want in (("/health", "GET", 200), ("/ready", "HEAD", 200),
                               ("/health", "POST", 401), ("/healthy", "GET", 401)):  # fmt: skip
        scope = {"path": path, "method": method, "headers": []}

        async def start(outer: Any, receive: Any, send: Any, scope: Any = scope) -> None:
            inside = guard_app(fine, Tokens([]), ServeSettings())
            await inside({**outer, **scope}, receive, send)

        assert ask(start)[0]["status"] == want


def test_a_client_that_went_away_has_a_code_of_its_own() -> None:
    half = {"type": "http.request", "body": b"{", "more_body": True}
    _, said = ask(fine, half, method="POST", headers=JSON_OF_SEVEN)[:2]
    error = json.loads(said["body"])["error"]
    assert error["code"] == "client_closed_request"
    assert error["message"] == "the client closed the connection"


def test_a_refusal_of_our_own_is_no_fault_for_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def busy(scope: Any, receive: Any, send: Any) -> None:
        raise ApiError(503, "no answer in time", code="timeout")

    off = ServeSettings(access_log=False)
    assert ask(busy, settings=off)[0]["status"] == 503 and not caplog.messages
