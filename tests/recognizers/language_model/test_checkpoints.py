"""The state of a training is on disk before it takes the place of the older one."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from maksud.recognizers.language_model.checkpoints import Keeper


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
