"""Checkpoints of a training: what it takes to go on from a step to the same weights.

The newest state stands in one safetensors file, replaced whole; it is read back only if it is of
the same training and undamaged. It stays until the run that it is of stands. What a killed training
staged is swept by the next one for the same run, whatever that one is (`door.train`).
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from maksud.errors import SystemFault
from maksud.recognizers.resuming import STATE
from maksud.storage import stage_directory, sync


@dataclass(frozen=True)
class Checkpoint:
    """What `Keeper.newest` read back: a step, the best score so far, and the tensors."""

    step: int
    score: tuple[float, float]
    tensors: dict[str, Tensor]

    def restore(
        self, names: list[str], parameters: list[Tensor], optimizer: torch.optim.Optimizer
    ) -> tuple[int, list[Tensor], tuple[float, float]]:
        """Fills parameters and optimizer; gives the step, the best state and its score."""
        best = []
        with torch.no_grad():
            for name, parameter in zip(names, parameters, strict=True):
                parameter.copy_(self.tensors["now." + name])
                best.append(self.tensors["best." + name].to(parameter.device))
                optimizer.state[parameter] = {
                    "step": self.tensors["step." + name],
                    "exp_avg": self.tensors["first." + name].to(parameter.device),
                    "exp_avg_sq": self.tensors["second." + name].to(parameter.device),
                }
        return self.step, best, self.score


class Keeper:
    """The newest state of a training in a directory: one safetensors file, replaced whole.

    Its header says which training it is of; a state of another one is left alone.
    """

    def __init__(self, directory: Path, identity: str) -> None:
        self.directory = directory
        self._file = directory / f"{STATE}{identity[:16]}.safetensors"
        self._identity = identity

    def newest(self) -> Checkpoint | None:
        """The state that is kept; None where there is none, or it is not to be trusted."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self._file, framework="pt") as file:
                about = file.metadata() or {}
                tensors = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError):
            return None
        digest = hashlib.sha256()
        for name in sorted(tensors):
            digest.update(tensors[name].contiguous().numpy().tobytes())
        if about.get("identity") != self._identity or about.get("sha256") != digest.hexdigest():
            return None
        match, loss = json.loads(about["score"])
        return Checkpoint(int(about["step"]), (match, loss), tensors)

    def keep(
        self,
        step: int,
        names: list[str],
        parameters: list[Tensor],
        optimizer: torch.optim.Optimizer,
        best: list[Tensor],
        score: tuple[float, float],
    ) -> None:
        """Writes the state behind a step in the place of the older one.

        Raises `SystemFault` where it can't be written; the older one is then left.
        """
        from safetensors import SafetensorError
        from safetensors.torch import save_file

        tensors = {}
        for name, parameter, value in zip(names, parameters, best, strict=True):
            state = optimizer.state[parameter]
            tensors["now." + name] = parameter.detach()
            tensors["best." + name] = value
            tensors["step." + name] = state["step"]
            tensors["first." + name] = state["exp_avg"]
            tensors["second." + name] = state["exp_avg_sq"]
        tensors = {k: v.contiguous().cpu().clone() for k, v in tensors.items()}
        digest = hashlib.sha256()
        for name in sorted(tensors):
            digest.update(tensors[name].numpy().tobytes())
        about = {
            "identity": self._identity,
            "step": str(step),
            "score": json.dumps(score),
            "sha256": digest.hexdigest(),
        }
        try:
            # In a room, whose lock lasts: `save_file` replaces a file, and with it a lock on it.
            with stage_directory(self._file) as stage:
                staged = stage.directory / self._file.name
                save_file(tensors, staged, metadata=about)
                sync(staged)
                os.replace(staged, self._file)
                sync(self.directory)
        except (OSError, SafetensorError) as error:
            raise SystemFault(
                f"the state of the training can't be kept ({error})", where=str(self.directory)
            ) from error

    def clear(self) -> None:
        """Removes the state of a finished training, and the directory if nothing else is there."""
        self._file.unlink(missing_ok=True)
        with suppress(OSError):
            self.directory.rmdir()
