"""Commands about the intents of a run: add one at once, list, remove, take over."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from maksud.cli.arguments import Force, Json, RunPath
from maksud.cli.commands import intent_app
from maksud.cli.output import say, spinner, tell_next, terminal, write_json

Name = Annotated[str, typer.Argument(help="The intent's name, as calls write it.")]
NewRun = Annotated[Path, typer.Option(help="The new run's directory; the old one stays.")]


@intent_app.command("add")
def intent_add(
    run: RunPath,
    name: Name,
    out: NewRun,
    describe: Annotated[
        str, typer.Option("--describe", help="What it is for, in any language.")
    ] = "",
    example: Annotated[
        list[str] | None,
        typer.Option(
            "--example",
            help="What people say who mean it; may be repeated. Five are "
            "much better than one, one than none.",
        ),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter",
            metavar="NAME[?][:TYPE]",
            help="What it takes; may be repeated. TYPE: text, number, datetime, boolean, or "
            "values as small|large. With ? it may be left unsaid.",
        ),
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Give a trained encoder a new intent at once: no training, seconds.

    maksud intent add runs/encoder book_table --describe "reserve a table at a restaurant"
    --example "meja untuk dua orang besok" --example "book us a table" --out runs/more

    The new run is served and evaluated like any other. Train again when you have time:
    `maksud intent rows` writes the examples as data.
    """
    from maksud.recognizers.new_intents import add_intent, claims_on, list_added

    with spinner("Adding"):
        made = add_intent(
            run,
            name,
            describe=describe,
            examples=example or (),
            parameters=parameter or (),
            out=out,
            overwrite=force,
        )
        new = next(i for i in list_added(made) if i.name == name)
    claims = claims_on(made, name)
    if as_json:
        write_json({
            "run": str(made.path), "intent": name, "examples": len(new.examples),
            "found": round(new.found, 4), "taken": round(new.taken, 4), "claimed": claims,
        })  # fmt: skip
        return
    say(
        f"{name} is known by {_count(new.examples)}. Intents of the training that were left "
        f"out and known by as much: {new.found:.0%} of what asks for them was found, "
        f"{new.taken:.1%} of all else was taken for them."
    )
    for claim in claims:
        say(
            f"Warning: {run} reads the example {claim['example']!r} as "
            f"{', '.join(claim['intents'])} ({claim['confidence']:.2f}): either may be answered to "
            f"words like these. Give examples by which only {name} can be meant."
        )
    say(f"Run: {made.path}")
    # What is in doubt is no example of how well it works.
    doubted = {claim["example"] for claim in claims}
    sure = [text for text in (*new.examples, describe) if text.strip() and text not in doubted]
    tries = [["recognize", str(out), sure[0]]] if sure else []
    tell_next(*tries, ["intent", "rows", str(out)])


@intent_app.command("list")
def intent_list(run: RunPath, as_json: Json = False) -> None:
    """List the intents of a run, those that were added and those that were trained."""
    from rich.table import Column, Table

    from maksud.recognizers.new_intents import list_added
    from maksud.recognizers.runs import Run

    opened = Run.open(run)
    added = {i.name: i for i in list_added(opened)}
    rows = [
        {
            "name": i.name,
            "description": i.description,
            "parameters": [p.name for p in i.parameters],
            "added": i.name in added,
            "examples": list(added[i.name].examples) if i.name in added else [],
        }
        for i in opened.contract.catalog.intents
    ]
    if as_json:
        write_json(rows)
        return
    table = Table(Column("intent", no_wrap=True), "parameters", "known by", "description", box=None)
    for row in rows:
        how = _count(row["examples"]) if row["added"] else "training"  # type: ignore[arg-type]
        parameters = ", ".join(row["parameters"])  # type: ignore[arg-type]
        table.add_row(str(row["name"]), parameters, how, str(row["description"]))
    terminal().print(table)


@intent_app.command("remove")
def intent_remove(
    run: RunPath, name: Name, out: NewRun, force: Force = False, as_json: Json = False
) -> None:
    """Make a run without an intent that was added. What was trained, only training unlearns."""
    from maksud.recognizers.new_intents import remove_intent

    made = remove_intent(run, name, out=out, overwrite=force)
    if as_json:
        write_json({"run": str(made.path), "intents": list(made.contract.catalog.names)})
    else:
        say(f"Run: {made.path}")


@intent_app.command("rows")
def intent_rows(
    run: RunPath,
    out: Annotated[
        Path | None, typer.Option(help="A JSON file to write; without it they are shown.")
    ] = None,
    force: Force = False,
) -> None:
    """Write the examples of added intents as labelled rows, for the next training.

    maksud intent rows RUN --out new.json; maksud convert new.json DATA/train.json --append;
    maksud catalog RUN > DATA/catalog.yaml. Values are those that can be told by their form.
    """
    from maksud.data.findings import format_count
    from maksud.recognizers.new_intents import rows_of, save_rows

    rows = rows_of(run)
    if out is None:
        write_json([{"instruction": e.instruction, "output": e.output} for e in rows])
        return
    save_rows(rows, out, overwrite=force)
    say(f"{format_count(len(rows), 'row')}: {out}")


def _count(examples: Sequence[str]) -> str:
    """How many examples an intent is known by, beside its name and description."""
    from maksud.data.findings import format_count

    return format_count(len(examples), "example") if examples else "its name and description"
