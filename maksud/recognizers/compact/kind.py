"""The compact kind: trained from scratch on the user's data, on any CPU."""

from __future__ import annotations

from pathlib import Path

from maksud.recognizers.compact.settings import CompactSettings
from maksud.recognizers.contract import Contract
from maksud.recognizers.kinds import Kind, Task, Trained
from maksud.recognizers.recognition import Recognizer


def _train(task: Task) -> Trained:
    from maksud.recognizers.compact.training import train_compact

    metrics = train_compact(
        task.train_set, task.held_out, task.catalog, task.directory, task.settings, task.tell,
        seed=task.seed,
    )  # fmt: skip
    settings = CompactSettings(**metrics.pop("settings"))
    return Trained(Contract(task.catalog, system_prompt="", template=""), metrics, settings)


def _open(path: Path, contract: Contract, name: str) -> Recognizer:
    from maksud.recognizers.compact.recognizer import CompactRecognizer

    return CompactRecognizer.load(path, contract, name)


KIND = Kind("compact", CompactSettings, _train, _open, bases=("compact",), cross_fits=True)
