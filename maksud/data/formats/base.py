"""What a format is, how it is told to read a file, and what it is told for writing one.

A format is one module here with a value `FORMAT`, and one line in `registry`.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, Protocol

from maksud.data.dataset import Dataset, Example
from maksud.data.findings import Finding, Findings, Level
from maksud.data.formats.parts.labels import Labels
from maksud.data.formats.parts.reading import Original, Reading, Reject
from maksud.data.formats.parts.rows import to_row
from maksud.data.formats.parts.source import Source
from maksud.errors import SettingsError
from maksud.language.catalog import Catalog


class Conversations(Protocol):
    """Rows of conversations: the column they stand in, and how one is read."""

    @property
    def column(self) -> str: ...

    def add(
        self,
        reading: Reading,
        row: Any,
        source: str,
        line: int,
        options: Options,
        labels: Labels,
        original: Original,
    ) -> None:
        """Adds a row's conversation as an example, or rejects it with the reason."""


@dataclass(frozen=True)
class Options:
    """How to read a file, where its content leaves it open."""

    split: str = ""
    """Split of rows that do not say theirs."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Column or field names of the file for ours: `{"instruction": "text", …}`; `param:NAME`
    for a column whose cells are an argument of that name."""
    delimiter: str = ""
    """Delimiter of a table; empty: a comma, or a tab where the header has one."""
    encoding: str = "utf-8"
    """Encoding of a text file."""
    sheet: str = ""
    """Sheet of a workbook; empty: the first that is not hidden."""
    tick: Callable[[float], None] | None = None
    """Told the share of the file that is read, now and then."""
    conversations: tuple[Conversations, ...] = ()
    """What a column of conversations in a table may be: said by the registry, not by people."""
    catalog: Catalog | None = None
    """The catalog that stands beside the file, which says when a turn of a conversation is still
    open: found with it, not said by people."""

    def __post_init__(self) -> None:
        try:
            name = codecs.lookup(self.encoding).name
        except LookupError as error:
            raise SettingsError(
                f"unknown encoding {self.encoding!r}", hint="For example utf-8, gb18030, latin-1"
            ) from error
        if name.startswith(("utf-16", "utf-32")):
            raise SettingsError(f"encoding {name} is not read", hint="Save the file as UTF-8")
        if len(self.delimiter) > 1 or self.delimiter in ("\r", "\n", '"'):
            raise SettingsError(
                f"{self.delimiter!r} can't be a delimiter", hint="One character, for example ;"
            )


@dataclass
class Writing:
    """What a format is told for writing, and what it could not write."""

    dataset: Dataset
    """Its catalog names positional arguments, and says how values are typed."""
    tools: bool = False
    """Whether a chat format writes tool calls, with the catalog as `tools`."""
    split: bool = False
    """Whether rows say their split: several stand in one file."""
    path: str = ""
    """Where it is written, for findings."""
    findings: Findings = field(default_factory=Findings)
    rejects: list[Reject] = field(default_factory=list)
    beside: Catalog | None = None
    """The catalog that will stand beside the file; None where none is sure to."""
    closing: int = 0
    """Replies that were left out: they would part their row where it is read again."""

    @property
    def catalog(self) -> Catalog:
        """The dataset's catalog; inferred when it is first asked for."""
        return self.dataset.catalog

    def labelled(self, examples: Iterable[Example]) -> Iterator[Example]:
        """The examples that have an answer; the others are rejected."""
        for example in examples:
            if example.is_labelled:
                yield example
            else:
                self.reject(example, "E-UNLABELLED", "no answer yet", "label it first")

    def reject(self, example: Example, code: str, message: str, fix: str) -> None:
        """Records an example that the format has no place for."""
        finding = Finding("error", code, message, place=example.place, fix=fix)
        self.findings.append(finding)
        row = json.dumps(to_row(example), ensure_ascii=False)
        self.rejects.append(Reject(finding, row))

    def tell(self, level: Level, code: str, message: str, fix: str = "") -> None:
        """Records a finding about the whole file."""
        self.findings.append(Finding(level, code, message, place=self.path, fix=fix))


@dataclass(frozen=True)
class Format:
    """An outside format: how it is told, read and, where that makes sense, written."""

    name: str
    title: str
    suffixes: tuple[str, ...]
    """Names of files that it is written to without being asked for by name; may be empty."""
    detect: Callable[[Source], bool]
    read: Callable[[Source, Options], Reading]
    write: Callable[[Sequence[Example], IO[bytes], Writing], None] | None = None
    ending: str = ""
    """Ending of a file in a directory that is written in this format; empty: the first suffix."""
    packed: bool = False
    """Whether its content is no text."""
    keeps: tuple[str, ...] | None = None
    """Metadata that it has a place for; None: all."""
    is_directory: Callable[[str], bool] | None = None
    """Whether a directory without split files is an export of this format."""
    read_directory: Callable[[str, Options], Reading] | None = None
    holds_all: bool = False
    """Whether a file holds all of its rows, so that it may be replaced by a mended one."""
    has_sheets: bool = False
    """Whether a file has sheets, one of which is read."""
    has_tools: bool = False
    """Whether answers may be written as tool calls, beside the catalog as `tools`."""
    conversations: Conversations | None = None
    """How a table with a column of this format's conversations is read."""
    converts_to: Callable[[Dataset, str], str] | None = None
    """The format that a conversion of it writes to a file with that ending, by name, where nobody
    names one; "": that of the ending."""
