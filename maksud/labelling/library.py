"""What tasks are made of: datasets that were registered, and templates, which have versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from maksud.data.dataset import Dataset, Example
from maksud.data.formats.parts.rows import to_row
from maksud.labelling.refusals import Refused, Unknown
from maksud.labelling.tables import datasets, insert_one, rows, tasks, templates
from maksud.labelling.templates import UTTERANCE as UTTERANCE
from maksud.labelling.templates import Template as Template
from maksud.language.catalog_files import catalog_to_json

if TYPE_CHECKING:
    from sqlalchemy import Connection

LONGEST_UTTERANCE = 8000
"""Characters of an utterance, at most."""
MOST_ROWS = 1_000_000
"""Rows of a dataset, at most."""
AT_ONCE = 5000
"""Rows that one statement inserts."""


DEFAULT = ("default", Template())


def check_named(name: str, what: str) -> str:
    """The name of a dataset, template or task, if it is one. Raises `Refused`."""
    name = " ".join(name.split())
    if not name or len(name) > 100 or not name.isprintable():
        raise Refused(f"the name of a {what} has 1 to 100 printable characters",
                      code="invalid_value", status=400)  # fmt: skip
    return name


# ---------------------------------------------------------------- datasets


def register(connection: Connection, name: str, data: Dataset, source: str, now: float) -> int:
    """Registers a dataset under a name; returns its number.

    Raises `Refused` for a name that is taken, no rows, too many, or an utterance too long.
    """
    name = check_named(name, "dataset")
    if connection.scalar(select(datasets.c.id).where(datasets.c.name == name)) is not None:
        raise Refused(f"a dataset {name!r} is here already", code="name_taken",
                      hint="Choose another name, or append to it")  # fmt: skip
    _check_rows(data.examples, 0)
    declared = data.catalog if any(e.is_labelled for e in data) else data.declared_catalog
    catalog = catalog_to_json(declared) if declared is not None and len(declared) else None
    values = {"name": name, "source": source, "version": data.version, "catalog": catalog,
              "rows": len(data), "created": now}  # fmt: skip
    id = insert_one(connection, datasets, values)
    _insert(connection, id, data.examples, 0)
    return id


def append(connection: Connection, id: int, examples: Sequence[Example]) -> int:
    """Adds rows to a dataset; returns how many it has. Raises `Refused`, `Unknown`.

    Ids are those of one row each: an export can't tell two apart.
    """
    found = dataset_of(connection, id)
    _check_rows(examples, found["rows"])
    _check_ids(connection, id, examples)
    _insert(connection, id, examples, found["rows"])
    total: int = found["rows"] + len(examples)
    connection.execute(update(datasets).where(datasets.c.id == id).values(rows=total))
    return total


def list_datasets(connection: Connection) -> list[dict[str, Any]]:
    """The registered datasets, the newest first."""
    query = select(datasets).order_by(datasets.c.id.desc()).limit(500)
    return [_shown(r) for r in connection.execute(query)]


def dataset_of(connection: Connection, id: int) -> dict[str, Any]:
    """A dataset. Raises `Unknown`."""
    found = connection.execute(select(datasets).where(datasets.c.id == id)).first()
    if found is None:
        raise Unknown(f"dataset {id}")
    return {**_shown(found), "catalog": found.catalog}


def takes_calls(connection: Connection, id: int) -> bool:
    """Whether answers to a dataset's rows are calls: not where all its tasks ask otherwise."""
    query = select(templates.c.definition).join(tasks, tasks.c.template_id == templates.c.id)
    found = connection.scalars(query.where(tasks.c.dataset_id == id)).all()
    asked = [Template.from_json(definition) for definition in found]
    return not asked or any(t.has_calls or any(q.calls for q in t.questions) for t in asked)


def check_fields(connection: Connection, id: int, template: Template) -> None:
    """Raises `Refused` where a row of the dataset lacks a field that a template shows.

    A conversation only some rows need to have: others are single turns.
    """
    query = select(rows.c.position, rows.c.data).where(rows.c.dataset_id == id)
    wanted, conversation = template.fields, template.conversation
    talks = not conversation
    for position, data in connection.execute(query.order_by(rows.c.position)):
        lacking = [f for f in wanted if f not in data]
        if lacking:
            raise Refused(
                f"row {position + 1} has no field {lacking[0]!r}, which the template shows "
                f"(it has {', '.join(list(data)[:8])})",
                code="missing_field", status=400,
                hint="Choose another template, or register data that has the field",
            )  # fmt: skip
        talks = talks or isinstance(data.get(conversation), list)
    if not talks:
        raise Refused(
            f"no row has a conversation under {conversation!r}, which the template shows",
            code="missing_field", status=400,
            hint="Choose another template, or register data with a list of turns there",
        )  # fmt: skip


def _check_rows(examples: Sequence[Example], there: int) -> None:
    if not examples:
        raise Refused("there are no rows", code="no_rows", status=400, hint="Give at least one")
    if there + len(examples) > MOST_ROWS:
        raise Refused(f"a dataset has at most {MOST_ROWS:,} rows", code="too_many_rows",
                      status=400, hint="Split it")  # fmt: skip
    long = next((e for e in examples if len(e.instruction) > LONGEST_UTTERANCE), None)
    if long is not None:
        raise Refused(f"an utterance is longer than {LONGEST_UTTERANCE:,} characters",
                      code="invalid_value", status=400, where=long.place)  # fmt: skip
    silent = next((e for e in examples if not e.instruction.strip()), None)
    if silent is not None:
        raise Refused("an utterance has no text", code="invalid_value", status=400,
                      where=silent.place)  # fmt: skip


def _check_ids(connection: Connection, id: int, examples: Sequence[Example]) -> None:
    """Raises `Refused` where a row's id is that of a row of the dataset."""
    given = {e.id: e for e in examples if e.id}
    if not given:
        return
    kept = rows.c.data["id"].as_string()
    query = select(kept).where(rows.c.dataset_id == id, kept.in_(list(given))).limit(1)
    taken = connection.scalar(query)
    if taken is not None:
        raise Refused(
            f"{given[taken].place} has the id {taken!r}, which a row of the dataset has already",
            code="rejected_rows", status=400, hint="Give every row its own id: none was added",
        )  # fmt: skip


def _insert(connection: Connection, id: int, examples: Sequence[Example], first: int) -> None:
    values = [
        {"dataset_id": id, "position": k, "data": to_row(e, with_split=True)}
        for k, e in enumerate(examples, first)
    ]
    for k in range(0, len(values), AT_ONCE):
        connection.execute(insert(rows), values[k : k + AT_ONCE])


def _shown(row: Any) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "source": row.source, "version": row.version,
            "rows": row.rows}  # fmt: skip


# ---------------------------------------------------------------- templates


def default_template(connection: Connection, now: float) -> int:
    """The number of the template that needs no set-up; it is kept when it is first asked for."""
    name, template = DEFAULT
    query = select(templates.c.id).where(templates.c.name == name).order_by(templates.c.version)
    found = connection.scalar(query.limit(1))
    return found if found is not None else save_template(connection, name, template, now)


def save_template(connection: Connection, name: str, template: Template, now: float) -> int:
    """A new version of a template; tasks keep the one that they were made with."""
    name = check_named(name, "template")
    newest = connection.scalar(
        select(func.max(templates.c.version)).where(templates.c.name == name)
    )
    values = {"name": name, "version": (newest or 0) + 1, "definition": template.to_json(),
              "created": now}  # fmt: skip
    return insert_one(connection, templates, values)


def template_of(connection: Connection, id: int) -> Template:
    """A template. Raises `Unknown`."""
    found = connection.scalar(select(templates.c.definition).where(templates.c.id == id))
    if found is None:
        raise Unknown(f"template {id}")
    return Template.from_json(found)


def list_templates(connection: Connection) -> list[dict[str, Any]]:
    """All versions of all templates, the newest first."""
    query = select(templates).order_by(templates.c.id.desc()).limit(500)
    return [
        {"id": r.id, "name": r.name, "version": r.version, **r.definition}
        for r in connection.execute(query)
    ]


def template_named(connection: Connection, id: int) -> tuple[str, int, Template]:
    """The name, version and content of a template. Raises `Unknown`."""
    found = connection.execute(select(templates).where(templates.c.id == id)).first()
    if found is None:
        raise Unknown(f"template {id}")
    return found.name, found.version, Template.from_json(found.definition)


def first_row(connection: Connection, id: int) -> dict[str, Any]:
    """The first row of a dataset: what a template is looked at with. Raises `Unknown`."""
    dataset_of(connection, id)
    query = select(rows.c.data).where(rows.c.dataset_id == id).order_by(rows.c.position).limit(1)
    return dict(connection.scalar(query) or {})
