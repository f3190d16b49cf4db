"""The encoder recognizer as its users meet it, on a tiny encoder with random weights."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joint_data import several, single
from tiny_encoder import write_tiny_encoder

import maksud
from maksud.data.dataset import Dataset, Example
from maksud.errors import InputError, RunError, SettingsError, TooLongError
from maksud.recognizers.door import load_recognizer, train
from maksud.recognizers.encoder.base import is_e5
from maksud.recognizers.encoder.nearness import EncodedNearness
from maksud.recognizers.encoder.pieces import Pieces
from maksud.recognizers.encoder.recognizer import EncoderRecognizer
from maksud.recognizers.encoder.settings import EncoderSettings
from maksud.recognizers.encoder.training import train_encoder
from maksud.recognizers.joint.answers import FEATURES
from maksud.recognizers.kinds import kind_of_base
from maksud.recognizers.runs import Run

TINY = {"threads": 1, "frozen_layers": 1, "epochs": 60, "head_epochs": 8, "views": 20,
        "batch_size": 16, "learning_rate": 1e-3, "head_rate": 5e-3, "frame": 0.0,
        "companions": 0}  # fmt: skip
FROZEN = {**{k: v for k, v in TINY.items() if k != "epochs"}, "depth": "frozen"}


NEAR = FEATURES.index("lowest nearness to a labelled clause")


def examples() -> Dataset:
    none = [Example(t, "none()") for t in ("siapa presiden kita", "what is love", "aku lapar")]
    rows = single(120) + several(60, 1) + none * 6
    held = [Example(e.instruction, e.output, split="dev") for e in single(40, 7)]
    return Dataset([Example(e.instruction, e.output, split="train") for e in rows] + held)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_encoder(tmp_path_factory.mktemp("base") / "tiny")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, base: Path) -> Run:
    out = tmp_path_factory.mktemp("runs") / "tiny"
    return train(examples(), out=out, base=str(base), on_progress=False, **TINY)


@pytest.fixture(scope="module")
def recognizer(run: Run) -> EncoderRecognizer:
    made = load_recognizer(run)
    assert isinstance(made, EncoderRecognizer)
    return made


def test_a_directory_of_an_encoder_is_of_this_kind(base: Path, run: Run) -> None:
    assert kind_of_base(str(base)).name == kind_of_base("e5-small").name == run.kind == "encoder"
    assert kind_of_base("intfloat/multilingual-e5-base").name == "encoder"
    assert kind_of_base("Qwen/Qwen3-0.6B").name == "language_model"
    content = json.loads((run.path / "run.json").read_text())
    assert content["settings"]["kind"]["depth"] == "full"
    assert run.metrics["epochs"] == 60 and run.metrics["cpu_seconds"] > 0


def test_an_encoder_is_no_language_model(base: Path) -> None:
    from typer.testing import CliRunner

    from maksud.cli import app
    from maksud.recognizers.language_model import gallery
    from maksud.recognizers.language_model.folder import ENCODERS

    with pytest.raises(InputError, match="architecture BertModel is not supported"):
        gallery.get(base)
    assert gallery.get(base, takes=ENCODERS) == base
    done = CliRunner().invoke(app, ["models", "get", str(base), "--json"])
    assert done.exit_code == 0 and json.loads(done.stdout)["path"] == str(base)


def test_what_intent_is_meant_is_learnt_first(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After three steps intents are known, which they are not without the regression."""
    from maksud.recognizers.encoder import loop

    rows = [Example(e.instruction, e.output, split="train") for e in single(160)]
    held = [Example(e.instruction, e.output, split="dev") for e in single(10, 7)]
    right = []
    for name in ("with", "without"):
        run = train(
            Dataset(rows + held), out=tmp_path / name, base=str(base), on_progress=False,
            **{**FROZEN, "head_epochs": 1, "views": 1, "linear": 0.0},
        )  # fmt: skip
        report = maksud.evaluate(load_recognizer(run), single(60, 9))
        right.append(report.figures["intent_accuracy"])
        monkeypatch.setattr(loop, "fit_intents", lambda *_: None)
    assert right[0] > 0.8 > right[1]


def test_it_learns(recognizer: EncoderRecognizer) -> None:
    report = maksud.evaluate(recognizer, single(60, 9))
    assert report.figures["exact_match"] > 0.9


def test_calls_compose(recognizer: EncoderRecognizer) -> None:
    report = maksud.evaluate(recognizer, several(30, 5))
    assert report.figures["exact_match"] > 0.85


def test_a_batch_answers_as_one_by_one(recognizer: EncoderRecognizer) -> None:
    texts = [e.instruction for e in single(8, 3) + several(4, 3)]
    together = recognizer.propose(texts)
    for text, proposal in zip(texts, together, strict=True):
        (alone,) = recognizer.propose([text])
        assert alone.calls == proposal.calls
        assert np.allclose(alone.features, proposal.features, atol=1e-4)
        assert len(proposal.features) == len(FEATURES) and -1 <= proposal.features[NEAR] <= 1.0001


def test_nearness_speaks_of_scope(recognizer: EncoderRecognizer) -> None:
    seen = [e.instruction for e in single(120)]
    near = np.mean([p.features[NEAR] for p in recognizer.propose(seen)])
    far = np.mean([p.features[NEAR] for p in recognizer.propose(["zq xv jj kk qq"] * 2)])
    assert near > 0.9 and far < near
    assert NEAR in recognizer.scope_features


def test_embeddings_are_of_length_one(recognizer: EncoderRecognizer) -> None:
    vectors = recognizer.embed(["putar lagu hampa", "", "putar lagu hampa", "lights off please"])
    assert vectors.shape == (4, 64) and not vectors[1].any()
    assert np.allclose(np.linalg.norm(vectors[[0, 2, 3]], axis=1), 1, atol=1e-5)
    cosine = vectors @ vectors[0]
    assert cosine[2] > 0.999 > cosine[3]


def test_what_was_said_is_represented_as_it_is_read(recognizer: EncoderRecognizer) -> None:
    said = ["Putar  lagu HAMPA", "…", "lights off please"]
    read = recognizer.embed([recognizer.contract.read(u).text for u in said])
    vectors = recognizer.represent(said)
    assert all(np.allclose(v.numbers, r, atol=1e-6) for v, r in zip(vectors, read, strict=True))
    assert all(v.numbers.shape == (recognizer.dim,) for v in vectors)
    assert [v.usage.prompt_tokens for v in vectors][::2] == [3, 3]


def test_what_would_not_be_read_whole_has_no_vector(recognizer: EncoderRecognizer) -> None:
    with pytest.raises(TooLongError, match="512 words"):
        recognizer.represent(["putar lagu", "putar " * 513])
    (whole,) = recognizer.represent(["putar " * 512])
    assert whole.usage.prompt_tokens == 512
    with pytest.raises(InputError, match="a str where a list of utterances is expected"):
        recognizer.represent("putar lagu")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=60))
def test_any_text_has_an_answer(recognizer: EncoderRecognizer, text: str) -> None:
    assert recognizer(text).text


def test_very_long_texts_have_an_answer(recognizer: EncoderRecognizer) -> None:
    assert recognizer("x" * 10_000).text
    assert recognizer("putar lagu " * 1_000).truncated


def test_frozen_is_a_run_too(tmp_path: Path, base: Path) -> None:
    run = train(
        examples(), out=tmp_path / "run", base=str(base), on_progress=False,
        **{**FROZEN, "head_epochs": 20},
    )  # fmt: skip
    assert run.metrics["epochs"] == 0
    report = maksud.evaluate(load_recognizer(run), single(60, 9))
    assert report.figures["exact_match"] > 0.85


def test_the_same_seed_gives_the_same_weights(tmp_path: Path, base: Path) -> None:
    from maksud.language.catalog_inference import infer_catalog
    from maksud.recognizers.encoder.base import open_base

    rows = single(30)
    catalog = infer_catalog([e.calls for e in rows], [e.instruction for e in rows])
    small = EncoderSettings(**{**TINY, "epochs": 1, "head_epochs": 2})
    told: list[float] = []
    for name in ("a", "b"):
        train_encoder(
            rows, [], catalog, open_base(str(base), lambda _: None), tmp_path / name, small,
            lambda p: told.append(p.done),
        )  # fmt: skip
    for file in ("model.safetensors", "joint.json", "encoder.onnx", "pieces.safetensors"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file
    assert all(0 <= done <= 1 for done in told)


def test_recognition_needs_no_torch(run: Run) -> None:
    program = (
        "import sys, maksud\n"
        f"print(maksud.load_recognizer({str(run.path)!r})('putar lagu hampa').text)\n"
        "assert not {'torch', 'transformers', 'onnx'} & set(sys.modules), 'heavy'\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("play_music(")


def test_another_tokenizer_is_refused(run: Run, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(run.path, tmp_path / "run")
    file = tmp_path / "run" / "tokenizer.json"
    file.write_text(file.read_text().replace('"▁putar"', '"▁puter"'))
    with pytest.raises(RunError, match="tokenizer is not the one"):
        EncoderRecognizer.load(tmp_path / "run", run.contract, "x")


def test_files_that_do_not_fit_are_refused(run: Run, tmp_path: Path) -> None:
    import shutil

    for file in ("encoder.onnx", "pieces.safetensors"):
        shutil.copytree(run.path, tmp_path / file)
        (tmp_path / file / file).write_bytes(b"\0" * 100)
        with pytest.raises(RunError, match="do not fit"):
            EncoderRecognizer.load(tmp_path / file, run.contract, "x")


def test_nearness_that_does_not_fit_is_refused() -> None:
    vectors = np.eye(3, dtype=np.float16)
    for begin in ([0, 3], [0, 2, 2], [1, 2, 3], [0, 4, 3]):
        with pytest.raises(ValueError, match="do not fit"):
            EncodedNearness.from_tensors(
                {"near.begin": np.array(begin), "near.vectors": vectors}, 2, 3
            )
    tensors = {"near.begin": np.array([0, 3, 3]), "near.vectors": vectors}
    for odd in (
        {**tensors, "near.vectors": vectors[:, :2]},
        {**tensors, "near.vectors": vectors[0]},
    ):
        with pytest.raises(ValueError, match="do not fit"):
            EncodedNearness.from_tensors(odd, 2, 3)
    near = EncodedNearness.from_tensors(tensors, 2, 3)
    assert near(0, np.array([0, 1, 0], "f4")) == 1.0 and near(1, np.ones(3, "f4")) == 0.0


def test_a_base_of_another_form_is_refused(tmp_path: Path) -> None:
    from maksud.recognizers.encoder.base import open_base

    place = write_tiny_encoder(tmp_path / "relu", hidden_act="relu")
    with pytest.raises(InputError, match="activation 'relu'"):
        open_base(str(place), lambda _: None)
    place = write_tiny_encoder(tmp_path / "short", positions=32)
    with pytest.raises(InputError, match="reads 32 pieces"):
        open_base(str(place), lambda _: None)
    place = write_tiny_encoder(tmp_path / "bare")
    (place / "tokenizer.json").unlink()
    with pytest.raises(InputError, match=r"holds no tokenizer.json"):
        open_base(str(place), lambda _: None)
    place = write_tiny_encoder(tmp_path / "few")
    config = json.loads((place / "config.json").read_text())
    (place / "config.json").write_text(json.dumps({**config, "vocab_size": 10}))
    with pytest.raises(InputError, match="the weights have 10"):
        open_base(str(place), lambda _: None)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("e5-small", True),
        ("intfloat/multilingual-e5-base", True),
        ("/models/multilingual-e5-small", True),
        ("me5-base", True),
        ("/hub/models--intfloat--multilingual-e5-base/snapshots/835193815a", True),
        ("/hub/models--google-bert--bert-base/snapshots/e5", False),
        ("/data/e5-tests/bert", False),
        ("somebody-e5/xlm-roberta-base", False),
        ("base57", False),
    ],
)
def test_e5_is_told_by_the_name_itself(name: str, found: bool) -> None:
    assert is_e5(name) is found


def test_epochs_of_an_encoder_that_is_not_tuned_are_refused() -> None:
    with pytest.raises(SettingsError, match="epochs is 4") as caught:
        EncoderSettings(depth="frozen", epochs=4)
    assert "head_epochs" in str(caught.value.hint)
    settings = EncoderSettings(depth="frozen").resolved(100, 3)
    assert EncoderSettings(**asdict(settings)) == settings  # as a run's record is read


def test_pieces_without_a_vector_are_refused(base: Path, run: Run) -> None:
    place = run.path
    content = json.loads((place / "joint.json").read_text())
    rows = len(Pieces(place, content["begin"], content["end"])._scales)
    for begin, end in (([rows], content["end"]), (content["begin"], [-1])):
        with pytest.raises(ValueError, match="no vector"):
            Pieces(place, begin, end)
