"""Templates in the browser and for scripts: read, drawn, kept in versions."""

from __future__ import annotations

from typing import Any

from maksud.labelling import library
from maksud.labelling.conversations import view_conversation
from maksud.labelling.people import LEADER
from maksud.labelling.questions import KINDS
from maksud.labelling.templates import (
    CARDS,
    LONGEST_FILE,
    UTTERANCE,
    Template,
    format_template,
    parse_template,
)
from maksud.labelling.web.asked import Asked, Reply, Route
from maksud.labelling.web.fields import Field, number, optional, text
from maksud.labelling.web.pages import page
from maksud.language.catalog import Catalog

SAMPLE = {UTTERANCE: "Tolong putar lagu Hampa di ruang tamu"}
"""What a template is drawn with where no dataset is chosen."""


def list_templates(asked: Asked) -> dict[str, Any]:
    """All templates, in all their versions."""
    return {"templates": asked.read(library.list_templates)}


def save_template(asked: Asked) -> dict[str, Any]:
    """A new template, or a new version of one; tasks keep the one that they were made with."""
    f = asked.fields
    if f["text"]:
        template = parse_template(f["text"])
    else:
        names = ("fields", "card", "reasons", "guide", "show", "ask")
        template = Template.from_json({n: f[n] for n in names if f[n] is not None})
    id = asked.write(lambda c: library.save_template(c, f["name"], template, asked.now))
    return {"template": id}


def show_template(asked: Asked) -> dict[str, Any]:
    """A version of a template: what it shows and asks, and the same as a text to be edited."""
    name, version, template = asked.read(
        lambda c: library.template_named(c, asked.path["template"])
    )
    return {"name": name, "version": version, **template.to_json(),
            "text": format_template(template)}  # fmt: skip


def read_template(asked: Asked) -> dict[str, Any]:
    """What a template's text says, and what a row of a dataset looks like in it; nothing is kept.

    Fields that the dataset lacks are `lacking`.
    """
    f = asked.fields
    template = parse_template(f["text"])
    row: dict[str, Any] = dict(SAMPLE)
    lacking: list[str] = []
    if f["dataset"]:
        row = asked.read(lambda c: library.first_row(c, f["dataset"]))
        shown = [v.field for v in template.show]
        lacking = [name for name in shown if name not in row]
    return {"template": template.to_json(), "has_calls": template.has_calls,
            "row": show_row(row, template), "lacking": lacking}  # fmt: skip


def show_row(row: dict[str, Any], template: Template) -> dict[str, Any]:
    """A row as the labelling page shows it."""
    return {
        "utterance": row.get(UTTERANCE, ""),
        "fields": {f: row.get(f) for f in template.fields if f != UTTERANCE},
        "turns": view_conversation(row, template.conversation, Catalog(())),
    }


# ---------------------------------------------------------------- pages


def all_templates(asked: Asked) -> Reply:
    """The templates, by name, each in its newest version."""
    found = asked.read(library.list_templates)
    newest: dict[str, dict[str, Any]] = {}
    for one in found:
        newest.setdefault(one["name"], {**one, "versions": 0})["versions"] += 1
    return page(asked, "templates.html", templates=list(newest.values()))


def editor(asked: Asked) -> Reply:
    """A template as a text beside what it looks like; `copy`: under another name."""
    number = asked.path.get("template", 0)

    def look(c: Any) -> dict[str, Any]:
        name, version, template = (
            library.template_named(c, number) if number else ("", 0, Template())
        )
        if asked.query.get("copy"):
            name = f"{name} 2"[:100]
        return {"called": name, "version": version, "text": format_template(template),
                "datasets": library.list_datasets(c), "kinds": KINDS}  # fmt: skip

    return page(asked, "template.html", **asked.read(look))


_SHOWN = Field("objects", "Content cards: field, kind (text, conversation), title",
               required=False, most=20)  # fmt: skip
_ASKED = Field(
    "objects",
    "Answer cards: title, kind (calls, input, choice, choices, span), hint, required, pattern, "
    "default, options (value, label, key), when (question, is), calls",
    required=False, most=20,
)  # fmt: skip

ROUTES = (
    Route("GET", "/api/templates", LEADER, list_templates, "The templates"),
    Route("POST", "/api/templates", LEADER, save_template, "A new version of a template",
          {"name": text("Its name", 100), "show": _SHOWN, "ask": _ASKED,
           "fields": Field("texts", "Fields of a row that are shown, where show is left out",
                           required=False, most=20),
           "card": Field("text", "How an answer is given, where ask is left out", required=False,
                         choices=CARDS),
           "reasons": Field("texts", "Reasons to abandon", required=False, default=(), most=20),
           "guide": optional("What to bear in mind", most=4000),
           "text": optional("All of it as YAML or JSON, instead of the rest", most=LONGEST_FILE)}),
    Route("POST", "/api/templates/read", LEADER, read_template,
          "What a template's text says; nothing is kept",
          {"text": text("YAML or JSON", LONGEST_FILE),
           "dataset": number("The dataset whose first row is shown; 0: a sample", 0)}),
    Route("GET", "/api/templates/{template}", LEADER, show_template, "A version of a template"),
    Route("GET", "/templates", LEADER, all_templates, "The templates"),
    Route("GET", "/templates/new", LEADER, editor, "A new template"),
    Route("GET", "/templates/{template}", LEADER, editor, "A template, to be edited or copied"),
)  # fmt: skip
