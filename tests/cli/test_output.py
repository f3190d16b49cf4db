"""What commands print: characters of strangers do not turn or hide other text."""

import json

import pytest

from maksud.cli.output import fail, readable, say, write, write_json

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
