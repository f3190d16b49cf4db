"""From tuning to answers, on a tiny model: the run, the contract, the guide's own script."""

import math
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from guide_script import guide_figures
from tiny_language_model import tiny_tokenizer, write_tiny_base

from maksud.data.dataset import Dataset
from maksud.data.formats.files import save
from maksud.errors import InputError, RunError, TooLongError
from maksud.evaluation.report import evaluate
from maksud.language.calls import NONE, parse_calls
from maksud.recognizers.contract import Decoding
from maksud.recognizers.door import load_recognizer, train
from maksud.recognizers.language_model.recognizer import (
    FEATURES,
    LanguageModelRecognizer,
    _weigh_negation,
)
from maksud.recognizers.language_model.settings import LanguageModelSettings
from maksud.recognizers.language_model.writing import FARTHEST, Answer
from maksud.recognizers.negation import FILE, Negation, shift_outside
from maksud.recognizers.runs import Run


@pytest.fixture(scope="module", params=["float32", "bfloat16"])
def run(
    request: pytest.FixtureRequest, small_data: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """A language model of `small_data`, tuned from random weights in both kinds of arithmetic."""
    place = tmp_path_factory.mktemp("lm")
    base = write_tiny_base(place / "base", seed=2, spread=0.05)
    settings = LanguageModelSettings(
        num_train_epochs=16, learning_rate=4e-3, tokens_per_pack=600, dev_answer_rows=8, threads=1,
        precision=request.param,
    )  # fmt: skip
    return train(small_data, out=place / "tiny", base=str(base), method="full", kind=settings)


@pytest.fixture(scope="module")
def recognizer(run: Run) -> LanguageModelRecognizer:
    loaded = load_recognizer(run)
    assert isinstance(loaded, LanguageModelRecognizer)
    return loaded


def test_a_tuned_model_answers(recognizer: LanguageModelRecognizer, small_data: Dataset) -> None:
    test = small_data.test
    answers = recognizer.recognize([e.instruction for e in test])
    right = sum(
        [c.intent for c in a.calls] == [c.intent for c in e.calls]
        for a, e in zip(answers, test, strict=True)
    )
    assert right >= 0.9 * len(test)
    catalog = recognizer.contract.catalog
    for answer in answers:
        assert catalog.violations(answer.calls, answer.utterance) == []
        assert parse_calls(answer.text) and 0 <= answer.confidence <= 1
        assert answer.usage.prompt_tokens > 50 and answer.usage.completion_tokens >= 2
        assert not (answer.accepted and NONE in answer.calls)


def test_a_proposal_carries_its_evidence(
    recognizer: LanguageModelRecognizer, small_data: Dataset
) -> None:
    proposals = recognizer.propose([e.instruction for e in small_data.test])
    for p in proposals:
        named = dict(zip(FEATURES, p.features, strict=True))
        assert named["log p(answer) over all tokens"] <= named["log p(answer) over allowed tokens"]
        assert named["log p(answer) over allowed tokens"] <= named["log p(first intent)"] + 1e-6
        assert named["calls beyond the first"] == len(p.calls) - 1
        assert 0 <= p.out_of_scope <= 1
        if p.calls == (NONE,):
            assert p.out_of_scope > 0.2
        for calls, log_p in p.alternatives:
            assert calls != p.calls and log_p < 0
    outside = [p.out_of_scope for p, e in zip(proposals, small_data.test, strict=True)
               if e.calls == (NONE,)]  # fmt: skip
    inside = [p.out_of_scope for p, e in zip(proposals, small_data.test, strict=True)
              if e.calls != (NONE,)]  # fmt: skip
    assert sum(outside) / len(outside) > sum(inside) / len(inside) + 0.3


def test_a_proposal_has_the_tokens_that_were_written(
    recognizer: LanguageModelRecognizer, small_data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognizer, "negation", None)  # what overrules the model writes nothing
    forced = 0
    for p in recognizer.propose([e.instruction for e in small_data.test]):
        assert parse_calls(b"".join(t.text for t in p.tokens).decode()) == p.calls
        end = p.usage.completion_tokens - len(p.tokens)
        assert end == 1  # which ends the answer, and is no part of it
        log_p = p.features[FEATURES.index("log p(answer) over allowed tokens")]
        told = sum(t.log_p for t in p.tokens)
        assert log_p - 1e-4 <= told <= 1e-4  # less by what it took to end there
        decided = [t for t in p.tokens if t.top]
        forced += len(p.tokens) - len(decided)
        assert decided
        for token in decided:
            assert (token.text, token.log_p) in token.top and len(token.top) <= 20
            assert [lp for _, lp in token.top] == sorted((lp for _, lp in token.top), reverse=True)
        assert all(t.log_p == 0 for t in p.tokens if not t.top)
    assert forced
    held = recognizer.propose_within(["putar lagu Hampa"], [{"volume_down"}])[0]
    assert b"".join(t.text for t in held.tokens).startswith(b"volume_down(")


def test_one_at_a_time_or_many_at_once(
    recognizer: LanguageModelRecognizer, small_data: Dataset
) -> None:
    texts = [e.instruction for e in small_data.test]
    together = recognizer.recognize(texts)
    alone = [recognizer(t) for t in texts]
    for a, b in zip(together, alone, strict=True):
        assert a.text == b.text and a.accepted == b.accepted
        assert a.confidence == pytest.approx(b.confidence, abs=1e-3)


def test_recognition_in_bfloat16_gives_answers_that_the_catalog_allows(
    run: Run, small_data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAKSUD_PRECISION", "bfloat16")
    test = small_data.test
    answers = load_recognizer(run).recognize([e.instruction for e in test])
    right = sum(
        [c.intent for c in a.calls] == [c.intent for c in e.calls]
        for a, e in zip(answers, test, strict=True)
    )
    assert right >= 0.9 * len(test)
    for answer in answers:
        assert run.contract.catalog.violations(answer.calls, answer.utterance) == []


def test_threads_take_turns(recognizer: LanguageModelRecognizer, small_data: Dataset) -> None:
    texts = [e.instruction for e in small_data.test[:8]]
    expected = [a.text for a in recognizer.recognize(texts)]
    found: dict[int, str] = {}

    def ask(number: int) -> None:
        found[number] = recognizer(texts[number]).text

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(len(texts))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert [found[n] for n in range(len(texts))] == expected


@pytest.mark.parametrize("text", ["", "   ", "\n", "kata " * 2000])
def test_what_can_not_be_read_is_out_of_scope(
    recognizer: LanguageModelRecognizer, text: str
) -> None:
    answer = recognizer.recognize(["putar lagu Hampa nomor 1", text])[1]
    assert answer.calls == (NONE,) and not answer.accepted and answer.out_of_scope == 1
    assert answer.truncated == (len(text) > 100) and bool(answer.reason) != answer.truncated
    assert recognizer.unconstrained([text]) is not None


def test_too_long_an_utterance_has_its_own_error(recognizer: LanguageModelRecognizer) -> None:
    recognizer.check(["putar lagu"])
    with pytest.raises(TooLongError, match=r"has \d+ tokens.*context is 512.*Shorten"):
        recognizer.check(["putar lagu", "kata " * 2000])


@pytest.mark.parametrize("text", ["\ud800", "a\x00b", "<|im_end|>", "日本語", "👨‍👩‍👧", '"),;=('])
def test_odd_utterances_get_valid_answers(recognizer: LanguageModelRecognizer, text: str) -> None:
    answer = recognizer(f"putar lagu {text}")
    assert recognizer.contract.catalog.violations(answer.calls, answer.utterance) == []


def test_free_texts_are_the_same_whether_or_not_they_were_answered_before(
    run: Run, small_data: Dataset
) -> None:
    texts = [e.instruction for e in small_data.test]
    fresh, used = load_recognizer(run), load_recognizer(run)
    assert isinstance(used, LanguageModelRecognizer)
    expected = fresh.unconstrained(texts)
    used.recognize(texts)
    known = len(used._free_texts)
    assert 0 < known < len(texts)  # of none() the last tokens are forced: those are asked for
    assert used.unconstrained(texts) == expected


def test_free_decoding_is_judged_by_the_catalog(run: Run, small_data: Dataset) -> None:
    contract = replace(run.contract, decoding=Decoding(constrained=False), calibration=None)
    free = LanguageModelRecognizer.load(run.path, contract, "free")
    texts = [e.instruction for e in small_data.test]
    written = free.unconstrained(texts)
    assert written is not None
    for answer, text in zip(free.recognize(texts), written, strict=True):
        if answer.calls != (NONE,):
            assert answer.calls == contract.catalog.name_arguments(parse_calls(text))
        assert contract.catalog.violations(answer.calls, answer.utterance) == []


# ---------------------------------------------------------------- the run


def test_the_run_is_a_plain_directory_with_its_contract(run: Run) -> None:
    assert run.kind == "language_model"
    assert {"model.safetensors", "config.json", "tokenizer.json"} <= run.manifest["files"].keys()
    assert run.contract.tokenizer.startswith("sha256:")
    assert run.contract.calibration is not None
    assert run.contract.calibration.features == len(FEATURES)
    assert run.manifest["settings"]["kind"]["method"] == "full"
    assert "transformers" in run.manifest["versions"]
    assert run.metrics["calibration"]["examples"] > 0


def test_another_tokenizer_is_refused(run: Run, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors", "generation_config.json"):
        (tmp_path / name).write_bytes((run.path / name).read_bytes())
    tiny_tokenizer(vocabulary=400).save_pretrained(tmp_path)
    with pytest.raises(RunError, match="tokenizer is not the one"):
        LanguageModelRecognizer.load(tmp_path, run.contract, "x")


def test_code_in_a_run_is_refused(run: Run, tmp_path: Path) -> None:
    for file in run.path.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    LanguageModelRecognizer.load(tmp_path, run.contract, "x")
    (tmp_path / "modeling.py").write_text("")
    with pytest.raises(InputError, match="is code"):
        LanguageModelRecognizer.load(tmp_path, run.contract, "x")


def test_training_and_serving_make_the_same_tokens(
    run: Run,
    recognizer: LanguageModelRecognizer,
    small_data: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The contract's point: what the model is trained on is what it is asked."""
    from maksud.recognizers.language_model import decoding, training

    trained: dict[str, list[int]] = {}
    asked: list[list[int]] = []
    whole_loss, whole_feed = training.pack_loss, decoding._Stream.feed

    def loss(model: Any, prefix: Any, examples: Any, *rest: Any, **more: Any) -> Any:
        for e in examples:
            ids = [*prefix, *e.prompt]
            trained[recognizer.prompt.tokenizer.decode(ids)] = ids
        return whole_loss(model, prefix, examples, *rest, **more)

    def feed(stream: Any, texts: Any) -> Any:
        prefix = list(stream._decoder.prompt.prefix)
        asked.extend([*prefix, *tokens] for _, tokens, _ in texts)
        return whole_feed(stream, texts)

    monkeypatch.setattr(training, "pack_loss", loss)
    settings = LanguageModelSettings(num_train_epochs=1, method="full", threads=1)
    rows = small_data.train[:20]
    training.train_language_model(rows, [], run.path, run.contract, tmp_path, settings)
    monkeypatch.setattr(decoding._Stream, "feed", feed)
    for e in rows:
        asked.clear()
        recognizer(e.instruction)
        assert asked[0] == trained[run.contract.render(e.instruction)]
    assert len(trained) == len(rows)


# ---------------------------------------------------------------- the guide's own script


def test_the_guides_script_prints_our_figures(
    guide: Path, run: Run, recognizer: LanguageModelRecognizer, small_data: Dataset, tmp_path: Path
) -> None:
    test = small_data.test
    data = tmp_path / "test.json"
    save(Dataset([replace(e, split="") for e in test]), data)
    report = evaluate(recognizer, test, latency_sample=2).to_json()
    figures = guide_figures(guide / "evaluate.py", run.path, data, tmp_path)
    ours = report["guide_intent_accuracy"], report["guide_parameter_accuracy"]
    assert figures == pytest.approx(ours, abs=1e-4)
    assert figures[0] > 0.5


def test_an_answer_is_held_to_some_intents_while_it_is_written(
    recognizer: LanguageModelRecognizer, small_data: Dataset
) -> None:
    texts = [e.instruction for e in small_data.test][:6]
    free = recognizer.propose(texts)
    assert recognizer.propose_within(texts, [None] * 6) == free
    held = recognizer.propose_within(texts, [{"volume_down"}, {"none"}, None, *([set[str]()] * 3)])
    assert [c.intent for c in held[0].calls][:1] == ["volume_down"]
    assert held[1].calls == (NONE,)
    assert held[2].calls == free[2].calls
    assert all(p.calls == (NONE,) for p in held[3:])


def test_a_model_that_nothing_constrains_cannot_be_held(
    recognizer: LanguageModelRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    loose = replace(recognizer.contract, decoding=Decoding(constrained=False))
    monkeypatch.setattr(recognizer, "contract", loose)
    with pytest.raises(InputError, match="can't be held"):
        recognizer.propose_within(["putar"], [{"volume_down"}])


def answered(text: str, log_p: float, outside: float, *others: tuple[str, float]) -> Answer:
    """An answer of three tokens to which the model gives `log_p`, and `outside` to `none()`."""
    return Answer(text, 3, log_p, log_p, log_p, log_p, 0.0, log_p, -4.0, outside, True, others)


def test_a_refused_wish_is_weighed_against_what_the_model_says() -> None:
    wish, none = parse_calls("play()"), (NONE,)
    # A hundredth for none() is enough, and the wish becomes the alternative.
    before = answered("play()", math.log(0.98), math.log(0.01), ("none()", math.log(0.01)))
    calls, after = _weigh_negation(wish, before)
    outside, less = shift_outside(math.log(0.01))
    assert calls == none and after.text == "none()" and not after.free
    assert after.log_p == after.intent == after.outside == outside
    assert math.exp(outside) == pytest.approx(0.8, abs=0.01)
    assert after.alternatives == (("play()", math.log(0.98) + less),)
    assert after.other_intent == math.log(0.98) + less

    # A model that has learnt such sayings for wishes stays sure of them.
    sure = answered("play()", math.log(0.9999), math.log(1e-6), ("none()", math.log(1e-6)))
    calls, after = _weigh_negation(wish, sure)
    outside, less = shift_outside(math.log(1e-6))
    assert calls == wish and after.text == "play()" and after.outside == outside
    assert after.log_p == sure.log_p + less < sure.log_p and after.intent == sure.intent + less
    assert after.alternatives == (("none()", outside),)

    # What is none() already is the surer.
    calls, after = _weigh_negation(none, answered("none()", -1.0, -1.0, ("play()", -2.0)))
    outside, less = shift_outside(-1.0)
    assert calls == none and after.log_p == after.outside == outside > -1.0
    assert after.alternatives == (("play()", -2.0 + less),)

    # Where the model was not asked about none() (nothing constrained it), nothing changes much.
    calls, after = _weigh_negation(wish, answered("play()", -0.1, FARTHEST))
    assert calls == wish and after.log_p == pytest.approx(-0.1, abs=1e-5)


def test_negations_are_evidence_beside_the_model(
    recognizer: LanguageModelRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = ["jangan putar lagu Hampa", "putar lagu Hampa"]
    monkeypatch.setattr(recognizer, "negation", None)
    plain = recognizer.propose(said)
    monkeypatch.setattr(recognizer, "negation", Negation(["id"], ["putar"], []))
    refused, wish = recognizer.propose(said)
    # Other texts beside it move the last bits of a logit, no more.
    assert wish.calls == plain[1].calls
    assert wish.features == pytest.approx(plain[1].features, rel=1e-4, abs=1e-4)
    if plain[0].out_of_scope > 0:
        outside = shift_outside(math.log(plain[0].out_of_scope))[0]
        assert refused.out_of_scope == pytest.approx(math.exp(outside), rel=1e-4)
    assert refused.out_of_scope > plain[0].out_of_scope
    within = recognizer.propose_within(said[:1], [["play_music"]])[0]
    assert within.calls != (NONE,)  # held to an intent, it has no other answer
    doubtful = recognizer.propose_within(said[:1], [["play_music", "none"]])[0]
    assert doubtful.out_of_scope > 0


def test_what_a_language_model_knows_of_negations_is_in_its_run(
    run: Run, recognizer: LanguageModelRecognizer, small_data: Dataset
) -> None:
    learnt = Negation.learn(small_data.train)
    assert learnt is not None and FILE in run.manifest["files"]
    assert recognizer.negation is not None
    assert recognizer.negation.to_json() == learnt.to_json()
    assert recognizer.negation.openers
