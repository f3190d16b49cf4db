"""Closing a connection whose request still comes, so that its sender sees the answer.

A socket that is closed with bytes unread resets the connection, and the answer on its way is lost
(RFC 9112 §9.6). So the sending side is closed first, and what comes is thrown away, unparsed, for
a short time and up to a point; then the connection is closed, whatever still comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

LINGER_BYTES = 16 << 20
"""Bytes that are thrown away, at most."""
LINGER_SECONDS = 2.0
"""Time that its sender has to read the answer and close."""


class LingeringTransport(asyncio.Transport):
    """A transport whose `close` lingers where `is_coming` says that more of a request comes.

    Then it counts as closing, `lingers` is true, and what comes is to be given to `throw_away`.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        is_coming: Callable[[], bool],
    ) -> None:
        super().__init__()
        self.lingers = False
        self._transport = transport
        self._loop = loop
        self._is_coming = is_coming
        self._left = LINGER_BYTES
        self._head = b""

    def close(self) -> None:
        """Closes at once, or after what still comes; a second call closes at once."""
        inner = self._transport
        self._send_head()
        if self.lingers or inner.is_closing() or not self._is_coming():
            inner.close()
            return
        self.lingers = True
        try:
            if inner.can_write_eof():  # TLS can't close one side alone
                inner.write_eof()
        except OSError:  # the other side has left
            inner.abort()
            return
        inner.resume_reading()
        self._loop.call_later(LINGER_SECONDS, inner.close)

    def throw_away(self, size: int) -> None:
        """Counts what came while lingering, and ends it where that is too much."""
        self._left -= size
        if self._left < 0:
            self._transport.abort()

    def write(self, data: Any) -> None:
        """Sends; the head of an answer together with what follows it, which is there already.

        One call of the system less for each answer is a fifth of its cost.
        """
        if self.lingers:  # nothing is sent after the answer
            return
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(b"HTTP/1.1 ") and data[9:10] != b"1" and data.endswith(b"\r\n\r\n"):
            self._head = data
            return
        self._transport.write(data)

    def write_whole(self, data: bytes) -> None:
        """Sends a whole answer, of which nothing is held back."""
        if not self.lingers:
            self._send_head()
            self._transport.write(data)

    def _send_head(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)

    def is_closing(self) -> bool:
        return self.lingers or self._transport.is_closing()

    def abort(self) -> None:
        self._transport.abort()

    def pause_reading(self) -> None:
        if not self.lingers:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)
