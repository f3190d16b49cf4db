"""The normal form of text, and the way back to what was said."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maksud.language.text import normalise_text, says_something, scripts_of

ODD = (
    "abz AZ09 .,'\"-\t\n\u00a0\u2003\u2028\u200b\u200c\u200d\u200e\u202e\u2060\ufeff\u00ad\u034f"
    "\ufe0e\ufe0f\u180e\u2018\u2019\u201c\u201d\u2032\u2033\u2034\u00b4\u2013\u2014\u2212\u02bc"
    "\u00e9\u0301\u0308\u0323\u0344\u00a8\u0385\u1ffd\u00bd\u2044\u2122\ufb01\ufb03\uff21\uff11"
    "\uff0d\uff07\u3000\uff76\uff9e\u304b\u3099\u309b\u1100\u1161\u11a8\uac00\uac01\u3131\u314f"
    "\u3164\uffa1\uffa0\u0915\u094d\u0937\u0628\u064b\ufe8f\ufdfa\u0e19\u0e33\u0e49\u0eb3\u2800"
    "\U0001f468\U0001f469\U0001f3fd\U0001f1ee\u20e3\U000e0067\ud800\udfff\x00\x07\x7f\x85\u00df"
    "\u0130\u2126\u212b\uf900\u0f77\u0f71\u0f80\u1e9b\u0606\u0600\u110bd"
)
texts = st.one_of(st.text(ODD, max_size=24), st.text(max_size=16), st.text(ODD[:40], max_size=12))


@pytest.mark.parametrize(
    ("said", "normal"),
    [
        ("putar  lagu\u00a0Hampa ", "putar lagu Hampa"),
        ("\uff50\uff55\uff54\uff41\uff52\u3000\uff11\uff12", "putar 12"),
        ("\u201cDon\u2019t Look Back\u201d", "\"Don't Look Back\""),
        ("jam 7\u20138 \u2212 9", "jam 7-8 - 9"),
        ("pu\u00adtar\u200b la\u2060gu\ufeff", "putar lagu"),
        ("cafe\u0301", "caf\u00e9"),
        ("\u2764\ufe0f \U0001f468\u200d\U0001f469", "\u2764 \U0001f468\U0001f469"),
        ("1\ufe0f\u20e3", "1\u20e3"),
        ("\u202eputar\u202c", "putar"),
        ("5\u20326\u2033", "5'6\""),
        ("don\u00b4t", "don't"),
        ("1\u00bd jam", "1\u00bd jam"),
        ("Samsung\u2122", "Samsung\u2122"),
        ("\ufb01lm \u2460 \u338f", "film 1 kg"),
        ("\uff76\uff9e\uff7d", "\u30ac\u30b9"),
        ("\u1112\u1161\u11ab", "\ud55c"),
        # Persian and Sinhala are spelt with joiners; Latin is not.
        ("\u0645\u06cc\u200c\u062e\u0648", "\u0645\u06cc\u200c\u062e\u0648"),
        ("\u0dc1\u0dca\u200d\u0dbb\u0dd3", "\u0dc1\u0dca\u200d\u0dbb\u0dd3"),
        ("lam\u200cpu\u200d", "lampu"),
        ("\ud800 ", "\ufffd"),
        ("\u3164\u200b \ufe0f", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_what_is_typed_and_what_is_meant(said: str, normal: str) -> None:
    assert normalise_text(said).text == normal


@settings(max_examples=500, deadline=None)
@given(texts)
def test_the_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    once = normalise_text(text).text
    again = normalise_text(once)
    assert again.text == once and not again.is_changed and not again.starts
    assert not once[:1].isspace() and not once[-1:].isspace() and "  " not in once


@settings(max_examples=500, deadline=None)
@given(texts)
def test_offsets_lead_back(text: str) -> None:
    normal = normalise_text(text)
    if not normal.is_changed:
        assert normal.starts == normal.ends == ()
        return
    assert len(normal.starts) == len(normal.ends) == len(normal.text)
    assert list(normal.starts) == sorted(normal.starts)
    assert list(normal.ends) == sorted(normal.ends)
    pieces = list(dict.fromkeys(zip(normal.starts, normal.ends, strict=True)))
    assert all(0 <= a < b <= len(text) for a, b in pieces)
    assert all(b <= c for (_, b), (c, _) in zip(pieces, pieces[1:], strict=False))


@settings(max_examples=500, deadline=None)
@given(texts, st.data())
def test_a_part_of_the_normal_form_is_that_of_what_was_said(text: str, data: st.DataObject) -> None:
    normal = normalise_text(text)
    if not normal.text:
        return
    start = data.draw(st.integers(0, len(normal.text) - 1))
    end = data.draw(st.integers(start + 1, len(normal.text)))
    if normal.is_changed:  # to whole characters of the original
        places = list(zip(normal.starts, normal.ends, strict=True))
        while start and places[start - 1] == places[start]:
            start -= 1
        while end < len(places) and places[end] == places[end - 1]:
            end += 1
    part = normal.text[start:end]
    assert normalise_text(normal.said(start, end)).text == part.strip(" ")
    widened = normal.place(start, start + 1)
    assert normal.place(start, end)[0] == widened[0]


@settings(max_examples=500, deadline=None)
@given(st.text(ODD, max_size=24), st.text(max_size=10))
def test_letters_are_those_of_nfkc(text: str, other: str) -> None:
    """Cut into pieces, the text composes as it does whole, but for what stays as it is."""
    others = "\u3164\uffa0\u115f\u1160\u02bc\u02bb\u02b9\u02ba\u0374"
    made = {c: unicodedata.normalize("NFKC", c) for c in text + other if c not in others}
    kept = "".join(
        c for c in text + other if c.isalnum() and not {" ", "\u2044"} & {*made.get(c, " ")}
    )
    assert normalise_text(kept).text == unicodedata.normalize("NFKC", kept)


def test_a_part_of_a_sign_is_the_sign() -> None:
    normal = normalise_text("o\ufb03ce \u201cx\u201d")
    assert normal.text == 'office "x"'
    assert normal.said(1, 2) == "\ufb03" and normal.said(0, 6) == "o\ufb03ce"
    assert normal.place(7, 10) == (5, 8) and normal.said(7, 10) == "\u201cx\u201d"


def test_of_plain_text_nothing_is_kept() -> None:
    for text in ("putar lagu Hampa", "Selamat pagi, Café!", "我想听音乐", "включи свет", "👍 ok"):
        normal = normalise_text(text)
        assert normal.text is text and normal.starts == ()


@pytest.mark.parametrize(
    "text",
    ["e" + "\u0301\u0323" * 20_000, "\u3131" * 40_000, "\u200b" * 40_000, " \u200b" * 20_000,
     "\u0915\u200d" * 20_000, "\u0344" * 20_000, "\ufb01" * 40_000],
)  # fmt: skip
def test_long_texts_are_bounded(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What NFKC is given at once stays short where it has to sort; all of it is seen once."""
    given_at_once: list[int] = []
    normalize = unicodedata.normalize

    def counted(form: str, piece: str) -> str:
        marks = sum(map(bool, map(unicodedata.combining, piece)))
        given_at_once.append(len(piece))
        assert marks <= 31
        return normalize(form, piece)

    monkeypatch.setattr("maksud.language.text.unicodedata.normalize", counted)
    made = normalise_text(text)
    assert sum(given_at_once) <= 2 * len(text) + 2
    monkeypatch.undo()
    assert normalise_text(made.text).text == made.text


def test_who_says_something() -> None:
    assert says_something("a") and says_something("7") and says_something("我")
    assert not says_something("") and not says_something("?! 👍 ...") and not says_something("_")


def test_scripts() -> None:
    assert scripts_of("putar 7!") == {"LATIN"} and scripts_of("7 👍") == frozenset()
    assert scripts_of("Café мир") == {"LATIN", "CYRILLIC"}
    assert scripts_of("ตั้งปลุก") == {"THAI"} and scripts_of("我想") == {"CJK"}
    assert scripts_of("スーパー") == {"KATAKANA"}


@pytest.mark.parametrize("half", ["\ud83d", "\udcff"])
def test_half_a_character_is_none(half: str) -> None:
    """Such text can't be written as UTF-8, nor read by any tokenizer."""
    made = normalise_text(f"putar  lagu {half}")
    assert made.text == "putar lagu \ufffd"
    assert made.said(11, 12) == "\ufffd" and normalise_text(made.text).text == made.text
