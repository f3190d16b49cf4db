"""The command that serves: `maksud serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maksud.cli.arguments import Json, merge_settings, split_name
from maksud.cli.commands import app
from maksud.cli.output import announcer, spinner
from maksud.http.settings import ServeSettings
from maksud.settings import change_settings, help_of


@app.command()
def serve(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="[NAME=]RUN...",
            help="Runs to serve, by their directories' names, or as NAME=RUN.",
        ),
    ],
    host: Annotated[str | None, typer.Option(help=help_of(ServeSettings, "host"))] = None,
    port: Annotated[int | None, typer.Option(help=help_of(ServeSettings, "port"))] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            help="Let pages of this origin ask from a browser (https://shop.example); may be "
            "repeated. None may by default."
        ),
    ] = None,
    access_log: Annotated[
        bool | None,
        typer.Option("--access-log/--no-access-log", help=help_of(ServeSettings, "access_log")),
    ] = None,
    log_utterances: Annotated[
        bool | None,
        typer.Option("--log-utterances", help=help_of(ServeSettings, "log_utterances")),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A limit of the server; may be repeated."),
    ] = None,
    settings: Annotated[Path | None, typer.Option(help="A TOML file of settings.")] = None,
    as_json: Json = False,
) -> None:
    """Serve runs over HTTP: an OpenAI-compatible endpoint behind a bearer token.

    The token comes from MAKSUD_TOKEN, or is made at the first start, shown once, stored hashed.
    """
    from maksud.recognizers.door import load_recognizer
    from maksud.recognizers.runs import Run
    from maksud.serving.app import bind
    from maksud.serving.app import serve as run_server
    from maksud.serving.ending import Ending

    origins = " ".join(origin) if origin else None
    options = {"host": host, "port": port, "origins": origins}
    options |= {"access_log": access_log, "log_utterances": log_utterances}
    given = merge_settings(settings, options, setting or [])
    chosen = change_settings(ServeSettings(), given)
    named = [split_name(run) for run in runs]
    opened = [(name, Run.open(path)) for name, path in named]  # wrong paths are told first
    listener = bind(chosen)

    with listener, Ending().heard():
        with spinner("Loading"):
            recognizers = [load_recognizer(run, name=name) for name, run in opened]
        run_server(recognizers, chosen, listener=listener, announce=announcer(as_json=as_json))
