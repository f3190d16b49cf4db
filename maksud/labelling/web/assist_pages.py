"""The leader's pages about help from the model, and about quality."""

from __future__ import annotations

from typing import Any

from maksud.labelling import gold, jobs, library, quality, second_look
from maksud.labelling.help import ORDERS, Help
from maksud.labelling.web.asked import Asked, Reply
from maksud.labelling.web.assist_acts import helped
from maksud.labelling.web.pages import render


def help_page(asked: Asked) -> Reply:
    """How the model helps with a task, and what it is doing."""

    def look(c: Any) -> dict[str, Any]:
        task = asked.task(c)
        about = helped(c, task, asked.language)
        return {"task": task, "about": about, "help": Help(**about["help"]),
                "datasets": library.list_datasets(c)}  # fmt: skip

    found = asked.read(look)
    return render("help.html", asked, asked.person.language, orders=ORDERS,
                  running=_running(found["about"], jobs.LEARN), **found)  # fmt: skip


def quality_page(asked: Asked) -> Reply:
    """People, suggestions, confused intents, gold items, doubted labels."""
    one, other = asked.number("one"), asked.number("other")

    def look(c: Any) -> dict[str, Any]:
        task = asked.task(c)
        calls = task.template.has_calls
        return {
            "task": task, "about": helped(c, task, asked.language),
            "report": quality.report(c, task),
            "confusion": quality.confusion(c, task, one, other) if calls else None,
            "gold": gold.list_gold(c, task), "doubts": second_look.list_doubts(c, task),
        }  # fmt: skip

    found = asked.read(look)
    return render("quality.html", asked, asked.person.language, one=one, other=other,
                  running=_running(found["about"], jobs.DOUBT), **found)  # fmt: skip


def _running(about: dict[str, Any], kind: str) -> bool:
    last = about["jobs"][kind]
    return last is not None and last["state"] == jobs.RUNNING
