"""The routes of help from the model, and of quality."""

from __future__ import annotations

from maksud.labelling import likewise, second_look
from maksud.labelling.help import LEAST_GOLD_EVERY, MOST_BLIND, ORDERS, Help
from maksud.labelling.jobs import KINDS
from maksud.labelling.people import LEADER
from maksud.labelling.web import assist_acts as acts
from maksud.labelling.web import assist_pages as pages
from maksud.labelling.web.asked import LABELLERS, Route
from maksud.labelling.web.fields import KEY, Field, number, optional, text

_USUAL = Help()


def _pair(kind: str, about: str, default: object, **bounds: object) -> tuple[Field, Field]:
    """A field as it is when a task is made, and when it is changed: left as it is if left out."""
    made = {"required": False, **bounds}
    return (Field(kind, about, default=default, **made),  # type: ignore[arg-type]
            Field(kind, about, default=None, **made))  # type: ignore[arg-type]  # fmt: skip


HELP = {
    "order": _pair("text", "Order of the queue", _USUAL.order, choices=ORDERS),
    "seed": _pair("integer", "Of the random order", _USUAL.seed),
    "blind": _pair("integer", "Per cent of items that are shown without suggestions",
                   _USUAL.blind, high=MOST_BLIND),
    "every": _pair("integer", "New agreed labels after which it learns again; 0: never by itself",
                   _USUAL.every, high=1_000_000),
    "gold_every": _pair("integer", "One item in so many is a gold one", _USUAL.gold_every,
                        low=LEAST_GOLD_EVERY, high=1000),
    "base": _pair("integer", "A dataset to learn from besides; 0: none", _USUAL.base),
}  # fmt: skip
"""Settings of `help`: the field for a new task, and the one for changing it."""

_TASK = "/api/tasks/{task}"
ASSIST_ROUTES = (
    Route("GET", f"{_TASK}/help", LEADER, acts.show_help, "How the model helps, and its jobs"),
    Route("POST", f"{_TASK}/help", LEADER, acts.change_help, "Changes how the model helps",
          {name: changed for name, (_, changed) in HELP.items()}),
    Route("POST", f"{_TASK}/jobs", LEADER, acts.begin_job,
          "Trains the task's recognizer, or looks for label errors, in a process of its own",
          {"kind": text("What is done", 20, KINDS)}),
    Route("GET", f"{_TASK}/gold", LEADER, acts.list_gold, "Its gold items"),
    Route("POST", f"{_TASK}/gold", LEADER, acts.seed_gold, "Adds items whose answer is known",
          {"rows": Field("objects", "Rows with instruction and output; or else a file",
                         required=False, default=(), most=1000),
           "file": optional("The file's name", most=200),
           "content": optional("Its bytes, as base64", most=1 << 30),
           "format": optional("Its format, where it is not told by itself", most=40)}),
    Route("POST", f"{_TASK}/gold/{{item}}/drop", LEADER, acts.drop_gold,
          "Makes a gold item one like the others"),
    Route("GET", f"{_TASK}/quality", LEADER, acts.show_quality,
          "Each person's figures, and what suggestions do to answers"),
    Route("GET", f"{_TASK}/confusion", LEADER, acts.show_confusion,
          "Intents that people take for each other (one, other)"),
    Route("GET", f"{_TASK}/items/{{item}}/alike", LABELLERS, acts.show_alike,
          "Items that may be answered as I just answered this one"),
    Route("POST", f"{_TASK}/items/{{item}}/likewise", LABELLERS, acts.answer_likewise,
          "Answers others as I answered this one",
          {"items": Field("integers", "The others", most=likewise.MOST), "key": KEY}),
    Route("GET", f"{_TASK}/doubts", LEADER, acts.list_doubts, "Labels that are likely wrong"),
    Route("POST", f"{_TASK}/second-look", LEADER, acts.send_back,
          "Sends the most suspicious items back to be checked",
          {"count": number("How many", None, 1, second_look.MOST), "key": KEY}),
    Route("GET", "/tasks/{task}/help", LEADER, pages.help_page, "How the model helps"),
    Route("GET", "/tasks/{task}/quality", LEADER, pages.quality_page, "Quality"),
)  # fmt: skip
