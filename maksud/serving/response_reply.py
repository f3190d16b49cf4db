"""Responses as they go over the wire: an answer in the shape of OpenAI's responses, and streamed.

A stream says what the whole response says: its events are made of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from maksud.http.api_error import new_id
from maksud.serving.evidence import deal_entries
from maksud.serving.replies import Answer, split
from maksud.serving.response_request import ResponseRequest

_Json = dict[str, Any]


def write_response(answer: Answer, asked: ResponseRequest, id: str, created: int) -> _Json:
    """The response that an answer is; `maksud` is the recognition, as in chat completions."""
    cut = answer.finish_reason == "length"
    usage = answer.usage
    return {
        "id": id,
        "object": "response",
        "created_at": created,
        "status": "incomplete" if cut else "completed",
        "background": False,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "max_tool_calls": None,
        "model": answer.model,
        "output": _output(answer, "incomplete" if cut else "completed"),
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": False,
        **asked.told,
        "usage": {
            "input_tokens": usage["prompt_tokens"],
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": usage["completion_tokens"],
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": usage["total_tokens"],
        },
        "maksud": answer.recognition.to_json(),
    }


def _output(answer: Answer, status: str) -> list[_Json]:
    """A message with what is said, or why nothing is done; and the calls."""
    parts: list[_Json] = []
    if answer.content is not None:
        evidence = [] if answer.evidence is None else list(answer.evidence)
        parts.append({**_text_part(answer.content), "logprobs": evidence})
    if answer.why_not:
        parts.append({"type": "refusal", "refusal": answer.why_not})
    calls: list[_Json] = [
        {
            "id": new_id("fc_"),
            "type": "function_call",
            "status": "completed",
            "call_id": call.id,
            "name": call.name,
            "arguments": call.arguments,
        }
        for call in answer.calls
    ]
    last = {"id": new_id("msg_"), "type": "message", "role": "assistant", "content": parts}
    items: list[_Json] = [{**last, "status": "completed"}, *calls] if parts else calls
    items[-1]["status"] = status
    return items


def _text_part(text: str) -> _Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def stream_response(response: Mapping[str, Any]) -> bytes:
    """The events of a response, as server-sent events: see `replies.events`, but each is named."""
    out = []
    for number, (name, content) in enumerate(list_events(response)):
        event = {"type": name, "sequence_number": number, **content}
        frame = json.dumps(event, allow_nan=False, separators=(",", ":"))
        out.append(f"event: {name}\ndata: {frame}\n\n")
    return "".join(out).encode("ascii")


_Events = Iterator[tuple[str, _Json]]


def list_events(response: Mapping[str, Any]) -> _Events:
    """The name and content of each event of a response that is streamed."""
    begun = {k: v for k, v in response.items() if k != "maksud"}
    begun |= {"status": "in_progress", "incomplete_details": None, "output": [], "usage": None}
    yield "response.created", {"response": begun}
    yield "response.in_progress", {"response": begun}
    for index, item in enumerate(response["output"]):
        place = {"item_id": item["id"], "output_index": index}
        empty: dict[str, Any] = {"content": []} if item["type"] == "message" else {"arguments": ""}
        begun = {**item, "status": "in_progress", **empty}
        yield "response.output_item.added", {"output_index": index, "item": begun}
        if item["type"] == "message":
            for k, part in enumerate(item["content"]):
                yield from _list_part(part, {**place, "content_index": k})
        else:
            yield from _list_call(item, place)
        yield "response.output_item.done", {"output_index": index, "item": item}
    yield f"response.{response['status']}", {"response": response}


def _list_part(part: Mapping[str, Any], place: _Json) -> _Events:
    """A text in its pieces, a refusal in one."""
    key = "text" if part["type"] == "output_text" else "refusal"
    name = f"response.{part['type']}"
    logprobs: Sequence[Any] = part.get("logprobs", ())
    begun = {**part, key: "", **({"logprobs": []} if key == "text" else {})}
    yield "response.content_part.added", {**place, "part": begun}
    pieces = split(part[key]) if key == "text" else [part[key]]
    dealt = deal_entries(logprobs, pieces)
    for piece, own in zip(pieces, dealt, strict=True):
        more = {"logprobs": own} if key == "text" else {}
        yield f"{name}.delta", {**place, "delta": piece, **more}
    more = {"logprobs": list(logprobs)} if key == "text" else {}
    yield f"{name}.done", {**place, key: part[key], **more}
    yield "response.content_part.done", {**place, "part": part}


def _list_call(item: Mapping[str, Any], place: _Json) -> _Events:
    name = "response.function_call_arguments"
    for piece in split(item["arguments"]):
        yield f"{name}.delta", {**place, "delta": piece}
    yield f"{name}.done", {**place, "name": item["name"], "arguments": item["arguments"]}
