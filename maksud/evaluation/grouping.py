"""Groups of examples: by language, by number of calls, by any field that the rows have.

A group is named by a text: the value of the field in a row. What a row does not say is a group
of its own, never left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from maksud.data.dataset import Example
from maksud.errors import InputError
from maksud.language.calls import NONE, Call
from maksud.language.languages import language_of

ALWAYS = ("language", "calls")
"""What every report is broken down by: the row's `language`, or else what its words say; the
number of calls in gold."""
UNSAID = "(not said)"
"""The group of rows that do not have the field, or whose language can't be told."""
OUTSIDE = "none()"
"""The group, by number of calls, of what is out of scope."""

_OWN = ("annotator", "source", "split")
_LANGUAGE_FIELDS = ("language", "lang", "bahasa")


def check_fields(examples: Sequence[Example], fields: Sequence[str]) -> None:
    """Raises `InputError` for a field that no row has, and names those that there are."""
    for name in fields:
        if name in ALWAYS or any(_found(e, name) is not None for e in examples):
            continue
        known = sorted({key for e in examples for key in e.metadata})
        listed = ", ".join(known[:12]) + (" …" if len(known) > 12 else "")
        raise InputError(
            f"no row has a field {name!r}",
            hint=f"Fields of these rows: {listed or 'none'}; besides, "
            + ", ".join((*ALWAYS, *_OWN)),
        )


def groups_of(example: Example, gold: Sequence[Call], fields: Sequence[str]) -> dict[str, str]:
    """The group of an example in each field."""
    return {name: _group(example, gold, name) for name in fields}


def _group(example: Example, gold: Sequence[Call], name: str) -> str:
    if name == "calls":
        return OUTSIDE if NONE in gold else str(len(gold))
    if name == "language":
        for key in _LANGUAGE_FIELDS:
            if isinstance(said := example.metadata.get(key), str) and said.strip():
                return said.strip()
        return language_of(example.instruction) or UNSAID
    return _text(_found(example, name))


def _found(example: Example, name: str) -> Any:
    """The value of a field; `a.b` is field `b` of field `a`, where no field is called so."""
    value: Any = example.metadata
    if name in value:
        return value[name]
    if name in _OWN:
        return getattr(example, name) or None
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def _text(value: Any) -> str:
    if value is None or value == "":
        return UNSAID
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
