"""The compact recognizer as its users meet it."""

import dataclasses
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joint_data import CITIES, SONGS, several, single

from maksud.data.dataset import Example
from maksud.errors import RunError
from maksud.language.calls import NONE, Argument, Call, format_calls
from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.language.catalog_inference import infer_catalog
from maksud.recognizers.compact.recognizer import CompactRecognizer
from maksud.recognizers.compact.settings import CompactSettings
from maksud.recognizers.compact.training import train_compact
from maksud.recognizers.contract import Contract
from maksud.recognizers.held_out import answer_unknown
from maksud.recognizers.joint.answers import FEATURES
from maksud.recognizers.joint.weights import load_weights, save_weights

TINY = CompactSettings(
    dim=32, word_dim=16, buckets=512, members=2, epochs=60, batch_size=16, dropout=0.2
)
TAGS = FEATURES.index("log p(tags)")
UNSEEN = ("weather", "play_music")
"""Two intents that no training utterance has in this order."""


def catalog_of(examples: list[Example]) -> Catalog:
    return infer_catalog([e.calls for e in examples], [e.instruction for e in examples])


def trained(
    path: Path,
    examples: list[Example],
    changed: CompactSettings = TINY,
    catalog: Catalog | None = None,
) -> CompactRecognizer:
    catalog = catalog or catalog_of(examples)
    train_compact(examples, [], catalog, path, changed)
    return CompactRecognizer.load(path, Contract(catalog, system_prompt="", template=""), "tiny")


@pytest.fixture(scope="module")
def corpus() -> list[Example]:
    none = [Example(t, "none()") for t in ("siapa presiden kita", "what is love", "aku lapar")]
    turns = [Example("mau retur. nomornya A12.", "refund(number=A12)")] * 8
    return single(160) + several(80, 1, UNSEEN) + none * 8 + turns


@pytest.fixture(scope="module")
def recognizer(
    tmp_path_factory: pytest.TempPathFactory, corpus: list[Example]
) -> CompactRecognizer:
    return trained(tmp_path_factory.mktemp("tiny"), corpus)


def answer(recognizer: CompactRecognizer, text: str) -> str:
    return format_calls(recognizer.propose([text])[0].calls)


def test_it_learns(recognizer: CompactRecognizer) -> None:
    fresh = single(100, seed=99)
    proposals = recognizer.propose([e.instruction for e in fresh])
    right = [p.calls == e.calls for p, e in zip(proposals, fresh, strict=True)]
    assert sum(right) >= 98


def test_it_composes_calls_never_seen_together(recognizer: CompactRecognizer) -> None:
    cities, songs = CITIES, SONGS
    texts, gold = [], []
    for k in range(14):
        city, song = cities[k % 7], songs[(k * 3 + k // 7) % 7]
        joint = [" lalu ", " and then ", ", ", " terus "][k % 4]
        texts.append(f"cuaca di {city}{joint}putar lagu {song}")
        gold.append(
            (
                Call("weather", (Argument("city", city),)),
                Call("play_music", (Argument("song", song),)),
            )
        )
    proposals = recognizer.propose(texts)
    assert sum(p.calls == g for p, g in zip(proposals, gold, strict=True)) >= 13


def test_turns_of_one_call_are_not_cut(recognizer: CompactRecognizer) -> None:
    assert answer(recognizer, "mau retur. nomornya A12.") == "refund(number=A12)"


def test_out_of_scope(recognizer: CompactRecognizer) -> None:
    (proposal,) = recognizer.propose(["siapa presiden kita"])
    assert proposal.calls == (NONE,)
    assert proposal.out_of_scope > 0.5
    assert proposal.alternatives[0][0] != (NONE,)
    (proposal,) = recognizer.propose(["putar lagu hampa"])
    assert proposal.out_of_scope < 0.5


def test_values_are_copied_as_written(recognizer: CompactRecognizer) -> None:
    assert answer(recognizer, "Putar lagu  Bunga  TERAKHIR") == "play_music(song=Bunga  TERAKHIR)"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=5))
def test_any_text_has_a_valid_answer(recognizer: CompactRecognizer, texts: list[str]) -> None:
    proposals = recognizer.propose(texts)
    assert len(proposals) == len(texts)
    for text, proposal in zip(texts, proposals, strict=True):
        assert recognizer.contract.catalog.violations(proposal.calls, text) == []
        assert len(proposal.features) == len(FEATURES)
        assert all(map(math.isfinite, proposal.features))
        assert 0 <= proposal.out_of_scope <= 1
        assert len(proposal.alternatives) <= 3
        assert all(calls != proposal.calls for calls, _ in proposal.alternatives)
        assert proposal.calls == (NONE,) or NONE not in proposal.calls


@pytest.mark.parametrize("text", ["", "  \n", "我想听音乐", "👍👍🏽", "a" * 10_000, "lalu " * 3000])
def test_odd_utterances(recognizer: CompactRecognizer, text: str) -> None:
    (proposal,) = recognizer.propose([text])
    assert recognizer.contract.catalog.violations(proposal.calls, text) == []


def test_what_is_not_read_is_told(recognizer: CompactRecognizer) -> None:
    texts = ["putar lagu hampa" + " ya" * k for k in (509, 510)]
    assert [p.truncated for p in recognizer.propose(texts)] == [False, True]
    answers = recognizer.recognize(texts)
    assert [a.truncated for a in answers] == [False, True] and not answers[1].accepted


def test_what_was_typed_is_read_and_given_back(recognizer: CompactRecognizer) -> None:
    plain, typed = recognizer.recognize(
        ["cuaca di new york", "cuaca\u00a0di  \uff4e\uff45\uff57\u00a0yo\u00adrk\u200b"]
    )
    assert plain.text == "weather(city=new york)"
    assert typed.calls[0].named == {"city": "\uff4e\uff45\uff57\u00a0yo\u00adrk"}
    assert typed.confidence == plain.confidence


def test_answers_do_not_depend_on_the_batch(
    recognizer: CompactRecognizer, corpus: list[Example]
) -> None:
    texts = [e.instruction for e in corpus[::7]]
    together = recognizer.propose(texts)
    for text, proposal in zip(texts, together, strict=True):
        (alone,) = recognizer.propose([text])
        assert alone.calls == proposal.calls
        assert np.allclose(alone.features, proposal.features, atol=1e-4)


def test_what_is_sure_is_quite_sure(recognizer: CompactRecognizer) -> None:
    """As log-odds it is a part of the confidence: a rounding error there is no small matter."""
    texts = [f"{'tolong ya ' * k}keraskan suaranya" for k in range(40)]
    found = [p for p in recognizer.propose(texts) if p.calls in ((Call("volume_up"),), (NONE,))]
    assert len(found) > 20
    for proposal in found:  # nothing can be tagged
        assert abs(proposal.features[TAGS]) < 1e-11


def test_one_intent_one_example(tmp_path: Path) -> None:
    made = trained(tmp_path, [Example("halo", "greet()")])
    assert answer(made, "halo") == "greet()"


def test_few_examples_with_positional_arguments(tmp_path: Path) -> None:
    examples = [
        Example("cuaca di Hangzhou", "weather_search(Hangzhou)"),
        Example("cuaca di Jakarta", "weather_search(Jakarta)"),
        Example("putar Hampa", "play(Hampa)"),
        Example("putar Kangen", "play(Kangen)"),
    ]
    made = trained(tmp_path, examples, dataclasses.replace(TINY, epochs=120))
    recognition = made("cuaca di Jakarta")
    assert recognition.text == "weather_search(Jakarta)"
    assert recognition.calls[0].arguments[0].name == "value"


def test_choices_and_their_place(tmp_path: Path) -> None:
    rooms = ["dapur", "kamar", "teras", "garasi"]
    examples = [
        Example(f"{verb} lampu {room}", f"light(state={state}, room={room})")
        for room in rooms
        for verb, state in (("nyalakan", "on"), ("hidupkan", "on"), ("padamkan", "off"))
    ]
    made = trained(tmp_path, examples, dataclasses.replace(TINY, epochs=60))
    assert answer(made, "hidupkan lampu teras") == "light(state=on, room=teras)"
    assert answer(made, "padamkan lampu dapur") == "light(state=off, room=dapur)"


def test_affixes_are_trimmed(tmp_path: Path) -> None:
    examples = [Example(f"batalkan order{k}", f"cancel(id={k})") for k in range(100, 130)]
    made = trained(tmp_path, examples)
    assert answer(made, "batalkan order871") == "cancel(id=871)"


def test_the_catalog_forbids(tmp_path: Path, corpus: list[Example]) -> None:
    """A network answers under a smaller catalog only with what that allows."""
    train_compact(corpus, [], catalog_of(corpus), tmp_path, dataclasses.replace(TINY, epochs=4))
    small = Catalog((Intent("play_music", parameters=(Parameter("song"),)), Intent("weather")))
    made = CompactRecognizer.load(tmp_path, Contract(small), "small")
    for proposal in made.propose([e.instruction for e in corpus]):
        assert small.violations(proposal.calls) == []
    with pytest.raises(RunError, match="none of the network's intents"):
        CompactRecognizer.load(tmp_path, Contract(Catalog((Intent("other"),))), "other")


def test_enumerations_are_kept_to_their_values(tmp_path: Path) -> None:
    examples = single(80)
    plain = catalog_of(examples)
    listed = Parameter("city", type="enumeration", values=("Jakarta", "London"))
    catalog = Catalog(
        tuple(
            Intent("weather", parameters=(listed,)) if i.name == "weather" else i
            for i in plain.intents
        )
    )
    made = trained(tmp_path, examples, catalog=catalog)
    assert answer(made, "cuaca di jakarta") == "weather(city=Jakarta)"
    assert answer(made, "cuaca di bandung") == "weather()"


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    examples = single(10)
    made = trained(tmp_path, examples, dataclasses.replace(TINY, epochs=1))
    (tmp_path / "joint.json").write_text("{}")
    with pytest.raises(RunError, match="format"):
        CompactRecognizer.load(tmp_path, made.contract, "x")
    with pytest.raises(RunError, match="can't be read"):
        CompactRecognizer.load(tmp_path / "absent", made.contract, "x")


def test_a_run_of_before_opens_and_answers(tmp_path: Path, corpus: list[Example]) -> None:
    """Runs that have no linear classifier, no labelled rows and no negations in them."""
    made = trained(tmp_path, corpus, dataclasses.replace(TINY, epochs=1))
    assert made.linear is not None and made.nearness is not None and made.negation is not None
    content, tensors = load_weights(tmp_path)
    del content["negation"]
    later = ("linear.", "near.")
    save_weights(tmp_path, content, {n: w for n, w in tensors.items() if not n.startswith(later)})
    before = CompactRecognizer.load(tmp_path, made.contract, "before")
    assert before.linear is before.nearness is before.negation is None
    [proposal] = before.propose(["putar lagu hampa"])
    assert proposal.calls and len(proposal.features) == len(before.features) < len(made.features)


def test_the_cache_of_words_is_bounded(
    recognizer: CompactRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maksud.recognizers.compact.engine.CACHED_WORDS", 50)
    recognizer.extractor._cache.clear()
    recognizer.propose([f"kata{k}" for k in range(200)])
    assert len(recognizer.extractor._cache) <= 50


def test_recognition_needs_no_torch_and_none_of_the_trainers_modules(tmp_path: Path) -> None:
    trained(tmp_path, single(10), dataclasses.replace(TINY, epochs=1))
    code = f"""
import sys
from maksud.recognizers.compact.recognizer import CompactRecognizer
from maksud.recognizers.contract import Contract
from maksud.language.catalog import Catalog, Intent, Parameter
catalog = Catalog((Intent("play_music", parameters=(Parameter("song"),)),))
CompactRecognizer.load({str(tmp_path)!r}, Contract(catalog), "x").propose(["putar lagu hampa"])
trainers = "alignment augmentation corpus cutting loss network planning saving".split()
unwanted = {{"torch", *(f"maksud.recognizers.joint.{{t}}" for t in trainers)}}
sys.exit(", ".join(unwanted & set(sys.modules)) or None)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_answer_held_to_some_intents_shares_out_the_probability(
    recognizer: CompactRecognizer, corpus: list[Example]
) -> None:
    names = recognizer.contract.catalog.names
    texts = list(dict.fromkeys(e.instruction for e in corpus))[::7]
    free = recognizer.propose(texts)
    everything = recognizer.propose_within(texts, [frozenset({*names, "none"})] * len(texts))
    assert everything == free == recognizer.propose_within(texts, [None] * len(texts))
    assert {p.calls for p in recognizer.propose_within(texts, [{"none"}] * len(texts))} == {(NONE,)}
    for left in ({"weather"}, {"play_music", "none"}, {"weather", "play_music"}):
        held = recognizer.propose_within(texts, [left] * len(texts))
        for before, after in zip(free, held, strict=True):
            assert {c.intent for c in after.calls} <= left
            assert all({c.intent for c in other} <= left for other, _ in after.alternatives)
            assert all(map(math.isfinite, after.features))
            lowest = FEATURES.index("lowest log p(intent)")
            if before.calls == after.calls and len(before.calls) == 1:
                assert after.features[lowest] >= before.features[lowest] - 1e-4
            if len(left) == 1:  # nothing else is there to be likely
                assert after.features[lowest] == pytest.approx(0, abs=1e-4)


def test_who_asks_for_what_is_not_offered_asks_for_none_of_the_rest(
    recognizer: CompactRecognizer,
) -> None:
    texts = [f"cuaca di {city}" for city in CITIES]
    free = recognizer.propose(texts)
    held = recognizer.propose_within(texts, [{"play_music", "refund", "none"}] * len(texts))
    forced = recognizer.propose_within(texts, [{"play_music", "refund"}] * len(texts))
    at = FEATURES.index("lowest log p(intent)")
    for before, after, call in zip(free, held, forced, strict=True):
        assert before.calls[0].intent == "weather" and after.calls == (NONE,)
        assert before.features[at] - 1e-6 <= after.features[at] <= 0
        assert after.out_of_scope > 0.5
        assert call.calls[0].intent in ("play_music", "refund")


def test_each_utterance_of_a_batch_is_held_to_its_own_intents(
    recognizer: CompactRecognizer,
) -> None:
    text = "putar Hampa"
    held = [{"weather"}, None, {"refund"}, {"nothing of ours"}, set[str]()]
    answers = recognizer.propose_within([text] * 5, held)
    intents = [[c.intent for c in a.calls] for a in answers]
    assert intents[0] == ["weather"] and intents[2] == ["refund"]
    assert intents[1] == [c.intent for c in recognizer.propose([text])[0].calls]
    assert intents[3:] == [["none"], ["none"]]
    alone = [recognizer.propose_within([text], [h])[0].calls for h in held]
    assert [a.calls for a in answers] == alone


def test_who_asks_for_all_that_there_is_is_no_unknown(tmp_path: Path) -> None:
    """Of a small catalog an utterance may ask for everything: nothing is then left to answer."""
    pairs = [("nyalakan", "on"), ("matikan", "off")]
    rows = [Example(f"{said} {what}", f"{f}({what})") for said, f in pairs
            for what in ("lampu", "kipas", "ac", "tv", "radio", "pompa")]  # fmt: skip
    rows += [Example(f"{a.instruction} lalu {b.instruction}", f"{a.output};{b.output}")
             for a in rows[:6] for b in rows[6:]]  # fmt: skip
    rows += [Example(t, "none()") for t in ("siapa presiden kita", "apa kabar", "aku lapar")] * 3
    recognizer = trained(tmp_path, rows)
    both = rows[12]
    [proposal] = recognizer.propose_without([both.instruction], [{"on", "off"}])
    assert proposal.calls == (NONE,) and not any(proposal.features)
    asked = answer_unknown(recognizer, [both, rows[0]], lambda _: None)
    assert len(asked) == 1 and any(asked.features[0])


def test_text_that_is_no_text_is_read_as_far_as_it_is(recognizer: CompactRecognizer) -> None:
    [answer] = recognizer.recognize([f"putar lagu {SONGS[0]} \udcff"])
    answer.text.encode("utf-8")
    assert answer.calls[0].intent == "play_music"
