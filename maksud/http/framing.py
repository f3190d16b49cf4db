"""What frames a request on the wire: its version, its length, and what a body may have beside it.

h11 reads what the standard allows. Here is what it allows and a server must not take: a request
that says its length in two ways, by which one request is smuggled inside another (RFC 9112 §6.1),
a version that is none of ours, and bodies whose chunks are nearly all frame. A chunk of one byte
costs as much work as one of 16 KiB, and h11 throws extensions and trailers away, however long.
"""

from __future__ import annotations

from typing import Any

import h11
from h11._connection import DEFAULT_MAX_INCOMPLETE_EVENT_SIZE

FRAME_BYTES = 4 << 10
"""What a body may have beside its content (sizes of chunks, extensions, trailers), in bytes …"""
FRAME_SHARE = 4
"""… and one byte more for each so many bytes of content."""
_FRAMING = frozenset({b"connection", b"expect", b"upgrade"})
"""Lines of a request by which its answer, or the connection after it, is another."""
_LEAST = 5
"""Bytes of the shortest frame of a chunk: a digit and twice the end of a line."""


class Refused(h11.RemoteProtocolError):  # type: ignore[misc]
    """A request whose frame is refused: status and code of the answer, after which it is over."""

    def __init__(self, status: int, message: str, code: str) -> None:
        super().__init__(message, error_status_hint=status)
        self.code = code


class Framing(h11.Connection):  # type: ignore[misc]
    """The server's side of h11's connection, which raises `Refused` as well.

    `most`: bytes of the largest header.
    """

    def __init__(self, most: int | None = None) -> None:
        super().__init__(h11.SERVER, most or DEFAULT_MAX_INCOMPLETE_EVENT_SIZE)
        self._came = 0
        self._content = 0
        self._chunks = 0
        self._plain = False
        self._method = b""

    def receive_data(self, data: bytes) -> None:
        """See h11."""
        self._came += len(data)
        super().receive_data(data)

    def next_event(self) -> Any:
        """See h11."""
        event = super().next_event()
        if isinstance(event, h11.Data):
            self._content += len(event.data)
            self._chunks += event.chunk_start
            self._check(self._chunks * _LEAST)
        elif isinstance(event, h11.Request):
            self._method = event.method  # here: a request that is refused has one, too
            check_request(event)
            self._plain = is_plain(event)
            self._came, self._content, self._chunks = len(self.trailing_data[0]), 0, 0
        elif isinstance(event, h11.EndOfMessage):
            if self._chunks:
                self._check(self._came - self._content - len(self.trailing_data[0]))
        elif event is h11.NEED_DATA and self.their_state is h11.SEND_BODY:
            self._check(self._came - self._content)
        return event

    @property
    def awaits_no_body(self) -> bool:
        """Whether the answer that is to come next must have no body."""
        return self._method == b"HEAD" and self.our_state is h11.SEND_RESPONSE

    @property
    def awaits_plain(self) -> bool:
        """Whether a request of the common kind came whole, and the answer to it is all to come."""
        states = self._cstate.states
        return (
            self._plain
            and states[h11.CLIENT] is h11.DONE
            and states[h11.SERVER] is h11.SEND_RESPONSE
        )

    def count_answered(self) -> None:
        """Goes on as after an answer to such a request, which was sent whole without h11."""
        self._cstate.process_event(h11.SERVER, h11.Response)
        self._cstate.process_event(h11.SERVER, h11.EndOfMessage)

    def _check(self, frame: int) -> None:
        if frame > FRAME_BYTES + self._content // FRAME_SHARE:
            raise Refused(
                400,
                "the body's chunks are too small, or their extensions or trailers too long",
                "invalid_http",
            )


def is_plain(request: h11.Request) -> bool:
    """Whether nothing but its length frames the answer, and the connection stays open after it."""
    return (
        request.http_version == b"1.1"
        and request.method in (b"GET", b"POST")
        and not any(name in _FRAMING for name, _ in request.headers)
    )


def check_request(request: h11.Request) -> None:
    """Raises `Refused` for a version that is not ours, and for a length said in two ways."""
    if request.http_version not in (b"1.0", b"1.1"):
        raise Refused(505, "only HTTP/1.1 and HTTP/1.0 are spoken here", "invalid_http")
    names = [name for name, _ in request.headers]
    if b"transfer-encoding" in names:
        if b"content-length" in names:
            raise Refused(
                400, "Content-Length and Transfer-Encoding exclude each other", "invalid_http"
            )
        if request.http_version == b"1.0":
            raise Refused(400, "HTTP/1.0 has no Transfer-Encoding", "invalid_http")
