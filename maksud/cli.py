"""The command line: arguments in, messages and exit codes out. Each command is one function of
the package; nothing is decided here.

Exit codes: 0 ok, 1 a fault of Maksud, 2 unusable input, 3 the machine says no (port, disk,
permission), 4 done but something was rejected, 130 interrupted.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maksud.errors import InputError, MaksudError, SystemFault

if TYPE_CHECKING:
    from rich.console import Console

    from maksud.findings import Findings
    from maksud.formats.source import Options
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
data_app = typer.Typer(no_args_is_help=True, help="Named, immutable versions of datasets.")
app.add_typer(data_app, name="data")

# Typer carries its own click in newer versions; the root of its usage errors is found either way.
_UsageError: type[Exception] = next(  # type: ignore[assignment]
    c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException"
)

Json = Annotated[bool, typer.Option("--json", help="Write JSON to standard output, for scripts.")]


def _kept(data: str) -> str:
    """The path to read: `data` itself, or that of the kept version that it names (`music@3`)."""
    if "@" not in data:
        return data
    from maksud.versions import Store

    return Store().resolve(data)


Data = Annotated[
    str,
    typer.Argument(
        callback=_kept,
        help="A data file, a directory with train.json, dev.json, test.json, or a kept version "
        "NAME@NUMBER.",
    ),
]
RunPath = Annotated[Path, typer.Argument(help="A run: the directory that `maksud train` wrote.")]


INTERRUPTED = 130
"""Exit code after Ctrl-C."""

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
    against: Annotated[
        str,
        typer.Option(help="A kept version (music@2) or path whose labels should still be there."),
    ] = "",
    seq_length: Annotated[
        int, typer.Option(help="The setting of training that every row should fit in; 0: none.")
    ] = 0,
    tokenizer: Annotated[
        Path | None, typer.Option(help="A model's directory, to count tokens instead of guessing.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Also write a page with findings and plots.")
    ] = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Mend what is safe to mend, and write a diff.")
    ] = False,
    out: Annotated[
        str, typer.Option(help="Where --fix writes; else beside the data, with -fixed in its name.")
    ] = "",
    in_place: Annotated[
        bool, typer.Option("--in-place", help="--fix writes over the data itself.")
    ] = False,
    keep_all: Annotated[
        bool, typer.Option("--all", help="Keep every finding, not 20 a code and a count.")
    ] = False,
    label_errors: Annotated[
        bool,
        typer.Option("--label-errors", help="Also look for wrong labels: minutes of training."),
    ] = False,
    top: Annotated[
        int, typer.Option(min=1, help="--label-errors tells so many of each kind.")
    ] = 20,
    format: ReadFormat = "",
    columns: ReadColumns = "",
    delimiter: ReadDelimiter = "",
    encoding: ReadEncoding = "utf-8",
    sheet: ReadSheet = "",
    as_json: Json = False,
) -> None:
    """Tell what is wrong with a dataset, before training on it.

    Exit 0: no errors (warnings may remain); 2: errors. With --fix, what is left counts.
    """
    from functools import partial

    from maksud.catalog import Catalog
    from maksud.checks import examine
    from maksud.findings import SHOWN_PER_CODE
    from maksud.formats.files import load

    if in_place and (not fix or out):
        raise InputError("--in-place goes with --fix and without --out", hint="Choose one")
    mended: dict[str, Any] = {}
    with _progress(quiet=as_json) as tell:
        looking = partial(
            examine,
            catalog=Catalog.load(catalog) if catalog else None,
            against=load(_kept(against)) if against else None,
            seq_length=seq_length,
            tokenizer=tokenizer,
            limit=None if keep_all else SHOWN_PER_CODE,
            tick=_ticks(tell),
        )
        options = _read_options(columns, delimiter, encoding, sheet)
        checked = looking(data, format=format, options=options)
        if fix:
            from maksud.checks.fixing import mend

            done = mend(checked, data, out, in_place=in_place, again=looking)
            checked, mended = done.after, done.to_json()
    found = checked.findings
    if not as_json:
        _draw_findings(found, data)
    if label_errors:
        from maksud.findings import Findings
        from maksud.label_errors import expected_seconds, find_label_errors

        if not as_json:
            minutes = max(1, round(expected_seconds(checked.dataset) / 60))
            _say(f"Looking for label errors: about {minutes:,} min on one core.")
        with _progress(quiet=as_json) as tell:
            suspects = find_label_errors(checked.dataset, progress=tell)
        doubted = Findings(suspects.findings(top), limit=None)
        if not as_json:
            _draw_findings(doubted, data, each=top)
            _say(
                f"Of {suspects.judged:,} answers {len(suspects.of('intent')):,} intents and "
                f"{len(suspects.of('arguments')):,} times arguments are doubted; most likely first."
            )
        found.extend(doubted)
    if html is not None:
        from maksud.checks.page import write

        write(checked, data, html)
    if as_json:
        fixed = {"fixed": mended} if fix else {}
        doubts = {"label_errors": suspects.to_json(top)} if label_errors else {}
        about_data = {**found.to_json(), **fixed, **doubts, "profile": checked.profile.to_json()}
        _json({"data": data, **about_data})
    else:
        profile = checked.profile
        about = "" if profile.tokens_exact else "about "
        _say(
            f"{profile.examples:,} examples, {len(profile.intents):,} intents; the longest row has "
            f"{about}{profile.longest_tokens:,} tokens: seq_length {profile.seq_length:,} holds it."
        )
        if fix:
            _say(done.summary)
        if html is not None:
            _say(f"Page: {html}")
    raise typer.Exit(2 if found.counts["error"] else 0)


@app.command()
def convert(
    source: Annotated[
        str,
        typer.Argument(callback=_kept, help="What to read: a file, a directory, a URL, a version."),
    ],
    target: Annotated[
        str,
        typer.Argument(
            help="What to write: a file or URL, whose ending names the format, or a "
            "directory of splits."
        ),
    ],
    to: Annotated[str, typer.Option(help="Format to write, instead of the ending's.")] = "",
    tools: Annotated[
        bool, typer.Option("--tools", help="Chat formats: answers as tool calls, with the tools.")
    ] = False,
    split: Annotated[
        bool, typer.Option("--split", help="Assign new splits: 80 % train, 10 % dev, 10 % test.")
    ] = False,
    catalog: Annotated[
        Path | None, typer.Option(help="Also write the catalog (YAML; OpenAI tools as .json).")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the splits.")] = 0,
    format: ReadFormat = "",
    columns: ReadColumns = "",
    delimiter: ReadDelimiter = "",
    encoding: ReadEncoding = "utf-8",
    sheet: ReadSheet = "",
    as_json: Json = False,
) -> None:
    """Read data in one format and write it in another, or split it.

    Rows that can't be used go to TARGET.rejects.jsonl, with their reasons. Exit 0: all was
    written; 4: some was rejected; 2: nothing could be used.
    """
    from maksud.formats.conversion import convert as run_conversion

    with _progress(quiet=as_json) as tell:
        done = run_conversion(
            source,
            target,
            format=format,
            to=to,
            options=_read_options(columns, delimiter, encoding, sheet),
            tools=tools,
            split=split,
            seed=seed,
            tick=_ticks(tell),
        )
    if catalog is not None:
        if catalog.suffix == ".json":
            written = json.dumps(done.dataset.catalog.to_tools(), ensure_ascii=False, indent=1)
            catalog.write_text(written, encoding="utf-8")
        else:
            done.dataset.catalog.save(catalog)
    if as_json:
        _json({"source": source, "target": target, **done.to_json()})
    else:
        for finding in done.findings.shown(3):
            _say(str(finding))
        _say(f"{done} to {target} ({done.target_format.name}).")
    raise typer.Exit(4 if done.rejects else 0)


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
    format: ReadFormat = "",
    columns: ReadColumns = "",
    delimiter: ReadDelimiter = "",
    encoding: ReadEncoding = "utf-8",
    sheet: ReadSheet = "",
    as_json: Json = False,
) -> None:
    """Train a recognizer and write it as a run.

    The compact network trains from scratch in seconds to two minutes on any CPU; a language
    model is tuned in minutes (the embedded one) to hours.
    """
    from maksud.contract import SYSTEM_PROMPT
    from maksud.formats.files import load
    from maksud.recognizers import TrainSettings, checkpoints_of
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
    dataset = load(data, format=format, options=_read_options(columns, delimiter, encoding, sheet))
    try:
        with _progress(quiet=as_json) as tell:
            run = run_training(
                dataset, out=out, settings=settings, overwrite=force, on_progress=tell
            )
    except KeyboardInterrupt:
        if checkpoints_of(out).exists():
            _say(f"The same command goes on from what is kept in {checkpoints_of(out)}.")
        raise
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
        str,
        typer.Argument(
            callback=_kept, help="A data file; of a directory or version, its test split is taken."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Where to write report.json, report.html, predictions.")
    ] = None,
    limit: Annotated[int, typer.Option(help="Take a random part of so many examples; 0: all.")] = 0,
    format: ReadFormat = "",
    columns: ReadColumns = "",
    delimiter: ReadDelimiter = "",
    encoding: ReadEncoding = "utf-8",
    sheet: ReadSheet = "",
    as_json: Json = False,
) -> None:
    """Measure a run on data: the guide's two figures, and the honest ones beside them."""
    from maksud.evaluation.report import evaluate as run_evaluation
    from maksud.recognizers import load_recognizer

    options = _read_options(columns, delimiter, encoding, sheet)
    examples = _evaluation_set(data, limit, format, options)
    directory = out or run.parent / f"{run.resolve().name}-evaluation"
    with _progress(quiet=as_json) as tell:
        recognizer = load_recognizer(run)
        _make_directory(directory)  # before the work, so that none of it is lost
        report = run_evaluation(recognizer, examples, progress=tell)
    report.write(directory)
    if as_json:
        _json(report.to_json())
        return
    _console().print(report.table())
    _say(f"Report: {directory / 'report.html'}")


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Two runs or more.")],
    data: Annotated[
        str, typer.Option("--data", callback=_kept, help="The data to measure them on.")
    ],
    limit: Annotated[int, typer.Option(help="Take a random part of so many examples; 0: all.")] = 0,
    as_json: Json = False,
) -> None:
    """Measure several runs on the same data, side by side, with the difference's interval."""
    from maksud.evaluation.comparison import compare as run_comparison
    from maksud.evaluation.report import evaluate as run_evaluation
    from maksud.recognizers import load_recognizer
    from maksud.runs import Run

    if len(runs) < 2:
        raise InputError("one run can't be compared", hint="Name two runs or more before --data")
    opened = [Run.open(run) for run in runs]  # a wrong path is told before anything is measured
    examples = _evaluation_set(data, limit)
    reports = []
    with _progress(quiet=as_json) as tell:
        for run in opened:
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
        recognizer.check(batch)
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

    def announce(about: Announcement) -> None:
        if as_json:
            _json(about.to_json(), indent=None)
        else:
            for line in about.lines():
                typer.echo(line)
        sys.stdout.flush()

    with listener:
        with _spinner("Loading"):
            recognizers = [load_recognizer(run) for run in opened]
        run_server(recognizers, settings, listener=listener, announce=announce)


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
        bool, typer.Option("--quick", help="The compact recognizer only: under two minutes.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Go on serving at the end.")] = False,
) -> None:
    """The whole road on the shipped data: check, train, tune, evaluate, serve, ask."""
    from maksud.demo.tour import tour

    tour(directory, scenario="" if scenario == "all" else scenario, quick=quick, keep=keep)


@models_app.command("list")
def models_list(as_json: Json = False) -> None:
    """List the language models to start from, and which are here already."""
    from maksud.language_model.gallery import list_models

    entries = list_models()
    if as_json:
        _json([e.to_json() for e in entries])
        return
    from rich.table import Column, Table

    table = Table(Column("id", no_wrap=True), "parameters", "licence", "from", "here", box=None)
    for e in entries:
        table.add_row(e.id, e.parameters, e.licence, e.source, "yes" if e.present else "")
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


@data_app.command("save")
def data_save(
    data: Data,
    name: Annotated[str, typer.Option("--name", help="What to call it: letters, digits, . _ -")],
    made_from: Annotated[
        list[str] | None,
        typer.Option("--from", help="A kept version that it was made from; may be repeated."),
    ] = None,
    note: Annotated[str, typer.Option(help="A line about what changed.")] = "",
    as_json: Json = False,
) -> None:
    """Keep a dataset as the next version of a name. What is kept never changes."""
    import shlex

    from maksud.formats.files import load
    from maksud.versions import Store

    dataset = load(data)
    command = shlex.join(["maksud", *sys.argv[1:]])
    made_from = [*(made_from or []), *([dataset.version] if dataset.version else [])]
    kept, new = Store().save(
        dataset, name, made_from=list(dict.fromkeys(made_from)), command=command, note=note
    )
    if as_json:
        _json({"version": kept.reference, "new": new, **kept.to_json()})
    elif new:
        _say(f"Kept {len(dataset):,} examples as {kept.reference}.")
    else:
        _say(f"Nothing changed since {kept.reference}: no new version.")


@data_app.command("list")
def data_list(
    name: Annotated[str, typer.Argument(help="Only the versions of this name.")] = "",
    as_json: Json = False,
) -> None:
    """List what is kept: versions, sizes, where they came from."""
    from maksud.versions import Store

    store = Store()
    kept = [m for n in ([name] if name else store.names()) for m in store.versions(n)]
    if name and not kept:
        store.path(name)  # tells what there is
    if as_json:
        _json([{"version": m.reference, **m.to_json()} for m in kept])
        return
    from rich.table import Table

    table = Table("version", "examples", "created", "made from", "note", box=None)
    for m in kept:
        sizes = " · ".join(f"{split} {n:,}" for split, n in m.counts.items())
        table.add_row(m.reference, sizes, m.created, ", ".join(m.made_from), m.note)
    _console().print(table if kept else "Nothing is kept yet: maksud data save DATA --name NAME")


@data_app.command("show")
def data_show(
    version: Annotated[str, typer.Argument(help="NAME@NUMBER; NAME alone is the newest.")],
    as_json: Json = False,
) -> None:
    """Show one version: what is in it, and how it came about, back to the first."""
    from maksud.versions import Store

    store = Store()
    shown = store.manifest(version)
    if as_json:
        _json({"version": shown.reference, "path": str(store.path(version)), **shown.to_json()})
        return
    sizes = ", ".join(f"{n:,} {split}" for split, n in shown.counts.items())
    typer.echo(f"{shown.reference}  {sizes}  {shown.created}")
    typer.echo(f"  file         {store.path(version)}")
    typer.echo(f"  fingerprint  {shown.fingerprint}")
    lineage, depth = [shown], 1
    while lineage:
        for m in lineage:
            typer.echo(f"{'  ' * depth}{m.reference}: {m.command or 'made in Python'}")
            if m.note:
                typer.echo(f"{'  ' * depth}  {m.note}")
        lineage, depth = [store.manifest(r) for m in lineage for r in m.made_from], depth + 1


@data_app.command("diff")
def data_diff(
    before: Annotated[str, typer.Argument(callback=_kept, help="A version, file or directory.")],
    after: Annotated[str, typer.Argument(callback=_kept, help="What to compare it with.")],
    limit: Annotated[int, typer.Option(help="Show so many examples of each kind.")] = 10,
    as_json: Json = False,
) -> None:
    """Show what differs: examples added, removed, relabelled, moved to another split."""
    from maksud.formats.files import load
    from maksud.versions import diff

    found = diff(load(before), load(after))
    if as_json:
        _json(found.to_json())
        return
    for kind, sign in (("added", "+"), ("removed", "-"), ("relabelled", "~"), ("moved", ">")):
        changes = getattr(found, kind)
        for change in changes[:limit]:
            sides = [s[0 if kind == "moved" else 1] for s in (change.before, change.after) if s]
            typer.echo(f"{sign} {change.instruction}  ->  {'  =>  '.join(sides)}")
        if len(changes) > limit:
            typer.echo(f"{sign} … and {len(changes) - limit:,} more {kind}")
    typer.echo(", ".join(f"{n:,} {kind}" for kind, n in found.counts.items()))


def main() -> None:
    """The console script: runs the command and turns errors into one line and an exit code."""
    # OpenBLAS threads spin and fight over small matrices: one is faster.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        code = app(standalone_mode=False)
        if code == INTERRUPTED:  # typer turns the interrupt into this code, and says nothing
            raise KeyboardInterrupt
    except MaksudError as error:
        _fail(str(error), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        _fail("interrupted", INTERRUPTED)
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


def _read_options(columns: str, delimiter: str, encoding: str, sheet: str) -> Options:
    """How to read data, from the options of a command."""
    from maksud.formats.columns import parse_columns
    from maksud.formats.source import Options

    delimiter = "\t" if delimiter.casefold() in ("tab", "\\t") else delimiter
    return Options(
        columns=parse_columns(columns), delimiter=delimiter, encoding=encoding, sheet=sheet
    )


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


def _evaluation_set(
    data: str, limit: int, format: str = "", options: Options | None = None
) -> list[Any]:
    import random

    from maksud.formats.files import load

    dataset = load(data, format=format, options=options)
    examples = list(dataset)
    if any(e.split for e in examples):
        if not len(dataset.test):
            raise InputError(
                "the directory has no test split", where=data, hint="Name the file to take"
            )
        examples = list(dataset.test)
    if limit and limit < len(examples):
        kept = sorted(random.Random(0).sample(range(len(examples)), limit))
        examples = [examples[k] for k in kept]
    return examples


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SystemFault(
            f"can't be written ({error.strerror})", where=str(path), hint="Choose another --out"
        ) from error


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
    """Progress on standard error, or none at all."""
    from rich.console import Console

    from maksud.progress import shown

    if quiet:
        yield lambda _: None
        return
    with shown(Console(stderr=True)) as tell:
        yield tell


def _ticks(tell: OnProgress) -> Callable[[str, float], None]:
    """Progress of reading and checking: every step on a terminal, every two seconds else."""
    from time import monotonic

    from maksud.recognition import Progress

    last = monotonic()

    def tick(what: str, share: float) -> None:
        nonlocal last
        if sys.stderr.isatty():
            tell(Progress(what, share))
        elif monotonic() - last >= 2:
            last = monotonic()
            _say(f"{what} … {share:.0%}")

    return tick


def _draw_findings(found: Findings, data: str, each: int = 5) -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console = _console()
    colours = {"error": "bold red", "warning": "yellow", "info": "cyan"}
    for group in found.groups:
        about = group.kept[0]
        head = Text.assemble((group.code, colours[group.level]), f"  {group.total:,}  ")
        console.print(head.append(about.why, "dim"))
        table = Table(box=None, show_header=False, pad_edge=False)
        for f in group.kept[:each]:
            place = f.place.removeprefix(data).lstrip("/:") or f.place
            table.add_row(Text(place, "dim"), Text(f.message))
        console.print(Padding(table, (0, 0, 0, 2)))
        if group.total > each:
            console.print(Text(f"  … and {group.total - each:,} more", "dim"))
        if about.fix:
            console.print(Text(f"  → {about.fix}"))
    counts = found.counts
    console.print(", ".join(f"{n:,} {k}{'s' if n != 1 else ''}" for k, n in counts.items()))
    if counts["error"]:
        _say("Training refuses data with errors. `--json` has more of each, `--all` every finding.")


if __name__ == "__main__":
    main()
