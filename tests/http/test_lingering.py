"""The transport under an answer: sent in one piece, and closed so that it is seen."""

import asyncio
from typing import Any

from maksud.http.lingering import LINGER_BYTES, LingeringTransport

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


class Wire(asyncio.Transport):
    """Keeps what was done with it."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[Any] = []

    def write(self, data: Any) -> None:
        self.done.append(bytes(data))

    def close(self) -> None:
        self.done.append("close")

    def abort(self) -> None:
        self.done.append("abort")

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.done.append("eof")

    def resume_reading(self) -> None:
        self.done.append("read")

    def is_closing(self) -> bool:
        return "close" in self.done


class Loop:
    """Runs nothing later."""

    def call_later(self, *_: Any) -> None:
        return


def transport(wire: Wire, coming: bool = False) -> LingeringTransport:
    return LingeringTransport(wire, Loop(), lambda: coming)  # type: ignore[arg-type]


def test_a_whole_answer_is_not_held_back_however_it_ends() -> None:
    wire = Wire()
    made = transport(wire)
    made.write_whole(HEAD)
    assert wire.done == [HEAD]


def test_nothing_is_sent_after_the_last_answer() -> None:
    wire = Wire()
    made = transport(wire, coming=True)
    made.close()
    made.write_whole(HEAD)
    assert wire.done == ["eof", "read"]


def test_an_answer_is_one_piece() -> None:
    wire = Wire()
    made = transport(wire)
    made.write(HEAD)
    made.write(b"ok")
    made.write(b"")
    made.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert wire.done == [HEAD + b"ok", b"", b"HTTP/1.1 100 Continue\r\n\r\n"]


def test_a_head_alone_is_sent_before_the_end() -> None:
    wire = Wire()
    made = transport(wire)
    made.write(HEAD)
    made.close()
    assert wire.done == [HEAD, "close"]


def test_where_a_request_still_comes_it_is_thrown_away_up_to_a_point() -> None:
    wire = Wire()
    made = transport(wire, coming=True)
    made.write(HEAD)
    made.close()
    assert wire.done == [HEAD, "eof", "read"] and made.lingers and made.is_closing()
    made.write(b"more")
    made.throw_away(LINGER_BYTES)
    assert wire.done == [HEAD, "eof", "read"]
    made.throw_away(1)
    assert wire.done[-1] == "abort"
