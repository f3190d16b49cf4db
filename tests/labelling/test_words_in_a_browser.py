"""The words of an utterance, in Chromium: what is one, in any script, and going along them."""

from __future__ import annotations

from typing import Any

import labelling_desk
import pytest
from labelling_desk import IN_A_BROWSER, Desk, expect, make_task
from labelling_server import Served

from maksud.data.dataset import Example

pytestmark = IN_A_BROWSER
browser, served = labelling_desk.browser, labelling_desk.served

FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
THUMB = "\U0001f44d\U0001f3fd"
WALES = "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"
HEART, FLAG = "\u2764\ufe0f", "\U0001f1ee\U0001f1e9"
PERSIAN = "می\u200cخواهم"  # a joiner that nobody sees


@pytest.mark.parametrize(
    ("utterance", "words"),
    [
        (f"putar{FAMILY}{THUMB} {FLAG}{FLAG}{HEART}{WALES}!",
         ["putar", FAMILY, THUMB, FLAG, FLAG, HEART, WALES, "!"]),
        (f"آهنگ {PERSIAN}؟", ["آهنگ", PERSIAN, "؟"]),
        ("天気は7,5°C", ["天", "気", "は", "7", ",", "5", "°", "C"]),
        ("cafe\u0301 it's Ari-Lasso", ["cafe\u0301", "it's", "Ari-Lasso"]),
    ],
)  # fmt: skip
def test_what_people_see_as_one_is_one_word(
    browser: Any, served: Served, utterance: str, words: list[str]
) -> None:
    admin = served.admin()
    task = make_task(served, [admin], [Example(utterance, "")])
    desk = Desk(browser, served, admin)
    desk.go(f"/tasks/{task}/label")
    desk.at(1)
    expect(desk.page.locator("#said .word")).to_have_text(words)
    assert desk.page.locator("#said").evaluate("e => e.textContent") == utterance
    assert desk.complaints == []
    desk.context.close()


def test_arrows_go_where_they_point(browser: Any, served: Served) -> None:
    """From right to left, the next word is on the left, and so is the end of the sentence."""
    admin = served.admin()
    task = make_task(served, [admin], [Example("شغّل موسيقى فيروز!", "")])
    desk = Desk(browser, served, admin)
    page = desk.page
    desk.go(f"/tasks/{task}/label")
    desk.at(1)
    first, last = page.locator("#said .word").first, page.locator("#said .word").last
    assert last.bounding_box()["x"] < first.bounding_box()["x"]
    desk.types("/ play_music Enter")
    first.focus()
    desk.types("ArrowLeft ArrowLeft Space 1")
    expect(page.locator("#text")).to_have_value("play_music(song=فيروز)")
    expect(page.locator(".parameter input").first).to_have_css("direction", "rtl")
    desk.context.close()
