"""Alpaca: rows of `instruction`, `input` and `output`.

With an `input`, that is the utterance, and the instruction is the wording of the task, kept as
metadata `prompt`; without one, the instruction is the utterance. `history` holds earlier turns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import IO, Any

from maksud.data.dataset import Example
from maksud.data.formats.base import Format, Options, Writing
from maksud.data.formats.parts.arrays import write_array
from maksud.data.formats.parts.conversation import list_messages
from maksud.data.formats.parts.reading import Reading, RowError
from maksud.data.formats.parts.records import records
from maksud.data.formats.parts.rows import add_row, fold_texts, to_row
from maksud.data.formats.parts.source import Source


def read_alpaca(file: Source, options: Options) -> Reading:
    """Rows, in an array or one a line."""
    reading = Reading()
    prompts = 0
    first = 0
    for line, row, original in records(file, options, reading):
        if isinstance(row, dict):
            try:
                row = _native(row)
                prompts += "prompt" in row
                first = first or line * ("prompt" in row)
            except RowError as error:
                place = f"{file.path}:{line}"
                reading.refuse(place, error, original)
                continue
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
    history = row.get("history")
    if history:
        turns, replies = _history(history)
        native["turns"] = [*turns, native.get("instruction")]
        native["replies"] = replies
        native["instruction"] = fold_texts(native["turns"])
    if native.get("system") == "":
        del native["system"]
    return native


def _history(history: Any) -> tuple[list[str], list[str]]:
    if not isinstance(history, list) or not all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(t, str) for t in pair)
        for pair in history
    ):
        raise RowError(
            "E-CHAT", "history is no list of pairs of texts", 'write [["said", "reply"]]'
        )
    return [pair[0] for pair in history], [pair[1] for pair in history]


def _row(example: Example, writing: Writing) -> dict[str, Any]:
    native = to_row(example, with_split=writing.split)
    prompt = native.pop("prompt", "")
    spoken = list(list_messages(example))
    users = [text for role, text in spoken if role == "user"]
    last = users[-1]
    row: dict[str, Any] = {
        "instruction": prompt if isinstance(prompt, str) and prompt else last,
        "input": last if prompt else "",
        "output": example.output,
    }
    if len(users) > 1:
        replies = native.get("replies") or []
        row["history"] = [
            [turn, replies[k] if k < len(replies) else ""] for k, turn in enumerate(users[:-1])
        ]
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
