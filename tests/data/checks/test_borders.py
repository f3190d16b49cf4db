"""Where values begin and end."""

from __future__ import annotations

import pytest
from checked import WORDS, found, only

from maksud.data.checks.borders import cut_word, outer
from maksud.data.dataset import Example


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ('alarm(jam="07.00 ")', "begins or ends with white space"),
        ('alarm(jam="\\u00a007.00")', "begins or ends with white space"),
        ('alarm(jam="07.00,")', "begins or ends with a comma"),
        ('alarm(jam="")', "is empty"),
        ('alarm(jam=" ")', "is empty"),
    ],
)
def test_what_stands_around_a_value(answer: str, says: str) -> None:
    row = Example("pukul \u00a007.00 , pagi 07.00, ya", answer, source="t", line=3)
    finding = only(found([row]), "W-BORDER")
    assert says in finding.message and finding.place == "t:3"
    assert not outer("07.00") and not outer("Sheila on 7")


@pytest.mark.parametrize(
    ("value", "text", "word"),
    [
        ("Indi", "saya dari India", "India"),
        ("a", "kapan dia lahir", "kapan"),
        ("Bandung", "putar laguBandung nomor 2", "laguBandung"),
        ("7", "rumah nomor 17", "17"),
        ("Москв", "погода в Москве", "Москве"),
    ],
)
def test_a_border_inside_a_word(value: str, text: str, word: str) -> None:
    assert cut_word(value, text) == word
    finding = only(found([Example(text, f"f(x={value})")]), "W-BORDER")
    assert f'is a part of the word "{word}"' in finding.message


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("India", "saya dari India"),
        ("India", "dari India, ya"),
        ("a", "bandara, lalu a"),
        ("lagu", "putar lagunya"),
        ("song", "play these songs"),
        ("30", "tunggu 30menit"),
        ("7.30", "jam 7.30"),
        ("杭州", "查询杭州天气"),
        ("กรุงเทพ", "อากาศกรุงเทพวันนี้"),
        ("absent", "tidak ada"),
        ("Solo", "ke-Solo/Bogor"),
    ],
)
def test_a_border_between_words(value: str, text: str) -> None:
    assert cut_word(value, text) == ""
    assert "W-BORDER" not in found([Example(text, f"f(x={value})")]).codes


def test_a_code_that_happens_to_stand_inside_a_word_is_none() -> None:
    rows = [Example(f"nyalakan konsol {w}", f"set(mode=v{k})") for k, w in enumerate(WORDS)]
    rows.append(Example("nyalakan konsol itu", "set(mode=on)"))
    assert "W-BORDER" not in found(rows).codes
    rows = [Example(f"putar {w} ya", f"play(song={w})") for w in WORDS]
    rows.append(Example("putar dua belas", "play(song=elas)"))
    assert only(found(rows), "W-BORDER")


def test_many_are_counted_and_some_kept() -> None:
    rows = [Example(f"putar x{k}x ya", f"play(song=x{k})") for k in range(60)]
    rows += [Example(f"jam {k} ya", f'alarm(jam="{k} ")') for k in range(60)]
    findings = found(rows)
    assert findings.codes["W-BORDER"] == 60
    letters = [Example(f"putar lagu{w} ya", f"play(song={w})") for w in WORDS * 6]
    findings = found(letters)
    assert findings.codes["W-BORDER"] == 60
    assert sum(f.code == "W-BORDER" for f in findings) == 20
