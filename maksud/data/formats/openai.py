"""OpenAI `messages`, one conversation a line, as their fine-tuning takes it.

The answer is the assistant's text in the call language, or its `tool_calls`: JSON arguments become
named arguments, several tool calls several calls. The tools of the rows are read as the catalog.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import IO, Any

from maksud.data.dataset import Example
from maksud.data.findings import excerpt
from maksud.data.formats.base import Format, Options, Writing
from maksud.data.formats.parts.conversation import Chat, read_chat, tool_answer, tool_calls
from maksud.data.formats.parts.exchanges import KEPT, Message, list_messages
from maksud.data.formats.parts.labels import Labels
from maksud.data.formats.parts.reading import Reading, RowError
from maksud.data.formats.parts.rows import kind
from maksud.data.formats.parts.source import Source
from maksud.language.catalog_tools import catalog_to_tools

_ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def read_messages(file: Source, options: Options) -> Reading:
    """Conversations, one a line or in an array."""
    return read_chat(file, options, CHAT)


def write_messages(examples: Sequence[Example], file: IO[bytes], writing: Writing) -> None:
    """One conversation a line; with `writing.tools`, answers as tool calls beside the catalog."""
    tools = catalog_to_tools(writing.catalog) if writing.tools else []
    names = [
        t["function"]["name"] for t in tools if not _TOOL_NAME.fullmatch(t["function"]["name"])
    ]
    if names:
        what = f"{len(names)} names are none that the API takes, as {names[0]!r}"
        writing.tell("warning", "W-NAME", what, "rename the intents: letters, digits, _ and -")
    for e in writing.labelled(examples):
        messages: list[dict[str, Any]] = [_written(m) for m in list_messages(e, writing)]
        row: dict[str, Any] = {"messages": messages}
        calls = tool_calls(e, writing) if writing.tools else []
        if calls is None:
            continue
        if calls:
            made = [
                {
                    "id": f"call_{k}",
                    "type": "function",
                    "function": {
                        "name": name,
                        "arguments": json.dumps(arguments, ensure_ascii=False),
                    },
                }
                for k, (name, arguments) in enumerate(calls, 1)
            ]
            messages.append({"role": "assistant", "content": None, "tool_calls": made})
        else:
            messages.append({"role": "assistant", "content": e.output})
        if tools:
            row["tools"] = tools
        file.write((json.dumps(row, ensure_ascii=False) + "\n").encode())


def _written(message: Message) -> dict[str, Any]:
    written = {"role": message.role, "content": message.text}
    return written if message.is_taught else {**written, "weight": 0}


def _message(message: Mapping[str, Any], role: Any, where: str, labels: Labels) -> Message:
    calls = ""
    made = message.get("tool_calls") or []
    legacy = message.get("function_call")
    if role == "assistant" and (made or legacy):
        if not isinstance(made, list):
            raise RowError("E-CHAT", f"{where}.tool_calls is {kind(made)}, expected a list")
        functions = [c.get("function") if isinstance(c, Mapping) else None for c in made]
        calls = tool_answer([*functions, *([legacy] if legacy else [])], where, labels)
    return Message(role, _content(message.get("content"), where, bool(calls)), calls)


def _content(content: Any, where: str, may_lack: bool) -> str:
    if isinstance(content, str):
        return content
    if content is None:
        if may_lack:
            return ""
        raise RowError("E-CHAT", f"{where}.content is null", "write the text")
    if not isinstance(content, list):
        raise RowError("E-CHAT", f"{where}.content is {kind(content)}, expected text")
    parts = []
    for k, part in enumerate(content):
        what = part.get("type") if isinstance(part, Mapping) else kind(part)
        text = part.get("text", part.get("value")) if isinstance(part, Mapping) else None
        if isinstance(text, Mapping) and not text.get("annotations"):
            text = text.get("value")  # as threads of assistants say it
        if what != "text" or not isinstance(text, str):
            said_type = excerpt(str(what), 40)
            what = f"{where}.content[{k}].type {said_type} not supported"
            raise RowError("E-CHAT", what, "write text parts")
        parts.append(text)
    return "".join(parts)


def _is_messages(file: Source) -> bool:
    return file.start.has("messages")


CHAT = Chat("messages", "role", _ROLES, "user or assistant", _message)
FORMAT = Format(
    "openai",
    "OpenAI messages, one conversation a line",
    (),
    _is_messages,
    read_messages,
    write_messages,
    ending=".jsonl",
    keeps=KEPT,
    has_tools=True,
    conversations=CHAT,
)
