"""Conversations: several turns become one example by the fold rule.

The utterance is the user's turns, folded; `turns` keeps them apart, `replies` what the assistant
said after each but the last. The answer is what the assistant did after the last user turn: its
calls if it made any, else its text. Back again, an example is written with its turns and replies.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from maksud.data.dataset import Example, fold_turns
from maksud.data.findings import excerpt
from maksud.data.formats.base import Options, Writing
from maksud.data.formats.parts.labels import Labels
from maksud.data.formats.parts.reading import Original, Reading, RowError
from maksud.data.formats.parts.records import records, shape_problem
from maksud.data.formats.parts.rows import (
    check_extra,
    decode_inner,
    decode_spelled,
    kind,
    text_field,
)
from maksud.data.formats.parts.source import Source
from maksud.errors import CallSyntaxError, CatalogError, InputError
from maksud.language.calls import NONE, Argument, Call, format_calls, parse_calls
from maksud.language.catalog import Catalog
from maksud.language.catalog_tools import (
    catalog_from_tools,
    format_json_value,
    read_arguments,
)

KEPT = ("turns", "replies", "system")
"""Metadata that a conversation has a place for."""

_WEIGHTS = frozenset({"weight", "loss"})
"""What a message says of how much its text should count."""

Role = str
"""`system`, `user`, `assistant` or `tool`."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its text, and the calls that it makes, as an answer's text."""

    role: Role
    text: str
    calls: str = ""


@dataclass(frozen=True)
class Chat:
    """A format of conversations: the field they stand in, what a message calls its speaker, and
    how a message is read once its role is known."""

    column: str
    speaker: str
    roles: Mapping[str, Role] = field(hash=False)
    usual: str
    """The roles that a mistaken one is told of."""
    message: Callable[[Mapping[str, Any], Role, str, Labels], Message]

    def messages(self, row: Mapping[str, Any], labels: Labels) -> list[Message]:
        """The messages of a row. Raises `RowError` (`E-CHAT`)."""
        given = row.get(self.column)
        if not isinstance(given, list):
            raise RowError("E-CHAT", f"{self.column} is {kind(given)}, expected a list")
        made = []
        system = row.get("system")
        if isinstance(system, str) and system:
            made.append(Message("system", system))
        for k, message in enumerate(given):
            where = f"{self.column}[{k}]"
            if not isinstance(message, Mapping):
                raise RowError("E-CHAT", f"{where} is {kind(message)}, expected an object")
            said = str(message.get(self.speaker))
            role = self.roles.get(said)
            if role is None:
                raise RowError("E-CHAT", f"role {excerpt(said, 40)} unknown at {where}", self.usual)
            made.append(self.message(message, role, where, labels))
        return made

    def add(
        self,
        reading: Reading,
        row: Any,
        source: str,
        line: int,
        options: Options,
        labels: Labels,
        original: Original,
    ) -> None:
        """Adds a row's conversation as an example, or rejects it with the reason."""
        try:
            messages = self.messages(row, labels)
            tools = _tools(row)
            if tools:
                _declare(reading, tools, source)
            instruction, output, metadata = _folded(messages, bool(tools))
            check_extra(row)
            named = {name: text_field(row, name) for name in ("split", "annotator")}
        except RowError as error:
            reading.refuse(f"{source}:{line}", error, original)
            return
        known = (self.column, "id", "split", "annotator", "tools", "system")
        rest = {k: v for k, v in row.items() if k not in known}
        if rest:
            reading.note_fields(rest, line)
        if "weight" in row or any(_WEIGHTS & m.keys() for m in row[self.column]):
            reading.note_weight()
        if "system" in metadata:
            metadata["system"] = reading.share(metadata["system"])
        reading.add(
            instruction,
            output,
            source=source,
            line=line,
            original=original,
            split=named["split"] or options.split,
            id=str(row.get("id") or ""),
            annotator=named["annotator"],
            metadata={**metadata, **rest},
        )


def read_chat(file: Source, options: Options, chat: Chat) -> Reading:
    """Conversations of a chat format."""
    reading = Reading()
    labels = Labels(reading, file.path)
    for line, row, original in records(file, options, reading):
        if problem := shape_problem(row):
            reading.reject(f"{file.path}:{line}", *problem, original)
        else:
            chat.add(reading, row, file.path, line, options, labels, original)
    labels.close()
    return reading


def tool_answer(calls: Sequence[Any], where: str, labels: Labels) -> str:
    """The answer of `{"name", "arguments"}` objects. Raises `RowError`.

    Arguments are an object, or its JSON, as `read_arguments` reads it.
    """
    made = []
    for k, call in enumerate(calls):
        at = f"{where}[{k}]"
        name = call.get("name") if isinstance(call, Mapping) else None
        if not isinstance(name, str):
            raise RowError("E-CHAT", f"{at} has no function name")
        arguments = call.get("arguments")
        if isinstance(arguments, str):
            arguments = _decoded(arguments, at)
        if not isinstance(arguments, Mapping | None):
            raise RowError("E-TARGET", f"{at}.arguments is no object", 'write {"name": "value"}')
        named = tuple(
            Argument(labels.name(a.name or "", "parameter"), a.value)
            for a in read_arguments(arguments or {})
        )
        made.append(Call(labels.name(name, "intent"), named))
    return format_calls(made)


def tool_calls(example: Example, writing: Writing) -> list[tuple[str, dict[str, Any]]] | None:
    """Name and arguments of an answer's calls; none for `none()`.

    None where the answer can't be said so: then the example is rejected.
    """
    try:
        calls = writing.catalog.name_arguments(example.calls)
    except CallSyntaxError as error:
        writing.reject(example, "E-CALL", error.message, error.hint or "mend the output")
        return None
    made = []
    for call in calls:
        arguments: dict[str, Any] = {}
        for a in call.arguments:
            if a.name is None:
                what = f"{call.intent}: the value {excerpt(a.value, 40)} has no name"
                writing.reject(example, "E-ARGUMENT", what, "name it, or declare the parameter")
                return None
            value = _typed(writing.catalog, call.intent, a)
            if a.name not in arguments:
                arguments[a.name] = value
            elif isinstance(arguments[a.name], list):
                arguments[a.name].append(value)
            else:
                arguments[a.name] = [arguments[a.name], value]
        if call != NONE:
            made.append((call.intent, arguments))
    return made


def list_messages(example: Example) -> Iterator[tuple[Role, str]]:
    """The messages before the answer: (role, text)."""
    system = example.metadata.get("system")
    if isinstance(system, str) and system:
        yield "system", system
    turns = example.metadata.get("turns") or ()
    replies = example.metadata.get("replies") or ()
    if not example.is_multi_turn or not _folds_to(turns, example.instruction):
        yield "user", example.instruction
        return
    for k, turn in enumerate(turns):
        yield "user", turn
        reply = replies[k] if k < len(replies) else ""
        if reply and k < len(turns) - 1:
            yield "assistant", str(reply)


def _folded(messages: Sequence[Message], has_tools: bool) -> tuple[str, str, dict[str, Any]]:
    """Utterance, answer and metadata of a conversation. Raises `RowError` (`E-CHAT`)."""
    if not messages:
        raise RowError("E-CHAT", "messages is empty")
    systems = [m.text for m in messages if m.role == "system"]
    spoken = [m for m in messages if m.role != "system"]
    if len(systems) > 1:
        raise RowError("E-CHAT", f"there are {len(systems)} system messages", "keep one")
    if not spoken or spoken[0].role != "user":
        raise RowError("E-CHAT", "the first message must be the user's", "begin with the user")
    if spoken[-1].role != "assistant":
        raise RowError("E-CHAT", "last message must be assistant", "the answer ends the row")
    turns: list[str] = []
    after: list[list[Message]] = []
    for m in spoken:
        if m.role == "user":
            turns.append(m.text)
            after.append([])
        elif m.role == "assistant":
            after[-1].append(m)
    replies = ["\n".join(m.calls or m.text for m in ms) for ms in after[:-1]]
    calls = [m.calls for m in after[-1] if m.calls]
    text = after[-1][-1].text
    metadata: dict[str, Any] = {}
    if systems:
        metadata["system"] = systems[0]
    if len(turns) > 1:
        metadata["turns"] = turns
        if any(replies):
            metadata["replies"] = replies
    output = ";".join(calls) or text
    if calls and text:
        metadata["reply"] = text
    elif not calls and has_tools and not _is_answer(text):
        # With tools at hand the assistant called none: nothing that they can do was asked for.
        output = str(NONE)
        if text:
            metadata["reply"] = text
    try:
        instruction = turns[0] if len(turns) == 1 else fold_turns(turns)
    except InputError as error:
        raise RowError("E-EMPTYTEXT", "no user turn has text", "remove the row") from error
    return instruction, output, metadata


def _tools(row: Mapping[str, Any]) -> Any:
    """The tools of a row; None for none: null, `[]`, or a text without anything in it."""
    tools = row.get("tools")
    if isinstance(tools, str):
        fix = "write the list of tools"
        return decode_inner(tools, "tools", "E-CHAT", fix) if tools.strip() else None
    return tools


def _declare(reading: Reading, tools: Any, source: str) -> None:
    """Takes a row's tools as (a part of) the catalog."""
    key = json.dumps(tools, sort_keys=True)
    if reading.share(key) is not key:
        return
    try:
        catalog = catalog_from_tools(tools, source)
        reading.catalog = reading.catalog.merged(catalog) if reading.catalog else catalog
    except CatalogError as error:
        reading.tell("warning", "W-TOOLS", f"tools: {error.message}", source, error.hint)


def _folds_to(turns: Any, instruction: str) -> bool:
    try:
        return all(isinstance(t, str) for t in turns) and fold_turns(turns) == instruction
    except InputError:
        return False


def _is_answer(text: str) -> bool:
    try:
        return bool(parse_calls(text))
    except CallSyntaxError:
        return False


def _decoded(arguments: str, where: str) -> Any:
    if not arguments.strip():
        return None
    return decode_spelled(arguments, f"{where}.arguments", "E-TARGET")


def _typed(catalog: Catalog, intent: str, argument: Argument) -> Any:
    """A value as JSON types it, where the catalog says so and nothing of it gets lost."""
    declared = catalog.get(intent)
    parameter = declared.parameter(argument.name or "") if declared else None
    if parameter is None or parameter.type not in ("number", "boolean"):
        return argument.value
    try:
        value = json.loads(argument.value)
    except (ValueError, RecursionError):
        return argument.value
    fits = isinstance(value, bool) == (parameter.type == "boolean") and value is not None
    return value if fits and format_json_value(value) == argument.value else argument.value
