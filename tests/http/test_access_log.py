"""The access log: a line for a request, in which nobody's words stand unless they are asked for."""

import json
import logging
from typing import Any

import pytest
from serving_server import TOKEN, Scripted, chat, running

from maksud.http.access_log import LONGEST, MOST, format_line, note_said

SAID = "putar lagu Rahasia"


def lines(caplog: pytest.LogCaptureFixture, **settings: bool) -> list[str]:
    """The lines of a few requests, each with words in it; one with another path at the end."""
    with (
        caplog.at_level(logging.INFO, "maksud.serving"),
        running(**settings) as live,
    ):
        client = live.client()
        assert client.post("/v1/recognize", json={"utterance": SAID}).is_success
        for model in ("scripted", "scripted/chat"):
            assert client.post("/v1/chat/completions", json=chat(SAID, model)).is_success
        assert client.post("/v1/chat/completions", json=chat(SAID, "nope")).status_code == 404
        assert client.post(f"/v1/recognize?{SAID}", json={"utterance": ""}).status_code == 400
        client.get("/health")
    return caplog.messages


def test_no_line_holds_an_utterance_by_default(caplog: pytest.LogCaptureFixture) -> None:
    found = lines(caplog, access_log=True)
    assert len(found) == 6
    assert "Rahasia" not in caplog.text and TOKEN not in caplog.text


def test_it_can_be_switched_off(caplog: pytest.LogCaptureFixture) -> None:
    assert lines(caplog, access_log=False, log_utterances=True) == []


def test_what_was_said_stands_in_it_where_that_is_asked_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = lines(caplog, access_log=True, log_utterances=True)
    about = {"utterance": SAID, "text": f"play_music({SAID})", "confidence": 1.0, "accepted": True}
    for line in found[:3]:
        head, _, rest = line.partition(" {")
        assert head.split()[3] == "200"
        assert json.loads("{" + rest) == {"said": [about]}
    assert not any("{" in line for line in found[3:])
    assert TOKEN not in caplog.text


@pytest.mark.parametrize("said", ["a\nb", "a\r\nb", "a\u2028b", "a\x85b", "a\x1b[2Jb", "\ud800"])
def test_no_words_can_break_a_line(said: str) -> None:
    scope: Any = {"method": "POST", "path": "/x", "client": None}
    note_said(scope, [{"utterance": said, "text": said}])
    line = format_line(scope, 200, 0.1, "req_1")
    assert len(line.splitlines()) == 1 and line.isprintable() and line.isascii()
    assert json.loads(line.partition("req_1 ")[2])["said"][0]["utterance"] == said


def test_a_line_is_no_longer_than_it_may_be() -> None:
    scope: Any = {"method": "POST", "path": "/x", "client": None}
    note_said(scope, [{"utterance": "x" * 8000, "text": "y" * 9000}] * 128)
    line = format_line(scope, 200, 0.1, "req_1")
    content = json.loads(line.partition("req_1 ")[2])
    assert len(content["said"]) == MOST and content["more"] == 128 - MOST
    assert content["said"][0] == {"utterance": "x" * LONGEST + "…", "text": "y" * LONGEST + "…"}


def test_a_fault_tells_no_words_either(caplog: pytest.LogCaptureFixture) -> None:
    def on(utterances: Any) -> None:
        raise ValueError(str(utterances))

    with (
        running(Scripted(on=on), access_log=True) as live,
        caplog.at_level(logging.INFO, "maksud.serving"),
    ):
        live.client().post("/v1/recognize", json={"utterance": SAID})
    assert "fault" in caplog.text and "Rahasia" not in caplog.text
