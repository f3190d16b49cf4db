"""Rasa NLU YAML: examples below their intents, entities marked inline.

`[Hampa](song)` and `[Hampa]{"entity": "song", "role": "first"}` are arguments: `song`,
`song_first`. What a mark says beside it (a normalised value) is kept as metadata; synonyms, lookups
and regular expressions, which are no examples, are counted.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import IO, Any

from maksud.data.dataset import Example
from maksud.data.findings import excerpt
from maksud.data.formats.base import Format, Options, Writing
from maksud.data.formats.parts.labels import Labels
from maksud.data.formats.parts.reading import Reading, RowError
from maksud.data.formats.parts.rows import MAX_DEPTH
from maksud.data.formats.parts.source import Source
from maksud.data.formats.parts.spans import Span, marked_call, reads_back, spanned_answer
from maksud.errors import DataError

_ENTITY = re.compile(
    r"\[(?P<text>[^\]]+?)\]"
    r"(?:\((?P<entity>[^:)]+?)(?::(?P<value>[^)]+))?\)|(?P<one>\{[^}]+?\})|(?P<many>\[\{.+?\}\]))"
)
_UNESCAPED = {"\\b": "\b", "\\f": "\f", "\\n": "\n", "\\r": "\r", "\\t": "\t"}
_ESCAPES = re.compile(r"\\[bfnrt]")
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_./+-]*")
_UNPRINTABLE = re.compile(
    r"[^\t\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


def read_rasa(file: Source, options: Options) -> Reading:
    """Examples of a NLU file. Raises `DataError` (`E-YAML`) for a file that is not YAML."""
    reading = Reading()
    labels = Labels(reading, file.path)
    counts: Counter[str] = Counter()
    for line, intent, raw in _examples(file, options, reading, counts):
        try:
            text, spans, values = parse_example(raw)
            output = spanned_answer(labels, intent, text, spans)
        except RowError as error:
            reading.refuse(f"{file.path}:{line}", error, raw)
            continue
        counts["normalised values"] += len(values)
        reading.add(
            text,
            output,
            source=file.path,
            line=line,
            original=raw,
            split=options.split,
            metadata={"values": values} if values else None,
        )
    for name, n in counts.items():
        if n:
            kept = "kept as metadata: values are read as said"
            what = f"{n:,} {name} are {kept if name == 'normalised values' else 'not read'}"
            reading.tell("info", "I-RASA", what, file.path)
    labels.close()
    return reading


def write_rasa(examples: Sequence[Example], file: IO[bytes], writing: Writing) -> None:
    """Examples below their intents, in the order in which intents first come."""
    by_intent: dict[str, list[str]] = {}
    for e in examples:
        marked = marked_call(e, writing)
        if marked is None:
            continue
        call, spans = marked
        line = _marked(e.instruction, spans)
        try:
            text, back, _ = parse_example(line)
        except RowError:
            text, back = "", []
        if not reads_back(text, back, e, call) or _UNPRINTABLE.search(line):
            what = "the utterance holds what Rasa reads as a mark, or YAML can't hold"
            writing.reject(e, "E-MARKUP", what, "write json or jsonl")
            continue
        by_intent.setdefault(call.intent, []).append(line)
    out = ['version: "3.1"\n\nnlu:\n' if by_intent else 'version: "3.1"\n\nnlu: []\n']
    for intent, lines in by_intent.items():
        name = intent if _PLAIN_NAME.fullmatch(intent) else json.dumps(intent, ensure_ascii=False)
        out.append(f"- intent: {name}\n  examples: |\n")
        out += [f"    - {line}\n" for line in lines]
    file.write("".join(out).encode())


def parse_example(raw: str) -> tuple[str, list[Span], dict[str, str]]:
    """Text, entities and normalised values of an example. Raises `RowError` (`E-MARKUP`)."""
    parts: list[str] = []
    spans: list[Span] = []
    values: dict[str, str] = {}
    at = length = 0
    for match in _ENTITY.finditer(raw):
        before, said = _plain(raw[at : match.start()]), _plain(match["text"])
        at = match.end()
        start = length + len(before)
        length = start + len(said)
        parts += [before, said]
        for name, value in _entities(match):
            spans.append(Span(start, length, name))
            if value is not None and value != said:
                values[said] = value
    text = "".join([*parts, _plain(raw[at:])])
    stripped = text.strip()
    shift = len(text) - len(text.lstrip())
    return stripped, [Span(s.start - shift, s.end - shift, s.name) for s in spans], values


def _entities(match: re.Match[str]) -> Iterator[tuple[str, str | None]]:
    if match["entity"] is not None:
        yield match["entity"], match["value"]
        return
    try:
        given: Any = json.loads(match["one"] or match["many"])
    except (ValueError, RecursionError) as error:
        what = f"the mark {excerpt(match.group(), 60)} is not JSON"
        raise RowError("E-MARKUP", what, 'write {"entity": "name"}') from error
    for about in given if isinstance(given, list) else [given]:
        name = about.get("entity") if isinstance(about, dict) else None
        if not isinstance(name, str):
            raise RowError("E-MARKUP", f"the mark {excerpt(match.group(), 60)} names no entity")
        role = about.get("role")
        value = about.get("value")
        yield f"{name}_{role}" if role else name, None if value is None else str(value)


def _examples(
    file: Source, options: Options, reading: Reading, counts: Counter[str]
) -> Iterator[tuple[int, str, str]]:
    """(line, intent, text) of the file's examples."""
    root = _composed(file.text(reading, options.encoding), file.path)
    seen: set[int] = set()
    for key, node in _pairs(root):
        if key != "nlu":
            counts[f"entries under {key!r}"] += len(getattr(node, "value", ())) * (key != "version")
            continue
        for item in node.value if _is(node, "sequence") else ():
            if id(item) in seen:
                raise DataError("E-YAML aliases are not read", where=file.path)
            seen.add(id(item))
            about = dict(_pairs(item))
            intent = about.get("intent")
            line = item.start_mark.line + 1
            if intent is None:
                counts[next(iter(about), "empty") + " entries"] += 1
                continue
            if not _is(intent, "scalar"):
                raise DataError("E-YAML an intent has no name", where=f"{file.path}:{line}")
            yield from _below(about.get("examples"), intent.value, file, line, reading, seen)


def _below(
    node: Any, intent: str, file: Source, line: int, reading: Reading, seen: set[int]
) -> Iterator[tuple[int, str, str]]:
    """(line, intent, text) of an intent's examples: a block of text, or a list with texts."""
    if _is(node, "scalar"):
        first = node.start_mark.line + (2 if node.style in ("|", ">") else 1)
        for k, text in enumerate(node.value.split("\n")):
            text = text.strip()
            if text.startswith("-"):
                yield first + k, intent, text[1:].strip()
            elif text:
                what = f"expected '- example', found {excerpt(text, 30)}"
                reading.reject(f"{file.path}:{first + k}", "E-YAML", what, "begin it with -", text)
    elif _is(node, "sequence"):
        if id(node) in seen:
            raise DataError("E-YAML aliases are not read", where=file.path)
        seen.add(id(node))
        for item in node.value:
            text_node = dict(_pairs(item)).get("text", item)
            at = item.start_mark.line + 1
            if _is(text_node, "scalar"):
                yield at, intent, text_node.value.strip().removeprefix("- ")
            else:
                what = "an example has no text"
                reading.reject(f"{file.path}:{at}", "E-YAML", what, "write text: …", intent)
    else:
        what = f"intent {excerpt(intent, 40)} has no examples"
        reading.reject(f"{file.path}:{line}", "E-YAML", what, "write examples: |", intent)


def _composed(text: str, path: str) -> Any:
    """The document as nodes, which know their lines; nothing of it is made into objects."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.compose(text, Loader=loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        what = " ".join(str(getattr(error, "problem", None) or error).split())
        raise DataError(
            f"E-YAML {what[:120]}", where=f"{path}:{line}", hint="Mend the YAML"
        ) from error
    except RecursionError as error:
        raise DataError(f"E-DEPTH nesting exceeds {MAX_DEPTH}", where=path) from error


def _is(node: Any, kind: str) -> bool:
    return getattr(node, "id", None) == kind


def _pairs(node: Any) -> list[tuple[str, Any]]:
    if not _is(node, "mapping"):
        return []
    return [(str(k.value), v) for k, v in node.value]


def _marked(text: str, spans: Sequence[Span]) -> str:
    parts, at = [], 0
    for s in spans:
        plain = not set(":") & set(s.name)
        mark = f"({s.name})" if plain else json.dumps({"entity": s.name}, ensure_ascii=False)
        parts += [_escaped(text[at : s.start]), f"[{_escaped(text[s.start : s.end])}]{mark}"]
        at = s.end
    return "".join([*parts, _escaped(text[at:])])


def _plain(text: str) -> str:
    return _ESCAPES.sub(lambda m: _UNESCAPED[m[0]], text)


def _escaped(text: str) -> str:
    for said, char in _UNESCAPED.items():
        text = text.replace(char, said)
    return text


def _is_rasa(file: Source) -> bool:
    if re.search(r"^nlu\s*:", file.head_text, re.MULTILINE) is None:
        return False
    return file.suffix in (".yml", ".yaml") or "- intent:" in file.head_text


FORMAT = Format(
    "rasa", "Rasa NLU YAML", (".yml", ".yaml"), _is_rasa, read_rasa, write_rasa, keeps=()
)
