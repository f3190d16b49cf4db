"""What the tests of the server share: a recognizer that does as it is told, a real server in a
thread, and HTTP over a plain socket for what no client would send."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import numpy as np

from maksud.errors import TooLongError
from maksud.http.tokens import Token, Tokens
from maksud.language.calls import parse_calls
from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.recognizers.contract import Contract
from maksud.recognizers.recognition import Proposal, Recognizer, Usage, Vector
from maksud.serving.app import Front, ServeSettings, bind, server_of

TOKEN = "mk-a-token-of-the-tests"

CATALOG = Catalog(
    (
        Intent("play_music", parameters=(Parameter("song"),), positional=True),
        Intent(
            "return_goods",
            parameters=(Parameter("order", required=True, question="Nomor pesanannya berapa?"),),
        ),
    )
)


class Scripted(Recognizer):
    """Answers with the utterance itself where it reads as calls, else `play_music(utterance)`.

    What says "endless" is beyond its context.

    `on`: called with every batch before it is answered; what it raises, the model raises. `gate`:
    nothing is answered while it is closed.
    """

    kind = "scripted"
    dim = 3

    def __init__(
        self, name: str = "scripted", on: Callable[[Sequence[str]], None] | None = None
    ) -> None:
        super().__init__(name, Contract(CATALOG))
        self.on = on
        self.gate = threading.Event()
        self.gate.set()
        self.batches: list[list[str]] = []

    def check(self, utterances: Sequence[str]) -> None:
        if any("endless" in u for u in utterances):
            raise TooLongError("the prompt has 900 tokens: the model's context is 512")

    def propose(self, utterances: Sequence[str]) -> list[Proposal]:
        self.batches.append(list(utterances))
        self.gate.wait(30)
        if self.on is not None:
            self.on(utterances)
        return [self._answer(u) for u in utterances]

    def represent(self, utterances: Sequence[str]) -> list[Vector]:
        """Characters, words, and a tenth: which has no exact number of 32 bits."""
        self.propose(utterances)
        sizes = [(len(u), len(u.split())) for u in utterances]
        return [Vector(np.array([n, w, 0.1], np.float32), Usage(w)) for n, w in sizes]

    def propose_within(
        self, utterances: Sequence[str], allowed: Sequence[Collection[str] | None]
    ) -> list[Proposal]:
        """`none()`, else an empty call of the first that is allowed, in place of another."""
        out = []
        for proposal, names in zip(self.propose(utterances), allowed, strict=True):
            if names is not None and not all(c.intent in names for c in proposal.calls):
                first = "none" if "none" in names else min(names)
                proposal = replace(proposal, calls=parse_calls(f"{first}()"))
            out.append(proposal)
        return out

    def _answer(self, utterance: str) -> Proposal:
        calls = utterance if utterance.endswith(")") else f"play_music({json.dumps(utterance)})"
        words = len(utterance.split())
        return Proposal(parse_calls(calls), (0.0,), usage=Usage(words, 1))


@dataclass
class Live:
    """A running server."""

    port: int
    front: Front
    token: str = TOKEN
    clients: list[httpx.Client] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, token: str | None = TOKEN) -> httpx.Client:
        """An HTTP client that keeps its connection, with the token unless told otherwise."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        made = httpx.Client(base_url=self.url, headers=headers, timeout=30, trust_env=False)
        self.clients.append(made)
        return made

    def send(self, *parts: bytes, wait: float = 20) -> Reply:
        """Sends bytes as they are on a connection of its own, and reads until it is closed."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as connection:
            for part in parts:
                connection.sendall(part)
            return read_reply(connection)


@dataclass(frozen=True)
class Reply:
    """The first response on a connection, and whether the server closed it afterwards."""

    status: int
    headers: dict[str, str]
    body: bytes
    closed: bool

    @property
    def error(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.body)["error"]
        return content


def read_reply(connection: socket.socket) -> Reply:
    data = b""
    closed = False
    try:
        while chunk := connection.recv(65536):
            data += chunk
        closed = True
    except TimeoutError:
        closed = False
    except ConnectionResetError:
        closed = True
    if not data:
        return Reply(0, {}, b"", closed)
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
    return Reply(int(first.split()[1]), headers, body, closed)


def request(
    method: str = "GET",
    path: str = "/v1/models",
    *lines: str,
    token: str | None = TOKEN,
    host: str = "127.0.0.1",
    body: bytes = b"",
) -> bytes:
    """A request as bytes; it asks for the connection to be closed."""
    head = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close"]
    if token:
        head.append(f"Authorization: Bearer {token}")
    if body:
        head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, *lines, "", ""]).encode("latin-1") + body


@contextmanager
def running(
    *recognizers: Recognizer, tokens: Tokens | None = None, **settings: Any
) -> Iterator[Live]:
    """A server of the recognizers on a free port, in a thread."""
    chosen = ServeSettings(**{"port": 0, "access_log": False, **settings})
    front = Front(recognizers or [Scripted()], chosen)
    server = server_of(front, tokens or Tokens([Token.of(TOKEN, "test")]), chosen)
    with bind(chosen) as listener:
        live = Live(listener.getsockname()[1], front)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield live
        finally:
            for client in live.clients:
                client.close()
            for lane in front.lanes.values():
                if isinstance(lane.recognizer, Scripted):
                    lane.recognizer.gate.set()
            server.should_exit = True
            thread.join(30)
            assert not thread.is_alive()


def chat(text: str, model: str = "scripted", **more: Any) -> dict[str, Any]:
    """The body of a chat request with one user message."""
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}
