"""The command line's tree of commands, which the modules beside this one fill."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(
    name="maksud",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Turns what people say into what software must do: check data, train, evaluate, serve.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        typer.echo(f"maksud {metadata.version('maksud')}")
        raise typer.Exit


@app.callback()
def _all(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Say the version, and end."
        ),
    ] = False,
) -> None:
    pass


models_app = typer.Typer(no_args_is_help=True, help="Encoders and language models to start from.")
app.add_typer(models_app, name="models")
intent_app = typer.Typer(
    no_args_is_help=True, help="Intents of a run: add one at once, without training."
)
app.add_typer(intent_app, name="intent")
data_app = typer.Typer(no_args_is_help=True, help="Named, immutable versions of datasets.")
app.add_typer(data_app, name="data")
label_app = typer.Typer(
    invoke_without_command=True,
    help="Label with a team, in the browser: starts the application, and prints a link to sign in.",
)
app.add_typer(label_app, name="label")
