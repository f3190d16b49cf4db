"""Any request at all, to both endpoints that decide: it is answered, or refused by name."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from weighing import CATALOG, TOOLS, Weighing

from maksud.http.api_error import ApiError
from maksud.http.settings import ServeSettings
from maksud.recognizers.recognition import Recognition
from maksud.serving.choices import Plan, Planner, answers_of
from maksud.serving.openapi import describe
from maksud.serving.protocol import parse_chat
from maksud.serving.replies import chunks, completion
from maksud.serving.response_reply import list_events, write_response
from maksud.serving.response_request import LOGPROBS, parse_response

FLAT: list[Any] = [{"type": "function", **t["function"]} for t in TOOLS]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 60) | st.sampled_from(["", "auto", "play", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "name", "function", "enum", "role", "content", "format"]),
            inner,
        )
    ),
    max_leaves=8,
)
BOTH: dict[str, Any] = {
    "parallel_tool_calls": st.booleans() | JSON,
    "top_logprobs": st.integers(-1, 22) | JSON,
    "stream": st.booleans() | JSON,
    "maksud": st.sampled_from([{"turns": "all"}, {"turns": "last"}]) | JSON,
}
CHAT: dict[str, Any] = {
    "tools": st.just(TOOLS) | st.just(TOOLS[:1]) | JSON,
    "tool_choice": st.sampled_from(["auto", "none", "required", TOOLS[0]]) | JSON,
    "functions": st.just([t["function"] for t in TOOLS]) | JSON,
    "function_call": st.sampled_from(["auto", "none", {"name": "play"}]) | JSON,
    "response_format": st.just({"type": "json_object"}) | JSON,
    "n": st.integers(-1, 6) | JSON,
    "logprobs": st.booleans() | JSON,
    "max_tokens": st.integers(-1, 30) | JSON,
    "stop": st.sampled_from(["(", ";", "song"]) | JSON,
}
RESPONSE: dict[str, Any] = {
    "input": JSON,
    "tools": st.just(FLAT) | st.just(FLAT[:1]) | JSON,
    "tool_choice": st.sampled_from(["auto", "none", "required", FLAT[0]]) | JSON,
    "text": st.just({"format": {"type": "json_object"}}) | JSON,
    "include": st.just([LOGPROBS]) | JSON,
    "max_output_tokens": st.integers(-1, 30) | JSON,
    "metadata": st.just({"a": "b"}) | JSON,
    "instructions": JSON,
    "reasoning": JSON,
    "truncation": JSON,
    "store": JSON,
    "n": JSON,
}
SHAPES = describe(["weighing"], ServeSettings())["components"]
Checks = Callable[[Recognition, Plan], None]


@dataclass(frozen=True)
class Door:
    """An endpoint. `read`: its request as what is asked, and what checks the reply."""

    fields: Mapping[str, Any]
    key: str
    read: Callable[[dict[str, Any]], tuple[Any, Checks]]


def check_shape(name: str, content: Any) -> None:
    """Holds a reply to the shape that is told of it."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": SHAPES}
    jsonschema.Draft202012Validator(schema).validate(json.loads(json.dumps(content)))


def read_chat(content: dict[str, Any]) -> tuple[Any, Checks]:
    def check(answer: Recognition, plan: Plan) -> None:
        answers = answers_of(answer, plan, CATALOG)
        whole = completion(answers, "id", 0)
        check_shape("ChatCompletion", whole)
        json.dumps(list(chunks(answers, "id", 0, True)), allow_nan=False)
        for choice in whole["choices"]:
            message = choice["message"]
            assert choice["finish_reason"] in ("stop", "length", "tool_calls", "function_call")
            called = "tool_calls" in message or "function_call" in message
            assert not (called and message["content"])
            if choice["finish_reason"] == "length":
                continue
            for call in message.get("tool_calls", ()):
                (own,) = (t for t in TOOLS if t["function"]["name"] == call["function"]["name"])
                arguments = json.loads(call["function"]["arguments"])
                jsonschema.validate(arguments, own["function"]["parameters"])

    return parse_chat(content), check


def read_response(content: dict[str, Any]) -> tuple[Any, Checks]:
    asked = parse_response(content)

    def check(answer: Recognition, plan: Plan) -> None:
        (reply,) = answers_of(answer, plan, CATALOG)
        whole = write_response(reply, asked, "resp_x", 0)
        check_shape("Response", whole)
        events = list(list_events(whole))
        assert events[-1][1]["response"] is whole
        for key, kind in (("text", "output_text"), ("arguments", "function_call_arguments")):
            said = [e["delta"] for name, e in events if name == f"response.{kind}.delta"]
            parts = [p for item in whole["output"] for p in item.get("content", [item]) if key in p]
            assert "".join(said) == "".join(p[key] for p in parts)

    return asked.chat, check


DOORS = {
    "chat": Door({**BOTH, **CHAT}, "messages", read_chat),
    "responses": Door({**BOTH, **RESPONSE}, "input", read_response),
}
SAID = ["play(song=A) 0.6 | stop() 0.3", "none() 0.9", "alarm() 0.9", "stop() 0.2"]


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
@settings(max_examples=300)
@given(st.data())
def test_any_request_is_answered_or_refused_by_name(door: Door, data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(door.fields)), max_size=4))
    more = data.draw(st.fixed_dictionaries({name: door.fields[name] for name in names}))
    said = data.draw(st.sampled_from(SAID))
    weighing = Weighing()
    user = [{"role": "user", "content": said}]
    try:
        asked, check = door.read({"model": "weighing", door.key: user, **more})
        plan = Planner().plan(asked, weighing.contract, "weighing")
    except ApiError as error:
        assert error.status == 400 and error.param
        return
    (answer,) = weighing.recognize([said], [plan.allowed])
    check(answer, plan)
