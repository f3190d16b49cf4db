"""Rows are answered by recognizers that were trained without them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from joint_data import single

from maksud.data.dataset import Dataset, Example
from maksud.language.small_words import SmallWords
from maksud.recognizers import kinds
from maksud.recognizers.door import load_recognizer, make_settings, train
from maksud.recognizers.kinds import Task
from maksud.recognizers.out_of_fold import FEW_HELD_OUT, answer_out_of_fold
from maksud.recognizers.recognition import Proposal, Recognizer


def settings(**changes: Any) -> Any:
    return make_settings({"members": 1, "epochs": 2, "dim": 16, "word_dim": 8, **changes})


def task(rows: Sequence[Example], place: Path) -> Task:
    data = Dataset(rows)
    return Task(
        "compact", data, Dataset([]), data.catalog, place, place / "kept", settings().kind, 3,
        lambda progress: None,
    )  # fmt: skip


def trained(rows: Sequence[Example], place: Path) -> Recognizer:
    """The recognizer that is kept, of all rows."""
    place.mkdir()
    kind = kinds.find_kind("compact")
    return kind.open(place, kind.train(task(rows, place)).contract, "kept")


def test_no_row_is_answered_by_what_learnt_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = kinds.find_kind("compact")
    learnt: set[str] = set()
    asked: list[str] = []

    def watched(task: Task) -> Any:
        learnt.clear()
        learnt.update(e.instruction for e in task.train_set)
        return kind.train(task)

    def opened(*where: Any) -> Any:
        recognizer = kind.open(*where)
        assert recognizer.contract.scripts == ("LATIN",)  # it refuses what the kept one does
        assert recognizer.contract.small == SmallWords(("English",))
        propose = recognizer.propose

        def seen(utterances: Sequence[str]) -> list[Proposal]:
            assert not learnt & set(utterances)
            asked.extend(utterances)
            return propose(utterances)

        monkeypatch.setattr(recognizer, "propose", seen)
        return recognizer

    rows = list({e.instruction: e for e in single(80)}.values())
    kept = trained(rows, tmp_path / "whole")
    kept.contract = replace(kept.contract, scripts=("LATIN",), small=SmallWords(("English",)))
    made = answer_out_of_fold(
        replace(kind, train=watched, open=opened), task(rows, tmp_path), 3, kept
    )
    held, unknown = made.held, made.unknown
    assert not made.notes
    assert sorted(asked) == sorted(e.instruction for e in rows)
    assert len(held) == len(rows) == len(unknown)
    assert not any(unknown.correct) and all(unknown.out_of_scope)


def test_folds_are_for_few_held_out_rows(tmp_path: Path) -> None:
    rows = [replace(e, split="train") for e in single(60)]
    few = [replace(e, split="dev") for e in single(20, seed=1)]
    many = [replace(e, split="dev") for e in single(FEW_HELD_OUT, seed=1)]
    for held_out, folds, wanted in ((few, 2, 80), (few, 0, 20), (many, 2, FEW_HELD_OUT)):
        run = train(
            Dataset([*rows, *held_out]),
            out=tmp_path / f"{len(held_out)}-{folds}",
            settings=settings(folds=folds),
            on_progress=False,
        )
        assert run.metrics["calibration"]["examples"] == wanted
        assert run.metrics["calibration"]["stand_ins"] == wanted


NEAR = ("berapa saldo rekening saya", "berapa saldo rekening saya?", "berapa saldo rekening saya!")


def test_a_part_without_an_intent_ends_nothing(tmp_path: Path) -> None:
    """Near-copies stay together: the parts without them have one intent, or none to learn."""
    things = ["lampu", "kipas", "ac", "tv", "radio", "pompa", "kulkas", "oven", "panggung"]
    lamp = [Example(f"nyalakan {what}", f"on({what})") for what in things]
    same = [Example(t, "balance()") for t in NEAR * 5]
    none = [Example(f"{t} {k}", "none()") for k, t in enumerate(["apa kabar", "siapa dia"] * 7)]
    dev = [replace(same[0], split="dev")]
    for name, rows, left_out in (("one", lamp, "lack intents"), ("none", none, "has none of")):
        held = [replace(e, split="train") for e in rows + same] + dev
        run = train(Dataset(held), out=tmp_path / name, settings=settings(), on_progress=False)
        notes = run.metrics["calibration"]["notes"]
        assert any(left_out in note for note in notes), notes
        assert load_recognizer(run).recognize([NEAR[0]])[0].confidence > 0


def test_a_bound_on_calibration_is_no_lack_of_rows(tmp_path: Path) -> None:
    rows = [replace(e, split="train") for e in single(60)]
    many = [replace(e, split="dev") for e in single(FEW_HELD_OUT, seed=1)]
    given = settings(folds=3, calibration_examples=50)
    run = train(Dataset(rows + many), out=tmp_path / "run", settings=given, on_progress=False)
    assert run.metrics["calibration"]["examples"] == 50
    assert run.manifest["settings"]["calibration_examples"] == 50
