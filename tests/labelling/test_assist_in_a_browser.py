"""Help and quality in Chromium: near-identical utterances answered with a key, order and settings,
gold items and a second look, without a complaint of the policy."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from labelling_server import Served, serving
from sqlalchemy import insert

from maksud.data.dataset import Example
from maksud.labelling.tables import doubts, items


def _shared() -> Any:
    """What the other browser tests share: a person at a browser, and a task."""
    file = Path(__file__).with_name("test_in_a_browser.py")
    spec = importlib.util.spec_from_file_location("labelling_in_a_browser", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


shared = _shared()
Desk, make_task, expect, browser = shared.Desk, shared.make_task, shared.expect, shared.browser
pytestmark = shared.pytestmark

SAID = [
    "tolong putar lagu Hampa sekarang juga ya",
    "cuaca Hangzhou bagaimana",
    "tolong putar lagu Separuh sekarang juga ya",
    "tolong putar lagu Hampa sekarang juga dong",
    "Tolong putar lagu Hampa, sekarang juga ya!",
]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path / "labels.db") as running:
        yield running


def test_nearly_identical_utterances_are_answered_with_a_key(browser: Any, served: Served) -> None:
    ana = served.person("Ana", "annotator")
    task = make_task(served, [ana], [Example(u, "") for u in SAID])
    desk = Desk(browser, served, ana)
    page = desk.page
    desk.go(f"/tasks/{task}/label")
    desk.at(1)
    desk.sees("order", "Urutan: seperti berkas")
    desk.answers("play_music(song=Hampa)")
    desk.at(2)
    boxes = page.locator("#alike-items label")
    expect(boxes).to_have_count(2)  # not the one with another song
    expect(boxes.nth(0)).to_contain_text("Hampa, sekarang")
    expect(boxes.nth(0).locator("input")).to_be_checked()  # the very same words
    expect(boxes.nth(1).locator("input")).not_to_be_checked()
    expect(boxes.nth(1).locator("mark")).to_have_text("dong")
    boxes.nth(1).locator("input").check()
    page.keyboard.press("l")
    desk.sees("alike-done", "2 ujaran dijawab sama")
    expect(page.locator("#alike")).to_be_hidden()
    desk.at(2)  # what is in hand stayed there
    desk.answers("weather_search(Hangzhou)")
    desk.at(3)
    desk.answers("play_music(song=Separuh)")
    desk.has_nothing_left()
    assert desk.complaints == []
    desk.context.close()


def test_a_leader_chooses_help_and_looks_at_quality(
    browser: Any, served: Served, tmp_path: Path
) -> None:
    people = [served.person("Ana", "annotator"), served.person("Citra", "leader")]
    task = make_task(served, people, [Example(u, "") for u in SAID], votes=2, agree=2,
                     stages=["label", "check"])  # fmt: skip
    citra = Desk(browser, served, people[1])
    page = citra.page
    citra.go(f"/tasks/{task}")
    page.get_by_role("link", name="Bantuan model").click()
    page.get_by_label("Urutan antrean").select_option("random")
    page.get_by_label("Persen butir tanpa saran").fill("25")
    page.get_by_role("button", name="Ubah").click()
    expect(page.get_by_label("Persen butir tanpa saran")).to_have_value("25")
    expect(page.get_by_label("Urutan antrean")).to_have_value("random")
    page.get_by_role("button", name="Latih sekarang").click()
    expect(page.locator(".told").first).to_contain_text("terlalu sedikit untuk belajar")
    citra.go(f"/tasks/{task}/label")
    expect(page.locator("#order")).to_have_text("Urutan: sampel acak")

    gold = tmp_path / "gold.json"
    gold.write_text(json.dumps([{"instruction": SAID[1], "output": "weather_search(Hangzhou)"}]))
    citra.go(f"/tasks/{task}/quality")
    page.get_by_label("Berkas berlabel").set_input_files(gold)
    page.get_by_role("button", name="Tambahkan").click()
    expect(page.locator("#gold li")).to_contain_text(SAID[1])

    # Ana says the same of everything, and is wrong about the weather.
    for who, answers in ((people[0], {}), (people[1], {2: "weather_search(Hangzhou)"})):
        for number in range(1, 6):
            _label(served, task, who, number, answers.get(number, "volume_down()"))
    with served.store.writing() as c:  # as a search for label errors leaves it
        c.execute(items.update().where(items.c.id == 1).values(state="done"))
        c.execute(insert(doubts).values(item_id=1, task_id=task, place=0, given="volume_down()",
                                        suggested="play_music()", why="x"))  # fmt: skip
        c.execute(shared_acts_of_a_check(task, people[1].id))
    citra.go(f"/tasks/{task}/quality")
    expect(page.get_by_role("row", name="Ana")).to_contain_text("0%")
    expect(page.locator(".confusion .differs").first).to_have_text("1")
    expect(page.locator("#doubts li")).to_contain_text("play_music()")
    page.get_by_role("button", name="Kirim kembali").click()
    expect(page.locator("#doubts li")).to_have_count(0)
    citra.go(f"/tasks/{task}/check?stage=check&item=1")
    expect(page.locator("#feedback")).to_contain_text("diragukan; lebih mungkin: play_music()")
    page.set_viewport_size({"width": 390, "height": 844})
    citra.go(f"/tasks/{task}/quality")
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, "the page is wider than a phone"
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Doubted labels")).to_be_visible()
    citra.complaints = [c for c in citra.complaints if "409" not in c]  # told to the leader
    assert citra.complaints == []
    citra.context.close()


def shared_acts_of_a_check(task: int, user: int) -> Any:
    """The check that made item 1 done."""
    from maksud.labelling.tables import acts

    return insert(acts).values(
        item_id=1, task_id=task, user_id=user, stage="check", kind="answer", round=1,
        output="volume_down()", reason="", comment="", suggested="", offered="", seconds=1.0,
        key="check", fingerprint="x", state="done", created=0.0,
    )  # fmt: skip


def _label(served: Served, task: int, person: Any, item: int, output: str) -> None:
    from maksud.labelling.tasks import task_for
    from maksud.labelling.work import Said, claim, save

    def do(c: Any) -> None:
        found, now = task_for(c, task, person), served.store.clock()
        claim(c, found, person, "label", now, item)
        save(c, found, person, Said(item, "label", "answer", f"b{item}", output), now)

    served.store.write(do)
