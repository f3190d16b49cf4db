"""Requests read and replies built, without a server."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from serving_server import Scripted, chat

from maksud.errors import EngineError, InputError, MaksudError, NotFoundError, SystemFault
from maksud.http.api_error import ApiError, as_api_error
from maksud.language.calls import parse_calls
from maksud.language.conversation import Turn
from maksud.recognizers.conversation import converse
from maksud.recognizers.recognition import Recognition, Usage
from maksud.serving import protocol, replies
from maksud.serving.json_reply import MISSING
from maksud.serving.protocol import (
    ChatRequest,
    RecognizeRequest,
    parse_chat,
    parse_recognize,
)
from maksud.serving.replies import Answer, split


def refusal(content: dict[str, Any]) -> ApiError:
    with pytest.raises(ApiError) as caught:
        parse_chat(content)
    assert caught.value.status == 400 and caught.value.kind == "invalid_request_error"
    return caught.value


def recognition(text: str, accepted: bool = True) -> Recognition:
    return Recognition("u", (), text, 0.9, accepted, model="m", contract="sha256:abcdef0123456789")


def said_in(request: ChatRequest | RecognizeRequest) -> list[str]:
    """What the user says in a request, blank turns left out."""
    return [t.text for t in request.turns if t.role == "user" and t.text.strip()]


# ---------------------------------------------------------------- requests


def test_the_guides_translated_spellings_mean_the_same() -> None:
    theirs = [
        {"peran": "sistem", "konten": [{"tipe": "teks", "teks": "…"}]},
        {"peran": "pengguna", "konten": [{"tipe": "teks", "teks": "Saya ingin musik"}]},
        {"peran": "asisten", "konten": "play_music()"},
        {"peran": "pengguna", "konten": "yang tenang"},
    ]
    ours = [
        {"role": "system", "content": [{"type": "text", "text": "…"}]},
        {"role": "user", "content": [{"type": "text", "text": "Saya ingin musik"}]},
        {"role": "assistant", "content": "play_music()"},
        {"role": "user", "content": "yang tenang"},
    ]
    read = parse_chat({"model": "m", "messages": theirs})
    assert read == parse_chat({"model": "m", "messages": ours})
    assert said_in(read) == ["Saya ingin musik", "yang tenang"]
    assert [t.role for t in read.turns] == ["system", "user", "assistant", "user"]


def test_both_spellings_at_once_are_refused() -> None:
    both = [{"role": "user", "peran": "pengguna", "content": "x"}]
    assert refusal({"model": "m", "messages": both}).param == "messages[0]"


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": [{"type": "text", "text": "a"}, {"text": "b c"}]}],
        [{"role": "user", "content": "a b c"}],
        [{"role": "developer", "content": "x"}, {"role": "user", "name": "n", "content": "a b c"}],
        [
            {"role": "user", "content": "  "},
            {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
            {"role": "tool", "tool_call_id": "1", "content": "y"},
            {"role": "user", "content": "a b c"},
        ],
    ],
)
def test_text_parts_are_joined_by_a_space_and_other_roles_read_over(messages: list[Any]) -> None:
    assert said_in(parse_chat({"model": "m", "messages": messages})) == ["a b c"]


def test_the_calls_of_an_assistant_are_read() -> None:
    arguments = '{"song": ["Hampa", "Rindu"], "loud": true, "speed": null}'
    calls = [{"id": "1", "function": {"name": "play", "arguments": arguments}}]
    messages = [
        {"role": "user", "content": "putar"},
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "ok"}]},
        {"role": "user", "content": "lagi"},
    ]
    _, call, result, _ = parse_chat({"model": "m", "messages": messages}).turns
    assert call.calls == parse_calls("play(song=Hampa, song=Rindu, loud=true)")
    assert (result.role, result.text) == ("tool", "ok")


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"content": None, "refusal": "out of scope"}, "none()"),
        ({"content": "Maaf.", "refusal": "not sure enough: play() at 0.3"}, "none()"),
        ({"content": [{"type": "refusal", "refusal": "out of scope"}]}, "none()"),
        ({"content": "play()", "refusal": "another answer: play() at 0.3"}, "play()"),
        ({"content": None, "refusal": f"{MISSING}play.song"}, f"{MISSING}play.song?"),
        ({"content": "Lagu apa?", "refusal": None}, "Lagu apa?"),
        ({"content": "Lagu apa?", "refusal": " "}, "Lagu apa?"),
        ({"content": "Lagu apa?", "refusal": 3}, "Lagu apa?"),
    ],
)
def test_a_refusal_is_the_answer_none(more: dict[str, Any], text: str) -> None:
    user = {"role": "user", "content": "x"}
    messages = [user, {"role": "assistant", **more}, user]
    assert parse_chat({"model": "m", "messages": messages}).turns[1] == Turn("assistant", text)


@pytest.mark.parametrize(
    ("calls", "param"),
    [
        ({}, "tool_calls"),
        ([{"id": "1"}, 3], "tool_calls[1]"),
        ([{"id": "1", "function": "play"}], "tool_calls[0].function"),
        ([{"function": {"name": "a b"}}], "tool_calls[0].function.name"),
        ([{"function": {"arguments": "{}"}}], "tool_calls[0].function.name"),
        ([{"function": {"name": "f", "arguments": "{"}}], "tool_calls[0].function.arguments"),
        ([{"function": {"name": "f", "arguments": "[]"}}], "tool_calls[0].function.arguments"),
        ([{"function": {"name": "f", "arguments": "[" * 10_000}}], "tool_calls[0].function.arg"),
    ],
)
def test_calls_that_cannot_be_read_are_named(calls: Any, param: str) -> None:
    message = {"role": "assistant", "tool_calls": calls}
    refused = refusal({"model": "m", "messages": [{"role": "user", "content": "x"}, message]})
    assert refused.param is not None and refused.param.startswith(f"messages[1].{param}")


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ("all", "maksud"),
        ({"turn": "all"}, "maksud"),
        ({"turns": "every"}, "maksud.turns"),
        ({"turns": 1}, "maksud.turns"),
        ({"turns": ["all"]}, "maksud.turns"),
    ],
)
def test_which_turns_are_read_is_a_choice_of_three(options: Any, param: str) -> None:
    messages = [{"role": "user", "content": "x"}]
    assert refusal({"model": "m", "messages": messages, "maksud": options}).param == param
    for chosen in ("open", "all", "last", None):
        asked = {"model": "m", "messages": messages, "maksud": {"turns": chosen}}
        assert parse_chat(asked).reading == chosen
        assert parse_recognize({**asked, "model": "m"}, 4).reading == chosen


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        (None, "messages"),
        ([], "messages"),
        ("hello", "messages"),
        (["hello"], "messages[0]"),
        ([{"role": "system", "content": "x"}], "messages"),
        ([{"role": "user", "content": " "}], "messages"),
        ([{"content": "x"}], "messages[0].role"),
        ([{"role": "usr", "content": "x"}], "messages[0].role"),
        ([{"role": 3, "content": "x"}], "messages[0].role"),
        ([{"role": "user", "content": "x"}, {"role": "user"}], "messages[1].content"),
        ([{"role": "user", "content": []}], "messages[0].content"),
        ([{"role": "user", "content": 3}], "messages[0].content"),
        ([{"role": "user", "content": ["x"]}], "messages[0].content[0]"),
        ([{"role": "user", "content": [{"type": "text"}]}], "messages[0].content[0].text"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "messages[0].content[0].type"),
    ],
)
def test_a_message_that_cannot_be_read_is_named(messages: Any, param: str) -> None:
    assert refusal({"model": "m", "messages": messages}).param == param


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("model", None, "missing_required_parameter"),
        ("model", 3, "invalid_type"),
        ("n", 5, "invalid_value"),
        ("n", 1000, "invalid_value"),
        ("n", 0, "invalid_value"),
        ("n", 2**63, "invalid_value"),
        ("n", "1", "invalid_type"),
        ("n", True, "invalid_type"),
        ("n", 1.5, "invalid_type"),
        ("temperature", 2.1, "invalid_value"),
        ("temperature", -1, "invalid_value"),
        ("temperature", "0", "invalid_type"),
        ("temperature", True, "invalid_type"),
        ("top_p", 1.1, "invalid_value"),
        ("frequency_penalty", -3, "invalid_value"),
        ("presence_penalty", 3, "invalid_value"),
        ("seed", 1.5, "invalid_type"),
        ("max_tokens", 0, "invalid_value"),
        ("max_tokens", -1, "invalid_value"),
        ("max_tokens", 1.5, "invalid_type"),
        ("max_tokens", "1", "invalid_type"),
        ("max_completion_tokens", 0, "invalid_value"),
        ("stop", "", "invalid_value"),
        ("stop", ["a"] * 5, "invalid_value"),
        ("stop", ["a", ""], "invalid_value"),
        ("stop", "a" * 129, "invalid_value"),
        ("stop", 3, "invalid_value"),
        ("stream", "true", "invalid_type"),
        ("stream_options", {"include_usage": True}, "invalid_value"),
        ("chat_template", "{{ x }}", "unsupported_parameter"),
        ("chat_template_kwargs", {"enable_thinking": False}, "unsupported_parameter"),
        ("tool_choice", "auto", "invalid_value"),
        ("tool_choice", "required", "invalid_value"),
        ("function_call", "auto", "invalid_value"),
        ("parallel_tool_calls", "no", "invalid_type"),
        ("response_format", "json", "invalid_type"),
        ("logprobs", 1, "invalid_type"),
        ("top_logprobs", 2, "invalid_value"),
        ("top_logprobs", 50, "invalid_value"),
        ("top_logprobs", -1, "invalid_value"),
        ("logit_bias", {"1": 5}, "unsupported_parameter"),
        ("modalities", ["text", "audio"], "unsupported_parameter"),
        ("modalities", "text", "unsupported_parameter"),
        ("audio", {"voice": "a", "format": "wav"}, "unsupported_parameter"),
        ("guided_json", {"type": "object"}, "unsupported_parameter"),
        ("structured_outputs", {"choice": ["a"]}, "unsupported_parameter"),
    ],
)
def test_a_field_that_cannot_be_honoured_is_refused_by_name(
    field: str, value: Any, code: str
) -> None:
    error = refusal({**chat("x"), field: value})
    assert (error.param, error.code) == (field, code)
    assert field in str(error)


def test_what_does_not_matter_is_ignored() -> None:
    plain = parse_chat(chat("x"))
    harmless = {
        "temperature": 0, "top_p": 1, "seed": 7, "n": 1, "user": "u", "metadata": {"a": "b"},
        "store": False, "parallel_tool_calls": True, "reasoning_effort": "low", "tools": [],
        "tool_choice": "none", "response_format": {"type": "text"}, "logprobs": False,
        "logit_bias": {}, "top_logprobs": 0, "functions": [], "function_call": "none",
        "modalities": ["text"], "audio": None, "guided_json": None,
        "whatever": [1],
    }  # fmt: skip
    assert parse_chat({**chat("x"), **harmless}) == plain
    optional = [*harmless, "stop", "stream", "stream_options", "max_tokens", "chat_template"]
    optional += ["max_completion_tokens", "chat_template_kwargs"]
    assert parse_chat({**chat("x"), **dict.fromkeys(optional)}) == plain


def test_lengths_and_stops() -> None:
    assert parse_chat(chat("x", max_tokens=5)).max_tokens == 5
    assert parse_chat(chat("x", max_tokens=5, max_completion_tokens=3)).max_tokens == 3
    assert parse_chat(chat("x", max_completion_tokens=2**63)).max_tokens == 2**63
    assert parse_chat(chat("x", stop=";")).stop == (";",)
    assert parse_chat(chat("x", stop=["a", "b", "c", "d"])).stop == ("a", "b", "c", "d")
    asked = parse_chat(chat("x", stream=True, stream_options={"include_usage": True}))
    assert asked.stream and asked.include_usage


@pytest.mark.parametrize(
    ("content", "param"),
    [
        ({}, "utterance"),
        ({"utterance": "a", "turns": ["b"]}, "utterance"),
        ({"utterances": ["a"], "turns": ["b"]}, "utterances"),
        ({"utterance": 3}, "utterance"),
        ({"utterance": ""}, "utterance"),
        ({"utterances": "a"}, "utterances"),
        ({"utterances": []}, "utterances"),
        ({"utterances": ["a", " "]}, "utterances[1]"),
        ({"utterances": ["a", None]}, "utterances[1]"),
        ({"utterances": ["a"] * 5}, "utterances"),
        ({"turns": [{"role": "user"}]}, "turns[0]"),
        ({"model": 3, "utterance": "a"}, "model"),
        ({"chat_template": "x", "utterance": "a"}, "chat_template"),
    ],
)
def test_recognize_requests_are_checked(content: dict[str, Any], param: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_recognize(content, 4)
    assert caught.value.param == param and caught.value.status == 400


def test_two_ways_to_say_it_are_not_told_to_be_missing() -> None:
    with pytest.raises(ApiError, match="utterance: can't go with utterances: give exactly") as it:
        parse_recognize({"utterance": "a", "utterances": ["b"]}, 4)
    assert it.value.code == "invalid_value"


def test_recognize_requests() -> None:
    assert parse_recognize({"utterance": "a", "model": None}, 4).utterances == ("a",)
    assert parse_recognize({"utterances": ["a", "b"]}, 4).param == "utterances"
    assert said_in(parse_recognize({"turns": ["a", "b"], "model": "m"}, 4)) == ["a", "b"]
    messages = [{"role": "user", "content": "a"}]
    assert said_in(parse_recognize({"messages": messages}, 4)) == ["a"]


def test_one_turn_stays_as_it_is_and_several_are_folded_by_the_contract() -> None:
    model = Scripted()
    assert converse(model, [Turn("user", "  dua  spasi \n")]).utterance == "  dua  spasi \n"
    several = converse(model, [Turn("user", "satu"), Turn("user", "dua")])
    assert several.utterance == model.contract.fold_turns(["satu", "dua"])


def test_length_is_told_with_both_numbers() -> None:
    protocol.check_length(["a" * 10], 10, "messages")
    with pytest.raises(ApiError) as caught:
        protocol.check_length(["a", "a" * 1234], 1000, "utterances")
    assert caught.value.code == "context_length_exceeded"
    assert caught.value.param == "utterances[1]"
    assert "1,234" in str(caught.value) and "1,000" in str(caught.value)


# ---------------------------------------------------------------- replies

SAID = [
    "play_music(🎵 晴天)",
    "f(a\u2028b\x85c)",
    "a; b",
    'f("x (1)")',
    "cuaca(杭州); f()",
    "👩\u200d👩\u200d👧 ok",
]
TEXTS = st.text(max_size=40) | st.sampled_from(SAID)
TEXTS = TEXTS.map(lambda t: t.encode("utf-8", "ignore").decode())


@settings(deadline=None)
@given(TEXTS)
def test_pieces_are_the_text(text: str) -> None:
    assert "".join(split(text)) == text
    assert all(split(text))


def test_what_a_piece_is() -> None:
    assert split("play_music(song=Hampa)") == ["play_music", "(", "song", "=", "Hampa", ")"]
    assert split("f(a b); g()") == ["f", "(", "a", " b", ")", ";", " g", "(", ")"]


@settings(deadline=None)
@given(TEXTS, st.none() | st.integers(1, 20), st.lists(st.text(min_size=1, max_size=3), max_size=4))
def test_an_answer_is_cut_at_length_or_stop(text: str, most: int | None, stops: list[str]) -> None:
    asked = ChatRequest("m", ("u",), most, tuple(stops))
    answer = Answer.of(recognition(text), asked)
    said = "".join(answer.pieces)
    assert text.startswith(said)
    assert not any(s in said for s in stops)
    assert most is None or len(answer.pieces) <= most
    said.encode()
    if said == text:
        assert answer.finish_reason == "stop"
    elif not any(text.startswith(said + s) for s in stops):
        assert answer.finish_reason == "length" and len(answer.pieces) == most
    assert answer.usage["completion_tokens"] == len(split(said))


@pytest.mark.parametrize(
    ("most", "stop", "said", "finish"),
    [
        (None, (), "f(ab cd)", "stop"),
        (3, (), "f(ab", "length"),
        (5, (), "f(ab cd)", "stop"),
        (None, ("b c",), "f(a", "stop"),
        (3, ("b c",), "f(ab", "length"),
        (3, ("b",), "f(a", "stop"),
        (None, ("f",), "", "stop"),
        (None, ("zz", ")"), "f(ab cd", "stop"),
    ],
)
def test_stop_and_length_together(
    most: int | None, stop: tuple[str, ...], said: str, finish: str
) -> None:
    answer = Answer.of(recognition("f(ab cd)"), ChatRequest("m", ("u",), most, stop))
    assert ("".join(answer.pieces), answer.finish_reason) == (said, finish)


def test_what_is_not_accepted_says_none_and_shows_the_rest() -> None:
    answer = Answer.of(recognition("delete_all()", accepted=False), ChatRequest("m", ("u",)))
    message = replies.completion(answer, "id", 0)["choices"][0]["message"]
    assert message["content"] == "none()"
    assert message["maksud"]["text"] == "delete_all()" and not message["maksud"]["accepted"]


@settings(deadline=None)
@given(TEXTS, st.booleans(), st.none() | st.integers(1, 20))
def test_a_stream_says_what_the_plain_reply_says(
    text: str, include_usage: bool, most: int | None
) -> None:
    asked = ChatRequest("m", ("u",), most, include_usage=include_usage)
    answer = Answer.of(recognition(text), asked)
    whole = replies.completion(answer, "id", 5)
    sent = replies.events(replies.chunks(answer, "id", 5, include_usage)).decode()
    frames = sent.split("\n\n")
    assert frames.pop() == "" and frames.pop() == "data: [DONE]"
    assert all(len(f.splitlines()) == 1 and f.startswith("data: ") for f in frames)
    parts = [json.loads(f.removeprefix("data: ")) for f in frames]
    if include_usage:
        last = parts.pop()
        assert last["choices"] == [] and last["usage"] == whole["usage"]
        assert all(p["usage"] is None for p in parts)
    else:
        assert not any("usage" in p for p in parts)
    deltas = [p["choices"][0]["delta"] for p in parts]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert deltas[-1] == {"content": ""}
    assert "".join(d["content"] for d in deltas) == whole["choices"][0]["message"]["content"]
    ends = [p["choices"][0]["finish_reason"] for p in parts]
    assert ends == [None] * (len(ends) - 1) + [whole["choices"][0]["finish_reason"]]
    assert parts[-1]["maksud"] == whole["choices"][0]["message"]["maksud"]
    for key in ("id", "created", "model", "system_fingerprint"):
        assert {p[key] for p in parts} == {whole[key]}


def test_usage_adds_up() -> None:
    asked = Recognition("u", (), "f(a)", 1.0, True, model="m", usage=Usage(7, 99))
    answer = Answer.of(asked, ChatRequest("m", ("u",)))
    assert answer.usage == {"prompt_tokens": 7, "completion_tokens": 4, "total_tokens": 11}
    listed = replies.recognitions([asked, asked], "m")
    assert listed["usage"] == {"prompt_tokens": 14, "completion_tokens": 8, "total_tokens": 22}


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (InputError("bad"), 400, "invalid_value"),
        (NotFoundError("gone"), 404, "not_found"),
        (EngineError("slow", retryable=True), 503, "engine_unavailable"),
        (EngineError("broken"), 503, "engine_unavailable"),
        (SystemFault("disk"), 503, "engine_unavailable"),
        (MaksudError("/secret/path"), 500, "internal_error"),
        (ValueError("what the user said"), 500, "internal_error"),
    ],
)
def test_errors_have_one_shape(error: Exception, status: int, code: str) -> None:
    shown = as_api_error(error)
    body = json.loads(shown.body())["error"]
    assert set(body) == {"message", "type", "param", "code"}
    assert (shown.status, body["code"]) == (status, code)
    if status == 500:
        assert str(error) not in body["message"]
    if status == 503:
        assert ("retry-after" in shown.headers) != ("x-should-retry" in shown.headers)


def test_an_unknown_model_is_told_what_there_is() -> None:
    error = protocol.unknown_model("compct", ["compact", "smollm2-135m"])
    assert error.status == 404 and error.code == "model_not_found"
    assert "compact" in str(error) and "compct" in str(error)
