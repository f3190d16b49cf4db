"""Requests for responses (`POST /v1/responses`), read as what a chat request asks for.

From there on they are answered as those are. What would need something that is stored, or a tool
that is built in, is refused with what to send instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from maksud.http.fields import (
    check_number,
    invalid,
    missing,
    read_boolean,
    read_integer,
    read_text,
)
from maksud.http.json_body import kind_of
from maksud.serving.items import read_input
from maksud.serving.json_reply import read_text_format
from maksud.serving.protocol import ChatRequest, read_reading, read_top, refuse_unsupported
from maksud.serving.tools import read_flat_tools

LOGPROBS = "message.output_text.logprobs"
INCLUDED = (
    LOGPROBS,
    "reasoning.encrypted_content",
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "code_interpreter_call.outputs",
    "computer_call_output.output.image_url",
    "message.input_image.image_url",
)
"""What `include` may name; all but the first are of what is never in a response here."""
MAX_PAIRS, MAX_KEY_CHARS, MAX_VALUE_CHARS = 16, 64, 512
"""Pairs of `metadata`, and characters of a key and of a value, at most."""

_WHOLE = (
    "nothing is stored here. Send the conversation whole in input: what was said, the items of "
    "each output, and the results of calls"
)
_UNSUPPORTED = {
    "previous_response_id": _WHOLE,
    "conversation": _WHOLE,
    "store": "nothing is stored here. Leave it out, or send false",
    "background": "a response is there when the request is answered. Leave it out, or send false",
    "prompt": "no prompts are stored here. Send what was said in input",
}
_ELSEWHERE = {
    "messages": "Send them as input",
    "response_format": "Send it as text.format",
    "max_tokens": "Send it as max_output_tokens",
    "max_completion_tokens": "Send it as max_output_tokens",
    "functions": "Send them as tools",
    "function_call": "Send it as tool_choice",
    "logprobs": f"Send include: [{LOGPROBS!r}]",
    "n": "Ask for several answers at /v1/chat/completions",
    "stop": "Ask for it at /v1/chat/completions",
}
"""Fields of chat requests, and what to do about them here."""
_ECHOED = ("instructions", "max_output_tokens", "metadata", "temperature", "top_p", "truncation")


@dataclass(frozen=True, slots=True)
class ResponseRequest:
    """A request for a response: what it asks for, as a chat request, and what is told back of it.

    `told`: fields of the response that say what was asked for.
    """

    chat: ChatRequest
    told: Mapping[str, Any]


def parse_response(content: Mapping[str, Any]) -> ResponseRequest:
    """Reads the body of `POST /v1/responses`. Raises `ApiError` (400) that names the field."""
    if content.get("model") is None:
        raise missing("model", "Name a model; GET /v1/models lists them")
    model = read_text(content, "model")
    refuse_unsupported(content)
    refuse_unsupported(content, _UNSUPPORTED)
    _refuse_elsewhere(content)
    check_number(content, "temperature", 0, 2)
    check_number(content, "top_p", 0, 1)
    for key in ("store", "background"):
        read_boolean(content, key)
    if content.get("instructions") is not None:
        read_text(content, "instructions")
    _check_ignored(content)
    _check_metadata(content.get("metadata"))
    tools, wanted = read_flat_tools(content), read_text_format(content)
    if wanted is not None and tools is not None and tools.mode != "none":
        raise invalid("text.format", "can't go with tools: an answer is calls or JSON")
    chat = ChatRequest(
        model=model,
        turns=read_input(content.get("input")),
        reading=read_reading(content.get("maksud")),
        max_tokens=read_integer(content, "max_output_tokens", 1),
        stream=read_boolean(content, "stream"),
        tools=tools,
        format=wanted,
        top_logprobs=_top_logprobs(content),
        param="input",
    )
    return ResponseRequest(chat, _told(content))


def _refuse_elsewhere(content: Mapping[str, Any]) -> None:
    for key, hint in _ELSEWHERE.items():
        value = content.get(key)
        asks = value is not None and value is not False and value != []
        if asks and not (key == "n" and value == 1):
            raise invalid(key, f"is a field of chat completions. {hint}", "unsupported_parameter")


def _check_ignored(content: Mapping[str, Any]) -> None:
    """Checks what changes nothing about an answer that no model reasons about."""
    for key in ("reasoning", "stream_options"):
        value = content.get(key)
        if value is not None and not isinstance(value, dict):
            raise invalid(key, f"must be an object, found {kind_of(value)}", "invalid_type")
    truncation = content.get("truncation")
    if truncation not in (None, "auto", "disabled"):
        raise invalid("truncation", 'must be "auto" or "disabled"')
    read_integer(content, "max_tool_calls", 1)


def _check_metadata(metadata: Any) -> None:
    if metadata is None:
        return
    if not isinstance(metadata, dict):
        raise invalid("metadata", f"must be an object, found {kind_of(metadata)}", "invalid_type")
    if len(metadata) > MAX_PAIRS:
        raise invalid("metadata", f"has {len(metadata)} pairs, at most {MAX_PAIRS}")
    for key, value in metadata.items():
        where = f"metadata.{key[:MAX_KEY_CHARS]}"
        if len(key) > MAX_KEY_CHARS:
            raise invalid(where, f"the key has {len(key)} characters, at most {MAX_KEY_CHARS}")
        if not isinstance(value, str):
            raise invalid(where, f"must be a text, found {kind_of(value)}", "invalid_type")
        if len(value) > MAX_VALUE_CHARS:
            raise invalid(where, f"has {len(value)} characters, at most {MAX_VALUE_CHARS}")


def _top_logprobs(content: Mapping[str, Any]) -> int | None:
    """How many ways the log-probabilities list; None where they are not asked for."""
    include = content.get("include")
    if include is not None and not isinstance(include, list):
        raise invalid("include", f"must be a list, found {kind_of(include)}", "invalid_type")
    for k, name in enumerate(include or ()):
        if name not in INCLUDED:
            shown = repr(name[:60]) if isinstance(name, str) else kind_of(name)
            raise invalid(f"include[{k}]", f"is {shown}. Known: {', '.join(INCLUDED)}")
    top = read_top(content)
    return top or 0 if top or LOGPROBS in (include or ()) else None


def _told(content: Mapping[str, Any]) -> dict[str, Any]:
    told = {key: content.get(key) for key in _ECHOED}
    tools = content.get("tools") or []
    return {
        **told,
        "metadata": told["metadata"] or {},
        "truncation": told["truncation"] or "disabled",
        "parallel_tool_calls": content.get("parallel_tool_calls") is not False,
        "text": {"format": (content.get("text") or {}).get("format") or {"type": "text"}},
        "tool_choice": content.get("tool_choice") or "auto",
        # What is sent fits a tool's schema, whether it is asked for strictly or not.
        "tools": [{**t, "strict": t.get("strict") is not False} for t in tools],
        "top_logprobs": content.get("top_logprobs") or 0,
    }
