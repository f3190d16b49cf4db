"""Personal data and secrets are told without being shown, and not where they belong."""

import pytest
from checked import found, only
from hypothesis import given
from hypothesis import strategies as st

from maksud.data.checks.personal import is_made_for_it, luhn, personal
from maksud.data.dataset import Example

CARD = "4539 1488 0343 6467"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("kirim ke budi.santoso@perusahaan.co.id ya", "W-PERSONAL"),
        ("telepon saya di 0812-3456-7890", "W-PERSONAL"),
        ("call +44 20 7946 0958", "W-PERSONAL"),
        ("我的电话是 13812345678 谢谢", "W-PERSONAL"),
        ("call (415) 555-0132 now", "W-PERSONAL"),
        ("hubungi 081٢٣٤٥٦٧٨٩ ya", "W-PERSONAL"),
        ("hubungi +62 12345-6", "W-PERSONAL"),
        (f"bayar dengan {CARD}", "W-SECRET"),
        ("kunci AKIAIOSFODNN7EXAMPLE itu", "W-SECRET"),
        ("sk-abcdefghij0123456789klmn", "W-SECRET"),
        ("-----BEGIN RSA PRIVATE KEY-----", "W-SECRET"),
    ],
)
def test_each_is_told_and_not_shown(text: str, code: str) -> None:
    findings = found([Example(text, "play()", source="t", line=3)])
    finding = only(findings, code)
    assert set(findings.codes) == {code} and finding.place == "t:3"
    assert not any(word in str(finding) for word in text.split() if len(word) > 8)


@pytest.mark.parametrize(
    "text",
    [
        "pesanan 1234567890",
        "tanggal 01-02-2024 pukul 08.30",
        "dari 08.30 - 09.45",
        "1.000.000.000 rupiah",
        "nomor 4539 1488 0343 6468",
        "kirim ke admin@example.com",
        "harga $1,234.56",
        "versi 2024.10.01.1234",
        "https://host/20240102123456",
        "1920x1080 dan 3840x2160",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert found([Example(text, "play()")]).codes == {}


def test_parameters_made_for_it_are_no_news() -> None:
    text = "telepon 081234567890 sekarang"
    assert not found([Example(text, "call(phone_number=081234567890)")]).codes.get("W-PERSONAL")
    assert found([Example(text, "call(song=081234567890)")]).codes["W-PERSONAL"] == 1
    beside = Example(f"{text} atau 089876543210", "call(phone_number=081234567890)")
    assert found([beside]).codes["W-PERSONAL"] == 1


def test_names_of_parameters_made_for_it() -> None:
    assert all(map(is_made_for_it, ["contact", "phoneNumber", "order_id", "nomor_resi", "emailTo"]))
    assert not any(map(is_made_for_it, ["song", "idea", "artist", "noise", "nominal"]))


@given(st.integers(0, 10**15 - 1))
def test_check_digits(number: int) -> None:
    right = [d for d in "0123456789" if luhn(f"{number}{d}")]
    assert len(right) == 1


@given(st.text())
def test_any_text_is_looked_at(text: str) -> None:
    for code, what in personal(text):
        assert code in ("W-PERSONAL", "W-SECRET") and what.startswith("what looks like")
