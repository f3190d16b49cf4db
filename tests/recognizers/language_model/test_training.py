"""Packed training is training one by one; what is saved is what was trained."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from tiny_language_model import write_tiny_base

from maksud.data.dataset import Dataset, Example
from maksud.errors import DataError, EngineError, RunError, SettingsError
from maksud.language.calls import parse_calls
from maksud.language.catalog_inference import infer_catalog
from maksud.progress import Progress
from maksud.recognizers.contract import Contract
from maksud.recognizers.language_model import attention, training
from maksud.recognizers.language_model.loading import load, load_tokenizer
from maksud.recognizers.language_model.packing import Lower, encode, make_packs, pack_loss
from maksud.recognizers.language_model.prompt import Prompt, tokenizer_fingerprint
from maksud.recognizers.language_model.settings import LanguageModelSettings
from maksud.recognizers.language_model.training import train_language_model
from maksud.recognizers.language_model.variation import Variations

QUICK = LanguageModelSettings(
    num_train_epochs=2, tokens_per_pack=300, dev_loss_rows=8, dev_answer_rows=4, threads=1
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("base") / "tiny", seed=1, spread=0.1)


@pytest.fixture(scope="module")
def contract(base: Path, small_data: Dataset) -> Contract:
    fingerprint = tokenizer_fingerprint(load_tokenizer(base))
    catalog = infer_catalog(
        (e.calls for e in small_data.train), (e.instruction for e in small_data.train)
    )
    return Contract(catalog, tokenizer=fingerprint)


def weights(directory: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(directory / "model.safetensors")


def one_by_one(model: Any, prompt: Prompt, rows: list[tuple[str, str]]) -> torch.Tensor:
    """The loss of the answers' tokens, each prompt and answer in a forward pass of its own."""
    total = torch.zeros(())
    for utterance, answer in rows:
        ids, target = prompt.ids(utterance), prompt.answer_ids(answer)
        logits = model(torch.tensor([ids + target])).logits[0, len(ids) - 1 : -1]
        total = total + torch.nn.functional.cross_entropy(
            logits, torch.tensor(target), reduction="sum"
        )
    return total


@pytest.mark.parametrize("qwen", [False, True])
def test_a_pack_has_the_loss_and_gradients_of_its_examples(qwen: bool, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    base = write_tiny_base(tmp_path, qwen=qwen, spread=0.2)
    rows = [("putar Hampa", "play_music(Hampa)"), ("a", "none()"), ("kecilkan ya", "volume_down()")]
    plain = AutoModelForCausalLM.from_pretrained(base)
    tokenizer, packed = load(base, torch.device("cpu"))
    attention.install(packed)
    prompt = Prompt(tokenizer, "Jawab.")
    prefix = prompt.prefix
    loss, count = pack_loss(packed, prefix, [encode(prompt, len(prefix), *row) for row in rows])
    expected = one_by_one(plain, prompt, rows)
    assert count == sum(len(prompt.answer_ids(a)) for _, a in rows)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    loss.backward()
    expected.backward()
    for a, b in zip(packed.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-3, atol=1e-4)


def test_the_tokens_that_decide_can_weigh_more(base: Path) -> None:
    tokenizer, model = load(base, torch.device("cpu"))
    attention.install(model)
    prompt = Prompt(tokenizer, "Jawab.")
    answer = 'play(song="a (b); c", by=d);stop()'
    plain = encode(prompt, len(prompt.prefix), "putar", answer)
    heavy = encode(prompt, len(prompt.prefix), "putar", answer, 3.0)
    assert (heavy.prompt, heavy.answer) == (plain.prompt, plain.answer)
    assert set(plain.weights) == {1.0} and len(heavy.weights) == len(heavy.answer)
    light = "".join(
        tokenizer.decode([i]) for i, w in zip(heavy.answer, heavy.weights, strict=True) if w == 1.0
    )
    assert light and light in 'song="a (b); c", by=d'
    assert heavy.weights[0] == heavy.weights[-1] == 3.0
    with torch.no_grad():
        loss, count = pack_loss(model, prompt.prefix, [heavy])
        each = [
            pack_loss(model, prompt.prefix, [replace(heavy, weights=one)])[0].item()
            for one in (
                tuple(float(k == n) for k in range(len(heavy.answer)))
                for n in range(len(heavy.answer))
            )
        ]
    assert count == sum(heavy.weights)
    weighted = sum(w * e for w, e in zip(heavy.weights, each, strict=True))
    assert loss.item() == pytest.approx(weighted, rel=1e-4)


def test_frozen_layers_are_computed_once_and_change_nothing(base: Path) -> None:
    tokenizer, model = load(base, torch.device("cpu"))
    attention.install(model)
    prompt = Prompt(tokenizer, "Jawab.")
    prefix = prompt.prefix
    rows = [encode(prompt, len(prefix), f"putar {k}", f"play({k})") for k in range(5)]
    lower = Lower(model, 2, prefix, rows)
    plain, _ = pack_loss(model, prefix, [rows[3], rows[1]])
    kept, _ = pack_loss(model, prefix, [rows[3], rows[1]], lower=lower, numbers=[3, 1])
    assert kept.item() == pytest.approx(plain.item(), rel=1e-5)
    lower._kept = None  # as where they do not fit the memory
    again, _ = pack_loss(model, prefix, [rows[3], rows[1]], lower=lower, numbers=[3, 1])
    assert again.item() == pytest.approx(plain.item(), rel=1e-5)


def test_packs_hold_every_example_once_within_the_budget(base: Path) -> None:
    prompt = Prompt(load_tokenizer(base), "")
    rows = [encode(prompt, 0, "kata " * (k % 9), "play()") for k in range(50)]
    packs = make_packs(rows, 120, random.Random(0))
    assert sorted(n for pack in packs for n in pack) == list(range(50))
    for pack in packs:
        assert len(pack) == 1 or sum(len(rows[n]) for n in pack) <= 120
    assert packs != make_packs(rows, 120, random.Random(1))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("settings", [QUICK, replace(QUICK, method="full", frozen_layers=0.5)])
def test_training_lowers_the_loss_and_saves_a_plain_directory(
    settings: LanguageModelSettings,
    precision: Literal["float32", "bfloat16"],
    base: Path,
    contract: Contract,
    small_data: Dataset,
    tmp_path: Path,
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    told: list[Progress] = []
    settings = replace(settings, num_train_epochs=4, learning_rate=3e-3, precision=precision)
    metrics = train_language_model(
        small_data.train, small_data.dev, base, contract, tmp_path, settings, told.append
    )
    losses = [p.metrics["loss"] for p in told if "loss" in p.metrics]
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
    assert metrics["examples_seen"] == 4 * len(small_data.train)
    assert 0 <= metrics["dev_exact_match"] <= 1
    assert told[-1].done == 1 and any("left" in p.text for p in told)
    # Any tool loads it: no adapter, no code, the end token that was trained.
    model = AutoModelForCausalLM.from_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert tokenizer.eos_token == "<|im_end|>" == tokenizer.decode([model.config.eos_token_id])
    assert tokenizer_fingerprint(tokenizer) == contract.tokenizer
    before, after = weights(base), weights(tmp_path)
    assert before.keys() == after.keys()
    changed = {n for n in after if not torch.equal(before[n].float(), after[n])}
    assert any("layers.3" in n for n in changed)
    if settings.frozen_layers:
        assert not any("layers.0." in n or "layers.1." in n or "embed" in n for n in changed)
    row = [(e.instruction, contract.catalog.render(e.calls)) for e in small_data.dev]
    prompt = Prompt(tokenizer, contract.system_prompt)
    loss = one_by_one(model.eval(), prompt, row).item()
    tokens = sum(len(prompt.answer_ids(a)) for _, a in row)
    if len(row) <= settings.dev_loss_rows:
        assert loss / tokens == pytest.approx(
            metrics["dev_loss"], rel=1e-3 if precision == "float32" else 0.05
        )


def test_the_same_seed_gives_the_same_weights(
    base: Path, contract: Contract, small_data: Dataset, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        train_language_model(small_data.train[:30], [], base, contract, tmp_path / name, QUICK)
    train_language_model(small_data.train[:30], [], base, contract, tmp_path / "c", QUICK, seed=4)
    a, b, c = (weights(tmp_path / name) for name in "abc")
    assert all(torch.equal(a[n], b[n]) for n in a)
    assert any(not torch.equal(a[n], c[n]) for n in a)


def test_a_stopped_training_goes_on_to_the_same_weights(
    base: Path, contract: Contract, small_data: Dataset, tmp_path: Path
) -> None:
    settings = replace(QUICK, evaluations=4)
    rows, dev = small_data.train[:40], small_data.dev

    class Stopped(Exception):
        pass

    def stop(progress: Progress) -> None:
        if progress.stage == "train" and progress.done > 0.7 and "step" in progress.text:
            raise Stopped

    with pytest.raises(Stopped):
        train_language_model(
            rows, dev, base, contract, tmp_path / "x", settings, stop, checkpoints=tmp_path / "kept"
        )
    assert len(list((tmp_path / "kept").iterdir())) == 1
    told: list[str] = []
    train_language_model(
        rows, dev, base, contract, tmp_path / "resumed", settings,
        lambda p: told.append(p.text), checkpoints=tmp_path / "kept",
    )  # fmt: skip
    assert any(t.startswith("going on from step") for t in told)
    assert not (tmp_path / "kept").exists()
    train_language_model(rows, dev, base, contract, tmp_path / "whole", settings)
    a, b = weights(tmp_path / "resumed"), weights(tmp_path / "whole")
    assert all(torch.equal(a[n], b[n]) for n in a)


def test_a_state_is_kept_between_evaluations_too(
    base: Path,
    contract: Contract,
    small_data: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training, "KEEP_SECONDS", 0.0)
    settings = replace(QUICK, evaluations=1)
    rows, dev, kept = small_data.train[:40], small_data.dev, tmp_path / "kept"

    def stop(progress: Progress) -> None:
        if progress.text.startswith("step 4/"):
            raise KeyboardInterrupt

    told: list[str] = []
    accepting = replace(settings, accept_licence="gemma")  # which is said once, not each time
    with pytest.raises(KeyboardInterrupt):
        train_language_model(
            rows, dev, base, contract, tmp_path / "x", accepting, stop, checkpoints=kept
        )
    train_language_model(
        rows, dev, base, contract, tmp_path / "resumed", settings,
        lambda p: told.append(p.text), checkpoints=kept,
    )  # fmt: skip
    assert "going on from step 3" in told
    train_language_model(rows, dev, base, contract, tmp_path / "whole", settings)
    a, b = weights(tmp_path / "resumed"), weights(tmp_path / "whole")
    assert all(torch.equal(a[n], b[n]) for n in a)


def test_a_damaged_checkpoint_is_left_alone(
    base: Path, contract: Contract, small_data: Dataset, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"

    def stop(progress: Progress) -> None:
        if "dev_loss" in progress.text:
            (file,) = kept.glob("*.safetensors") if kept.exists() else (None,)
            if file:
                raise KeyboardInterrupt

    settings = replace(QUICK, evaluations=4)
    args = (small_data.train[:40], small_data.dev, base, contract)
    with pytest.raises(KeyboardInterrupt):
        train_language_model(*args, tmp_path / "x", settings, stop, checkpoints=kept)
    (file,) = kept.iterdir()
    content = bytearray(file.read_bytes())
    content[-100] ^= 1
    file.write_bytes(content)
    told: list[str] = []
    train_language_model(
        *args, tmp_path / "y", settings, lambda p: told.append(p.text), checkpoints=kept
    )
    assert not any("going on" in t for t in told)


def test_what_can_not_be_trained(
    base: Path, contract: Contract, small_data: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="nothing to train on"):
        train_language_model([], [], base, contract, tmp_path)
    long = [Example("kata " * 600, "none()", source="d.json", line=4)]
    with pytest.raises(DataError, match=r"d\.json:4: an example has \d+ tokens, more than 512"):
        train_language_model(long, [], base, contract, tmp_path, QUICK)
    other = replace(contract, tokenizer="sha256:0")
    with pytest.raises(RunError, match="another tokenizer"):
        train_language_model(small_data.train, [], base, other, tmp_path, QUICK)
    wild = replace(QUICK, learning_rate=1e30, max_grad_norm=1e30)
    with pytest.raises(EngineError, match="the loss is"):
        train_language_model(small_data.train, [], base, contract, tmp_path, wild)
    for wrong in (
        {"lora_dim": 0},
        {"frozen_layers": 1.0},
        {"varied_values": 1.5},
        {"method": "magic"},
    ):
        with pytest.raises(SettingsError):
            replace(QUICK, **wrong)


# ---------------------------------------------------------------- variations


def test_variations_replace_values_in_utterance_and_answer_alike(small_data: Dataset) -> None:
    examples = list(small_data.train)
    catalog = small_data.catalog
    made = Variations(examples, catalog)
    rng = random.Random(0)
    places = {c.arguments[0].value for e in examples for c in catalog.name_arguments(e.calls)
              if c.intent == "weather_search"}  # fmt: skip
    changed = 0
    for number, example in enumerate(examples):
        assert made.draw(number, 0.0, rng) == (
            example.instruction,
            catalog.name_arguments(example.calls),
        )
        text, calls = made.draw(number, 1.0, rng)
        assert catalog.violations(calls, text) == []
        assert [c.intent for c in calls] == [c.intent for c in example.calls]
        if calls[0].intent == "weather_search":
            value = calls[0].arguments[0].value
            assert value in places
            old = catalog.name_arguments(example.calls)[0].arguments[0].value
            assert text == example.instruction.replace(old, value)
            changed += value != old
        if calls[0].intent == "none":
            assert text == example.instruction
    assert changed > 10


def test_values_that_can_not_be_told_apart_are_left_alone() -> None:
    rows = [
        Example("play play by a", "play(song=play, artist=a)"),  # twice in the utterance
        Example("play b by c d", "play(song=b, artist=c d, title=d)"),  # one inside the other
        Example("play x by y", "play(song=x, artist=y)"),
    ]
    catalog = infer_catalog(e.calls for e in rows)
    made = Variations(rows, catalog)
    for seed in range(20):
        text, calls = made.draw(0, 1.0, random.Random(seed))
        assert text.startswith("play play by ") and calls[0].named["song"] == "play"
        text, calls = made.draw(1, 1.0, random.Random(seed))
        assert text.endswith(" by c d") and calls[0].named["artist"] == "c d"
        assert parse_calls(catalog.render(calls)) == calls
