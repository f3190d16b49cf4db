"""Copies, contradictions and leaks."""

from typing import Any

import numpy as np
import pytest
from checked import found, good, only, rows
from hypothesis import given
from hypothesis import strategies as st

from maksud.data.checks import check
from maksud.data.checks.repeats import first_like, seen_from
from maksud.data.dataset import Dataset, Example


def test_an_exact_copy_is_told_with_the_first() -> None:
    first = Example("putar itu", "play()", split="train", source="t", line=3)
    again = Example("putar itu", "play()", split="train", source="t", line=9)
    finding = only(found([first, again]), "W-DUP")
    assert finding.place == "t:9" and "at line 3 already" in finding.message
    assert "1 exact copies (0.4% of the rows)" in finding.why


def test_a_folded_copy_is_an_info() -> None:
    findings = found([Example("putar itu", "play()"), Example("Putar, itu!", "play()")])
    assert findings.codes == {"I-DUP": 1}


def test_the_same_words_in_another_split_are_a_leak_not_a_copy() -> None:
    extra = [*rows("play", 5, "test"), *rows("stop", 5, "test")]
    leak = Example("play satu satu train", "play()", split="test", source="test.json", line=8)
    findings = found([*extra, leak])
    assert findings.codes == {"W-LEAK": 1, "W-HELDOUT": 1}
    finding = only(findings, "W-LEAK")
    assert finding.place == "test.json:8" and "1 row of test (9.1%)" in finding.why


@pytest.mark.parametrize("split", ["train", "test"])
def test_contradictions_are_told_within_and_across_splits(split: str) -> None:
    extra = [*rows("play", 5, "test"), *rows("stop", 5, "test")]
    clash = Example("Play satu satu train", "stop()", split=split)
    finding = only(found([*extra, clash]), "W-CONFLICT")
    assert "stop()" in finding.message and "play()" in finding.message


def test_the_order_of_arguments_is_no_contradiction() -> None:
    a = Example("dari A ke B", "go(from=A, to=B)")
    b = Example("dari A ke B", "go(to=B, from=A)")
    assert "W-CONFLICT" not in found([a, b]).codes
    assert "W-CONFLICT" in found([a, Example("dari A ke B", "go(from=B, to=A)")]).codes


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (("cuaca di Solo", "cuaca(kota=Solo)"), ("cuaca di solo", "cuaca(kota=solo)")),
        (("jam 7.30", "alarm(jam=7.30)"), ("Jam 7:30", "alarm(jam=7:30)")),
        (("cuaca di Solo", "cuaca(Solo)"), ("Cuaca di SOLO!", "cuaca(SOLO)")),
        (("Solo ke Bogor", "go(a=Solo, b=Bogor)"), ("solo ke bogor", "go(b=bogor, a=solo)")),
    ],
)
def test_rows_that_each_copy_their_own_words_do_not_contradict(
    a: tuple[str, str], b: tuple[str, str]
) -> None:
    assert "W-CONFLICT" not in found([Example(*a), Example(*b)]).codes


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (("cuaca di Solo", "cuaca(kota=Solo)"), ("cuaca di solo", "cuaca(kota=Bogor)")),
        (("cuaca di Solo", "cuaca(kota=Solo)"), ("cuaca di solo", "cuaca(kota=SOLO)")),
        (("matikan D1", "off(d=D1)"), ("matikan d1", "off(d=D2)")),
        (("Solo ke Bogor", "go(a=Solo, b=Bogor)"), ("solo ke bogor", "go(a=bogor, b=solo)")),
        (("cuaca di Solo", "cuaca(kota=Solo)"), ("cuaca di solo", "cuaca(solo)")),
    ],
)
def test_other_values_for_the_same_words_do(a: tuple[str, str], b: tuple[str, str]) -> None:
    assert found([Example(*a), Example(*b)]).codes["W-CONFLICT"] == 1


def test_unlabelled_rows_contradict_nothing() -> None:
    findings = found([Example("play satu satu train", "")])
    assert set(findings.codes) == {"I-UNLABELLED"}


def test_many_copies_are_counted() -> None:
    data = good() + [Example("itu lagi", "play()", line=k) for k in range(101)]
    assert check(Dataset(data)).codes["W-DUP"] == 100


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-2, 2)), max_size=40))
def test_the_first_like_each_row(pairs: list[tuple[int, int]]) -> None:
    columns: list[Any] = [np.array([p[k] for p in pairs], np.int64) for k in (0, 1)]
    expected = [pairs.index(pair) for pair in pairs]
    assert first_like(*columns).tolist() == expected


def test_shares_of_all_splits_stand_in_every_finding() -> None:
    extra = [*rows("play", 5, "test"), *rows("stop", 5, "test"), *rows("play", 5, "dev")]
    extra += rows("stop", 5, "dev")
    extra += [Example("play satu satu train", "play()", split=s) for s in ("dev", "dev", "test")]
    why = {f.why for f in found(extra) if f.code == "W-LEAK"}
    assert len(why) == 1 and "2 rows of dev (16.7%), 1 of test (9.1%)" in why.pop()


@pytest.mark.parametrize(
    ("source", "line", "seen"),
    [
        ("d/train.json", 3, "line 3"),
        ("d/test.json", 3, "test.json:3"),
        ("e/test.json", 3, "e/test.json:3"),
        ("d/test.json", 0, "d/test.json"),
        ("", 0, "another row"),
    ],
)
def test_places_are_short(source: str, line: int, seen: str) -> None:
    here = Example("a", "f()", source="d/train.json", line=1)
    assert seen_from(here, Example("a", "f()", source=source, line=line)) == seen
