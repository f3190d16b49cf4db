"""A kind is one folder and one line: a toy kind walks the whole road."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from serving_server import running

from maksud.data.dataset import Dataset
from maksud.errors import RunError, SettingsError
from maksud.evaluation.report import evaluate
from maksud.language.calls import parse_calls
from maksud.recognizers import kinds
from maksud.recognizers.contract import Contract
from maksud.recognizers.door import load_recognizer, make_settings, train
from maksud.recognizers.kinds import Kind, Task, Trained, find_kind, kind_of_base, register_kind
from maksud.recognizers.recognition import Proposal, Recognizer
from maksud.recognizers.settings import TrainSettings
from maksud.settings import setting


@dataclass(frozen=True)
class Settings:
    """Settings of the toy."""

    rank: int = setting(1, low=1, high=9)
    """Which of the most frequent answers it gives."""


class MostFrequent(Recognizer):
    """Always gives one answer."""

    kind = "most_frequent"

    def __init__(self, path: Path, contract: Contract, name: str) -> None:
        super().__init__(name, contract)
        self.answer = parse_calls(json.loads((path / "answer.json").read_text()))

    def propose(self, utterances: Sequence[str]) -> list[Proposal]:
        return [Proposal(self.answer, (-0.5 - len(u) / 100,)) for u in utterances]


def train_toy(task: Task) -> Trained:
    common = Counter(e.output for e in task.train_set).most_common(task.settings.rank)
    (task.directory / "answer.json").write_text(json.dumps(common[-1][0]))
    contract = Contract(task.catalog, system_prompt="", template="")
    return Trained(contract, {"answers": len(common)}, task.settings)


TOY = Kind("most_frequent", Settings, train_toy, MostFrequent, bases=("most_frequent",))


@pytest.fixture
def toy() -> Iterator[Kind]:
    register_kind(TOY)
    yield TOY
    kinds._registered.pop(TOY.name)


def test_a_toy_kind_trains_evaluates_recognizes_and_serves(
    toy: Kind, small_data: Dataset, tmp_path: Path
) -> None:
    run = train(small_data, out=tmp_path / "toy", base="most_frequent", rank=2, seed=7)
    assert run.kind == "most_frequent" and run.metrics["answers"] == 2
    assert run.manifest["settings"]["kind"] == {"rank": 2}
    assert run.manifest["settings"]["seed"] == 7
    recognizer = load_recognizer(run)
    report = evaluate(recognizer, small_data.test, latency_sample=2).to_json()
    assert 0 < report["exact_match"] < 1
    answer = recognizer("apa saja")
    assert answer.calls and 0 <= answer.confidence <= 1
    with running(recognizer) as live:
        reply = live.client().post("/v1/recognize", json={"utterance": "apa saja"})
        assert reply.status_code == 200, reply.text
        assert answer.text in reply.text


def test_settings_reach_their_kind_under_any_of_their_names(toy: Kind) -> None:
    made = make_settings({"base": "most_frequent", "rank": "3", "seed": "2"})
    assert made == TrainSettings(base="most_frequent", seed=2, kind=Settings(3))
    with pytest.raises(SettingsError, match="rank is 10, expected 1 to 9"):
        make_settings({"base": "most_frequent", "rank": 10})
    with pytest.raises(SettingsError, match="unknown setting 'rnak'.*rank"):
        make_settings({"base": "most_frequent", "rnak": 1})
    with pytest.raises(SettingsError, match="unknown setting 'rank'"):
        make_settings({"rank": 1})
    with pytest.raises(SettingsError, match="takes CompactSettings, not Settings"):
        make_settings({"base": "compact", "kind": Settings()})
    # Without a base, settings of a kind say which kind is meant.
    assert make_settings({"kind": Settings(2)}).base == "most_frequent"


def test_the_guides_names_are_known() -> None:
    given = {
        "base": "some/base", "learning_rate": "3e-4", "num_train_epochs": "5",
        "per_device_train_batch_size": 2, "gradient_accumulation_steps": "8", "seq_length": 256,
        "lora_dim": 64, "lora_alpha": 32, "load_in_4bit": "true", "load_in_8bit": False,
        "apply_chat_template": True, "system_prompt": "Jawab.",
    }  # fmt: skip
    own = make_settings(given).kind
    assert (own.method, own.bits, own.examples_per_step) == ("qlora", 4, 16)
    assert (own.learning_rate, own.num_train_epochs, own.seq_length) == (3e-4, 5, 256)
    assert (own.lora_dim, own.lora_alpha, own.system_prompt) == (64, 32, "Jawab.")
    whole = make_settings({"base": "some/base", "lora_dim": "0", "load_in_4bit": "false"}).kind
    assert whole.method == "full"
    eight = make_settings({"base": "some/base", "load_in_8bit": True}).kind
    assert (eight.method, eight.bits) == ("qlora", 8)
    for wrong in (
        {"load_in_4bit": True, "load_in_8bit": True},
        {"load_in_4bit": True, "method": "lora"},
        {"load_in_4bit": "perhaps"},
        {"lora_dim": 0, "load_in_4bit": True},
        {"per_device_train_batch_size": 0},
        {"gradient_accumulation_steps": "many"},
        {"apply_chat_template": False},
    ):
        with pytest.raises(SettingsError):
            make_settings({"base": "some/base", **wrong})


def test_bases_and_names_find_their_kind() -> None:
    assert kind_of_base("compact").name == "compact"
    assert kind_of_base("Qwen/Qwen1.5-1.8B-Chat").name == "language_model"
    with pytest.raises(RunError, match="unknown kind of recognizer 'compcat'.*compact"):
        find_kind("compcat")
    with pytest.raises(ValueError, match="already"):
        register_kind(find_kind("compact"))


def test_nothing_outside_the_registry_asks_for_a_kind() -> None:
    import re

    import maksud

    package = Path(maksud.__file__).parent
    name = "|".join(kinds.KINDS)
    asks = re.compile(rf"[!=]=\s*[\"']({name})[\"']|[\"']({name})[\"']\s*[!=]=")
    for path in package.rglob("*.py"):
        if path.name != "kinds.py" and "data" not in path.relative_to(package).parts:
            assert not asks.search(path.read_text(encoding="utf-8")), path
