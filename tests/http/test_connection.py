"""What arrives on a socket before there is a request, or never becomes one."""

import asyncio
import inspect
import json
import re
import socket
import threading
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from serving_server import TOKEN, Live, Reply, Scripted, chat, read_reply, request, running
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

from maksud.errors import SystemFault
from maksud.http.connection import NEEDED, UVICORN, _Connection, connection_class

ROOT = Path(__file__).parents[2]

BODY = json.dumps(chat("putar lagu")).encode()
POST = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
JSON = POST + "Content-Type: application/json\r\n"


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with running(header_seconds=1.5, body_seconds=1.5) as server:
        yield server


@pytest.fixture(scope="module")
def patient() -> Iterator[Live]:
    with running() as server:
        yield server


def dribble(live: Live, head: bytes, piece: bytes) -> Reply:
    """Sends a piece now and then, for as long as the server lets it."""
    with socket.create_connection(("127.0.0.1", live.port), timeout=20) as connection:
        connection.sendall(head)
        ended = threading.Event()

        def send() -> None:
            while not ended.wait(0.05):
                try:
                    connection.sendall(piece)
                except OSError:
                    return

        thread = threading.Thread(target=send)
        thread.start()
        try:
            return read_reply(connection)
        finally:
            ended.set()
            thread.join()


def test_a_silent_connection_is_closed(live: Live) -> None:
    reply = live.send()
    assert reply.closed and reply.status == 0


def test_a_header_that_never_ends_is_408(live: Live) -> None:
    reply = dribble(live, b"GET /health HTTP/1.1\r\nHost: x\r\n", b"X-A: b\r\n")
    assert reply.closed and reply.status == 408
    assert reply.error["code"] == "request_timeout"


def test_a_second_header_that_never_ends_closes_too(live: Live) -> None:
    whole = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    reply = dribble(live, whole + b"GET /health HTTP/1.1\r\n", b"X-A: b\r\n")
    assert reply.closed and reply.status == 200
    assert b" 408 " in reply.body


def test_a_body_that_never_ends_is_408(live: Live) -> None:
    head = JSON + "Content-Length: 5000\r\n\r\n{"
    reply = dribble(live, head.encode(), b" ")
    assert reply.closed and reply.status == 408
    assert reply.error["code"] == "request_timeout"


def test_a_body_that_nobody_reads_and_that_never_ends_closes(live: Live) -> None:
    head = b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n"
    reply = dribble(live, head, b"x")
    assert reply.closed and reply.status == 200


def test_others_are_served_meanwhile(live: Live) -> None:
    slow = [socket.create_connection(("127.0.0.1", live.port)) for _ in range(200)]
    try:
        for connection in slow:
            connection.sendall(b"GET /health HTTP/1.1\r\n")
        assert live.client().post("/v1/chat/completions", json=chat("x")).status_code == 200
        for connection in slow:
            connection.settimeout(20)
            assert read_reply(connection).closed
    finally:
        for connection in slow:
            connection.close()


def test_a_header_flood_is_431_and_bounded(patient: Live) -> None:
    with socket.create_connection(("127.0.0.1", patient.port), timeout=20) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n")
        sent = 0
        try:
            for _ in range(50):
                connection.sendall(b"X-Flood: " + b"x" * 100_000)
                sent += 1
        except OSError:
            pass
        reply = read_reply(connection)
    assert reply.closed and reply.status in (0, 431)  # 0: the answer was lost in the reset
    assert sent < 50 or reply.status == 431


def test_a_large_header_that_waits_for_its_answer_is_431(patient: Live) -> None:
    reply = patient.send(b"GET /health HTTP/1.1\r\nHost: x\r\nX-Big: " + b"x" * 40_000)
    assert reply.closed and reply.status == 431
    assert reply.error["code"] == "header_too_large"
    assert reply.headers["x-request-id"]


@pytest.mark.parametrize(
    "broken",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"hello\r\n\r\n",
        b"GET /health HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nBad Name: 1\r\n\r\n",
        b"GET / health HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
    ],
)
def test_what_is_not_http_is_400_in_the_shape_of_openai(patient: Live, broken: bytes) -> None:
    reply = patient.send(broken)
    assert reply.closed and reply.status in (400, 501)
    assert set(reply.error) == {"message", "type", "param", "code"}


def test_a_broken_chunk_ends_the_request(patient: Live) -> None:
    head = JSON + "Transfer-Encoding: chunked\r\n\r\n"
    reply = patient.send(head.encode() + b"5\r\n{....\r\nzz\r\n")
    assert reply.closed and reply.status == 400
    assert patient.client().get("/health").status_code == 200


CHUNKED_HEAD = request("HEAD", "/v1/models", "Transfer-Encoding: chunked")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (CHUNKED_HEAD + b"g\r\n", 400),  # found while its answer is made; the others before that
        (CHUNKED_HEAD.replace(b"chunked", b"chunked\r\nContent-Length: 1"), 400),
        (CHUNKED_HEAD.replace(b"HTTP/1.1", b"HTTP/1.0"), 400),
        (CHUNKED_HEAD.replace(b"HTTP/1.1", b"HTTP/1.2"), 505),
    ],
)
def test_a_broken_head_is_refused_without_a_body(
    patient: Live, caplog: pytest.LogCaptureFixture, sent: bytes, status: int
) -> None:
    """A body in an answer to HEAD is none of HTTP: what writes it raised, and nothing was sent."""
    reply = patient.send(sent)
    assert (reply.status, reply.body, reply.closed) == (status, b"", True)
    assert int(reply.headers["content-length"]) > 0
    assert not [r for r in caplog.records if r.levelname == "ERROR"]


def test_chunked_bodies_expect_and_keep_alive_work(patient: Live) -> None:
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
    first = JSON + "Transfer-Encoding: chunked\r\n\r\n"
    second = request("POST", "/v1/chat/completions", body=BODY)
    reply = patient.send(first.encode() + chunked + second)
    assert reply.status == 200 and reply.closed
    assert reply.body.count(b'"object":"chat.completion"') == 2

    with socket.create_connection(("127.0.0.1", patient.port), timeout=20) as connection:
        head = JSON + f"Content-Length: {len(BODY)}\r\nExpect: 100-continue\r\n"
        connection.sendall((head + "Connection: close\r\n\r\n").encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
        connection.sendall(BODY)
        assert read_reply(connection).status == 200


def test_expect_is_refused_before_the_body_is_sent(patient: Live) -> None:
    head = "POST /v1/recognize HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
    reply = patient.send((head + "Expect: 100-continue\r\n\r\n").encode())
    assert reply.status == 401 and reply.closed


def test_a_refused_body_is_read_away_only_up_to_a_point(patient: Live) -> None:
    """Its sender gets to see the answer; who goes on sending is cut off."""
    head = JSON.replace(TOKEN, "wrong") + "Transfer-Encoding: chunked\r\n\r\n"
    chunk = b"40000\r\n" + b" " * 0x40000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", patient.port), timeout=20) as connection:
        connection.sendall(head.encode() + chunk)
        assert connection.recv(100, socket.MSG_PEEK).startswith(b"HTTP/1.1 401")
        with pytest.raises(OSError):
            for _ in range(1024):  # 256 MiB
                connection.sendall(chunk)


def test_a_small_refused_body_keeps_the_connection(patient: Live) -> None:
    wrong = JSON.replace(TOKEN, "wrong") + f"Content-Length: {len(BODY)}\r\n\r\n"
    right = request("POST", "/v1/chat/completions", body=BODY)
    reply = patient.send(wrong.encode() + BODY + right)
    assert reply.status == 401 and b"HTTP/1.1 200" in reply.body


def test_who_does_not_read_the_answer_is_cut_off() -> None:
    class Wordy(Scripted):
        def propose(self, utterances):  # type: ignore[no-untyped-def]
            return super().propose([u * 100_000 for u in utterances])

    with running(Wordy(), send_seconds=0.5) as live:
        asked = json.dumps({"utterances": [f"{k:03}" for k in range(20)]}).encode()
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", live.port))
            connection.settimeout(20)
            connection.sendall(request("POST", "/v1/recognize", body=asked))
            assert connection.recv(100, socket.MSG_PEEK).startswith(b"HTTP/1.1 200")
            time.sleep(1.5)  # reads nothing
            got = 0
            try:
                while part := connection.recv(1 << 20):
                    got += len(part)
            except ConnectionResetError:
                pass
            assert got < 10_000_000  # of 12 million
        assert live.client().get("/health").status_code == 200


@pytest.mark.parametrize(
    "asked",
    [
        b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n",
        b"HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /health HTTP/1.0\r\n\r\n",
        request("POST", "/v1/recognize", body=b'{"utterance": "putar Hampa"}'),
        request("POST", "/v1/recognize", body=b"{"),
    ],
)
def test_an_answer_sent_whole_is_the_one_that_h11_writes(
    asked: bytes, patient: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second request on the connection shows that h11 knows of the answer to the first."""

    def received() -> bytes:
        with socket.create_connection(("127.0.0.1", patient.port), timeout=20) as connection:
            end = b"GET /ends HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            connection.sendall(asked + end)
            got = b"".join(iter(lambda: connection.recv(1 << 16), b""))
        return re.sub(rb"(date|x-request-id): [^\r]*", rb"\1", got)

    ours = received()
    monkeypatch.setattr(_Connection, "send_whole", lambda *_: False)
    assert ours == received()
    assert ours.count(b"HTTP/1.1 ") == (1 if b"close" in asked or b"/1.0" in asked else 2)


def test_a_line_in_which_another_hides_is_left_to_h11(patient: Live) -> None:
    sent: list[bool] = []
    before = _Connection.send_whole

    def send_whole(self: Any, scope: Any, status: int, headers: Any, body: bytes) -> bool:
        hidden = [*headers, (b"x-a", b"b\r\nx-c: d")]
        sent.append(before(self, scope, status, hidden, body))
        return before(self, scope, status, headers, body)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Connection, "send_whole", send_whole)
        reply = patient.client().get("/health")
    assert sent == [False] and reply.status_code == 200 and "x-c" not in reply.headers


# ---------------------------------------------------------------- what we need of uvicorn


@pytest.mark.parametrize("member", NEEDED)
def test_a_uvicorn_without_what_we_need_does_not_serve(
    member: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its class is private: a renamed method would leave a defence that is never called."""
    monkeypatch.delattr(H11Protocol, member)
    with pytest.raises(SystemFault, match=rf"H11Protocol\.{member}.*uvicorn>="):
        connection_class(1, 1)


def test_uvicorn_is_the_one_that_this_was_written_for() -> None:
    """Fails with the name that is missing when another uvicorn is tried: see `connection`."""
    needs = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert UVICORN in needs["project"]["optional-dependencies"]["serve"]

    async def made() -> H11Protocol:
        config = uvicorn.Config(lambda scope: None, lifespan="off")
        return connection_class(1, 1)(config, ServerState(), {})  # type: ignore[call-arg,return-value]

    connection = asyncio.run(made())
    for member in ("loop", "conn", "transport", "cycle", "flow", "server_state", "app_state"):
        assert hasattr(connection, member), f"uvicorn's H11Protocol has no {member} any more"
    made_with = inspect.getsource(RequestResponseCycle.__init__)
    for member in ("response_started", "response_complete", "keep_alive", "on_response"):
        assert f"self.{member} =" in made_with, member
    handler = inspect.getsource(H11Protocol.handle_events)
    assert "self.send_400_response(" in handler, "broken HTTP would be answered in plain text"
    for member in NEEDED:
        ours = getattr(type(connection), member)
        theirs = inspect.signature(getattr(H11Protocol, member))
        assert list(inspect.signature(ours).parameters) == list(theirs.parameters), member
