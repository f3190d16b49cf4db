"""The encoder kind: the joint network's heads on a pretrained multilingual encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from maksud.errors import SettingsError
from maksud.recognizers.contract import Contract
from maksud.recognizers.encoder.settings import EncoderSettings
from maksud.recognizers.kinds import Kind, Task, Trained
from maksud.recognizers.recognition import Recognizer

ENCODER = "e5-small"


def _train(task: Task) -> Trained:
    from maksud.recognizers.encoder.base import open_base
    from maksud.recognizers.encoder.recognizer import fingerprint
    from maksud.recognizers.encoder.training import train_encoder

    base = open_base(task.base, task.tell)
    metrics = train_encoder(
        task.train_set, task.held_out, task.catalog, base, task.directory, task.settings,
        task.tell, seed=task.seed,
    )  # fmt: skip
    settings = EncoderSettings(**metrics.pop("settings"))
    tokenizer = fingerprint(task.directory)
    contract = Contract(task.catalog, system_prompt="", template="", tokenizer=tokenizer)
    return Trained(contract, metrics, settings)


def _open(path: Path, contract: Contract, name: str) -> Recognizer:
    from maksud.recognizers.encoder.recognizer import EncoderRecognizer

    return EncoderRecognizer.load(path, contract, name)


def _takes(base: str) -> bool:
    from maksud.recognizers.language_model.gallery import is_encoder

    return is_encoder(base)


def _prepare(settings: Any) -> None:
    from importlib.util import find_spec

    needed = ("torch", "transformers", "tokenizers", "onnx", "onnxruntime", "sklearn")
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise SettingsError(
            f"training an encoder needs {', '.join(missing)}",
            hint="pip install 'maksud[encoder]'",
        )


KIND = Kind(
    "encoder",
    EncoderSettings,
    _train,
    _open,
    bases=(ENCODER,),
    takes=_takes,
    prepare=_prepare,
    libraries=("transformers", "tokenizers", "onnx", "onnxruntime"),
)
