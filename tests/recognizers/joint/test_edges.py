"""Values begin and end without signs that are not of them, and have all of a number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maksud.recognizers.joint.edges import complete_number, trim_edges

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
        ("cek nomor : 12345 ya", ": 12345", "12345"),
        ("cek nomor:12345, ya", ":12345,", "12345"),
        ("putar - Hampa -", "- Hampa -", "Hampa"),
        ("putar Hampa / jazz", "Hampa /", "Hampa"),
        ("suhu -5", "-5", "-5"),
        ("beli oleh-", "oleh-", "oleh-"),
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


def completed(text: str, value: str, *, in_words: bool, low: int = 0, high: int = 99) -> str:
    start = text.index(value)
    high = min(high, len(text))
    first, last = complete_number(text, start, start + len(value), low, high, in_words=in_words)
    return text[first:last]


@pytest.mark.parametrize("in_words", [False, True])
@pytest.mark.parametrize(
    ("text", "tagged", "value"),
    [
        ("pesan 3,5 pizza", "5", "3,5"),
        ("pesan 3,5 pizza", "3", "3,5"),
        ("pesan 1,500,000 pizza", "500", "1,500,000"),
        ("set timer 1,5 jam", "5 jam", "1,5 jam"),
        ("suhu -5 derajat", "5 derajat", "-5 derajat"),
        ("-5 derajat", "5", "-5"),
        ("suhu (-5,5)", "5)", "-5,5)"),
        ("jam 7-8", "8", "7-8"),
        ("pesanan 123-456-789 ya", "789", "123-456-789"),
        ("beli oleh-oleh besok", "beli oleh-", "beli oleh-oleh"),
        ("beli oleh-oleh besok", "-oleh", "oleh-oleh"),
        # Nothing is cut there.
        ("lampu-nya", "lampu", "lampu"),
        ("lantai 2, kamar 5", "5", "5"),
        ("lantai 2. 5 orang", "5", "5"),
        ("pesan 5.", "5", "5"),
        ("yang ke-2 ya", "2", "2"),
        ("pesan - 2 pizza", "2", "2"),
        ("abc", "abc", "abc"),
        ("-", "-", "-"),
    ],
)
def test_a_number_in_digits_is_copied_whole(
    text: str, tagged: str, value: str, in_words: bool
) -> None:
    assert completed(text, tagged, in_words=in_words) == value


@pytest.mark.parametrize(
    ("text", "tagged", "value"),
    [
        ("pesan 2 ribu pizza", "2", "2 ribu"),
        ("pesan 50 K pizza", "50", "50 K"),
        ("pesan satu setengah pizza", "setengah", "satu setengah"),
        ("pesan dua puluh lima pizza", "lima", "dua puluh lima"),
        ("pesan dua puluh lima pizza", "dua", "dua puluh lima"),
        ("pesan 2 lusin pizza", "lusin", "2 lusin"),
        ("pesan 2,5 lusin pizza", "lusin", "2,5 lusin"),
        ("order two and a half pizzas", "half", "two and a half"),
        ("order two and a half pizzas", "two", "two and a half"),
        ("pesan tiga koma lima pizza", "lima", "tiga koma lima"),
        ("pesan minus 5 pizza", "5", "minus 5"),
        # Not of the number: other words, digits beside digits, a value that is no number.
        ("pesan 2 pizza dan 3 kola", "3", "3"),
        ("tanggal 5 3 pizza", "3", "3"),
        ("meja dua 5 orang", "5", "5"),
        ("meja 5 dua orang", "5", "5"),
        ("pesan pizza dua", "pizza", "pizza"),
        ("pesan 5 minus", "5", "5"),
        ("pesan keju dan dua pizza", "dua", "dua"),
    ],
)
def test_a_number_goes_on_in_the_words_beside_it(text: str, tagged: str, value: str) -> None:
    assert completed(text, tagged, in_words=True) == value
    assert completed(text, tagged, in_words=False) in (value, tagged)


def test_a_number_stays_beside_other_values() -> None:
    assert completed("3,5", "5", in_words=True, low=1) == "5"
    assert completed("3,5", "3", in_words=True, high=2) == "3"
    assert completed("dua lima ribu", "lima", in_words=True, low=3, high=9) == "lima"


@given(
    st.text("15a, .-", min_size=1)
    | st.lists(st.sampled_from(["dua", " ", "ribu ", "5 ", "a-", ",", " and a "])).map("".join),
    st.data(),
)
def test_a_completed_value_has_all_of_the_value(text: str, data: st.DataObject) -> None:
    if not text.strip():
        return
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    if not text[start:end].strip():
        return
    low, high = data.draw(st.integers(0, start)), data.draw(st.integers(end, len(text)))
    first, last = complete_number(text, start, end, low, high, in_words=data.draw(st.booleans()))
    assert low <= first <= start and end <= last <= high
