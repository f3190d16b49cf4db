"""The pages: server-side templates filled with what people typed, which is text and never markup.

Jinja escapes all of it; what the script needs to know stands in attributes, as JSON. The pages'
policy lets in our own style sheet and our own script, and nothing that stands in a page.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maksud.labelling import library, looking, tasks
from maksud.labelling import people as persons
from maksud.labelling.exporting import FORMATS
from maksud.labelling.forms import say_answers
from maksud.labelling.help import ORDERS, Help, help_of
from maksud.labelling.people import LEADER, ROLES
from maksud.labelling.questions import SPAN
from maksud.labelling.refusals import Refused
from maksud.labelling.twins import has_twins
from maksud.labelling.web.asked import Asked, Reply
from maksud.labelling.web.wording import say_reason, texts_of
from maksud.labelling.workflow import CHECK, LABEL, STATES

if TYPE_CHECKING:
    from jinja2 import Environment

_HERE = Path(__file__).parent
STATIC = {"label.css": "text/css; charset=utf-8", "label.js": "text/javascript; charset=utf-8",
          "forms.js": "text/javascript; charset=utf-8",
          "questions.js": "text/javascript; charset=utf-8",
          "propose.js": "text/javascript; charset=utf-8",
          "alike.js": "text/javascript; charset=utf-8",
          "assist.js": "text/javascript; charset=utf-8",
          "design.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"}  # fmt: skip
"""The files that pages load, and their kinds."""


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters["answer"] = say_answers
    made.filters["moment"] = _moment
    made.filters["as_json"] = lambda value: json.dumps(value, ensure_ascii=False)
    return made


def _moment(seconds: float) -> str:
    """A time for who has no script: UTC. The script says it in the reader's own."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def render(
    name: str, asked: Asked | None, language: str, status: int = 200, **values: Any
) -> Reply:
    """A page. Deterministic but for the session's own token."""
    texts = texts_of(language)

    def t(key: str, **parts: Any) -> str:
        text = texts[key]
        for part, value in parts.items():
            text = text.replace("{" + part + "}", str(value))
        return text

    session = asked.session if asked is not None else None
    html = _environment().get_template(name).render(
        t=t, texts=texts, language=language, person=session.person if session else None,
        csrf=session.csrf if session else "", **values,
    )  # fmt: skip
    return Reply(html.encode(), "text/html; charset=utf-8", status)


def page(asked: Asked, name: str, **values: Any) -> Reply:
    """A page in the language of who asks."""
    return render(name, asked, asked.person.language, **values)


def sign_in(asked: Asked) -> Reply:
    """The page that a link opens: the secret stands behind #, which no server is sent."""
    language = "en" if asked.query.get("lang") == "en" else "id"
    return render("sign_in.html", None, language)


def error_page(asked: Asked, status: int, message: str) -> Reply:
    """What can't be shown, and why."""
    return render("error.html", asked, asked.person.language, status, message=message,
                  is_missing=status == 404)  # fmt: skip


def home(asked: Asked) -> Reply:
    """The tasks."""
    return page(asked, "home.html", tasks=asked.read(lambda c: tasks.list_tasks(c, asked.person)))


def new_task(asked: Asked) -> Reply:
    """Forms for a dataset, and for a task on one."""
    found = asked.read(
        lambda c: (library.list_datasets(c), library.list_templates(c), persons.list_people(c))
    )
    datasets, templates, everybody = found
    return page(asked, "new.html", datasets=datasets, templates=templates, help=Help(),
                 orders=ORDERS, people=[p for p in everybody if not p.disabled],
                 most=asked.house.settings.max_upload_bytes // 4 * 3 - 4096)  # fmt: skip


def people(asked: Asked) -> Reply:
    """Who is here, and an invitation."""
    return page(asked, "people.html", people=asked.read(persons.list_people), roles=ROLES)


def task(asked: Asked) -> Reply:
    """A task: how far it is; for leaders its figures, its items, and what comes out."""
    state, after = asked.query.get("state", ""), asked.number("after")
    person = asked.person

    def look(c: Any) -> dict[str, Any]:
        found = asked.task(c)
        values: dict[str, Any] = {
            "task": found, "states": tasks.count_states(c, found.id), "all_states": STATES,
            "mine": looking.list_mine(c, found, person)["acts"][:12],
            "figures": None, "items": None, "formats": list(FORMATS), "state": state,
        }  # fmt: skip
        if person.may(LEADER):
            values["figures"] = looking.figures(c, found)
            values["items"] = looking.list_items(c, found, state=state, after=after)
        return values

    return page(asked, "task.html", **asked.read(look))


def label(asked: Asked) -> Reply:
    """The labelling page."""
    return _work(asked, LABEL)


def check(asked: Asked) -> Reply:
    """The page on which leaders check, accept and decide."""
    return _work(asked, asked.query.get("stage", CHECK))


def _work(asked: Asked, stage: str) -> Reply:
    item = asked.number("item")

    def look(c: Any) -> dict[str, Any]:
        found = asked.task(c)
        if stage not in found.plan.stages:
            raise Refused(f"the task has no stage {stage[:20]!r}", code="not_found", status=404)
        order, twins = help_of(c, found.id).order, has_twins(c, found.id)
        waiting = looking.waiting(c, found)
        return {"task": found, "waiting": waiting, "order": order, "has_twins": twins}

    found = asked.read(look)
    about = {
        "task": found["task"].id, "stage": stage, "item": item, "card": found["task"].card,
        "reasons": [say_reason(r, asked.language) for r in found["task"].template.reasons],
        "waiting": found["waiting"],
        "person": asked.person.id, "alike": found["has_twins"] and stage == LABEL,
        "questions": [q.to_json() for q in found["task"].template.questions],
        "titles": {v.field: v.title for v in found["task"].template.show if v.title},
    }  # fmt: skip
    template = found["task"].template
    with_words = template.has_calls or any(q.kind == SPAN for q in template.questions)
    return page(asked, "work.html", with_words=with_words, stage=stage, about=about, **found)


def static(name: str) -> Reply | None:
    """A file that pages load; None for any other name."""
    kind = STATIC.get(name)
    if kind is None:
        return None
    headers = {"cache-control": "no-cache"}
    return Reply((_HERE / "static" / name).read_bytes(), kind, headers=headers)
