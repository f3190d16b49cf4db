"""Packages in the browser and for scripts."""

from __future__ import annotations

from typing import Any

from maksud.labelling import packages, tasks
from maksud.labelling.people import LEADER
from maksud.labelling.terms import WAYS, Terms
from maksud.labelling.web.asked import LABELLERS, Asked, Reply, Route
from maksud.labelling.web.fields import Field, number, optional
from maksud.labelling.web.pages import page
from maksud.labelling.work import LONGEST_REASON

TERMS = {
    "pack_by": Field("text", "How items are packed: size, count or field; empty: not at all",
                     required=False, default="", choices=("", *WAYS)),
    "pack_value": optional("Items of a package, number of packages, or the field's name", most=100),
    "hold_hours": Field("number", "How long a package stays with who took it", required=False,
                        default=24.0, low=0.02, high=8760),
    "sample": Field("number", "Share of a package that is looked at to accept it", required=False,
                    default=1.0, low=0, high=1),
    "deadline": Field("number", "Seconds since 1970", required=False, high=4102444800),
}  # fmt: skip
"""Fields of a new task that say its terms."""


def read_terms(fields: Any) -> Terms:
    """The terms that a new task's fields say."""
    return Terms(fields["pack_by"], fields["pack_value"].strip(), float(fields["sample"]),
                 int(fields["hold_hours"] * 3600), fields["deadline"])  # fmt: skip


def list_packages(asked: Asked) -> dict[str, Any]:
    """A task's packages: how far each is, and who has it."""

    def look(c: Any) -> list[dict[str, Any]]:
        return packages.list_packages(c, asked.task(c), asked.person, asked.now)

    return {"packages": asked.read(look)}


def take(asked: Asked) -> dict[str, Any]:
    """Takes a package that is free."""
    id = asked.path["package"]
    asked.write(lambda c: packages.take(c, asked.task(c), asked.person, id, asked.now))
    return {"package": id}


def assign(asked: Asked) -> dict[str, Any]:
    """Gives a package to somebody."""
    id, f = asked.path["package"], asked.fields
    asked.write(lambda c: packages.assign(c, asked.task(c), id, f["user"], f["instead"]))
    return {"package": id}


def release(asked: Asked) -> dict[str, Any]:
    """Gives a package back."""
    id, user = asked.path["package"], asked.fields["user"]
    asked.write(lambda c: packages.release(c, asked.task(c), asked.person, id, user))
    return {"package": id}


def decide(asked: Asked) -> dict[str, Any]:
    """Accepts or refuses a package."""
    id, f = asked.path["package"], asked.fields
    moved = asked.write(
        lambda c: packages.decide(
            c, asked.task(c), asked.person, id, f["accepted"], f["reason"], asked.now
        )
    )
    return {"package": id, "items": moved}


def show_packages(asked: Asked) -> Reply:
    """The page of packages."""

    def look(c: Any) -> dict[str, Any]:
        task = asked.task(c)
        return {
            "task": task,
            "packages": packages.list_packages(c, task, asked.person, asked.now),
            "people": [p for p in tasks.members_of(c, task.id) if not p.disabled],
        }

    return page(asked, "packages.html", **asked.read(look))


_PLACE = "/api/tasks/{task}/packages"
ROUTES = (
    Route("GET", _PLACE, LABELLERS, list_packages, "Its packages"),
    Route("POST", _PLACE + "/{package}/take", LABELLERS, take, "Takes a free package"),
    Route("POST", _PLACE + "/{package}/assign", LEADER, assign, "Gives a package to somebody",
          {"user": number("The person's number"),
           "instead": number("Who gives it up for them; 0: nobody", 0)}),
    Route("POST", _PLACE + "/{package}/release", LABELLERS, release, "Gives a package back",
          {"user": number("Whose it was; 0: mine", 0)}),
    Route("POST", _PLACE + "/{package}/decide", LEADER, decide, "Accepts or refuses a package",
          {"accepted": Field("boolean", "Or refused: then it is labelled anew"),
           "reason": optional("Why", most=LONGEST_REASON)}),
    Route("GET", "/tasks/{task}/packages", LABELLERS, show_packages, "Packages"),
)  # fmt: skip
