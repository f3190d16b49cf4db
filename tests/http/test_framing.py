"""What a request has on the wire beside its content: how much work it may make, and for whom."""

import json
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest
from serving_server import TOKEN, Live, chat, request, running

from maksud.http.connection import READ
from maksud.http.framing import FRAME_BYTES, Framing
from maksud.http.settings import ServeSettings

BODY = json.dumps(chat("putar lagu")).encode()
HEAD = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
KNOWN = f"Authorization: Bearer {TOKEN}\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with running() as server:
        yield server


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Bytes of each read that was parsed, and 0 for each event that came of it."""
    done: list[int] = []
    receive, following = Framing.receive_data, Framing.next_event

    def receive_data(self: Framing, data: bytes) -> None:
        done.append(len(data))
        receive(self, data)

    def next_event(self: Framing) -> Any:
        done.append(0)
        return following(self)

    monkeypatch.setattr(Framing, "receive_data", receive_data)
    monkeypatch.setattr(Framing, "next_event", next_event)
    return done


def cut_into(size: int, body: bytes) -> bytes:
    pieces = [body[k : k + size] for k in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"


def send_until_cut_off(port: int, head: str, piece: bytes) -> bytes:
    """Sends a head, and pieces until the server closes; what it answered."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(head.encode())
        try:
            while True:
                connection.sendall(piece)
        except OSError:
            pass
        try:
            return connection.recv(1 << 16)
        except OSError:  # the answer was lost in the reset, after more than is thrown away
            return b""


def test_bytes_in_chunks_of_one_are_not_read_without_a_token(live: Live, work: list[int]) -> None:
    """4 MB a connection, and more: after the 401 nothing of it is parsed."""
    piece = b"1\r\n \r\n" * 10_000
    senders = [
        threading.Thread(target=send_until_cut_off, args=(live.port, HEAD + CHUNKED, piece))
        for _ in range(4)
    ]
    for sender in senders:
        sender.start()
    assert live.client(None).get("/health").status_code == 200
    for sender in senders:
        sender.join()
    # A head may come together with the first of the body, and a read with the one before it.
    assert sum(work) <= 4 * 3 * READ + 1000
    assert work.count(0) <= 4 * (FRAME_BYTES + 1000)


def test_bytes_in_chunks_of_one_are_refused_with_a_token(live: Live, work: list[int]) -> None:
    reply = live.send((HEAD + KNOWN + CHUNKED).encode() + b"1\r\n \r\n" * 50_000, wait=60)
    assert reply.status == 400 and reply.closed
    assert reply.error["code"] == "invalid_http" and "chunks are too small" in str(reply.error)
    assert work.count(0) <= FRAME_BYTES // 4  # one for five bytes, and its share of the content


def test_a_turn_of_the_loop_reads_little(live: Live, work: list[int]) -> None:
    """So a body of any form is read in turns with all others."""
    body = json.dumps({"utterance": "x", "more": "y" * 900_000}).encode()
    assert live.send(request("POST", "/v1/recognize", body=body)).status == 200
    assert sum(work) > 900_000 and max(work) <= READ


@pytest.mark.parametrize("size", [20, 64, 1000])
def test_small_chunks_as_clients_send_them_are_read(live: Live, size: int) -> None:
    body = json.dumps({"utterances": [f"putar lagu nomor {k}" for k in range(100)]}).encode()
    head = HEAD.replace("chat/completions", "recognize") + KNOWN + "Connection: close\r\n" + CHUNKED
    assert live.send(head.encode() + cut_into(size, body)).status == 200


def test_pieces_of_a_json_encoder_are_read(live: Live) -> None:
    pieces = [p.encode() for p in json.JSONEncoder().iterencode(chat("putar lagu"))]
    assert min(map(len, pieces)) < 5
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"
    head = HEAD + KNOWN + "Connection: close\r\n" + CHUNKED
    assert live.send(head.encode() + chunks).status == 200


def test_short_extensions_and_trailers_are_read_over(live: Live) -> None:
    body = b"%x;name=value\r\n%s\r\n0\r\nX-Sum: 12\r\n\r\n" % (len(BODY), BODY)
    head = HEAD + KNOWN + "Connection: close\r\n" + CHUNKED
    assert live.send(head.encode() + body).status == 200


LONG = b"x" * 10_000


@pytest.mark.parametrize(
    "body",
    [
        b"%x;%s\r\n%s\r\n0\r\n\r\n" % (len(BODY), LONG, BODY),
        b"%x;%s" % (len(BODY), LONG * 2),
        b"1;%s\r\n \r\n" % (b"x" * 100) * 300,
        b"%x\r\n%s\r\n0\r\nX-A: %s\r\n\r\n" % (len(BODY), BODY, LONG),
        b"%x\r\n%s\r\n0\r\n%s" % (len(BODY), BODY, b"X-A: b\r\n" * 3000),
        b"%x\r\n%s\r\n0;%s\r\n\r\n" % (len(BODY), BODY, LONG),
    ],
    ids=["extension", "endless extension", "extensions", "trailer", "endless trailer", "last"],
)
def test_long_extensions_and_trailers_are_refused(live: Live, body: bytes) -> None:
    reply = live.send((HEAD + KNOWN + CHUNKED).encode() + body)
    assert (reply.status, reply.closed) == (400, True)
    assert reply.error["code"] == "invalid_http"
    assert live.client().get("/health").status_code == 200


@pytest.mark.parametrize("version", ["9.9", "0.9", "1.2", "2.0"])
def test_other_versions_are_refused(live: Live, version: str) -> None:
    reply = live.send(f"GET /health HTTP/{version}\r\nHost: x\r\n\r\n".encode())
    assert (reply.status, reply.closed) == (505, True)
    assert reply.error["code"] == "invalid_http"


def test_http_1_0_is_spoken(live: Live) -> None:
    assert live.send(b"GET /health HTTP/1.0\r\n\r\n").status == 200


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 4", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 4"),
        ("transfer-encoding: Chunked", "content-length: 0"),
    ],
)
def test_a_length_said_in_two_ways_closes(live: Live, lines: tuple[str, ...]) -> None:
    """RFC 9112 §6.1: a proxy before us may have read another length, and the rest as a request."""
    inside = request("GET", "/health")
    head = "\r\n".join(["POST /health HTTP/1.1", "Host: x", KNOWN.strip(), *lines, "", ""])
    reply = live.send(head.encode() + b"0\r\n\r\n" + inside)
    assert (reply.status, reply.closed) == (400, True)
    assert b"HTTP/1.1 " not in reply.body


def test_chunks_in_http_1_0_close(live: Live) -> None:
    head = HEAD.replace("HTTP/1.1", "HTTP/1.0") + KNOWN + CHUNKED
    reply = live.send(head.encode() + cut_into(100, BODY))
    assert (reply.status, reply.closed) == (400, True)


@pytest.mark.parametrize("token", ["wrong", TOKEN])
def test_who_sends_all_before_reading_sees_the_refusal(live: Live, token: str) -> None:
    """The connection ends, and is not reset while the answer is on its way."""
    asked = request("POST", "/v1/recognize", token=token, body=b" " * 3_000_000)
    with socket.create_connection(("127.0.0.1", live.port), timeout=30) as connection:
        connection.sendall(asked)
        came = b""
        while part := connection.recv(1 << 16):  # a reset raises
            came += part
    assert came.startswith(b"HTTP/1.1 413" if token == TOKEN else b"HTTP/1.1 401")
    assert b"connection: close" in came.lower()


def test_a_flood_of_header_lines_sees_its_answer(live: Live) -> None:
    reply = live.send(b"GET /health HTTP/1.1\r\nHost: x\r\n" + b"X-A: b\r\n" * 100_000)
    assert (reply.status, reply.closed) == (431, True)


def test_connections_without_a_token_are_not_kept_for_long() -> None:
    with running(header_seconds=1.0, keep_alive_seconds=300) as live:
        known = HTTPConnection("127.0.0.1", live.port, timeout=30)
        token = {"Authorization": f"Bearer {TOKEN}"}
        known.request("GET", "/v1/models", headers=token)
        assert known.getresponse().read()
        known.request("GET", "/health")  # it is known still: a proxy asks for many
        assert known.getresponse().read()
        for path in ("/v1/models", "/health"):
            asked = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"
            assert live.send(asked.encode()).closed
        assert known.sock is not None
        known.request("GET", "/v1/models", headers=token)
        assert known.getresponse().status == 200
        known.close()


def test_a_connection_is_kept_for_longer_than_clients_and_proxies_keep_theirs() -> None:
    """Else one asks on a connection that is being closed: Go keeps 90 s, nginx and AWS's 60 s,
    Azure's 240 s, Google's 600 s."""
    assert ServeSettings().keep_alive_seconds > 600
