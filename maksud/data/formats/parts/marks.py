"""Entities that are marked inline, as Rasa does: `[Hampa](song)`, `[Hampa]{"entity": "song"}`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from maksud.data.findings import excerpt
from maksud.data.formats.parts.labels import Labels
from maksud.data.formats.parts.reading import Original, Reading, RowError
from maksud.data.formats.parts.rows import decode_inner
from maksud.data.formats.parts.spans import Span, spanned_answer

VALUES = "normalised values"
"""What the values that marks say are counted as."""

_ENTITY = re.compile(
    r"\[(?P<text>[^\]]+?)\]"
    r"(?:\((?P<entity>[^:)]+?)(?::(?P<value>[^)]+))?\)|(?P<one>\{[^}]+?\})|(?P<many>\[\{.+?\}\]))"
)
_MARK_KEYS = frozenset({"entity", "role", "value", "group"})


def tell_marks(reading: Reading, counts: Counter[str], path: str) -> None:
    """Tells what beside examples and their entities stands in a file (`I-RASA`)."""
    for name, n in counts.items():
        if n:
            kept = "kept as metadata: values are read as said"
            what = f"{n:,} {name} are {kept if name == VALUES else 'not read'}"
            reading.tell("info", "I-RASA", what, path)


def add_marked(
    reading: Reading,
    labels: Labels,
    raw: str,
    intent: str,
    counts: Counter[str],
    *,
    source: str,
    line: int,
    original: Original,
    split: str,
) -> None:
    """Adds a marked example of an intent, or rejects it with the reason."""
    try:
        text, spans, values = parse_example(raw, counts)
        output = spanned_answer(labels, intent, text, spans)
    except RowError as error:
        reading.refuse(f"{source}:{line}", error, original)
        return
    counts[VALUES] += sum(len(v) if isinstance(v, list) else 1 for v in values.values())
    reading.add(
        text,
        output,
        source=source,
        line=line,
        original=original,
        split=split,
        metadata={"values": values} if values else None,
    )


def parse_example(
    raw: str, counts: Counter[str] | None = None
) -> tuple[str, list[Span], dict[str, str | list[str]]]:
    """Text, entities and normalised values of an example. Raises `RowError` (`E-MARKUP`).

    A text that is said twice with two values has both. `counts` gets what of the marks is not
    read.
    """
    counts = Counter() if counts is None else counts
    parts: list[str] = []
    spans: list[Span] = []
    values: dict[str, str | list[str]] = {}
    at = length = 0
    for match in _ENTITY.finditer(raw):
        before, said = raw[at : match.start()], match["text"]
        at = match.end()
        start = length + len(before)
        length = start + len(said)
        parts += [before, said]
        for name, value in _entities(match, counts):
            spans.append(Span(start, length, name))
            if value is not None and value != said:
                known = values.get(said, [])
                known = [known] if isinstance(known, str) else known
                values[said] = value if known in ([], [value]) else _both(known, value)
    text = "".join([*parts, raw[at:]])
    stripped = text.strip()
    shift = len(text) - len(text.lstrip())
    return stripped, [Span(s.start - shift, s.end - shift, s.name) for s in spans], values


def _both(known: list[str], value: str) -> list[str]:
    return list(dict.fromkeys([*known, value]))


def _entities(match: re.Match[str], counts: Counter[str]) -> Iterator[tuple[str, str | None]]:
    if match["entity"] is not None:
        yield match["entity"], match["value"]
        return
    what = f"the mark {excerpt(match.group(), 60)}"
    fix = 'write {"entity": "name"}'
    given = decode_inner(match["one"] or match["many"], what, "E-MARKUP", fix)
    for about in given if isinstance(given, list) else [given]:
        name = about.get("entity") if isinstance(about, dict) else None
        if not isinstance(name, str):
            raise RowError("E-MARKUP", f"{what} names no entity")
        role = about.get("role")
        value = about.get("value")
        counts["groups of entities"] += bool(about.get("group"))
        for other in about.keys() - _MARK_KEYS:
            counts[f"entries {other!r} of marks"] += 1
        yield f"{name}_{role}" if role else name, None if value is None else str(value)
