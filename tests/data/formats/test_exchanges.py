"""What a conversation teaches is what serving reads of it: one rule for both."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import Scripted

from maksud.data.dataset import Dataset, Example, fold_turns
from maksud.data.formats.base import Writing
from maksud.data.formats.parts.exchanges import (
    Message,
    Said,
    list_messages,
    list_replies,
    part_conversation,
)
from maksud.language.calls import parse_calls
from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.language.conversation import FURTHEST, Turn
from maksud.recognizers.conversation import follow
from maksud.recognizers.recognition import Proposal

CATALOG = Catalog(
    (
        Intent("set_alarm", parameters=(Parameter("time", required=True, question="Jam berapa?"),)),
        Intent("lamp_on", parameters=(Parameter("room"),)),
    )
)


def user(text: str) -> Message:
    return Message("user", text)


def assistant(text: str, calls: str = "") -> Message:
    return Message("assistant", text, calls)


TOOL = Message("tool", "ok")


def teach(*messages: Message, catalog: Catalog | None = CATALOG) -> list[tuple[str, str]]:
    return [(s.instruction, s.output) for s in part_conversation(messages, catalog, False)]


def whole(*messages: Message) -> list[Said]:
    return part_conversation(messages, CATALOG, False)


@pytest.mark.parametrize(
    "closing",
    [
        (assistant("lamp_on()"),),
        (assistant("", "lamp_on()"),),
        (assistant("", "lamp_on()"), TOOL, assistant("Sudah menyala. Ada lagi?")),
        (assistant("lamp_on()"), assistant("Lampu menyala.")),
        (assistant("none()"), assistant("Mau apa?")),
    ],
)
def test_a_closed_exchange_is_an_example_of_its_own(closing: tuple[Message, ...]) -> None:
    found = teach(user("lampu"), *closing, user("alarm jam 6"), assistant("set_alarm(time=jam 6)"))
    answer = "none()" if closing[0].text == "none()" else "lamp_on()"
    assert found == [("lampu", answer), ("alarm jam 6", "set_alarm(time=jam 6)")]


def test_what_is_open_folds_with_its_replies() -> None:
    first, last = whole(
        user("alarm"), assistant("", "set_alarm()"), user("jam 6"), assistant("Pagi?"), user("ya"),
        assistant("", "set_alarm(time=jam 6)"),
    )  # fmt: skip
    assert (first.instruction, first.output, first.metadata) == ("alarm", "set_alarm()", {})
    assert (last.instruction, last.output) == ("alarm. jam 6. ya", "set_alarm(time=jam 6)")
    assert last.metadata == {"turns": ["alarm", "jam 6", "ya"], "replies": ["set_alarm()", "Pagi?"]}


def test_calls_and_the_question_beside_them_are_one_reply() -> None:
    asked = assistant("Ruang mana?", "lamp_on()")
    *_, last = whole(user("lampu"), asked, user("dapur"), assistant("lamp_on(room=dapur)"))
    assert last.metadata["replies"] == ["lamp_on()\nRuang mana?"]


def test_a_statement_closes_where_nothing_is_required() -> None:
    talk = (user("hai"), assistant("Hai."), user("lampu"), assistant("lamp_on()"))
    assert teach(*talk, catalog=None) == [("lampu", "lamp_on()")]
    # With something required it may have asked for that: nobody said what the answer was.
    assert teach(*talk) == [("hai. lampu", "lamp_on()")]


def test_neighbours_are_one_turn_and_blank_ones_are_read_over() -> None:
    found = whole(user("lampu"), user(" "), user("dapur"), assistant("lamp_on(room=dapur)"))
    assert [(s.instruction, s.metadata) for s in found] == [
        ("lampu. dapur", {"turns": ["lampu", "dapur"]})
    ]


def test_what_is_not_to_be_learned_closes_all_the_same() -> None:
    passed = Message("assistant", "lamp_on()", is_taught=False)
    assert teach(user("lampu"), passed, user("alarm"), assistant("set_alarm()")) == [
        ("alarm", "set_alarm()")
    ]
    last = Message("assistant", "lamp_on()", is_taught=False)
    assert teach(user("lampu"), last) == [("lampu", "lamp_on()")]


def test_words_behind_an_answer_are_its_reply() -> None:
    (said,) = whole(user("lampu"), assistant("lamp_on()"), assistant("Menyala."))
    assert (said.output, said.metadata) == ("lamp_on()", {"reply": "Menyala."})


# ---------------------------------------------------------------- the same as serving


class Waiting(Scripted):
    """Finds each utterance in scope and lacking something: nothing is closed by it."""

    def __init__(self) -> None:
        super().__init__({}, CATALOG)

    def propose(self, utterances: Sequence[str]) -> list[Proposal]:
        return [Proposal(parse_calls("set_alarm()"), (len(u) / 100,)) for u in utterances]


def served(messages: Sequence[Message]) -> str:
    """The utterance that serving asks for at the end of a conversation, with what is open."""
    turns = [Turn(m.role, m.text, parse_calls(m.calls) if m.calls else ()) for m in messages]
    recognizer = Waiting()
    steps = follow(recognizer.contract, turns)
    asked = next(steps)
    while True:
        try:
            asked = steps.send(recognizer.recognize(asked.utterances))
        except StopIteration:
            return is_read(asked.utterances[0])


def is_read(utterance: str) -> str:
    """The form that models read, in training as in serving: blanks are one."""
    return Waiting().contract.read(utterance).text


SAYINGS = st.sampled_from(["alarm", "jam 6?", "nyalakan lampu", "halo", " ", "alarm  jam 7"])
REPLIES = st.sampled_from(
    [
        (assistant("Jam berapa?"),),
        (assistant("Baik."),),
        (assistant("lamp_on()"),),
        (assistant("set_alarm()"),),
        (assistant("none()"),),
        (assistant("Ruang mana?", "lamp_on()"),),
        (assistant("", "set_alarm()"),),
        (assistant("", "set_alarm()"), TOOL),
        (assistant("", "lamp_on()"), TOOL, assistant("Menyala.")),
        (assistant(""),),
        (),
    ]
)


@st.composite
def talks(draw: st.DrawFn, most: int = FURTHEST + 3) -> list[Message]:
    """A conversation that ends in an answer."""
    made: list[Message] = []
    for said, replies in draw(st.lists(st.tuples(SAYINGS, REPLIES), max_size=most)):
        made += [user(said), *replies]
    return [*made, user("lampu"), assistant("lamp_on()")]


@given(talks())
def test_training_reads_what_serving_reads(talk: list[Message]) -> None:
    found = part_conversation(talk, CATALOG, False)
    assert is_read(found[-1].instruction) == served(talk[:-1])
    # And each of the others is what is served where the conversation has come as far as it.
    asked = [k for k, m in enumerate(talk, 1) if m.role == "user" and m.text.strip()]
    assert {is_read(s.instruction) for s in found} <= {served(talk[:k]) for k in asked}


CLOSED = st.sampled_from(
    [
        [user("nyalakan lampu"), assistant("lamp_on()")],
        [user("alarm"), assistant("", "set_alarm()"), TOOL],
        [user("alarm"), assistant("none()")],
        [user("hai"), user("alarm jam 7"), assistant("set_alarm(time=jam 7)"), assistant("Baik.")],
    ]
)


@given(st.lists(CLOSED, min_size=1, max_size=3), talks())
def test_a_closed_exchange_before_a_conversation_changes_none_of_its_examples(
    closed: list[list[Message]], talk: list[Message]
) -> None:
    first = next(k for k, m in enumerate(talk) if m.text.strip() or m.calls)
    talk = [user("mulai"), *talk] if talk[first].role != "user" else talk
    before = [m for exchange in closed for m in exchange]
    plain = part_conversation(talk, CATALOG, False)
    longer = part_conversation([*before, *talk], CATALOG, False)
    assert longer[-len(plain) :] == plain
    assert len(longer) == len(plain) + len(closed)


# ---------------------------------------------------------------- back again


def row(turns: list[str], replies: Any) -> Example:
    return Example(fold_turns(turns), "f()", metadata={"turns": turns, "replies": replies})


def written(example: Example, catalog: Catalog | None = None, marks: bool = True) -> Writing:
    writing = Writing(Dataset([example]), beside=catalog)
    writing_messages = list(list_messages(example, writing, marks=marks))
    again = part_conversation([*writing_messages, assistant("f()")], catalog, False)
    assert [(s.instruction, s.output) for s in again] == [(example.instruction, "f()")]
    return writing


def test_a_reply_that_would_part_the_row_is_left_out_and_counted() -> None:
    for reply, lost in [("Jam berapa?", 0), ("lamp_on()", 1), ("none()", 1), ("Baik.", 1), ("", 0)]:
        assert written(row(["alarm", "jam 6"], [reply])).closing == lost, reply
    assert written(row(["alarm", "jam 6"], ["set_alarm()"])).closing == 1
    # What the catalog beside the file requires keeps it open; it is no example for that.
    assert written(row(["alarm", "jam 6"], ["set_alarm()"]), CATALOG).closing == 0
    assert written(row(["alarm", "jam 6"], ["set_alarm()"]), CATALOG, marks=False).closing == 1


def test_more_exchanges_than_are_looked_at_stay_one_row() -> None:
    turns = [f"kata {k}" for k in range(FURTHEST + 3)]
    assert written(row(turns, ["Lalu?"] * (len(turns) - 1))).closing == 2


@given(
    st.lists(st.sampled_from(["alarm", "jam 6", "lampu"]), min_size=2, max_size=FURTHEST + 4),
    st.lists(st.sampled_from(["Jam berapa?", "Baik.", "lamp_on()", "set_alarm()", ""]), max_size=9),
    st.sampled_from([None, CATALOG]),
    st.booleans(),
)
def test_a_row_is_read_back_whole(
    turns: list[str], replies: list[str], catalog: Catalog | None, marks: bool
) -> None:
    written(row(turns, replies), catalog, marks)


@pytest.mark.parametrize(
    ("replies", "said"),
    [(["a?"], ["a?", ""]), (["a?", "b?", "c?"], ["a?", "b?"]), (None, ["", ""]), ("a?", ["", ""]),
     ([" ", 3], ["", ""])],
)  # fmt: skip
def test_replies_are_as_many_as_the_turns_they_follow(replies: Any, said: list[str]) -> None:
    assert list_replies(row(["a", "b", "c"], replies)) == said
    assert list_replies(Example("a", "f()", metadata={"replies": replies})) == []
