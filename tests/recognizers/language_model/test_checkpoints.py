"""The state of a training is on disk before it takes the place of the older one."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from maksud.data.dataset import Dataset, Example
from maksud.recognizers.compact.settings import CompactSettings
from maksud.recognizers.door import checkpoints_of, train
from maksud.recognizers.language_model.checkpoints import Keeper
from maksud.recognizers.settings import TrainSettings
from maksud.storage import sweep


def keep(keeper: Keeper, step: int) -> None:
    parameter = torch.nn.Parameter(torch.full((3,), float(step)))
    optimizer = torch.optim.AdamW([parameter])
    parameter.grad = torch.ones(3)
    optimizer.step()
    keeper.keep(step, ["w"], [parameter], optimizer, [torch.zeros(3)], (0.5, 1.25))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_a_state_is_flushed_before_it_replaces_the_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acts: list[tuple[str, str]] = []
    real_fsync, real_replace = os.fsync, os.replace

    def fsync(handle: int) -> None:
        acts.append(("fsync", os.readlink(f"/proc/self/fd/{handle}")))
        real_fsync(handle)

    def replace(source: Any, target: Any) -> None:
        acts.append(("replace", os.fspath(source)))
        real_replace(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    keeper = Keeper(tmp_path / "states", "a-training-of-its-own")
    for step in (1, 2):
        acts.clear()
        keep(keeper, step)
        at = next(n for n, (act, _) in enumerate(acts) if act == "replace")
        assert ("fsync", acts[at][1]) in acts[:at]
    found = keeper.newest()
    assert found is not None and (found.step, found.score) == (2, (0.5, 1.25))
    assert len(list((tmp_path / "states").iterdir())) == 1


KILLED = """
import os, signal, sys, torch
from pathlib import Path
from safetensors import torch as tensors
from maksud.recognizers.language_model.checkpoints import Keeper
save = tensors.save_file
def save_and_wait(*arguments, **more):
    save(*arguments, **more)
    print("staged", flush=True)
    sys.stdin.read()
tensors.save_file = save_and_wait
parameter = torch.nn.Parameter(torch.ones(3))
optimizer = torch.optim.AdamW([parameter])
parameter.grad = torch.ones(3)
optimizer.step()
Keeper(Path(sys.argv[1]), "one").keep(
    1, ["w"], [parameter], optimizer, [torch.zeros(3)], (0.5, 1.25)
)
"""


def test_what_a_killed_training_staged_is_swept_and_that_of_a_living_one_is_not(
    tmp_path: Path,
) -> None:
    place = tmp_path / "states"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(place)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "staged\n"
    (room,) = place.iterdir()
    sweep(place)
    keep(Keeper(place, "one"), 2)  # the same training, started twice
    assert room.exists() and len(list(place.iterdir())) == 2
    process.send_signal(signal.SIGKILL)
    process.wait()
    sweep(place)
    assert not room.exists() and len(list(place.iterdir())) == 1


def test_the_next_training_of_the_run_sweeps_whatever_it_is(tmp_path: Path) -> None:
    kept = checkpoints_of(tmp_path / "run")
    room = kept / f".state-0.safetensors.staging-{'0' * 16}"
    room.mkdir(parents=True)
    (room / "lock").write_bytes(b"maksud-staging/1\nstate-0.safetensors")
    (room / "new").mkdir()
    (room / "new" / "state-0.safetensors").write_bytes(b"half")
    rows = [Example(f"putar lagu {k}", f"play(song={k})") for k in range(8)]
    rows.append(Example("matikan", "stop()"))
    settings = TrainSettings(kind=CompactSettings(members=1, epochs=1))
    train(Dataset(rows), out=tmp_path / "run", settings=settings)
    assert not kept.exists()
