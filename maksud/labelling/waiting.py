"""A task's catalog with what was proposed to it and waits for a leader's word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from maksud.errors import CatalogError
from maksud.labelling import statements
from maksud.labelling.refusals import Refused
from maksud.language.catalog import Catalog
from maksud.language.catalog_files import catalog_from_json, catalog_to_json

if TYPE_CHECKING:
    from sqlalchemy import Connection

WAITING = "waiting"
"""The verdict of a proposal that has none yet."""


def with_waiting(connection: Connection, task: int, catalog: Catalog) -> Catalog:
    """The catalog with what waits for a leader's word."""
    for r in statements.PROPOSED.rows(connection, {"task": task, "verdict": WAITING}):
        try:
            catalog = add_proposed(catalog, r.intent, r.parameter, r.definition)
        except Refused:  # its intent was refused meanwhile: told in the list
            continue
    return catalog


def add_proposed(
    catalog: Catalog, intent: str, parameter: str, definition: Mapping[str, Any]
) -> Catalog:
    """The catalog with what is proposed. Raises `Refused` for what can't be in one."""
    content = catalog_to_json(catalog)
    if not parameter:
        content["intents"][intent] = dict(definition)
    elif intent in content["intents"]:
        body = content["intents"][intent]
        body["parameters"] = {**body.get("parameters", {}), parameter: dict(definition)}
    else:
        raise Refused(f"{intent!r} is not in the catalog", code="invalid_value", status=400,
                      hint="Approve the intent first")  # fmt: skip
    try:
        return catalog_from_json(content)
    except CatalogError as error:
        raise Refused(str(error), code="invalid_value", status=400) from error
