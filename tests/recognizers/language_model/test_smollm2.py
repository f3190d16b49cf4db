"""The embedded language model itself: minutes, and the weights that `models get` brings."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from guide_script import guide_figures

from maksud.data.dataset import Dataset
from maksud.data.formats.files import save
from maksud.errors import SystemFault
from maksud.evaluation.report import evaluate
from maksud.recognizers.door import load_recognizer, train
from maksud.recognizers.language_model import gallery
from maksud.recognizers.language_model.recognizer import LanguageModelRecognizer
from maksud.recognizers.language_model.settings import LanguageModelSettings
from maksud.recognizers.runs import Run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def base() -> Iterator[Path]:
    """The base in the user's own cache, fetched where it is not there yet."""
    try:
        yield gallery.get(gallery.DEFAULT)
    except SystemFault as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def run(base: Path, small_data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The base, tuned with LoRA on 96 short examples for two epochs."""
    settings = LanguageModelSettings(num_train_epochs=2, evaluations=1, dev_answer_rows=8)
    out = tmp_path_factory.mktemp("smollm2") / "run"
    return train(small_data, out=out, base=str(base), kind=settings)


@pytest.fixture(scope="module")
def recognizer(run: Run) -> LanguageModelRecognizer:
    loaded = load_recognizer(run)
    assert isinstance(loaded, LanguageModelRecognizer)
    return loaded


def test_the_wheels_model_speaks(base: Path) -> None:
    """The conversion from gguf kept what the model knows."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from maksud.recognizers.contract import CHATML
    from maksud.recognizers.language_model.prompt import template_of

    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    assert template_of(tokenizer) == CHATML
    text = (
        "Water boils at 100 degrees Celsius at sea level. When the pressure is lower, for example "
        "on a high mountain, it boils at a lower temperature, so cooking takes longer there."
    )
    ids = torch.tensor([tokenizer(text).input_ids])
    with torch.no_grad():
        loss = model(ids, labels=ids).loss
    assert loss < 3.2  # nats a token; weights in the wrong order are beyond 6


def test_it_learns_in_two_epochs(recognizer: LanguageModelRecognizer, small_data: Dataset) -> None:
    test = small_data.test
    answers = recognizer.recognize([e.instruction for e in test])
    right = sum(a.text == e.output for a, e in zip(answers, test, strict=True))
    assert right >= 0.8 * len(test)


def test_batches_decide_alike(recognizer: LanguageModelRecognizer, small_data: Dataset) -> None:
    texts = [e.instruction for e in small_data.test]
    together = recognizer.propose(texts)
    alone = [recognizer.propose([t])[0] for t in texts]
    assert [p.calls for p in together] == [p.calls for p in alone]
    for a, b in zip(together, alone, strict=True):
        assert a.features == pytest.approx(b.features, abs=1e-2)


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


@pytest.mark.skipif("MAKSUD_FETCH" not in os.environ, reason="set MAKSUD_FETCH to download 93 MB")
def test_it_comes_from_the_package_index(home: Path) -> None:
    """Into an empty home: downloaded, checked, converted, placed whole."""
    told: list[float] = []
    place = gallery.get(gallery.DEFAULT, lambda p: told.append(p.done))
    assert place == home / "models" / gallery.DEFAULT
    assert told == sorted(told) and told[-1] == 1.0
    assert sorted(p.name for p in place.parent.iterdir()) == [gallery.DEFAULT]
