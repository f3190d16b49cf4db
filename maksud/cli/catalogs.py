"""The command about catalogs: what a run can be asked for, in each shape that others read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maksud.cli.arguments import Json
from maksud.cli.commands import app
from maksud.cli.output import write, write_json
from maksud.errors import InputError


@app.command()
def catalog(
    source: Annotated[
        Path,
        typer.Argument(metavar="RUN", help="A run, or a catalog as a file (YAML, or tools JSON)."),
    ],
    tools: Annotated[
        bool, typer.Option("--tools", help="As the `tools` of OpenAI's API: what clients send.")
    ] = False,
    schema: Annotated[
        bool,
        typer.Option(
            "--schema", help="The JSON Schema of an answer: what `response_format` gives."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what a run can be asked for: its intents and their parameters.

    As YAML, to be read and edited. `maksud catalog RUN --tools > tools.json` makes the tools that
    a client offers; a running server gives the same at /v1/tools and /v1/schema.
    """
    from maksud.language.catalog_files import catalog_to_json, format_catalog, load_catalog
    from maksud.language.catalog_tools import catalog_to_tools
    from maksud.recognizers.runs import Run
    from maksud.serving.json_reply import answer_schema

    if tools and schema:
        raise InputError("--tools and --schema are two things", hint="Give one of them")
    found = load_catalog(source) if source.is_file() else Run.open(source).contract.catalog
    if tools:
        write_json(catalog_to_tools(found))
    elif schema:
        write_json(answer_schema(found))
    elif as_json:
        write_json(catalog_to_json(found))
    else:
        write(format_catalog(found).rstrip("\n"))
