"""What commands print: characters of strangers do not turn or hide other text."""

import json

import pytest

from maksud.cli.output import draw_findings, fail, readable, say, write, write_json
from maksud.data.findings import Finding, Findings

TURNED = "putar \u202eapmaH\u202c\u2066x\u2069 \x1b[31m merah \x07\u200b\u061c"


@pytest.mark.parametrize("speak", [say, write])
def test_controls_of_direction_and_of_the_terminal_are_written_out(
    speak: object, capsys: pytest.CaptureFixture[str]
) -> None:
    speak(TURNED + "\nanother line")  # type: ignore[operator]
    shown = "".join(capsys.readouterr())
    assert "⟨U+202E⟩apmaH⟨U+202C⟩" in shown and "⟨U+001B⟩[31m merah" in shown
    assert shown.endswith("\nanother line\n")
    assert all(c.isprintable() or c == "\n" for c in shown)


def test_an_error_is_as_readable(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        fail("label 'a\u202eb'", 2)
    assert capsys.readouterr().err == "error: label 'a⟨U+202E⟩b'\n"


@pytest.mark.parametrize(
    ("place", "data", "shown"),
    [
        ("shop/train.json:12", "shop", "train.json:12"),
        ("shop/train.json:12", "shop/", "train.json:12"),
        ("rows.json:12", "rows.json", "12"),
        ("/a/objects/7512.jsonl:12", "music@1", "/a/objects/7512.jsonl:12"),
        ("shopping/train.json:12", "shop", "shopping/train.json:12"),
        ("/" + "long" * 40 + ".json:12", "music@1", "/" + "long" * 40 + ".json:12"),
    ],
)
def test_a_finding_has_its_whole_place(
    place: str, data: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    draw_findings(Findings([Finding("info", "I-X", "many words " * 20, place)]), data)
    lines = capsys.readouterr().out.splitlines()
    column = lines[1].index("many")
    assert "".join(line[:column].strip() for line in lines[1:-1]) == shown


def test_five_of_a_code_are_shown_or_all(capsys: pytest.CaptureFixture[str]) -> None:
    found = Findings((Finding("info", "I-X", f"one {k}", "x:1") for k in range(7)), limit=None)
    draw_findings(found, "x")
    shown = capsys.readouterr().out
    assert "one 4" in shown and "one 5" not in shown and "… and 2 more" in shown
    draw_findings(found, "x", None)
    shown = capsys.readouterr().out
    assert "one 6" in shown and "more" not in shown


def test_json_means_the_same_and_turns_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    write_json({"utterance": TURNED}, indent=None)
    shown = capsys.readouterr().out
    assert json.loads(shown) == {"utterance": TURNED}
    assert shown.strip().isprintable() and "\\u202e" in shown


@pytest.mark.parametrize(
    "text", ["putar lagu", "播放 晴天", "👩\u200d👧 می\u200cخواهم", "é\u0301", "a\nb"]
)
def test_what_people_write_stays(text: str) -> None:
    assert readable(text) == text
