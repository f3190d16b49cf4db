"""A base model without a template, of Gemma's kind: it gets ChatML and learns; any tool asks it."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import torch
from guide_script import OURS, guide_figures
from tiny_language_model import bare_tokenizer, write_tiny_base

from maksud.data.dataset import Dataset
from maksud.data.formats.files import save
from maksud.errors import RunError
from maksud.evaluation.report import evaluate
from maksud.recognizers.door import load_recognizer, train
from maksud.recognizers.language_model.loading import load, load_model, open_base
from maksud.recognizers.language_model.settings import LanguageModelSettings

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(
        tmp_path_factory.mktemp("bare") / "base",
        seed=2,
        spread=0.05,
        tokenizer=bare_tokenizer(),
        architecture="Gemma3ForCausalLM",
    )


def test_its_end_token_hands_its_embedding_over(base: Path) -> None:
    from safetensors.torch import load_file

    before = load_file(base / "model.safetensors")["model.embed_tokens.weight"]
    tokenizer, model = load(base, CPU)
    table = model.get_input_embeddings().weight
    assert model.lm_head.weight is table and len(table) == len(before) + 2 == len(tokenizer)
    start, end = (tokenizer.convert_tokens_to_ids(t) for t in ("<|im_start|>", "<|im_end|>"))
    old = tokenizer.convert_tokens_to_ids("</s>")
    assert torch.equal(table[end], before[old])
    mean = before.mean(0)
    for token in (start, old):  # else the two ends would be as likely as each other for ever
        torch.testing.assert_close(table[token], mean)
    rest = [n for n in range(len(before)) if n != old]
    assert torch.equal(table[rest], before[rest])


def test_rows_that_the_model_has_to_spare_are_used(tmp_path: Path) -> None:
    tokenizer = bare_tokenizer()
    spare = len(tokenizer) + 6
    base = write_tiny_base(tmp_path / "base", tokenizer=tokenizer, ids=spare)
    _, model = load(base, CPU)
    assert len(model.get_input_embeddings().weight) == spare
    assert not torch.equal(model.lm_head.weight, model.get_input_embeddings().weight)
    old = tokenizer.convert_tokens_to_ids("</s>")
    for table in (model.get_input_embeddings().weight, model.lm_head.weight):
        torch.testing.assert_close(table[old], table[len(tokenizer)])


def test_other_ids_that_the_model_does_not_know_are_refused(tmp_path: Path) -> None:
    tokenizer = bare_tokenizer()
    base = write_tiny_base(tmp_path / "base", tokenizer=tokenizer, ids=len(tokenizer) - 1)
    with pytest.raises(RunError, match=f"the tokenizer has {len(tokenizer)} ids, the model"):
        load_model(open_base(base), CPU)


@pytest.mark.parametrize("precision", ["float32", pytest.param("bfloat16", marks=pytest.mark.slow)])
def test_it_learns_and_the_guides_script_prints_our_figures(
    precision: Literal["float32", "bfloat16"], base: Path, small_data: Dataset, tmp_path: Path
) -> None:
    settings = LanguageModelSettings(
        num_train_epochs=12, learning_rate=4e-3, tokens_per_pack=600, dev_loss_rows=8,
        dev_answer_rows=4, threads=1, precision=precision, system_prompt="Kenali maksudnya.",
    )  # fmt: skip
    run = train(small_data, out=tmp_path / "run", base=str(base), method="full", kind=settings)
    recognizer = load_recognizer(run)
    test = list(small_data.test)[:12]
    answers = recognizer.recognize([e.instruction for e in test])
    right = sum(
        [c.intent for c in a.calls] == [c.intent for c in e.calls]
        for a, e in zip(answers, test, strict=True)
    )
    assert right >= 9
    assert (run.path / "NOTICE.txt").is_file() and "licence" not in run.manifest
    if precision == "bfloat16":
        return
    # The script writes ChatML with the guide's system prompt by hand: here, with this run's.
    script = tmp_path / "guide" / "evaluate.py"
    script.parent.mkdir()
    text = (OURS / "evaluate.py").read_text(encoding="utf-8")
    begin, end = text.index("SYSTEM = ("), text.index("TURNS =")
    text = f'{text[:begin]}SYSTEM = "Kenali maksudnya."\n{text[end:]}'
    script.write_text(text, encoding="utf-8")
    data = tmp_path / "test.json"
    save(Dataset([replace(e, split="") for e in test]), data)
    figures = guide_figures(script, run.path, data, tmp_path)
    report = evaluate(recognizer, Dataset(test), latency_sample=2).to_json()
    ours = report["guide_intent_accuracy"], report["guide_parameter_accuracy"]
    assert figures == pytest.approx(ours, abs=1e-4)
    assert figures[0] > 0.5
