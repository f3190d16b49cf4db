"""The pages in Chromium, as people use them: the guide's own walk, and a team that disagrees.

Skipped where there is no Chromium, or no Playwright to drive it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import labelling_desk
import pytest
from guide_script import GUIDES
from labelling_cases import CATALOG
from labelling_desk import IN_A_BROWSER, IN_LANGUAGES_AND_WIDTHS, Desk, expect, make_task
from labelling_server import Served

from maksud.data.dataset import Example
from maksud.data.formats.files import load
from maksud.language.calls import NONE, parse_calls
from maksud.language.catalog import Catalog

pytestmark = IN_A_BROWSER
browser, served = labelling_desk.browser, labelling_desk.served

GUIDE_ROWS = [
    ("Saya ingin mendengarkan musik", "play_music()"),
    ("Terlalu keras, turunkan suaranya", "volume_down()"),
    ("Saya tidak ingin mendengarkan ini, matikan", "music_exit()"),
    ("Saya ingin mengunjungi Hangzhou. Periksa prakiraan cuaca untuk saya",
     "weather_search(Hangzhou)"),
]  # fmt: skip


def test_the_guide_s_own_walk(browser: Any, served: Served, guide: Path, tmp_path: Path) -> None:
    """Import the manifest, take the default template, make a task, label its utterances, check
    them, export the manifest, convert it with the guide's script: the guide's own rows."""
    wanted = [(e.instruction, e.output) for e in load(guide / "export.manifest")]
    if guide == GUIDES.get("theirs"):
        assert wanted == GUIDE_ROWS
    desk = Desk(browser, served, served.admin())
    page = desk.page
    page.get_by_role("link", name="Tugas baru").first.click()
    page.get_by_label("Berkas").set_input_files(guide / "import.manifest")
    page.get_by_role("textbox", name="Nama set data").first.fill("panduan")
    page.get_by_role("button", name="Daftarkan").click()
    chosen = page.locator("select[name=dataset]")
    expect(chosen).to_contain_text(f"panduan · {len(wanted)} baris")
    page.get_by_label("Nama tugas").fill("Rumah pintar")
    page.get_by_label("Pemeriksaan").check()
    page.get_by_role("button", name="Buat tugas").click()
    page.get_by_role("link", name="Labeli").click()
    for number, (utterance, output) in enumerate(wanted, 1):
        desk.at(number)
        assert page.locator("#said").evaluate("e => e.textContent") == utterance
        [call] = parse_calls(output)
        if number == 1:  # by hand, as the guide does
            desk.answers(output)
            continue
        if call == NONE:
            desk.types("0")
        else:  # the intent by search; the value by its words
            desk.types(f"/ {call.intent}")
            expect(page.locator("#found li").first).to_contain_text(call.intent)
            desk.types("Enter")
        for argument in call.arguments:
            for word in argument.value.split():
                page.locator(".word", has_text=re.compile(f"^{word}$")).first.click()
            desk.types("1")
        expect(page.locator("#text")).to_have_value(output)
        desk.types("Enter")
    desk.has_nothing_left()

    desk.go("/")
    page.get_by_role("link", name="Periksa").click()
    for number, (_, output) in enumerate(wanted, 1):
        desk.at(number)
        expect(page.locator("#text")).to_have_value(output)
        desk.types("Enter")
    desk.has_nothing_left()

    page.get_by_role("link", name="Rincian").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Manifes iTAG").click()
    work = tmp_path / "work"
    work.mkdir()
    download.value.save_as(work / "test_json.manifest")
    done = subprocess.run(
        [sys.executable, str(guide / "convert.py")], cwd=work, capture_output=True, text=True
    )
    assert done.returncode == 0 and "Error" not in done.stdout, done.stdout
    rows = json.loads((work / "train.json").read_text(encoding="utf-8"))
    assert rows == [{"instruction": said, "output": output} for said, output in wanted]
    exported = (work / "test_json.manifest").read_text(encoding="utf-8").splitlines()
    blocks = [k for k in json.loads(exported[0]) if k.startswith("label-")]
    assert sum(k.endswith("-check") for k in blocks) == 1
    assert desk.complaints == []
    desk.context.close()


def test_a_team_that_disagrees(browser: Any, served: Served, tmp_path: Path) -> None:
    """Two annotators and a leader label each item; what they do not agree on the leader decides,
    checks and sends back; the feedback comes to the labeller; the export is read as
    training data."""
    said = [
        ("putar lagu Hampa", "play_music(song=Hampa)"),
        ("turunkan suaranya", "volume_down()"),
        ("cuaca Hangzhou bagaimana", "weather_search(Hangzhou)"),
    ]
    people = [served.person("Ana", "annotator"), served.person("Budi", "annotator"),
              served.person("Citra", "leader")]  # fmt: skip
    task = make_task(
        served, people, [Example(u, "") for u, _ in said], votes=3, stages=["label", "check"]
    )
    ana, budi, citra = (Desk(browser, served, p) for p in people)
    wrong = {"Ana": {2: "none()"}, "Budi": {2: "play_music()"}, "Citra": {}}
    for desk, person in zip((ana, budi, citra), people, strict=True):
        desk.go(f"/tasks/{task}/label")
        for number, (_, right) in enumerate(said, 1):
            desk.at(number)
            desk.answers(wrong[person.name].get(number, right))
        desk.has_nothing_left()
    expect(citra.page.locator("#waiting")).to_have_text(
        "1 menunggu putusan · 2 menunggu pemeriksaan"
    )

    citra.go(f"/tasks/{task}/check?stage=judge")
    citra.at(2)
    labels = citra.page.locator("#suggestions li")
    expect(labels).to_have_count(3)
    expect(labels.first).to_contain_text("Ana")
    expect(citra.page.locator("#suggestions mark").first).to_be_visible()  # the words that differ
    citra.types("3")
    expect(citra.page.locator("#text")).to_have_value("volume_down()")
    citra.types("Enter")
    citra.has_nothing_left()

    citra.go(f"/tasks/{task}/check?stage=check")
    citra.at(1)
    citra.reasons("r", "judulnya kurang")
    citra.at(2)
    citra.types("Enter")
    citra.at(3)
    citra.types("Enter")
    citra.has_nothing_left()

    ana.go(f"/tasks/{task}")
    expect(ana.page.locator("main")).to_contain_text("Dikembalikan: judulnya kurang")
    for desk in (ana, budi, citra):
        desk.go(f"/tasks/{task}/label")
        desk.at(1)
        expect(desk.page.locator("#feedback")).to_have_text("Dikembalikan: judulnya kurang")
        desk.answers(said[0][1])
        desk.has_nothing_left()
    citra.go(f"/tasks/{task}/check?stage=check")
    citra.at(1)
    citra.types("Enter")
    citra.has_nothing_left()

    citra.go(f"/tasks/{task}")
    expect(citra.page.locator("main")).to_contain_text("alfa Krippendorff")
    with citra.page.expect_download() as download:
        citra.page.get_by_role("link", name="JSON pelatihan").click()
    download.value.save_as(tmp_path / "train.json")
    data = load(tmp_path / "train.json")
    assert [(e.instruction, e.output) for e in data] == said
    data.require_parsed()
    for desk in (ana, budi, citra):
        assert desk.complaints == []
        desk.context.close()


def test_labelling_with_the_keyboard_alone(browser: Any, served: Served) -> None:
    """Suggestions by number, words by arrows, undo, skip, abandon, and messages while typing."""
    admin = served.admin()
    examples = [
        Example("putar lagu Hampa sekarang", "play_music(song=Hampa)"),
        Example("nyalakan lampu", ""),
        Example("hmm", ""),
    ]
    task = make_task(served, [admin], examples)
    desk = Desk(browser, served, admin)
    page = desk.page
    desk.go(f"/tasks/{task}/label")
    desk.at(1)
    expect(page.locator("#text")).to_have_value("play_music(song=Hampa)")  # what the data says
    desk.types("0")
    expect(page.locator("#text")).to_have_value("none()")
    desk.types("1")
    expect(page.locator("#text")).to_have_value("play_music(song=Hampa)")
    desk.types("Enter")  # one key confirms
    desk.at(2)
    desk.types("/ lihgt")  # typed in haste
    expect(page.locator("#found li").first).to_contain_text("set_light")
    desk.types("Enter")
    page.get_by_label("Nilai state").select_option("on")
    expect(page.locator("#text")).to_have_value("set_light(state=on)")
    page.fill("#text", "set_light(state=merah)")
    expect(page.locator("#messages .error")).to_contain_text("bukan salah satu nilainya")
    page.press("#text", "Enter")
    expect(page.locator("#alert")).to_be_visible()
    page.fill("#text", "set_light(state=on")
    expect(page.locator("#messages .error")).to_contain_text("teks berakhir di karakter 18")
    page.fill("#text", "set_light(state=on)")
    expect(page.locator("#messages .good")).to_be_visible()
    page.press("#text", "Enter")
    desk.at(3)
    desk.types("u")
    desk.at(2)
    expect(page.locator("#text")).to_have_value("set_light(state=on)")
    desk.types("/ play_music Enter")
    page.locator(".word").first.focus()
    desk.types("ArrowRight Space")
    expect(page.locator(".parameter kbd:visible").first).to_have_text("1")
    desk.types("1")
    expect(page.locator("#text")).to_have_value("set_light(state=on);play_music(song=lampu)")
    desk.types("Enter")
    desk.at(3)
    desk.types("s")
    expect(page.locator("#notice")).to_have_text("Dilewati")
    desk.at(3)  # it comes back last, and nothing else is left
    desk.reasons("a", "hanya gumam")
    desk.has_nothing_left()
    rows = served.script(admin).get(f"/api/tasks/{task}/export?format=json").json()
    assert [r["output"] for r in rows] == [
        "play_music(song=Hampa)", "set_light(state=on);play_music(song=lampu)",
    ]  # fmt: skip
    figures = served.script(admin).get(f"/api/tasks/{task}/figures").json()
    assert figures["people"][0]["confirmed"] == 1
    assert [c for c in desk.complaints if "status of 400" not in c] == []
    desk.context.close()


def test_an_answer_outlives_the_network(browser: Any, served: Served) -> None:
    """Kept and sent again when it is back, and stored once."""
    admin = served.admin()
    task = make_task(served, [admin], [Example("satu", ""), Example("dua", "")])
    desk = Desk(browser, served, admin)
    page = desk.page
    desk.go(f"/tasks/{task}/label")
    desk.at(1)
    page.route("**/save", lambda route: route.abort())
    desk.answers("none()")
    expect(page.locator("#alert")).to_contain_text("Jaringan terputus")
    kept = page.evaluate("() => Object.keys(localStorage).length")
    assert kept == 1
    page.unroute("**/save")
    desk.at(2)
    assert page.evaluate("() => Object.keys(localStorage).length") == 0
    mine = served.script(admin).get(f"/api/tasks/{task}/mine").json()["acts"]
    assert [a["output"] for a in mine] == ["none()"]
    desk.context.close()


def test_an_ending_is_cut_from_a_value(browser: Any, served: Served) -> None:
    """What hangs on a word, as -nya does, is not part of the value: by key, and by touch."""
    admin = served.admin()
    task = make_task(served, [admin], [Example("setel lagu Hampanya dong", "")])
    desk = Desk(browser, served, admin, 390)
    page = desk.page
    desk.go(f"/tasks/{task}/label")
    desk.at(1)
    desk.types("/ play_music Enter")
    page.locator(".word", has_text="Hampanya").click()
    desk.sees("selection-text", "Terpilih: Hampanya")
    desk.types("-")
    desk.sees("selection-text", "Terpilih: Hampa")
    page.get_by_role("button", name="Potong akhiran").click()  # no ending any more: a letter
    desk.sees("selection-text", "Terpilih: Hamp")
    page.locator(".word", has_text="Hampanya").click()  # let go, and taken again whole
    expect(page.locator("#selection")).to_be_hidden()
    page.locator(".word", has_text="Hampanya").click()
    desk.types("-")
    desk.types("1")
    expect(page.locator("#text")).to_have_value("play_music(song=Hampa)")
    expect(page.locator(".word.used")).to_have_text("Hampanya")
    expect(page.locator("#messages .good")).to_be_visible()  # it is in the utterance
    desk.context.close()


def test_a_finger_presses_what_it_touches(browser: Any, served: Served) -> None:
    """An intent that is tapped is chosen, and nothing that lies under the list is pressed."""
    admin = served.admin()
    task = make_task(served, [admin], [Example("satu", ""), Example("dua", "")])
    desk = Desk(browser, served, admin, 390, touch=True)
    page = desk.page
    desk.go(f"/tasks/{task}/label")
    desk.at(1)
    page.locator("#search").tap()
    option = page.locator("#found li").first
    expect(option).to_be_visible()
    save, place = page.locator("#save").bounding_box(), option.bounding_box()
    page.evaluate("(y) => window.scrollBy(0, y)", place["y"] - save["y"])  # over the button
    option.tap()
    expect(page.locator("#text")).to_have_value("play_music()")
    page.wait_for_timeout(300)
    assert page.text_content("#number") == "1"
    desk.context.close()


def test_what_was_begun_outlives_a_reload(browser: Any, served: Served) -> None:
    """And is forgotten once it is saved, or where the suggestion stands again."""
    admin = served.admin()
    rows = [Example("putar lagu Hampa", "play_music(song=Hampa)"), Example("dua", "")]
    task = make_task(served, [admin], rows)
    desk = Desk(browser, served, admin)
    page = desk.page
    desk.go(f"/tasks/{task}/label")
    desk.at(1)
    page.fill("#text", "play_music(genre=lag")
    page.reload()
    desk.at(1)
    expect(page.locator("#text")).to_have_value("play_music(genre=lag")
    page.fill("#text", "play_music(song=Hampa)")
    page.reload()
    desk.at(1)
    expect(page.locator("#suggestions button")).to_have_attribute("aria-pressed", "true")
    page.fill("#text", "none()")
    page.press("#text", "Enter")
    desk.at(2)
    expect(page.locator("#text")).to_have_value("")
    assert page.evaluate("() => sessionStorage.length") == 0
    desk.context.close()


def test_two_tabs_and_a_network_that_drops(browser: Any, served: Served) -> None:
    """Each tab's answer is kept and sent once; who is told that an item went on gets the next."""
    admin = served.admin()
    task = make_task(served, [admin], [Example(u, "") for u in ("satu", "dua", "tiga")])
    desk = Desk(browser, served, admin)
    page, other = desk.page, desk.context.new_page()
    desk.go(f"/tasks/{task}/label")
    desk.at(1)
    other.goto(f"{desk.url}/tasks/{task}/label")
    expect(other.locator("#number")).to_have_text("1")
    desk.context.set_offline(True)
    for tab, said in ((page, "volume_down()"), (other, "none()")):
        tab.fill("#text", said)
        tab.press("#text", "Enter")
        expect(tab.locator("#alert")).to_contain_text("Jaringan terputus")
    kept = "() => Object.keys(JSON.parse(Object.values(localStorage)[0])).length"
    assert page.evaluate(kept) == 2
    desk.context.set_offline(False)
    for tab in (page, other):
        expect(tab.locator("#number")).to_have_text("2")
    assert page.evaluate("() => localStorage.length") == 0
    acts = served.script(admin).get(f"/api/tasks/{task}/items/1").json()
    assert acts["mine"]["output"] in ("volume_down()", "none()")  # whichever came last

    other.fill("#text", "none()")
    other.press("#text", "Enter")
    expect(other.locator("#number")).to_have_text("3")
    page.locator("#skip").click()  # the second one, which the other tab has done
    expect(page.locator("#alert")).to_contain_text("sudah berpindah tahap")
    desk.at(3)
    desk.context.close()


@pytest.mark.parametrize(("status", "said"), [(401, "not_signed_in"), (403, "csrf")])
def test_an_answer_outlives_the_session(
    browser: Any, served: Served, status: int, said: str
) -> None:
    """Kept while one signs in again, and sent when the page is loaded again."""
    admin = served.admin()
    task = make_task(served, [admin], [Example("satu", ""), Example("dua", "")])
    desk = Desk(browser, served, admin)
    page = desk.page
    desk.go(f"/tasks/{task}/label")
    desk.at(1)
    error = {"error": {"code": said, "message": said}}
    page.route("**/save", lambda route: route.fulfill(status=status, json=error))
    desk.answers("none()")
    expect(page.locator("#alert")).not_to_be_empty()
    assert page.evaluate("() => Object.keys(localStorage).length") == 1
    page.unroute("**/save")
    page.reload()
    desk.at(2)
    mine = served.script(admin).get(f"/api/tasks/{task}/mine").json()["acts"]
    assert [a["output"] for a in mine] == ["none()"]
    desk.context.close()


HOSTILE = [
    "<img src=x onerror=alert(1)>", "<script>alert(2)</script>", "\"><svg onload=alert(3)>",
    "{{ 7*7 }} ${7*7}", "javascript:alert(4)", "' onmouseover='alert(5)",
    "</title><script>alert(6)</script>", "\u202egnp.exe", "&lt;b&gt;", "a\u0000b".replace("\0", ""),
]  # fmt: skip


def test_what_people_type_is_text(browser: Any, served: Served) -> None:
    """Hostile utterances, names and answers on every page: no dialog, no breach, the same text."""
    admin = served.admin()
    other = served.person("<img src=x onerror=alert(9)>", "leader")
    catalog = Catalog((*CATALOG.intents,))
    task = make_task(served, [admin, other], [Example(u, "") for u in HOSTILE], catalog=catalog)
    desk = Desk(browser, served, admin)
    page = desk.page
    desk.go(f"/tasks/{task}/label")
    for number, utterance in enumerate(HOSTILE, 1):
        desk.at(number)
        assert page.locator("#said").evaluate("e => e.textContent") == utterance

        desk.reasons("a", utterance)
    desk.has_nothing_left()
    for path in ("/", f"/tasks/{task}", "/people", "/new", f"/tasks/{task}?state=abandoned"):
        desk.go(path)
        page.wait_for_load_state("networkidle")
        assert page.locator("img, svg, main script").count() == 0
    desk.go(f"/tasks/{task}?state=abandoned")
    expect(page.locator("main")).to_contain_text(HOSTILE[0])
    assert desk.complaints == []
    desk.context.close()


@IN_LANGUAGES_AND_WIDTHS
def test_pages_fit_and_speak_both_languages(
    browser: Any, served: Served, width: int, language: str
) -> None:
    admin = served.admin()
    long = Example("tolong " + "sangat" * 30 + " cepat", "play_music(song=" + "sangat" * 30 + ")")
    task = make_task(served, [admin], [long, *(Example(u, "") for u, _ in GUIDE_ROWS)])
    desk = Desk(browser, served, admin, width)
    page = desk.page
    if language == "en":
        page.get_by_role("button", name="English").click()
        expect(page.get_by_role("heading", name="Tasks")).to_be_visible()
    for path in ("/", "/new", "/people", f"/tasks/{task}", f"/tasks/{task}/label"):
        desk.looks_over(path, language)
    assert desk.complaints == []
    desk.context.close()
