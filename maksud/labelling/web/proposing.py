"""Proposals to a task's catalog, in the browser and for scripts."""

from __future__ import annotations

from typing import Any

from maksud.labelling import proposals
from maksud.labelling.people import LEADER
from maksud.labelling.web.asked import LABELLERS, Asked, Reply, Route
from maksud.labelling.web.fields import Field, optional, text
from maksud.labelling.web.pages import page
from maksud.labelling.work import LONGEST_REASON


def propose(asked: Asked) -> dict[str, Any]:
    """Proposes an intent, or a parameter of one; it may be used at once."""
    f = asked.fields
    id = asked.write(
        lambda c: proposals.propose(
            c, asked.task(c), asked.person, f["intent"], f["parameter"], f["definition"], asked.now
        )
    )
    return {"proposal": id}


def list_proposals(asked: Asked) -> dict[str, Any]:
    """What was proposed for a task's catalog, and the catalog's versions."""

    def look(c: Any) -> dict[str, Any]:
        id = asked.task(c).id
        return {"proposals": proposals.list_proposals(c, id),
                "versions": proposals.list_versions(c, id)}  # fmt: skip

    return asked.read(look)


def decide(asked: Asked) -> dict[str, Any]:
    """Approves, merges or refuses a proposal."""
    id, f = asked.path["proposal"], asked.fields
    changed = asked.write(
        lambda c: proposals.decide(
            c, asked.task(c), asked.person, id, f["verdict"], f["into"].strip(), f["reason"],
            asked.now,
        )
    )  # fmt: skip
    return {"proposal": id, "items": changed}


def show_proposals(asked: Asked) -> Reply:
    """The page of proposals."""

    def look(c: Any) -> dict[str, Any]:
        task = asked.task(c)
        return {"task": task, "proposals": proposals.list_proposals(c, task.id),
                "versions": proposals.list_versions(c, task.id),
                "intents": [i.name for i in task.catalog.intents]}  # fmt: skip

    return page(asked, "proposals.html", **asked.read(look))


_PLACE = "/api/tasks/{task}/proposals"
ROUTES = (
    Route("GET", _PLACE, LEADER, list_proposals, "Proposals to its catalog, and its versions"),
    Route("POST", _PLACE, LABELLERS, propose, "Proposes an intent or a parameter",
          {"intent": text("Its name, or that of the parameter's intent", 200),
           "parameter": optional("The parameter's name; empty: the intent is new", most=200),
           "definition": Field("object", "As in a catalog: description, parameters, type, values",
                               required=False, default={})}),
    Route("POST", _PLACE + "/{proposal}", LEADER, decide, "Approves, merges or refuses one",
          {"verdict": text("The word", 10, proposals.VERDICTS),
           "into": optional("What a merged one is from now on", most=200),
           "reason": optional("Why", most=LONGEST_REASON)}),
    Route("GET", "/tasks/{task}/proposals", LEADER, show_proposals, "Proposals to the catalog"),
)  # fmt: skip
