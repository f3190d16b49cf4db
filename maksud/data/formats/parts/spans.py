"""Entities with offsets, to and from named arguments.

Reading cuts each value from the utterance by its offsets. Writing looks each value up in the
utterance, left to right, at the borders of words first; what is not in it can't be marked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from maksud.data.dataset import Example
from maksud.data.findings import excerpt
from maksud.data.formats.base import Writing
from maksud.data.formats.parts.labels import Labels
from maksud.data.formats.parts.reading import RowError
from maksud.data.formats.parts.rows import kind
from maksud.errors import CallSyntaxError
from maksud.language.calls import Argument, Call, same_answer


@dataclass(frozen=True, slots=True)
class Span:
    """An entity in an utterance: characters `start` to `end` (exclusive), counted from 0."""

    start: int
    end: int
    name: str


def spanned_answer(labels: Labels, intent: str, text: str, spans: Iterable[Span]) -> str:
    """The answer of one intent whose arguments are the spans. Raises `RowError`."""
    arguments = []
    for span in sorted(spans, key=lambda s: (s.start, s.end)):
        if not 0 <= span.start < span.end <= len(text):
            what = f"entity {excerpt(span.name, 40)} at {span.start} to {span.end} is outside"
            raise RowError("E-SPAN", f"{what} the text of {len(text)} characters", "mark it again")
        arguments.append(Argument(span.name, text[span.start : span.end]))
    return labels.call(intent, arguments)


def chunks(utterance: Any, *names: str) -> tuple[str, list[Span]]:
    """Text and entities of `{"data": [{"text", …}]}`; a chunk's entity is its first of `names`.

    Raises `RowError` (`E-SHAPE`).
    """
    data = utterance.get("data") if isinstance(utterance, Mapping) else None
    if not isinstance(data, list):
        raise RowError("E-SHAPE", f"data is {kind(data)}, expected a list of chunks")
    parts: list[str] = []
    spans = []
    length = 0
    for k, chunk in enumerate(data):
        text = chunk.get("text") if isinstance(chunk, Mapping) else None
        if not isinstance(text, str):
            raise RowError("E-SHAPE", f"data[{k}].text is {kind(text)}, expected text")
        name = next((chunk[n] for n in names if chunk.get(n)), None)
        if name is not None:
            spans.append(Span(length, length + len(text), str(name)))
        parts.append(text)
        length += len(text)
    return "".join(parts), spans


def from_utf16(text: str, offset: int) -> int:
    """The index of a character whose offset counts UTF-16 code units. -1 where there is none."""
    if text.isascii():
        return offset if 0 <= offset <= len(text) else -1
    units = 0
    for k, c in enumerate(text):
        if units == offset:
            return k
        units += 2 if c > "\uffff" else 1
    return len(text) if units == offset else -1


def to_utf16(text: str, index: int) -> int:
    """The offset in UTF-16 code units of the character at an index."""
    return index + sum(c > "\uffff" for c in text[:index])


def locate_values(arguments: Sequence[Argument], text: str) -> list[Span] | None:
    """Where the arguments' values stand in the text, none over another; None if one does not."""
    spans: list[Span] = []
    cursor = 0
    for a in arguments:
        at = _find(text, a.value, cursor, spans)
        if at < 0:
            at = _find(text, a.value, 0, spans)
        if at < 0:
            return None
        cursor = at + len(a.value)
        spans.append(Span(at, cursor, a.name or ""))
    return spans


def single_call(example: Example, writing: Writing) -> Call | None:
    """The example's one call, its arguments named; None, and a reject, where it is not so."""
    if not example.is_labelled:
        writing.reject(example, "E-UNLABELLED", "no answer yet", "label it first")
        return None
    try:
        calls = writing.catalog.name_arguments(example.calls)
    except CallSyntaxError as error:
        writing.reject(example, "E-CALL", error.message, error.hint or "mend the output")
        return None
    if len(calls) > 1:
        what = f"{len(calls)} calls: the format has room for one"
        writing.reject(example, "E-MULTI", what, "write json, openai or label-studio")
        return None
    for a in calls[0].arguments:
        if a.name is None:
            what = f"{calls[0].intent}: the value {excerpt(a.value, 40)} has no name"
            writing.reject(example, "E-ARGUMENT", what, "name it, or declare the parameter")
            return None
    return calls[0]


def marked_call(example: Example, writing: Writing) -> tuple[Call, list[Span]] | None:
    """The example's one call and where its values stand, in the order of the text.

    None, and a reject, where the answer is not one call of values that are in the utterance.
    """
    call = single_call(example, writing)
    if call is None:
        return None
    spans = locate_values(call.arguments, example.instruction)
    if spans is None:
        missing = next(
            (a for a in call.arguments if not a.value or a.value not in example.instruction),
            call.arguments[0],
        )
        what = f"{missing.name}={excerpt(missing.value, 40)} can't be marked in the utterance"
        writing.reject(example, "E-SPAN", what, "write json or openai")
        return None
    return call, sorted(spans, key=lambda s: s.start)


def reads_back(text: str, spans: Sequence[Span], example: Example, call: Call) -> bool:
    """Whether what was written (read again as text and spans) is the example."""
    arguments = tuple(Argument(s.name, text[s.start : s.end]) for s in spans)
    return text == example.instruction and same_answer((Call(call.intent, arguments),), (call,))


def _find(text: str, value: str, begin: int, taken: Sequence[Span]) -> int:
    if not value:
        return -1
    anywhere = -1
    at = text.find(value, begin)
    while at >= 0:
        end = at + len(value)
        if not any(at < s.end and s.start < end for s in taken):
            if _is_border(text, at) and _is_border(text, end):
                return at
            anywhere = at if anywhere < 0 else anywhere
        at = text.find(value, at + 1)
    return anywhere


def _is_border(text: str, at: int) -> bool:
    return not (0 < at < len(text) and text[at - 1].isalnum() and text[at].isalnum())
