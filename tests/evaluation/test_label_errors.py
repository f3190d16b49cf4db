"""Planted errors are found, good rows are left alone, and nothing is left out in silence."""

import importlib.util
import json
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from label_error_cases import WEATHER, call, sure
from typer.testing import CliRunner

from maksud.cli import app
from maksud.data.dataset import Dataset, Example
from maksud.errors import DataError, SettingsError
from maksud.evaluation import cross_validation, label_errors
from maksud.evaluation.label_errors import LabelErrors, find_label_errors
from maksud.language.calls import same_answer
from maksud.language.catalog_inference import infer_catalog
from maksud.progress import Progress
from maksud.recognizers.joint.scoring import AnswerScore

WORDS = ["satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "delapan", "sembilan", "sepuluh"]


def benchmark() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "label_errors.py"
    spec = importlib.util.spec_from_file_location("benchmark_label_errors", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def few_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that need not know much, for tests of what is said of the rows."""
    monkeypatch.setattr(cross_validation, "EPOCHS", 0.03)


def clean() -> list[Example]:
    """120 utterances of three intents, no two of them near-identical."""
    rows = []
    for k in range(40):
        a, b = WORDS[k % 10], WORDS[(k // 10 + 3 * k) % 10]
        rows.append(Example(f"putar lagu {a} {b}", f"play(song={a} {b})", line=3 * k + 1))
        rows.append(Example(f"cuaca di {b} {a}", f"weather(city={b} {a})", line=3 * k + 2))
        rows.append(Example(f"kecilkan suara {a} {b}", "volume_down()", line=3 * k + 3))
    return rows


# ---------------------------------------------------------------- the whole


@pytest.fixture(scope="module")
def dirty() -> tuple[Dataset, dict[int, tuple[str, str]]]:
    planted: dict[int, tuple[str, str]]
    data, planted = benchmark().plant(Dataset(clean(), name="clean"), 0.1, 1)
    return data, planted


@pytest.fixture(scope="module")
def found(dirty: tuple[Dataset, dict[int, tuple[str, str]]]) -> tuple[LabelErrors, list[Progress]]:
    told: list[Progress] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cross_validation, "EPOCHS", 0.3)
        return find_label_errors(dirty[0], folds=3, rounds=2, seed=0, progress=told.append), told


def test_planted_errors_are_found_and_mended(
    dirty: tuple[Dataset, dict[int, tuple[str, str]]], found: tuple[LabelErrors, list[Progress]]
) -> None:
    good, planted = clean(), dirty[1]
    for kind, least in (("intent", 6), ("arguments", 5)):
        wanted = {row for row, (of, _) in planted.items() if of == kind}
        assert len(wanted) == 6
        top = found[0].of(kind)[: len(wanted)]  # type: ignore[arg-type]
        hits = [e for e in top if e.row in wanted]
        assert len(hits) >= least, kind
        assert all(e.example is dirty[0][e.row] for e in top)
        mended = [same_answer(Example("", e.suggested).calls, good[e.row].calls) for e in hits]
        # A suggested intent is right; suggested arguments may miss a word of a value once.
        assert sum(mended) >= (len(hits) if kind == "intent" else len(hits) - 1), kind


def test_they_are_ranked_within_a_kind(found: tuple[LabelErrors, list[Progress]]) -> None:
    kinds = [e.kind for e in found[0]]
    assert kinds == sorted(kinds, key=("intent", "arguments").index)
    for kind in ("intent", "arguments"):
        scores = [e.score for e in found[0].of(kind)]  # type: ignore[arg-type]
        assert scores == sorted(scores, reverse=True)


def test_progress_goes_to_the_end(found: tuple[LabelErrors, list[Progress]]) -> None:
    done = [p.done for p in found[1]]
    assert done == sorted(done) and done[-1] == pytest.approx(1)
    assert found[1][-1].text.startswith("network 6 of 6")
    assert any("left" in p.text for p in found[1])


def test_findings_and_json(found: tuple[LabelErrors, list[Progress]]) -> None:
    findings = found[0].findings(top=3)
    assert Counter(f.code for f in findings) == {"W-LABELERROR": 3, "W-ARGERROR": 3}
    first = found[0].of("intent")[0]
    assert first.suggested in findings[0].message and first.given in findings[0].message
    content = found[0].to_json(top=2)
    assert [e["kind"] for e in content["errors"]] == ["intent"] * 2 + ["arguments"] * 2
    assert content["found"]["intent"] == len(found[0].of("intent"))
    assert len(found[0].to_json()["errors"]) == len(found[0])
    json.dumps(content)


@pytest.mark.usefixtures("few_passes")
def test_a_seed_gives_the_same_again() -> None:
    data = Dataset(clean()[:45])
    first, again = (find_label_errors(data, folds=2, rounds=1, seed=3) for _ in range(2))
    assert first.errors == again.errors


def test_a_copied_mistake_does_not_vouch_for_itself() -> None:
    """The same wrong row four times: learnt from one, it would clear the others."""
    rows = clean()[:90]
    copies = [Example(t, "volume_down()") for t in ("putar lagu dua dua", "Putar lagu dua dua!")]
    result = find_label_errors(Dataset([*rows, *copies, *copies]), folds=3, rounds=1)
    assert {e.row for e in result.of("intent")} >= {90, 91, 92, 93}


@pytest.mark.usefixtures("few_passes")
def test_what_cannot_be_judged_is_counted() -> None:
    rows = [
        *clean()[:60],
        Example("belum dilabeli", ""),
        Example("rusak", "play("),
        Example("hanya sekali", "rare()"),
        Example("...   ", "volume_down()"),
    ]
    result = find_label_errors(Dataset(rows), folds=2, rounds=1)
    assert result.judged + sum(result.left_out.values()) == len(rows)
    assert sorted(result.left_out.values()) == [1, 1, 1] or sum(result.left_out.values()) == 4
    assert not {e.row for e in result} & {60, 61, 62}
    told = [f for f in result.findings() if f.code == "I-LABELERROR"]
    assert len(told) == 1 and "no answer yet" in told[0].message


@pytest.mark.usefixtures("few_passes")
def test_rows_that_break_the_catalog_are_left_to_the_other_checks() -> None:
    rows = clean()[:60]
    catalog = infer_catalog([e.calls for e in rows], [e.instruction for e in rows])
    data = Dataset([*rows, Example("putar", "play(colour=putar)")], catalog=catalog)
    result = find_label_errors(data, folds=2, rounds=1)
    assert result.left_out == {"an answer that the other checks refuse": 1}


def test_settings_out_of_range_and_too_little_data() -> None:
    data = Dataset(clean()[:3])
    with pytest.raises(SettingsError):
        find_label_errors(data, folds=1)
    with pytest.raises(SettingsError):
        find_label_errors(data, rounds=0)
    with pytest.raises(DataError, match="too few"):
        find_label_errors(data, folds=4)
    with pytest.raises(DataError):
        find_label_errors(Dataset([]))


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cross_validation, "EPOCHS", 0.2)
    rows: list[dict[str, Any]] = [
        {"instruction": e.instruction, "output": e.output} for e in clean()[:60]
    ]
    rows[0]["output"] = "volume_down()"
    path = tmp_path / "train.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    done = CliRunner().invoke(
        app, ["check", str(path), "--label-errors", "--top", "1", "--json"], catch_exceptions=False
    )
    content = json.loads(done.stdout)
    first = content["label_errors"]["errors"][0]
    assert (first["row"], first["kind"], first["given"]) == (0, "intent", "volume_down()")
    assert first["suggested"] == "play(song=satu satu)"
    assert content["codes"]["W-LABELERROR"] == 1


def test_only_what_every_round_doubts_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Round one doubts rows 0 and 1, round two rows 1 and 2: row 1 is listed, with the lesser."""
    wrong = AnswerScore((call(intent=-4.0, other=(WEATHER, -0.1)),))
    less = AnswerScore((call(intent=-2.0, other=(WEATHER, -0.2)),))
    fine = sure(1)[0]
    rounds = iter([[wrong, wrong, fine], [fine, less, wrong]])
    monkeypatch.setattr(label_errors, "score_round", lambda *_: next(rounds))
    rows = [Example(f"putar lagu {w}", "play(song=a)") for w in WORDS[:3]]
    result = find_label_errors(Dataset(rows), folds=2, rounds=2)
    assert [(e.row, round(e.score, 6)) for e in result] == [(1, 1.8)]


# ---------------------------------------------------------------- the benchmark's planting


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_planted_errors_are_wrong_and_can_be_read(seed: int) -> None:
    good = Dataset(clean(), name="clean")
    dirty, planted = benchmark().plant(good, 0.2, seed)
    assert Counter(kind for kind, _ in planted.values()) == {"intent": 12, "arguments": 12}
    for row, (before, after) in enumerate(zip(good, dirty, strict=True)):
        assert (row in planted) == (before.output != after.output)
        assert not good.catalog.violations(after.calls, after.instruction)
        if row in planted:
            kind, way = planted[row]
            same = [c.intent for c in before.calls] == [c.intent for c in after.calls]
            assert same == (kind == "arguments")
            if way == "drop":
                assert len(after.calls[0].arguments) < len(before.calls[0].arguments)
