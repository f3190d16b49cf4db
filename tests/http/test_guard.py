"""Who and what may come in. Each test here fails when the defence that it names is removed."""

import asyncio
import itertools
import json
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from serving_server import TOKEN, Live, Scripted, chat, request, running

from maksud.errors import SettingsError
from maksud.http.api_error import ApiError
from maksud.http.guard import PUBLIC, guarded
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
    app = guarded(inside, Tokens([Token.of(TOKEN, "t")]), ServeSettings())
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
    inside = guarded(app, Tokens([Token.of(TOKEN, "t")]), settings or ServeSettings())
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

    inside = guarded(broken, Tokens([Token.of(TOKEN, "t")]), ServeSettings(max_requests=1))
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
