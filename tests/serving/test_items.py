"""The input of a response, read as turns: what stands where, and what is refused by name."""

from typing import Any

import pytest

from maksud.http.api_error import ApiError
from maksud.language.calls import parse_calls
from maksud.language.conversation import Turn
from maksud.serving.items import read_input
from maksud.serving.messages import MAX_MESSAGES

SAID = {"role": "user", "content": "putar lagu"}
CALLED = {"type": "function_call", "call_id": "a", "name": "play", "arguments": '{"song": "A"}'}
STOPPED = {"type": "function_call", "call_id": "b", "name": "stop", "arguments": "{}"}


def result(of: str, output: Any = "ok") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": of, "output": output}


def test_a_text_is_what_a_person_says() -> None:
    assert read_input("putar lagu") == (Turn("user", "putar lagu"),)


def test_messages_of_every_role_and_kind_of_part() -> None:
    parts = [{"type": "input_text", "text": "putar"}, {"type": "input_text", "text": "lagu"}]
    answered = [
        {"type": "output_text", "text": "none()", "annotations": []},
        {"type": "refusal", "refusal": "out of scope"},
    ]
    turns = read_input(
        [
            {"type": "message", "role": "developer", "content": "be kind"},
            {"role": "system", "content": "be quick"},
            {"role": "user", "content": parts},
            {"type": "message", "role": "assistant", "content": answered, "id": "msg_1"},
            {"role": "assistant", "content": "Lagu apa?"},
            SAID,
        ]
    )
    assert [t.role for t in turns] == ["system", "system", "user", "assistant", "assistant", "user"]
    assert [t.text for t in turns[2:5]] == ["putar lagu", "none()", "Lagu apa?"]


def test_calls_that_stand_together_are_one_turn_and_all_stay_in_place() -> None:
    (play,), (stop,) = parse_calls("play(song=A)"), parse_calls("stop()")
    turns = read_input([SAID, CALLED, STOPPED, result("a"), result("b", []), SAID])
    assert [t.role for t in turns] == ["user", "assistant", "assistant", "tool", "tool", "user"]
    assert turns[1].calls == (play, stop) and turns[2] == Turn("assistant", "")
    assert turns[3:5] == (Turn("tool", "ok"), Turn("tool", ""))
    told = {"role": "assistant", "content": [{"type": "refusal", "refusal": "unsure"}]}
    thought = {"type": "reasoning", "id": "rs_1", "summary": []}
    turns = read_input([SAID, told, thought, CALLED, result("a"), STOPPED, result("b")])
    assert turns[1].calls == (play,) and turns[5].calls == (stop,)
    said = {"role": "assistant", "content": "Sebentar"}  # as it may be put out, between the two
    turns = read_input([SAID, CALLED, said, STOPPED, result("b"), result("a"), SAID])
    assert turns[1].calls == (play,) and turns[2].calls == (stop,)
    again = [SAID, CALLED, result("a"), SAID, CALLED, result("a")]  # the id is free again
    assert [t.role for t in read_input(again)].count("tool") == 2


def test_a_refusal_is_the_answer_none() -> None:
    told = {"role": "assistant", "content": [{"type": "refusal", "refusal": "out of scope"}]}
    assert read_input([SAID, told, SAID])[1] == Turn("assistant", "none()")


def test_a_result_may_be_parts_of_text() -> None:
    said = [{"type": "input_text", "text": "now"}, {"type": "input_text", "text": "playing"}]
    assert read_input([SAID, CALLED, result("a", said)])[-1] == Turn("tool", "now playing")


@pytest.mark.parametrize(
    ("given", "param", "word"),
    [
        (None, "input", "text, or a list"),
        ("", "input", "no text"),
        (" \n", "input", "no text"),
        (3, "input", "a number"),
        ([], "input", "an empty list"),
        ({}, "input", "an empty object"),
        (["x"], "input[0]", "a text"),
        ([SAID] * (MAX_MESSAGES + 1), "input", "10,001 items"),
        ([{"role": "system", "content": "x"}], "input", "no user message"),
        ([{"role": "user", "content": " "}], "input", "no user message"),
        ([{"role": "tool", "content": "x"}], "input[0].role", "function_call_output"),
        ([{"role": "usr", "content": "x"}], "input[0].role", "user"),
        ([{"content": "x"}], "input[0].role", "null"),
        ([{"role": "user"}], "input[0].content", "null"),
        ([{"role": "user", "content": []}], "input[0].content", "an empty list"),
        (
            [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}],
            "input[0].content[0].type",
            "Send what it says as input_text",
        ),
        ([SAID, {"type": "item_reference", "id": "msg_1"}], "input[1].type", "send the item"),
        ([SAID, {"type": "web_search_call", "id": "ws"}], "input[1].type", "function_call"),
        ([{"type": 3}], "input[0].type", "a number"),
        ([SAID, {**CALLED, "call_id": None}], "input[1].call_id", "null"),
        ([SAID, {**CALLED, "name": "no name"}], "input[1].name", "name of a function"),
        ([SAID, {**CALLED, "arguments": "{"}], "input[1].arguments", "not JSON"),
        ([SAID, {**CALLED, "arguments": "[]"}], "input[1].arguments", "an empty list"),
        ([SAID, result("a")], "input[1].call_id", "no function_call"),
        ([SAID, CALLED, result("b")], "input[2].call_id", "no function_call"),
        ([SAID, CALLED, result("a"), result("a")], "input[3].call_id", "has a result already"),
        ([SAID, CALLED, CALLED, result("a")], "input[2].call_id", "no result yet"),
        ([SAID, CALLED], "input[1].call_id", "function_call_output"),
        ([SAID, CALLED, STOPPED, result("a")], "input[2].call_id", "'b'"),
        ([SAID, CALLED, STOPPED, SAID, result("a")], "input[1].call_id", "'a', 'b'"),
        ([SAID, CALLED, result("a", None)], "input[2].output", "null"),
        (
            [SAID, CALLED, result("a", [{"type": "input_image", "image_url": "x"}])],
            "input[2].output[0].type",
            "only text",
        ),
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_named(given: Any, param: str, word: str) -> None:
    with pytest.raises(ApiError) as caught:
        read_input(given)
    assert caught.value.status == 400 and caught.value.param == param
    assert word in str(caught.value)
