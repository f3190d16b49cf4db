"""Each check finds what it is for, and nothing where there is nothing."""

from pathlib import Path

import pytest

from maksud.catalog import Catalog, Intent, Parameter
from maksud.checks import check
from maksud.dataset import Dataset, Example
from maksud.findings import Finding, excerpt, ordered, shown

WORDS = ["satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "delapan", "sembilan", "sepuluh"]


def rows(intent: str, n: int, split: str = "train") -> list[Example]:
    """`n` single-intent examples, no two of them alike."""
    return [
        Example(
            f"{intent} {WORDS[k % 10]} {WORDS[k // 10]} {split}", f"{intent}()", split=split, line=k
        )
        for k in range(n)
    ]


def good() -> list[Example]:
    out = rows("play", 100) + rows("stop", 100) + rows("none", 10)
    for k in range(50):
        a, b = WORDS[k % 10], WORDS[k // 10]
        out.append(Example(f"mainkan {a} lalu hentikan {b}", "play();stop()", split="train"))
    return out


def codes(examples: list[Example], catalog: Catalog | None = None) -> set[str]:
    return {f.code for f in check(Dataset(examples, catalog=catalog))}


def test_good_data_has_no_findings() -> None:
    assert check(Dataset(good())) == []


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        (rows("rare", 49), "W-FEW"),
        (rows("fair", 99), "I-FEW"),
        (rows("none", 30, "again") + rows("big", 100) + rows("big", 100, "x"), ""),
        ([Example("x", "f(", split="train")], "E-CALL"),
        ([Example("play satu satu train", "stop()", split="train")], "W-CONFLICT"),
        ([Example("Play satu satu TRAIN!", "play()", split="train")], "I-DUP"),
        ([Example("play satu satu train", "play()", split="test")], "W-LEAK"),
        ([Example("a b c d e f", "new();stop()", split="train")], "W-UNSEEN"),
        ([Example("putar lagu", "play(song=Halo)", split="train")], "W-VALUE"),
    ],
)
def test_each_check_finds_its_fault(extra: list[Example], code: str) -> None:
    found = codes(good() + extra)
    assert code in found if code else not found & {"W-FEW", "I-FEW"}


def test_near_copies_across_splits_are_told() -> None:
    base = [Example("one two three four five six", "play()", split="train")]
    near = [Example("one two three four five seven", "play()", split="test")]
    assert "I-LEAK" in codes(good() + base + near)
    assert "I-LEAK" not in codes(good() + near)


def test_imbalance_and_share() -> None:
    assert "W-IMBALANCE" in codes(rows("a", 100) + rows("b", 20) + rows("c", 20))
    singles = rows("play", 100) + rows("stop", 100) + rows("none", 10)
    multi = [e for e in good() if ";" in e.output]
    assert "W-MULTI" in codes(singles + multi[:42])
    assert "W-MULTI" not in codes(singles + multi[:43])
    assert "I-MULTI" in codes(singles)


def test_multi_turn_examples_count_as_multi() -> None:
    turns = [
        Example(f"putar. {w} {v}", "play()", split="train", metadata={"turns": ["putar", w]})
        for w in WORDS
        for v in WORDS[:5]
    ]
    singles = rows("play", 100) + rows("stop", 100) + rows("none", 10)
    assert not codes(singles + turns) & {"W-MULTI", "I-MULTI"}


def test_missing_out_of_scope_examples() -> None:
    data = rows("play", 100) + rows("stop", 100)
    assert "I-NONE" in codes(data)
    assert "W-NONE" in codes(data + rows("none", 1))


def test_the_declared_catalog_is_held() -> None:
    catalog = Catalog((Intent("play", parameters=(Parameter("song"),)), Intent("idle")))
    found = check(Dataset(rows("play", 3) + rows("stop", 1), catalog=catalog))
    assert any(f.code == "E-LABEL" and "'stop'" in f.message for f in found)
    assert any(f.code == "W-UNUSED" and "idle" in f.message for f in found)


def test_one_intent_only() -> None:
    assert "W-ONECLASS" in codes(rows("play", 60))


def test_reading_and_checking_speak_together(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text('[{"instruction": "a", "output": "f("}, {"instruction": "b"},]')
    found = check(file)
    assert {f.code for f in found} >= {"E-CALL", "E-FIELD", "W-COMMA"}
    assert all(f.place.startswith(str(file)) for f in found if f.level == "error")


def test_findings_are_ordered_and_cut() -> None:
    found = [Finding("info", "I-X", str(k)) for k in range(30)] + [Finding("error", "E-Y", "z")]
    cut = shown(found)
    assert cut[0].code == "E-Y" and len(cut) == 22
    assert "10 more" in cut[-1].message
    assert ordered(found)[0].level == "error"
    assert str(Finding("error", "E-Y", "bad", "f:1", fix="mend")) == "ERROR E-Y f:1 bad - mend"


def test_excerpts_are_short_and_printable() -> None:
    assert excerpt("a\x1b[31m") == '"a\\u001b[31m"'
    assert len(excerpt("x" * 500)) <= 82
