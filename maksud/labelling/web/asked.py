"""What a route is asked, and the house that it is asked in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from maksud.labelling.assistant import Assistant
from maksud.labelling.people import ANNOTATOR, Person, Session
from maksud.labelling.refusals import Refused
from maksud.labelling.store import Store
from maksud.labelling.suggestions import Suggester
from maksud.labelling.tasks import Task, task_for
from maksud.labelling.web.fields import Field
from maksud.labelling.web.settings import LabelSettings

if TYPE_CHECKING:
    from sqlalchemy import Connection

T = TypeVar("T")


@dataclass
class House:
    """What all routes share."""

    store: Store
    settings: LabelSettings = field(default_factory=LabelSettings)
    suggester: Suggester | None = None
    assistant: Assistant = field(init=False)

    def __post_init__(self) -> None:
        """The assistant does nothing by itself until it is told to run."""
        self.assistant = Assistant(self.store, other=self.suggester)


@dataclass(frozen=True)
class Asked:
    """One request: from whom, with which fields of the body, parts of the path, and query."""

    house: House
    session: Session | None
    fields: Mapping[str, Any]
    path: Mapping[str, int]
    query: Mapping[str, str]

    @property
    def person(self) -> Person:
        """Who asks."""
        assert self.session is not None  # the door lets nobody else in
        return self.session.person

    @property
    def language(self) -> str:
        """What is told in: the pages' language; to scripts English."""
        return self.person.language if self.session is not None and self.session.csrf else "en"

    @property
    def now(self) -> float:
        """The time."""
        return self.house.store.clock()

    def task(self, connection: Connection) -> Task:
        """The task in the path, if it is this person's to see."""
        return task_for(connection, self.path["task"], self.person)

    def read(self, look: Callable[[Connection], T]) -> T:
        """What `look` gives, of one moment of the store."""
        return self.house.store.read(look)

    def write(self, work: Callable[[Connection], T]) -> T:
        """What `work` gives, in a transaction that writes."""
        return self.house.store.write(work)

    def number(self, name: str, most: int = 2**31 - 1) -> int:
        """A whole number of the query; 0 where it is left out. Raises `Refused`."""
        said = self.query.get(name, "0")
        if not said.isascii() or not said.isdigit() or len(said) > 10 or int(said) > most:
            raise Refused(f"{name} is no number", code="invalid_value", status=400)
        return int(said)


@dataclass(frozen=True)
class Reply:
    """An answer that is no plain JSON."""

    body: bytes
    kind: str = "application/json"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Route:
    """A route: who may take it (`role` None: everybody), what it reads, what it does."""

    method: str
    path: str
    role: str | None
    act: Callable[[Asked], Any]
    about: str
    fields: Mapping[str, Field] = field(default_factory=dict)

    @property
    def is_page(self) -> bool:
        """Whether people look at it, not programs."""
        return not self.path.startswith("/api/") and self.path != "/health"


LABELLERS = ANNOTATOR
"""Role of what everybody who is signed in may do."""
