"""Remarks beside answers, in Chromium: who checks reads them, and so does who is answered."""

from __future__ import annotations

from typing import Any

import labelling_desk
from labelling_desk import IN_A_BROWSER, Desk, expect, make_task
from labelling_server import Served

from maksud.data.dataset import Example

pytestmark = IN_A_BROWSER
browser, served = labelling_desk.browser, labelling_desk.served


def test_a_remark_is_read_by_who_checks_and_by_who_is_answered(
    browser: Any, served: Served
) -> None:
    """A remark beside an approval is no reason to send back."""
    ana, citra = served.person("Ana", "annotator"), served.person("Citra", "leader")
    rows = [Example("putar lagu Hampa", ""), Example("hmm", "")]
    task = make_task(served, [ana, citra], rows, stages=["label", "check"])
    desk, lead = Desk(browser, served, ana), Desk(browser, served, citra)
    page, looks = desk.page, lead.page
    desk.go(f"/tasks/{task}/label")
    desk.at(1)
    page.fill("#text", "play_music(song=Hampa)")
    page.locator("#comment-box summary").click()
    page.fill("#comment", "lagu atau album?")
    page.reload()  # what was begun is there again
    desk.at(1)
    expect(page.locator("#comment")).to_be_visible()
    expect(page.locator("#comment")).to_have_value("lagu atau album?")
    page.press("#comment", "Enter")
    desk.at(2)
    expect(page.locator("#comment")).to_be_hidden()
    page.locator("#comment-box summary").click()  # the keys go on from where it was unfolded
    desk.types("u")
    desk.at(1)
    expect(page.locator("#comment")).to_have_value("lagu atau album?")
    desk.types("Enter")
    desk.at(2)
    desk.reasons("a", "hanya gumam")
    desk.has_nothing_left()
    expect(page.locator("#empty")).to_contain_text("menunggu orang lain")
    desk.types("u")

    lead.go(f"/tasks/{task}/check?stage=check")
    lead.at(1)
    expect(looks.locator("#suggestions")).to_contain_text("Catatan: lagu atau album?")
    looks.locator("#history-box summary").click()
    expect(looks.locator("#history")).to_contain_text("Catatan: lagu atau album?")
    looks.locator("#comment-box summary").click()
    looks.fill("#comment", "lagu")
    looks.press("#comment", "Enter")
    lead.at(2)
    lead.reasons("r", "ini di luar cakupan")
    lead.has_nothing_left()

    desk.go(f"/tasks/{task}")
    expect(page.locator(".list li", has_text="Hampa").first).to_contain_text("Catatan: lagu")
    expect(page.locator(".feedback")).to_have_text(["Dikembalikan: ini di luar cakupan"])
    assert desk.complaints == [] and lead.complaints == []
    for each in (desk, lead):
        each.context.close()


def test_who_looks_again_at_what_was_abandoned_is_told_why(browser: Any, served: Served) -> None:
    admin = served.admin()
    task = make_task(served, [admin], [Example("hmm", ""), Example("dua", "")])
    desk = Desk(browser, served, admin)
    desk.go(f"/tasks/{task}/label")
    desk.at(1)
    desk.reasons("a", "hanya gumam")
    desk.at(2)
    desk.types("u")
    desk.at(1)
    expect(desk.page.locator("#notice")).to_contain_text("tidak dapat dilabeli: hanya gumam")
    desk.context.close()
