"""People: roles, one-time links to sign in, sessions of browsers, tokens of scripts.

Nobody registers themselves: an admin adds a person, and hands them a link that opens once. Secrets
have 256 random bits and are kept as hashes.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update

from maksud.http.tokens import digest_of
from maksud.labelling import statements
from maksud.labelling.refusals import Refused, Unknown
from maksud.labelling.tables import insert_one, links, sessions, users

if TYPE_CHECKING:
    from sqlalchemy import Connection

ANNOTATOR, LEADER, ADMIN = "annotator", "leader", "admin"
ROLES = (ANNOTATOR, LEADER, ADMIN)
"""What a person may be: labels; also checks, adjudicates and makes tasks; also adds people."""
LANGUAGES = ("id", "en")
LINK_SECONDS = 7 * 86400.0
"""How long a link waits to be opened."""
SESSION_SECONDS = 14 * 86400.0
"""How long a browser stays signed in."""
TOKEN_PREFIX = "ml-"
FIRST = "admin"
"""The person that a new store has."""
MOST_SESSIONS = 50
"""Of one person; the oldest give way."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts."""

    id: int
    name: str
    role: str
    language: str = "id"
    disabled: bool = False

    def may(self, role: str) -> bool:
        """Whether the person has a role, or one that includes it."""
        return ROLES.index(self.role) >= ROLES.index(role)

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping."""
        return {"id": self.id, "name": self.name, "role": self.role, "language": self.language,
                "disabled": self.disabled}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Session:
    """A person who is signed in; `csrf` is what their pages prove themselves with, and "" for a
    script's token."""

    person: Person
    csrf: str
    digest: bytes


def first_admin(connection: Connection, now: float) -> Person:
    """The first admin of the store, who is made where there is none."""
    query = select(users).where(users.c.role == ADMIN, ~users.c.disabled).order_by(users.c.id)
    found = connection.execute(query.limit(1)).first()
    return _person(found) if found is not None else add_person(connection, FIRST, ADMIN, now)


def add_person(
    connection: Connection, name: str, role: str, now: float, language: str = "id"
) -> Person:
    """A new person. Raises `Refused` for a name that is taken or unusable, and an unknown role."""
    name = " ".join(name.split())
    if not name or len(name) > 60 or not name.isprintable():
        raise Refused("a name has 1 to 60 printable characters", code="invalid_value", status=400)
    if role not in ROLES or language not in LANGUAGES:
        raise Refused(f"there is no role {role!r} or language {language!r}", code="invalid_value",
                      status=400, hint=f"Roles: {', '.join(ROLES)}; languages: id, en")  # fmt: skip
    if connection.scalar(select(users.c.id).where(users.c.name == name)) is not None:
        raise Refused(f"{name!r} is here already", code="name_taken", hint="Choose another name")
    values = {"name": name, "role": role, "language": language, "disabled": False, "created": now}
    return Person(insert_one(connection, users, values), name, role, language)


def list_people(connection: Connection) -> list[Person]:
    """Everybody, by name."""
    return [_person(r) for r in connection.execute(select(users).order_by(users.c.name))]


def person_named(connection: Connection, name: str) -> Person:
    """The person of that name. Raises `Unknown`."""
    found = connection.execute(select(users).where(users.c.name == name)).first()
    if found is None:
        raise Unknown(f"person {name!r}", hint="Add them: maksud label invite NAME")
    return _person(found)


def person_of(connection: Connection, id: int) -> Person:
    """The person with that number. Raises `Unknown`."""
    found = connection.execute(select(users).where(users.c.id == id)).first()
    if found is None:
        raise Unknown(f"person {id}")
    return _person(found)


def change_person(
    connection: Connection,
    id: int,
    *,
    role: str | None = None,
    disabled: bool | None = None,
    language: str | None = None,
) -> Person:
    """Changes a person; one that is disabled is signed out everywhere, at once.

    Raises `Refused` where nobody would be left to admit people.
    """
    before = person_of(connection, id)
    after = Person(
        before.id, before.name, role or before.role, language or before.language,
        before.disabled if disabled is None else disabled,
    )  # fmt: skip
    if after.role not in ROLES or after.language not in LANGUAGES:
        raise Refused("there is no such role or language", code="invalid_value", status=400,
                      hint=f"Roles: {', '.join(ROLES)}; languages: id, en")  # fmt: skip
    stays = after.role == ADMIN and not after.disabled
    query = select(func.count()).where(
        users.c.role == ADMIN, ~users.c.disabled, users.c.id != before.id
    )
    if not stays and before.role == ADMIN and not connection.scalar(query):
        raise Refused("this is the last admin", code="last_admin",
                      hint="Make somebody else an admin first")  # fmt: skip
    changed = {"role": after.role, "disabled": after.disabled, "language": after.language}
    connection.execute(update(users).where(users.c.id == id).values(**changed))
    if after.disabled:
        for table in (sessions, links):
            connection.execute(delete(table).where(table.c.user_id == id))
    return after


# ---------------------------------------------------------------- links, sessions, tokens


def make_link(connection: Connection, id: int, now: float) -> str:
    """The secret of a link that signs a person in, once; an older one that waits opens no more."""
    if person_of(connection, id).disabled:
        raise Refused("this person may not come in", code="disabled", hint="Enable them first")
    secret = secrets.token_urlsafe(32)
    old = (links.c.expires < now) | ((links.c.user_id == id) & links.c.used.is_(None))
    connection.execute(delete(links).where(old))
    values = {"digest": digest_of(secret.encode()), "user_id": id, "expires": now + LINK_SECONDS}
    connection.execute(insert(links).values(**values))
    return secret


def sign_in(connection: Connection, secret: str, now: float) -> tuple[str, Session]:
    """Opens a link: the secret of a new session, and the session. Raises `Refused` (401)."""
    digest = digest_of(secret.encode("utf-8", "replace"))
    # The link is used up by the same statement that asks for it: of two, one comes in.
    used = connection.execute(
        update(links)
        .where(links.c.digest == digest, links.c.used.is_(None), links.c.expires >= now)
        .values(used=now)
    )
    query = select(users).join(links).where(links.c.digest == digest, ~users.c.disabled)
    found = connection.execute(query).first() if used.rowcount == 1 else None
    if found is None:
        raise Refused(
            "this link was used already, or is too old",
            code="invalid_link", status=401,
            hint="Ask an admin for a new one, or start `maksud label` again",
        )  # fmt: skip
    made, session = _open_session(connection, _person(found), now, "browser", "")
    return made, session


def make_token(connection: Connection, person: Person, name: str, now: float) -> str:
    """A bearer token, with which a script acts as a person. Shown once."""
    return _open_session(connection, person, now, "script", name[:100])[0]


def find_session(connection: Connection, secret: bytes, kind: str, now: float) -> Session | None:
    """The session that a browser's cookie or a script's token names; None for any other."""
    digest = digest_of(secret)
    found = statements.SESSION.first(connection, {"digest": digest, "kind": kind})
    if found is None or (found.expires is not None and found.expires < now):
        return None
    return Session(_person(found), found.csrf, digest)


def sign_out(connection: Connection, session: Session) -> None:
    """Ends a session: its cookie opens nothing any more."""
    connection.execute(delete(sessions).where(sessions.c.digest == session.digest))


def _open_session(
    connection: Connection, person: Person, now: float, kind: str, name: str
) -> tuple[str, Session]:
    connection.execute(delete(sessions).where(sessions.c.expires < now))
    mine = select(sessions.c.digest).where(sessions.c.user_id == person.id)
    old = mine.order_by(sessions.c.created.desc()).offset(MOST_SESSIONS - 1)
    for (digest,) in connection.execute(old).all():
        connection.execute(delete(sessions).where(sessions.c.digest == digest))
    browser = kind == "browser"
    secret = ("" if browser else TOKEN_PREFIX) + secrets.token_urlsafe(32)
    digest = digest_of(secret.encode())
    csrf = secrets.token_urlsafe(32) if browser else ""
    values = {"digest": digest, "user_id": person.id, "kind": kind, "name": name, "csrf": csrf,
              "expires": now + SESSION_SECONDS if browser else None, "created": now}  # fmt: skip
    connection.execute(insert(sessions).values(**values))
    return secret, Session(person, csrf, digest)


def _person(row: Any) -> Person:
    return Person(row.id, row.name, row.role, row.language, bool(row.disabled))
