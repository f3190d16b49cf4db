"""The running server: killed while people save over HTTP, and traced. `benchmarks/labelling.py`
does the same for hundreds of rounds."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROUNDS = 3


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "labelling.py"
    spec = importlib.util.spec_from_file_location("benchmark_labelling", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look for their module there
    spec.loader.exec_module(module)
    return module


@pytest.mark.timeout(600)
def test_no_label_that_was_acknowledged_over_http_is_lost(
    benchmark: ModuleType, tmp_path: Path
) -> None:
    found = benchmark.kill_rounds(str(tmp_path / "labels.db"), ROUNDS, 6)
    assert (found["lost"], found["stored_twice"], found["damaged"]) == (0, 0, 0)
    assert found["acknowledged"] >= 6 * ROUNDS and found["reached"]


@pytest.mark.timeout(300)
def test_a_sync_stands_before_each_acknowledgement(benchmark: ModuleType, tmp_path: Path) -> None:
    found = benchmark.trace_sync(str(tmp_path / "labels.db"), tmp_path / "trace")
    if found["reached"] is None:
        pytest.skip(found["why"])
    assert found["answers_after_writes"] >= 3
    assert found["synced_before"] == found["answers_after_writes"]
