"""Threads that wait soon sleep, and no more of them run than the process may use."""

import subprocess
import sys
from pathlib import Path

import pytest

from maksud.recognizers import threads
from maksud.recognizers.threads import WAITING, core_quota, share_cores


@pytest.fixture(autouse=True)
def cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with eight cores and no limit."""
    monkeypatch.setattr(threads, "_cores", lambda: 8)
    monkeypatch.setattr(threads, "core_quota", lambda: None)


@pytest.mark.parametrize(
    "given",
    [{"OMP_WAIT_POLICY": "ACTIVE"}, {"GOMP_SPINCOUNT": "100"}, {"KMP_BLOCKTIME": "200"}],
)
def test_what_the_user_set_stays(given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    found = dict(given)
    share_cores(found)
    assert found == given
    monkeypatch.setattr(threads, "core_quota", lambda: 2.0)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        found = {**given, name: "5"}
        share_cores(found)
        assert found == {**given, name: "5"}


@pytest.mark.parametrize(
    ("quota", "count"), [(None, None), (0.5, "1"), (2.0, "2"), (2.5, "3"), (8.0, None), (64, None)]
)
def test_no_more_threads_than_a_container_is_given(
    quota: float | None, count: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "core_quota", lambda: quota)
    found: dict[str, str] = {}
    share_cores(found)
    assert {name: found.pop(name) for name in WAITING} == WAITING
    assert found.get("OMP_NUM_THREADS") == count


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({}, None),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu.max": "250000 100000\n"}, 2.5),
        ({"cpu.max": "nonsense"}, None),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "150000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1.5),
        ({"cpu/cpu.cfs_quota_us": "150000\n", "cpu/cpu.cfs_period_us": "0\n"}, None),
    ],
)
def test_what_a_container_is_given(
    files: dict[str, str], quota: float | None, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert core_quota(tmp_path) == quota


@pytest.mark.parametrize("base", ["compact", "smollm2-135m"])
def test_it_is_set_before_torch_is_loaded(base: str) -> None:
    code = (
        "import os, sys\n"
        "for name in ('OMP_WAIT_POLICY', 'GOMP_SPINCOUNT', 'KMP_BLOCKTIME'):\n"
        "    os.environ.pop(name, None)\n"
        "from maksud.recognizers.door import make_settings\n"
        f"make_settings({{'base': {base!r}}})\n"
        "assert 'torch' not in sys.modules\n"
        "print(os.environ['GOMP_SPINCOUNT'], os.environ['KMP_BLOCKTIME'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "3000 1\n"
