"""The linear member: it tells intents apart, and leaves to the network whether there is one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maksud.recognizers.joint.corpus import Clause
from maksud.recognizers.joint.decoding import IMPOSSIBLE
from maksud.recognizers.joint.linear import Linear, add_opinion, pair_places, word_places
from maksud.recognizers.joint.linear_training import fit_linear

CLAUSES = [
    Clause("lamp", ["matikan", "lampu", "dapur"], []),
    Clause("lamp", ["nyalakan", "lampu", "kamar"], []),
    Clause("none", ["siapa", "presiden", "pertama"], []),
    Clause("play", ["putar", "lagu", "yellow"], []),
    Clause("play", ["mainkan", "lagu", "baru"], []),
    Clause("weather", ["cuaca", "besok", "bagaimana"], []),
]
INTENTS = ["gone", "lamp", "none", "play", "weather"]
MASK = np.zeros(len(INTENTS), np.float32)


def trained(clauses: list[Clause] = CLAUSES, share: float = 1.0) -> Linear:
    linear = fit_linear(clauses, INTENTS, share)
    assert linear is not None
    return linear


def best(linear: Linear, words: str) -> str:
    return INTENTS[int(linear(words.split()).argmax())]


@pytest.mark.filterwarnings("error")
def test_one_row_an_intent_is_learnt_without_a_warning() -> None:
    linear = fit_linear(CLAUSES[1:4:2] + CLAUSES[5:], INTENTS, 1.0)
    assert linear is not None and best(linear, "nyalakan lampu kamar") == "lamp"


def test_it_knows_what_it_learnt_and_what_is_spelt_alike() -> None:
    linear = trained()
    assert all(best(linear, " ".join(c.words)) == c.intent for c in CLAUSES if c.intent != "none")
    assert best(linear, "lampunya dimatikan") == "lamp"
    assert best(linear, "putarkan lagunya") == "play"


def test_it_never_speaks_for_an_intent_without_clauses_nor_for_none() -> None:
    linear = trained()
    for words in ("siapa presiden pertama", "zzz", ""):
        scores = linear(words.split())
        assert max(scores[0], scores[2]) < min(scores[1], scores[3], scores[4])


def test_two_intents_are_told_apart_too_and_one_needs_no_telling() -> None:
    two = trained([c for c in CLAUSES if c.intent in ("lamp", "play")])
    assert best(two, "matikan lampu") == "lamp" and best(two, "putar lagu") == "play"
    assert fit_linear([c for c in CLAUSES if c.intent in ("lamp", "none")], INTENTS, 1.0) is None
    assert fit_linear(CLAUSES, INTENTS, 0.0) is None


def test_training_is_the_same_each_time() -> None:
    one, other = trained().tensors(), trained().tensors()
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_words_and_ngrams_weigh_the_same_however_many_they_are() -> None:
    linear = trained()
    _, weight = linear.vector(["putar", "lagu", "yellow", "yellow", "yellow"])
    assert float(weight @ weight) == pytest.approx(2, abs=1e-4)
    repeated, _ = linear.vector(["lagu"] * 500)
    assert len(repeated) == len(set(repeated.tolist()))


def test_it_reads_back_as_it_was_saved() -> None:
    linear = trained(share=1.5)
    again = Linear.from_tensors(linear.tensors(), len(INTENTS))
    assert again is not None and again.share == 1.5
    words = ["putar", "lagu", "hampa"]
    assert np.allclose(again(words), linear(words), atol=0.05)
    assert Linear.from_tensors({}, len(INTENTS)) is None


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("linear.places", lambda a: a[::-1]),
        ("linear.places", lambda a: a[:0]),
        ("linear.idf", lambda a: a[:-1]),
        ("linear.weights", lambda a: a[:, :-1]),
        ("linear.bias", lambda a: a[:-1]),
        ("linear.share", lambda a: a[:0]),
    ],
)
def test_tensors_that_do_not_fit_are_refused(name: str, change: object) -> None:
    tensors = trained().tensors()
    tensors[name] = change(tensors[name])  # type: ignore[operator]
    with pytest.raises(ValueError, match="does not fit"):
        Linear.from_tensors(tensors, len(INTENTS))


log_odds = st.lists(st.floats(-20, 20, width=32), min_size=5, max_size=5)


@given(log_odds, log_odds, st.floats(0, 4), st.integers(-1, 4))
@settings(max_examples=200)
def test_the_network_alone_says_whether_an_intent_is_meant(
    network: list[float], linear: list[float], share: float, none: int
) -> None:
    mine, other = (_log_softmax(np.array([x], np.float32)) for x in (network, linear))
    both = add_opinion(mine.copy(), other, share, none)
    if none < 0:
        assert float(np.exp(both).sum()) == pytest.approx(1, abs=1e-3)
    else:
        inside = [i for i in range(5) if i != none]
        assert both[0, none] == mine[0, none]
        assert both[0, inside].max() == pytest.approx(mine[0, inside].max(), abs=1e-4)
        wanted = mine[0, inside] + share * other[0, inside]
        ranked = both[0, inside]
        assert np.allclose(ranked - ranked.max(), wanted - wanted.max(), atol=1e-3)
    if share == 0:
        assert np.allclose(np.exp(both), np.exp(mine), atol=1e-3)


def test_what_is_impossible_for_the_network_stays_so() -> None:
    network = _log_softmax(np.array([[1, 2, 0, 3, IMPOSSIBLE]], np.float32))
    linear = _log_softmax(np.array([[0, 0, 0, 0, 30]], np.float32))
    assert np.exp(add_opinion(network, linear, 2.0, 2))[0, 4] == 0


def test_what_is_masked_for_both_is_impossible() -> None:
    linear = trained()
    mask = MASK.copy()
    mask[3] = IMPOSSIBLE
    assert np.exp(linear.log_probabilities([["putar", "lagu"]], mask))[0, 3] == 0


@given(st.lists(st.text(max_size=40), max_size=90))
@settings(max_examples=60)
def test_any_words_have_a_score(words: list[str]) -> None:
    linear = trained()
    assert np.isfinite(linear(words)).all()
    assert len(pair_places(words)) == len(words)
    assert all(len(set(p)) == len(p) for p in map(word_places, words))


def _log_softmax(x: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    return x - np.log(np.exp(x - x.max()).sum()) - x.max()
