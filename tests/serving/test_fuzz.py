"""Broken requests, by `benchmarks/fuzz.py` and by Schemathesis: each is answered, none as a fault
of ours, and a good one is answered after them."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from clients import clients
from serving_server import CATALOG, TOKEN, Scripted, running

from maksud.language.catalog_tools import catalog_to_tools

ROOT = Path(__file__).parents[2]
FUZZ = ROOT / "benchmarks/fuzz.py"
PROGRAMS = [python.with_name("schemathesis") for python in clients()]
SCHEMATHESIS = next((program for program in PROGRAMS if program.exists()), None)


def fuzz(url: str, *more: str) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, FUZZ, "--url", url, "--token", TOKEN, "--json", *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.stdout, done.stderr
    content: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, content


def test_a_case_is_made_again_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FUZZ.parent))
    broken = import_module("broken_requests")
    wanted = broken.bodies("scripted", catalog_to_tools(CATALOG))
    maker = broken.Maker(12, TOKEN, wanted)
    made = [maker.case(k)[0] for k in range(400)]
    again = broken.Maker(12, TOKEN, broken.bodies("scripted", catalog_to_tools(CATALOG)))
    assert all(again.case(k)[0] == made[k] for k in range(399, 0, -4))


def test_broken_bytes_are_refused_and_wedge_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with running(Scripted(), metrics="loopback") as live:
        code, told = fuzz(live.url, "--requests", "300", "--every", "100", "--seed", "7")
    assert told["findings"] == [] and code == 0
    assert [r.getMessage() for r in caplog.records if r.levelname == "ERROR"] == []
    assert told["sent"] == 300 and told["good_requests"] == 3
    assert {"400", "401", "404", "405", "413", "431"} <= set(told["answers"])


def test_the_fuzzer_finds_what_is_broken() -> None:
    def fail(_: Any) -> None:
        raise RuntimeError("a fault")

    broken = Scripted(on=fail)
    with running(broken, metrics="loopback") as live:
        code, told = fuzz(live.url, "--requests", "100", "--every", "100")
    assert code == 1 and told["good_requests"] == 0
    assert any("status 500" in finding for finding in told["findings"])
    assert any("a good request" in finding for finding in told["findings"])


@pytest.mark.slow
@pytest.mark.skipif(
    SCHEMATHESIS is None, reason="Schemathesis: not installed. Run `make test-clients`"
)
def test_what_the_description_allows_and_forbids_is_answered(tmp_path: Path) -> None:
    with running(Scripted(), metrics="loopback") as live:
        command = [sys.executable, FUZZ, "--url", live.url, "--token", TOKEN]
        command += ["--schemathesis", str(SCHEMATHESIS), "--requests", "20", "--seed", "1"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=280, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-8000:]
