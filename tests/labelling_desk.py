"""A person before a browser of their own, for tests of the labelling pages.

Skipped where there is no Chromium, or no Playwright to drive it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from labelling_cases import CATALOG
from labelling_server import Served, serving

from maksud.data.dataset import Dataset, Example
from maksud.labelling.library import register
from maksud.labelling.people import Person
from maksud.labelling.tasks import Wanted, create_task
from maksud.language.catalog import Catalog

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
playwright = pytest.importorskip("playwright.sync_api")
IN_A_BROWSER = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium"),
    pytest.mark.timeout(900),
]
IN_LANGUAGES_AND_WIDTHS = pytest.mark.parametrize(
    ("language", "width"),
    [
        ("id", 390),
        ("en", 1440),
        pytest.param("id", 1440, marks=pytest.mark.slow),
        pytest.param("en", 390, marks=pytest.mark.slow),
    ],
)
expect = playwright.expect
PATIENCE = 60_000
"""Milliseconds: a busy machine is no fault."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    expect.set_options(timeout=PATIENCE)
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path / "labels.db") as running:
        yield running


class Desk:
    """A person before a browser of their own. What the console or the policy complains of, and
    every dialog that opens, is kept in `complaints`."""

    def __init__(
        self, browser: Any, served: Served, person: Person, width: int = 1440, touch: bool = False
    ) -> None:
        self.url = served.url
        size = {"width": width, "height": 900}
        self.context = browser.new_context(viewport=size, has_touch=touch)
        self.context.set_default_timeout(PATIENCE)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda m: m.type == "error" and self.complaints.append(m.text))
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.on("dialog", lambda d: (self.complaints.append(d.message), d.dismiss()))
        self.page.goto(f"{self.url}/in#{served.link(person)}")
        self.page.get_by_role("button", name="Masuk").click()
        self.page.wait_for_url(f"{self.url}/")

    def go(self, path: str) -> None:
        self.page.goto(self.url + path)

    def looks_over(self, path: str, language: str) -> None:
        """Opens a page: it speaks the language, nothing is cut, and each control has a name."""
        page = self.page
        self.go(path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.lang") == language
        room, scroll = page.evaluate(
            "[document.documentElement.clientWidth, document.documentElement.scrollWidth]"
        )
        assert scroll <= room, path
        nameless = page.evaluate(
            """() => [...document.querySelectorAll("button, a, input, select, textarea")]
            .filter((e) => e.offsetParent && !(e.innerText || "").trim() && !(e.labels || []).length
              && !e.getAttribute("aria-label")).map((e) => e.outerHTML.slice(0, 80))"""
        )
        assert nameless == [], path

    def sees(self, id: str, text: str) -> None:
        expect(self.page.locator(f"#{id}")).to_have_text(text)

    def types(self, keys: str) -> None:
        """Types as on a keyboard: `Enter` is a key, other words are text."""
        for part in keys.split(" "):
            if part in ("Enter", "Escape", "ArrowRight", "ArrowLeft", "Space"):
                self.page.keyboard.press(part)
            else:
                self.page.keyboard.type(part)

    def answers(self, text: str) -> None:
        """Writes the call text, and saves it."""
        self.page.fill("#text", text)
        self.page.press("#text", "Enter")

    def reasons(self, key: str, reason: str) -> None:
        """Abandons or rejects what is asked, by its key, and says why."""
        self.types(key)
        self.page.fill("#reason", reason)
        self.page.press("#reason", "Enter")

    def at(self, number: int) -> None:
        """Waits for an item."""
        self.sees("number", str(number))

    def has_nothing_left(self) -> None:
        expect(self.page.locator("#empty")).to_be_visible()


def make_task(
    served: Served,
    people: list[Person],
    examples: list[Example],
    catalog: Catalog | None = CATALOG,
    **wanted: Any,
) -> int:
    now = served.store.clock()

    def make(c: Any) -> int:
        dataset = register(c, "raw", Dataset(examples, name="raw"), "raw.json", now)
        task = Wanted("Tugas", dataset, [p.id for p in people], catalog=catalog, **wanted)
        return create_task(c, task, now)

    return served.store.write(make)
