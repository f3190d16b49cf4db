"""Templates, packages and proposals in Chromium, as leaders and labellers use them."""

from __future__ import annotations

import json
from typing import Any

import labelling_desk
from labelling_desk import IN_A_BROWSER, IN_LANGUAGES_AND_WIDTHS, Desk, expect, make_task
from labelling_server import Served

from maksud.data.dataset import Dataset, Example
from maksud.labelling.library import register, save_template
from maksud.labelling.templates import parse_template
from maksud.labelling.terms import Terms

pytestmark = IN_A_BROWSER
browser, served = labelling_desk.browser, labelling_desk.served

SAID = "mahal sekali di Solo"
WHOLE = """show:
- instruction
- {field: turns, kind: conversation}
- {field: toko, title: Toko}
ask:
- {title: output, kind: calls}
- title: nada
  kind: choice
  options: [{value: positif, key: p}, {value: negatif, key: n}]
- {title: keluhan, kind: choices, options: [harga, mutu], when: {question: nada, is: negatif}}
- {title: sebutan, kind: span, required: false, options: [{value: tempat, key: t}]}
- {title: nomor, kind: input, required: false, pattern: "[A-Z]{2}[0-9]+", hint: seperti AB12}
"""


def keep_template(served: Served, name: str, text: str) -> int:
    return served.store.write(lambda c: save_template(c, name, parse_template(text), 1.0))


def test_a_template_is_designed_and_labelled_with(browser: Any, served: Served) -> None:
    """From the editor, with its live preview, to answers by keys, marked words, a question that
    another brings up, and the export."""
    admin = served.admin()
    rows = [Example(SAID, ""), Example("bagus", "")]
    served.store.write(lambda c: register(c, "ulasan", Dataset(rows), "x", 1.0))
    desk = Desk(browser, served, admin)
    page = desk.page
    desk.go("/templates")
    page.get_by_role("link", name="Templat baru").click()
    source = page.locator("#source")
    expect(page.locator("#calls-block")).to_be_visible()  # the preview of the default
    page.get_by_role("button", name="pilihan tunggal").click()
    expect(page.locator("#form").get_by_role("radio", name="positif")).to_be_visible()
    page.locator("#form").get_by_role("radio", name="positif").check()
    expect(page.locator("#kept")).to_have_text('{"nada":"positif"}')
    source.fill("ask: [{title: a, kind: radio}]")
    expect(page.locator("#broken")).to_contain_text("'radio'")
    source.fill(WHOLE)
    expect(page.locator("#broken")).to_have_text("")
    page.get_by_label("Baris contoh dari").select_option(label="ulasan")
    expect(page.locator("#lacking")).to_have_text("Data ini tidak punya: turns, toko")
    expect(page.locator("#said")).to_have_text(SAID)
    short = "\n".join(WHOLE.splitlines()[:2] + WHOLE.splitlines()[4:])
    source.fill(short)
    expect(page.locator("#lacking")).to_have_text("")
    page.get_by_label("Nama templat").fill("ulasan")
    page.get_by_role("button", name="Simpan templat").click()
    expect(page.locator("main")).to_contain_text("ulasan versi 1")

    desk.go("/new")
    page.get_by_label("Nama tugas").fill("Ulasan")
    page.locator("select[name=template]").select_option(label="ulasan 1")
    page.get_by_role("button", name="Buat tugas").click()
    page.get_by_role("link", name="Labeli").click()
    desk.at(1)
    expect(page.get_by_role("group", name="keluhan")).to_be_hidden()
    desk.types("n")
    expect(page.get_by_role("radio", name="negatif")).to_be_checked()
    page.get_by_role("checkbox", name="harga").check()
    desk.types("Enter")
    expect(page.locator("#alert")).to_have_text("Perlu jawaban: output")
    page.fill("#text", "none()")
    page.locator(".word", has_text="Solo").click()
    desk.types("t")
    expect(page.locator(".spans li")).to_contain_text("Solo tempat")
    page.get_by_role("textbox", name="nomor").fill("x1")
    expect(page.locator("fieldset .told", has_text="tidak sesuai pola")).to_be_visible()
    page.get_by_role("textbox", name="nomor").fill("AB1")
    page.get_by_role("textbox", name="nomor").press("Enter")
    desk.at(2)
    expect(page.locator("#notice")).to_contain_text("sebutan: Solo (tempat)")
    desk.types("u")
    desk.at(1)
    expect(page.get_by_role("checkbox", name="harga")).to_be_checked()
    expect(page.locator("#text")).to_have_value("none()")
    desk.types("p Enter")  # what the first answer brought up has none any more
    desk.at(2)
    [task] = served.script(admin).get("/api/tasks").json()["tasks"]
    rows_out = served.script(admin).get(f"/api/tasks/{task['id']}/export?format=json").json()
    assert rows_out[0]["labels"] == {
        "nada": ["positif"], "nomor": "AB1",
        "sebutan": [{"start": 16, "end": 20, "text": "Solo", "label": "tempat"}],
    }  # fmt: skip
    assert [c for c in desk.complaints if "status of 400" not in c] == []
    desk.context.close()


def test_a_conversation_shows_what_is_open(browser: Any, served: Served) -> None:
    admin = served.admin()
    id = keep_template(served, "chat", "show: [instruction, {field: chat, kind: conversation}]")
    chat = [
        {"role": "user", "content": "turunkan suara"},
        {"role": "assistant", "content": "volume_down()"},
        {"role": "user", "content": "cuaca <b>besok</b>"},
        {"role": "assistant", "content": "Di mana?"},
        {"role": "user", "content": "Solo"},
    ]
    task = make_task(
        served, [admin], [Example("cuaca besok. Solo", "", metadata={"chat": chat})], template=id
    )
    desk = Desk(browser, served, admin)
    desk.go(f"/tasks/{task}/label")
    desk.at(1)
    turns = desk.page.locator("#turns li")
    expect(turns).to_have_count(5)
    expect(desk.page.locator("#turns li.open")).to_have_count(2)
    expect(turns.nth(2)).to_contain_text("pengguna · masih terbuka cuaca <b>besok</b>")
    assert desk.complaints == []
    desk.context.close()


def test_packages_in_the_page(browser: Any, served: Served) -> None:
    """Made with the task, taken, labelled, accepted by a sample; the other one refused."""
    admin, ana = served.admin(), served.person("Ana", "annotator")
    rows = [Example(f"u {k}", "") for k in range(4)]
    served.store.write(lambda c: register(c, "raw", Dataset(rows), "x", 1.0))
    desk = Desk(browser, served, admin)
    page = desk.page
    desk.go("/new")
    page.get_by_label("Nama tugas").fill("Kiriman")
    page.get_by_label("Penerimaan").check()
    page.locator("label.check", has_text="Ana").get_by_role("checkbox").check()
    page.get_by_text("Paket dan tenggat").click()
    page.get_by_label("Bagi butir menurut").select_option("size")
    page.get_by_role("button", name="Buat tugas").click()
    expect(page.locator("form[data-post='/api/tasks'] .told")).to_contain_text("butir per paket")
    page.get_by_label("Berapa, atau nama bidang").fill("2")
    page.get_by_label("Persen yang diperiksa").fill("50")
    page.get_by_label("Tenggat").fill("2020-02-03T10:00")
    page.get_by_role("button", name="Buat tugas").click()
    expect(page.locator("time")).to_contain_text("sudah lewat")
    [task] = served.script(admin).get("/api/tasks").json()["tasks"]

    other = Desk(browser, served, ana)
    other.go(f"/tasks/{task['id']}")
    other.page.get_by_role("link", name="Paket", exact=True).click()
    other.page.get_by_role("button", name="Ambil paket 2").click()
    other.page.get_by_role("link", name="Labeli").click()
    for number in (3, 4, 1, 2):  # the one that was taken, then the next free one
        other.at(number)
        other.answers("none()")
    other.has_nothing_left()

    desk.go(f"/tasks/{task['id']}/check?stage=accept")
    expect(page.locator("#number")).not_to_be_empty()
    number = str(page.locator("#number").text_content())
    expect(page.locator("#text")).to_have_value("none()")
    desk.types("Enter")
    expect(page.locator("#number")).not_to_have_text(number)  # one of the other package
    desk.types("Enter")
    desk.has_nothing_left()
    desk.go(f"/tasks/{task['id']}/packages")
    page.get_by_role("button", name="Terima paket 1").click()
    expect(page.locator("section", has_text="Paket 1").first).to_contain_text("diterima")
    page.locator("summary", has_text="Tugaskan atau tolak 2").click()
    page.get_by_label("Apa yang perlu diperbaiki").last.fill("terburu-buru")
    page.get_by_role("button", name="Tolak paket").last.click()
    expect(page.locator("main")).to_contain_text("Dikembalikan: terburu-buru")
    other.go(f"/tasks/{task['id']}/label")
    other.at(3)
    expect(other.page.locator("#feedback")).to_have_text("Dikembalikan: terburu-buru")
    for one in (desk, other):
        assert [c for c in one.complaints if "status of 400" not in c] == []
        one.context.close()


def test_an_intent_is_proposed_and_approved(browser: Any, served: Served) -> None:
    admin, ana = served.admin(), served.person("Ana", "annotator")
    task = make_task(served, [admin, ana], [Example("jeda dulu", ""), Example("dua", "")])
    desk, leader = Desk(browser, served, ana), Desk(browser, served, admin)
    page = desk.page
    desk.go(f"/tasks/{task}/label")
    desk.at(1)
    desk.types("/ pause")
    expect(page.locator("#found li").last).to_have_text("Usulkan maksud baru: pause")
    page.keyboard.press("ArrowUp")
    while page.locator("#found li").last.get_attribute("aria-selected") != "true":
        page.keyboard.press("ArrowDown")
    desk.types("Enter")
    page.get_by_label("Artinya").fill("Menjeda lagu")
    desk.types("Enter")
    expect(page.locator("#text")).to_have_value("pause()")
    expect(page.locator("#notice")).to_have_text("Diusulkan, dan dapat dipakai")
    desk.types("Enter")
    desk.at(2)
    leader.go(f"/tasks/{task}")
    leader.page.get_by_role("link", name="Usulan katalog").click()
    expect(leader.page.locator("main")).to_contain_text("Menjeda lagu")
    leader.page.get_by_role("button", name="Setujui pause").click()
    expect(leader.page.locator("main")).to_contain_text("versi 2")
    found = served.script(ana).get(f"/api/tasks/{task}/catalog").json()["intents"]
    assert "pause" in [i["name"] for i in found]
    for one in (desk, leader):
        assert one.complaints == []
        one.context.close()


@IN_LANGUAGES_AND_WIDTHS
def test_the_pages_fit_and_every_control_has_a_name(
    browser: Any, served: Served, width: int, language: str
) -> None:
    admin = served.admin()
    id = keep_template(served, "ulasan", WHOLE)
    long = "tolong " + "sangat" * 30
    rows = [
        Example(long, "", metadata={"toko": "x" * 90, "turns": ["satu", long]}),
        Example("dua", "", metadata={"toko": "b", "turns": ["satu", "dua"]}),
    ]
    task = make_task(
        served, [admin], rows, template=id, stages=["label", "accept"], open=False,
        terms=Terms("field", "toko", 0.5, deadline=1e9),
    )  # fmt: skip
    script = served.script(admin)
    body = {"intent": "sangat" * 30, "definition": {"description": "<b>" + long}}
    assert script.post(f"/api/tasks/{task}/proposals", json=body).status_code == 200
    desk = Desk(browser, served, admin, width)
    page = desk.page
    if language == "en":
        page.get_by_role("button", name="English").click()
        expect(page.get_by_role("heading", name="Tasks")).to_be_visible()
    parts = ("", "/label", "/packages", "/proposals")
    own = [f"/tasks/{task}{part}" for part in parts]
    for path in ("/new", "/templates", f"/templates/{id}", "/templates/new", *own):
        desk.looks_over(path, language)
        assert page.locator("main b:has-text('tolong')").count() == 0
    assert json.dumps(desk.complaints) == "[]"
    desk.context.close()
