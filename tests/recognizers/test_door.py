"""One door for all kinds: what train writes, load_recognizer answers from."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from joint_data import single

from maksud.data.dataset import Dataset, Example
from maksud.data.formats.files import load, save
from maksud.errors import CallSyntaxError, DataError, MaksudError, RunError, SettingsError
from maksud.language.calls import NONE
from maksud.language.catalog import Catalog, Intent
from maksud.recognizers.decision import Rule
from maksud.recognizers.door import balanced_sample, load_recognizer, make_settings, train
from maksud.recognizers.runs import Run
from maksud.recognizers.settings import TrainSettings


def test_a_run_answers_what_it_learnt(compact_run: Run) -> None:
    recognizer = load_recognizer(compact_run)
    answer = recognizer("bagaimana cuaca di Makassar lusa")
    assert answer.text == "weather_search(Makassar)"  # a place that was never seen
    assert answer.calls[0].named == {"value": "Makassar"}
    assert answer.accepted and answer.confidence > compact_run.contract.threshold
    assert not recognizer("siapa presiden ke 3 dari Bogor").accepted


def test_a_run_records_what_made_it(compact_run: Run, small_data: Dataset) -> None:
    about = compact_run.manifest
    assert about["data"]["fingerprint"] == small_data.fingerprint
    assert about["data"]["train"] == len(small_data.train)
    assert about["seed"] == 1 and about["kind"] == "compact"
    assert compact_run.contract.calibration is not None
    assert compact_run.contract.rule == Rule() and compact_run.contract.threshold == 0.5
    assert compact_run.contract.false_accept_rate is None
    assert compact_run.metrics["calibration"]["threshold"] == 0.5
    assert "of 100 utterances like the 32 held out" in compact_run.metrics["calibration"]["summary"]
    log = (compact_run.path / "log.jsonl").read_text().splitlines()
    assert {json.loads(line)["stage"] for line in log} >= {"calibrate"}


def test_same_seed_same_run(small_data: Dataset, tmp_path: Path) -> None:
    runs = [
        train(small_data, out=tmp_path / name, seed=5, epochs=4, folds=2) for name in ("a", "b")
    ]
    assert runs[0].contract.id == runs[1].contract.id
    weights = [(r.path / "model.safetensors").read_bytes() for r in runs]
    assert weights[0] == weights[1]


def test_without_dev_a_part_of_train_is_held_out(small_data: Dataset, tmp_path: Path) -> None:
    file = tmp_path / "all.json"
    save([Example(e.instruction, e.output) for e in small_data], file)
    run = train(file, out=tmp_path / "run", epochs=9, folds=0)
    about = run.manifest["data"]
    assert about["dev"] > 0 and about["train"] + about["dev"] == len(small_data)
    assert "held out" in about["notes"][0]


def test_the_catalog_never_learns_from_the_test_split(small_data: Dataset, tmp_path: Path) -> None:
    extra = [*small_data, Example("rahasia", "only_in_test()", split="test")]
    run = train(Dataset(extra), out=tmp_path / "run", epochs=9, folds=0)
    assert "only_in_test" not in run.contract.catalog


def test_unusable_data_is_refused_before_any_work(small_data: Dataset, tmp_path: Path) -> None:
    broken = [*small_data, Example("x", "f(", split="train", source="d.json", line=9)]
    with pytest.raises(CallSyntaxError, match=r"d\.json:9"):
        train(Dataset(broken), out=tmp_path / "run")
    with pytest.raises(DataError, match="nothing to train on"):
        train(Dataset([]), out=tmp_path / "run")
    unknown = Dataset(
        [*small_data, Example("x", "unknown()", split="train")],
        catalog=small_data.catalog,
    )
    with pytest.raises(DataError, match="'unknown' is not in the catalog"):
        train(unknown, out=tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_what_has_no_answer_is_left_out_and_told_with_its_place(
    small_data: Dataset, tmp_path: Path
) -> None:
    """`maksud check` says that it is left out of training: so it is."""
    unlabelled = [Example("?", "", split=s, source="d.json", line=k) for k, s in enumerate(
        ("train", "dev"), 7
    )]  # fmt: skip
    odd = Example("!!", "none()", split="train", source="d.json", line=9)
    data = Dataset([*small_data, *unlabelled, odd])
    run = train(data, out=tmp_path / "run", members=1, epochs=1, folds=0)
    assert run.manifest["data"]["train"] == len(small_data.train) + 1
    note = "2 examples without an answer were left out (d.json:7, d.json:8)"
    assert run.manifest["data"]["notes"] == [note]
    assert set(run.metrics["skipped"]) == set(run.metrics["skipped_at"])
    with pytest.raises(DataError, match=r"d\.json:7: E-UNLABELLED none of 2 examples"):
        train(Dataset(unlabelled), out=tmp_path / "none")


def test_a_few_repetitions_make_no_data_unusable(small_data: Dataset, tmp_path: Path) -> None:
    """An inferred catalog takes them for faults; the rows are left out, and told."""
    rows = [Example(f"panggil a{k}", f"page(who=a{k})", split="train") for k in range(150)]
    twice = Example("panggil a dan b", "page(who=a, who=b)", split="train", source="d.json", line=9)
    held = replace(twice, split="dev")
    run = train(
        Dataset([*small_data, *rows, twice, held]),
        out=tmp_path / "run",
        members=1,
        epochs=1,
        folds=0,
    )
    assert run.manifest["data"]["train"] == len(small_data.train) + len(rows)
    assert "1 example with a parameter given several times" in run.manifest["data"]["notes"][0]
    assert "(d.json:9)" in run.manifest["data"]["notes"][0]
    assert run.metrics["calibration"]["examples"] == len(small_data.dev) + 1
    declared = Dataset([*small_data, *rows, twice], catalog=run.contract.catalog)
    with pytest.raises(DataError, match=r"d\.json:9: page: who is given 2 times"):
        train(declared, out=tmp_path / "declared")


def test_settings_that_can_not_be(small_data: Dataset, tmp_path: Path) -> None:
    for changes in (
        {"metod": "lora"},
        {"method": "magic"},
        {"false_accept_rate": 2.0},
        {"max_wrong": 1.0},
        {"wrong_cost": 0.0},
        {"per_intent": -1},
    ):
        with pytest.raises(SettingsError):
            train(small_data, out=tmp_path / "run", **changes)


def test_an_existing_run_is_not_overwritten(compact_run: Run, small_data: Dataset) -> None:
    with pytest.raises(RunError, match="exists already"):
        train(small_data, out=compact_run.path)


def test_an_unknown_base_says_so(small_data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(MaksudError, match="no-such-model"):
        train(small_data, out=tmp_path / "run", base="no-such-model")
    assert not list(tmp_path.iterdir())


def test_a_balanced_sample_is_balanced_and_repeatable(small_data: Dataset) -> None:
    pairs = [
        Example(f"{a.instruction} lalu {b.instruction}", f"{a.output};{b.output}")
        for a, b in zip(small_data.train, small_data.train[1:], strict=False)
        if "none" not in a.output + b.output
    ]
    data = Dataset([*small_data.train, *pairs])
    sample = balanced_sample(data, 5, seed=2)
    alone = [e.calls[0].intent for e in sample if len(e.calls) == 1]
    none = alone.count("none")
    intents = {i: alone.count(i) for i in alone if i != "none"}
    assert intents == dict.fromkeys(intents, 5)
    outside = sum(NONE in e.calls for e in small_data.train)
    share = sum(intents.values()) / (len(small_data.train) - outside)
    assert abs(sum(len(e.calls) > 1 for e in sample) / len(pairs) - share) < 0.05
    assert outside > 0 and abs(none / outside - share) < 0.1
    assert list(sample) == list(balanced_sample(data, 5, seed=2))


@pytest.mark.parametrize(
    ("output", "says"),
    [("none()", "no training example has an intent"), ("f(a=x)", "intent 'f'")],
)
def test_data_without_a_choice_is_refused_before_any_work(
    output: str, says: str, tmp_path: Path
) -> None:
    """As `maksud check` says; of none() alone the network could not be opened when it was made."""
    data = Dataset([Example(f"kata x {k}", output, split="train") for k in range(6)])
    with pytest.raises(DataError, match=f"E-ONECLASS .*{says}.*Add "):
        train(data, out=tmp_path / "run", base="compact")
    assert not list(tmp_path.iterdir())


def test_a_sample_that_leaves_nothing_is_refused(tmp_path: Path) -> None:
    data = Dataset([Example(f"x {k} y {k}", "f();g()", split="train") for k in range(6)])
    with pytest.raises(DataError, match="a sample of 5 per intent is empty.*--per-intent"):
        train(data, out=tmp_path / "run", base="compact", per_intent=5)


def test_the_guides_sample_trains(guide: Path, tmp_path: Path) -> None:
    """Four rows are no training set, but they must not be a traceback either."""
    run = train(load(guide / "train.json"), out=tmp_path / "run", folds=0)
    answer = load_recognizer(run)("Saya ingin mendengarkan musik")
    assert answer.text
    rows = load(guide / "train.json")
    intents = {c.intent for e in rows for c in e.calls} - {NONE.intent}
    assert run.contract.catalog.names == tuple(sorted(intents))


def test_settings_are_kept(compact_run: Run) -> None:
    assert compact_run.manifest["settings"]["base"] == "compact"
    assert compact_run.manifest["settings"]["seed"] == 1


def test_the_rule_of_the_settings_decides(small_data: Dataset, tmp_path: Path) -> None:
    changes = {"wrong_cost": 3, "max_wrong": 0.2, "false_accept_rate": 0.1}
    assert make_settings(changes).rule == Rule(3, 0.2, 0.1) and TrainSettings().rule == Rule()
    run = train(small_data, out=tmp_path / "run", members=1, epochs=1, wrong_cost=3.0)
    assert run.contract.rule == Rule(wrong_cost=3) and run.contract.threshold == 0.75
    assert run.manifest["settings"]["wrong_cost"] == 3


def test_intents_that_are_not_learnt_are_told(tmp_path: Path) -> None:
    """Neither an intent of the catalog without examples, nor one that only dev has, is answered."""
    rows = [replace(e, split="train") for e in single(30)]
    held = [replace(e, split="dev") for e in single(4, seed=1)]
    held += [Example("tukar poin", "redeem()", split="dev"), Example("x", "none()", split="dev")]
    changes = {"members": 1, "epochs": 1, "dim": 16, "word_dim": 8, "folds": 0, "base": "compact"}
    run = train(Dataset(rows + held), out=tmp_path / "run", on_progress=False, **changes)
    told = [n for n in run.manifest["data"]["notes"] if "training example has" in n]
    assert told == [
        "1 held-out example of 6 with what no training example has (redeem): whatever is answered "
        "counts as wrong"
    ]
    more = Catalog((*run.contract.catalog.intents, Intent("redeem"), Intent("greet")))
    run = train(Dataset(rows, catalog=more), out=tmp_path / "more", on_progress=False, **changes)
    told = [n for n in run.manifest["data"]["notes"] if "training example has" in n]
    assert told == [
        "no training example has redeem, greet of the catalog: what is not learnt is not answered"
    ]


def test_what_only_another_kind_knows_is_told_as_that() -> None:
    with pytest.raises(SettingsError, match="'method': it is one of language_model, not of compac"):
        make_settings({"base": "compact", "method": "lora"})


def test_a_seed_is_one_that_every_generator_takes() -> None:
    make_settings({"base": "compact", "seed": 2**63 - 1})
    with pytest.raises(SettingsError, match="seed is 9223372036854775808, expected 0 to"):
        make_settings({"base": "compact", "seed": 2**63})


def test_rows_of_no_split_are_for_training_and_told(tmp_path: Path) -> None:
    rows = [
        *(replace(e, split="train") for e in single(30)),
        *(replace(e, split="dev") for e in single(10, seed=1)),
        *(Example(f"buka pintu {k}", "open_door()") for k in range(8)),
    ]
    changes = {"members": 1, "epochs": 1, "dim": 16, "word_dim": 8, "folds": 0}
    run = train(Dataset(rows), out=tmp_path / "run", on_progress=False, **changes)
    assert "open_door" in [i.name for i in run.contract.catalog.intents]
    assert run.manifest["data"]["train"] == 38
    assert "8 examples of no split: taken for train" in run.manifest["data"]["notes"]
