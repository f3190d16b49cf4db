"""What the JSON routes do. Each reads its fields, and calls one function of the wing."""

from __future__ import annotations

import re
from typing import Any

from maksud.http.json_body import dumps
from maksud.labelling import exporting, library, looking, people, tasks, work
from maksud.labelling.answers import check_answer, show_catalog
from maksud.labelling.arrivals import check_calls, columns_of, read_rows, read_upload, read_url
from maksud.labelling.forms import check_form
from maksud.labelling.help import Help, help_of
from maksud.labelling.people import Person
from maksud.labelling.questions import CALLS
from maksud.labelling.refusals import Refused
from maksud.labelling.suggestions import suggest_item
from maksud.labelling.tasks import Task
from maksud.labelling.templates import FORM
from maksud.labelling.terms import move_deadline
from maksud.labelling.web.asked import Asked, Reply
from maksud.labelling.web.door import cookie
from maksud.labelling.web.packing import read_terms
from maksud.labelling.web.wording import say_message
from maksud.labelling.work import Said
from maksud.language.catalog import Catalog
from maksud.language.catalog_files import catalog_from_json
from maksud.language.catalog_tools import catalog_from_tools


def health(_: Asked) -> dict[str, str]:
    """The process is up."""
    return {"status": "ok"}


# ---------------------------------------------------------------- people


def sign_in(asked: Asked) -> Reply:
    """Opens a link: sets the session's cookie."""
    secret, session = asked.write(lambda c: people.sign_in(c, asked.fields["link"], asked.now))
    header = {"set-cookie": cookie(secret, asked.house.settings.secure)}
    return Reply(dumps({"person": session.person.to_json()}), headers=header)


def sign_out(asked: Asked) -> Reply:
    """Ends the session."""
    session = asked.session
    assert session is not None
    asked.write(lambda c: people.sign_out(c, session))
    return Reply(dumps({}), headers={"set-cookie": cookie("", asked.house.settings.secure)})


def me(asked: Asked) -> dict[str, Any]:
    """Who asks."""
    return asked.person.to_json()


def change_me(asked: Asked) -> dict[str, Any]:
    """Changes the language of the pages."""
    language = asked.fields["language"]
    id = asked.person.id
    return asked.write(lambda c: people.change_person(c, id, language=language)).to_json()


def list_people(asked: Asked) -> dict[str, Any]:
    """Everybody."""
    return {"people": [p.to_json() for p in asked.read(people.list_people)]}


def invite(asked: Asked) -> dict[str, Any]:
    """Adds a person; the answer has a link that signs them in, once."""
    f = asked.fields

    def add(c: Any) -> dict[str, Any]:
        made = people.add_person(c, f["name"], f["role"], asked.now, f["language"])
        return {"person": made.to_json(), "link": people.make_link(c, made.id, asked.now)}

    return asked.write(add)


def new_link(asked: Asked) -> dict[str, Any]:
    """A new link for a person, which signs them in, once."""
    return {"link": asked.write(lambda c: people.make_link(c, asked.path["user"], asked.now))}


def change_person(asked: Asked) -> dict[str, Any]:
    """Changes a person's role, or lets them in no more."""
    f = asked.fields
    changed = asked.write(
        lambda c: people.change_person(
            c, asked.path["user"], role=f["role"] or None, disabled=f["disabled"]
        )
    )
    return changed.to_json()


def new_token(asked: Asked) -> dict[str, Any]:
    """A bearer token, with which a script acts as the person who asks. Shown once."""
    return {
        "token": asked.write(
            lambda c: people.make_token(c, asked.person, asked.fields["name"], asked.now)
        )
    }


# ---------------------------------------------------------------- datasets


def list_datasets(asked: Asked) -> dict[str, Any]:
    """The registered datasets."""
    return {"datasets": asked.read(library.list_datasets)}


def register(asked: Asked) -> dict[str, Any]:
    """Registers a dataset from an uploaded file of any format; whole or not at all."""
    f = asked.fields
    data = read_upload(f["file"], f["content"], f["format"], columns_of(f))
    id = asked.write(lambda c: library.register(c, f["name"], data, f["file"], asked.now))
    return {"dataset": id, "rows": len(data)}


def register_url(asked: Asked) -> dict[str, Any]:
    """Registers a dataset from a URL of https, s3 or oss; whole or not at all."""
    f, limits = asked.fields, asked.house.settings
    data = read_url(f["url"], f["format"], limits.max_fetch_bytes,
                    private=limits.private_urls, columns=columns_of(f))  # fmt: skip
    id = asked.write(lambda c: library.register(c, f["name"], data, f["url"], asked.now))
    return {"dataset": id, "rows": len(data)}


def append_rows(asked: Asked) -> dict[str, Any]:
    """Adds rows to a dataset, and items to the running tasks on it that are named."""
    f = asked.fields
    examples = read_rows(f["rows"])

    def add(c: Any) -> dict[str, Any]:
        if library.takes_calls(c, asked.path["dataset"]):
            check_calls(examples)
        total = library.append(c, asked.path["dataset"], examples)
        made = 0
        for id in f["tasks"]:
            task = tasks.task_for(c, id, asked.person)
            if task.dataset != asked.path["dataset"]:
                raise Refused(f"the task {task.name!r} has another dataset", code="invalid_value",
                              status=400)  # fmt: skip
            library.check_fields(c, task.dataset, task.template)
            made += tasks.add_items(c, id, asked.now)
        return {"rows": total, "items": made}

    return asked.write(add)


# ---------------------------------------------------------------- tasks


def list_tasks(asked: Asked) -> dict[str, Any]:
    """The tasks that the person may see, with how far they are."""
    return {"tasks": asked.read(lambda c: tasks.list_tasks(c, asked.person))}


def create_task(asked: Asked) -> dict[str, Any]:
    """Makes a task. Leaders see those that they are among the people of; admins see all."""
    f = asked.fields
    wanted = tasks.Wanted(
        f["name"], f["dataset"], [*f["people"]], f["template"] or None, f["stages"], f["votes"],
        f["agree"], f["lease_minutes"], _catalog(f["catalog"]), f["open"], f["shuffled"],
        terms=read_terms(f),
        help=Help(f["order"], f["seed"], f["blind"], f["every"], f["gold_every"], f["base"]),
    )  # fmt: skip
    return {"task": asked.write(lambda c: tasks.create_task(c, wanted, asked.now))}


def _catalog(content: dict[str, Any] | None) -> Catalog | None:
    if content is None:
        return None
    if "tools" in content:
        return catalog_from_tools(content["tools"])
    return catalog_from_json(content)


def show_task(asked: Asked) -> dict[str, Any]:
    """A task: how far it is, who works on it."""

    def look(c: Any) -> dict[str, Any]:
        task = asked.task(c)
        people_there = tasks.members_of(c, task.id)
        return {
            "id": task.id, "name": task.name, "dataset": task.dataset, "archived": task.archived,
            "stages": list(task.plan.stages), "votes": task.plan.votes, "agree": task.plan.agree,
            "open": task.open, "deadline": task.terms.deadline, "pack_by": task.terms.by,
            "sample": task.terms.sample, "template": task.template.to_json(),
            "order": help_of(c, task.id).order,
            "states": tasks.count_states(c, task.id),
            "people": [{"id": p.id, "name": p.name, "role": p.role} for p in people_there],
        }  # fmt: skip

    return asked.read(look)


def change_task(asked: Asked) -> dict[str, Any]:
    """Changes who works on a task or until when, or archives it."""
    f = asked.fields

    def change(c: Any) -> dict[str, Any]:
        task = asked.task(c)
        if f["people"] is not None:
            tasks.set_members(c, task.id, f["people"], task.plan)
        if f["archived"] is not None:
            tasks.archive(c, task.id, f["archived"])
        if f["deadline"] is not None:
            move_deadline(c, task.id, f["deadline"] or None)
        return {"task": task.id}

    return asked.write(change)


def show_catalog_of(asked: Asked) -> dict[str, Any]:
    """The intents of a task, with utterances of each."""

    def look(c: Any) -> dict[str, Any]:
        task = asked.task(c)
        catalog, examples = tasks.catalog_for(c, task)
        return {"intents": show_catalog(catalog, examples), "open": task.open}

    return asked.read(look)


def list_items(asked: Asked) -> dict[str, Any]:
    """A page of a task's items."""
    state, after = asked.query.get("state", ""), asked.number("after")
    return asked.read(lambda c: looking.list_items(c, asked.task(c), state=state, after=after))


def show_item(asked: Asked) -> dict[str, Any]:
    """An item: its utterance, suggestions, and what was done to it as far as one may know."""
    return asked.read(
        lambda c: looking.show_item(c, asked.task(c), asked.person, asked.path["item"])
    )


def list_mine(asked: Asked) -> dict[str, Any]:
    """What the person did in a task, the latest first."""
    return asked.read(
        lambda c: looking.list_mine(c, asked.task(c), asked.person, asked.number("before"))
    )


def show_figures(asked: Asked) -> dict[str, Any]:
    """Agreement between labellers, and each person's share."""
    return asked.read(lambda c: looking.figures(c, asked.task(c)))


# ---------------------------------------------------------------- work


def claim(asked: Asked) -> dict[str, Any]:
    """Takes the next item in hand, or the one that is asked for; `item` is null for none."""
    stage, item = asked.fields["stage"], asked.fields["item"]
    taken = asked.write(
        lambda c: work.claim(c, asked.task(c), asked.person, stage, asked.now, item)
    )
    return {"item": _show_taken(asked, taken)}


def _show_taken(asked: Asked, taken: int | None) -> dict[str, Any] | None:
    if taken is None:
        return None
    suggester = asked.house.assistant.suggester(asked.path["task"])
    if suggester is not None:
        suggest_item(asked.house.store, suggester, taken)
    return asked.read(lambda c: looking.show_item(c, asked.task(c), asked.person, taken))


def _show_next(c: Any, task: Task, person: Person, taken: int | None) -> dict[str, Any]:
    """The item that was taken, and how many wait, of one moment."""
    item = None if taken is None else looking.show_item(c, task, person, taken)
    return {"item": item, "waiting": looking.waiting(c, task)}


def release(asked: Asked) -> dict[str, Any]:
    """Gives an item back, undone."""
    asked.write(lambda c: work.release(c, asked.task(c), asked.person, asked.fields["item"]))
    return {"item": asked.fields["item"]}


def save(asked: Asked) -> dict[str, Any]:
    """Saves what the person does to an item: when this is answered, it is on disk.

    With `next`, the answer has the next item too.
    """
    f = asked.fields
    said = Said(
        f["item"], f["stage"], f["kind"], f["key"], f["output"], f["reason"], f["comment"],
        f["suggested"], float(f["seconds"]),
    )  # fmt: skip

    suggester = asked.house.assistant.suggester(asked.path["task"]) if f["next"] else None

    def store(c: Any) -> tuple[dict[str, Any], Task, int | None]:
        task = asked.task(c)
        out = {"saved": work.save(c, task, asked.person, said, asked.now)}
        taken = None
        if f["next"]:
            # In one transaction, which is synced once. What was saved before a task was closed is
            # told as saved when it is sent again.
            if not task.archived:
                taken = work.claim(c, task, asked.person, f["stage"], asked.now)
            if taken is None or suggester is None:
                out |= _show_next(c, task, asked.person, taken)
        return out, task, taken

    out, task, taken = asked.write(store)
    asked.house.assistant.touch(asked.path["task"])
    if taken is not None and suggester is not None:
        suggest_item(asked.house.store, suggester, taken)
        out |= asked.read(lambda c: _show_next(c, task, asked.person, taken))
    return out


def reopen(asked: Asked) -> dict[str, Any]:
    """Opens a finished item again: it is labelled anew."""
    f = asked.fields
    done = asked.write(
        lambda c: work.reopen(
            c, asked.task(c), asked.person, asked.path["item"], f["reason"], f["key"], asked.now
        )
    )
    return {"saved": done}


def validate(asked: Asked) -> dict[str, Any]:
    """What is wrong with an answer to an utterance, while it is typed."""
    f = asked.fields
    task = asked.read(asked.task)
    if task.card not in (CALLS, FORM):
        return {"text": f["output"].strip(), "calls": [], "errors": [], "notes": []}
    given = f["output"], task.catalog, f["utterance"]
    looked = (
        check_form(task.template, *given, open=task.open)
        if task.card == FORM
        else check_answer(*given, open=task.open)
    )
    checked = looked.to_json()
    fields = checked.get("fields", {})
    checked["fields"] = {k: say_message(v, asked.person.language) for k, v in fields.items()}
    for kind in ("errors", "notes"):
        checked[kind] = [say_message(m, asked.person.language) for m in checked[kind]]
    return checked


# ---------------------------------------------------------------- what comes out


def export(asked: Asked) -> Reply:
    """What is finished of a task, as a file."""
    format = asked.query.get("format", "json")
    task = asked.read(asked.task)
    data = asked.read(lambda c: exporting.labelled(c, task, abandoned=format == "itag"))
    body, ending = exporting.export_bytes(data, format)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", task.name).strip("-.") or "task"
    if format == "label-studio":  # not the name of the training JSON
        ending = f".{format}{ending}"
    headers = {"content-disposition": f'attachment; filename="{name}{ending}"'}
    return Reply(body, "application/octet-stream", headers=headers)


def keep_version(asked: Asked) -> dict[str, Any]:
    """Keeps what is finished of a task as a new version of a dataset, in the workspace."""

    def keep(c: Any) -> str:
        task = asked.task(c)
        data = exporting.labelled(c, task)
        return exporting.keep_version(c, task, data, asked.fields["name"], "maksud label")

    return {"version": asked.read(keep)}
