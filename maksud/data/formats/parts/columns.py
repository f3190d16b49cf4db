"""Column mapping: which field of a file is the utterance, which the answer, which an argument.

`{"instruction": "text", "output": "label", "param:location": "city"}` reads the column `text` as
the utterance, `label` as the answer (a name alone is an intent), and the cells of `city` that are
not empty as the intent's argument `location`. What is not mapped keeps its own name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from maksud.data.findings import excerpt
from maksud.data.formats.parts.labels import Labels
from maksud.data.formats.parts.reading import KNOWN, METADATA, Reading, RowError
from maksud.errors import SettingsError, nearest
from maksud.language.calls import Argument, is_name

FIELDS = ("instruction", "output", "id", "split", "annotator")
"""Our fields that a column can be mapped to; `param:NAME` beside them."""
PARAMETER = "param:"

USUAL = {
    "instruction": (
        *("text", "utterance", "query", "sentence", "question", "phrase", "message", "request"),
        *("kalimat", "teks", "ujaran", "ucapan", "tuturan", "pertanyaan", "permintaan"),
        *("perintah", "pesan", "masukan", "input"),
    ),
    "output": (
        *("keluaran", "intent", "intention", "maksud", "niat", "label"),
        *("category", "kategori", "class", "kelas", "answer", "jawaban", "target"),
    ),
}
"""Usual names of the utterance and of the answer in other people's files, English and Indonesian,
as `folded_header` writes them. Of several, the first is taken: an intent rather than a label, and
both rather than an answer, which may be what a bot replies."""
UTTERANCES = ("instruction", *USUAL["instruction"])
ANSWERS = ("output", *USUAL["output"])
"""The same, with our own names first."""

_ASIDE = frozenset(
    (*("no", "nomor", "number", "index", "row", "baris", "source", "sumber", "date", "tanggal"),)
    + ("waktu", "note", "notes", "catatan", "keterangan", "comment", "komentar")
)
"""Columns that are no answer, beside our own and the usual metadata."""
_BETWEEN = re.compile(r"[\s_\-./:]+")


@dataclass(frozen=True)
class Choice:
    """Which columns of a header are what: `columns` has those that were named by their user, and
    what was found by its usual name."""

    columns: Mapping[str, str]
    passed_over: Mapping[str, tuple[str, ...]]
    """Of our fields that were found: the other columns that could have been it."""
    unknown: tuple[str, ...]
    """Columns of which nothing says what they are; one of them may be the answer."""

    @property
    def lacks_answer(self) -> bool:
        """Whether there is no answer, though a column that nobody knows may well be it."""
        return "output" not in self.columns and bool(self.unknown)

    def tell(self, reading: Reading, named: Mapping[str, str], where: str) -> None:
        """Tells what was found by its name, and what it was preferred to. `named`: what the user
        named."""
        guessed = {k: v for k, v in self.columns.items() if k not in named and k != v}
        if guessed:
            said = ", ".join(f"{excerpt(v, 30)} is read as {k}" for k, v in guessed.items())
            reading.tell("info", "I-COLUMNS", f"column {said}", where)
        for ours, others in self.passed_over.items():
            chosen = excerpt(self.columns[ours], 30)
            said = ", ".join(excerpt(name, 30) for name in others)
            what = f"column {chosen} is taken as {ours}, not {said}: kept as metadata"
            fix = f"say --columns {ours}=NAME where another one is meant"
            reading.tell("warning", "W-COLUMNS", what, where, fix)


def folded_header(name: str) -> str:
    """A column's name without what spellings differ by: case, width, separators."""
    return _BETWEEN.sub("", unicodedata.normalize("NFKC", name).casefold())


def parse_columns(text: str) -> dict[str, str]:
    """`instruction=text,output=label` as a mapping; `output=` says that no row has an answer.
    Raises `SettingsError`."""
    columns: dict[str, str] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        ours, equals, theirs = (p.strip() for p in part.partition("="))
        if not equals or not (theirs or ours == "output"):
            raise SettingsError(
                f"--columns: expected OURS=THEIRS, found {part!r}",
                hint="For example instruction=text,output=label; output= where no row is labelled",
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
        self._ours = {v: k for k, v in columns.items() if v and not k.startswith(PARAMETER)}
        self._parameters = {
            v: k.removeprefix(PARAMETER) for k, v in columns.items() if k.startswith(PARAMETER)
        }
        self._is_unlabelled = columns.get("output") == ""
        self._label_names = label_names or "output" in columns or bool(self._parameters)

    def native(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row under our names. Raises `RowError` for a label that can't be a name."""
        native = {self._ours.get(k, k): v for k, v in row.items() if k not in self._parameters}
        if self._is_unlabelled:
            native.setdefault("output", None)
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


def choose_columns(header: Sequence[str], named: Mapping[str, str]) -> Choice:
    """What the columns (or fields) of a header are: those that are `named` as ours by their user,
    and the utterance, the answer and our own fields by their usual names."""
    found = dict(named)
    taken = set(named.values())
    folded: dict[str, str] = {}
    for name in header:
        if name:
            folded.setdefault(folded_header(name), name)
    passed_over: dict[str, tuple[str, ...]] = {}
    for ours, usual in (("instruction", UTTERANCES), ("output", ANSWERS)):
        if ours in found:
            continue
        names = [folded[u] for u in usual if u in folded and folded[u] not in taken]
        if names:
            found[ours] = names[0]
            taken.add(names[0])
            if names[1:]:
                passed_over[ours] = tuple(names[1:])
    for ours in ("id", "split", "annotator"):
        if ours not in found and ours in folded and folded[ours] not in taken:
            found[ours] = folded[ours]
    known = KNOWN | METADATA | _ASIDE | set(UTTERANCES)
    mapped = set(found.values())
    unknown = tuple(
        name
        for fold, name in folded.items()
        if name not in mapped and fold not in known and not fold.startswith("unnamed")
    )
    return Choice(found, passed_over, unknown)
