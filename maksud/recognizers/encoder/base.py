"""The base of an encoder recognizer: a checked directory and how its tokenizer begins a text."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from maksud.errors import InputError
from maksud.progress import OnProgress
from maksud.recognizers.encoder.pieces import TOKENIZER
from maksud.recognizers.language_model import gallery
from maksud.recognizers.language_model.folder import ENCODERS

LEAST = 64
"""Pieces that an encoder must be able to read at once."""
E5_PREFIX = "query:"
"""What E5 wants before a text (Wang et al. 2022)."""


@dataclass(frozen=True)
class Base:
    """A directory with weights and tokenizer; the ids that stand before and after a text."""

    directory: Path
    begin: list[int]
    end: list[int]


def is_e5(name: str) -> bool:
    """Whether a base is one of E5: by the last part of its name, of which `e5` is a word.

    A folder above it says nothing (`/data/e5tests/bert`), nor do letters within a word; but that of
    a model in the hub's cache, whose snapshots are called by their revisions.
    """
    path = Path(name)
    last = (path.parent.parent if path.parent.name == "snapshots" else path).name.lower()
    return re.search(r"(?<![a-z0-9])m?e5(?![a-z0-9])", last) is not None


def open_base(name: str, tell: OnProgress) -> Base:
    """The base of that name, fetched where it is not here. Raises what `gallery.get` raises,
    `InputError` for an encoder whose tokenizer, activation or length is of another form."""
    from tokenizers import Tokenizer

    directory = gallery.get(name, tell, ENCODERS)
    file = directory / TOKENIZER
    if not file.is_file():
        raise InputError(
            f"holds no {TOKENIZER}", where=str(directory), hint="Save the fast tokenizer with it"
        )
    config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    if config.get("hidden_act", "gelu") != "gelu":
        raise InputError(
            f"activation {config['hidden_act']!r} is not supported", where=str(directory)
        )
    if config.get("max_position_embeddings", 512) < LEAST:
        raise InputError(
            f"reads {config['max_position_embeddings']} pieces at once, expected {LEAST} at least",
            where=str(directory),
        )
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    around = tokenizer.encode("")
    if len(around.ids) != 2:
        raise InputError(
            f"a text is put between {len(around.ids)} pieces, expected two", where=str(file)
        )
    first, last = around.ids
    rows = config.get("vocab_size", 0)
    most = max(tokenizer.get_vocab().values())
    if rows and most >= rows:
        raise InputError(
            f"the tokenizer has pieces up to number {most:,}, the weights have {rows:,}",
            where=str(file),
            hint="Take the tokenizer that the encoder was trained with",
        )
    prefix = []
    if is_e5(name):
        prefix = tokenizer.encode(E5_PREFIX, add_special_tokens=False).ids
    return Base(directory, [first, *prefix], [last])
