"""A finished training is not lost: what fails behind it leaves the state to go on from."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_language_model import write_tiny_base

from maksud.data.dataset import Dataset
from maksud.errors import EngineError, MaksudError, SystemFault
from maksud.progress import Progress
from maksud.recognizers import door, resuming
from maksud.recognizers.contract import Contract
from maksud.recognizers.door import checkpoints_of, load_recognizer, train
from maksud.recognizers.language_model import saving, training
from maksud.recognizers.language_model.loading import open_base
from maksud.recognizers.language_model.recognizer import LanguageModelRecognizer
from maksud.recognizers.language_model.settings import LanguageModelSettings
from maksud.recognizers.language_model.training import train_language_model
from maksud.recognizers.runs import Draft

SHORT = LanguageModelSettings(
    num_train_epochs=2, tokens_per_pack=300, dev_loss_rows=4, dev_answer_rows=2, threads=1,
    precision="float32", varied_values=0.0,
)  # fmt: skip
GOING_ON = "the same command goes on from there"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("base") / "tiny", seed=1, spread=0.1)


def weights(directory: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(directory / "model.safetensors")


def full_disk(*_: Any, **__: Any) -> None:
    raise OSError(28, "No space left on device")


def broken(*_: Any, **__: Any) -> None:
    raise EngineError("the model gives no numbers")


def in_saving(patch: pytest.MonkeyPatch) -> None:
    from transformers import PreTrainedModel

    patch.setattr(PreTrainedModel, "save_pretrained", full_disk)


def in_calibration(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LanguageModelRecognizer, "propose", broken)


def in_finishing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Draft, "finish", full_disk)


@pytest.mark.parametrize("fail", [in_saving, in_calibration, in_finishing])
def test_what_fails_after_the_training_leaves_it_to_go_on_from(
    fail: Callable[[pytest.MonkeyPatch], None],
    base: Path,
    small_data: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "run"

    def again(place: Path, tell: Callable[[Progress], None] | None = None) -> Any:
        return train(small_data, out=place, base=str(base), kind=SHORT, on_progress=tell)

    with monkeypatch.context() as patch:
        fail(patch)
        with pytest.raises(MaksudError, match=GOING_ON):
            again(out)
    assert not out.exists()
    assert len(list(checkpoints_of(out).glob("state-*.safetensors"))) == 1
    told: list[str] = []
    run = again(out, lambda p: told.append(p.text))
    assert any(t.startswith("going on from step") for t in told)
    assert not any(t.startswith("step ") for t in told)  # nothing is trained twice
    assert not checkpoints_of(out).exists()
    assert "train_loss" not in run.metrics and run.metrics["dev_exact_match"] >= 0
    load_recognizer(run)
    whole = weights(again(tmp_path / "whole").path)
    assert all(torch.equal(whole[n], t) for n, t in weights(out).items())


def test_what_fails_in_the_middle_of_a_training_says_how_to_go_on(
    base: Path, small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(place: Path, tell: Callable[[Progress], None] | None = None) -> Any:
        return train(
            small_data, out=place, base=str(base), kind=replace(SHORT, evaluations=4),
            on_progress=tell,
        )  # fmt: skip

    looked: list[float] = []
    evaluate = training._Training._evaluate

    def evaluated(this: Any, done: float) -> Any:
        looked.append(done)
        return evaluate(this, done) if len(looked) < 3 else broken()

    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(training._Training, "_evaluate", evaluated)
        with pytest.raises(EngineError, match=f"gives no numbers.*is kept in.*{GOING_ON}"):
            start(out)
    told: list[str] = []
    start(out, lambda p: told.append(p.text))
    assert any(t.startswith("going on from step") for t in told)
    whole = weights(start(tmp_path / "whole").path)
    assert all(torch.equal(whole[n], t) for n, t in weights(out).items())


def test_a_loss_that_is_no_number_promises_no_way_on(
    base: Path, small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[int] = []

    def step(this: Any, numbers: list[int], optimizer: torch.optim.Optimizer) -> float:
        steps.append(1)
        return real(this, numbers, optimizer) if len(steps) < 3 else float("nan")

    real = training._Training._step
    monkeypatch.setattr(training, "KEEP_SECONDS", -1.0)
    monkeypatch.setattr(training._Training, "_step", step)
    with pytest.raises(EngineError, match="the loss is nan at step 3.*Lower learning") as caught:
        train_language_model(
            small_data.train[:20], [], base, Contract(small_data.catalog), tmp_path / "x", SHORT,
            checkpoints=tmp_path / "kept",
        )  # fmt: skip
    assert list((tmp_path / "kept").iterdir()) and GOING_ON not in str(caught.value)


def test_without_a_state_no_way_on_is_promised(
    base: Path, small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_saving(monkeypatch)
    contract = Contract(small_data.catalog)
    with pytest.raises(SystemFault, match="can't be saved.*No space left.*Make room") as caught:
        train_language_model(small_data.train[:20], [], base, contract, tmp_path / "x", SHORT)
    assert GOING_ON not in str(caught.value)
    with (
        pytest.raises(ValueError, match="odd") as other,
        resuming.kept_for_another_try(tmp_path),
    ):
        raise ValueError("odd")
    assert not hasattr(other.value, "__notes__")


def test_a_state_that_can_not_be_kept_ends_no_training(
    base: Path, small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "kept"
    monkeypatch.setattr("safetensors.torch.save_file", full_disk)
    told: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(training, "save_model", lambda *_: None)
        train_language_model(
            small_data.train[:20], [], base, Contract(small_data.catalog), tmp_path / "x", SHORT,
            lambda p: told.append(p.text), checkpoints=kept,
        )  # fmt: skip
    assert any("No space left" in t and "the training goes on" in t for t in told)
    assert not kept.exists() or not list(kept.iterdir())  # nothing half is left to fill the disk


def test_the_door_keeps_the_state_until_the_run_stands(
    base: Path, small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    calibrate = door._calibrate

    def looked(*rest: Any) -> Any:
        seen.append(len(list(checkpoints_of(tmp_path / "run").iterdir())))
        return calibrate(*rest)

    monkeypatch.setattr(door, "_calibrate", looked)
    train(small_data, out=tmp_path / "run", base=str(base), kind=SHORT)
    assert seen == [1] and not checkpoints_of(tmp_path / "run").exists()


def test_merging_afresh_gives_the_weights_that_merging_in_place_gives(
    base: Path, small_data: Dataset, tmp_path: Path
) -> None:
    opened = open_base(base)
    tuned = training._Training(
        small_data.train[:20], [], opened, Contract(small_data.catalog),
        replace(SHORT, learning_rate=1e-2), 0, None,
    )  # fmt: skip
    tuned.run(None)
    fresh = saving.merge_afresh(tuned.tuned, opened).state_dict()
    whole = tuned.tuned.merge_and_unload().state_dict()
    before = weights(base)
    assert fresh.keys() == whole.keys() == before.keys()
    for name in fresh:
        torch.testing.assert_close(fresh[name], whole[name], rtol=1e-5, atol=1e-6)
    assert any(not torch.allclose(fresh[n], before[n], atol=1e-4) for n in fresh)


def test_quantised_weights_are_merged_afresh_and_never_cast(
    base: Path, small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The path of qlora on a machine without a GPU: the weights are plain, and refuse a cast."""
    from transformers import PreTrainedModel

    cast = PreTrainedModel.to
    load_model = training.load_model
    held: list[Any] = []

    def loaded(opened: Any, device: Any, method: str, bits: int) -> Any:
        held.append(load_model(opened, device))
        return held[0]

    def to(model: Any, *args: Any, **more: Any) -> Any:
        if held and model is held[0]:
            raise ValueError("You cannot cast a bitsandbytes model in a new `dtype`")
        return cast(model, *args, **more)

    monkeypatch.setattr(training, "require_method", lambda method: None)
    monkeypatch.setattr(training, "load_model", loaded)
    monkeypatch.setattr(PreTrainedModel, "to", to)
    rows, contract = small_data.train[:20], Contract(small_data.catalog)
    settings = replace(SHORT, learning_rate=1e-2)
    train_language_model(
        rows, [], base, contract, tmp_path / "q", replace(settings, method="qlora")
    )
    held.clear()
    monkeypatch.setattr(training, "load_model", load_model)
    train_language_model(rows, [], base, contract, tmp_path / "lora", settings)
    quantised, plain = weights(tmp_path / "q"), weights(tmp_path / "lora")
    for name in plain:
        torch.testing.assert_close(quantised[name], plain[name], rtol=1e-5, atol=1e-6)
