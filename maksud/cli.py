"""The command line: arguments in, messages and exit codes out. Each command is one function of
the package; nothing is decided here.

Exit codes: 0 ok, 1 a fault of Maksud, 2 unusable input, 3 the machine says no (port, disk,
permission), 4 done but something was rejected, 130 interrupted.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maksud.errors import InputError, MaksudError

if TYPE_CHECKING:
    from rich.console import Console

    from maksud.findings import Finding
    from maksud.recognition import OnProgress

app = typer.Typer(
    name="maksud",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Turns what people say into what software must do: check data, train, evaluate, serve.",
)
models_app = typer.Typer(no_args_is_help=True, help="Language models to start from.")
app.add_typer(models_app, name="models")

# Typer carries its own click in newer versions; the root of its usage errors is found either way.
_UsageError: type[Exception] = next(  # type: ignore[assignment]
    c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException"
)

Json = Annotated[bool, typer.Option("--json", help="Write JSON to standard output, for scripts.")]
Data = Annotated[
    Path, typer.Argument(help="A data file, or a directory with train.json, dev.json, test.json.")
]
RunPath = Annotated[Path, typer.Argument(help="A run: the directory that `maksud train` wrote.")]


@app.command()
def init(
    directory: Annotated[Path, typer.Argument(help="Where to put it; must be new or empty.")],
    scenario: Annotated[
        str, typer.Option(help="Example to start from: voice_assistant or customer_service.")
    ] = "voice_assistant",
    language: Annotated[str, typer.Option(help="Its language: id or en.")] = "id",
) -> None:
    """Start a project: example data and a catalog to edit, and what to type next."""
    from maksud.demo.shipped import write_starter

    data = write_starter(directory, scenario, language)
    _say(f"Wrote {data!r} and catalog.yaml to {directory}.")
    _say(f"Next: edit them, then  maksud check {directory}")
    _say(f"      maksud train {directory} --out runs/first")


@app.command()
def check(
    data: Data,
    catalog: Annotated[
        Path | None, typer.Option(help="Check against this catalog instead of the data's own.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell what is wrong with a dataset, before training on it.

    Exit 0: no errors (warnings may remain); 2: errors.
    """
    from maksud.catalog import Catalog
    from maksud.checks import check as run_checks

    with _spinner("Checking"):
        found = run_checks(data, catalog=Catalog.load(catalog) if catalog else None)
    errors = sum(f.level == "error" for f in found)
    if as_json:
        counts = {k: sum(f.level == k for f in found) for k in ("error", "warning", "info")}
        _json({"data": str(data), "counts": counts, "findings": [f.to_json() for f in found]})
    else:
        _draw_findings(found, data)
    raise typer.Exit(2 if errors else 0)


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="What to read.")],
    target: Annotated[
        Path, typer.Argument(help="What to write: FILE.json, FILE.jsonl, or a directory of splits.")
    ],
    split: Annotated[
        bool, typer.Option("--split", help="Assign new splits: 80 % train, 10 % dev, 10 % test.")
    ] = False,
    catalog: Annotated[
        Path | None, typer.Option(help="Also write the catalog (YAML; OpenAI tools as .json).")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the splits.")] = 0,
) -> None:
    """Read data in one format and write it in another, or split it."""
    from maksud.formats.files import load, save

    dataset = load(source)
    if split:
        dataset = dataset.split(seed=seed)
    save(dataset, target)
    if catalog is not None:
        if catalog.suffix == ".json":
            catalog.write_text(json.dumps(dataset.catalog.to_tools(), ensure_ascii=False, indent=1))
        else:
            dataset.catalog.save(catalog)
    _say(f"Wrote {len(dataset):,} examples to {target}.")


@app.command()
def train(
    data: Data,
    out: Annotated[Path, typer.Option(help="The run's directory; must be new.")],
    base: Annotated[
        str,
        typer.Option(help="compact, a name from `maksud models list`, a hub id, or a directory."),
    ] = "compact",
    method: Annotated[str, typer.Option(help="Tuning of a language model: lora, full, qlora.")] = (
        "lora"
    ),
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    per_intent: Annotated[
        int, typer.Option(help="Train on a balanced sample of so many examples per intent; 0: all.")
    ] = 0,
    epochs: Annotated[
        float, typer.Option(help="Passes over the data; 0 chooses from its size.")
    ] = 0,
    learning_rate: Annotated[float, typer.Option(help="Step size; 0 takes the default.")] = 0,
    false_accept_rate: Annotated[
        float, typer.Option(help="Share of what should be refused that may be accepted.")
    ] = 0.05,
    system_prompt: Annotated[
        str, typer.Option(help="System prompt of a language model; empty: the guide's.")
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace an existing run.")] = False,
    as_json: Json = False,
) -> None:
    """Train a recognizer and write it as a run.

    The compact network trains from scratch in seconds to two minutes on any CPU; a language
    model is tuned in minutes (the embedded one) to hours.
    """
    from maksud.contract import SYSTEM_PROMPT
    from maksud.recognizers import TrainSettings
    from maksud.recognizers import train as run_training

    settings = TrainSettings(
        base=base,
        method=method,
        seed=seed,
        per_intent=per_intent,
        false_accept_rate=false_accept_rate,
        system_prompt=system_prompt or SYSTEM_PROMPT,
        **_own_settings(base, epochs, learning_rate),
    )
    with _progress(quiet=as_json) as tell:
        run = run_training(data, out=out, settings=settings, overwrite=force, on_progress=tell)
    if as_json:
        _json({"run": str(run.path), "kind": run.kind, "metrics": run.metrics})
        return
    for note in run.manifest["data"]["notes"]:
        _say(f"Note: {note}.")
    calibration = run.metrics["calibration"]
    if "exact_match" in calibration:
        _say(
            f"Held out: {calibration['exact_match']:.1%} of {calibration['examples']:,} answers "
            f"wholly right; answers under confidence {run.contract.threshold:.2f} are refused."
        )
    _say(f"Run: {run.path} ({run.metrics['total_seconds']:.0f} s)")
    _say(f"Next: maksud evaluate {run.path} TEST_FILE   or   maksud serve {run.path}")


@app.command()
def evaluate(
    run: RunPath,
    data: Annotated[
        Path, typer.Argument(help="A data file; of a directory, its test split is taken.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Where to write report.json, report.html, predictions.")
    ] = None,
    limit: Annotated[int, typer.Option(help="Take a random part of so many examples; 0: all.")] = 0,
    as_json: Json = False,
) -> None:
    """Measure a run on data: the guide's two figures, and the honest ones beside them."""
    from maksud.evaluation.report import evaluate as run_evaluation
    from maksud.recognizers import load_recognizer

    examples = _evaluation_set(data, limit)
    with _progress(quiet=as_json) as tell:
        recognizer = load_recognizer(run)
        report = run_evaluation(recognizer, examples, progress=tell)
    directory = out or run.parent / f"{run.resolve().name}-evaluation"
    report.write(directory)
    if as_json:
        _json(report.to_json())
        return
    _console().print(report.table())
    _say(f"Report: {directory / 'report.html'}")


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Two runs or more.")],
    data: Annotated[Path, typer.Option("--data", help="The data to measure them on.")],
    limit: Annotated[int, typer.Option(help="Take a random part of so many examples; 0: all.")] = 0,
    as_json: Json = False,
) -> None:
    """Measure several runs on the same data, side by side, with the difference's interval."""
    from maksud.evaluation.comparison import compare as run_comparison
    from maksud.evaluation.report import evaluate as run_evaluation
    from maksud.recognizers import load_recognizer

    if len(runs) < 2:
        raise InputError("one run can't be compared", hint="Name two runs or more before --data")
    examples = _evaluation_set(data, limit)
    reports = []
    with _progress(quiet=as_json) as tell:
        for run in runs:
            reports.append(run_evaluation(load_recognizer(run), examples, progress=tell))
    comparison = run_comparison(reports)
    if as_json:
        _json(comparison.to_json())
    else:
        _console().print(comparison.table())


@app.command()
def recognize(
    run: RunPath,
    text: Annotated[
        list[str] | None, typer.Argument(help="Utterances; without any, one per line is read.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what utterances ask for: one answer a line."""
    from maksud.recognizers import load_recognizer

    recognizer = load_recognizer(run)
    if text:
        batches: Iterable[list[str]] = [text]
    else:
        lines = (line.strip() for line in sys.stdin)
        batches = ([line] for line in lines if line)
    for batch in batches:
        for answer in recognizer.recognize(batch):
            if as_json:
                _json(answer.to_json(), indent=None)
                continue
            state = "" if answer.accepted else "  refused"
            asks = "".join(f"  ask: {m.question}" for m in answer.missing if answer.accepted)
            typer.echo(f"{answer.text}  ({answer.confidence:.2f}){state}{asks}")
            sys.stdout.flush()


@app.command()
def serve(
    runs: Annotated[list[Path], typer.Argument(help="Runs to serve, by their directories' names.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8000,
    as_json: Json = False,
) -> None:
    """Serve runs over HTTP: an OpenAI-compatible endpoint behind a bearer token.

    The token comes from MAKSUD_TOKEN, or is made at the first start, shown once, stored hashed.
    """
    from maksud.recognizers import load_recognizer
    from maksud.runs import Run
    from maksud.serving.app import Announcement, ServeSettings, bind
    from maksud.serving.app import serve as run_server

    settings = ServeSettings(host=host, port=port)
    opened = [Run.open(run) for run in runs]  # a wrong path is told before anything is loaded
    listener = bind(settings)
    with listener, _spinner("Loading"):
        recognizers = [load_recognizer(run) for run in opened]

        def announce(about: Announcement) -> None:
            if as_json:
                _json(about.to_json(), indent=None)
            else:
                for line in about.lines():
                    typer.echo(line)
            sys.stdout.flush()

        run_server(recognizers, settings, listener=listener, announce=announce)


@app.command()
def demo(
    directory: Annotated[Path, typer.Option(help="Where to put data, runs and reports.")] = Path(
        "demo"
    ),
    quick: Annotated[
        bool, typer.Option("--quick", help="The compact recognizer only: under two minutes.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Go on serving at the end.")] = False,
) -> None:
    """The whole road on the shipped data: check, train, tune, evaluate, serve, ask."""
    from maksud.demo.tour import tour

    tour(directory, quick=quick, keep=keep)


@models_app.command("list")
def models_list(as_json: Json = False) -> None:
    """List the language models to start from, and which are here already."""
    from maksud.language_model.gallery import list_models

    entries = list_models()
    if as_json:
        _json([e.to_json() for e in entries])
        return
    from rich.table import Table

    table = Table("id", "parameters", "licence", "from", "here", box=None)
    for e in entries:
        table.add_row(e.id, e.parameters, e.licence, e.origin, "yes" if e.present else "")
    _console().print(table)
    _say("Any hub id or local directory works too: maksud models get ID")


@models_app.command("get")
def models_get(
    id: Annotated[str, typer.Argument(help="A name from the list, a hub id, or a directory.")],
    as_json: Json = False,
) -> None:
    """Bring a language model into the local cache, verified."""
    from maksud.language_model.gallery import get

    with _progress(quiet=as_json) as tell:
        path = get(id, tell)
    if as_json:
        _json({"id": id, "path": str(path)})
    else:
        _say(f"{id}: {path}")


def main() -> None:
    """The console script: runs the command and turns errors into one line and an exit code."""
    try:
        code = app(standalone_mode=False)
    except MaksudError as error:
        _fail(str(error), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        _fail("interrupted", 130)
    except _UsageError as error:
        error.show()  # type: ignore[attr-defined]
        sys.exit(2)
    except BrokenPipeError:  # the reader of our output left: nothing to say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception:
        _fail(_report_bug(), 1)
    sys.exit(code if isinstance(code, int) else 0)


# ---------------------------------------------------------------- what commands share


def _own_settings(base: str, epochs: float, learning_rate: float) -> dict[str, Any]:
    """Settings of the kind that `base` names, from the options that are given."""
    if base == "compact":
        from maksud.joint.training import CompactSettings

        given: dict[str, Any] = {}
        if epochs:
            given["epochs"] = round(epochs)
        if learning_rate:
            given["learning_rate"] = learning_rate
        return {"compact": CompactSettings(**given)}
    from maksud.language_model.training import LanguageModelSettings

    given = {}
    if epochs:
        given["num_train_epochs"] = epochs
    if learning_rate:
        given["learning_rate"] = learning_rate
    return {"language_model": LanguageModelSettings(**given)}


def _evaluation_set(data: Path, limit: int) -> list[Any]:
    import random

    from maksud.formats.files import load

    dataset = load(data)
    examples = list(dataset)
    if any(e.split for e in examples):
        if not len(dataset.test):
            raise InputError(
                "the directory has no test split", where=str(data), hint="Name the file to take"
            )
        examples = list(dataset.test)
    if limit and limit < len(examples):
        kept = sorted(random.Random(0).sample(range(len(examples)), limit))
        examples = [examples[k] for k in kept]
    return examples


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _json(content: Any, indent: int | None = 1) -> None:
    typer.echo(json.dumps(content, ensure_ascii=False, indent=indent, allow_nan=False))


def _console() -> Console:
    from rich.console import Console

    return Console()


def _fail(message: str, code: int) -> None:
    typer.echo(f"error: {message}", err=True)
    sys.exit(code)


def _report_bug() -> str:
    """Writes the traceback of a fault of ours to a file and says where."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile(
        "w", prefix="maksud-", suffix=".log", delete=False, encoding="utf-8"
    ) as file:
        file.write(f"{' '.join(sys.argv)}\n{traceback.format_exc()}")
    last = traceback.format_exc().strip().splitlines()[-1]
    return f"a fault of Maksud ({last}). Details: {file.name}; please report it"


@contextmanager
def _spinner(text: str) -> Iterator[None]:
    from rich.console import Console

    with Console(stderr=True).status(text):
        yield


@contextmanager
def _progress(*, quiet: bool = False) -> Iterator[OnProgress]:
    """A progress bar on standard error; one line per stage where that is no terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from maksud.recognition import Progress as Event

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        last = ""

        def tell_plainly(event: Event) -> None:
            nonlocal last
            if not quiet and event.stage != last:
                last = event.stage
                _say(f"{event.stage} …")

        yield tell_plainly
        return
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(bar_width=30),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[text]}"),
    )
    with Progress(*columns, console=console) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(event: Event) -> None:
            if event.stage not in tasks:
                tasks[event.stage] = bars.add_task(event.stage, total=1.0, text="")
            bars.update(tasks[event.stage], completed=event.done, text=event.text)

        yield tell


def _draw_findings(found: list[Finding], data: Path) -> None:
    from rich.table import Table
    from rich.text import Text

    from maksud.findings import shown

    console = _console()
    colours = {"error": "bold red", "warning": "yellow", "info": "cyan"}
    table = Table("", "place", "what", "fix", box=None, pad_edge=False)
    code = ""
    for f in shown(found, 5):
        place = f.place.removeprefix(str(data)).lstrip("/") or f.place
        label = Text(f.code if f.code != code else "", style=colours[f.level])
        table.add_row(label, Text(place), Text(f.message), Text(f.fix if f.code != code else ""))
        code = f.code
    if found:
        console.print(table)
    counts = [(k, sum(f.level == k for f in found)) for k in ("error", "warning", "info")]
    console.print(", ".join(f"{n} {k}{'s' if n != 1 else ''}" for k, n in counts))
    if any(f.level == "error" for f in found):
        _say("Training refuses data with errors. `--json` lists every finding.")


if __name__ == "__main__":
    main()
