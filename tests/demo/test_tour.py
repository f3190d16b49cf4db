"""The demo asks what it may ask, and its road runs to the end with right answers."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from maksud.data.dataset import fold_turns
from maksud.demo.questions import ASKED
from maksud.demo.shipped import load_shipped
from maksud.errors import NotFoundError
from maksud.language.calls import parse_calls, same_answer


@pytest.mark.parametrize("scenario", sorted(ASKED))
def test_what_is_asked_has_valid_answers_and_was_not_learnt(scenario: str) -> None:
    data = load_shipped(scenario)
    learnt = {e.instruction.casefold() for e in data}
    kinds = {
        *("one wish", "several intents", "out of scope", "several turns"),
        *("negated", "corrected", "after an answer"),
    }
    assert kinds == {label for label, _, _, _ in ASKED[scenario]}
    assert kinds == {label for label, language, _, _ in ASKED[scenario] if language == "en"}
    for label, language, turns, right in ASKED[scenario]:
        assert language in {"id", "en"}
        closed = label == "after an answer"  # what was answered is not asked again
        utterance, calls = fold_turns(turns[closed:]), parse_calls(right)
        assert data.catalog.violations(calls, utterance) == [], label
        assert same_answer(data.catalog.name_arguments(calls), calls)
        assert utterance.casefold() not in learnt
        assert (len(calls) > 1) == (label == "several intents")


def test_the_several_turns_lack_something_at_first() -> None:
    for scenario, questions in ASKED.items():
        catalog = load_shipped(scenario).catalog
        several = [(t, r) for label, _, t, r in questions if label == "several turns"]
        assert several
        for turns, right in several:
            (call,) = parse_calls(right)
            asked = catalog.missing(parse_calls(f"{call.intent}()"))
            assert len(turns) == 2 and asked[0].question


def test_an_unknown_scenario_is_told(tmp_path: Path) -> None:
    from maksud.demo.tour import tour

    with pytest.raises(NotFoundError, match="Nearest: voice_assistant"):
        tour(tmp_path, scenario="voice_asistant")


def test_the_demo_says_when_answers_are_acted_on() -> None:
    """By the run's rule, and what that did to the rows held out."""
    from rich.console import Console

    from maksud.demo.tour import _trained
    from maksud.language.catalog import Catalog, Intent
    from maksud.recognizers.contract import Contract
    from maksud.recognizers.decision import Rule

    about = {"exact_match": 0.7, "examples": 380, "acted": 190, "wrong": 19}
    contract = Contract(Catalog((Intent("stop"),)), threshold=0.75, rule=Rule(3))
    run = SimpleNamespace(
        metrics={"calibration": about, "total_seconds": 51.0},
        manifest={"data": {"train": 4581}},
        contract=contract,
    )
    console = Console(width=200, record=True, quiet=False)
    with console.capture() as capture:
        _trained(console, run)  # type: ignore[arg-type]
    told = capture.get()
    assert "acted on from confidence 0.75: a wrong act costs as much as 3 needless" in told
    assert "held out, 50% are acted on, and 10.0% of the acts are wrong" in told
    run.metrics["calibration"] = {**about, "acted": 0, "wrong": 0}
    _trained(console, run)  # type: ignore[arg-type]


def test_a_pretrained_model_that_cannot_be_had_is_passed_over_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rich.console import Console

    from maksud.demo.tour import _encoder, _language_model
    from maksud.errors import SystemFault
    from maksud.recognizers import choosing
    from maksud.recognizers.language_model import gallery

    def refuse(*_: object, **__: object) -> Path:
        raise SystemFault("there is no index", hint="Ask for models[all]")

    console = Console(width=300)
    data = load_shipped("voice_assistant")
    monkeypatch.setattr(gallery, "get", refuse)
    with console.capture() as capture:
        assert _language_model(console, data, tmp_path) is None
    assert "passed over: the model can't be had here: there is no index" in capture.get()
    assert "models[all]" in capture.get()
    needs = "training an encoder needs onnx (pip install 'maksud[encoder]')"
    monkeypatch.setattr(choosing, "missing_for_encoder", lambda: needs)
    with console.capture() as capture:
        assert _encoder(console, data, tmp_path) is None
    assert f"passed over: {needs}\n" in capture.get()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("options", [["--quick"], ["--quick", "--scenario", "all"], []], ids=str)
def test_the_demo_runs_to_its_end_with_right_answers(options: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "maksud", "demo", "--directory", str(tmp_path / "d"), *options],
        capture_output=True,
        text=True,
        timeout=3500,
    )
    assert done.returncode == 0, done.stderr
    assert "Done" in done.stdout and "asks: " in done.stdout
    asked = done.stdout.partition("Serve and ask")[2]
    compact, _, rest = asked.partition("  e5-small\n")
    encoder, _, language_model = rest.partition("  smollm2-135m\n")
    assert "wrong: " not in compact
    assert bool(encoder) == bool(language_model) == (not options)
    # A sample teaches an encoder most of what is asked, a small language model some of it.
    questions = ASKED["voice_assistant"]
    assert encoder.count("wrong: ") <= len(questions) // 3
    assert language_model.count("wrong: ") < sum(q[1] == "en" for q in questions) - 1
