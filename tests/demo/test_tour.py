"""The demo asks what it may ask, and its road runs to the end with right answers."""

import subprocess
import sys
from pathlib import Path

import pytest

from maksud.data.dataset import fold_turns
from maksud.demo.shipped import load_shipped
from maksud.demo.tour import ASKED
from maksud.errors import NotFoundError
from maksud.language.calls import parse_calls, same_answer


@pytest.mark.parametrize("scenario", sorted(ASKED))
def test_what_is_asked_has_valid_answers_and_was_not_learnt(scenario: str) -> None:
    data = load_shipped(scenario)
    learnt = {e.instruction.casefold() for e in data}
    labels = [label for label, _, _ in ASKED[scenario]]
    assert {
        *("Indonesian", "English", "several intents", "out of scope", "several turns"),
        *("negated", "corrected", "after an answer"),
    } == set(labels)
    for label, turns, right in ASKED[scenario]:
        closed = label == "after an answer"  # what was answered is not asked again
        utterance, calls = fold_turns(turns[closed:]), parse_calls(right)
        assert data.catalog.violations(calls, utterance) == [], label
        assert same_answer(data.catalog.name_arguments(calls), calls)
        assert utterance.casefold() not in learnt
        assert (len(calls) > 1) == (label == "several intents")


def test_the_several_turns_lack_something_at_first() -> None:
    for scenario, questions in ASKED.items():
        catalog = load_shipped(scenario).catalog
        (turns, right) = next((t, r) for label, t, r in questions if label == "several turns")
        (call,) = parse_calls(right)
        asked = catalog.missing(parse_calls(f"{call.intent}()"))
        assert len(turns) == 2 and asked[0].question


def test_an_unknown_scenario_is_told(tmp_path: Path) -> None:
    from maksud.demo.tour import tour

    with pytest.raises(NotFoundError, match="Nearest: voice_assistant"):
        tour(tmp_path, scenario="voice_asistant")


@pytest.mark.slow
@pytest.mark.parametrize("options", [["--quick"], ["--quick", "--scenario", "all"], []], ids=str)
def test_the_demo_runs_to_its_end_with_right_answers(options: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "maksud", "demo", "--directory", str(tmp_path / "d"), *options],
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stderr
    assert "Done" in done.stdout and "asks: " in done.stdout
    assert "wrong: " not in done.stdout
    if not options:
        assert "smollm2-135m" in done.stdout.partition("Serve and ask")[2]
