"""Responses as the official client gets them from a server: plain, streamed, parsed."""

import asyncio
import json
import math
import socket
import time
from collections.abc import Iterator
from typing import Any, Literal

import openai
import pytest
from jsonschema import Draft202012Validator
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel
from serving_server import TOKEN, Live, Scripted, chat, request, running
from weighing import TOOLS, Weighing

from maksud.http.tokens import METRICS, Token, Tokens

READER = "mk-a-token-that-reads-figures"
TOKENS = Tokens([Token.of(TOKEN, "app"), Token.of(READER, "reads", [METRICS])])
FLAT: list[Any] = [{"type": "function", **t["function"], "strict": True} for t in TOOLS]
PLAY, ALARM, STOP = FLAT
PATH = "/v1/responses"


@pytest.fixture(scope="module")
def model() -> Weighing:
    return Weighing()


@pytest.fixture(scope="module")
def live(model: Weighing) -> Iterator[Live]:
    with running(model, Scripted(), tokens=TOKENS, max_utterance_chars=500) as server:
        yield server


@pytest.fixture
def client(live: Live) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{live.url}/v1", api_key=TOKEN, max_retries=0) as made:
        yield made


def ask(client: OpenAI, said: Any, **more: Any) -> Any:
    return client.responses.create(**{"model": "weighing", "input": said, **more})


def parts_of(response: Any) -> list[tuple[str, str]]:
    """Kind and text of the parts of its messages."""
    parts = [p for item in response.output if item.type == "message" for p in item.content]
    return [(p.type, p.text if p.type == "output_text" else p.refusal) for p in parts]


def calls_of(response: Any) -> list[Any]:
    items = [item for item in response.output if item.type == "function_call"]
    return [(item.name, json.loads(item.arguments)) for item in items]


def as_chat(live: Live, said: Any, **more: Any) -> Any:
    """What a chat completion says to the same, asked in its own shape."""
    body = {**chat(said), **more}
    return live.client().post("/v1/chat/completions", json=body).json()["choices"][0]["message"]


# ---------------------------------------------------------------- text


def test_an_answer_is_a_message(client: OpenAI, model: Weighing) -> None:
    before = time.time()
    response = ask(client, "play(song=Hampa) 0.9")
    assert response.output_text == "play(song=Hampa)" and response.status == "completed"
    assert response.object == "response" and response.id.startswith("resp_")
    assert before - 1 <= response.created_at <= time.time() + 1
    (message,) = response.output
    assert (message.type, message.role, message.status) == ("message", "assistant", "completed")
    assert message.content[0].annotations == [] and message.content[0].logprobs == []
    assert response.error is None and response.incomplete_details is None
    assert response.model_extra["store"] is False  # nothing is stored
    assert response.previous_response_id is None and response.background is False
    usage = response.usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (5, 6, 11)
    assert usage.input_tokens_details.cached_tokens == 0
    assert usage.output_tokens_details.reasoning_tokens == 0
    told = response.model_extra["maksud"]
    assert told["accepted"] and told["contract"] == model.contract.id
    assert told["calls"][0]["intent"] == "play"
    again = ask(client, "play(song=Hampa) 0.9")
    assert again.id != response.id and again.output[0].id != message.id


@pytest.mark.parametrize("said", ["stop() 0.9", "stop() 0.3", "none() 0.9", "alarm() 0.9", "… 1"])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"tools": True},
        {"tools": True, "tool_choice": "required"},
        {"json": True},
        {"talks": True},
        {"talks": True, "tools": True},
    ],
    ids=str,
)
def test_it_says_what_a_chat_completion_says(live: Live, said: str, more: dict[str, Any]) -> None:
    said = said.replace("… 1", "play(song=A); stop() 0.8")
    ours: dict[str, Any] = {"model": "weighing/chat" if "talks" in more else "weighing"}
    theirs = dict(ours)
    if "tools" in more:
        ours["tools"], theirs["tools"] = FLAT, TOOLS
    if "tool_choice" in more:
        ours["tool_choice"] = theirs["tool_choice"] = more["tool_choice"]
    if "json" in more:
        theirs["response_format"] = {"type": "json_object"}
        ours["text"] = {"format": {"type": "json_object"}}
    message = as_chat(live, said, **theirs)
    reply = live.client().post(PATH, json={"input": said, **ours}).json()
    parts = [p for i in reply["output"] if i["type"] == "message" for p in i["content"]]
    texts = [p["text"] for p in parts if p["type"] == "output_text"]
    assert texts == [message["content"]] * (message["content"] is not None)
    refusals = [p["refusal"] for p in parts if p["type"] == "refusal"]
    assert refusals == [message["refusal"]] * (message["refusal"] is not None)
    made = [(i["name"], i["arguments"]) for i in reply["output"] if i["type"] == "function_call"]
    calls = [c["function"] for c in message.get("tool_calls", ())]
    assert made == [(c["name"], c["arguments"]) for c in calls]
    assert reply["maksud"] == message["maksud"] and reply["model"] == ours["model"]


def test_why_nothing_is_done_is_a_refusal(client: OpenAI) -> None:
    assert parts_of(ask(client, "none() 0.9")) == [
        ("output_text", "none()"),
        ("refusal", "out of scope"),
    ]
    unsure = parts_of(ask(client, "stop() 0.3", tools=FLAT))
    assert unsure[1] == ("refusal", "not sure enough: stop() at 0.30")
    assert parts_of(ask(client, "alarm() 0.9", tools=FLAT)) == [("output_text", "Jam berapa?")]
    talked = parts_of(ask(client, "none() 0.9", model="weighing/chat"))
    assert len(talked) == 1 and talked[0][0] == "output_text"


def test_cut_at_a_length(client: OpenAI) -> None:
    response = ask(client, "play(song=Hampa) 0.9", max_output_tokens=3)
    assert response.output_text == "play(song" and response.status == "incomplete"
    assert response.incomplete_details.reason == "max_output_tokens"
    assert response.output[0].status == "incomplete" and response.max_output_tokens == 3
    *_, last = ask(client, "play(song=Hampa) 0.9", max_output_tokens=3, stream=True)
    assert last.type == "response.incomplete" and last.response.output_text == "play(song"
    two = ask(client, "play(song=A); stop() 0.9", tools=FLAT, max_output_tokens=12)
    assert [(i.name, i.status) for i in two.output] == [
        ("play", "completed"),
        ("stop", "incomplete"),
    ]


def test_what_was_asked_for_is_told_back(client: OpenAI) -> None:
    response = ask(
        client, "stop() 0.9", instructions="Be kind", metadata={"a": "b"}, temperature=0.5,
        tools=FLAT, tool_choice="none", parallel_tool_calls=False, truncation="auto",
    )  # fmt: skip
    assert response.instructions == "Be kind" and response.metadata == {"a": "b"}
    assert response.temperature == 0.5 and response.truncation == "auto"
    assert [t.name for t in response.tools] == ["play", "alarm", "stop"]
    assert response.tools[0].strict and response.tool_choice == "none"
    assert response.parallel_tool_calls is False and response.output_text == "stop()"


def test_log_probabilities(client: OpenAI) -> None:
    said = "play(song=A) 0.6 | play(song=B) 0.25 | stop() 0.1"
    more: Any = {"include": ["message.output_text.logprobs"], "top_logprobs": 2}
    entries = ask(client, said, **more).output[0].content[0].logprobs
    assert math.exp(sum(e.logprob for e in entries)) == pytest.approx(0.6, abs=0.001)
    assert [t.token for t in entries[0].top_logprobs] == ["play", "stop"]
    events = [e for e in ask(client, said, **more, stream=True) if "output_text" in e.type]
    streamed = [p for e in events if e.type.endswith("delta") for p in e.logprobs]
    assert [(p.token, p.logprob) for p in streamed] == [(e.token, e.logprob) for e in entries]
    assert len(events[-1].logprobs) == len(entries)


# ---------------------------------------------------------------- calls and conversations


def test_calls_are_items(client: OpenAI) -> None:
    response = ask(client, "play(song=Hampa); alarm(time=jam 5, times=dua) 0.9", tools=FLAT)
    assert calls_of(response) == [
        ("play", {"song": "Hampa"}),
        ("alarm", {"time": "jam 5", "times": 2}),
    ]
    first, second = response.output
    assert first.call_id.startswith("call_") and first.call_id != second.call_id
    assert first.id.startswith("fc_") and first.status == "completed"
    one = ask(client, "play(song=A); stop() 0.9", tools=FLAT, parallel_tool_calls=False)
    assert calls_of(one) == [("play", {"song": "A"})]


def test_some_of_the_tools_hold_the_answer(client: OpenAI, model: Weighing) -> None:
    said = "stop() 0.6 | play(song=A) 0.3 | none() 0.1"
    assert calls_of(ask(client, said, tools=[PLAY, ALARM])) == [("play", {"song": "A"})]
    assert model.held[-1] == frozenset({"play", "alarm", "none"})
    named: Any = {"type": "function", "name": "play"}
    assert calls_of(ask(client, said, tools=FLAT, tool_choice=named)) == [("play", {"song": "A"})]
    allowed: Any = {"type": "allowed_tools", "mode": "auto", "tools": [named]}
    ask(client, said, tools=FLAT, tool_choice=allowed)
    assert model.held[-1] == frozenset({"play", "none"})


def test_a_forced_call_comes_with_what_speaks_against_it(client: OpenAI) -> None:
    said = "none() 0.9 | play(song=A) 0.04 | stop() 0.05"
    forced = ask(client, said, tools=FLAT, tool_choice="required")
    assert [item.type for item in forced.output] == ["message", "function_call"]
    assert parts_of(forced) == [("refusal", "not sure enough: play(song=A) at 0.44")]
    assert calls_of(forced) == [("play", {"song": "A"})]


def test_results_close_a_turn(client: OpenAI) -> None:
    """The loop of the guide of OpenAI: what came is sent back with what the functions gave."""
    talk: list[Any] = [{"role": "user", "content": "play(song=A); stop() 0.9"}]
    first = ask(client, talk, tools=FLAT)
    talk += first.output
    for item, gave in zip(first.output, ("Now playing A", "Stopped"), strict=True):
        talk.append({"type": "function_call_output", "call_id": item.call_id, "output": gave})
    closed = ask(client, talk, tools=FLAT)
    assert closed.output_text == "Now playing A\nStopped" and calls_of(closed) == []
    assert closed.usage.input_tokens == 0
    talk += [*closed.output, {"role": "user", "content": "stop() 0.9"}]
    last = ask(client, talk, tools=FLAT)
    assert calls_of(last) == [("stop", {})]
    # the item that it was said in: what is read is told by its place in the input
    assert last.model_extra["maksud"]["turns"] == [len(talk) - 1]


def test_a_question_leaves_a_turn_open(client: OpenAI) -> None:
    talk: list[Any] = [{"role": "user", "content": "alarm() 0.9"}]
    first = ask(client, talk, tools=FLAT)
    assert first.output_text == "Jam berapa?"
    talk += [*first.output, {"role": "user", "content": "alarm(time=jam 5) 0.9"}]
    second = ask(client, talk, tools=FLAT)
    assert second.model_extra["maksud"]["turns"] == [0, 2]
    assert calls_of(second) == [("alarm", {"time": "jam 5"})]
    alone = ask(client, talk, tools=FLAT, extra_body={"maksud": {"turns": "last"}})
    assert alone.model_extra["maksud"]["turns"] == [2]


# ---------------------------------------------------------------- JSON


class Command(BaseModel):
    intent: Literal["play", "stop", "unknown"]
    song: str | None = None


class Song(BaseModel):
    intent: Literal["play"]
    song: str | None = None


def test_json_is_parsed(client: OpenAI) -> None:
    parsed = client.responses.parse(
        model="weighing", input="play(song=Hampa) 0.9", text_format=Command
    )
    assert parsed.output_parsed == Command(intent="play", song="Hampa")
    nothing = client.responses.parse(model="weighing", input="none() 0.9", text_format=Command)
    assert nothing.output_parsed == Command(intent="unknown")
    silent = client.responses.parse(model="weighing", input="none() 0.9", text_format=Song)
    assert silent.output_parsed is None and parts_of(silent) == [("refusal", "out of scope")]
    plain = ask(client, "stop() 0.9", text={"format": {"type": "json_object"}})
    assert json.loads(plain.output_text)["calls"] == [{"intent": "stop", "arguments": {}}]
    assert plain.text.format.type == "json_object"


# ---------------------------------------------------------------- streams


def test_the_events_of_a_text(client: OpenAI) -> None:
    events = list(ask(client, "none() 0.9", stream=True))
    texts = ["response.output_text.delta"] * 3
    assert [e.type for e in events] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        *texts,
        "response.output_text.done",
        "response.content_part.done",
        "response.content_part.added",
        "response.refusal.delta",
        "response.refusal.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [e.sequence_number for e in events] == list(range(len(events)))
    created, last = events[0].response, events[-1].response
    assert created.status == "in_progress" and created.output == [] and created.usage is None
    assert created.id == last.id and last.status == "completed"
    assert events[2].item.status == "in_progress" and events[2].item.content == []
    assert {e.item_id for e in events if hasattr(e, "item_id")} == {last.output[0].id}
    assert "".join(e.delta for e in events if e.type in texts) == last.output_text == "none()"
    assert events[10].delta == events[11].refusal == "out of scope"
    assert [e.content_index for e in events if hasattr(e, "content_index")] == [0] * 6 + [1] * 4
    assert last.model_extra["maksud"]["accepted"] is False and last.usage.output_tokens == 3


def test_the_events_of_calls(client: OpenAI) -> None:
    said = "play(song=Hampa Rasa); stop() 0.9"
    events = list(ask(client, said, tools=FLAT, stream=True))
    name = "response.function_call_arguments"
    for index, arguments in enumerate(('{"song": "Hampa Rasa"}', "{}")):
        mine = [e for e in events if getattr(e, "output_index", None) == index]
        assert mine[0].type == "response.output_item.added" and mine[0].item.arguments == ""
        assert mine[-1].type == "response.output_item.done"
        assert mine[-1].item.arguments == arguments
        assert "".join(e.delta for e in mine if e.type == f"{name}.delta") == arguments
        (done,) = [e for e in mine if e.type == f"{name}.done"]
        assert done.arguments == arguments and done.name == mine[-1].item.name
        assert done.item_id == mine[-1].item.id == mine[0].item.id
    assert calls_of(events[-1].response) == [("play", {"song": "Hampa Rasa"}), ("stop", {})]


def test_the_helper_that_streams(client: OpenAI) -> None:
    more: Any = {"model": "weighing", "input": "play(song=Hampa) 0.9"}
    with client.responses.stream(**more, tools=FLAT) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert kinds.count("response.function_call_arguments.delta") > 1
    assert final.output[0].parsed_arguments == {"song": "Hampa"}
    with client.responses.stream(**more, text_format=Command) as stream:
        for event in stream:
            if event.type == "response.output_text.done":
                assert event.parsed == Command(intent="play", song="Hampa")
        assert stream.get_final_response().output_parsed == Command(intent="play", song="Hampa")


@pytest.mark.parametrize("said", ["play(song=A B) 0.9", "none() 0.9", "stop() 0.3", "alarm() 0.9"])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"tools": FLAT},
        {"model": "weighing/chat"},
        {"model": "scripted", "input": "A\u2028B 🎵\u0085C"},
    ],
    ids=["text", "tools", "talk", "signs"],
)
def test_a_stream_says_what_the_whole_says(live: Live, said: str, more: dict[str, Any]) -> None:
    body = {"model": "weighing", "input": said, **more}
    whole = live.client().post(PATH, json=body).json()
    sent = live.client().post(PATH, json={**body, "stream": True})
    assert sent.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert sent.headers["cache-control"] == "no-cache"
    frames = sent.text.split("\n\n")
    assert frames.pop() == ""  # every event is whole, and none comes after the last
    events = []
    for frame in frames:
        name, _, data = frame.partition("\n")
        assert data.isascii() and data.startswith("data: ")
        events.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
    last = events[-1]["response"]
    assert masked(last) == masked(whole)


def masked(response: dict[str, Any]) -> dict[str, Any]:
    """A response without what is new each time."""
    output = [
        {k: v for k, v in i.items() if k not in ("id", "call_id")} for i in response["output"]
    ]
    return {**response, "id": "", "created_at": 0, "output": output}


def test_the_client_that_waits_for_nothing(live: Live) -> None:
    kinds = asyncio.run(list_kinds(live))
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed"


async def list_kinds(live: Live) -> list[str]:
    async with AsyncOpenAI(base_url=f"{live.url}/v1", api_key=TOKEN, max_retries=0) as client:
        stream = await client.responses.create(model="weighing", input="stop() 0.9", stream=True)
        return [event.type async for event in stream]


# ---------------------------------------------------------------- what is refused, and the rest


def test_what_is_not_stored_can_not_be_asked_for(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, "stop() 0.9", previous_response_id="resp_1")
    assert caught.value.param == "previous_response_id" and "whole in input" in str(caught.value)
    with pytest.raises(openai.NotFoundError, match="not stored"):
        client.responses.retrieve("resp_1")


def test_errors_are_those_of_the_other_routes(live: Live, client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        ask(client, "x", model="other")
    assert missing.value.code == "model_not_found" and missing.value.param == "model"
    with pytest.raises(openai.BadRequestError) as long:
        ask(client, "x" * 501)
    assert (long.value.code, long.value.param) == ("context_length_exceeded", "input")
    with pytest.raises(openai.BadRequestError) as endless:
        ask(client, "endless", model="scripted")
    assert (endless.value.code, endless.value.param) == ("context_length_exceeded", "input")
    with pytest.raises(openai.BadRequestError) as tool:
        ask(client, "x", tools=[{**PLAY, "name": "sing"}])
    assert (tool.value.code, tool.value.param) == ("unknown_tool", "tools[0].name")
    for token, status in ((None, 401), (READER, 403)):
        assert live.client(token).post(PATH, json={}).status_code == status
    assert live.client().get(PATH).status_code == 405
    assert (
        live.client().post(PATH + "/", json={"model": "weighing", "input": "stop() 0.9"}).is_success
    )


def test_it_is_counted_and_limited_as_the_other_routes() -> None:
    with running(Weighing(), tokens=TOKENS, utterances_per_minute=2) as live:
        http = live.client()
        body = {"model": "weighing", "input": "stop() 0.9"}
        codes = [http.post(PATH, json=body).status_code for _ in range(3)]
        text = live.client(READER).get("/metrics").text
    assert codes == [200, 200, 429]
    assert 'maksud_requests_total{path="/v1/responses",status="200"} 2.0' in text
    assert 'maksud_token_utterances_total{token="app"} 2.0' in text
    assert 'maksud_answers_total{model="weighing",outcome="acted"} 2.0' in text


def test_who_leaves_is_taken_out_of_the_queue() -> None:
    model = Scripted()
    with running(model) as live:
        model.gate.clear()
        lane = live.front.lanes["scripted"]
        with socket.create_connection(("127.0.0.1", live.port)) as first:
            for name in ("first", "gone"):
                body = json.dumps({"model": "scripted", "input": name}).encode()
                if name == "first":
                    first.sendall(request("POST", PATH, body=body))
                    wait_for(lambda: model.batches == [["first"]])
                    continue
                with socket.create_connection(("127.0.0.1", live.port)) as leaving:
                    leaving.sendall(request("POST", PATH, body=body))
                    wait_for(lambda: lane.waiting == 1)
            wait_for(lambda: lane.waiting == 0)
            model.gate.set()
    assert ["gone"] not in model.batches


def wait_for(found: Any) -> None:
    for _ in range(2000):
        if found():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come about")


def test_what_was_said_is_logged_only_where_it_is_asked_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="maksud.serving")
    for logs in (False, True):
        caplog.clear()
        with running(Weighing(), access_log=True, log_utterances=logs) as live:
            live.client().post(PATH, json={"model": "weighing", "input": "stop() 0.9"})
        (line,) = [r.getMessage() for r in caplog.records if PATH in r.getMessage()]
        assert ("stop() 0.9" in line) == logs


def test_responses_are_of_the_shape_that_is_told(live: Live) -> None:
    http = live.client()
    description = http.get("/openapi.json").json()

    def check(name: str, content: Any) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": description["components"]}
        Draft202012Validator(schema).validate(content)

    for said in ("play(song=A); stop() 0.9", "none() 0.9", "stop() 0.3", "alarm() 0.9"):
        for more in ({}, {"tools": FLAT}, {"max_output_tokens": 2}, {"top_logprobs": 2}):
            body = {"model": "weighing", "input": [{"role": "user", "content": said}], **more}
            check("ResponseRequest", body)
            check("Response", http.post(PATH, json=body).json())
