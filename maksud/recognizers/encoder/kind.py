"""The encoder kind: the joint network's heads on a pretrained multilingual encoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maksud.errors import SettingsError
from maksud.language.catalog import Intent
from maksud.recognizers.contract import Contract
from maksud.recognizers.encoder.settings import EncoderSettings
from maksud.recognizers.kinds import Growing, Kind, NewIntent, Task, Trained
from maksud.recognizers.recognition import Recognizer

if TYPE_CHECKING:
    from maksud.recognizers.encoder.recognizer import EncoderRecognizer

ENCODER = "e5-small"
ADDED = ("added.json", "added.safetensors")
"""Files of intents that were added: see `added`."""


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


def _add(recognizer: Recognizer, intent: Intent, examples: Sequence[str], place: Path) -> None:
    from maksud.recognizers.encoder.adding import Workshop

    own = _own(recognizer)
    made = Workshop(own).add(intent, examples)
    (made if own.extra is None else own.extra.beside(made)).save(place)


def _remove(recognizer: Recognizer, name: str, place: Path) -> None:
    extra = _own(recognizer).extra
    left = None if extra is None else extra.without(name)
    if left is not None:
        left.save(place)


def _list(recognizer: Recognizer) -> list[NewIntent]:
    extra = _own(recognizer).extra
    entries = () if extra is None else extra.entries
    return [NewIntent(e.name, e.examples, e.odds.found, e.odds.taken) for e in entries]


def _own(recognizer: Recognizer) -> EncoderRecognizer:
    from maksud.recognizers.encoder.recognizer import EncoderRecognizer

    assert isinstance(recognizer, EncoderRecognizer)
    return recognizer


KIND = Kind(
    "encoder",
    EncoderSettings,
    _train,
    _open,
    bases=(ENCODER,),
    takes=_takes,
    prepare=_prepare,
    growing=Growing(_add, _remove, _list, ADDED),
    libraries=("transformers", "tokenizers", "onnx", "onnxruntime"),
)
