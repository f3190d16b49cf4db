"""The compact kind: trained from scratch on the user's data, on any CPU."""

from __future__ import annotations

from pathlib import Path

from maksud.recognizers.contract import Contract
from maksud.recognizers.joint.training import CompactSettings
from maksud.recognizers.kinds import Kind, Task, Trained
from maksud.recognizers.recognition import Recognizer


def _train(task: Task) -> Trained:
    from maksud.recognizers.joint.training import train_compact

    metrics, settings = train_compact(
        task.train_set, task.held_out, task.catalog, task.directory, task.settings,
        seed=task.seed, progress=task.tell,
    )  # fmt: skip
    return Trained(Contract(task.catalog, system_prompt="", template=""), metrics, settings)


def _open(path: Path, contract: Contract, name: str) -> Recognizer:
    from maksud.recognizers.joint.recognizer import CompactRecognizer

    return CompactRecognizer.load(path, contract, name)


KIND = Kind("compact", CompactSettings, _train, _open, bases=("compact",))
