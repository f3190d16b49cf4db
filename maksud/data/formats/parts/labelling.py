"""Items of labelling tools: the data that an item shows, and the answers that people gave to it.

The utterance stands in a field of the item's `data`; what else stands there is metadata. Answers
come in stages, each overruled by the next; those of the last stage are voted (`voting`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from maksud.data.dataset import Example
from maksud.data.formats.base import Options, Writing
from maksud.data.formats.parts.reading import Original, Reading, RowError
from maksud.data.formats.parts.rows import kind, list_names, text_field
from maksud.data.formats.parts.voting import Vote, same, winner

LABELS = "labels"
"""Metadata of an item: answers to questions besides `output`, by their titles."""
_NAMED = ("id", "split", "annotator")


@dataclass
class Item:
    """What an item shows, and what it says of itself."""

    instruction: str
    metadata: dict[str, Any]
    id: str = ""
    split: str = ""
    annotator: str = ""
    output: str | None = None

    def settle(
        self, stages: Sequence[Sequence[Vote]], reading: Reading, place: str, draft: str = ""
    ) -> Vote | None:
        """Takes the answer of the last stage's vote; None where there are no votes.

        Answers that were not taken stay in the metadata, but those of the stage `draft`, which
        are nobody's. Tells a disagreement within the last stage.
        """
        if not stages:
            return None
        *earlier, last = stages
        taken, agreed = winner(last, reading, place, self.instruction)
        self.output = taken.output
        before = [v for votes in earlier for v in votes if v.stage != draft]
        overruled = [v for v in before if not same(v.output, taken.output)]
        if overruled or not agreed:
            self.metadata["answers"] = [v.to_json() for v in (*before, *last)]
        return taken

    def add(self, reading: Reading, file: str, line: int, original: Original, split: str) -> None:
        """Adds the item as an example; `split` is that of items that do not say theirs."""
        reading.add(
            self.instruction,
            self.output,
            source=file,
            line=line,
            original=original,
            split=self.split or split,
            id=self.id,
            annotator=self.annotator,
            metadata=self.metadata,
        )


def read_item(
    row: Mapping[str, Any], options: Options, usual: Sequence[str], hidden: Collection[str] = ()
) -> Item:
    """The item of a row's `data`. Raises `RowError`.

    The utterance is the field that the options name, else the first of the `usual`, else the only
    text. `hidden` fields are the tool's own: they are no metadata while they are empty.
    """
    data = row.get("data")
    if not isinstance(data, Mapping):
        raise RowError("E-FIELD", f'"data" is {kind(data)}, expected an object')
    name = options.columns.get("instruction") or next((n for n in usual if n in data), None)
    if name is None:
        texts = [k for k, v in data.items() if isinstance(v, str) and k not in hidden]
        name = texts[0] if len(texts) == 1 else None
    if name is None or name not in data:
        what = f"no field of the data is the utterance (has: {list_names(data)})"
        raise RowError("E-FIELD", what, "say --columns instruction=FIELD")
    text = data[name]
    if not isinstance(text, str):
        raise RowError("E-TYPE", f'"{name}" is {kind(text)}, expected text')
    known = {name, *_NAMED, *(n for n in hidden if not data.get(n))}
    rest = {k: v for k, v in data.items() if k not in known}
    return Item(text, rest, **{n: text_field(data, n) for n in _NAMED})


def item_data(
    example: Example, writing: Writing, field: str, own: Collection[str]
) -> dict[str, Any]:
    """The data of an item: the utterance as `field`, and all metadata but the tool's `own`, and
    answers."""
    if labels_of(example.metadata):
        own = (*own, LABELS)
    data: dict[str, Any] = {field: example.instruction}
    data |= {k: v for k in ("id", "annotator") if (v := getattr(example, k))}
    data |= {k: v for k, v in example.metadata.items() if k not in (*own, *data)}
    if writing.split and example.split:
        data["split"] = example.split
    return data


def labels_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """Answers to other questions than `output` by title: a text, texts that were chosen, or words
    that were marked. None where a field of that name holds something else, a row's own."""
    labels = body.get(LABELS)
    if isinstance(labels, Mapping) and all(map(_is_answer, labels.values())):
        return dict(labels)
    return {}


def _is_answer(value: Any) -> bool:
    if not isinstance(value, list):
        return isinstance(value, str)
    return all(isinstance(v, str) for v in value) or all(map(_is_mark, value))


def _is_mark(value: Any) -> bool:
    places = (value.get(k) for k in ("start", "end")) if isinstance(value, Mapping) else (None,)
    return all(type(place) is int for place in places)
