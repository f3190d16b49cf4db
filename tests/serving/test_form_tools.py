"""A class that a client sends as the one tool that has to be called: LangChain's
`with_structured_output(method="function_calling")`, instructor, LlamaIndex and Pydantic AI."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI
from serving_server import TOKEN, chat, running
from weighing import TOOLS, Weighing


@pytest.fixture(scope="module")
def client() -> Iterator[OpenAI]:
    with running(Weighing()) as live, OpenAI(base_url=f"{live.url}/v1", api_key=TOKEN) as made:
        yield made


def maybe(title: str) -> dict[str, Any]:
    either = [{"type": "string"}, {"type": "null"}]
    return {"anyOf": either, "default": None, "title": title}


# What Pydantic writes of a class, as these clients send it.
COMMAND: dict[str, Any] = {
    "name": "Command",
    "description": "Correctly extracted `Command` with all the required parameters",
    "parameters": {
        "properties": {
            "intent": {
                "enum": ["play", "alarm", "stop", "unknown"],
                "title": "Intent",
                "type": "string",
            },
            "song": maybe("Song"),
            "time": maybe("Time"),
            "times": maybe("Times"),
        },
        "required": ["intent"],
        "type": "object",
    },
}
TOOL: dict[str, Any] = {"type": "function", "function": COMMAND}
NAMED: dict[str, Any] = {"type": "function", "function": {"name": "Command"}}


def ask(client: OpenAI, text: str, **more: Any) -> Any:
    body = {**chat(text, model="weighing"), "tools": [TOOL], "tool_choice": NAMED, **more}
    return client.chat.completions.create(**body)


@pytest.mark.parametrize(
    ("said", "intent", "more"),
    [
        ("play(song=Hampa) 0.9", "play", {"song": "Hampa"}),
        ("alarm() 0.9", "alarm", {}),
        ("none() 0.9", "unknown", {}),
        ("stop() 0.3", "unknown", {}),
    ],
)
@pytest.mark.parametrize("choice", [NAMED, "required"])
def test_its_arguments_are_the_answer(
    client: OpenAI, said: str, intent: str, more: Any, choice: Any
) -> None:
    (one,) = ask(client, said, tool_choice=choice).choices
    assert one.finish_reason == "tool_calls" and one.message.content is None
    (call,) = one.message.tool_calls
    arguments = json.loads(call.function.arguments)
    assert call.function.name == "Command" and arguments.pop("intent") == intent
    assert {k: v for k, v in arguments.items() if v is not None} == more
    chunks = ask(client, said, tool_choice=choice, stream=True)
    parts = [c.choices[0].delta.tool_calls for c in chunks if c.choices[0].delta.tool_calls]
    assert parts[0][0].function.name == "Command"
    assert "".join(p[0].function.arguments for p in parts) == call.function.arguments


def test_the_older_fields_mean_the_same(client: OpenAI) -> None:
    more = {"functions": [COMMAND], "function_call": {"name": "Command"}}
    (one,) = ask(client, "stop() 0.9", tools=None, tool_choice=None, **more).choices
    assert one.finish_reason == "function_call"
    call = one.message.function_call
    assert call.name == "Command" and json.loads(call.arguments)["intent"] == "stop"


def test_a_conversation_that_ends_with_a_result_has_it_filled_again(client: OpenAI) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "stop", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "stop() 0.9"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "done"},
    ]
    (one,) = ask(client, "", messages=messages).choices
    assert one.message.tool_calls[0].function.name == "Command"


def test_what_has_no_room_for_nothing_is_a_refusal(client: OpenAI) -> None:
    properties = {"intent": {"enum": ["play"]}, "song": {"type": "string"}}
    one = {**COMMAND["parameters"], "properties": properties}
    tools = [{"type": "function", "function": {"name": "Command", "parameters": one}}]
    message = ask(client, "none() 0.9", tools=tools).choices[0].message
    assert not message.tool_calls and message.refusal == "out of scope"


def test_an_intent_of_that_name_stays_a_tool(client: OpenAI) -> None:
    (one,) = ask(client, "stop() 0.9", tools=[TOOLS[2]], tool_choice="required").choices
    assert one.message.tool_calls[0].function.arguments == "{}"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"tool_choice": "auto"}, "GET /v1/tools"),
        ({"tools": [TOOL, *TOOLS]}, "GET /v1/tools"),
        ({"tools": [{"type": "function", "function": {"name": "Command"}}]}, "GET /v1/tools"),
        (
            {"tools": [{"type": "function", "function": {
                "name": "Command",
                "parameters": {"type": "object", "properties": {"mood": {"type": "string"}}},
            }}]},
            "filled with an answer: tools[0].function.parameters",
        ),
    ],
)  # fmt: skip
def test_what_is_no_class_for_an_answer_is_an_unknown_tool(
    client: OpenAI, more: Any, says: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, "stop() 0.9", **more)
    assert (caught.value.code, caught.value.param) == ("unknown_tool", "tools[0].function.name")
    assert says in str(caught.value)
