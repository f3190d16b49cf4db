"""BIO, two columns: a token and its tag a line, a blank line between sentences.

The intent is a comment before the sentence (`# intent: play_music`), or a line of its own after it,
as in the usual dumps of SNIPS and ATIS. `# text = …` holds the utterance where its tokens do not
stand one space apart. Tags are BIO, IOB1, BIOES or BILOU.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import IO

from maksud.data.dataset import Example
from maksud.data.findings import excerpt
from maksud.data.formats.base import Format, Options, Writing
from maksud.data.formats.parts.labels import Labels
from maksud.data.formats.parts.lines import text_lines
from maksud.data.formats.parts.reading import Reading, RowError
from maksud.data.formats.parts.source import Source
from maksud.data.formats.parts.spans import Span, marked_call, reads_back, spanned_answer

_TAG = re.compile(r"O|[BIESLU]-\S+")
_COMMENT = re.compile(r"#\s*(?P<key>intent|text|id|sent_id|split)\s*[:=]\s?(?P<value>.*)")
_TOKEN = re.compile(r"\w+|[^\w\s]")


def read_bio(file: Source, options: Options) -> Reading:
    """Sentences, each one call."""
    reading = Reading()
    labels = Labels(reading, file.path)
    for first, lines, raw in _sentences(file, options, reading):
        try:
            text, intent, spans, about = parse_sentence(lines)
            if not intent:
                fix = "write '# intent: name' before the sentence"
                raise RowError("E-BIO", "the sentence has no intent", fix)
            if "#" in intent and "(" not in intent:
                fix = "cut the sentence, or write json"
                raise RowError("E-MULTI", f"{excerpt(intent, 40)}: one intent a sentence", fix)
            output = spanned_answer(labels, intent, text, spans)
        except RowError as error:
            reading.refuse(f"{file.path}:{first}", error, raw)
            continue
        reading.add(
            text,
            output,
            source=file.path,
            line=first,
            original=raw,
            split=about.get("split") or options.split,
            id=about.get("id") or about.get("sent_id") or "",
        )
    labels.close()
    return reading


def write_bio(examples: Sequence[Example], file: IO[bytes], writing: Writing) -> None:
    """Sentences with their intent as a comment."""
    for e in examples:
        marked = marked_call(e, writing)
        if marked is None:
            continue
        call, spans = marked
        lines = [f"# intent: {call.intent}"]
        if e.id:
            lines.append(f"# id = {e.id}")
        if writing.split and e.split:
            lines.append(f"# split = {e.split}")
        lines += _tagged(e.instruction, spans)
        try:
            text, _, back, _ = parse_sentence([line.strip() for line in lines])
        except RowError:
            text, back = "", []
        if "\n" in e.instruction or "\r" in e.instruction or not reads_back(text, back, e, call):
            what = "the utterance or a value can't be cut into tokens and joined again"
            writing.reject(e, "E-TOKENS", what, "write json or jsonl")
            continue
        file.write(("\n".join(lines) + "\n\n").encode())


def parse_sentence(lines: Sequence[str]) -> tuple[str, str, list[Span], dict[str, str]]:
    """Text, intent, entities and what comments say of a sentence. Raises `RowError` (`E-BIO`)."""
    about: dict[str, str] = {}
    tokens: list[tuple[str, str]] = []
    intent = ""
    for line in lines:
        cells = line.split("\t") if "\t" in line else line.split()
        tagged = len(cells) > 1 and _TAG.fullmatch(cells[-1]) is not None
        comment = _COMMENT.fullmatch(line)
        if comment is not None and not (tagged and "\t" in line):
            about[comment["key"]] = comment["value"]
        elif tagged:
            if intent:
                raise RowError("E-BIO", f"{excerpt(intent, 40)} has no tag", "write token and tag")
            tokens.append((cells[0], cells[-1]))
        elif line.startswith("#"):
            continue
        elif len(cells) == 1 and not intent:
            intent = cells[0]
        else:
            raise RowError("E-BIO", f"{excerpt(line, 40)} has no tag", "write token and tag")
    if not tokens:
        raise RowError("E-BIO", "the sentence has no tokens", "remove it")
    text = about.get("text") or " ".join(token for token, _ in tokens)
    return text, about.get("intent", "").strip() or intent, _spans(tokens, text), about


def _spans(tokens: Sequence[tuple[str, str]], text: str) -> list[Span]:
    spans: list[Span] = []
    at = 0
    open_name = ""
    for token, tag in tokens:
        start = text.find(token, at)
        if start < 0 or text[at:start].strip():
            raise RowError("E-BIO", f"token {excerpt(token, 30)} is not the next of the text")
        at = start + len(token)
        prefix, _, name = tag.partition("-")
        if prefix == "O":
            open_name = ""
            continue
        if prefix in "IEL" and name == open_name:
            spans[-1] = Span(spans[-1].start, at, name)
        else:
            spans.append(Span(start, at, name))
        open_name = "" if prefix in "ELSU" else name
    return spans


def _sentences(
    file: Source, options: Options, reading: Reading
) -> Iterator[tuple[int, list[str], bytes]]:
    """(first line, lines, raw) of each sentence."""
    lines: list[str] = []
    raws: list[bytes] = []
    first = 0
    for number, text, raw in text_lines(file, options, reading, blank=True):
        if text:
            first = first or number
            lines.append(text)
            raws.append(raw)
            continue
        if lines and not lines[0].startswith("-DOCSTART-"):
            yield first, lines, b"\n".join(raws)
        lines, raws, first = [], [], 0
    if lines and not lines[0].startswith("-DOCSTART-"):
        yield first, lines, b"\n".join(raws)


def _tagged(text: str, spans: Sequence[Span]) -> list[str]:
    """Token and tag lines; finer than words, and with the text, where a value needs it."""
    words = [(m.start(), m.end()) for m in re.finditer(r"\S+", text)]
    borders = {b for word in words for b in word}
    plain = " ".join(text[a:b] for a, b in words) == text
    head = []
    if not plain or not all(s.start in borders and s.end in borders for s in spans):
        words = [(m.start(), m.end()) for m in _TOKEN.finditer(text)]
        head = [f"# text = {text}"]
    lines = []
    for a, b in words:
        span = next((s for s in spans if s.start <= a and b <= s.end), None)
        tag = "O" if span is None else f"{'B' if a == span.start else 'I'}-{span.name}"
        lines.append(f"{text[a:b]}\t{tag}")
    return [*head, *lines]


def _is_bio(file: Source) -> bool:
    if file.start.kind == "lines" or file.packed:
        return False
    lines = [line.strip() for line in file.head_text.split("\n")[:-1][:60]]
    lines = [line for line in lines if line and not _is_remark(line)]
    tagged = 0
    for line in lines:
        cells = line.split()
        if len(cells) > 1 and _TAG.fullmatch(cells[-1]):
            tagged += 1
        elif len(cells) > 1 or not tagged:
            return False  # a table's header has no tag, whatever its rows look like
    return tagged > 0 and 2 * tagged >= len(lines)


def _is_remark(line: str) -> bool:
    """Whether a line says nothing of tokens: a comment is no token `#` with its tag."""
    if line.startswith("#"):
        return "\t" not in line or _TAG.fullmatch(line.split("\t")[-1]) is None
    return line.startswith("-DOCSTART-")


FORMAT = Format(
    "bio",
    "BIO tags, a token and a tag a line",
    (".bio", ".conll"),
    _is_bio,
    read_bio,
    write_bio,
    keeps=("id", "split"),
)
