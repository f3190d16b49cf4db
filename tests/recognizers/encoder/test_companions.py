"""Compact networks beside an encoder: what a run keeps of them, and what they change."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from joint_data import several, single
from tiny_encoder import write_tiny_encoder

import maksud
from maksud.data.dataset import Dataset, Example
from maksud.errors import RunError
from maksud.recognizers.door import load_recognizer, train
from maksud.recognizers.encoder.companions import compact_settings
from maksud.recognizers.encoder.recognizer import EncoderRecognizer
from maksud.recognizers.encoder.settings import EncoderSettings
from maksud.recognizers.joint.ensemble import Averaged
from maksud.recognizers.joint.weights import load_weights, save_weights
from maksud.recognizers.runs import Run

WEAK = {"threads": 1, "views": 1, "head_epochs": 1, "depth": "frozen", "frame": 0.0, "linear": 0.0,
        "batch_size": 64, "head_rate": 1e-5}  # fmt: skip
"""Heads that have hardly learnt anything: what is right is the companions' doing."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_encoder(tmp_path_factory.mktemp("base") / "tiny")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, base: Path) -> Run:
    rows = [Example(e.instruction, e.output, split="train") for e in single(80) + several(30, 1)]
    held = [Example(e.instruction, e.output, split="dev") for e in single(30, 7)]
    out = tmp_path_factory.mktemp("runs") / "tiny"
    threads = torch.get_num_threads()
    stages: set[str] = set()
    made = train(
        Dataset(rows + held), out=out, base=str(base), companions=1, share=0.3,
        on_progress=lambda p: stages.add(p.stage), **WEAK,
    )  # fmt: skip
    assert torch.get_num_threads() == threads and "companions" in stages
    return made


@pytest.fixture(scope="module")
def recognizer(run: Run) -> EncoderRecognizer:
    made = load_recognizer(run)
    assert isinstance(made, EncoderRecognizer)
    return made


def without(run: Run, place: Path) -> EncoderRecognizer:
    """The run as a version wrote it that knew no companions."""
    shutil.copytree(run.path, place)
    content, tensors = load_weights(place)
    del content["companions"], content["format"]
    save_weights(place, content, {n: t for n, t in tensors.items() if "companions" not in n})
    return EncoderRecognizer.load(place, run.contract, "x")


def test_they_have_a_say(run: Run, recognizer: EncoderRecognizer, tmp_path: Path) -> None:
    assert run.manifest["settings"]["kind"]["companions"] == 1
    assert isinstance(recognizer.heads, Averaged) and recognizer.heads.share == np.float32(0.3)
    alone = without(run, tmp_path / "alone")
    right = [maksud.evaluate(r, single(40, 9)).figures["exact_match"] for r in (recognizer, alone)]
    assert right[0] > 0.7 > 0.5 > right[1]


def test_vectors_and_nearness_stay_the_encoders(
    run: Run, recognizer: EncoderRecognizer, tmp_path: Path
) -> None:
    alone = without(run, tmp_path / "alone")
    said = ["putar lagu hampa", "lights off please"]
    assert np.allclose(recognizer.embed(said), alone.embed(said), atol=1e-6)
    with_them = recognizer.propose(said)
    assert all(len(p.features) == len(recognizer.features) for p in with_them)
    assert recognizer.features == alone.features


def test_a_batch_answers_as_one_by_one(recognizer: EncoderRecognizer) -> None:
    texts = [e.instruction for e in single(8, 3) + several(6, 3)]
    for text, proposal in zip(texts, recognizer.propose(texts), strict=True):
        alone = recognizer.propose([text])[0]
        assert alone.calls == proposal.calls
        assert np.allclose(alone.features, proposal.features, atol=1e-4)


@pytest.mark.parametrize(
    "changes",
    [{"share": 2.0}, {"share": "x"}, {"shape": {}}, {"vocabulary": 3}, {}],
    ids=["share", "no number", "shape", "words", "tensors"],
)
def test_what_does_not_fit_is_refused(run: Run, tmp_path: Path, changes: dict[str, object]) -> None:
    shutil.copytree(run.path, tmp_path / "run")
    place = tmp_path / "run"
    content, tensors = load_weights(place)
    content["companions"] |= changes
    if not changes:
        tensors = {n: t for n, t in tensors.items() if n != "companions.heads.tag.weight"}
    (place / "joint.json").write_text(json.dumps(content))
    if not changes:
        save_weights(place, {k: v for k, v in content.items() if k != "format"}, tensors)
    with pytest.raises(RunError, match="do not fit"):
        EncoderRecognizer.load(place, run.contract, "x")


def test_their_settings_are_the_encoders_where_both_have_them() -> None:
    given = EncoderSettings(swap=0.25, frame=0.0, companions=3, linear=1.0).resolved(100, 4)
    made = compact_settings(given)
    assert (made.swap, made.frame, made.members, made.linear) == (0.25, 0.0, 3, 0.0)
    assert EncoderSettings().resolved(100, 4).share > EncoderSettings().resolved(900, 4).share
