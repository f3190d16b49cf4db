"""The messages of a chat request, read as the turns of a conversation.

OpenAI's shape: text or parts of text, `tool_calls` of an assistant, results of a `tool`. The
guide's translated client writes the same with Indonesian keys.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from maksud.errors import CallSyntaxError, nearest
from maksud.http.fields import invalid, missing, read_text
from maksud.http.json_body import kind_of
from maksud.language.calls import NONE, Argument, Call, format_calls, is_name, parse_calls
from maksud.language.catalog_tools import read_arguments
from maksud.language.conversation import Role, Turn
from maksud.serving.json_reply import MISSING
from maksud.serving.results import Results

KEYS = {"peran": "role", "konten": "content", "tipe": "type", "teks": "text"}
"""Keys of messages and of their parts, as the guide's Indonesian client spells them."""
ROLE_WORDS = {"sistem": "system", "pengguna": "user", "asisten": "assistant"}
"""Values of `role` in the same client."""
TYPE_WORDS = {"teks": "text"}
"""Values of a part's `type` in the same client."""
TEXT_PARTS = ("text",)
"""Types of a message's parts that are text."""

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
MAX_MESSAGES = 10_000
"""Messages of a request at most."""
_NOTHING = format_calls([NONE])


def read_messages(messages: Any) -> tuple[Turn, ...]:
    """A turn for each message, in place. Raises `ApiError` that names the field."""
    if messages is None:
        raise missing("messages", "Send a list with at least one user message")
    if not isinstance(messages, list) or not messages:
        raise invalid("messages", f"must be a list of messages, found {kind_of(messages)}")
    if len(messages) > MAX_MESSAGES:
        raise invalid("messages", f"has {len(messages):,} messages, at most {MAX_MESSAGES:,}")
    made = _Made()
    turns = tuple(_read_message(m, f"messages[{k}]", made) for k, m in enumerate(messages))
    made.tools.close()
    if not any(t.role == "user" and t.text.strip() for t in turns):
        raise invalid("messages", "there is no user message with text")
    return turns


class _Made:
    """The calls of the messages so far: of tools, by id; of the older functions, by name."""

    def __init__(self) -> None:
        self.tools = Results("call of the messages before", "a tool message")
        self.functions: set[str] = set()


def _read_message(message: Any, where: str, made: _Made) -> Turn:
    """One message. `made`: the calls before it, to which its own are added."""
    message = _translated(message, where)
    role = message.get("role")
    role = ROLE_WORDS.get(role, role) if isinstance(role, str) else role
    if not isinstance(role, str) or role not in ROLES:
        hint = nearest(role, ROLES) if isinstance(role, str) else f"Known: {', '.join(ROLES)}"
        shown = repr(role[:40]) if isinstance(role, str) else kind_of(role)
        raise invalid(f"{where}.role", f"is {shown}. {hint}")
    content = message.get("content")
    if ROLES[role] == "tool":
        _check_result(message, where, made, is_old=role == "function")
        return Turn("tool", read_answered(content))
    if ROLES[role] == "system":
        return Turn("system", read_content(content, f"{where}.content"))
    made.tools.close()
    if ROLES[role] == "user":
        return Turn("user", read_content(content, f"{where}.content"))
    text = read_reply(content, message.get("refusal"))
    calls, old = message.get("tool_calls"), message.get("function_call")
    if old is None:
        return Turn("assistant", text, _read_calls(calls, f"{where}.tool_calls", made.tools))
    if calls:
        raise invalid(f"{where}.function_call", "is the older spelling of tool_calls, also there")
    call = read_function(old, f"{where}.function_call")
    made.functions.add(call.intent)
    return Turn("assistant", text, (call,))


def _check_result(message: Mapping[str, Any], where: str, made: _Made, *, is_old: bool) -> None:
    """Refuses the result of a tool whose call is not in the messages before it."""
    key = "name" if is_old else "tool_call_id"
    of = message.get(key)
    if not isinstance(of, str):
        raise invalid(f"{where}.{key}", f"must be a text, found {kind_of(of)}", "invalid_type")
    if not is_old:
        made.tools.take(of, f"{where}.{key}")
    elif of not in made.functions:
        raise invalid(f"{where}.{key}", f"{of[:60]!r} is no call of the messages before")


def _read_calls(calls: Any, where: str, made: Results) -> tuple[Call, ...]:
    """`tool_calls` as calls, whose results are then expected."""
    if calls is None:
        return ()
    if not isinstance(calls, list):
        raise invalid(where, f"must be a list, found {kind_of(calls)}", "invalid_type")
    found = []
    for k, call in enumerate(calls):
        if not isinstance(call, dict):
            what = f"must be an object, found {kind_of(call)}"
            raise invalid(f"{where}[{k}]", what, "invalid_type")
        if isinstance(call.get("id"), str):
            made.expect(call["id"], f"{where}[{k}].id")
        if call.get("function") is not None:  # else a tool that is none of ours
            found.append(read_function(call["function"], f"{where}[{k}].function"))
    return tuple(found)


def read_function(function: Any, where: str) -> Call:
    """Name and arguments of a function as a call."""
    if not isinstance(function, dict):
        raise invalid(where, f"must be an object, found {kind_of(function)}", "invalid_type")
    name = function.get("name")
    if not isinstance(name, str) or not is_name(name):
        raise invalid(f"{where}.name", "must be the name of a function")
    return Call(name, _read_arguments(function.get("arguments"), f"{where}.arguments"))


def _read_arguments(arguments: Any, where: str) -> tuple[Argument, ...]:
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments) if arguments.strip() else {}
        except (ValueError, RecursionError):
            raise invalid(where, "is not JSON") from None
    if arguments is None:
        return ()
    if not isinstance(arguments, dict):
        raise invalid(where, f"must be an object, found {kind_of(arguments)}", "invalid_type")
    return read_arguments(arguments)


def read_answered(content: Any) -> str:
    """The text of what was answered, which may be nothing, or parts of any type."""
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict)]
        content = " ".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else ""


def read_reply(content: Any, refusal: Any = None) -> str:
    """The text of what an assistant answered. A refusal, beside its content or a part of it, is
    the answer `none()` where the content is no calls: the turn that it was given to is closed.

    One that says what is missing is a question to the person, which leaves the turn open.
    """
    text = read_answered(content)
    parts = content if isinstance(content, list) else []
    told = [refusal, *(part.get("refusal") for part in parts if isinstance(part, dict))]
    why = next((t for t in told if isinstance(t, str) and t.strip()), None)
    if why is None or _is_calls(text):
        return text
    return f"{why}?" if why.startswith(MISSING) else _NOTHING


def _is_calls(text: str) -> bool:
    try:
        parse_calls(text)
    except CallSyntaxError:
        return False
    return True


def read_content(content: Any, where: str, parts: Sequence[str] = TEXT_PARTS) -> str:
    """Text, or a list of text parts, which are joined by a space. `parts`: types of such parts."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not content:
        what = f"must be a text or a list of text parts, found {kind_of(content)}"
        raise invalid(where, what, "invalid_type")
    texts = []
    for k, part in enumerate(content):
        part = _translated(part, f"{where}[{k}]")
        kind = part.get("type", parts[0])
        kind = TYPE_WORDS.get(kind, kind) if isinstance(kind, str) else kind
        if kind not in parts:
            shown = repr(kind[:40]) if isinstance(kind, str) else kind_of(kind)
            raise invalid(
                f"{where}[{k}].type",
                f"is {shown}: only text is read. Send what it says as {parts[0]}",
                "unsupported_content_type",
            )
        texts.append(read_text(part, "text", f"{where}[{k}].text"))
    return " ".join(texts)


def _translated(content: Any, where: str) -> dict[str, Any]:
    """The object with the guide's translated keys in OpenAI's spelling."""
    if not isinstance(content, dict):
        raise invalid(where, f"must be an object, found {kind_of(content)}", "invalid_type")
    if not KEYS.keys() & content.keys():
        return content
    out = {k: v for k, v in content.items() if k not in KEYS}
    for theirs, ours in KEYS.items():
        if theirs in content:
            if ours in out:
                raise invalid(where, f"has both {ours!r} and {theirs!r}, which mean the same")
            out[ours] = content[theirs]
    return out
