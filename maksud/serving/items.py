"""The input of a request for a response, read as the turns of a conversation.

A text, or a list of items: messages, calls of functions, their results. A result closes a turn, as
that of a tool does in a chat.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from maksud.errors import nearest
from maksud.http.fields import invalid, missing, read_said
from maksud.http.json_body import kind_of
from maksud.language.calls import Call
from maksud.language.conversation import Role, Turn
from maksud.serving.messages import MAX_MESSAGES, read_content, read_function, read_reply
from maksud.serving.results import Results

PARTS = ("input_text", "output_text", "text")
"""Types of parts that are text."""
ROLES: dict[str, Role] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",
}
ITEMS = ("message", "function_call", "function_call_output", "reasoning")
"""Types of items that are read; reasoning says nothing here."""


def read_input(given: Any) -> tuple[Turn, ...]:
    """A turn for each item, in place. Raises `ApiError` (400) that names the field.

    Calls that stand together are those of one turn: the first of them has them all.
    """
    if given is None:
        raise missing("input", "Send what was said: a text, or a list of items")
    if isinstance(given, str):
        return (Turn("user", read_said(given, "input")),)
    if not isinstance(given, list) or not given:
        what = f"must be a text or a list of items, found {kind_of(given)}"
        raise invalid("input", what, "invalid_type")
    if len(given) > MAX_MESSAGES:
        raise invalid("input", f"has {len(given):,} items, at most {MAX_MESSAGES:,}")
    turns: list[Turn] = []
    calls: dict[int, list[Call]] = {}
    made = Results("function_call of the items before", "a function_call_output")
    caller: int | None = None  # the turn that calls belong to
    for k, item in enumerate(given):
        where = f"input[{k}]"
        kind = _kind_of(item, where)
        if kind == "function_call":
            call = read_function(item, where)
            made.expect(_read_id(item, where), f"{where}.call_id")
            caller = k if caller is None else caller
            calls.setdefault(caller, []).append(call)
            turns.append(Turn("assistant", ""))  # what follows stays in its place
        elif kind == "reasoning":
            turns.append(Turn("system", ""))
        else:
            is_result = kind == "function_call_output"
            turn = _read_result(item, where, made) if is_result else _read_message(item, where)
            if turn.role == "user":  # what an assistant says may stand between, as it is put out
                made.close()
            caller = k if turn.role == "assistant" else None
            turns.append(turn)
    made.close()
    if not any(t.role == "user" and t.text.strip() for t in turns):
        raise invalid("input", "there is no user message with text")
    for k, made_there in calls.items():
        turns[k] = replace(turns[k], calls=tuple(made_there))
    return tuple(turns)


def _kind_of(item: Any, where: str) -> str:
    if not isinstance(item, dict):
        raise invalid(where, f"must be an object, found {kind_of(item)}", "invalid_type")
    kind = item.get("type")
    if kind is None:
        return "message"
    if isinstance(kind, str) and kind in ITEMS:
        return kind
    shown = repr(kind[:40]) if isinstance(kind, str) else kind_of(kind)
    hint = f"Known: {', '.join(ITEMS)}"
    if kind == "item_reference":
        hint = "Nothing is stored here: send the item itself"
    raise invalid(f"{where}.type", f"is {shown}. {hint}", "unsupported_content_type")


def _read_message(item: Mapping[str, Any], where: str) -> Turn:
    role = item.get("role")
    if not isinstance(role, str) or role not in ROLES:
        hint = nearest(role, ROLES) if isinstance(role, str) else f"Known: {', '.join(ROLES)}"
        if role in ("tool", "function"):
            hint = "Send the result of a call as an item of the type function_call_output"
        shown = repr(role[:40]) if isinstance(role, str) else kind_of(role)
        raise invalid(f"{where}.role", f"is {shown}. {hint}")
    if role == "assistant":
        return Turn("assistant", read_reply(item.get("content")))
    return Turn(ROLES[role], read_content(item.get("content"), f"{where}.content", PARTS))


def _read_result(item: Mapping[str, Any], where: str, made: Results) -> Turn:
    """What a function gave back; its call must be among those before it."""
    made.take(_read_id(item, where), f"{where}.call_id")
    output = item.get("output")
    if output == []:
        return Turn("tool", "")
    return Turn("tool", read_content(output, f"{where}.output", PARTS))


def _read_id(item: Mapping[str, Any], where: str) -> str:
    found = item.get("call_id")
    if not isinstance(found, str) or not found:
        what = f"must be the id of a call, found {kind_of(found)}"
        raise invalid(f"{where}.call_id", what, "invalid_type")
    return found
