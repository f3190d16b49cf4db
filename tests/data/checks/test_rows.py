"""What the checks look at is worked out once for each answer, and for each row."""

from collections import Counter
from pathlib import Path

import pytest

from maksud.data.checks import check, near, rows
from maksud.data.checks.rows import Answer, Answers, count_digits
from maksud.data.dataset import Dataset, Example
from maksud.language.folding import folded_words


def test_a_frequent_answer_is_read_once_however_many_rare_ones_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: Counter[str] = Counter()
    real = rows.read_answer

    def counted(output: str, catalog: None) -> Answer:
        read[output] += 1
        return real(output, catalog)

    monkeypatch.setattr(rows, "read_answer", counted)
    monkeypatch.setattr(rows, "KEPT_ANSWERS", 10)
    answers = Answers(None)
    for k in range(200):
        assert answers("play()").intents == ("play",)
        assert answers(f"call(contact={k})").arguments == (("call", "contact", str(k)),)
    assert read["play()"] == 1 and max(read.values()) == 1
    # Memory stays flat: what was not asked for again is forgotten.
    assert answers("call(contact=0)").intents == ("call",) and read["call(contact=0)"] == 2


def test_what_stands_for_values_is_worked_out_once() -> None:
    answer = Answers(None)("f(a=York, b=New York, c=Ö)")
    assert answer.places == ((" new york ", " {b} "), (" york ", " {a} "), (" ö ", " {c} "))
    assert answer.places is answer.places
    assert Answers(None)("f(York)").places == ((" york ", " {value} "),)
    assert Answers(None)("none()").places == ()


@pytest.mark.parametrize(
    ("text", "digits"),
    [("", 0), ("no digit", 0), ("call 0812 now 9", 5), ("café 12", 2), ("٣٤ dan 5", 3), ("²½", 0)],
)
def test_digits_are_counted_in_every_script(text: str, digits: int) -> None:
    assert count_digits(text) == digits


@pytest.mark.parametrize("together", [1 << 20, 40, 7])
def test_near_copies_are_the_same_in_any_number_of_parts_and_folded_once(
    together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [
        f"please wake {name} up at {n} in the morning" for n in range(9) for name in ("me", "Al")
    ]
    data = Dataset(
        [Example(t, "alarm()", split="train") for t in texts]
        + [Example(texts[0] + " ya", "stop()", split="test"), Example("play it", "play()")]
    )
    whole = sorted(map(str, check(data)))
    folded: Counter[str] = Counter()

    def counted(text: str) -> list[str]:
        folded[text] += 1
        return folded_words(text)

    monkeypatch.setattr(near, "folded_words", counted)
    monkeypatch.setattr(near, "TOGETHER", together)
    assert sorted(map(str, check(data))) == whole
    assert any("I-NEARDUP" in line for line in whole) and any("I-LEAK" in line for line in whole)
    assert folded and set(folded.values()) == {1}


def test_plain_tables_read_as_those_with_more_columns(tmp_path: Path) -> None:
    said = [("play it", "play()"), ("=1+1", "stop()"), ("what", "none"), ("x", ""), ("", "play()")]
    plain, more = tmp_path / "plain.csv", tmp_path / "more.csv"
    lines = [f"{b},'{a}" if a.startswith("=") else f"{b},{a}" for a, b in said]
    plain.write_text("output,text\n" + "\n".join(lines) + "\n")
    more.write_text("output,text,mood\n" + "\n".join(f"{line},good" for line in lines) + "\n")
    from maksud.data.formats.files import read

    first, second = read(plain), read(more)
    assert [(e.instruction, e.output, e.line) for e in first[0]] == [
        (e.instruction, e.output, e.line) for e in second[0]
    ]
    assert len(first[0]) == 4 and [r.code for r in first[2]] == [r.code for r in second[2]]
