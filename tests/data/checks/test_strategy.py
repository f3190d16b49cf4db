"""The guide's strategy: amount, balance, combinations, and what starves a recognizer."""

import pytest
from checked import WORDS, codes, found, good, only, rows

from maksud.data.checks import check
from maksud.data.checks.strategy import MAX_INTENTS, Strategy
from maksud.data.dataset import Dataset, Example
from maksud.data.findings import Findings


@pytest.mark.parametrize(("n", "code"), [(49, "W-FEW"), (50, "I-FEW"), (99, "I-FEW"), (100, "")])
def test_the_guides_amounts(n: int, code: str) -> None:
    told = set(found(rows("more", n)).codes) & {"W-FEW", "I-FEW"}
    assert told == ({code} if code else set())


def test_only_single_intent_examples_of_train_count() -> None:
    extra = [*rows("more", 40), *rows("more", 30, "dev")]
    extra += [Example(f"{w} dan {v}", "more();stop()") for w in WORDS for v in WORDS[:3]]
    assert "40 single-intent" in only(found(extra), "W-FEW").message


def test_imbalance_to_the_median_and_to_the_least() -> None:
    assert "W-IMBALANCE" in codes(rows("a", 100) + rows("b", 20) + rows("c", 20))
    assert "W-IMBALANCE" not in codes(rows("a", 60) + rows("b", 20) + rows("c", 20))
    # 100 : 1, with a median that hides it.
    many = [Example(f"a {k} {w}", "a()") for k in range(41) for w in WORDS]
    more = [Example(f"b {k} {w}", "b()") for k in range(41) for w in WORDS]
    few = [Example(f"jarang {w}", "c()") for w in WORDS]
    least = only(check(Dataset(many + more + few[:4])), "W-IMBALANCE")
    assert "410 examples, c has 4" in least.message
    assert "W-IMBALANCE" not in codes(many + more + few[:5])


def test_share_of_combinations() -> None:
    singles = rows("play", 100) + rows("stop", 100) + rows("none", 10)
    multi = [e for e in good() if ";" in e.output]
    assert "W-MULTI" in codes(singles + multi[:42])
    assert "W-MULTI" not in codes(singles + multi[:43])
    assert "I-MULTI" in codes(singles)


def test_multi_turn_examples_are_combinations() -> None:
    turns = [
        Example(f"putar. {w} {v}", "play()", split="train", metadata={"turns": ["putar", w]})
        for w in WORDS
        for v in WORDS[:5]
    ]
    singles = rows("play", 100) + rows("stop", 100) + rows("none", 10)
    assert not codes(singles + turns) & {"W-MULTI", "I-MULTI"}


def test_combinations_should_use_most_intents() -> None:
    more = [e for name in ("aa", "bb", "cc") for e in rows(name, 100)]
    combined = [Example(f"{a} lalu {b} itu", "play();stop()") for a in WORDS for b in WORDS[:5]]
    assert "use 2 of 5 intents" in only(found(more + combined), "I-COVERAGE").message
    assert "I-COVERAGE" not in codes(good())


def test_what_is_only_seen_combined_is_told_where() -> None:
    one = Example("a b c d e f", "new();stop()", split="train", source="t.json", line=7)
    finding = only(found([one]), "W-UNSEEN")
    assert finding.place == "t.json:7" and "new" in finding.message


def test_out_of_scope_examples() -> None:
    data = rows("play", 100) + rows("stop", 100)
    assert "I-NONE" in codes(data)
    assert "W-NONE" in codes(data + rows("none", 1))
    assert not codes(data + rows("none", 10)) & {"I-NONE", "W-NONE"}


def test_one_class() -> None:
    assert "E-ONECLASS" in codes(rows("play", 60))
    assert "E-ONECLASS" in codes(rows("none", 60))
    assert "E-ONECLASS" not in codes(rows("play", 60) + rows("none", 2))
    assert "E-ONECLASS" not in codes([Example("belum", "")])


def test_rare_labels_and_empty_evaluation_splits() -> None:
    told = only(found(rows("rare", 4)), "W-RARE")
    assert "4 rows in all" in told.message
    assert "W-RARE" not in found(rows("rare", 5)).codes
    told = only(found(rows("play", 3, "test")), "W-RARE")
    assert told.message == "stop has no row in test"
    told = only(
        found([*rows("late", 6, "test"), *rows("play", 3, "test"), *rows("stop", 3, "test")]),
        "W-UNTAUGHT",
    )
    assert told.message == "late has no row in train" and "never answered" in told.why


def test_free_text_as_answers_does_not_fill_the_memory() -> None:
    data = [Example(f"teks {k}", f"jawaban_{k}()") for k in range(MAX_INTENTS + 5)]
    findings = check(Dataset(data))
    assert "5 further calls" in only(findings, "W-INTENTS").message


def test_without_training_rows_nothing_is_asked_of_them() -> None:
    findings = Findings()
    Strategy().tell(findings)
    assert not findings.codes
    assert "W-FEW" not in codes(rows("play", 5, "test") + rows("stop", 5, "test"))
