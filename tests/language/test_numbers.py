"""Numbers in what people say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maksud.language.numbers import read_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5), ("lima", 5), ("dua puluh lima", 25), ("dua belas", 12), ("sebelas", 11),
        ("seratus dua puluh", 120), ("tiga ribu dua ratus", 3200), ("seribu lima ratus", 1500),
        ("twenty-five", 25), ("two hundred", 200), ("five thousand two hundred eleven", 5211),
        ("5 menit", 5), ("volume lima", 5), ("50%", 50), ("jam 5pm", 5), ("5 ribu", 5000),
        ("1.500", 1500), ("1,500,000", 1500000), ("1.250,50", 1250.5), ("2,5", 2.5),
        ("0.125", 0.125), ("-5", -5), ("+5", 5), ("nol", 0), ("Zero", 0), ("1,5 juta", 1.5e6),
    ],
)  # fmt: skip
def test_a_number_is_read_as_it_is_said(text: str, number: float) -> None:
    assert read_number(text) == number


@pytest.mark.parametrize(
    "text",
    ["", "besar", "5 dan 6", "lima enam", "lima dan 6", "12.05.2024", "1.2.3", "3-4", "²", "belas",
     "puluh lima", "ribu", "seribu satu juta", "dua seratus", "9" * 201],
)  # fmt: skip
def test_none_and_several_are_no_number(text: str) -> None:
    assert read_number(text) is None


@given(st.text(max_size=30) | st.from_regex(r"[\d.,+ \-]{0,20}", fullmatch=True))
def test_any_text_has_a_number_or_none(text: str) -> None:
    assert isinstance(read_number(text), int | float | None)


@given(st.integers(0, 10**9))
def test_digits_are_read_back(number: int) -> None:
    assert read_number(str(number)) == read_number(f"{number:,}") == number
    assert read_number(f"{number:,}".replace(",", ".")) == number
