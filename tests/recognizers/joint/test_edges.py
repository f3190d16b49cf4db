"""Signs at the edges of a value that are not of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maksud.recognizers.joint.edges import trim_edges

SIGNS = "()[]{}<>«»「」“”'\"`*_ 😀❤🏻°%#.-+"


def trimmed(text: str, value: str, known: str = "") -> str:
    start = text.index(value)
    first, last = trim_edges(text, start, start + len(value), lambda sign: sign in known)
    return text[first:last]


@pytest.mark.parametrize(
    ("text", "tagged", "value"),
    [
        ("matikan lampu (kamar)", "kamar)", "kamar"),
        ("matikan lampu (kamar)", "lampu (", "lampu"),
        ("putar «Hampa»", "«Hampa", "Hampa"),
        ("putar 「Hampa」 ya", "Hampa」", "Hampa"),
        ("telepon 'ibu'", "ibu'", "ibu"),
        ("putar *Hampa* dong", "*Hampa", "Hampa"),
        ("pasang alarm (besok jam 6)", "jam 6)", "jam 6"),
        ("putar ([Hampa])", "[Hampa])", "[Hampa]"),
        ("putar Hampa 😀)", "Hampa 😀)", "Hampa"),
        ("putar ❤🏻Hampa😀😀", "❤🏻Hampa😀😀", "Hampa"),
        # Of the value: pairs within it, a sign that means something, what is known from training.
        ("putar Hampa (live)", "Hampa (live)", "Hampa (live)"),
        ("putar (I Can't Get No)", "(I Can't Get No)", "(I Can't Get No)"),
        ("the boys' room", "the boys'", "the boys'"),
        ('a 12" vinyl', '12"', '12"'),
        ("buka 'n' tutup", "'n'", "'n'"),
        ("cek #12345", "#12345", "#12345"),
        ("volume 50%", "50%", "50%"),
        ("suhu 22°", "22°", "22°"),
        ("putar ❤", "❤", "❤"),
        ("putar (?)", "(?", "(?"),
    ],
)
def test_what_is_not_of_a_value_is_cut(text: str, tagged: str, value: str) -> None:
    assert trimmed(text, tagged) == value


def test_a_sign_that_training_saw_may_be_of_a_value() -> None:
    assert trimmed("putar Hampa❤", "Hampa❤") == "Hampa"
    assert trimmed("putar Hampa❤", "Hampa❤", known="❤") == "Hampa❤"
    assert trimmed("opsi b)", "b)") == "b"
    assert trimmed("opsi b)", "b)", known=")") == "b)"
    assert trimmed("(opsi b)", "b)", known="()") == "b"  # its other half stands outside


@given(st.text(f"a7é{SIGNS}", min_size=1), st.data())
def test_only_signs_are_cut(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    first, last = trim_edges(text, start, end, lambda sign: sign in "()")
    assert start <= first < last <= end
    assert not any(map(str.isalnum, text[start:first] + text[last:end]))
    assert trim_edges(text, first, last, lambda sign: sign in "()") == (first, last)
