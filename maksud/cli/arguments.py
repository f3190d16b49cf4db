"""Arguments and options that several commands share, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maksud.errors import InputError
from maksud.recognizers.settings import TrainSettings
from maksud.settings import help_of

if TYPE_CHECKING:
    from maksud.data.formats.base import Options

Json = Annotated[bool, typer.Option("--json", help="Write JSON to standard output, for scripts.")]


def resolve(data: str) -> str:
    """The path to read: `data` itself, or that of the kept version that it names (`music@3`)."""
    if "@" not in data:
        return data
    from maksud.data.versions import Store

    return Store().resolve(data)


Data = Annotated[
    str,
    typer.Argument(
        callback=resolve,
        help="A data file, a directory with train.json, dev.json, test.json, or a kept version "
        "NAME@NUMBER.",
    ),
]
RunPath = Annotated[Path, typer.Argument(help="A run: the directory that `maksud train` wrote.")]

TestData = Annotated[
    str,
    typer.Argument(
        callback=resolve,
        help="A data file; of a directory or version, its test split is taken.",
    ),
]
Force = Annotated[
    bool, typer.Option("--force", help="Replace what an earlier command wrote there.")
]
Limit = Annotated[int, typer.Option(min=0, help="Take a random part of so many examples; 0: all.")]

ADVANCED = "Less often needed"
AcceptLicence = Annotated[
    str | None,
    typer.Option(
        "--accept-licence",
        metavar="NAME",
        rich_help_panel=ADVANCED,
        help="Whose terms you accept (gemma), once, so that a model under them may be fetched.",
    ),
]
WrongCost = Annotated[
    float | None,
    typer.Option(
        "--wrong-cost",
        help="What a wrong act costs, in needless refusals: act from confidence C / (1 + C) on.",
    ),
]
MaxWrong = Annotated[
    float | None,
    typer.Option(
        "--max-wrong",
        help=help_of(TrainSettings, "max_wrong"),
        rich_help_panel=ADVANCED,
    ),
]
FalseAcceptRate = Annotated[
    float | None,
    typer.Option(
        "--false-accept-rate",
        help=help_of(TrainSettings, "false_accept_rate"),
        rich_help_panel=ADVANCED,
    ),
]
READING = "How to read the data (docs/formats.md)"
ReadFormat = Annotated[
    str,
    typer.Option("--format", help="Its format, instead of telling it.", rich_help_panel=READING),
]
ReadColumns = Annotated[
    str,
    typer.Option(
        "--columns",
        help="Its columns or fields: instruction=text,output=label,param:city=place.",
        rich_help_panel=READING,
    ),
]
ReadDelimiter = Annotated[
    str,
    typer.Option("--delimiter", help="Delimiter of a table; tab for TAB.", rich_help_panel=READING),
]
ReadEncoding = Annotated[
    str, typer.Option("--encoding", help="Encoding of its text.", rich_help_panel=READING)
]
ReadSheet = Annotated[
    str, typer.Option("--sheet", help="Sheet of a workbook.", rich_help_panel=READING)
]


def read_options(columns: str, delimiter: str, encoding: str, sheet: str) -> Options:
    """How to read data, from the options of a command."""
    from maksud.data.formats.base import Options
    from maksud.data.formats.parts.columns import parse_columns

    delimiter = "\t" if delimiter.casefold() in ("tab", "\\t") else delimiter
    return Options(
        columns=parse_columns(columns), delimiter=delimiter, encoding=encoding, sheet=sheet
    )


def split_name(run: str) -> tuple[str, Path]:
    """The name that a run is served under ("": that of its directory) and its path, from
    `NAME=PATH` or `PATH`. Raises `InputError` where one of the two is missing.
    """
    name, sign, path = run.partition("=")
    # A directory may have such a name itself.
    if not sign or "/" in name or Path(run).exists():
        return "", Path(run)
    if not name.strip() or not path or not name.isprintable():
        raise InputError(
            f"{run!r} is no NAME=PATH", hint="Write the name before =, the run's directory after it"
        )
    return name.strip(), Path(path)


def merge_settings(
    file: Path | None, options: Mapping[str, Any], pairs: Sequence[str]
) -> dict[str, Any]:
    """Settings as a person gave them: those of `pairs` before the options, those before the file.

    Options that are None were not given.
    """
    from maksud.settings import read_file, read_pairs

    given = {k: v for k, v in options.items() if v is not None}
    return {**(read_file(file) if file else {}), **given, **read_pairs(pairs)}
