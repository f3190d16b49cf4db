"""Decoding many texts in one row gives what transformers gives for one text at a time."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_language_model import bare_tokenizer, write_tiny_base

from maksud.errors import EngineError, InputError
from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.recognizers.contract import SYSTEM_PROMPT, Contract
from maksud.recognizers.language_model.constraint import Constraint
from maksud.recognizers.language_model.decoding import Decoder
from maksud.recognizers.language_model.habits import Habits
from maksud.recognizers.language_model.loading import load
from maksud.recognizers.language_model.prompt import Prompt
from maksud.recognizers.language_model.saving import save_model

CATALOG = Catalog(
    (
        Intent("play_music", parameters=(Parameter("song"), Parameter("artist"))),
        Intent("weather_search", positional=True, parameters=(Parameter("city"),)),
        Intent("volume_down"),
    )
)
UTTERANCES = [
    "bagaimana cuaca di Bandung besok",
    "tolong putar lagu Hampa (live)",
    "kecilkan",
    "siapa presiden dari Jakarta hari ini, lusa, atau nanti malam di Surabaya dan Medan",
    "putar 12",
    "",
    "日本の歌",
]
CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=["llama", "qwen2", "gemma3"])
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's directory; Gemma's with its window, its kind of tokenizer, and ChatML added."""
    place = tmp_path_factory.mktemp("base") / request.param
    if request.param == "gemma3":
        bare = write_tiny_base(
            place.with_name("bare"),
            seed=3,
            spread=0.3,
            tokenizer=bare_tokenizer(),
            architecture="Gemma3ForCausalLM",
        )
        tokenizer, model = load(bare, CPU)
        save_model(model, tokenizer, tokenizer.eos_token_id, place)
        return place
    return write_tiny_base(place, qwen=request.param == "qwen2", seed=3, spread=0.3)


@pytest.fixture(scope="module")
def decoder(base: Path) -> Decoder:
    tokenizer, model = load(base, CPU)
    return Decoder(model.eval(), Prompt(tokenizer, SYSTEM_PROMPT))


@pytest.fixture(scope="module")
def constraint(decoder: Decoder) -> Constraint:
    return Constraint(CATALOG, decoder.prompt.tokenizer)


def reference(base: Path) -> tuple[Any, Any]:
    """Tokenizer and model as any other tool loads them."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoTokenizer.from_pretrained(base), AutoModelForCausalLM.from_pretrained(base).eval()


def test_free_texts_are_those_of_generate(base: Path, tmp_path: Path) -> None:
    """The guide's script: one prompt as a string, greedy, 64 new tokens."""
    tokenizer, model = load(base, CPU)
    if model.config.tie_word_embeddings:  # large, they would say the same token over and over
        with torch.no_grad():
            model.model.embed_tokens.weight.mul_(0.05)
        base = tmp_path / "varied"
        save_model(model, tokenizer, tokenizer.eos_token_id, base)
        tokenizer, model = load(base, CPU)
    decoder = Decoder(model.eval(), Prompt(tokenizer, SYSTEM_PROMPT))
    tokenizer, model = reference(base)
    end = decoder.prompt.end_id
    texts = []
    for utterance in UTTERANCES:
        prompt = Contract(CATALOG).render(utterance)
        ids = tokenizer([prompt], return_tensors="pt").input_ids
        made = model.generate(
            ids, max_new_tokens=64, pad_token_id=end, eos_token_id=end, do_sample=False
        )
        texts.append(tokenizer.batch_decode(made[:, ids.shape[1] :], skip_special_tokens=True)[0])
    answers = decoder.unconstrained(UTTERANCES, 64)
    assert [a.text for a in answers] == texts
    assert len(set(texts)) > 1 and all(a.tokens <= 64 for a in answers)


def test_a_batch_answers_as_one_by_one(decoder: Decoder, constraint: Constraint) -> None:
    together = decoder.constrained(UTTERANCES, constraint, 48, 2)
    alone = [decoder.constrained([u], constraint, 48, 2)[0] for u in UTTERANCES]
    many = decoder.constrained(UTTERANCES * 6, constraint, 48, 2)
    for a, b, c in zip(together, alone, many[-len(UTTERANCES) :], strict=True):
        for other in (b, c):
            assert a.text == other.text
            assert [t for t, _ in a.alternatives] == [t for t, _ in other.alternatives]
            assert a.log_p == pytest.approx(other.log_p, abs=1e-3)
            assert a.free_log_p == pytest.approx(other.free_log_p, abs=1e-3)
    assert any(a.alternatives for a in together)


def test_answers_are_the_greedy_choices_of_the_whole_model(
    decoder: Decoder, constraint: Constraint, base: Path
) -> None:
    """Written again without cache, prefix or jumps: one whole forward pass for each token."""
    _, model = reference(base)
    for utterance in UTTERANCES[:3]:
        guide = constraint.over(utterance)
        state, written = guide.answers.start, []
        log_p = free = 0.0
        while True:
            with torch.no_grad():
                ids = torch.tensor([decoder.prompt.ids(utterance) + written])
                scores = torch.log_softmax(model(ids).logits[0, -1], -1).numpy()
            allowed = constraint.allowed(guide, state)
            if guide.answers.ends(state):
                allowed = np.append(allowed, decoder.prompt.end_id)
            inside = scores[allowed]
            best = int(allowed[inside.argmax()])
            log_p += inside.max() - np.log(np.exp(inside).sum())
            free += scores[best]
            if best == decoder.prompt.end_id or len(written) == 40:
                break
            state = constraint.step(guide, state, best)
            written.append(best)
            judged = 0.0
            for token in constraint.forced(guide, state, written):
                with torch.no_grad():
                    ids = torch.tensor([decoder.prompt.ids(utterance) + written])
                    judged += float(torch.log_softmax(model(ids).logits[0, -1], -1)[token])
                state = constraint.step(guide, state, token)
                written.append(token)
            if guide.answers.ends(state) and not guide.answers.choices(state):
                break  # nothing is left to ask
            free += judged
        if len(written) == 40:
            continue  # the room changes what comes last
        answer = decoder.constrained([utterance], constraint, 100)[0]
        assert answer.text == constraint.text(written).decode()
        assert answer.log_p == pytest.approx(log_p, abs=1e-3)
        assert answer.free_log_p == pytest.approx(free, abs=1e-3)


def test_the_prefix_is_computed_once(decoder: Decoder, constraint: Constraint) -> None:
    seen = []
    whole = decoder.forward
    decoder.forward = lambda rows, which, tokens, places: (  # type: ignore[method-assign]
        seen.append(len(tokens)),
        whole(rows, which, tokens, places),
    )[1]
    try:
        decoder.__dict__.pop("prefix", None)
        for _ in range(2):
            decoder.constrained(["putar Hampa"], constraint, 40)
        prefix = len(decoder.prompt.prefix)
        rest = len(decoder.prompt.ids("putar Hampa")) - prefix
        assert prefix > 40 and seen[:2] == [prefix, rest]
        assert seen.count(prefix) == 1 and seen.count(rest) >= 2
    finally:
        del decoder.forward


def test_reading_ahead_saves_passes_and_changes_nothing(
    decoder: Decoder, constraint: Constraint
) -> None:
    passes = []
    whole = decoder.forward

    def counted(*arguments: Any) -> Any:
        passes.append(1)
        return whole(*arguments)

    decoder.forward = counted  # type: ignore[method-assign]
    try:
        answers, spent = [], []
        for round_ in range(3):
            decoder.habits = Habits() if round_ == 0 else decoder.habits
            passes.clear()
            answers.append([decoder.constrained([u], constraint, 48, 2)[0] for u in UTTERANCES])
            spent.append(len(passes))
    finally:
        del decoder.forward
    assert spent[2] < 0.9 * spent[0]
    for before, after in zip(answers[0], answers[2], strict=True):
        assert after.text == before.text and after.tokens == before.tokens
        assert after.log_p == pytest.approx(before.log_p, abs=1e-3)
        assert after.free_log_p == pytest.approx(before.free_log_p, abs=1e-3)
        assert after.lowest == pytest.approx(before.lowest, abs=1e-3)
        assert after.free == before.free
        assert [t for t, _ in after.alternatives] == [t for t, _ in before.alternatives]


def test_what_does_not_fit_the_context_is_refused(decoder: Decoder, constraint: Constraint) -> None:
    with pytest.raises(InputError, match=r"the prompt has \d+ tokens.*context is 512"):
        decoder.constrained(["putar " * 400], constraint, 48)
    decoder.require_room("putar", 48)


def test_damaged_weights_are_an_error(base: Path) -> None:
    tokenizer, model = load(base, CPU)
    with torch.no_grad():
        model.model.norm.weight[0] = float("nan")
    decoder = Decoder(model, Prompt(tokenizer, SYSTEM_PROMPT))
    with pytest.raises(EngineError, match="gives no numbers"):
        decoder.constrained(["putar"], Constraint(CATALOG, tokenizer), 48)


def test_no_utterances_no_answers(decoder: Decoder, constraint: Constraint) -> None:
    assert decoder.constrained([], constraint, 48) == []
    assert decoder.unconstrained([], 48) == []


@pytest.mark.parametrize("free", [False, True], ids=["constrained", "free"])
def test_writing_ends_between_two_passes(
    decoder: Decoder, constraint: Constraint, free: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody waits for any more is not written to its end; the next answer is as ever."""
    from maksud.recognizers.steps import Abandoned, watch

    def write() -> list[str]:
        if free:
            answers = decoder.unconstrained(UTTERANCES[:3], 24)
        else:
            answers = decoder.constrained(UTTERANCES[:3], constraint, 24)
        return [a.text for a in answers]

    expected = write()
    passes: list[int] = []
    forward = Decoder.forward

    def counted(self: Decoder, *given: Any) -> Any:
        passes.append(1)
        return forward(self, *given)

    monkeypatch.setattr(Decoder, "forward", counted)
    steps: list[int] = []
    with watch(lambda: steps.append(len(passes))):
        assert write() == expected
    assert len(passes) > 1 and steps == list(range(len(passes)))

    def end() -> None:
        if passes:
            raise Abandoned

    del passes[:]
    with pytest.raises(Abandoned), watch(end):
        write()
    assert len(passes) == 1
    assert write() == expected
