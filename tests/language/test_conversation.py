"""The turns of a conversation by what was said and what was replied to it."""

from typing import Any

import pytest

from maksud.language import conversation
from maksud.language.conversation import Exchange, Turn, list_exchanges

SAID, DONE, ASKED = Turn("user", "halo"), Turn("tool", ""), Turn("assistant", "Jam berapa?")


def test_exchanges_hold_what_was_said_and_what_was_replied_in_place() -> None:
    blank, rules = Turn("user", " "), Turn("system", "x")
    turns = [ASKED, SAID, blank, rules, SAID, ASKED, Turn("assistant", ""), DONE, blank, SAID]
    assert list_exchanges(turns) == [
        Exchange((1, 4), (5, 7), (ASKED, DONE)),
        Exchange((9,), (), ()),
    ]
    assert list_exchanges([ASKED, rules, blank]) == []
    assert list_exchanges([SAID], lambda text: "") == []


def test_many_messages_in_a_row_are_not_copied_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a request's messages may be of one exchange, and the server reads them in its loop."""
    made: list[Any] = []

    class Counted(Exchange):
        def __init__(self, *given: Any, **named: Any) -> None:
            made.append(given)
            super().__init__(*given, **named)

    monkeypatch.setattr(conversation, "Exchange", Counted)
    for turn in (SAID, DONE):
        made.clear()
        (exchange,) = list_exchanges([SAID, *[turn] * 300])
        assert len(exchange.said) + len(exchange.replied) == 301 and len(made) == 1
