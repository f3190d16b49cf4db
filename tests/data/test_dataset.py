"""Splits, groups of near-identical utterances, fingerprint."""

import os
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maksud.data.checks import check
from maksud.data.dataset import Dataset, Example, fold_turns, near_groups
from maksud.errors import CallSyntaxError, DataError, InputError
from maksud.language.calls import Argument, Call, parse_calls


def dataset(n: int = 40) -> Dataset:
    rows = []
    for k in range(n):
        rows.append(Example(f"play number {k} of the songs from list {k * 7}", f"play(n={k})"))
        rows.append(Example(f"unrelated words {k} go here", "stop()"))
    return Dataset(rows)


def test_splits_are_stratified_and_complete() -> None:
    data = dataset().split(dev=0.1, test=0.2, seed=3)
    assert len(data) == 80
    assert Counter(e.split for e in data) == {"train": 56, "test": 16, "dev": 8}
    for part in (data.train, data.dev, data.test):
        intents = Counter(e.calls[0].intent for e in part)
        assert abs(intents["play"] - intents["stop"]) <= 1


def test_splitting_is_repeatable_and_depends_on_the_seed() -> None:
    splits = [[e.split for e in dataset().split(seed=s)] for s in (1, 1, 2)]
    assert splits[0] == splits[1] != splits[2]


def test_near_identical_utterances_stay_together() -> None:
    texts = ["Wake me up at five in the morning!", "wake me up at SIX in the morning", "play it"]
    groups = near_groups([*texts, "wake me up at six in the morning", "Play it."])
    assert groups[0] == groups[1] == groups[3]
    assert groups[2] == groups[4] != groups[0]


SAID = "putar lagu hampa dari album pertama itu"
LONG = " ".join(f"kata{k}" for k in range(60))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (SAID, f"{SAID} dong"),
        (SAID, SAID.replace("lagu ", "")),
        (SAID, SAID.replace("hampa", "sempurna")),
        (SAID, "lagu hampa dari album pertama itu putar"),
        ("terima kasih", "Terimakasih!"),
        (LONG, LONG.replace("kata7 ", "kita7 ")),
    ],
)
def test_a_split_leaves_nothing_that_check_calls_nearly_the_same(left: str, right: str) -> None:
    """One definition: what `check` tells as a near leak, a split keeps on one side."""
    first, second = near_groups([left, right])
    assert first == second
    apart = [Example(left, "a()", split="train"), Example(right, "a()", split="test")]
    assert {"I-LEAK", "W-LEAK"} & set(check(Dataset(apart)).codes)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("putar lagu hampa", "putar lagu sempurna"),
        (SAID, SAID.replace("hampa", "sempurna").replace("pertama", "kedua")),
        (LONG, " ".join(f"kata{k}" for k in range(60, 120))),
        ("?!", "!?"),
    ],
)
def test_what_is_not_nearly_the_same_may_part(left: str, right: str) -> None:
    first, second = near_groups([left, right])
    assert first != second


def test_groups_are_the_same_in_every_process() -> None:
    code = (
        "from maksud.data.dataset import near_groups\n"
        "words = [f'kata{k}' for k in range(90)]\n"
        "texts = [' '.join(words[k % 9 : 60 + k % 7]) for k in range(40)]\n"
        "print(near_groups(texts))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=60), st.integers(0, 5))
def test_no_group_straddles(letters: list[str], seed: int) -> None:
    data = Dataset(Example(f"{x} {x}", f"{x}()") for x in letters).split(
        dev=0.2, test=0.2, seed=seed
    )
    for letter in set(letters):
        assert len({e.split for e in data if e.instruction == f"{letter} {letter}"}) == 1


def test_an_intent_is_never_absent_from_train() -> None:
    data = Dataset([Example(f"word{k} x{k}", f"i{k}()") for k in range(30)]).split(dev=0.4)
    assert len(data.train) == 30


def test_catalog_validation_and_splits_parse_an_answer_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parsed: Counter[str] = Counter()

    def counted(text: str) -> tuple[Call, ...]:
        parsed[text] += 1
        return parse_calls(text)

    monkeypatch.setattr("maksud.data.dataset.parse_calls", counted)
    data = Dataset([Example(f"play number {k} {k}", f"play(n={k})") for k in range(64)])
    data.require_valid()
    again = data.split(seed=1)
    for e in [*again, *again.train, *data]:
        assert e.calls == (Call("play", (Argument("n", e.output[7:-1]),)),)
    assert again.train.catalog.names == ("play",)
    assert parsed == Counter(e.output for e in data)


def test_the_catalog_leaves_out_what_does_not_parse() -> None:
    data = Dataset([Example("a", "play()"), Example("b", ""), Example("c", "broken(")])
    assert data.catalog.names == ("play",)
    assert Counter(e.split for e in data.split(dev=0.0, test=0.0)) == {"train": 3}


def test_shares_that_leave_nothing_are_refused() -> None:
    with pytest.raises(DataError, match="nothing to train on"):
        dataset().split(dev=0.5, test=0.5)


def test_the_fingerprint_sees_every_text_split_and_their_borders() -> None:
    base = [Example("ab", "c()", split="train"), Example("d", "e()", split="test")]
    prints = {
        Dataset(base).fingerprint,
        Dataset(reversed(base)).fingerprint,
        Dataset([Example("a", "bc()", split="train"), base[1]]).fingerprint,
        Dataset([Example("ab", "c()", split="dev"), base[1]]).fingerprint,
        Dataset(base[:1]).fingerprint,
    }
    assert len(prints) == 5
    assert Dataset(base, name="other").fingerprint in prints


def test_an_output_that_does_not_parse_names_its_place() -> None:
    with pytest.raises(CallSyntaxError, match=r"data\.json:7: output can't be parsed"):
        _ = Example("x", "f(", source="data.json", line=7).calls


def test_the_catalog_is_inferred_from_what_parses() -> None:
    data = Dataset([Example("play x", "play(song=x)"), Example("y", "broken(")])
    assert data.catalog.names == ("play",)
    with pytest.raises(CallSyntaxError):
        data.require_valid()


def test_repr_and_slices() -> None:
    data = dataset(5)
    assert repr(data) == "Dataset(unnamed: 10 examples)"
    assert isinstance(data[:2], Dataset) and len(data[:2]) == 2
    assert data[0].instruction.startswith("play")


@pytest.mark.parametrize(
    ("turns", "folded"),
    [
        (
            ["Saya ingin mendengarkan musik.", "Putar musik ***."],
            "Saya ingin mendengarkan musik. Putar musik ***.",
        ),
        (["I want to return it", " A-1 "], "I want to return it. A-1"),
        (["Really?", "yes"], "Really? yes"),
        (["one"], "one"),
        (["a\n b", "", "c"], "a b. c"),
    ],
)
def test_turns_fold_as_in_the_guide(turns: list[str], folded: str) -> None:
    assert fold_turns(turns) == folded


def test_nothing_said_can_not_be_folded() -> None:
    with pytest.raises(InputError, match="no user turn"):
        fold_turns(["", "  "])


def test_an_example_without_an_answer_is_told_not_parsed() -> None:
    example = Example("x", "", source="data.json", line=7)
    assert not example.is_labelled and Example("x", "f()").is_labelled
    with pytest.raises(CallSyntaxError, match=r"data\.json:7: E-UNLABELLED .* Label it first"):
        _ = example.calls
    with pytest.raises(DataError, match=r"data\.json:7: E-UNLABELLED 1 of 2 examples have no"):
        Dataset([Example("y", "f()"), example]).require_valid()
    assert Dataset([Example("y", "f()"), example]).catalog.names == ("f",)


def test_an_answer_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import copy
    from dataclasses import replace

    from maksud.data import dataset as module

    parsed: list[str] = []
    real = module.parse_calls
    monkeypatch.setattr(module, "parse_calls", lambda text: parsed.append(text) or real(text))
    example, other = (Example("x", "f(a=1)", metadata={"n": 1}) for _ in range(2))
    assert example.calls is example.calls and parsed == ["f(a=1)"]
    assert example == other and hash(example) == hash(other) and repr(example) == repr(other)
    assert replace(example, output="g()").calls[0].intent == "g"
    for twin in (copy.copy(example), copy.deepcopy(example)):
        assert twin == example and twin.calls == example.calls
