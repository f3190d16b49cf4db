"""Formats of conversations: how their messages are read, and calls as JSON.

`exchanges` says what a conversation teaches: a row may give several examples.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from maksud.data.dataset import Example
from maksud.data.findings import excerpt
from maksud.data.formats.base import Options, Writing
from maksud.data.formats.parts.exchanges import Message, part_conversation
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
from maksud.errors import CallSyntaxError, CatalogError
from maksud.language.calls import NONE, Argument, Call, format_calls
from maksud.language.catalog import Catalog
from maksud.language.catalog_tools import (
    catalog_from_tools,
    format_json_value,
    read_arguments,
)

_WEIGHTS = ("weight", "loss")
"""What a message says of how much its text should count."""


@dataclass(frozen=True)
class Chat:
    """A format of conversations: the field they stand in, what a message calls its speaker, and
    how a message is read once its role is known."""

    column: str
    speaker: str
    roles: Mapping[str, str] = field(hash=False)
    usual: str
    """The roles that a mistaken one is told of."""
    message: Callable[[Mapping[str, Any], Any, str, Labels], Message]

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
            read = self.message(message, role, where, labels)
            made.append(replace(read, is_taught=False) if _weighs_nothing(message) else read)
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
        """Adds a row's conversation as examples, or rejects it with the reason."""
        try:
            messages = self.messages(row, labels)
            tools = _tools(row)
            if tools:
                _declare(reading, tools, source)
            catalog = options.catalog or reading.catalog
            found = part_conversation(messages, catalog, bool(tools))
            check_extra(row)
            named = {name: text_field(row, name) for name in ("split", "annotator")}
        except RowError as error:
            reading.refuse(f"{source}:{line}", error, original)
            return
        known = (self.column, "id", "split", "annotator", "tools", "system")
        rest = {k: v for k, v in row.items() if k not in known}
        if rest:
            reading.note_fields(rest, line)
        if "weight" in row or _weighs(row[self.column]):
            reading.note_weight()
        adds = []
        for k, said in enumerate(found, 1):
            metadata = said.metadata
            if "system" in metadata:
                metadata["system"] = reading.share(metadata["system"])
            adds.append(
                partial(
                    reading.add,
                    said.instruction,
                    said.output,
                    source=source,
                    line=line,
                    original=original,
                    split=named["split"] or options.split,
                    # An id is of one example: of that to which the conversation leads.
                    id=str(row.get("id") or "") if k == len(found) else "",
                    annotator=named["annotator"],
                    metadata={**metadata, **rest},
                )
            )
        reading.add_parts(adds)


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


def _weighs_nothing(message: Mapping[str, Any]) -> bool:
    """Whether a message says that nothing is to be learned from it."""
    return any(message.get(name, 1) == 0 for name in _WEIGHTS)


def _weighs(messages: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a message says a weight that training does not heed."""
    return any(
        name in m and (m is messages[-1] or not _weighs_nothing(m))
        for m in messages
        for name in _WEIGHTS
    )


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
