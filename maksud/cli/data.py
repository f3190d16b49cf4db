"""Commands about data: init, check, convert, data."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maksud.cli.arguments import (
    ADVANCED,
    Data,
    Json,
    ReadColumns,
    ReadDelimiter,
    ReadEncoding,
    ReadFormat,
    ReadSheet,
    read_options,
    resolve,
)
from maksud.cli.commands import app, data_app
from maksud.cli.output import (
    draw_findings,
    progress,
    say,
    tell_next,
    terminal,
    ticks,
    write,
    write_json,
)
from maksud.errors import InputError

if TYPE_CHECKING:
    from maksud.data.checks import Checked
    from maksud.data.checks.fixing import Mended
    from maksud.data.checks.suggesting import Suggested
    from maksud.data.formats.manifest import Manifest
    from maksud.evaluation.label_errors import LabelErrors


TOP = 20
"""Likely label errors of each kind that are told."""


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
    say(f"Wrote {data!r} and catalog.yaml to {directory}.")
    say("Edit them, then check and train.")
    tell_next(["check", str(directory)], ["train", str(directory), "--out", "runs/first"])


@app.command()
def check(
    data: Data,
    catalog: Annotated[
        Path | None, typer.Option(help="Check against this catalog instead of the data's own.")
    ] = None,
    against: Annotated[
        str,
        typer.Option(
            callback=resolve,
            help="A kept version (music@2) or path whose labels should still be there.",
        ),
    ] = "",
    seq_length: Annotated[
        int,
        typer.Option(
            min=0,
            help="The setting of training that every row should fit in; 0: none.",
            rich_help_panel=ADVANCED,
        ),
    ] = 0,
    tokenizer: Annotated[
        Path | None,
        typer.Option(
            help="A model's directory, to count tokens instead of guessing.",
            rich_help_panel=ADVANCED,
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Also write a page with findings and plots.")
    ] = None,
    suggest: Annotated[
        Path | None,
        typer.Option(help="Also write candidates for counter-examples, to read and accept."),
    ] = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Mend what is safe to mend, and write a diff.")
    ] = False,
    out: Annotated[
        str, typer.Option(help="Where --fix writes; else beside the data, with -fixed in its name.")
    ] = "",
    in_place: Annotated[
        bool,
        typer.Option(
            "--in-place", help="--fix writes over the data itself.", rich_help_panel=ADVANCED
        ),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an earlier page, mended data and diff.")
    ] = False,
    keep_all: Annotated[
        bool,
        typer.Option(
            "--all", help="Keep every finding, not 20 a code and a count.", rich_help_panel=ADVANCED
        ),
    ] = False,
    label_errors: Annotated[
        bool,
        typer.Option("--label-errors", help="Also look for wrong labels: minutes of training."),
    ] = False,
    top: Annotated[
        int | None,
        typer.Option(
            min=1,
            help=f"--label-errors tells so many of each kind; else {TOP}.",
            rich_help_panel=ADVANCED,
        ),
    ] = None,
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
    from maksud.data.checks import examine
    from maksud.data.checks.fixing import mend
    from maksud.data.checks.outputs import check_outputs
    from maksud.data.checks.page import write as write_page
    from maksud.data.checks.suggesting import write_suggestions
    from maksud.data.findings import SHOWN_PER_CODE
    from maksud.data.formats.files import load
    from maksud.language.catalog_files import load_catalog

    _require("--top", top, "--label-errors", label_errors)
    top = top or TOP
    read = {"the data": data, "--catalog": str(catalog or ""), "--against": against}
    outs = _outs(data, out, fix=fix, in_place=in_place)  # told before the work, as what follows
    check_outputs(read, outs, html, suggest, in_place=in_place, overwrite=force)
    _refuse_in_runs(*outs, html, suggest)
    with progress(quiet=as_json) as tell:
        looking = partial(
            examine,
            catalog=load_catalog(catalog) if catalog else None,
            against=load(against) if against else None,
            seq_length=seq_length,
            tokenizer=tokenizer,
            limit=None if keep_all else SHOWN_PER_CODE,
            tick=ticks(tell),
        )
        options = read_options(columns, delimiter, encoding, sheet)
        checked = looking(data, format=format, options=options)
        mending = partial(mend, in_place=in_place, overwrite=force, again=looking)
        mended = mending(checked, data, out) if fix else None
    checked = mended.after if mended else checked
    if not as_json:
        draw_findings(checked.findings, data, None if keep_all else 5)
    doubts = _find_label_errors(checked, data, top, as_json) if label_errors else None
    if html is not None:
        write_page(checked, data, html, overwrite=force)
    suggested = write_suggestions(checked.dataset, suggest) if suggest is not None else None
    if as_json:
        fixed = {"fixed": mended.to_json()} if mended else {}
        fixed |= {"suggested": suggested.to_json()} if suggested else {}
        fixed |= {} if doubts is None else {"label_errors": doubts.to_json(top)}
        write_json({"data": data, **checked.to_json(), **fixed})
    else:
        say(checked.profile.summary)
        _tell_written(checked, data, mended, html, suggested)
    raise typer.Exit(2 if checked.findings.counts["error"] else 0)


def _outs(data: str, out: str, *, fix: bool, in_place: bool) -> list[str]:
    """Where --fix may write data; none without it."""
    from maksud.data.checks.fixing import possible_targets

    if in_place and (not fix or out):
        raise InputError("--in-place goes with --fix and without --out", hint="Choose one")
    _require("--out", out, "--fix", fix)
    return possible_targets(data, out, in_place=in_place) if fix else []


def _require(option: str, given: object, needed: str, has: bool) -> None:
    """Raises `InputError` for an option that would do nothing without another."""
    if given not in (None, "") and not has:
        raise InputError(f"{option} goes with {needed}", hint=f"Add {needed}, or leave it away")


def _refuse_in_runs(*places: object) -> None:
    """Raises `InputError` where something would be put into a run, which then opens no more."""
    from maksud.recognizers.runs import refuse_inside

    for place in filter(None, places):
        refuse_inside(str(place))


def _tell_written(
    checked: Checked,
    data: str,
    mended: Mended | None,
    html: Path | None,
    suggested: Suggested | None,
) -> None:
    if mended:
        say(mended.summary)
    if html is not None:
        say(f"Page: {html}")
    if suggested:
        say(suggested.summary)
        if suggested.path and not checked.dataset.version:
            tell_next(["convert", suggested.path, data, "--append"])


def _find_label_errors(checked: Checked, data: str, top: int, as_json: bool) -> LabelErrors:
    """The likely label errors of checked data, told, and added to its findings."""
    from maksud.data.findings import Findings
    from maksud.evaluation.label_errors import expected_seconds, find_label_errors

    if not as_json:
        minutes = max(1, round(expected_seconds(checked.dataset) / 60))
        say(f"Looking for label errors: about {minutes:,} min on one core.")
    with progress(quiet=as_json) as tell:
        found = find_label_errors(checked.dataset, progress=tell)
    doubted = Findings(found.findings(top), limit=None)
    if not as_json:
        draw_findings(doubted, data, each=top)
        say(found.summary)
    checked.findings.extend(doubted)
    return found


@app.command()
def convert(
    source: Annotated[
        str,
        typer.Argument(
            callback=resolve, help="What to read: a file, a directory, a URL, a version."
        ),
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
    seed: Annotated[int | None, typer.Option(help="Seed of --split; else 0.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace what stands at the target.")
    ] = False,
    append: Annotated[
        bool, typer.Option("--append", help="Add to what stands at the target (JSON, JSONL).")
    ] = False,
    format: ReadFormat = "",
    columns: ReadColumns = "",
    delimiter: ReadDelimiter = "",
    encoding: ReadEncoding = "utf-8",
    sheet: ReadSheet = "",
    as_json: Json = False,
) -> None:
    """Read data in one format and write it in another, or split it.

    Rows that can't be used go to TARGET.rejects.jsonl, with their reasons. Exit 0: all was
    written; 4: some was rejected; 2: nothing could be used. What stands at the target is only
    replaced with --force.
    """
    from maksud.data.formats.conversion import convert as run_conversion

    _require("--seed", seed, "--split", split)
    _refuse_in_runs(target, catalog)
    with progress(quiet=as_json) as tell:
        done = run_conversion(
            source,
            target,
            format=format,
            to=to,
            options=read_options(columns, delimiter, encoding, sheet),
            tools=tools,
            split=split,
            seed=seed or 0,
            catalog=catalog,
            overwrite=force,
            append=append,
            tick=ticks(tell),
        )
    if as_json:
        write_json({"source": source, "target": target, **done.to_json()})
    else:
        for finding in done.findings.shown(3):
            say(str(finding))
        say(f"{done} to {target} ({done.target_format.name}).")
    raise typer.Exit(4 if done.rejects else 0)


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

    from maksud.data.formats.files import load
    from maksud.data.versions import Store

    dataset = load(data)
    command = shlex.join(["maksud", *sys.argv[1:]])
    made_from = [*(made_from or []), *([dataset.version] if dataset.version else [])]
    kept, new = Store().save(
        dataset, name, made_from=list(dict.fromkeys(made_from)), command=command, note=note
    )
    if as_json:
        write_json({"version": kept.reference, "new": new, **kept.to_json()})
    elif new:
        say(f"Kept {len(dataset):,} examples as {kept.reference}.")
    else:
        say(f"Nothing changed since {kept.reference}: no new version.")


@data_app.command("list")
def data_list(
    name: Annotated[str, typer.Argument(help="Only the versions of this name.")] = "",
    as_json: Json = False,
) -> None:
    """List what is kept: versions, sizes, where they came from.

    Exit 0: all were read; 4: some could not be, and are named.
    """
    from maksud.data.versions import Store

    store = Store()
    looked = [store.look(n) for n in ([name] if name else store.names())]
    kept = [m for found, _ in looked for m in found]
    bad = [error for _, errors in looked for error in errors]
    if name and not kept and not bad:
        store.path(name)  # tells what there is
    if as_json:
        write_json([{"version": m.reference, **m.to_json()} for m in kept])
    elif kept or not bad:
        _draw_kept(kept)
    for error in bad:
        say(f"error: {error}")
    raise typer.Exit(4 if bad else 0)


def _draw_kept(kept: Sequence[Manifest]) -> None:
    from rich.table import Table

    table = Table("version", "examples", "created", "made from", "note", box=None)
    for m in kept:
        sizes = " · ".join(f"{split} {n:,}" for split, n in m.counts.items())
        table.add_row(m.reference, sizes, m.created, ", ".join(m.made_from), m.note)
    terminal().print(table if kept else "Nothing is kept yet: maksud data save DATA --name NAME")


@data_app.command("show")
def data_show(
    version: Annotated[str, typer.Argument(help="NAME@NUMBER; NAME alone is the newest.")],
    as_json: Json = False,
) -> None:
    """Show one version: what is in it, and how it came about, back to the first."""
    from maksud.data.versions import Store

    store = Store()
    shown = store.manifest(version)
    if as_json:
        write_json(
            {"version": shown.reference, "path": str(store.path(version)), **shown.to_json()}
        )
        return
    sizes = ", ".join(f"{n:,} {split}" for split, n in shown.counts.items())
    write(f"{shown.reference}  {sizes}  {shown.created}")
    write(f"  file         {store.path(version)}")
    write(f"  fingerprint  {shown.fingerprint}")
    lineage, depth = [shown], 1
    while lineage:
        for m in lineage:
            write(f"{'  ' * depth}{m.reference}: {m.command or 'made in Python'}")
            if m.note:
                write(f"{'  ' * depth}  {m.note}")
        lineage, depth = [store.manifest(r) for m in lineage for r in m.made_from], depth + 1


@data_app.command("diff")
def data_diff(
    before: Annotated[str, typer.Argument(callback=resolve, help="A version, file or directory.")],
    after: Annotated[str, typer.Argument(callback=resolve, help="What to compare it with.")],
    limit: Annotated[int, typer.Option(min=0, help="Show so many examples of each kind.")] = 10,
    as_json: Json = False,
) -> None:
    """Show what differs: examples added, removed, relabelled, moved to another split."""
    from maksud.data.formats.files import load
    from maksud.data.versions import diff

    found = diff(load(before), load(after))
    if as_json:
        write_json(found.to_json())
        return
    for kind, sign in (("added", "+"), ("removed", "-"), ("relabelled", "~"), ("moved", ">")):
        changes = getattr(found, kind)
        for change in changes[:limit]:
            sides = [s[0 if kind == "moved" else 1] for s in (change.before, change.after) if s]
            write(f"{sign} {change.instruction}  ->  {'  =>  '.join(sides)}")
        if len(changes) > limit:
            write(f"{sign} … and {len(changes) - limit:,} more {kind}")
    write(", ".join(f"{n:,} {kind}" for kind, n in found.counts.items()))
