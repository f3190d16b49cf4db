"""Every route that there is: its method and path, the role that it takes, its fields.

A test walks all of it with every role. What may be read is GET and changes nothing.
"""

from __future__ import annotations

from typing import Any

from maksud.http.json_body import dumps
from maksud.labelling.people import ADMIN, LANGUAGES, LEADER, ROLES
from maksud.labelling.web import acts, pages
from maksud.labelling.web.asked import LABELLERS, Reply, Route
from maksud.labelling.web.assist_routes import ASSIST_ROUTES, HELP
from maksud.labelling.web.designing import ROUTES as TEMPLATE_ROUTES
from maksud.labelling.web.fields import KEY, READING, VOTES, Field, number, optional, text
from maksud.labelling.web.packing import ROUTES as PACKAGE_ROUTES
from maksud.labelling.web.packing import TERMS
from maksud.labelling.web.proposing import ROUTES as PROPOSAL_ROUTES
from maksud.labelling.work import LONGEST_REASON
from maksud.labelling.workflow import ABANDON, ANSWER, REJECT, SKIP, STAGES

STAGE = text("The stage", 20, STAGES)
ITEM = number("The item's number")
REASON = optional("Why", most=LONGEST_REASON)
NAME = text("Its name", 100)

ROUTES = (
    Route("GET", "/health", None, acts.health, "Whether the process is up"),
    Route("GET", "/in", None, pages.sign_in, "The page that a link opens"),
    Route("POST", "/api/session", None, acts.sign_in, "Opens a link that signs in, once",
          {"link": text("The secret of the link", 100)}),
    Route("POST", "/api/session/end", LABELLERS, acts.sign_out, "Signs out"),
    Route("GET", "/api", LABELLERS, lambda asked: describe(), "This list, with schemas"),
    Route("GET", "/api/me", LABELLERS, acts.me, "Who I am"),
    Route("POST", "/api/me", LABELLERS, acts.change_me, "Changes the language of the pages",
          {"language": text("id or en", 8, LANGUAGES)}),
    Route("POST", "/api/tokens", LABELLERS, acts.new_token, "A token for a script of mine",
          {"name": NAME}),
    Route("GET", "/api/people", LEADER, acts.list_people, "Everybody"),
    Route("POST", "/api/people", ADMIN, acts.invite, "Adds a person, with a link for them",
          {"name": text("Their name", 60), "role": text("Their role", 20, ROLES),
           "language": Field("text", "id or en", required=False, default="id", choices=LANGUAGES)}),
    Route("POST", "/api/people/{user}", ADMIN, acts.change_person, "Changes a person",
          {"role": Field("text", "Their role", required=False, default="", choices=("", *ROLES)),
           "disabled": Field("boolean", "They may come in no more", required=False)}),
    Route("POST", "/api/people/{user}/link", ADMIN, acts.new_link, "A new link for a person"),
    Route("GET", "/api/datasets", LEADER, acts.list_datasets, "The registered datasets"),
    Route("POST", "/api/datasets", LEADER, acts.register, "Registers a dataset from a file",
          {"name": NAME, "file": text("The file's name", 200),
           "content": optional("Its bytes, as base64", most=1 << 30),
           **READING}),
    Route("POST", "/api/datasets/url", ADMIN, acts.register_url,
          "Registers a dataset from a URL: https, s3, oss",
          {"name": NAME, "url": text("Where the file is", 2000),
           **READING}),
    Route("POST", "/api/datasets/{dataset}/rows", LEADER, acts.append_rows,
          "Adds rows to a dataset, and to running tasks on it",
          {"rows": Field("objects", "Rows with instruction; 100 at most", most=100),
           "tasks": Field("integers", "Tasks that get them too", required=False, default=(),
                          most=100)}),
    *TEMPLATE_ROUTES,
    Route("GET", "/api/tasks", LABELLERS, acts.list_tasks, "My tasks"),
    Route("POST", "/api/tasks", LEADER, acts.create_task, "Makes a task",
          {"name": NAME, "dataset": number("The dataset's number"),
           "people": Field("integers", "Numbers of who works on it"),
           "template": number("The template's number; 0: the default one", 0),
           "stages": Field("texts", "label, then check and accept if wanted", required=False,
                           default=("label",), most=3),
           "votes": VOTES,
           "agree": number("How many of them must say the same; 0: more than half", 0, 0, 9),
           "lease_minutes": number("How long an item stays in one's hand", 30, 1, 1440),
           "catalog": Field("object", "The catalog; else the dataset's own", required=False),
           "open": Field("boolean", "Whether new intents may be used", required=False),
           "shuffled": Field("boolean", "Short for the order random", required=False,
                             default=False),
           **TERMS,
           **{name: field for name, (field, _) in HELP.items()}}),
    Route("GET", "/api/tasks/{task}", LABELLERS, acts.show_task, "A task"),
    Route("POST", "/api/tasks/{task}", LEADER, acts.change_task, "Changes a task",
          {"people": Field("integers", "Who works on it, all of them", required=False),
           "archived": Field("boolean", "Closed for work", required=False),
           "deadline": Field("number", "Seconds since 1970; 0: none", required=False,
                             high=4102444800)}),
    *PACKAGE_ROUTES,
    *PROPOSAL_ROUTES,
    Route("GET", "/api/tasks/{task}/catalog", LABELLERS, acts.show_catalog_of, "Its intents"),
    Route("GET", "/api/tasks/{task}/items", LEADER, acts.list_items, "Its items (state, after)"),
    Route("GET", "/api/tasks/{task}/items/{item}", LABELLERS, acts.show_item, "One item"),
    Route("POST", "/api/tasks/{task}/items/{item}/reopen", LEADER, acts.reopen,
          "Opens a finished item again", {"reason": text("Why", LONGEST_REASON), "key": KEY}),
    Route("GET", "/api/tasks/{task}/mine", LABELLERS, acts.list_mine, "What I did (before)"),
    Route("GET", "/api/tasks/{task}/figures", LEADER, acts.show_figures, "Agreement, and people"),
    Route("POST", "/api/tasks/{task}/claim", LABELLERS, acts.claim, "Takes an item in hand",
          {"stage": STAGE, "item": number("The one that is asked for; 0: the next", 0)}),
    Route("POST", "/api/tasks/{task}/release", LABELLERS, acts.release, "Gives it back",
          {"item": ITEM}),
    Route("POST", "/api/tasks/{task}/save", LABELLERS, acts.save, "Saves an answer, durably",
          {"item": ITEM, "stage": STAGE,
           "kind": text("What is done", 20, (ANSWER, ABANDON, REJECT, SKIP)), "key": KEY,
           "output": optional("The answer", most=8000), "reason": REASON,
           "comment": optional("A remark", most=LONGEST_REASON),
           "suggested": Field("text", "Whether a suggestion was shown, or taken", required=False,
                              default="", choices=("", "shown", "confirmed")),
           "seconds": Field("number", "How long it took", required=False, default=0.0, high=1e6),
           "next": Field("boolean", "Take the next item too", required=False, default=False)}),
    Route("POST", "/api/tasks/{task}/validate", LABELLERS, acts.validate,
          "What is wrong with an answer",
          {"utterance": optional("What was said", most=8000),
           "output": optional("The answer", most=8000)}),
    Route("GET", "/api/tasks/{task}/export", LEADER, acts.export, "What is finished (format)"),
    Route("POST", "/api/tasks/{task}/versions", LEADER, acts.keep_version,
          "Keeps what is finished as a version of a dataset", {"name": text("Its name", 64)}),
    *ASSIST_ROUTES,
    Route("GET", "/", LABELLERS, pages.home, "The tasks"),
    Route("GET", "/new", LEADER, pages.new_task, "A new task"),
    Route("GET", "/people", ADMIN, pages.people, "People"),
    Route("GET", "/tasks/{task}", LABELLERS, pages.task, "A task"),
    Route("GET", "/tasks/{task}/label", LABELLERS, pages.label, "Labelling"),
    Route("GET", "/tasks/{task}/check", LEADER, pages.check, "Checking and deciding (stage)"),
)  # fmt: skip


def describe() -> Reply:
    """The routes for programs: role and JSON Schema of each."""
    shown: list[dict[str, Any]] = []
    for route in ROUTES:
        if route.is_page:
            continue
        needed = [name for name, f in route.fields.items() if f.required]
        body = {"type": "object", "additionalProperties": False, "required": needed,
                "properties": {name: f.schema() for name, f in route.fields.items()}}  # fmt: skip
        about = {"method": route.method, "path": route.path, "role": route.role}
        about["about"] = route.about
        shown.append({**about, **({"body": body} if route.method == "POST" else {})})
    return Reply(dumps({"routes": shown}))
