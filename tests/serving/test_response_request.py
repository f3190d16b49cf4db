"""Requests for responses: what is read of them, and what is refused with what to send instead."""

from typing import Any

import pytest
from weighing import CATALOG, TOOLS

from maksud.http.api_error import ApiError
from maksud.serving.json_reply import Form
from maksud.serving.response_request import LOGPROBS, parse_response
from maksud.serving.tools import Toolbox

FLAT: list[Any] = [{"type": "function", **t["function"]} for t in TOOLS]
PLAY = FLAT[0]


def body(**more: Any) -> dict[str, Any]:
    return {"model": "weighing", "input": "stop() 0.9", **more}


def test_what_is_asked_is_a_chat_request() -> None:
    asked = parse_response(
        body(
            stream=True, max_output_tokens=20, top_logprobs=3, tools=FLAT[:1],
            parallel_tool_calls=False, maksud={"turns": "last"},
        )
    ).chat  # fmt: skip
    assert (asked.model, asked.param, asked.n, asked.stop) == ("weighing", "input", 1, ())
    assert asked.stream and asked.max_tokens == 20 and asked.top_logprobs == 3
    assert asked.reading == "last" and asked.tools is not None
    assert asked.tools.names == ("play",) and asked.tools.mode == "auto"
    assert not asked.tools.parallel and not asked.tools.is_old


def test_what_asks_for_nothing_is_accepted() -> None:
    asked = parse_response(
        body(
            instructions="be kind", store=False, background=False, previous_response_id=None,
            conversation=None, prompt=None, reasoning={"effort": "low"}, truncation="auto",
            temperature=0, top_p=1, include=["reasoning.encrypted_content"], tools=[],
            tool_choice="auto", parallel_tool_calls=True, text={"verbosity": "low"},
            metadata={"a": "b"}, user="u", safety_identifier="s", service_tier="auto",
            prompt_cache_key="k", max_tool_calls=3, stream_options={"include_obfuscation": False},
            top_logprobs=0, n=1, logprobs=False, stop=None,
        )
    )  # fmt: skip
    assert asked.chat.tools is None and asked.chat.format is None
    assert asked.chat.top_logprobs is None
    assert asked.told["metadata"] == {"a": "b"} and asked.told["instructions"] == "be kind"
    assert asked.told["truncation"] == "auto" and asked.told["top_p"] == 1


def test_what_is_told_back_without_being_asked() -> None:
    told = parse_response(body()).told
    assert told["tools"] == [] and told["tool_choice"] == "auto"
    assert told["parallel_tool_calls"] is True and told["text"] == {"format": {"type": "text"}}
    assert told["metadata"] == {} and told["truncation"] == "disabled"
    tools = parse_response(body(tools=[PLAY, {**FLAT[2], "strict": False}])).told["tools"]
    assert [t["strict"] for t in tools] == [True, False]


def test_log_probabilities_are_asked_for_in_two_ways() -> None:
    assert parse_response(body(include=[LOGPROBS])).chat.top_logprobs == 0
    assert parse_response(body(top_logprobs=2)).chat.top_logprobs == 2
    assert parse_response(body(top_logprobs=2, include=[LOGPROBS])).chat.top_logprobs == 2


def test_tool_choice_is_flat() -> None:
    for choice, mode, names in (
        ("none", "none", ("play", "alarm", "stop")),
        ("required", "required", ("play", "alarm", "stop")),
        ({"type": "function", "name": "stop"}, "required", ("stop",)),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [PLAY, FLAT[2], PLAY]},
            "auto",
            ("play", "stop"),
        ),
    ):
        asked = parse_response(body(tools=FLAT, tool_choice=choice)).chat.tools
        assert asked is not None and (asked.mode, asked.names) == (mode, names)


SCHEMA = {"type": "json_schema", "name": "x", "schema": {"type": "object"}}


@pytest.mark.parametrize(
    ("more", "param", "word"),
    [
        ({"model": None}, "model", "GET /v1/models"),
        ({"model": 3}, "model", "a text"),
        ({"input": None}, "input", "text, or a list"),
        ({"previous_response_id": "resp_1"}, "previous_response_id", "whole in input"),
        ({"conversation": "conv_1"}, "conversation", "whole in input"),
        ({"conversation": {"id": "conv_1"}}, "conversation", "whole in input"),
        ({"store": True}, "store", "send false"),
        ({"store": "no"}, "store", "send false"),
        ({"background": True}, "background", "send false"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt", "in input"),
        ({"messages": [{"role": "user", "content": "x"}]}, "messages", "as input"),
        ({"response_format": {"type": "text"}}, "response_format", "text.format"),
        ({"max_tokens": 3}, "max_tokens", "max_output_tokens"),
        ({"max_completion_tokens": 3}, "max_completion_tokens", "max_output_tokens"),
        ({"functions": [{"name": "play"}]}, "functions", "as tools"),
        ({"function_call": "auto"}, "function_call", "tool_choice"),
        ({"logprobs": True}, "logprobs", LOGPROBS),
        ({"n": 2}, "n", "/v1/chat/completions"),
        ({"stop": ["x"]}, "stop", "/v1/chat/completions"),
        ({"stop": 1}, "stop", "/v1/chat/completions"),
        ({"logit_bias": {"1": 2}}, "logit_bias", "catalog"),
        ({"chat_template": "x"}, "chat_template", "contract"),
        ({"temperature": 3}, "temperature", "between"),
        ({"top_p": "x"}, "top_p", "a number"),
        ({"top_logprobs": 21}, "top_logprobs", "20 or less"),
        ({"top_logprobs": -1}, "top_logprobs", "0 or more"),
        ({"max_output_tokens": 0}, "max_output_tokens", "1 or more"),
        ({"instructions": []}, "instructions", "a text"),
        ({"stream": "yes"}, "stream", "true or false"),
        ({"reasoning": "low"}, "reasoning", "an object"),
        ({"stream_options": 3}, "stream_options", "an object"),
        ({"truncation": "middle"}, "truncation", "disabled"),
        ({"truncation": []}, "truncation", "disabled"),
        ({"max_tool_calls": 0}, "max_tool_calls", "1 or more"),
        ({"include": "x"}, "include", "a list"),
        ({"include": [LOGPROBS, "x"]}, "include[1]", "Known: message.output_text.logprobs"),
        ({"include": [["x"]]}, "include[0]", "a list"),
        ({"metadata": []}, "metadata", "an object"),
        ({"metadata": {str(k): "" for k in range(17)}}, "metadata", "17 pairs"),
        ({"metadata": {"k" * 65: ""}}, "metadata." + "k" * 64, "65 characters"),
        ({"metadata": {"k": 3}}, "metadata.k", "a number"),
        ({"metadata": {"k": "x" * 513}}, "metadata.k", "513 characters"),
        ({"maksud": {"turns": "some"}}, "maksud.turns", "Known"),
        ({"text": "json"}, "text", "an object"),
        ({"text": {"format": "json"}}, "text.format", "an object"),
        ({"text": {"format": {}}}, "text.format.type", "json_schema"),
        ({"text": {"format": {"type": "grammar"}}}, "text.format.type", "json_schema"),
        ({"text": {"format": {**SCHEMA, "name": "no name"}}}, "text.format.name", "letters"),
        ({"text": {"format": {**SCHEMA, "name": None}}}, "text.format.name", "a text"),
        ({"text": {"format": {**SCHEMA, "schema": []}}}, "text.format.schema", "a schema"),
        (
            {"text": {"format": {"type": "json_object"}}, "tools": FLAT},
            "text.format",
            "can't go with tools",
        ),
        ({"tools": {}}, "tools", "a list"),
        ({"tools": [3]}, "tools[0]", "a number"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type", "GET /v1/tools"),
        ({"tools": [{"type": "custom", "name": "x"}]}, "tools[0].type", "GET /v1/tools"),
        ({"tools": [{"name": "play"}]}, "tools[0].type", "null"),
        ({"tools": TOOLS}, "tools[0].function", "beside type"),
        ({"tools": [{"type": "function"}]}, "tools[0].name", "null"),
        ({"tools": [{**PLAY, "strict": 1}]}, "tools[0].strict", "true or false"),
        ({"tools": [PLAY, PLAY]}, "tools[1].name", "twice"),
        ({"tools": FLAT, "parallel_tool_calls": 1}, "parallel_tool_calls", "true or false"),
        ({"tool_choice": "required"}, "tool_choice", "needs tools"),
        ({"tools": FLAT, "tool_choice": "some"}, "tool_choice", '"name": …}'),
        ({"tools": FLAT, "tool_choice": {"type": "web_search"}}, "tool_choice", "Use"),
        (
            {"tools": FLAT, "tool_choice": {"type": "function", "function": {"name": "play"}}},
            "tool_choice.name",
            "null",
        ),
        (
            {"tools": FLAT[:1], "tool_choice": {"type": "function", "name": "stop"}},
            "tool_choice.name",
            "not offered",
        ),
        (
            {"tools": FLAT, "tool_choice": {"type": "allowed_tools", "mode": "x", "tools": FLAT}},
            "tool_choice.mode",
            "auto",
        ),
        (
            {"tools": FLAT, "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": []}},
            "tool_choice.tools",
            "a list",
        ),
        (
            {
                "tools": FLAT,
                "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": ["play"]},
            },
            "tool_choice.tools[0]",
            "an object",
        ),
    ],
)
def test_what_can_not_be_is_named(more: dict[str, Any], param: str, word: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_response(body(**more))
    assert caught.value.status == 400 and caught.value.param == param, str(caught.value)
    assert word in str(caught.value)


def test_what_contradicts_the_catalog_is_named_where_it_stands() -> None:
    other = {**PLAY, "name": "sing"}
    wrong = {**PLAY, "parameters": {"type": "object", "properties": {"tune": {}}}}
    for tool, param in ((other, "tools[0].name"), (wrong, "tools[0].parameters.properties.tune")):
        tools = parse_response(body(tools=[tool])).chat.tools
        assert tools is not None
        with pytest.raises(ApiError) as caught:
            Toolbox(tools, CATALOG, "weighing")
        assert caught.value.param == param
    schema = {"type": "object", "properties": {"x": {"type": "string", "pattern": "y"}}}
    wanted = parse_response(body(text={"format": {**SCHEMA, "schema": schema}})).chat.format
    assert wanted is not None
    with pytest.raises(ApiError) as caught:
        Form(wanted, CATALOG)
    assert caught.value.param == "text.format.schema.properties.x.pattern"
