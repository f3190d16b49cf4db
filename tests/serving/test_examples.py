"""The examples, as a person runs them: against a server, in a process of their own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from serving_server import TOKEN, Live, running
from weighing import Weighing

EXAMPLES = Path(__file__).parents[2] / "examples"
SAID = "play(song=Hampa) 0.9"


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with running(Weighing()) as server:
        yield server


def run(live: Live, name: str, said: str) -> list[str]:
    python = os.environ.get("CLIENTS_PYTHON", sys.executable)
    known = {**os.environ, "OPENAI_BASE_URL": f"{live.url}/v1", "OPENAI_API_KEY": TOKEN}
    done = subprocess.run(
        [python, EXAMPLES / name, said], capture_output=True, text=True, timeout=200, env=known
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_openai(live: Live) -> None:
    did, answer = run(live, "openai_tools.py", SAID)
    assert did == 'play done: {"song": "Hampa"}' and '"accepted": true' in answer
    asked, _ = run(live, "openai_tools.py", "alarm() 0.9")
    assert asked == "Jam berapa?"
    said, why, _ = run(live, "openai_tools.py", "stop() 0.3")
    assert said == "not sure enough: stop() at 0.30" and why == f"not acted on: {said}"


def needs(package: str) -> pytest.MarkDecorator:
    """Skips where a client is neither here nor with the Python that CLIENTS_PYTHON names."""
    here = "CLIENTS_PYTHON" in os.environ or find_spec(package)
    return pytest.mark.skipif(not here, reason=f"{package} is not installed")


@needs("langchain_openai")
def test_langchain(live: Live) -> None:
    calls, refusal, answer, did = run(live, "langchain_tools.py", SAID)
    assert calls == "[('play', {'song': 'Hampa'})]" and refusal == "refusal: None"
    assert "'accepted': True" in answer and did == "play done: {'song': 'Hampa'}"
    calls, refusal, *_ = run(live, "langchain_tools.py", "none() 0.9")
    assert (calls, refusal) == ("[]", "refusal: out of scope")


@needs("agents")
def test_openai_agents(live: Live) -> None:
    assert run(live, "openai_agents.py", SAID) == ['play done: {"song": "Hampa"}']
    assert run(live, "openai_agents.py", "alarm() 0.9") == ["Jam berapa?"]


@needs("pydantic_ai")
def test_pydantic_ai(live: Live) -> None:
    assert run(live, "pydantic_ai_agent.py", SAID) == ["play done: {'song': 'Hampa'}"]
    assert run(live, "pydantic_ai_agent.py", "alarm() 0.9") == ["Jam berapa?"]
