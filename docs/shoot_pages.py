"""Takes the pictures of the labelling pages for the docs, and of all pages to be looked over.

    python docs/shoot_pages.py                # writes docs/label-*.png
    python docs/shoot_pages.py --all DIR      # every page: two widths, languages and themes

A team's work is invented on the shipped data, the application is started over it, and Chromium
opens its pages. Needs Playwright and a Chromium; with Pillow a picture keeps 256 colours, a third
of the bytes.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from maksud.data.dataset import Dataset, Example
from maksud.demo.shipped import load_shipped
from maksud.labelling import gold, jobs, packages, proposals
from maksud.labelling.library import register, save_template
from maksud.labelling.people import (
    Person,
    add_person,
    change_person,
    first_admin,
    list_people,
    make_link,
)
from maksud.labelling.store import Store
from maksud.labelling.tasks import Task, Wanted, create_task, list_tasks, task_for
from maksud.labelling.templates import parse_template
from maksud.labelling.terms import Terms
from maksud.labelling.web.app import House, bind, server_of
from maksud.labelling.web.settings import LabelSettings
from maksud.labelling.work import Said, claim, save
from maksud.labelling.workflow import ABANDON, ANSWER, CHECK, LABEL

DOCS = Path(__file__).parent
PHONE, DESK = 390, 1440
TEMPLATE = """show:
- instruction
- {field: toko, title: Toko}
ask:
- {title: output, kind: calls}
- title: nada
  kind: choice
  options: [{value: positif, key: p}, {value: negatif, key: n}]
- title: keluhan
  kind: choices
  options: [harga, mutu, kiriman]
  when: {question: nada, is: negatif}
- title: sebutan
  kind: span
  required: false
  options: [{value: barang, key: b}, {value: tempat, key: t}]
- {title: nomor, kind: input, required: false, pattern: "#?[0-9]+", hint: "seperti #1203"}
reasons: [derau, bukan bahasa ini]
guide: Baca seluruh ujaran dahulu.
"""


# ---------------------------------------------------------------- a team, and what it did


@dataclass
class Team:
    """A store in which a team has worked for a while."""

    store: Store
    people: dict[str, Person]
    tasks: dict[str, int]


def furnish(store: Store) -> Team:
    """Invents a team and its work: labels that differ, checks, packages, proposals, a form."""
    now = store.clock()
    with store.writing() as c:
        admin = first_admin(c, now)
        people = {n: add_person(c, n, role, now) for n, role in
                  (("Ana", "annotator"), ("Budi", "annotator"), ("Citra", "leader"),
                   ("Nomi", "leader"), ("Oki", "annotator"))}  # fmt: skip
        people["admin"] = admin
    team = Team(store, people, {})
    _label_twice(team)
    _pack(team)
    _ask_more(team)
    return team


def meet(store: Store) -> Team:
    """The team of a store that was furnished before."""
    with store.reading() as c:
        people = {p.name: p for p in list_people(c)}
        tasks = {t["name"]: t["id"] for t in list_tasks(c, people["admin"])}
    return Team(store, people, tasks)


def _members(team: Team, *names: str) -> list[int]:
    return [team.people[n].id for n in names]


def _rows(scenario: str, count: int, longest: int = 60) -> list[Example]:
    """Rows of the shipped training data, of every intent in turn, with short utterances."""
    known = load_shipped(scenario, "id")
    by: dict[str, list[Example]] = {}
    for e in known.train:
        if len(e.instruction) <= longest and "turns" not in e.metadata:
            by.setdefault(e.output.partition("(")[0], []).append(e)
    mixed = [e for some in itertools.zip_longest(*by.values()) for e in some if e is not None]
    return mixed[:count]


def _make(
    team: Team, name: str, rows: Sequence[Example], members: Sequence[str], **wanted: Any
) -> Task:
    with team.store.writing() as c:
        now = team.store.clock()
        data = register(c, name.lower(), Dataset(rows, name=name), f"{name.lower()}.json", now)
        id = create_task(c, Wanted(name, data, _members(team, *members), **wanted), now)
        team.tasks[name] = id
        return task_for(c, id, team.people["admin"])


def _say(team: Team, task: Task, name: str, stage: str, output: str, kind: str = ANSWER) -> None:
    """One person answers the next item of a stage."""
    with team.store.writing() as c:
        now, person = team.store.clock(), team.people[name]
        item = claim(c, task, person, stage, now)
        if item is None:
            return
        key = f"{stage}-{item}-{person.id}-{time.monotonic_ns()}"
        reason = "hanya gumam" if kind == ABANDON else ""
        save(c, task, person, Said(item, stage, kind, key, output, reason, seconds=6.5), now)


def _next(team: Team, task: Task, name: str, stage: str) -> str:
    """The utterance of the item that a person would get next; "" for none."""
    from sqlalchemy import select

    from maksud.labelling.tables import items, rows

    with team.store.writing() as c:
        item = claim(c, task, team.people[name], stage, team.store.clock())
        if item is None:
            return ""
        data = c.scalar(select(rows.c.data).join(items).where(items.c.id == item))
        return str(data["instruction"])


def _label_twice(team: Team) -> None:
    """Two people label each item, differ now and then, and are checked."""
    given = _rows("voice_assistant", 110)
    right = {e.instruction: e.output for e in given}
    catalog = load_shipped("voice_assistant", "id").declared_catalog
    raw = [Example(e.instruction, "") for e in given]
    task = _make(team, "Rumah pintar", raw, ("Ana", "Budi", "Citra", "admin"), votes=2,
                 stages=(LABEL, CHECK), catalog=catalog, open=False,
                 terms=Terms(deadline=team.store.clock() + 5 * 86400))  # fmt: skip
    with team.store.writing() as c:
        now = team.store.clock()
        gold.seed_gold(c, task, team.people["Citra"], given[20:26], now)
        for name, what in (("pause_music", "Menjeda lagu yang sedang diputar"),
                           ("brighter_light", "Membuat lampu lebih terang")):  # fmt: skip
            proposals.propose(c, task, team.people["Ana"], name, "", {"description": what}, now)
    wrong = {"Ana": ("volume_up()", "music_exit()", "none()"),
             "Budi": ("none()", "volume_down()")}  # fmt: skip
    for name, step in (("Ana", 9), ("Budi", 7)):
        for k in range(84):
            said = _next(team, task, name, LABEL)
            if not said:
                break
            slips = wrong[name]
            output = slips[k % len(slips)] if k % step == step - 1 else right[said]
            _say(team, task, name, LABEL, output, ABANDON if k == 40 else ANSWER)
    for k in range(16):
        said = _next(team, task, "Citra", CHECK)
        _say(team, task, "Citra", CHECK, right[said] if k % 6 else "none()")


def _pack(team: Team) -> None:
    """Packages, one of them held, one accepted by a sample, and a deadline that is over."""
    given = _rows("customer_service", 40)
    catalog = load_shipped("customer_service", "id").declared_catalog
    task = _make(team, "Obrolan toko", [Example(e.instruction, e.output) for e in given],
                 ("Ana", "Budi", "Citra", "admin"), stages=(LABEL, "accept"), catalog=catalog,
                 terms=Terms("size", "10", 0.3, deadline=team.store.clock() - 86400))  # fmt: skip
    right = {e.instruction: e.output for e in given}
    for _ in range(23):
        said = _next(team, task, "Ana", LABEL)
        _say(team, task, "Ana", LABEL, right[said])
    for _ in range(4):
        said = _next(team, task, "Citra", "accept")
        _say(team, task, "Citra", "accept", right[said])
    with team.store.writing() as c:
        found = packages.list_packages(c, task, team.people["admin"], team.store.clock())
        for p in found:
            if p["states"].get("accept") and not p["sampled"] and not p["states"].get("label"):
                packages.decide(
                    c, task, team.people["Citra"], p["id"], True, "", team.store.clock()
                )
                break
        packages.assign(c, task, found[-1]["id"], team.people["Budi"].id)


def _ask_more(team: Team) -> None:
    """A task whose template asks more than calls."""
    given = _rows("customer_service", 60)[40:]
    with team.store.writing() as c:
        id = save_template(c, "ulasan", parse_template(TEMPLATE), team.store.clock())
    rows = [Example(e.instruction, "", metadata={"toko": "Cabang Solo"}) for e in given]
    catalog = load_shipped("customer_service", "id").declared_catalog
    _make(team, "Ulasan", rows, ("Ana", "Citra", "admin"), template=id, catalog=catalog)


# ---------------------------------------------------------------- the application


@contextmanager
def served(store: Store) -> Iterator[tuple[House, str]]:
    """The application over a store, in a thread, and its address."""
    settings = LabelSettings(port=0, access_log=False)
    house = House(store, settings, None)
    server = server_of(house)
    with bind(settings) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield house, f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)
            house.assistant.close()


def begin(house: House, task: int, kind: str) -> None:
    """Begins a job of a task, unless one is done."""
    with house.store.reading() as c:
        about = task_for(c, task, first_admin(c, 0.0))
        last = jobs.latest(c, task, kind)
    if last is None or last["state"] != jobs.DONE:
        house.assistant.begin(about, kind)


def wait_for(house: House, task: int, kind: str) -> None:
    """Waits until a job of a task is over, and takes up what it left."""
    while True:
        house.assistant.look()
        job = house.store.read(lambda c: jobs.latest(c, task, kind))
        if job is None or job["state"] != jobs.RUNNING:
            break
        time.sleep(1)
    house.assistant.suggester(task)
    house.assistant.look()


# ---------------------------------------------------------------- pictures


@dataclass(frozen=True)
class Shot:
    """A picture: whose page it is, and what is done in it before."""

    name: str
    path: str
    who: str = "Citra"
    before: Callable[[Any], None] = lambda page: None
    language: str = "id"
    width: int = DESK
    height: int = 900
    dark: bool = False
    whole: bool = True


def answer_ready(page: Any) -> None:
    """Waits until an item is there."""
    page.locator("#number:not(:empty)").wait_for()  # the pages' policy forbids to ask by text
    page.wait_for_timeout(300)


def shots(team: Team) -> list[Shot]:
    """Every page that there is, with something on it, and empty where it can be."""
    smart, shop, form = (
        f"/tasks/{team.tasks[n]}" for n in ("Rumah pintar", "Obrolan toko", "Ulasan")
    )

    def search(page: Any) -> None:
        answer_ready(page)
        page.keyboard.press("/")
        page.keyboard.type("lamp")
        page.wait_for_timeout(200)

    def propose(page: Any) -> None:
        answer_ready(page)
        page.keyboard.press("/")
        page.keyboard.type("pause")
        page.locator("#found li").last.click()
        page.wait_for_timeout(200)

    def select(page: Any) -> None:
        answer_ready(page)
        page.keyboard.press("n")
        page.locator(".word").nth(1).click()
        page.wait_for_timeout(200)

    def reason(page: Any) -> None:
        answer_ready(page)
        page.keyboard.press("a")

    def opened(page: Any) -> None:
        page.locator("summary").first.click()
        page.evaluate("() => window.scrollTo(0, 0)")

    def told(page: Any) -> None:
        answer_ready(page)
        page.fill("#text", "set_alarm(time=besok")
        page.press("#text", "Enter")
        page.wait_for_timeout(400)

    return [
        Shot("sign-in", "/in", ""),
        Shot("home", "/"), Shot("home-empty-leader", "/", "Nomi"),
        Shot("home-empty", "/", "Oki"), Shot("new", "/new", "admin"),
        Shot("people", "/people", "admin"), Shot("templates", "/templates"),
        Shot("template", "/templates/2"), Shot("template-new", "/templates/new"),
        Shot("task", smart), Shot("task-annotator", smart, "Ana"),
        Shot("label", f"{smart}/label", "Ana", answer_ready),
        Shot("label-search", f"{smart}/label", "Ana", search),
        Shot("label-propose", f"{smart}/label", "Ana", propose),
        Shot("label-reason", f"{smart}/label", "Ana", reason),
        Shot("label-error", f"{smart}/label", "Ana", told),
        Shot("label-form", f"{form}/label", "Ana", select),
        Shot("judge", f"{smart}/check?stage=judge", "Citra", answer_ready),
        Shot("check", f"{smart}/check?stage=check", "Citra", answer_ready),
        Shot("nothing", f"{form}/check?stage=check", "Citra"),
        Shot("help", f"{smart}/help"), Shot("quality", f"{smart}/quality"),
        Shot("quality-empty", f"{form}/quality"), Shot("help-empty", f"{form}/help"),
        Shot("proposals", f"{smart}/proposals"), Shot("proposals-empty", f"{shop}/proposals"),
        Shot("packages", f"{shop}/packages", "Citra", opened),
        Shot("packages-annotator", f"{shop}/packages", "Ana"),
        Shot("error", "/tasks/99"),
    ]  # fmt: skip


class Camera:
    """A browser, with a window for each person, width and theme."""

    def __init__(self, browser: Any, url: str, team: Team) -> None:
        self.browser, self.url, self.team = browser, url, team
        self.windows: dict[tuple[str, int, bool], Any] = {}

    def window(self, shot: Shot) -> Any:
        """A page that belongs to the person of the picture."""
        key = shot.who, shot.width, shot.dark
        if key not in self.windows:
            context = self.browser.new_context(
                has_touch=shot.width == PHONE, color_scheme="dark" if shot.dark else "light"
            )
            if shot.who:
                person = self.team.people[shot.who]
                now = self.team.store.clock()
                secret = self.team.store.write(lambda c: make_link(c, person.id, now))
                answer = context.request.post(
                    self.url + "/api/session", data={"link": secret}, headers={"origin": self.url}
                )
                assert answer.ok, answer.text()
            self.windows[key] = context.new_page()
            self.windows[key].set_default_timeout(30_000)
        return self.windows[key]

    def take(self, shot: Shot, out: Path) -> None:
        """Takes a picture."""
        if shot.who:
            person = self.team.people[shot.who]
            with self.team.store.writing() as c:
                change_person(c, person.id, language=shot.language)
        page = self.window(shot)
        page.set_viewport_size({"width": shot.width, "height": shot.height})
        path = shot.path + ("?lang=" + shot.language if shot.path == "/in" else "")
        page.goto(self.url + path)
        shot.before(page)
        page.screenshot(path=out, full_page=shot.whole)
        shrink(out)


def shrink(picture: Path) -> None:
    """Keeps 256 colours of a picture, where Pillow is there."""
    with suppress(ImportError):
        from PIL import Image

        with Image.open(picture) as image:
            image.convert("RGB").quantize(256, dither=0).save(picture, optimize=True)


VARIANTS = ((DESK, "id", False), (DESK, "en", True), (PHONE, "id", True), (PHONE, "en", False))
"""Each width, language and theme with each other one, in pairs."""


def every(wanted: Sequence[Shot]) -> Iterator[Shot]:
    """Each picture in all variants."""
    for shot in wanted:
        for width, language, dark in VARIANTS:
            name = f"{shot.name}-{width}-{language}-{'dark' if dark else 'light'}"
            yield replace(shot, name=name, width=width, language=language, dark=dark)


def pictures(team: Team) -> list[Shot]:
    """Those of the docs, by the names of their files."""
    found = {s.name: s for s in shots(team)}

    def chosen(page: Any) -> None:
        answer_ready(page)
        page.keyboard.press("2")
        page.locator(".word").nth(2).click()
        page.wait_for_timeout(300)

    near = {"width": 1040, "height": 1060, "whole": False}
    long = {"height": 1400, "whole": False}
    phone = {"width": PHONE, "height": 844, "whole": False}
    dark = {"language": "en", "dark": True, "height": 1200, "whole": False}
    wanted: dict[str, tuple[str, dict[str, Any]]] = {
        "label-desk": ("label", {**near, "before": chosen}),
        "label-phone": ("label", {**phone, "before": chosen}),
        "label-form": ("label-form", long), "label-decide": ("judge", near),
        "label-template": ("template", {}), "label-new": ("new", {"language": "en"}),
        "label-quality": ("quality", dark),
        "label-packages": ("packages", {"language": "en", "height": 760, "whole": False}),
        "label-people": ("people", {**phone, "dark": True}),
    }  # fmt: skip
    return [replace(found[old], name=name, **given) for name, (old, given) in wanted.items()]


def main() -> int:
    """Takes the pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--all", type=Path, metavar="DIR", help="every page, into a folder")
    parser.add_argument("--only", nargs="*", default=[], help="those whose names begin so")
    parser.add_argument("--store", type=Path, help="a team's store: of an earlier run, or to keep")
    given = parser.parse_args()
    from playwright.sync_api import sync_playwright

    at = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    with tempfile.TemporaryDirectory(prefix="pages-") as place:
        file = given.store or Path(place) / "labels.db"
        known = file.exists()
        store = Store(file)
        team = meet(store) if known else furnish(store)
        with served(store) as (house, url), sync_playwright() as driver:
            smart = team.tasks["Rumah pintar"]
            begin(house, smart, jobs.LEARN)
            wait_for(house, smart, jobs.LEARN)
            browser = driver.chromium.launch(executable_path=at, args=["--no-sandbox"])
            camera = Camera(browser, url, team)
            out = given.all or DOCS
            out.mkdir(parents=True, exist_ok=True)
            wanted = pictures(team) if given.all is None else every(shots(team))
            for shot in sorted(wanted, key=lambda s: "quality" in s.name):
                if given.only and not any(shot.name.startswith(n) for n in given.only):
                    continue
                if "quality" in shot.name:
                    begin(house, smart, jobs.DOUBT)
                    wait_for(house, smart, jobs.DOUBT)
                camera.take(shot, out / f"{shot.name}.png")
            browser.close()
        store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
