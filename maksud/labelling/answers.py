"""Answers as people type them, checked against the catalog while they type and before they count.

In a task whose catalog is open, an intent or a parameter that the catalog lacks is a remark, not
a fault: how a catalog comes to be. What the call language can't say is a fault everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from maksud.errors import CallSyntaxError
from maksud.language.calls import NONE, Call, parse_calls
from maksud.language.catalog import Catalog, Intent
from maksud.language.catalog_files import catalog_from_json
from maksud.language.catalog_inference import infer_catalog

EMPTY = Catalog(())
LONGEST = 4000
"""Characters of an answer, at most."""
MOST_CALLS = 50
"""Calls in an answer, at most."""


@dataclass(frozen=True)
class Checked:
    """An answer that was looked at: `text` as it is kept; `errors` keep it from being saved,
    `notes` do not. Calls have named arguments where the catalog names them."""

    text: str
    calls: tuple[Call, ...] = ()
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    position: int | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping: what the page shows."""
        calls = [
            {
                "intent": c.intent,
                "arguments": [{"name": a.name, "value": a.value} for a in c.arguments],
            }
            for c in self.calls
        ]
        return {"text": self.text, "calls": calls, "errors": self.errors, "notes": self.notes,
                "position": self.position}  # fmt: skip


def check_answer(text: str, catalog: Catalog, utterance: str, *, open: bool) -> Checked:
    """What is wrong with an answer to an utterance, and how it is written."""
    if len(text) > LONGEST:
        return Checked(text[:LONGEST], errors=[f"The answer is longer than {LONGEST:,} characters"])
    try:
        calls = parse_calls(text)
    except CallSyntaxError as error:
        return Checked(text, errors=[str(error)], position=error.position)
    if len(calls) > MOST_CALLS:
        return Checked(text, errors=[f"The answer has more than {MOST_CALLS} calls"])
    errors: list[str] = []
    notes: list[str] = []
    for call in calls:
        if call == NONE:
            continue
        if open and call.intent not in catalog:
            notes.append(f"New intent: {call.intent}")
            continue
        for what in catalog.violations([call], utterance):
            new = open and ("has no parameter" in what or "one too many" in what)
            (notes if new else errors).append(what)
    missing = catalog.missing(calls)
    notes += [f"{m.intent} lacks {m.parameter}: it would be asked for" for m in missing]
    return Checked(catalog.render(calls), catalog.name_arguments(calls), errors, notes)


@lru_cache(maxsize=64)
def _catalog(text: str) -> Catalog:
    return catalog_from_json(json.loads(text))


def catalog_of(text: str | None) -> Catalog:
    """The catalog that a task keeps as JSON; without one, an empty one."""
    return _catalog(text) if text is not None and text != "null" else EMPTY


def grown(catalog: Catalog, answers: Iterable[tuple[str, str]]) -> Catalog:
    """The catalog with the intents besides that answers (utterance, text) use."""
    used: list[tuple[Call, ...]] = []
    texts: list[str] = []
    for utterance, text in answers:
        try:
            calls = tuple(c for c in parse_calls(text) if c.intent not in catalog)
        except CallSyntaxError:
            continue
        if calls:
            used.append(calls)
            texts.append(utterance)
    new = infer_catalog(used, texts).intents if used else ()
    return Catalog((*catalog.intents, *new)) if new else catalog


def show_catalog(catalog: Catalog, examples: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    """The intents as the page searches them; `examples`: utterances of each."""
    return [_show(i, examples.get(i.name, [])) for i in catalog.intents]


def _show(intent: Intent, examples: list[str]) -> dict[str, Any]:
    parameters = [
        {"name": p.name, "type": p.type, "description": p.description, "required": p.required,
         "choices": list(p.choices), "many": p.many}
        for p in intent.parameters
    ]  # fmt: skip
    return {"name": intent.name, "description": intent.description, "positional": intent.positional,
            "parameters": parameters, "examples": examples}  # fmt: skip
