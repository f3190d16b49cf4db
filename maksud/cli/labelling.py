"""The command `maksud label`: the application, and what scripts do with its store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    merge_settings,
    read_options,
)
from maksud.cli.commands import label_app
from maksud.cli.output import announcer, say, spinner, tell_next, terminal, write, write_json
from maksud.errors import InputError, SettingsError

if TYPE_CHECKING:
    from maksud.labelling.store import Store

PLACE = Path("labels.db")
"""The store, below the workspace's `.maksud`."""

StorePlace = Annotated[
    str,
    typer.Option(
        "--store",
        help="Where labels are kept: a file, or postgresql://…; else .maksud/labels.db in the "
        "workspace.",
    ),
]
TaskName = Annotated[str, typer.Argument(help="The task's name.")]
Order = Annotated[
    str | None,
    typer.Option(
        help="In which order items come: file (as in the file, the usual), random (a sample), or "
        "uncertain (what the task's recognizer doubts most, spread out; random before it learnt)."
    ),
]
Seed = Annotated[int, typer.Option(help="Of the random order.")]


@label_app.callback()
def label(
    context: typer.Context,
    store: StorePlace = "",
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0: a free one.")] = None,
    recognizer: Annotated[
        Path | None, typer.Option(help="A run whose answers are suggested to labellers.")
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A limit of the server; may be repeated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Label with a team, in the browser: starts the application, and prints a link to sign in.

    The link signs an admin in, once. Others are invited from the page People, or by a command.
    """
    if context.invoked_subcommand is not None:
        return
    _require_packages()
    from maksud.labelling.web.app import House, bind, run
    from maksud.labelling.web.settings import LabelSettings
    from maksud.settings import change_settings

    given = merge_settings(None, {"host": host, "port": port}, setting or [])
    chosen = change_settings(LabelSettings(), given)
    listener = bind(chosen)

    with listener, opened(store, new=True) as labels:
        house = House(labels, chosen, _suggester(recognizer))
        run(house, listener=listener, announce=announcer(as_json=as_json))


@label_app.command("add")
def add(
    data: Data,
    task: Annotated[str, typer.Option(help="The task's name; else the data's.")] = "",
    people: Annotated[
        str, typer.Option(help="Who works on it: ana,budi. Else everybody who is there.")
    ] = "",
    stages: Annotated[
        str, typer.Option(help="label; label,check; label,accept; or label,check,accept.")
    ] = "label",
    votes: Annotated[int, typer.Option(help="How many people label each item.")] = 1,
    agree: Annotated[
        int, typer.Option(help="How many of them must say the same; 0: more than half.")
    ] = 0,
    catalog: Annotated[
        Path | None, typer.Option(help="The catalog of answers; else the data's own.")
    ] = None,
    open_catalog: Annotated[
        bool, typer.Option("--open", help="Intents that the catalog lacks may be used.")
    ] = False,
    order: Order = None,
    seed: Seed = 0,
    shuffled: Annotated[
        bool,
        typer.Option("--shuffled", help="Short for --order random.", rich_help_panel=ADVANCED),
    ] = False,
    read_format: ReadFormat = "",
    columns: ReadColumns = "",
    delimiter: ReadDelimiter = "",
    encoding: ReadEncoding = "utf-8",
    sheet: ReadSheet = "",
    store: StorePlace = "",
    as_json: Json = False,
) -> None:
    """Register data of any format, from a path or URL, and make a task of it.

    The order of the queue can be changed later: maksud label assist TASK --order random.
    """
    from maksud.data.formats.files import load
    from maksud.labelling.help import Help
    from maksud.labelling.library import register
    from maksud.labelling.people import first_admin, list_people, person_named
    from maksud.labelling.place import told_place
    from maksud.labelling.tasks import Wanted, create_task
    from maksud.language.catalog_files import load_catalog

    if shuffled and order not in (None, "random"):
        raise InputError(f"--shuffled is short for --order random, not {order}",
                         hint="Give one of them")  # fmt: skip
    options = read_options(columns, delimiter, encoding, sheet)
    dataset = load(data, format=read_format, options=options)
    name = task or dataset.version or dataset.name
    declared = load_catalog(catalog) if catalog is not None else None

    def make(c: Any) -> tuple[int, int]:
        now = labels.clock()
        first_admin(c, now)
        wanted = [person_named(c, n.strip()) for n in people.split(",") if n.strip()]
        there = wanted or [p for p in list_people(c) if not p.disabled]
        made = register(c, name, dataset, str(data), now)
        return made, create_task(c, Wanted(
            name, made, [p.id for p in there], None, tuple(stages.split(",")), votes, agree,
            catalog=declared, open=open_catalog or None, shuffled=shuffled,
            help=Help(order or "file", seed),
        ), now)  # fmt: skip

    with opened(store, new=True) as labels:
        number, id = labels.write(make)
    if as_json:
        write_json({"task": id, "name": name, "dataset": number, "rows": len(dataset)})
        return
    say(f"Task {name}: {len(dataset):,} items.")
    tell_next(["label", *(["--store", told_place(store)] if store else [])])


@label_app.command("tasks")
def list_all(store: StorePlace = "", as_json: Json = False) -> None:
    """List the tasks, with how far they are."""
    from maksud.labelling.people import first_admin
    from maksud.labelling.tasks import list_tasks

    with opened(store) as labels:
        found = labels.write(lambda c: list_tasks(c, first_admin(c, labels.clock())))
    if as_json:
        write_json(found)
        return
    from rich.table import Table

    table = Table("task", "dataset", "stages", "to do", "done", "abandoned", box=None)
    for t in found:
        states = t["states"]
        waiting = sum(states.values()) - states["done"] - states["abandoned"]
        counts = (f"{n:,}" for n in (waiting, states["done"], states["abandoned"]))
        table.add_row(t["name"], t["dataset"], ", ".join(t["stages"]), *counts)
    terminal().print(table)


@label_app.command("invite")
def invite(
    name: Annotated[str, typer.Argument(help="The person's name.")],
    role: Annotated[str, typer.Option(help="annotator, leader or admin.")] = "annotator",
    language: Annotated[str, typer.Option(help="Of the pages: id or en.")] = "id",
    token: Annotated[
        bool, typer.Option("--token", help="Make a script's bearer token instead of a link.")
    ] = False,
    store: StorePlace = "",
    as_json: Json = False,
) -> None:
    """Add a person, or take one who is there, and make a link that signs them in, once.

    The link is shown as its end, which follows the address that `maksud label` prints.
    """
    from maksud.labelling import people
    from maksud.labelling.refusals import Unknown

    def make(c: Any) -> str:
        now = labels.clock()
        try:
            person = people.person_named(c, name)
        except Unknown:
            person = people.add_person(c, name, role, now, language)
        if token:
            return people.make_token(c, person, "command line", now)
        return people.make_link(c, person.id, now)

    with opened(store, new=True) as labels:
        secret = labels.write(make)
    kind, shown = ("token", secret) if token else ("link", f"/in#{secret}")
    if as_json:
        write_json({"name": name, kind: shown})
    else:
        write(shown)


@label_app.command("export")
def export(
    task: TaskName,
    out: Annotated[str, typer.Argument(help="Where to write: a path or URL.")] = "",
    format: Annotated[
        str, typer.Option("--to", help="Its format, instead of that of its name.")
    ] = "",
    save: Annotated[
        str, typer.Option(help="Keep it as a new version of this dataset (maksud data).")
    ] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="Rows too that are not done, without an answer.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace what stands there.")] = False,
    store: StorePlace = "",
    as_json: Json = False,
) -> None:
    """Write what is finished of a task to a file, or keep it as a version of a dataset."""
    from maksud.data.formats.places import refuse_over
    from maksud.labelling import exporting
    from maksud.labelling.people import first_admin
    from maksud.labelling.tasks import task_for, task_named

    if not out and not save:
        raise InputError("there is nowhere to export to", hint="Give a path, or --save NAME")
    if out:
        refuse_over("the export", out, {"the store of labels": place_of(store)})
        exporting.check_target(out, format, force)
    told: dict[str, Any] = {"task": task}
    with opened(store) as labels:
        admin = labels.write(lambda c: first_admin(c, labels.clock()))
        with labels.reading() as c:
            found = task_for(c, task_named(c, task), admin)
            manifest = format == "itag" or out.endswith(".manifest")
            data = exporting.labelled(c, found, waiting=everything, abandoned=manifest)
            if save:
                command = f"maksud label export {task} --save {save}"
                told["version"] = exporting.keep_version(c, found, data, save, command)
    if out:
        told |= {"rows": exporting.write_export(data, out, format), "path": out}
    if as_json:
        write_json(told)
        return
    if out:
        say(f"Wrote {told['rows']:,} rows to {out}.")
    if save:
        say(f"Kept as {told['version']}.")


@label_app.command("suggest")
def suggest(
    task: TaskName,
    run: Annotated[Path, typer.Argument(help="A run whose answers are suggested.")],
    store: StorePlace = "",
    as_json: Json = False,
) -> None:
    """Ask a recognizer for suggestions for every unfinished item of a task, ahead of labelling."""
    from maksud.labelling.suggestions import suggest_task
    from maksud.labelling.tasks import task_named

    suggester = _suggester(run)
    assert suggester is not None
    with opened(store) as labels:
        id = labels.read(lambda c: task_named(c, task))
        with spinner("Asking the recognizer"):
            made = suggest_task(labels, suggester, id)
    if as_json:
        write_json({"task": task, "suggested": made, "by": suggester.name})
    else:
        say(f"Suggestions of {suggester.name} for {made:,} items.")


@label_app.command("assist")
def assist(
    task: TaskName,
    order: Annotated[
        str | None,
        typer.Option(help="Of the queue, from the next item on: file, random, uncertain."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of the random order.")] = None,
    blind: Annotated[
        int | None, typer.Option(help="Per cent of items that are shown without suggestions.")
    ] = None,
    every: Annotated[
        int | None,
        typer.Option(help="New agreed labels after which it learns again; 0: never by itself."),
    ] = None,
    gold_every: Annotated[
        int | None, typer.Option(help="One item in so many is a gold one.")
    ] = None,
    store: StorePlace = "",
    as_json: Json = False,
) -> None:
    """Say in which order a task's items come and how the model helps, or change it.

    Only what is given changes. People may go on labelling meanwhile.
    """
    from maksud.labelling.help import help_of
    from maksud.labelling.queueing import change_help
    from maksud.labelling.tasks import task_named

    changes = {"order": order, "seed": seed, "blind": blind, "every": every,
               "gold_every": gold_every}  # fmt: skip
    with opened(store) as labels:
        id = labels.read(lambda c: task_named(c, task))
        if any(v is not None for v in changes.values()):
            labels.write(lambda c: change_help(c, id, changes))
        now = labels.read(lambda c: help_of(c, id))
    if as_json:
        write_json({"task": task, **now.to_json()})
        return
    for name, value in now.to_json().items():
        write(f"{name}: {value}")


@label_app.command("backup")
def backup(
    target: Annotated[Path, typer.Argument(help="Where to put the copy.")],
    store: StorePlace = "",
    force: Annotated[bool, typer.Option("--force", help="Replace what stands there.")] = False,
) -> None:
    """Copy the store whole and of one moment, while people go on labelling; the copy is checked."""
    from maksud.labelling.store import copy_database

    if target.exists() and not force:
        raise InputError("something is there already", where=str(target), hint="Say --force")
    with opened(store) as labels:
        copy_database(labels, target)
    say(f"Backup: {target}")


@label_app.command("restore")
def restore(
    source: Annotated[Path, typer.Argument(help="The backup.")],
    store: StorePlace = "",
    force: Annotated[
        bool, typer.Option("--force", help="Put it in the place of a store; that is kept beside.")
    ] = False,
) -> None:
    """Put a backup in the place of the store, which nobody may be using."""
    from maksud.labelling.store import restore_database

    place = place_of(store)
    if "://" in place:
        raise InputError("PostgreSQL restores its own backups", hint="Use pg_restore")
    kept = restore_database(source, Path(place), replace=force)
    say(f"Restored to {place}." + (f" What stood there: {kept}" if kept else ""))


def place_of(store: str) -> str:
    """Where the store is: as it was said, else in the workspace."""
    from maksud.data.versions import workspace

    return store or str(workspace() / ".maksud" / PLACE)


@contextmanager
def opened(store: str, *, new: bool = False) -> Iterator[Store]:
    """The store, open for as long as the block runs. `new`: it is made where there is none."""
    _require_packages()
    from maksud.labelling.store import Store

    place = place_of(store)
    if not new and "://" not in place and not Path(place).exists():
        raise SettingsError(
            "there is no store of labels", where=place,
            hint="Check --store; maksud label, maksud label add and invite make one",
        )  # fmt: skip
    labels = Store(place)
    try:
        yield labels
    finally:
        labels.close()


def _require_packages() -> None:
    from importlib.util import find_spec

    from maksud.errors import SystemFault

    missing = [n for n in ("sqlalchemy", "alembic") if find_spec(n) is None]
    if missing:
        raise SystemFault(
            f"{', '.join(missing)} is not installed", hint="pip install 'maksud[label]'"
        )


def _suggester(run: Path | None) -> Any:
    if run is None:
        return None
    from maksud.labelling.suggestions import Suggester
    from maksud.recognizers.door import load_recognizer

    with spinner("Loading"):
        return Suggester(load_recognizer(run))
