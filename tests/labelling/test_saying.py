"""Every sentence that the wing says no with has its Indonesian; pages tell it, scripts don't."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from labelling_cases import CATALOG

import maksud.labelling
from maksud.errors import DataError
from maksud.labelling.answers import check_answer
from maksud.labelling.refusals import Refused
from maksud.labelling.web.saying import Part, say
from maksud.labelling.web.sayings import PARTS, SAYINGS
from maksud.labelling.web.wording import say_error, say_line, say_message, texts_of

HOME = Path(maksud.labelling.__file__).parent
SENTENCES = {"Refused": "", "_refused": "", "StoreFault": "", "ApiError": "", "invalid": "field: ",
             "refuse": "ask[2] (nada) "}  # fmt: skip
"""What says no, and what its message stands behind."""
BEFORE = {"patterns.py": "the pattern ", "arrivals.py": "the address ", "forms.py": "nada: "}
COMMAND_LINE = {"store.py"}
"""Backups and opening a store: told at the terminal."""
COMPOSED = {
    "{}: {}", "{} {}", "this was proposed before, and {}", "the catalog of this task {}",
    "the pattern {}", "the address {}",
}  # fmt: skip
"""Of sentences that stand here themselves."""


def template(node: ast.expr | None) -> str | None:
    """A literal with {} for each value in it; None for what is none."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(v.value if isinstance(v, ast.Constant) else "{}" for v in node.values)
    if isinstance(node, ast.BinOp):
        left, right = template(node.left), template(node.right)
        return None if left is None or right is None else left + right
    return None


def sentences() -> Iterator[tuple[str, str]]:
    """Each message and hint of the wing, with where it stands."""
    for path in sorted(HOME.rglob("*.py")):
        if path.name in COMMAND_LINE:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            texts = [template(a) for a in node.args]
            hints = [template(k.value) for k in node.keywords if k.arg == "hint"]
            place = f"{path.name}:{node.lineno}"
            if name == "Unknown":
                yield place, f"there is no {texts[0]} here"
                texts = []
            elif name not in SENTENCES:
                continue
            elif name == "invalid" or (name == "ApiError"):
                texts, hints = texts[1:2], []
            elif name in ("refuse", "_refused"):
                with_code = path.name == "forms.py"
                hints = [*texts[(2 if path.name != "terms.py" else 1) :], *hints]
                texts, hints = (texts[1:2], []) if with_code else (texts[:1], hints)
            for text in texts[:1]:
                if text is not None and text not in COMPOSED:
                    before = SENTENCES[name]
                    if name in ("refuse", "_refused"):
                        before = BEFORE.get(path.name, before)
                    yield place, before + text
            for hint in hints:
                if hint:
                    yield place, hint


FOUND = sorted(set(sentences()))


def test_the_sentences_are_found() -> None:
    assert len(FOUND) > 200


@pytest.mark.parametrize(("place", "sentence"), FOUND, ids=[f"{p} {s[:40]}" for p, s in FOUND])
def test_it_has_an_indonesian(place: str, sentence: str) -> None:
    filled = sentence.replace("{}", "'x7'")
    told = say(filled, "id")
    assert told is not None, f"add {sentence!r} to sayings.py"
    assert told != filled or sentence.startswith("https"), "it is the English"
    assert told.count("'x7'") in range(sentence.count("{}") + 1)
    assert say(filled, "en") == filled


def test_no_sentence_stands_twice_and_each_fills_its_places() -> None:
    english = [e for e, _ in (*SAYINGS, *PARTS)]
    assert len(english) == len(set(english))
    for sentence, text in (*SAYINGS, *PARTS):
        count = sentence.count("{}")
        filled = text.format(*(Part(f"<{k}>") for k in range(count)))
        dropped = sum(f"<{k}>" not in filled for k in range(count))
        assert not dropped or sentence.startswith("{}: must be {}, found"), sentence


def test_what_changes_is_kept_and_places_are_said() -> None:
    assert say("ask[2] (nada) has the key 's', which the page has for itself", "id") == (
        "ask[2] (nada): tombolnya 's', yang dipakai halaman ini"
    )
    assert say("line 3 can't be read (found 'x')", "id") == (
        "baris 3: tidak dapat dibaca (found 'x')"
    )
    error = Refused(
        "row 3 has no field 'kanal', which the template shows (it has instruction)",
        code="missing_field", status=400,
        hint="Choose another template, or register data that has the field",
    )  # fmt: skip
    assert say_error(error, "id").startswith("Baris 3 tidak punya bidang 'kanal'")
    assert "Pilih templat lain" in say_error(error, "id")
    assert say_error(error, "en") == str(error)


def test_files_are_told_by_their_code_with_what_was_found() -> None:
    error = DataError("E-EMPTY file has 0 bytes", where="raw.json", hint="Export it again")
    assert say_error(error, "id").startswith("raw.json: berkas ini kosong (E-EMPTY")
    strange = DataError("something nobody thought of", where="x.json")
    assert say_error(strange, "id") == "x.json: tidak dapat dilakukan (something nobody thought of)"
    assert say_error(strange, "id", "disk_full").startswith("Disk penuh")


def test_answers_that_the_catalog_forbids_stay_told_by_their_form() -> None:
    said = "intent 'x' is not in the catalog. Nearest: y"
    assert say_message(said, "id") == "Maksud 'x' tidak ada di katalog. Terdekat: y"
    assert say_message("nada: an answer is needed", "id") == "nada: perlu jawaban"
    assert say_message("mood: is no list", "id") == "mood: bukan daftar"
    assert say_message("anything else", "id") == "anything else"


def test_kept_lines_of_jobs_are_told_with_their_next_step() -> None:
    kept = "3 agreed labels are too few to learn from. Label 10 first"
    assert say_line(kept, "id") == (
        "3 label yang disepakati terlalu sedikit untuk belajar. Labeli 10 dahulu"
    )
    assert say_line(kept, "en") == kept
    assert say_line("its process ended with code -9: killed", "id").endswith("kode -9: killed")


def test_both_languages_have_every_text() -> None:
    indonesian, english = texts_of("id"), texts_of("en")
    codes = {name for name in indonesian if name.startswith("code.")}
    assert set(indonesian) - codes == set(english) - {n for n in english if n.startswith("code.")}


BROKEN = (
    "", "play_music", "play_music(", "play_music(a b", "play_music();", "play_music() x", "none(a)",
    "none();play_music()", "play_music(song=)", 'play_music(song="a', "(x)", "play_music(=x)",
    "play_music(a,)", "weather_search(a, b, c)", "play_music(colour=red)", "set_light(state=blue)",
    "play_music(song=Hampa, song=Hampa)", "fly()", "play_music(song=Hampo)",
)  # fmt: skip
ENGLISH = re.compile(
    r"\b(expected|found|write|the|value|values|close|remove|must|is|not|given|takes|known|nearest|"
    r"among|character|ends|has|may|stand|stands|times|there|are)\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_wrong_with_calls_is_said_without_english(text: str) -> None:
    checked = check_answer(text, CATALOG, "putar lagu Hampa", open=False)
    assert checked.errors
    for message in checked.errors:
        told = re.sub(r"'[^']*'", "", say_message(message, "id"))
        assert not ENGLISH.search(told), (message, told)
