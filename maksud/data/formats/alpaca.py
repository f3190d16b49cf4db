"""Alpaca: rows of `instruction`, `input` and `output`.

With an `input`, that is the utterance, and the instruction is the wording of the task, kept as
metadata `prompt`; without one, the instruction is the utterance. `history` holds earlier turns and
replies: a conversation, read as all are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import IO, Any

from maksud.data.dataset import Example
from maksud.data.formats.base import Format, Options, Writing
from maksud.data.formats.parts.arrays import write_array
from maksud.data.formats.parts.exchanges import Message, list_messages, part_conversation
from maksud.data.formats.parts.reading import Reading, RowError
from maksud.data.formats.parts.records import records
from maksud.data.formats.parts.rows import add_row, to_row
from maksud.data.formats.parts.source import Source
from maksud.language.catalog import Catalog


def read_alpaca(file: Source, options: Options) -> Reading:
    """Rows, in an array or one a line."""
    reading = Reading()
    prompts = 0
    first = 0
    for line, row, original in records(file, options, reading):
        if isinstance(row, dict):
            try:
                rows = _parted(_native(row), row.get("history"), options.catalog)
                prompts += "prompt" in rows[-1]
                first = first or line * ("prompt" in rows[-1])
            except RowError as error:
                place = f"{file.path}:{line}"
                reading.refuse(place, error, original)
                continue
            reading.add_parts(
                [
                    partial(add_row, reading, part, file.path, line, options.split, original)
                    for part in rows
                ]
            )
        else:
            add_row(reading, row, file.path, line, options.split, original)
    if prompts:
        what = f"of {prompts:,} rows the input is the utterance, the instruction its prompt"
        fix = "say --format json (or jsonl) where the instruction is what people said"
        reading.tell("info", "I-ALPACA", what, f"{file.path}:{first}", fix)
    return reading


def write_alpaca(examples: Sequence[Example], file: IO[bytes], writing: Writing) -> None:
    """An array of rows, each with the three fields."""
    write_array((_row(e, writing) for e in writing.labelled(examples)), file)


def _native(row: Mapping[str, Any]) -> dict[str, Any]:
    native = {k: v for k, v in row.items() if k not in ("input", "history")}
    given = row.get("input")
    if given is not None and not isinstance(given, str):
        raise RowError("E-TYPE", '"input" is no text', "write it as a JSON string")
    if given and given.strip():
        native["instruction"] = given
        if row.get("instruction"):
            native["prompt"] = row["instruction"]
    if native.get("system") == "":
        del native["system"]
    return native


def _parted(native: dict[str, Any], history: Any, catalog: Catalog | None) -> list[dict[str, Any]]:
    """The rows of a row with a history: one for each turn that was answered by calls."""
    if not history:
        return [native]
    messages = _history(history)
    last = native.get("instruction")
    if not isinstance(last, str):
        raise RowError("E-TYPE", '"instruction" is no text', "write it as a JSON string")
    messages += [Message("user", last), Message("assistant", "")]
    *earlier, asked = part_conversation(messages, catalog, False)
    rows = [
        {**native, "instruction": e.instruction, "output": e.output, **e.metadata} for e in earlier
    ]
    for row in rows:
        row.pop("id", None)  # an id is of one example: of that to which the history leads
    return [*rows, {**native, "instruction": asked.instruction, **asked.metadata}]


def _history(history: Any) -> list[Message]:
    if not isinstance(history, list) or not all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(t, str) for t in pair)
        for pair in history
    ):
        raise RowError(
            "E-CHAT", "history is no list of pairs of texts", 'write [["said", "reply"]]'
        )
    messages = []
    for said, reply in history:
        messages += [Message("user", said), Message("assistant", reply)]
    return messages


def _row(example: Example, writing: Writing) -> dict[str, Any]:
    native = to_row(example, with_split=writing.split)
    prompt = native.pop("prompt", "")
    pairs: list[list[str]] = []
    for message in list_messages(example, writing, marks=False):
        if message.role == "user":
            pairs.append([message.text, ""])
        elif message.role == "assistant":
            pairs[-1][1] = message.text
    last = pairs.pop()[0]
    row: dict[str, Any] = {
        "instruction": prompt if isinstance(prompt, str) and prompt else last,
        "input": last if prompt else "",
        "output": example.output,
    }
    if pairs:
        row["history"] = pairs
        native.pop("turns", None)
        native.pop("replies", None)
    return {**row, **{k: v for k, v in native.items() if k not in row}}


def _is_alpaca(file: Source) -> bool:
    """Whether any of the first rows has an input or a history: the first may go without."""
    if not file.start.has("instruction", "output"):
        return False
    rows = file.start.rows or (dict.fromkeys(file.start.keys, "?"),)
    return any(isinstance(row, dict) and ("input" in row or row.get("history")) for row in rows)


FORMAT = Format(
    "alpaca",
    "Alpaca rows: instruction, input, output",
    (),
    _is_alpaca,
    read_alpaca,
    write_alpaca,
    ending=".json",
)
