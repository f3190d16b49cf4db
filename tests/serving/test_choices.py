"""Tool calls, JSON and several answers as the official client gets them from a server."""

import json
import math
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any, Literal

import jsonschema
import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel
from serving_server import TOKEN, Live, chat, running
from weighing import ALARM, PLAY, TOOLS, Weighing

from maksud.language.calls import format_calls
from maksud.language.catalog_tools import catalog_to_tools
from maksud.recognizers.door import load_recognizer
from maksud.recognizers.recognition import Proposal, Token
from maksud.recognizers.runs import Run


@pytest.fixture(scope="module")
def model() -> Weighing:
    return Weighing()


@pytest.fixture(scope="module")
def live(model: Weighing) -> Iterator[Live]:
    with running(model) as server:
        yield server


@pytest.fixture
def client(live: Live) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{live.url}/v1", api_key=TOKEN, max_retries=0) as made:
        yield made


def ask(client: OpenAI, text: str, **more: Any) -> Any:
    return client.chat.completions.create(**{**chat(text, model="weighing"), **more})


def calls_of(message: Any) -> list[Any]:
    """Name and arguments of the calls of a message."""
    return [(c.function.name, json.loads(c.function.arguments)) for c in message.tool_calls or ()]


# ---------------------------------------------------------------- tools


def test_calls_are_tool_calls(client: OpenAI) -> None:
    text = "play(song=Hampa); alarm(time=jam 5, times=dua) 0.9"
    (choice,) = ask(client, text, tools=TOOLS).choices
    assert choice.finish_reason == "tool_calls" and choice.logprobs is None
    message = choice.message
    assert message.content is None and message.refusal is None and message.role == "assistant"
    assert calls_of(message) == [
        ("play", {"song": "Hampa"}),
        ("alarm", {"time": "jam 5", "times": 2}),
    ]
    assert {c.type for c in message.tool_calls} == {"function"}
    assert len({c.id for c in message.tool_calls}) == 2
    assert message.model_extra["maksud"]["accepted"]
    again = ask(client, text, tools=TOOLS).choices[0].message
    assert again.tool_calls[0].id != message.tool_calls[0].id


def test_what_is_not_acted_on_says_why_in_three_ways(client: OpenAI) -> None:
    outside = ask(client, "none() 0.9", tools=TOOLS).choices[0]
    assert (outside.message.content, outside.message.refusal) == ("out of scope", "out of scope")
    unsure = ask(client, "stop() 0.4", tools=TOOLS).choices[0]
    assert unsure.message.refusal == "not sure enough: stop() at 0.40"
    lacking = ask(client, "alarm() 0.9", tools=TOOLS).choices[0]
    assert lacking.message.content == "Jam berapa?"
    assert lacking.message.refusal is None  # a question is none
    for choice in (outside, unsure, lacking):
        assert choice.message.tool_calls is None and choice.finish_reason == "stop"


def test_no_tool_call_lacks_what_its_schema_needs(client: OpenAI) -> None:
    whole = {"type": "integer", "maximum": 3}
    schema = {**ALARM["function"]["parameters"]}
    schema["properties"] = {**schema["properties"], "times": whole}
    tool = {"type": "function", "function": {"name": "alarm", "parameters": schema}}
    message = ask(client, "alarm(time=besok, times=9) 0.9", tools=[tool]).choices[0].message
    assert message.tool_calls is None and message.content == "times?"
    assert message.refusal is None
    required = ask(client, "alarm() 0.9", tools=[tool], tool_choice="required").choices[0].message
    assert required.tool_calls is None and required.content == "Jam berapa?"


def test_a_subset_holds_the_answer_and_shares_out_its_confidence(
    client: OpenAI, model: Weighing
) -> None:
    said = "stop() 0.6 | play(song=A) 0.3 | none() 0.1"
    cases: list[tuple[Any, Any, str, float]] = [
        (TOOLS, None, "stop()", 0.6),
        ([PLAY, ALARM], None, "play(song=A)", 0.75),
        ([ALARM], None, "none()", 0.999),
        (TOOLS, "required", "stop()", 0.667),
        (TOOLS, {"type": "function", "function": {"name": "play"}}, "play(song=A)", 0.999),
        (
            TOOLS,
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [PLAY]}},
            "play(song=A)",
            0.75,
        ),
    ]
    for tools, choice, text, confidence in cases:
        more = {} if choice is None else {"tool_choice": choice}
        message = ask(client, said, tools=tools, **more).choices[0].message
        found = message.model_extra["maksud"]
        assert found["text"] == text and found["confidence"] == pytest.approx(confidence, abs=0.01)
        assert [n for n, _ in calls_of(message)] == [
            c["intent"] for c in found["calls"] if c["intent"] != "none"
        ]
    assert model.held[-1] == frozenset({"play", "none"})
    ask(client, said, tools=TOOLS, tool_choice="none")
    assert model.held[-1] is None


def test_a_compact_network_is_held_inside_its_decoding(compact_run: Run) -> None:
    network = load_recognizer(compact_run)
    tools = {t["function"]["name"]: t for t in catalog_to_tools(network.contract.catalog)}
    said = chat("tolong putar lagu Hampa nomor 3", model="compact")
    named = {"type": "function", "function": {"name": "volume_down"}}
    others = [t for name, t in tools.items() if name != "play_music"]
    with running(network) as live:
        made = []
        for more in (
            {"tools": [*tools.values()]},
            {"tools": others, "tool_choice": "required"},
            {"tools": [*tools.values()], "tool_choice": named},
        ):
            reply = live.client().post("/v1/chat/completions", json={**said, **more}).json()
            made.append(reply["choices"][0]["message"]["tool_calls"][0]["function"])
    assert made[0] == {"name": "play_music", "arguments": '{"value": "Hampa"}'}
    assert made[1]["name"] in ("weather_search", "volume_down")
    assert made[2] == {"name": "volume_down", "arguments": "{}"}


def test_a_forced_call_is_sent_with_what_speaks_against_it(client: OpenAI) -> None:
    said = "none() 0.9 | play(song=A) 0.04 | stop() 0.05"
    choice = ask(client, said, tools=TOOLS, tool_choice="required").choices[0]
    assert calls_of(choice.message) == [("play", {"song": "A"})]
    assert choice.message.refusal == "not sure enough: play(song=A) at 0.44"
    assert choice.finish_reason == "tool_calls"


def test_no_tools_wanted_is_text(client: OpenAI) -> None:
    for more in ({"tools": TOOLS, "tool_choice": "none"}, {"tools": []}, {"functions": []}):
        message = ask(client, "stop() 0.9", **more).choices[0].message
        assert message.content == "stop()" and message.tool_calls is None


def test_the_older_fields(client: OpenAI) -> None:
    functions = [t["function"] for t in TOOLS]
    choice = ask(client, "play(song=A);stop() 0.9", functions=functions).choices[0]
    assert choice.finish_reason == "function_call" and choice.message.content is None
    call = choice.message.function_call
    assert (call.name, json.loads(call.arguments)) == ("play", {"song": "A"})
    assert choice.message.tool_calls is None
    messages = [
        {"role": "user", "content": "play(song=A);stop() 0.9"},
        choice.message.model_dump(exclude_none=True),
        {"role": "function", "name": "play", "content": "ok"},
    ]
    second = ask(client, "", messages=messages, functions=functions).choices[0].message
    assert second.function_call.name == "stop"
    messages += [
        {"role": "assistant", "content": None, "function_call": {"name": "stop"}},
        {"role": "function", "name": "stop", "content": "stopped"},
    ]
    last = ask(client, "", messages=messages, functions=functions).choices[0]
    assert last.message.function_call is None and last.message.content == "stopped"


def test_results_close_a_turn(client: OpenAI) -> None:
    messages: list[Any] = [{"role": "user", "content": "play(song=A);stop() 0.9"}]
    first = ask(client, "", messages=messages, tools=TOOLS).choices[0].message
    messages.append(first)
    for call, said in zip(first.tool_calls, ("Now playing A", "Stopped"), strict=True):
        messages.append({"role": "tool", "tool_call_id": call.id, "content": said})
    for tools in ({"tools": TOOLS}, {}):
        reply = ask(client, "", messages=messages, **tools)
        message = reply.choices[0].message
        assert message.content == "Now playing A\nStopped" and message.tool_calls is None
        assert message.refusal is None and reply.choices[0].finish_reason == "stop"
        assert message.model_extra["maksud"]["calls"] == [] and reply.usage.prompt_tokens == 0
    behind = {"role": "system", "content": "Answer briefly."}  # as frameworks of agents do
    again = ask(client, "", messages=[*messages, behind], tools=TOOLS).choices[0].message
    assert again.content == message.content and again.tool_calls is None
    nothing = {"role": "user", "content": " "}
    silent = ask(client, "", messages=[*messages, message, nothing], tools=TOOLS).choices[0].message
    assert silent.tool_calls is None and silent.model_extra["maksud"]["reason"] == "nothing said"
    messages += [message, {"role": "user", "content": "stop() 0.9"}]
    assert calls_of(ask(client, "", messages=messages, tools=TOOLS).choices[0].message) == [
        ("stop", {})
    ]


def test_calls_one_after_the_other(client: OpenAI) -> None:
    messages: list[Any] = [{"role": "user", "content": "play(song=A);stop() 0.9"}]
    made = []
    for _ in range(3):
        reply = ask(client, "", messages=messages, tools=TOOLS, parallel_tool_calls=False)
        message = reply.choices[0].message
        messages.append(message)
        made.append(calls_of(message))
        for call in message.tool_calls or ():
            messages.append({"role": "tool", "tool_call_id": call.id, "content": "ok"})
    assert made == [[("play", {"song": "A"})], [("stop", {})], []]
    assert message.content == "ok"


def test_what_is_missing_is_asked_for_before_the_first_of_several_calls(client: OpenAI) -> None:
    """The result of a call closes the turn: an answer to a question behind it would find none."""
    said = {"role": "user", "content": "play(song=A);alarm() 0.9"}
    functions = [tool["function"] for tool in TOOLS]
    for one_by_one in (
        {"tools": TOOLS, "parallel_tool_calls": False},
        {"functions": functions},
        {"tools": TOOLS},
    ):
        message = ask(client, "", messages=[said], **one_by_one).choices[0].message
        assert message.tool_calls is None and message.function_call is None
        assert message.content == "Jam berapa?" and message.refusal is None


def test_a_question_keeps_the_turn_open(client: OpenAI, model: Weighing) -> None:
    messages: list[Any] = [{"role": "user", "content": "alarm() 0.9"}]
    asked = ask(client, "", messages=messages, tools=TOOLS).choices[0].message
    messages += [asked, {"role": "user", "content": "alarm(time=jam 5) 0.9"}]
    message = ask(client, "", messages=messages, tools=TOOLS).choices[0].message
    assert message.model_extra["maksud"]["turns"] == [0, 2]
    assert calls_of(message) == [("alarm", {"time": "jam 5"})]


def test_a_forced_call_is_to_the_last_turn_alone(client: OpenAI) -> None:
    """Small talk before it asked for nothing: forced too, it would be an open question."""
    messages: list[Any] = [
        {"role": "user", "content": "none() 0.8 | alarm() 0.1"},
        {"role": "assistant", "content": "Halo juga"},
        {"role": "user", "content": "play(song=A) 0.9"},
    ]
    reply = ask(client, "", messages=messages, tools=TOOLS, tool_choice="required")
    message = reply.choices[0].message
    assert message.model_extra["maksud"]["turns"] == [2]
    assert calls_of(message) == [("play", {"song": "A"})]


def test_a_refusal_that_is_sent_back_closes_its_turn(client: OpenAI) -> None:
    """As JSON it is all that there is of the answer; one for what is missing leaves it open."""
    text = {"type": "string"}
    rest = {"times": text, "days": {"type": "array", "items": text}}
    union = {"anyOf": [
        {"type": "object", "properties": {"intent": {"const": "play"}, "song": text},
         "required": ["intent"]},
        {"type": "object", "properties": {"intent": {"const": "alarm"}, "time": text, **rest},
         "required": ["intent", "time"]},
    ]}  # fmt: skip
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": union}}
    for said, then, why, read in (
        ("none() 0.9", "play(song=A) 0.9", "out of scope", [2]),
        ("alarm() 0.9", "alarm(time=jam 5) 0.9", "something is missing: alarm.time", [0, 2]),
    ):
        messages: list[Any] = [{"role": "user", "content": said}]
        first = ask(client, "", messages=messages, response_format=form).choices[0].message
        assert (first.content, first.refusal) == (None, why)
        messages += [first, {"role": "user", "content": then}]
        second = ask(client, "", messages=messages, response_format=form).choices[0].message
        assert second.model_extra["maksud"]["turns"] == read


@pytest.mark.parametrize(
    ("most", "made", "finish"),
    [
        (100, [("play", '{"song": "A B"}'), ("stop", "{}")], "tool_calls"),
        (13, [("play", '{"song": "A B"}'), ("stop", "{")], "length"),
        (3, [("play", '{"')], "length"),
        (1, [("play", "")], "length"),
    ],
)
def test_length_cuts_calls(client: OpenAI, most: int, made: Any, finish: str) -> None:
    reply = ask(client, "play(song=A B);stop() 0.9", tools=TOOLS, max_completion_tokens=most)
    choice = reply.choices[0]
    found = [(c.function.name, c.function.arguments) for c in choice.message.tool_calls]
    assert (found, choice.finish_reason) == (made, finish)
    assert reply.usage.completion_tokens <= most


def test_what_the_contract_does_not_know_is_refused_before_the_model_is_asked(
    client: OpenAI, model: Weighing
) -> None:
    before = len(model.held)
    unknown = {"type": "function", "function": {"name": "fly", "parameters": {}}}
    with pytest.raises(openai.BadRequestError, match="maksud catalog RUN --tools") as caught:
        ask(client, "stop() 0.9", tools=[*TOOLS, unknown])
    assert (caught.value.code, caught.value.param) == ("unknown_tool", "tools[3].function.name")
    assert len(model.held) == before


# ---------------------------------------------------------------- streams


def test_streamed_calls_come_as_openai_sends_them(client: OpenAI) -> None:
    said = "play(song=Hampa 晴天);alarm(time=jam 5) 0.9"
    plain = ask(client, said, tools=TOOLS).choices[0]
    first, *deltas, last = list(ask(client, said, tools=TOOLS, stream=True))
    assert first.choices[0].delta.role == "assistant" and first.choices[0].delta.content is None
    names: dict[int, Any] = {}
    arguments: dict[int, str] = {}
    for chunk in deltas:
        (choice,) = chunk.choices
        assert choice.finish_reason is None and choice.delta.content is None
        (part,) = choice.delta.tool_calls
        if part.index not in names:
            assert part.id.startswith("call_") and part.type == "function"
            assert part.function.arguments == ""
            names[part.index] = part.function.name
            arguments[part.index] = ""
        else:
            assert part.id is None and part.type is None and part.function.name is None
        arguments[part.index] += part.function.arguments
    assert last.choices[0].finish_reason == "tool_calls"
    assert last.choices[0].delta.model_dump(exclude_none=True) == {}
    assert last.model_extra["maksud"] == plain.message.model_extra["maksud"]
    sent = [(names[k], json.loads(arguments[k])) for k in sorted(names)]
    assert sent == calls_of(plain.message)


def test_the_clients_stream_helper_puts_calls_together(client: OpenAI) -> None:
    messages: Any = chat("play(song=A);stop() 0.9")["messages"]
    with client.chat.completions.stream(model="weighing", messages=messages, tools=TOOLS) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion().choices[0]
    assert "tool_calls.function.arguments.done" in kinds
    assert calls_of(final.message) == [("play", {"song": "A"}), ("stop", {})]
    assert final.finish_reason == "tool_calls"


def test_the_older_fields_are_streamed(client: OpenAI) -> None:
    functions = [t["function"] for t in TOOLS]
    chunks = list(ask(client, "play(song=A) 0.9", functions=functions, stream=True))
    parts = [c.choices[0].delta.function_call for c in chunks[1:-1]]
    assert parts[0].name == "play" and all(p.name is None for p in parts[1:])
    assert json.loads("".join(p.arguments for p in parts)) == {"song": "A"}
    assert chunks[-1].choices[0].finish_reason == "function_call"


def test_a_question_and_a_refusal_are_streamed(client: OpenAI) -> None:
    *chunks, last = list(ask(client, "alarm() 0.9", tools=TOOLS, stream=True))
    assert "".join(c.choices[0].delta.content for c in chunks) == "Jam berapa?"
    assert last.choices[0].delta.refusal is None
    *_, last = list(ask(client, "none() 0.9", tools=TOOLS, stream=True))
    assert last.choices[0].delta.refusal == "out of scope"
    assert last.choices[0].finish_reason == "stop"


# ---------------------------------------------------------------- JSON


class Flat(BaseModel):
    intent: Literal["play", "alarm", "stop"]
    song: str | None
    time: str | None
    times: int | None


def test_json_objects_follow_the_published_schema(client: OpenAI, live: Live) -> None:
    schema = live.client().get("/v1/schema").json()
    assert live.client().get("/v1/schema?model=weighing").json() == schema
    wanted: Any = {"type": "json_object"}
    given = {"name": "answer", "schema": schema, "strict": True}
    for said in ("play(song=A);stop() 0.9", "none() 0.9", "stop() 0.3", "alarm(times=x) 0.9"):
        choice = ask(client, said, response_format=wanted).choices[0]
        content = json.loads(choice.message.content)
        jsonschema.validate(content, schema)
        assert choice.message.refusal is None and choice.finish_reason == "stop"
        same = ask(client, said, response_format={"type": "json_schema", "json_schema": given})
        assert json.loads(same.choices[0].message.content) == content
        stream = list(ask(client, said, response_format=wanted, stream=True))
        assert json.loads("".join(c.choices[0].delta.content for c in stream)) == content


def test_parse_gives_objects_of_the_client(client: OpenAI) -> None:
    def parse(said: str) -> Any:
        messages: Any = chat(said)["messages"]
        reply = client.chat.completions.parse(
            model="weighing", messages=messages, response_format=Flat
        )
        return reply.choices[0].message

    assert parse("play(song=Hampa) 0.9").parsed == Flat(
        intent="play", song="Hampa", time=None, times=None
    )
    outside = parse("none() 0.9")
    assert (outside.parsed, outside.content, outside.refusal) == (None, None, "out of scope")
    several = parse("stop();stop() 0.9")
    assert several.refusal == "2 things are asked for, and the schema has room for one"
    messages: Any = chat("none() 0.9")["messages"]
    with client.chat.completions.stream(
        model="weighing", messages=messages, response_format=Flat
    ) as stream:
        assert stream.get_final_completion().choices[0].message.refusal == "out of scope"


def test_a_schema_holds_the_answer_to_its_intents(client: OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {"intent": {"enum": ["play", "none"]}, "song": {"type": "string"}},
        "required": ["intent"],
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "play", "schema": schema}}
    said = "stop() 0.6 | play(song=A) 0.3 | none() 0.1"
    message = ask(client, said, response_format=wanted).choices[0].message
    assert json.loads(message.content) == {"intent": "play", "song": "A"}
    assert message.model_extra["maksud"]["confidence"] == pytest.approx(0.75, abs=0.01)


def test_a_schema_that_cannot_be_met_is_refused(client: OpenAI) -> None:
    schema = {"type": "object", "properties": {"answer": {"type": "string"}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    with pytest.raises(openai.BadRequestError, match="GET /v1/schema") as caught:
        ask(client, "stop() 0.9", response_format=wanted)
    assert caught.value.code == "unsupported_schema"
    with pytest.raises(openai.BadRequestError, match="can't go with tools"):
        ask(client, "stop() 0.9", response_format={"type": "json_object"}, tools=TOOLS)


def test_tools_of_a_model(live: Live) -> None:
    got = live.client().get("/v1/tools").json()
    assert got == {"object": "list", "data": TOOLS}
    assert live.client().get("/v1/tools?model=nope").status_code == 404
    twice = live.client().get("/v1/tools?model=nope&model=weighing")
    assert twice.status_code == 400 and twice.json()["error"]["param"] == "model"
    assert live.client(None).get("/v1/tools").status_code == 401


# ---------------------------------------------------------------- certainty


def test_n_is_the_best_answers_with_their_probability(client: OpenAI) -> None:
    said = "play(song=A) 0.6 | play(song=B) 0.25 | stop() 0.1"
    reply = ask(client, said, n=2)
    assert [c.message.content for c in reply.choices] == ["play(song=A)", "play(song=B)"]
    assert [c.index for c in reply.choices] == [0, 1]
    assert reply.choices[0].message.refusal is None
    assert reply.choices[1].message.refusal == "another answer: play(song=B) at 0.25"
    second = reply.choices[1].message.model_extra["maksud"]
    assert (second["confidence"], second["accepted"]) == (0.25, False)
    assert reply.usage.prompt_tokens == 5 and reply.usage.completion_tokens == 12
    assert len(ask(client, said, n=4).choices) == 3  # there are no more
    called = ask(client, said, n=3, tools=TOOLS).choices
    assert [calls_of(c.message)[0] for c in called] == [
        ("play", {"song": "A"}),
        ("play", {"song": "B"}),
        ("stop", {}),
    ]
    assert len({c.message.tool_calls[0].id for c in called}) == 3
    as_json = ask(client, said, n=2, response_format={"type": "json_object"}).choices[1]
    found = json.loads(as_json.message.content)
    assert found["calls"] == [{"intent": "play", "arguments": {"song": "B"}}]
    assert (found["accepted"], found["confidence"]) == (False, 0.25)


def test_n_is_streamed_by_index(client: OpenAI) -> None:
    said = "play(song=A) 0.6 | stop() 0.3"
    plain = ask(client, said, n=2)
    texts = {0: "", 1: ""}
    ends = {}
    for chunk in ask(client, said, n=2, stream=True):
        (choice,) = chunk.choices
        texts[choice.index] += choice.delta.content
        if choice.finish_reason:
            ends[choice.index] = choice.finish_reason
    assert texts == {c.index: c.message.content for c in plain.choices}
    assert ends == {0: "stop", 1: "stop"}


@pytest.mark.parametrize(
    ("said", "more", "text", "p"),
    [
        ("play(song=A) 0.6 | play(song=B) 0.25 | stop() 0.1", {}, "play(song=A)", 0.6),
        ("play(song=A) 0.6 | stop() 0.1", {"tools": TOOLS}, "play(song=A)", 0.6),
        ("none() 0.9", {}, "none()", 0.9),
        ("stop() 0.4 | play() 0.3", {}, "none()", 0.3),
        ("stop() 0.4 | none() 0.35", {}, "none()", 0.35),
        ("alarm() 0.8", {"tools": TOOLS}, "Jam berapa?", 0.8),
    ],
)
def test_logprobs_add_up_to_the_confidence(
    client: OpenAI, said: str, more: Any, text: str, p: float
) -> None:
    choice = ask(client, said, logprobs=True, top_logprobs=3, **more).choices[0]
    content = choice.logprobs.content
    assert b"".join(bytes(e.bytes) for e in content).decode() == text
    assert math.exp(sum(e.logprob for e in content)) == pytest.approx(p, abs=0.001)
    chunks = ask(client, said, logprobs=True, top_logprobs=3, stream=True, **more)
    streamed = [e for c in chunks for e in (c.choices[0].logprobs or choice.logprobs).content or []
                if c.choices[0].logprobs]  # fmt: skip
    assert streamed == content


def test_what_else_was_weighed_stands_beside_it(client: OpenAI) -> None:
    said = "play(song=A) 0.6 | play(song=B) 0.25 | stop() 0.1"
    entries = ask(client, said, logprobs=True, top_logprobs=2).choices[0].logprobs.content
    first = {t.token: math.exp(t.logprob) for t in entries[0].top_logprobs}
    assert first == pytest.approx({"play": 0.85, "stop": 0.1}, abs=0.01)
    parted = next(e for e in entries if e.token == "A")
    assert [t.token for t in parted.top_logprobs] == ["A", "B"]
    assert ask(client, said, logprobs=True).choices[0].logprobs.content[0].top_logprobs == []
    assert ask(client, said, top_logprobs=0).choices[0].logprobs is None
    cut = ask(client, said, logprobs=True, max_tokens=3).choices[0]
    assert [e.token for e in cut.logprobs.content] == ["play", "(", "song"]


class Writing(Weighing):
    """Tells of the tokens that it wrote, three characters each: `-0.1` for the first of them."""

    def _weigh(self, utterance: str, allowed: Collection[str] | None) -> Proposal:
        proposal = super()._weigh(utterance, allowed)
        text = format_calls(proposal.calls).encode()
        parts = [text[k : k + 3] for k in range(0, len(text), 3)]
        top = ((parts[0], -0.1), (b"sto", -2.5))
        tokens = (Token(parts[0], -0.1, top), *(Token(part, 0.0) for part in parts[1:]))
        return replace(proposal, tokens=tokens)


@pytest.fixture(scope="module")
def writer() -> Iterator[OpenAI]:
    with running(Writing()) as live, OpenAI(base_url=f"{live.url}/v1", api_key=TOKEN) as made:
        yield made


def test_a_language_models_logprobs_are_those_of_its_tokens(writer: OpenAI) -> None:
    said = "play(song=晴天) 0.6 | stop() 0.3"
    for more in ({}, {"tools": TOOLS}):
        choice = ask(writer, said, logprobs=True, top_logprobs=2, **more).choices[0]
        content = choice.logprobs.content
        assert b"".join(bytes(e.bytes) for e in content).decode() == "play(song=晴天)"
        assert [e.token for e in content[:2]] == ["pla", "y(s"]
        assert [(t.token, t.logprob) for t in content[0].top_logprobs] == [
            ("pla", -0.1),
            ("sto", -2.5),
        ]
        assert [e.logprob for e in content[1:]] == [0.0] * (len(content) - 1)
        stream = ask(writer, said, logprobs=True, top_logprobs=2, stream=True, **more)
        parts = [c.choices[0].logprobs for c in stream]
        assert [e for part in parts if part for e in part.content or []] == content
    cut = ask(writer, said, logprobs=True, max_tokens=1).choices[0]
    assert [e.token for e in cut.logprobs.content] == ["pla", "y"]
    response = writer.responses.create(model="weighing", input=said, top_logprobs=1)
    entries = response.output[0].content[0].logprobs  # type: ignore[union-attr]
    assert b"".join(bytes(e.bytes) for e in entries or ()).decode() == "play(song=晴天)"


def test_what_a_language_model_did_not_write_has_those_of_decisions(writer: OpenAI) -> None:
    unsure = ask(writer, "stop() 0.4 | play() 0.3", logprobs=True).choices[0]
    assert unsure.message.content == "none()"
    assert math.exp(sum(e.logprob for e in unsure.logprobs.content)) == pytest.approx(0.3, abs=0.01)
    asked = ask(writer, "alarm() 0.8", logprobs=True, tools=TOOLS).choices[0]
    assert asked.message.content == "Jam berapa?"
    assert math.exp(sum(e.logprob for e in asked.logprobs.content)) == pytest.approx(0.8, abs=0.01)
    _, second = ask(writer, "stop() 0.7 | play() 0.2", logprobs=True, n=2).choices
    assert math.exp(sum(e.logprob for e in second.logprobs.content)) == pytest.approx(0.2, abs=0.01)


def test_the_fingerprint_is_the_contract(client: OpenAI, model: Weighing) -> None:
    reply = ask(client, "stop() 0.9", tools=TOOLS)
    assert reply.system_fingerprint == "fp_" + model.contract.id.removeprefix("sha256:")[:12]
