"""The socket side: what can go wrong before there is a request.

uvicorn waits for ever for a header that never ends and for a client that does not read, and
answers broken HTTP in plain text. This protocol closes such connections, and answers in the
shape of every other error: 408 for a slow header, 431 for a large one, 400 for broken HTTP.

What a connection may cost is bounded too: a turn of the event loop reads `READ` bytes of it, and a
body in chunks may have little beside its content (`framing`). Where a connection is closed while
its request still comes, the answer is sent, and what comes is thrown away unparsed for a moment
(`lingering`), so that its sender gets to see the answer.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any, cast

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

from maksud.errors import SystemFault
from maksud.http.api_error import ApiError, new_id
from maksud.http.framing import Framing, Refused
from maksud.http.guard import CONNECTION, tell_gone
from maksud.http.lingering import LingeringTransport
from maksud.http.scope import KNOWN

UVICORN = "uvicorn>=0.35,<0.55"
"""The versions whose protocol class, which is private to uvicorn, is known to fit this module."""
NEEDED = (
    "connection_made", "data_received", "connection_lost", "pause_writing", "resume_writing",
    "send_400_response", "on_response_complete",
)  # fmt: skip
"""Methods of it that are overridden here: were one renamed, its defence would never be called."""
READ = 16 << 10
"""Bytes that are read from a connection in one turn of the event loop, at most: what they cost
is what everybody else waits for."""


def connection_class(header_seconds: float, send_seconds: float) -> type[asyncio.Protocol]:
    """The protocol with its limits: seconds for a whole header to arrive, and for a client to
    accept what is sent.

    Raises `SystemFault` for a uvicorn whose protocol lacks what is overridden here.
    """
    for name in NEEDED:
        if name not in vars(H11Protocol):  # asyncio's base class has most of them, empty
            raise SystemFault(
                f"uvicorn {uvicorn.__version__} has no H11Protocol.{name}, which guards "
                "connections here",
                hint=f"Install {UVICORN}",
            )
    limits = {"header_seconds": header_seconds, "send_seconds": send_seconds}
    return type("Connection", (_Connection,), limits)


class _Connection(H11Protocol, asyncio.BufferedProtocol):
    header_seconds: float
    send_seconds: float
    transport: LingeringTransport  # type: ignore[assignment]
    _stalled: asyncio.TimerHandle | None = None
    _deadline: asyncio.TimerHandle | None = None
    _heard = False
    _refused = False
    _known = False
    _room = bytearray()

    def __init__(self, config: uvicorn.Config, *args: Any, **more: Any) -> None:
        super().__init__(config, *args, **more)
        self.conn: Framing = Framing(config.h11_max_incomplete_event_size)
        self.app_state = {**self.app_state, CONNECTION: self}  # each scope has it as its state

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(LingeringTransport(transport, self.loop, self._is_coming))
        self._watch()

    def get_buffer(self, sizehint: int) -> bytearray:
        """Where asyncio puts what comes: its size bounds the work of one turn of the loop."""
        self._room = bytearray(READ)
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        """Called by asyncio when so many bytes of the buffer are filled."""
        data, self._room = bytes(memoryview(self._room)[:nbytes]), bytearray()
        self.data_received(data)

    def data_received(self, data: bytes) -> None:
        if self.transport.lingers:
            self.transport.throw_away(len(data))
            return
        self._heard = True
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_watch()
        self._unstall()
        super().connection_lost(exc)
        if self._is_asked():
            tell_gone(cast(dict[str, Any], self.cycle.scope))

    def pause_writing(self) -> None:
        super().pause_writing()
        # close() would wait for what is buffered to be read, abort() does not
        self._stalled = self.loop.call_later(self.send_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unstall()

    def on_response_complete(self) -> None:
        # Whoever has no token holds no connection for long. Who showed one once keeps it: a proxy
        # asks for many, and one that is closed first loses it the next request.
        seconds = self.config.timeout_keep_alive
        self._known = self._known or KNOWN in self.scope
        self.timeout_keep_alive = (
            seconds if self._known else min(seconds, round(self.header_seconds) or 1)
        )
        super().on_response_complete()

    def came_whole(self, scope: Any) -> bool:
        """Whether the whole body of a request is here already."""
        return self.cycle is not None and self.cycle.scope is scope and not self.cycle.more_body

    def send_whole(
        self, scope: Any, status: int, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> bool:
        """Sends a whole answer in one piece, and says whether it did.

        `headers` have the body's length. h11, which makes an event of every piece and looks at
        every line again, takes more time for it than the answer itself. It is left aside only
        where the answer can be no other than these lines and this body: else False, and nothing
        is sent.
        """
        cycle = self.cycle
        if (
            cycle is None
            or cycle.scope is not scope
            or cycle.response_started
            or cycle.disconnected
            or not cycle.keep_alive
            or not self.conn.awaits_plain
            or self.flow.write_paused
            or self.transport.is_closing()
        ):
            return False
        lines = [b"HTTP/1.1 %d %s" % (status, STATUS_PHRASES[status])]
        lines += [b"%s: %s" % line for line in (*self.server_state.default_headers, *headers)]
        head = b"\r\n".join(lines)
        if head.count(b"\n") >= len(lines) or head.count(b"\r") >= len(lines) or b"\0" in head:
            return False  # h11 refuses a line in which another hides
        self.transport.write_whole(b"%s\r\n\r\n%s" % (head, body))
        self.conn.count_answered()
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        cycle.on_response()
        return True

    def _is_asked(self) -> bool:
        """Whether there is a request that is not answered yet: `cycle` is its."""
        return self.cycle is not None and not self.cycle.response_complete

    def _is_coming(self) -> bool:
        """Whether more of a request comes that nobody will read."""
        return self._refused or self.conn.their_state is h11.SEND_BODY

    def _unstall(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def send_400_response(self, msg: str) -> None:
        """Called by uvicorn inside its handler of the error that h11 raised."""
        error = sys.exc_info()[1]
        if isinstance(error, Refused):
            self._refuse(error.error_status_hint, str(error), error.code)
        elif isinstance(error, h11.RemoteProtocolError) and error.error_status_hint == 431:
            self._refuse(431, "the request's header is too large", "header_too_large")
        else:
            self._refuse(400, "this is not valid HTTP/1.1", "invalid_http")

    def _watch(self) -> None:
        """One deadline for what comes before a request is whole enough to be answered.

        It runs from the first byte, and more bytes do not move it: a header, or what is left of
        a body that nobody read. Between requests uvicorn's keep-alive timer runs.
        """
        if self._is_asked():
            self._stop_watch()
        elif self._deadline is None and not self.transport.is_closing():
            self._deadline = self.loop.call_later(self.header_seconds, self._too_slow)

    def _stop_watch(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        if self._heard:
            seconds = f"{self.header_seconds:g} s"
            self._refuse(408, f"no whole request came within {seconds}", "request_timeout")
        else:
            self.transport.close()

    def _refuse(self, status: int, message: str, code: str) -> None:
        if self.transport.is_closing():
            return
        self._refused = True
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = ApiError(status, message, code=code).body()
            headers = [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(body)).encode()),
                (b"x-request-id", new_id("req_").encode()),
                (b"connection", b"close"),
            ]
            for event in (
                h11.Response(status_code=status, headers=headers),
                *([] if self.conn.awaits_no_body else [h11.Data(data=body)]),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
        if self._is_asked():
            self.cycle.disconnected = True  # whoever still reads the body is told
            self.cycle.message_event.set()
