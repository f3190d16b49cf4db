"""ShareGPT: `conversations` of `from` and `value`, in an array or one a line.

`human` and `user` ask, `gpt` and `assistant` answer; `function_call` holds a call as JSON, as
LLaMA-Factory writes it, `observation` what a tool gave back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

from maksud.data.dataset import Example
from maksud.data.formats.base import Format, Options, Writing
from maksud.data.formats.parts.arrays import write_array
from maksud.data.formats.parts.conversation import Chat, read_chat, tool_answer, tool_calls
from maksud.data.formats.parts.exchanges import KEPT, Message, list_messages
from maksud.data.formats.parts.labels import Labels
from maksud.data.formats.parts.reading import Reading, RowError
from maksud.data.formats.parts.rows import decode_spelled, kind
from maksud.data.formats.parts.source import Source
from maksud.language.catalog_tools import catalog_to_tools

_ROLES = {
    "system": "system",
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "function_call": "call",
    "observation": "tool",
    "tool": "tool",
}
_WRITTEN = {"system": "system", "user": "human", "assistant": "gpt"}


def read_sharegpt(file: Source, options: Options) -> Reading:
    """Conversations, in an array or one a line."""
    return read_chat(file, options, CHAT)


def write_sharegpt(examples: Sequence[Example], file: IO[bytes], writing: Writing) -> None:
    """An array of conversations; with `writing.tools`, answers as function calls."""
    tools = (
        json.dumps(catalog_to_tools(writing.catalog), ensure_ascii=False) if writing.tools else ""
    )
    write_array(_rows(examples, writing, tools), file)


def _rows(examples: Sequence[Example], writing: Writing, tools: str) -> Iterator[dict[str, Any]]:
    for e in writing.labelled(examples):
        calls = tool_calls(e, writing) if tools else []
        if calls is None:
            continue
        spoken = list(list_messages(e, writing))
        row: dict[str, Any] = {"conversations": [_written(m) for m in spoken if m.role != "system"]}
        made = [{"name": name, "arguments": arguments} for name, arguments in calls]
        if made:
            value = json.dumps(made[0] if len(made) == 1 else made, ensure_ascii=False)
            row["conversations"].append({"from": "function_call", "value": value})
        else:
            row["conversations"].append({"from": "gpt", "value": e.output})
        if spoken[0].role == "system":
            row["system"] = spoken[0].text
        if tools:
            row["tools"] = tools
        yield row


def _written(message: Message) -> dict[str, Any]:
    written = {"from": _WRITTEN[message.role], "value": message.text}
    return written if message.is_taught else {**written, "weight": 0}


def _message(turn: Mapping[str, Any], role: Any, where: str, labels: Labels) -> Message:
    value = turn.get("value")
    if not isinstance(value, str):
        raise RowError("E-CHAT", f"{where}.value is {kind(value)}, expected text")
    if role == "call":
        return Message("assistant", "", _call(value, where, labels))
    return Message(role, value)


def _call(value: str, where: str, labels: Labels) -> str:
    calls = decode_spelled(value, f"{where}.value", "E-TARGET")
    return tool_answer(calls if isinstance(calls, list) else [calls], where, labels)


def _is_sharegpt(file: Source) -> bool:
    return file.start.has("conversations")


CHAT = Chat("conversations", "from", _ROLES, "human or gpt", _message)
FORMAT = Format(
    "sharegpt",
    "ShareGPT conversations",
    (),
    _is_sharegpt,
    read_sharegpt,
    write_sharegpt,
    ending=".json",
    keeps=KEPT,
    has_tools=True,
    conversations=CHAT,
)
