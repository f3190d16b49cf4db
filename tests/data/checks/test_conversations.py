"""Replies between the turns of a row: none may close a turn."""

from typing import Any

import pytest
from checked import codes, found, only

from maksud.data.checks import check
from maksud.data.dataset import Dataset, Example, fold_turns
from maksud.language.catalog import Catalog, Intent, Parameter

TURNS = ["alarm", "jam 6", "pagi"]
CATALOG = Catalog(
    (
        Intent("set_alarm", parameters=(Parameter("time", required=True),)),
        Intent("lamp_on", parameters=(Parameter("room"),)),
    )
)


def row(replies: Any, turns: list[str] = TURNS) -> Example:
    about = {"turns": turns, "replies": replies}
    text = fold_turns(turns)
    return Example(text, "set_alarm(time=jam 6)", source="t", line=3, metadata=about)


def told(replies: Any, catalog: Catalog | None = CATALOG) -> set[str]:
    return codes([row(replies)], catalog) & {"W-CLOSED", "W-REPLIES"}


@pytest.mark.parametrize(
    "closing",
    [
        "lamp_on()",
        "lamp_on(room=dapur)",
        "none()",
        "set_alarm(time=jam 6)",
        "lamp_on()\nLampu menyala.",
        "none()\nMau apa?",
    ],
)
def test_a_reply_that_closes_a_turn(closing: str) -> None:
    assert told(["Jam berapa?", closing]) == {"W-CLOSED"}
    assert told([closing, "Jam berapa?"]) == {"W-CLOSED"}


@pytest.mark.parametrize(
    "open_",
    ["Jam berapa?", "", " ", "set_alarm()", "set_alarm()\nJam berapa?", "lamp_on()\nDi mana?"],
)
def test_a_reply_that_leaves_it_open(open_: str) -> None:
    assert told([open_, open_]) == set()


def test_a_statement_may_ask_for_what_is_required() -> None:
    assert told(["Sebutkan jamnya.", ""]) == set()
    assert told(["Sebutkan jamnya.", ""], None) == {"W-CLOSED"}
    assert told(["set_alarm()", ""], None) == {"W-CLOSED"}


def test_what_is_told() -> None:
    finding = only(found([row(["Jam berapa?", "lamp_on()"])]), "W-CLOSED")
    assert finding.place == "t:3" and finding.level == "warning"
    assert '"lamp_on()" closes the turn "jam 6"' in finding.message


def test_rows_without_replies_are_open() -> None:
    plain = Example("a. b", "f()", metadata={"turns": ["a", "b"]})
    assert not codes([plain, Example("a", "f()")]) & {"W-CLOSED", "W-REPLIES"}


@pytest.mark.parametrize("replies", [["Jam berapa?"], ["", "", ""], "Jam berapa?", [1, 2], None])
def test_replies_that_fit_no_turns(replies: Any) -> None:
    assert told(replies) == {"W-REPLIES"}


def test_replies_beside_a_single_turn() -> None:
    for replies, said in [([], False), (["a?"], True)]:
        about = {"replies": replies}
        assert ("W-REPLIES" in codes([Example("a", "f()", metadata=about)])) is said


def test_all_are_counted_and_few_are_kept() -> None:
    rows = [row(["lamp_on()", ""], ["alarm", f"jam {k}", "pagi"]) for k in range(30)]
    assert check(Dataset(rows), limit=5).codes["W-CLOSED"] == 30
