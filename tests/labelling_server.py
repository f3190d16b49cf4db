"""A labelling server in a thread, and clients that are signed in, for tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from maksud.labelling.people import Person, add_person, first_admin, make_link, make_token
from maksud.labelling.store import Store
from maksud.labelling.suggestions import Suggester
from maksud.labelling.web.app import House, bind, server_of
from maksud.labelling.web.settings import LabelSettings


@dataclass
class Served:
    """A running server over a store."""

    url: str
    house: House
    clients: list[httpx.Client] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return self.house.store

    def person(self, name: str, role: str) -> Person:
        now = self.store.clock()
        return self.store.write(lambda c: add_person(c, name, role, now))

    def admin(self) -> Person:
        return self.store.write(lambda c: first_admin(c, self.store.clock()))

    def link(self, person: Person) -> str:
        return self.store.write(lambda c: make_link(c, person.id, self.store.clock()))

    def script(self, person: Person) -> httpx.Client:
        """A client with a token of the person."""
        token = self.store.write(lambda c: make_token(c, person, "test", self.store.clock()))
        return self.client({"authorization": f"Bearer {token}"})

    def client(self, headers: dict[str, str] | None = None) -> httpx.Client:
        made = httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False)
        self.clients.append(made)
        return made


@contextmanager
def serving(
    place: Path | str, suggester: Suggester | None = None, **settings: Any
) -> Iterator[Served]:
    """A labelling server on a free port, in a thread."""
    chosen = LabelSettings(**{"port": 0, "access_log": False, **settings})
    store = Store(place)
    house = House(store, chosen, suggester)
    server = server_of(house)
    with bind(chosen) as listener:
        served = Served(f"http://127.0.0.1:{listener.getsockname()[1]}", house)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield served
        finally:
            for client in served.clients:
                client.close()
            server.should_exit = True
            thread.join(30)
            store.close()
            assert not thread.is_alive()
