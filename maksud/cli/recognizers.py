"""Commands about recognizers: train, evaluate, compare, recognize, models, demo."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maksud.cli.arguments import (
    ADVANCED,
    AcceptLicence,
    Data,
    FalseAcceptRate,
    Force,
    Json,
    Limit,
    MaxWrong,
    ReadColumns,
    ReadDelimiter,
    ReadEncoding,
    ReadFormat,
    ReadSheet,
    RunPath,
    TestData,
    WrongCost,
    merge_settings,
    read_options,
    resolve,
)
from maksud.cli.commands import app, models_app
from maksud.cli.output import (
    check_directory,
    draw_settings,
    format_answer,
    progress,
    say,
    tell_choice,
    tell_decision,
    tell_run,
    terminal,
    write,
    write_json,
)
from maksud.errors import InputError
from maksud.recognizers.settings import TrainSettings
from maksud.settings import help_of

if TYPE_CHECKING:
    from maksud.data.dataset import Example


@app.command()
def train(
    data: Data,
    out: Annotated[Path | None, typer.Option(help="The run's directory; must be new.")] = None,
    base: Annotated[str | None, typer.Option(help=help_of(TrainSettings, "base"))] = None,
    minutes: Annotated[float | None, typer.Option(help=help_of(TrainSettings, "minutes"))] = None,
    method: Annotated[
        str | None, typer.Option(help="Tuning of a language model: lora, full or qlora.")
    ] = None,
    epochs: Annotated[
        float | None, typer.Option(help="Passes over the data.", rich_help_panel=ADVANCED)
    ] = None,
    seed: Annotated[int | None, typer.Option(help=help_of(TrainSettings, "seed"))] = None,
    wrong_cost: WrongCost = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any setting; may be repeated."),
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(help="A TOML file of settings; options and --set go before it.")
    ] = None,
    list_settings: Annotated[
        bool, typer.Option("--list-settings", help="Show every setting of the base, and end.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing run.")] = False,
    as_json: Json = False,
    accept_licence: AcceptLicence = None,
    per_intent: Annotated[
        int | None,
        typer.Option(help=help_of(TrainSettings, "per_intent"), rich_help_panel=ADVANCED),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Step size.", rich_help_panel=ADVANCED)
    ] = None,
    max_wrong: MaxWrong = None,
    false_accept_rate: FalseAcceptRate = None,
    system_prompt: Annotated[
        str | None,
        typer.Option(help="System prompt of a language model.", rich_help_panel=ADVANCED),
    ] = None,
    format: ReadFormat = "",
    columns: ReadColumns = "",
    delimiter: ReadDelimiter = "",
    encoding: ReadEncoding = "utf-8",
    sheet: ReadSheet = "",
) -> None:
    """Train a recognizer and write it as a run.

    Without --base, the better of these two for your data and --minutes is chosen, and why: the
    compact network trains from scratch in seconds to two minutes on any CPU, an encoder
    (e5-small) is tuned in minutes. A language model takes minutes (smollm2-135m, and
    gemma3-270m, which speaks Indonesian) to hours.
    Every setting can be given with --set, under our names or the guide's:
    `maksud train DATA --list-settings`.
    """
    from maksud.data.formats.files import load
    from maksud.recognizers.door import checkpoints_of, make_settings, settle
    from maksud.recognizers.door import train as run_training

    options = {
        "base": base,
        "minutes": minutes,
        "seed": seed,
        "method": method,
        "epochs": epochs,
        "per_intent": per_intent,
        "learning_rate": learning_rate,
        "wrong_cost": wrong_cost,
        "max_wrong": max_wrong,
        "false_accept_rate": false_accept_rate,
        "system_prompt": system_prompt,
        "accept_licence": accept_licence,
    }
    chosen = make_settings(merge_settings(settings, options, setting or []))
    if list_settings:
        draw_settings(chosen)
        return
    if out is None:
        raise InputError("where should the run go?", hint="Give --out RUN")
    dataset = load(data, format=format, options=read_options(columns, delimiter, encoding, sheet))
    chosen = settle(chosen, dataset)
    if chosen.choice is not None and not as_json:
        tell_choice(chosen.choice)
    try:
        with progress(quiet=as_json) as tell:
            run = run_training(dataset, out=out, settings=chosen, overwrite=force, on_progress=tell)
    except KeyboardInterrupt:
        if checkpoints_of(out).exists():
            say(f"The same command goes on from what is kept in {checkpoints_of(out)}.")
        raise
    if as_json:
        about = {"choice": run.manifest["choice"]} if "choice" in run.manifest else {}
        write_json({"run": str(run.path), "kind": run.kind, **about, "metrics": run.metrics})
    else:
        tell_run(run, dataset.version or data, dataset)


@app.command()
def calibrate(
    run: RunPath,
    data: Annotated[
        str, typer.Argument(callback=resolve, help="A data file; of a directory, its dev split.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Write a new run there; by default RUN is replaced.")
    ] = None,
    wrong_cost: WrongCost = None,
    max_wrong: MaxWrong = None,
    false_accept_rate: FalseAcceptRate = None,
    as_json: Json = False,
    format: ReadFormat = "",
    columns: ReadColumns = "",
    delimiter: ReadDelimiter = "",
    encoding: ReadEncoding = "utf-8",
    sheet: ReadSheet = "",
) -> None:
    """Decide anew when a run's answers are acted on, without training again.

    DATA: labelled rows, not learnt from, mixed as the traffic to come, none() too.
    What is not given stays as the run has it.
    """
    from maksud.data.formats.files import load
    from maksud.recognizers.decision import Rule
    from maksud.recognizers.recalibration import calibrate as run_calibration
    from maksud.recognizers.recalibration import part_held_out
    from maksud.recognizers.runs import Run

    opened = Run.open(run)
    rule = opened.contract.rule or Rule()
    given = {"wrong_cost": wrong_cost, "max_wrong": max_wrong}
    given["false_accept_rate"] = false_accept_rate
    options = read_options(columns, delimiter, encoding, sheet)
    dataset = load(data, format=format, options=options)
    _tell_left_out(part_held_out(dataset)[1])
    with progress(quiet=as_json) as tell:
        made = run_calibration(
            opened,
            dataset,
            rule=replace(rule, **{k: v for k, v in given.items() if v is not None}),
            out=out,
            on_progress=tell,
        )
    if as_json:
        write_json({"run": str(made.path), "calibration": made.metrics["calibration"]})
    else:
        tell_decision(made)
        say(f"Run: {made.path}")


@app.command()
def evaluate(
    run: RunPath,
    data: TestData,
    out: Annotated[
        Path | None, typer.Option(help="Where to write report.json, report.html, predictions.")
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="Break the figures down by this field of the rows; may be repeated."),
    ] = None,
    background: Annotated[
        int,
        typer.Option(min=0, help="Ask so many ordinary sayings too, far from any scope; 0: none."),
    ] = 0,
    limit: Limit = 0,
    force: Force = False,
    as_json: Json = False,
    format: ReadFormat = "",
    columns: ReadColumns = "",
    delimiter: ReadDelimiter = "",
    encoding: ReadEncoding = "utf-8",
    sheet: ReadSheet = "",
) -> None:
    """Measure a run on data: the guide's two figures, and the honest ones beside them."""
    from maksud.data.formats.files import load
    from maksud.evaluation.files import REPORT, check_target, write_report
    from maksud.evaluation.report import evaluate as run_evaluation
    from maksud.evaluation.sampling import take_examples
    from maksud.evaluation.terminal import draw_report
    from maksud.recognizers.door import load_recognizer

    directory = out or run.parent / f"{run.resolve().name}-evaluation"
    options = read_options(columns, delimiter, encoding, sheet)
    loaded = load(data, format=format, options=options)
    examples, left_out = take_examples(loaded, data, limit)
    check_target(directory, REPORT, overwrite=force)
    _tell_left_out(left_out)
    check_directory(directory)
    recognizer = load_recognizer(run)
    with progress(quiet=as_json) as tell:
        report = run_evaluation(
            recognizer, examples, by=by or (), background=background, progress=tell
        )
    # Neither a full disk nor a reader who left may cost what was measured: one of the two is had.
    try:
        if as_json:
            write_json(report.to_json())
        else:
            terminal().print(draw_report(report))
    finally:
        write_report(report, directory, overwrite=force)
        if not as_json:
            say(f"Report: {directory / 'report.html'}")


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Two runs or more.")],
    data: Annotated[
        str, typer.Option("--data", callback=resolve, help="The data to measure them on.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Where to write comparison.html and comparison.json.")
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="Break exact match down by this field of the rows; may be repeated."),
    ] = None,
    limit: Limit = 0,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Measure several runs on the same data, side by side, with the difference's interval."""
    from maksud.data.formats.files import load
    from maksud.evaluation.comparison import compare as run_comparison
    from maksud.evaluation.files import COMPARISON, check_target, write_comparison
    from maksud.evaluation.report import evaluate as run_evaluation
    from maksud.evaluation.sampling import take_examples
    from maksud.evaluation.terminal import draw_comparison
    from maksud.recognizers.door import load_recognizer
    from maksud.recognizers.runs import Run

    if len(runs) < 2:
        raise InputError("one run can't be compared", hint="Name two runs or more before --data")
    opened = [Run.open(run) for run in runs]  # a wrong path is told before anything is measured
    directory = out or runs[0].parent / f"{runs[0].resolve().name}-comparison"
    check_target(directory, COMPARISON, overwrite=force)
    examples, left_out = take_examples(load(data), data, limit)
    _tell_left_out(left_out)
    reports = []
    check_directory(directory)
    with progress(quiet=as_json) as tell:
        for run in opened:
            recognizer = load_recognizer(run)
            reports.append(run_evaluation(recognizer, examples, by=by or (), progress=tell))
    comparison = run_comparison(reports)
    try:  # see `evaluate`
        if as_json:
            write_json(comparison.to_json())
        else:
            terminal().print(draw_comparison(comparison))
    finally:
        write_comparison(comparison, directory, overwrite=force)
        if not as_json:
            say(f"Comparison: {directory / 'comparison.html'}")


@app.command()
def recognize(
    run: RunPath,
    text: Annotated[
        list[str] | None, typer.Argument(help="Utterances; without any, one per line is read.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what utterances ask for: one answer a line, a blank line for a blank one."""
    from maksud.recognizers.door import load_recognizer
    from maksud.recognizers.recognition import Recognition

    recognizer = load_recognizer(run)
    id = recognizer.contract.id
    if recognizer.contract.calibration is None and not as_json:
        say("Note: the run is not calibrated: how sure an answer is, is not known.")
    if text:
        batches: Iterable[list[str]] = [text]
    else:
        batches = ([line] for line in _lines())
    for batch in batches:
        recognizer.check(batch)
        if batch == [""]:  # a line out for each line in, so that files stay side by side
            answers = [Recognition("", (), "", 0.0, False, model=recognizer.name, contract=id)]
        else:
            answers = recognizer.recognize(batch)
        for answer in answers:
            if as_json:
                write_json(answer.to_json(), indent=None)
                continue
            write(format_answer(answer) if answer.utterance else "")


@app.command()
def demo(
    directory: Annotated[Path, typer.Option(help="Where to put data, runs and reports.")] = Path(
        "demo"
    ),
    scenario: Annotated[
        str,
        typer.Option(help="Shipped data to take: voice_assistant, customer_service, or all."),
    ] = "voice_assistant",
    quick: Annotated[
        bool, typer.Option("--quick", help="The compact recognizer only: three minutes or so.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Go on serving at the end.")] = False,
) -> None:
    """The whole road on the shipped data: check, train, tune, evaluate, serve, ask."""
    from maksud.demo.tour import tour

    tour(directory, scenario="" if scenario == "all" else scenario, quick=quick, keep=keep)


@models_app.command("list")
def models_list(as_json: Json = False) -> None:
    """List the models to start from, encoders and language models, and which are here."""
    from maksud.recognizers.language_model.gallery import list_models

    entries = list_models()
    if as_json:
        write_json([e.to_json() for e in entries])
        return
    from rich.table import Column, Table

    table = Table(Column("id", no_wrap=True), "parameters", "licence", "from", "here", box=None)
    for e in entries:
        here = "damaged" if e.fault else "yes" if e.present else ""
        table.add_row(e.id, e.parameters, e.licence, e.source, here)
    terminal().print(table)
    for e in entries:
        if e.fault:
            say(f"Warning: {e.fault}")
    say("Hub ids and local directories of the same families work too: maksud models get ID")


@models_app.command("get")
def models_get(
    id: Annotated[str, typer.Argument(help="A name from the list, a hub id, or a directory.")],
    accept_licence: AcceptLicence = None,
    as_json: Json = False,
) -> None:
    """Bring a model into the local cache, verified.

    gemma3-270m comes under the Gemma Terms of Use: without --accept-licence gemma, nothing is
    fetched but their text, and you are told where it lies.
    """
    from maksud.recognizers.language_model.folder import ENCODERS, LANGUAGE_MODELS
    from maksud.recognizers.language_model.gallery import get

    with progress(quiet=as_json) as tell:
        path = get(id, tell, ENCODERS | LANGUAGE_MODELS, accept_licence or "")
    if as_json:
        write_json({"id": id, "path": str(path)})
    else:
        say(f"{id}: {path}")
        say(f"Next: maksud train DATA --base {id} --out RUN")


def _lines() -> Iterator[str]:
    """The lines of standard input, without white space around them."""
    if sys.stdin is None:
        raise InputError(
            "is closed",
            where="standard input",
            hint="Give the utterances behind the run, or one a line",
        )
    number = 0
    for number, raw in enumerate(sys.stdin.buffer, 1):
        try:
            yield raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError as error:
            raise InputError(
                f"byte 0x{raw[error.start]:02X} is not UTF-8",
                where=f"standard input:{number}",
                hint="Convert it to UTF-8",
            ) from error


def _tell_left_out(examples: Sequence[Example]) -> None:
    from maksud.data.dataset import list_places

    if examples:
        say(f"Left out: {len(examples):,} examples without an answer ({list_places(examples)}).")
