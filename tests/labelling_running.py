"""`maksud label` as a process of its own, and people who are signed in at its pages, for tests."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from maksud.labelling.people import add_person, make_link
from maksud.labelling.store import Store

ROOT = Path(__file__).parents[1]


@dataclass
class Page:
    """A browser's session: what its pages send, and what they are told."""

    client: httpx.Client
    csrf: str

    def post(self, path: str, **body: Any) -> httpx.Response:
        return self.client.post(path, json=body, headers={"x-csrf-token": self.csrf})

    def ok(self, path: str, **body: Any) -> Any:
        answer = self.post(path, **body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def register(self, name: str, content: str) -> int:
        """Registers a manifest; its number."""
        said = base64.b64encode(content.encode()).decode()
        made = self.ok("/api/datasets", name=name, file="raw.manifest", content=said)
        number: int = made["dataset"]
        return number

    def task(self, dataset: int, name: str, *people: Page, **more: Any) -> str:
        """Makes a task of these people and oneself; the beginning of its routes."""
        ids = [p.client.get("/api/me").json()["id"] for p in (self, *people)]
        made = self.ok("/api/tasks", name=name, dataset=dataset, people=ids, **more)
        return f"/api/tasks/{made['task']}"

    def told(self, path: str, **body: Any) -> dict[str, tuple[int, str, str]]:
        """Status, code and message of a refusal, in each language."""
        seen = {}
        for language in ("en", "id"):
            self.ok("/api/me", language=language)
            answer = self.post(path, **body)
            error = answer.json()["error"]
            assert answer.headers["content-language"] == language
            seen[language] = (answer.status_code, error["code"], error["message"])
        return seen


@dataclass
class Running:
    """`maksud label` as people start it."""

    process: subprocess.Popen[str]
    url: str
    store: Path
    clients: list[httpx.Client]

    def page(self, name: str, role: str) -> Page:
        """A new person of that role, signed in."""
        store = Store(self.store)
        person = store.write(lambda c: add_person(c, name, role, store.clock()))
        link = store.write(lambda c: make_link(c, person.id, store.clock()))
        store.close()
        client = httpx.Client(base_url=self.url, timeout=60, trust_env=False)
        self.clients.append(client)
        assert client.post("/api/session", json={"link": link}).status_code == 200
        csrf = client.get("/").text.partition('name="csrf" content="')[2].partition('"')[0]
        return Page(client, csrf)


@contextmanager
def running(store: Path) -> Iterator[Running]:
    process = subprocess.Popen(
        [sys.executable, "-m", "maksud", "label", "--store", str(store), "--port", "0", "--json",
         "--set", "access_log=false"],
        cwd=store.parent, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stdout is not None
    made = Running(process, "", store, [])
    try:
        made.url = json.loads(process.stdout.readline())["url"]
        yield made
    finally:
        for client in made.clients:
            client.close()
        process.kill()
        process.wait()
        process.stdout.close()
