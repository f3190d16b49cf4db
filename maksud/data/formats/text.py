"""Plain text: one utterance a line, not labelled. Blank lines are skipped; a line with a TAB is
refused, as it may be an utterance with its label.

Writing gives the utterances alone, and says that the answers are not in the file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import IO

from maksud.data.dataset import Example
from maksud.data.findings import excerpt
from maksud.data.formats.base import Format, Options, Writing
from maksud.data.formats.parts.lines import text_lines
from maksud.data.formats.parts.reading import Reading
from maksud.data.formats.parts.source import Source

_UNFIT = re.compile(r"[\n\r\t]")


def read_text(file: Source, options: Options) -> Reading:
    """Utterances, one a line, without the white space around them."""
    reading = Reading()
    for line, text, raw in text_lines(file, options, reading):
        if "\t" in text:
            what = f"holds a TAB, as an utterance and its label do: {excerpt(text, 40)}"
            fix = "write a first line instruction<TAB>output and say --format tsv, or a space"
            reading.reject(f"{file.path}:{line}", "E-TAB", what, fix, raw)
            continue
        reading.add(
            text.strip(), None, source=file.path, line=line, original=raw, split=options.split
        )
    return reading


def write_text(examples: Sequence[Example], file: IO[bytes], writing: Writing) -> None:
    """One utterance a line; one that holds a line break is rejected."""
    labelled = 0
    for e in examples:
        if _UNFIT.search(e.instruction) or e.instruction.strip() != e.instruction:
            what = "the utterance has several lines, a TAB, or white space around it"
            writing.reject(e, "E-LINE", what, "write json or jsonl")
            continue
        labelled += e.is_labelled
        file.write((e.instruction + "\n").encode())
    if labelled:
        what = f"the answers of {labelled:,} examples are not written: plain text has none"
        writing.tell("warning", "W-LOST", what, "write json or jsonl to keep them")


def _is_text(file: Source) -> bool:
    return file.suffix == ".txt" and not file.packed


FORMAT = Format(
    "text", "plain text, one utterance a line", (".txt",), _is_text, read_text, write_text, keeps=()
)
