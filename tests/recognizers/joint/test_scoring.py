"""Scores are probabilities: they sum to one, and the best answer has the best score."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from joint_data import several, single

from maksud.data.dataset import Example
from maksud.language.calls import Argument, Call, format_calls
from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.language.catalog_inference import infer_catalog
from maksud.recognizers.compact.recognizer import CompactRecognizer
from maksud.recognizers.compact.settings import CompactSettings
from maksud.recognizers.compact.training import train_compact
from maksud.recognizers.contract import Contract
from maksud.recognizers.joint.scoring import AnswerScore, Scorer, _cut, _Placed

TINY = CompactSettings(
    dim=32, word_dim=16, buckets=512, members=2, epochs=30, batch_size=16, frame=0.0
)
LIGHT = Catalog(
    (
        Intent("light", parameters=(Parameter("state", "enumeration", values=("on", "off")),)),
        Intent("play_music", parameters=(Parameter("song"),)),
    )
)


def scorer_of(path: Path, examples: list[Example], catalog: Catalog | None = None) -> Scorer:
    catalog = catalog or infer_catalog(
        [e.calls for e in examples], [e.instruction for e in examples]
    )
    train_compact(examples, [], catalog, path, TINY)
    contract = Contract(catalog, system_prompt="", template="")
    return Scorer(CompactRecognizer.load(path, contract, "tiny"))


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    return scorer_of(tmp_path_factory.mktemp("scorer"), single(160) + several(80, 1))


@pytest.fixture(scope="module")
def switch(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    """A network with a choice: the state of a light is never said in the data's words."""
    rows = []
    for k in range(40):
        rows.append(Example(f"nyalakan lampu {k}", "light(state=on)"))
        rows.append(Example(f"matikan lampu {k}", "light(state=off)"))
        rows.append(Example(f"putar lagu hampa {k}", "play_music(song=hampa)"))
    return scorer_of(tmp_path_factory.mktemp("switch"), rows, LIGHT)


def score(scorer: Scorer, text: str, output: str) -> AnswerScore:
    return scorer.score([Example(text, output)])[0]


def taggings(words: list[str], at: int = 0) -> Iterator[list[str]]:
    """All ways to mark disjoint spans in `words`, as values from left to right."""
    yield []
    for i in range(at, len(words)):
        for j in range(i + 1, len(words) + 1):
            for rest in taggings(words, j):
                yield [" ".join(words[i:j]), *rest]


def test_arguments_sum_to_one(scorer: Scorer) -> None:
    words = ["putar", "lagu", "kangen", "sekarang"]
    total = 0.0
    for values in taggings(words):
        call = Call("play_music", tuple(Argument("song", v) for v in values))
        given = score(scorer, " ".join(words), format_calls([call])).calls[0]
        assert given.arguments_lp is not None
        assert given.arguments_lp <= given.best_lp + 1e-5
        total += math.exp(given.arguments_lp)
    assert total == pytest.approx(1, abs=1e-4)


def test_intents_are_the_recognizers(scorer: Scorer) -> None:
    for e in single(30, seed=5):
        (call,) = scorer.score([e])[0].calls
        assert call.other is not None and call.other.intent != call.given.intent
        assert math.exp(call.intent_lp) + math.exp(call.other_lp) <= 1 + 1e-5
        assert call.intent_lp > call.other_lp
        assert call.best == call.given
        assert call.arguments_lp == pytest.approx(call.best_lp, abs=1e-5)


def test_a_batch_scores_as_one_by_one(scorer: Scorer) -> None:
    examples = several(20, seed=7) + single(20, seed=8)
    together = scorer.score(examples)
    for example, whole in zip(examples, together, strict=True):
        alone = scorer.score([example])[0]
        assert [c.best for c in alone.calls] == [c.best for c in whole.calls]
        assert alone.cut_lp == pytest.approx(whole.cut_lp, abs=1e-4)
        for a, b in zip(alone.calls, whole.calls, strict=True):
            assert a.intent_lp == pytest.approx(b.intent_lp, abs=1e-4)
            assert a.arguments_lp == pytest.approx(b.arguments_lp, abs=1e-3)


def test_a_wrong_argument_scores_low(scorer: Scorer) -> None:
    right = score(scorer, "cuaca di new york", "weather(city=new york)").calls[0]
    wrong = score(scorer, "cuaca di new york", "weather(city=di new york)").calls[0]
    assert right.arguments_lp is not None and wrong.arguments_lp is not None
    assert wrong.best == right.given
    assert wrong.arguments_lp < right.arguments_lp - 2


def test_several_calls_are_scored_one_by_one(scorer: Scorer) -> None:
    text = "cuaca di jakarta lalu matikan lampu"
    first, second = score(scorer, text, "weather(city=jakarta);volume_up()").calls
    assert first.intent_lp > first.other_lp
    assert second.intent_lp < second.other_lp
    assert second.other == Call("lights_off")


def test_a_missing_call_is_proposed(scorer: Scorer) -> None:
    text = "cuaca di jakarta lalu matikan lampu"
    found = score(scorer, text, "weather(city=jakarta)")
    assert [c.intent for c in found.proposed] == ["weather", "lights_off"]
    assert found.proposed_cut_lp > found.cut_lp + 1


def test_calls_whose_values_interleave_are_told(scorer: Scorer) -> None:
    found = score(scorer, "putar hampa di solo", "weather(city=solo);play_music(song=hampa)")
    assert found.calls == () and "interleave" in found.reason


def test_what_has_no_words_or_no_intent_is_told(scorer: Scorer) -> None:
    assert "word" in score(scorer, "  ", "weather()").reason
    assert "intent" in score(scorer, "cuaca", "forecast()").reason


def test_several_calls_need_a_network_that_saw_some(switch: Scorer) -> None:
    found = score(switch, "nyalakan lampu lalu putar hampa", "light(state=on);play_music()")
    assert found.calls == () and found.reason


def test_choices_are_scored(switch: Scorer) -> None:
    on = score(switch, "nyalakan lampu 3", "light(state=on)").calls[0]
    off = score(switch, "nyalakan lampu 3", "light(state=off)").calls[0]
    without = score(switch, "nyalakan lampu 3", "light()").calls[0]
    lps = [c.arguments_lp for c in (on, off, without)]
    assert None not in lps
    assert sum(math.exp(lp or 0.0) for lp in lps) == pytest.approx(1, abs=1e-3)
    assert off.best == on.given


def test_an_unknown_value_is_not_judged(switch: Scorer) -> None:
    (call,) = score(switch, "putar lagu hampa 3", "play_music(song=bintang)").calls
    assert call.arguments_lp is None
    assert call.intent_lp > call.other_lp


def test_a_cut_divides_no_value() -> None:
    calls = (Call("a"), Call("b"))
    spans = [[(1, 3, "p")], [(4, 5, "q")]]
    odds = np.array([0, -9, 9, -1, -2, 9], np.float32)  # likes best what is inside values
    found = _cut(_Placed(calls, spans, [{}, {}]), 6, odds)
    assert found is not None and found[1] == [0, 3, 6]
    free = _cut(_Placed(calls, None, None), 6, odds)
    assert free is not None and free[1] in ([0, 2, 6], [0, 5, 6])
    assert free[0] > found[0]


def test_cuts_are_a_distribution() -> None:
    odds = np.array([0, 0.5, -1, 2], np.float32)
    total = 0.0
    for number in range(1, 5):
        placed = _Placed((Call("a"),) * number, None, None)
        found = _cut(placed, 4, odds)
        assert found is not None and len(found[1]) == number + 1
        total += math.exp(found[0])
    assert total < 1  # each is the best of its number of clauses
    assert _cut(_Placed((Call("a"),) * 5, None, None), 4, odds) is None
