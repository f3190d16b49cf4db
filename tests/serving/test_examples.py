"""The examples, as a person runs them: against a server, in a process of their own.

Those of other stacks run with a Python of an environment that `make test-clients` makes, or
with one that CLIENTS_PYTHON names; see `clients.py`.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from clients import clients
from serving_server import TOKEN, Live, running
from weighing import Weighing

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
SAID, ASKS, UNSURE = "play(song=Hampa) 0.9", "alarm() 0.9", "stop() 0.3"
OUTSIDE = "none() 0.9"
Ask = Callable[..., list[str]]
PATIENCE = 280
"""Seconds for one example: clients take long to load on a busy machine."""


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with running(Weighing()) as server:
        yield server


def execute(live: Live, command: list[str]) -> list[str]:
    known = {
        **os.environ,
        "OPENAI_BASE_URL": f"{live.url}/v1",
        "OPENAI_API_KEY": TOKEN,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else its prices are fetched
    }
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE, env=known, cwd=EXAMPLES
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def run(live: Live, name: str, *said: str) -> list[str]:
    return execute(live, [sys.executable, name, *said])


def test_openai(live: Live) -> None:
    did, answer = run(live, "openai_tools.py", SAID)
    assert did == 'play done: {"song": "Hampa"}' and '"accepted": true' in answer
    asked, _ = run(live, "openai_tools.py", ASKS)
    assert asked == "Jam berapa?"
    said, why, _ = run(live, "openai_tools.py", UNSURE)
    assert said == "not sure enough: stop() at 0.30" and why == f"not acted on: {said}"


def test_openai_async_streams_and_types(live: Live) -> None:
    assert run(live, "openai_async.py", SAID, ASKS, UNSURE) == [
        """asked: [('play', '{"song": "Hampa"}')]""",
        "asked: Jam berapa?",
        "asked: not sure enough: stop() at 0.30",
        'streamed: play {"song": "Hampa"}',
        "streamed: Jam berapa?",
        "streamed: not sure enough: stop() at 0.30",
        "not acted on: not sure enough: stop() at 0.30",
        "parsed: intent='play' song='Hampa' time=None times=None",
        "parsed: intent='alarm' song=None time=None times=None",
        "parsed: intent='unknown' song=None time=None times=None",
    ]


# ---------------------------------------------------------------- clients of the extra


@cache
def python_of(*packages: str) -> Path | None:
    """The Python that has these packages; None where there is none."""
    looks = f"from importlib.util import find_spec; assert all(map(find_spec, {packages}))"
    for python in clients():
        if python.exists() and not subprocess.run([python, "-c", looks], stderr=-3).returncode:
            return python
    return None


def client(*packages: str) -> Callable[[Callable[[Ask], None]], Any]:
    """Marks a test that needs these packages of the extras, and gives it what runs an example."""

    def mark(test: Callable[[Ask], None]) -> Any:
        python = python_of(*packages)
        why = f"{', '.join(packages)}: not installed. Run `make test-clients`"

        def run_it(live: Live) -> None:
            test(lambda name, *said: execute(live, [str(python), name, *said]))

        run_it.__name__, run_it.__doc__ = test.__name__, test.__doc__
        return pytest.mark.slow(pytest.mark.skipif(python is None, reason=why)(run_it))

    return mark


@client("langchain_openai")
def test_langchain(ask: Ask) -> None:
    calls, refusal, answer, typed, did = ask("langchain_tools.py", SAID)
    assert calls == "[('play', {'song': 'Hampa'})]" and refusal == "refusal: None"
    assert "'accepted': True" in answer and did == "play done: {'song': 'Hampa'}"
    assert typed == "intent='play' song='Hampa' time=None times=None"
    calls, refusal, *_ = ask("langchain_tools.py", OUTSIDE)
    assert (calls, refusal) == ("[]", "refusal: out of scope")


@client("llama_index.core", "llama_index.llms.openai_like")
def test_llamaindex(ask: Ask) -> None:
    assert ask("llamaindex_tools.py", SAID) == [
        "called: [('play', {'song': 'Hampa'})]",
        "typed: intent='play' song='Hampa' time=None times=None",
        "agent: play done: {'song': 'Hampa'}",
    ]
    assert ask("llamaindex_tools.py", ASKS)[-1] == "agent: Jam berapa?"


@client("litellm")
def test_litellm(ask: Ask) -> None:
    *calls, answer = ask("litellm_library.py", SAID)
    assert calls == ['called: play {"song": "Hampa"}', 'streamed: play {"song": "Hampa"}']
    assert json.loads(answer.removeprefix("JSON: "))["accepted"] is True
    *said, answer = ask("litellm_library.py", OUTSIDE)
    assert said == ["said: out of scope"] and '"calls": []' in answer


@client("litellm", "fastapi")
def test_litellm_as_a_proxy(ask: Ask) -> None:
    assert ask("litellm_proxy.py", SAID, ASKS) == [  # it takes a minute or more to start
        'called: play {"song": "Hampa"}',
        'streamed: play {"song": "Hampa"}',
        "said: Jam berapa?",
    ]


@client("agents")
def test_openai_agents(ask: Ask) -> None:
    assert ask("openai_agents.py", SAID) == ['play done: {"song": "Hampa"}']
    assert ask("openai_agents.py", ASKS) == ["Jam berapa?"]


@client("instructor")
def test_instructor(ask: Ask) -> None:
    command = "Command(intent='play', song='Hampa', time=None, times=None)"
    both = [f"JSON_SCHEMA: {command}", f"TOOLS: {command}"]
    assert ask("instructor_typed.py", SAID) == both
    for line in ask("instructor_typed.py", OUTSIDE):
        assert "intent='unknown'" in line


@client("pydantic_ai")
def test_pydantic_ai(ask: Ask) -> None:
    did, *typed = ask("pydantic_ai_agent.py", SAID)
    assert did == "play done: {'song': 'Hampa'}"
    assert typed == ["intent='play' song='Hampa' time=None times=None"] * 2
    assert ask("pydantic_ai_agent.py", ASKS)[0] == "Jam berapa?"


# ---------------------------------------------------------------- JavaScript, and a page

NODE = shutil.which("node")
MODULES = EXAMPLES / "javascript/node_modules/ai"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


@pytest.mark.slow
@pytest.mark.skipif(NODE is None, reason="there is no Node")
@pytest.mark.skipif(not MODULES.exists(), reason="no node_modules. Run `make test-clients`")
def test_the_ai_sdk_of_vercel(live: Live) -> None:
    def sdk(said: str) -> list[str]:
        return execute(live, [str(NODE), "javascript/ai_sdk.mjs", said])

    *said, answer = sdk(SAID)
    assert said == [
        'text: play done: {"song":"Hampa"}',
        'called: play {"song":"Hampa"}',
        'streamed: play done: {"song":"Hampa"}',
    ]
    written = json.loads(answer.removeprefix("object: "))
    assert written == {"intent": "play", "song": "Hampa", "confidence": 0.9}
    text, streamed, answer = sdk(ASKS)
    assert (text, streamed) == ("text: Jam berapa?", "streamed: Jam berapa?")
    assert '"intent":"alarm"' in answer
    text, _, answer = sdk(OUTSIDE)
    assert "out of scope" in text and '"intent":"unknown"' in answer


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_a_page_calls_tools_from_a_browser() -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    handler = partial(SimpleHTTPRequestHandler, directory=EXAMPLES)
    handler.log_message = lambda *_: None  # type: ignore[attr-defined]
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as pages:
        own = f"http://127.0.0.1:{pages.server_port}"
        thread = Thread(target=pages.serve_forever)
        thread.start()
        try:
            with running(Weighing(), origins=own) as live, playwright.sync_playwright() as driver:
                browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                page = browser.new_page()
                page.set_default_timeout(60_000)
                page.goto(f"{own}/page.html")
                page.get_by_label("Server").fill(f"{live.url}/v1")
                page.get_by_label("Token").fill(TOKEN)
                log = page.get_by_role("log")
                for said, shown in (
                    (SAID, 'play done: {"song":"Hampa"}'),
                    (ASKS, "Jam berapa?"),
                    (OUTSIDE, "out of scope"),
                ):
                    page.get_by_label("Say").fill(said)
                    page.get_by_role("button", name="Ask").click()
                    playwright.expect(log).to_contain_text(shown, timeout=60_000)
                page.get_by_label("Token").fill("mk-another-token")
                page.get_by_role("button", name="Ask").click()
                playwright.expect(log).to_contain_text("failed: invalid_api_key", timeout=60_000)
                browser.close()
        finally:
            pages.shutdown()
            thread.join()
