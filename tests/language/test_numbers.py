"""Numbers in what people say."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maksud.language.numbers import is_of_number, may_go_on, read_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5), ("lima", 5), ("dua puluh lima", 25), ("dua belas", 12), ("sebelas", 11),
        ("seratus dua puluh", 120), ("tiga ribu dua ratus", 3200), ("seribu lima ratus", 1500),
        ("twenty-five", 25), ("two hundred", 200), ("five thousand two hundred eleven", 5211),
        ("5 menit", 5), ("volume lima", 5), ("50%", 50), ("jam 5pm", 5), ("5 ribu", 5000),
        ("1.500", 1500), ("1,500,000", 1500000), ("1.250,50", 1250.5), ("2,5", 2.5),
        ("0.125", 0.125), ("-5", -5), ("+5", 5), ("nol", 0), ("Zero", 0), ("1,5 juta", 1.5e6),
        ("50rb", 50_000), ("50 rb", 50_000), ("Rp50rb", 50_000), ("seratus rb", 100_000),
        ("50k", 50_000), ("1.5K", 1500), ("5 k", 5000), ("2,5jt", 2_500_000), ("dua jt", 2_000_000),
        ("1,1 juta", 1_100_000), ("5 triliun", 5 * 10**12), ("lapan belas", 18),
        ("\u22125", -5), ("\u20135", -5), ("minus 5", -5), ("minus lima belas", -15),
        ("negative 2.5", -2.5), ("5 minus", 5), ("5 min", 5), (".5", 0.5), ("-.5", -0.5),
        ("first 5 songs", 5), ("luas 100 m\u00b2", 100), ("CO\u2082 5", 5), ("minus-5", -5),
        ("twenty second timer", 20),
    ],
)  # fmt: skip
def test_a_number_is_read_as_it_is_said(text: str, number: float) -> None:
    assert read_number(text) == number


@pytest.mark.parametrize(
    "text",
    ["", "besar", "5 dan 6", "lima enam", "lima dan 6", "12.05.2024", "1.2.3", "3-4", "²", "belas",
     "puluh lima", "ribu", "seribu satu juta", "dua seratus", "9" * 201, "twenty to thirty",
     "between twenty and thirty minutes", "seratus sampai dua ratus", "lima puluh dua puluh",
     "dua puluh tiga puluh menit", "seratus seratus", "twenty ten", "fifty or sixty",
     "1\u00bd", "5\u00b2", "satu setengah jam", "2 setengah juta", "two and a half", "dua lusin",
     "half of 5", "tiga perempat", "two thirds", "two third", "twenty first", "dua kosong",
     "lima ratusan", "min 5", "min lima", "10 minus 3"],
)  # fmt: skip
def test_none_and_several_are_no_number(text: str) -> None:
    assert read_number(text) is None


@given(st.text(max_size=30) | st.from_regex(r"[\d.,+ \-]{0,20}", fullmatch=True))
def test_any_text_has_a_number_or_none(text: str) -> None:
    assert isinstance(read_number(text), int | float | None)


@given(st.integers(1, 10**6), st.sampled_from(["minus ", "negatif ", "-", "\u2212"]))
def test_below_zero(number: int, sign: str) -> None:
    assert read_number(f"{sign}{number}") == read_number(f"sekitar {sign}{number} ya") == -number


@given(st.decimals(0, 1000, places=2), st.sampled_from([("rb", 1000), ("jt", 10**6)]))
def test_a_decimal_of_thousands_is_exact(number: Decimal, power: tuple[str, int]) -> None:
    said = str(number).replace(".", ",")
    assert read_number(said + power[0]) == int(number * power[1])


@given(st.integers(0, 10**9))
def test_digits_are_read_back(number: int) -> None:
    assert read_number(str(number)) == read_number(f"{number:,}") == number
    assert read_number(f"{number:,}".replace(",", ".")) == number


UNITS = [
    "nol", "satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "delapan", "sembilan",
    "sepuluh", "sebelas",
]  # fmt: skip
ONES = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
]  # fmt: skip
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def indonesian(n: int) -> str:
    for power, word in ((10**9, "miliar"), (10**6, "juta"), (1000, "ribu"), (100, "ratus")):
        if n >= power:
            first = (
                f"se{word}"
                if n // power == 1 and power < 10**6
                else (f"{indonesian(n // power)} {word}")
            )
            return first + (f" {indonesian(n % power)}" if n % power else "")
    if n < 12:
        return UNITS[n]
    if n < 20:
        return f"{UNITS[n - 10]} belas"
    return f"{UNITS[n // 10]} puluh" + (f" {UNITS[n % 10]}" if n % 10 else "")


def english(n: int) -> str:
    for power, word in ((10**9, "billion"), (10**6, "million"), (1000, "thousand")):
        if n >= power:
            return f"{english(n // power)} {word}" + (f" {english(n % power)}" if n % power else "")
    if n >= 100:
        return f"{ONES[n // 100]} hundred" + (f" and {english(n % 100)}" if n % 100 else "")
    if n < 20:
        return ONES[n]
    return TENS[n // 10 - 2] + (f"-{ONES[n % 10]}" if n % 10 else "")


@given(st.integers(0, 10**12 - 1))
def test_words_are_read_back(number: int) -> None:
    assert read_number(indonesian(number)) == number
    assert read_number(english(number)) == number


@given(
    st.integers(0, 10**7), st.integers(0, 10**7), st.sampled_from(["to", "sampai", "or", "atau"])
)
def test_of_two_numbers_none_is_read(first: int, second: int, between: str) -> None:
    for say in (indonesian, english):
        assert read_number(f"{say(first)} {between} {say(second)}") is None


@pytest.mark.parametrize(
    ("word", "beside", "before", "goes_on"),
    [
        ("ribu", "2", False, True), ("Ribu", "dua", False, True), ("k", "50", False, True),
        ("lusin", "2", False, True), ("dua", "5", False, False), ("first", "twenty", False, True),
        ("pizza", "2", False, False), ("minus", "5", False, False), ("minus", "5", True, True),
        ("dua", "5", True, False), ("dua", "puluh", True, True), ("2", "lusin", True, True),
        ("satu", "setengah", True, True), ("setengah", "5", True, False),
        ("pizza", "dua", True, False),
    ],
)  # fmt: skip
def test_what_may_be_of_one_number(word: str, beside: str, before: bool, goes_on: bool) -> None:
    assert may_go_on(word, beside, before=before) == goes_on
    assert is_of_number(beside)


def test_what_is_of_no_number() -> None:
    assert not any(map(is_of_number, ("pizza", "minus", "", "-", "k")))
