"""Rasa NLU YAML: examples below their intents, entities marked inline.

`[Hampa](song)` and `[Hampa]{"entity": "song", "role": "first"}` are arguments: `song`,
`song_first`. A normalised value is kept as metadata; groups of entities, metadata, synonyms,
lookups and regular expressions are counted. A directory of such files is one data set. A backslash
is a backslash, as Rasa's own reader of YAML has it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from textwrap import indent
from typing import IO, Any

from maksud.data.dataset import Example
from maksud.data.findings import excerpt
from maksud.data.formats import store
from maksud.data.formats.base import Format, Options, Writing
from maksud.data.formats.parts.labels import Labels
from maksud.data.formats.parts.marks import add_marked, parse_example, tell_marks
from maksud.data.formats.parts.reading import Reading, RowError
from maksud.data.formats.parts.rows import MAX_DEPTH
from maksud.data.formats.parts.source import Source
from maksud.data.formats.parts.spans import Span, marked_call, reads_back
from maksud.errors import DataError

_NO_DATA = ("tests", "models", "results", "actions", "node_modules")
"""Folders of a project that hold no training data."""
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_./+-]*")
_UNPRINTABLE = re.compile(
    r"[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


def read_rasa(file: Source, options: Options) -> Reading:
    """Examples of a NLU file. Raises `DataError` (`E-YAML`) for a file that is not YAML."""
    reading = Reading()
    labels = Labels(reading, file.path)
    counts: Counter[str] = Counter()
    for line, intent, raw in _examples(file, options, reading, counts):
        add_marked(
            reading, labels, raw, intent, counts,
            source=file.path, line=line, original=raw, split=options.split,
        )  # fmt: skip
    tell_marks(reading, counts, file.path)
    labels.close()
    return reading


def read_project(path: str, options: Options) -> Reading:
    """Examples of all NLU files of a directory and its folders, as Rasa takes them together."""
    whole = Reading()
    others = 0
    for name in _files(path):
        source = Source(name)
        if not _is_rasa(source):
            others += 1
            continue
        part = read_rasa(source, options)
        part.close(name)
        whole.extend(part)
    if others:
        what = f"{others:,} YAML files without nlu (domain, stories, rules) are not read"
        whole.tell("info", "I-RASA", what, path)
    return whole


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
        if any("\n" in line for line in lines):  # Rasa's form for texts of several lines
            out.append(f"- intent: {name}\n  examples:\n")
            out += [f"  - text: |\n{indent(line, ' ' * 6, _always)}\n" for line in lines]
        else:
            out.append(f"- intent: {name}\n  examples: |\n")
            out += [f"    - {line}\n" for line in lines]
    file.write("".join(out).encode())


def _examples(
    file: Source, options: Options, reading: Reading, counts: Counter[str]
) -> Iterator[tuple[int, str, str]]:
    """(line, intent, text) of the file's examples."""
    text = file.text(reading, options.encoding)
    root = _composed(text, file.path)
    seen: set[int] = set()
    if twice := _doubled(root):
        raise DataError(f"E-DUPKEY {twice[0]}", where=f"{file.path}:{twice[1]}", hint="Join them")
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
            if twice := _doubled(item):
                what, at = twice
                fix = "begin the second with '- ', or remove it"
                body = text[item.start_mark.index : item.end_mark.index]
                reading.reject(f"{file.path}:{at}", "E-DUPKEY", what, fix, body)
                continue
            counts["entries of metadata"] += "metadata" in about
            if intent is None:
                counts[next(iter(about), "empty") + " entries"] += 1
                continue
            if not _is(intent, "scalar"):
                raise DataError("E-YAML an intent has no name", where=f"{file.path}:{line}")
            below = about.get("examples")
            yield from _below(below, intent.value, file, line, reading, seen, counts)


def _below(
    node: Any,
    intent: str,
    file: Source,
    line: int,
    reading: Reading,
    seen: set[int],
    counts: Counter[str],
) -> Iterator[tuple[int, str, str]]:
    """(line, intent, text) of an intent's examples: a block of text, or a list with texts.

    A line of a block that begins with `#` is a comment, as people mean it.
    """
    if _is(node, "scalar"):
        first = node.start_mark.line + (2 if node.style in ("|", ">") else 1)
        for k, text in enumerate(node.value.split("\n")):
            text = text.strip()
            if text.startswith("-"):
                yield first + k, intent, text[1:].strip()
            elif text and not text.startswith("#"):
                what = f"expected '- example', found {excerpt(text, 30)}"
                reading.reject(f"{file.path}:{first + k}", "E-YAML", what, "begin it with -", text)
    elif _is(node, "sequence"):
        if id(node) in seen:
            raise DataError("E-YAML aliases are not read", where=file.path)
        seen.add(id(node))
        for item in node.value:
            about = dict(_pairs(item))
            text_node = about.get("text", item)
            at = item.start_mark.line + 1
            counts["entries of metadata"] += "metadata" in about
            if twice := _doubled(item):
                where = f"{file.path}:{twice[1]}"
                reading.reject(where, "E-DUPKEY", twice[0], "begin the second with '- '", intent)
            elif _is(text_node, "scalar"):
                yield at, intent, text_node.value.strip()
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


def _doubled(node: Any) -> tuple[str, int] | None:
    """What is said of a key that stands twice in a mapping, and the line of the second."""
    seen: set[str] = set()
    for key, _ in node.value if _is(node, "mapping") else ():
        name = str(key.value)
        if name in seen:
            return f"{excerpt(name, 40)} appears twice in one entry", key.start_mark.line + 1
        seen.add(name)
    return None


def _always(_: str) -> bool:
    return True


def _marked(text: str, spans: Sequence[Span]) -> str:
    parts, at = [], 0
    for s in spans:
        plain = not set(":") & set(s.name)
        mark = f"({s.name})" if plain else json.dumps({"entity": s.name}, ensure_ascii=False)
        parts += [text[at : s.start], f"[{text[s.start : s.end]}]{mark}"]
        at = s.end
    return "".join([*parts, text[at:]])


def _is_rasa(file: Source) -> bool:
    if re.search(r"^nlu\s*:", file.head_text, re.MULTILINE) is None:
        return False
    return file.suffix in (".yml", ".yaml") or "- intent:" in file.head_text


def _files(path: str, depth: int = 3) -> Iterator[str]:
    """The YAML files that are not empty below a directory."""
    for name in store.names(path):
        place = store.join(path, name)
        if name.startswith(".") or name in _NO_DATA:
            continue
        if name.lower().endswith((".yml", ".yaml")):
            if store.size(place):
                yield place
        elif depth and "." not in name and store.is_directory(place):
            yield from _files(place, depth - 1)


def _is_project(path: str) -> bool:
    return any(_is_rasa(Source(name)) for name in _files(path))


FORMAT = Format(
    "rasa",
    "Rasa NLU YAML, a file or a directory of them",
    (".yml", ".yaml"),
    _is_rasa,
    read_rasa,
    write_rasa,
    keeps=(),
    is_directory=_is_project,
    read_directory=read_project,
)
