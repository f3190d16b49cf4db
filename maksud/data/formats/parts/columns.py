"""Column mapping: which field of a file is the utterance, which the answer, which an argument.

`{"instruction": "text", "output": "label", "param:location": "city"}` reads the column `text` as
the utterance, `label` as the answer (a name alone is an intent), and the cells of `city` that are
not empty as the intent's argument `location`. What is not mapped keeps its own name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from maksud.data.formats.parts.labels import Labels
from maksud.data.formats.parts.reading import RowError
from maksud.data.formats.parts.rows import USUAL
from maksud.errors import SettingsError, nearest
from maksud.language.calls import Argument, is_name

FIELDS = ("instruction", "output", "id", "split", "annotator")
"""Our fields that a column can be mapped to; `param:NAME` beside them."""
PARAMETER = "param:"

UTTERANCES = ("instruction", *USUAL["instruction"])
ANSWERS = ("output", *USUAL["output"])
"""Names of columns in tables; the first found is taken."""


def parse_columns(text: str) -> dict[str, str]:
    """`instruction=text,output=label` as a mapping. Raises `SettingsError`."""
    columns: dict[str, str] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        ours, equals, theirs = (p.strip() for p in part.partition("="))
        if not equals or not theirs:
            raise SettingsError(
                f"--columns: expected OURS=THEIRS, found {part!r}",
                hint="For example instruction=text,output=label",
            )
        parameter = ours.removeprefix(PARAMETER)
        if ours not in FIELDS and (parameter == ours or not is_name(parameter)):
            raise SettingsError(
                f"--columns: unknown field {ours!r}",
                hint=nearest(ours, FIELDS) + "; an argument is written param:NAME=COLUMN",
            )
        if ours in columns:
            raise SettingsError(f"--columns: {ours!r} is mapped twice")
        columns[ours] = theirs
    return columns


class Columns:
    """Turns a row of a file into a native row."""

    def __init__(
        self, columns: Mapping[str, str], labels: Labels, *, label_names: bool = False
    ) -> None:
        self._labels = labels
        self._ours = {v: k for k, v in columns.items() if not k.startswith(PARAMETER)}
        self._parameters = {
            v: k.removeprefix(PARAMETER) for k, v in columns.items() if k.startswith(PARAMETER)
        }
        self._label_names = label_names or "output" in columns or bool(self._parameters)

    def native(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row under our names. Raises `RowError` for a label that can't be a name."""
        native = {self._ours.get(k, k): v for k, v in row.items() if k not in self._parameters}
        output = native.get("output")
        if self._label_names and isinstance(output, str) and output.strip():
            arguments = self._arguments(row)
            if arguments and "(" in output:
                what = "the label is a whole answer, but columns are mapped to arguments"
                raise RowError("E-LABEL", what, "map the column of the intent's name")
            native["output"] = self._labels.answer(output, arguments)
        return native

    def _arguments(self, row: Mapping[str, Any]) -> list[Argument]:
        found = []
        for theirs, ours in self._parameters.items():
            value = row.get(theirs)
            if value not in (None, ""):
                found.append(Argument(ours, str(value)))
        return found


def usual_columns(header: Sequence[str], columns: Mapping[str, str]) -> dict[str, str]:
    """`columns`, with the utterance and the answer found by their usual names where they are
    not mapped."""
    found = dict(columns)
    taken = set(columns.values())
    folded = {name.strip().casefold(): name for name in reversed(header)}
    for ours, usual in (("instruction", UTTERANCES), ("output", ANSWERS)):
        if ours in found:
            continue
        name = next((folded[u] for u in usual if u in folded and folded[u] not in taken), None)
        if name is not None:
            found[ours] = name
    for ours in ("id", "split", "annotator"):
        if ours not in found and ours in folded and folded[ours] not in taken:
            found[ours] = folded[ours]
    return found
