"""The report: figures by hand on scripted answers, what it does with odd data, its files."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from reports import ANSWERS, ROWS, SURE, report_of
from scripted import Scripted, catalog_of, examples

from maksud.data.dataset import Dataset, Example
from maksud.errors import DataError, EngineError, InputError, SettingsError
from maksud.evaluation import page, wording
from maksud.evaluation.report import Report, evaluate
from maksud.progress import Progress
from maksud.recognizers.decision import Rule
from maksud.recognizers.door import load_recognizer
from maksud.recognizers.recognition import Proposal
from maksud.recognizers.runs import Run


@pytest.fixture(scope="module")
def report() -> Report:
    return report_of(ANSWERS, sure=SURE, threshold=0.5)


def test_the_keys_that_scripts_rely_on(report: Report) -> None:
    found = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert set(found) >= {
        "examples",
        "exact_match",
        "intent_accuracy",
        "slot_f1",
        "guide_intent_accuracy",
        "guide_parameter_accuracy",
        "ece",
        "latency_ms",
    }
    assert set(found["latency_ms"]) >= {"p50", "p99"}
    assert 0 < found["latency_ms"]["p50"] <= found["latency_ms"]["p99"]


def test_every_key_is_documented(report: Report) -> None:
    docs = (Path(__file__).parents[2] / "docs" / "evaluate.md").read_text(encoding="utf-8")
    assert [key for key in report.to_json() if f"`{key}`" not in docs] == []


def test_figures_by_hand(report: Report) -> None:
    assert report["examples"] == 6
    # Right: play_music, weather (arguments in any order), the first none().
    assert report.exact_match == pytest.approx(3 / 6)
    assert report.intent_accuracy == pytest.approx(3 / 6)
    # Slots by place of the call: 4 wanted, 4 given, all but Rindu hit.
    assert report.slot_f1 == pytest.approx(2 * 3 / 8, abs=1e-6)
    assert report["by_calls"] == {
        "0": {"examples": 2, "exact_match": 0.5},
        "1": {"examples": 3, "exact_match": pytest.approx(2 / 3, abs=1e-6)},
        "2": {"examples": 1, "exact_match": 0.0},
    }
    for key in ("exact_match", "intent_accuracy", "slot_f1", "guide_parameter_accuracy"):
        low, high = report["confidence_intervals"][key]
        assert 0 <= low <= report[key] <= high <= 1


def test_the_guides_figures_and_where_they_mislead(report: Report) -> None:
    # Its names: putar Hampa, cuaca, siapa presiden. Its parameters: the order is wrong for
    # "place=Solo, day=besok" as the blank goes with the second.
    assert report["guide_intent_accuracy"] == pytest.approx(3 / 6)
    assert report["guide_parameter_accuracy"] == pytest.approx(2 / 6, abs=1e-6)
    guide = report["guide"]
    assert (guide["right_but_not_exact"], guide["wrong_but_exact"]) == (0, 1)
    assert guide["reasons"] == {"argument_sets": 1}


def test_the_guide_takes_half_an_answer_for_a_whole_one() -> None:
    rows = examples(("a b", "f(p=a);g(p=b)"), ("c d", "f(p=c);g(p=d)"))
    found = report_of({"a b": "f(p=a)", "c d": "f(p=c);g(p=d)"}, rows)
    assert found.exact_match == 0.5
    assert found["guide_parameter_accuracy"] == 0.5  # the other one
    guide = found["guide"]
    assert (guide["right_but_not_exact"], guide["wrong_but_exact"], guide["disagree"]) == (1, 1, 2)
    assert guide["intents_right_but_not_all"] == 1
    assert guide["reasons"] == {"cut_at_semicolon": 2}


@pytest.mark.parametrize(("template", "own"), [("chatml", False), ("", False), ("[INST]", True)])
def test_the_line_about_the_guide_names_a_template_of_the_base(template: str, own: bool) -> None:
    rows = examples(("a", "f(p=a)"))
    recognizer = Scripted({"a": "f(p=a)"}, catalog_of(rows), own={"a": "f(p=a)"})
    recognizer.contract = replace(recognizer.contract, template=template)
    found = evaluate(recognizer, rows)
    assert found["guide"]["own_template"] is own
    line = wording.guide_line(found.figures)
    assert ("writes ChatML instead, and gives other figures" in line) is own
    assert "own chat template" not in wording.guide_line(
        {**found.figures, "guide": {**found["guide"], "own_template": False}}
    )


def test_the_guide_judges_what_the_model_writes_by_itself() -> None:
    rows = examples(("a", "f(p=a)"), ("b", "f(p=b)"), ("c", "g()"))
    own = {"a": "f(p=x)", "b": "f(p=b", "c": "g"}
    recognizer = Scripted({"a": "f(p=a)", "b": "f(p=b)", "c": "g()"}, catalog_of(rows), own=own)
    found = evaluate(recognizer, rows)
    assert found.exact_match == 1
    assert found["guide_intent_accuracy"] == 1
    # "f(p=b" loses its last character: neither parses nor scores; "g" would stop the script.
    assert found["guide_parameter_accuracy"] == 0
    assert found["guide"]["judged"] == "unconstrained text"
    assert (found["guide"]["crashes"], found["guide"]["unparsed"]) == (1, 2)
    assert found["guide"]["disagree"] == 0
    assert found.predictions[0].guide_text == "f(p=x)"
    assert not found["guide"]["own_template"]
    plain = evaluate(recognizer, rows, unconstrained=False)
    assert plain["guide"]["judged"] == "answer" and plain["guide_parameter_accuracy"] == 1


def test_refusing(report: Report) -> None:
    # Accepted at 0.5: putar Hampa, putar Rindu, berapa akar dua; none() never, however sure.
    assert report["coverage"] == 0.5
    assert report["accuracy_accepted"] == pytest.approx(1 / 3, abs=1e-6)
    assert (report["oos_recall"], report["false_accept_rate"]) == (0.5, 0.5)
    assert report["out_of_scope"] == 2 and report["threshold"] == 0.5
    curve = report["risk_coverage"]
    assert curve[-1]["coverage"] == pytest.approx(5 / 6, abs=1e-6)
    at = [p for p in curve if p["threshold"] >= 0.5][-1]
    assert (at["coverage"], at["risk"]) == (0.5, pytest.approx(2 / 3, abs=1e-6))


def test_what_the_threshold_is_worth(report: Report) -> None:
    # Of the three that are accepted one is right: (1 - 2) of 6.
    found = report["decision"]
    assert found["utility"] == pytest.approx(-100 / 6, abs=1e-6)
    assert (found["wrong_cost"], found["false_accept_rate"], found["threshold"]) == (1, 0.05, 0.5)
    # Acting on the surest alone would be right once.
    assert (found["best_threshold"], found["best_utility"]) == (0.9, pytest.approx(16.666667))
    assert [(p["acted"], p["wrong"]) for p in found["curve"]] == [
        (1, 0),
        (2, 1),
        (3, 2),
        (4, 3),
        (5, 3),
    ]
    at = [p for p in found["curve"] if p["threshold"] >= 0.5][-1]
    assert at["utility"] == found["utility"]
    assert max(p["utility"] for p in found["curve"]) == found["best_utility"]


def test_the_rule_of_the_run_says_what_a_wrong_act_costs() -> None:
    rule = Rule(wrong_cost=3, max_wrong=0.1)
    found = report_of(ANSWERS, sure=SURE, threshold=0.75, rule=rule)["decision"]
    assert found["utility"] == pytest.approx(100 * (1 - 3) / 6, abs=1e-6)
    assert (found["wrong_cost"], found["max_wrong"], found["rule"]) == (3, 0.1, rule.summary)
    before = report_of(ANSWERS, sure=SURE, threshold=0.75, rule=None)["decision"]
    assert (before["wrong_cost"], before["rule"], before["utility"]) == (1, None, 0.0)


def test_without_a_calibration_there_is_no_other_threshold() -> None:
    found = report_of(ANSWERS)
    assert found["decision"]["utility"] == pytest.approx(100 * (2 - 3) / 6, abs=1e-6)
    assert found["decision"]["curve"] == [] and found["decision"]["best_utility"] is None
    assert "Utility counts each right act" in page.render(found)


def test_acting_on_nothing_may_be_best() -> None:
    wrong = {e.instruction: "volume_down(x=1)" for e in ROWS}
    found = report_of(wrong, sure=SURE, threshold=0.5)
    assert found["decision"]["best_threshold"] is None and found["decision"]["best_utility"] == 0
    assert "Acting on nothing would give 0.0" in page.render(found)


def test_a_long_curve_is_thinned_and_keeps_its_best() -> None:
    rows = examples(*((f"u{k}", "play()") for k in range(1000)))
    answers = {e.instruction: "play()" if k < 501 else "stop()" for k, e in enumerate(rows)}
    sure = {e.instruction: 0.9 - k / 2000 for k, e in enumerate(rows)}
    found = report_of(answers, rows, sure=sure)["decision"]
    assert 150 <= len(found["curve"]) <= 202
    assert found["best_utility"] == pytest.approx(50.1)
    assert found["best_threshold"] in [p["threshold"] for p in found["curve"]]
    assert found["curve"][-1]["acted"] == 1000


def test_calibration_figures(report: Report) -> None:
    gaps = [0.9 - 1, 0.8 - 0, 0.3 - 1, 0.4 - 0, 0.95 - 1, 0.6 - 0]
    # 0.9 and 0.8, and 0.95, stand in bins of their own: 15 bins of equal width.
    assert sum(b["count"] for b in report["calibration_bins"]) == 6
    assert report["ece"] <= sum(map(abs, gaps)) / 6 + 1e-6
    assert report["brier"] == pytest.approx(sum(g * g for g in gaps) / 6, abs=1e-6)


def test_confusions_and_intents(report: Report) -> None:
    labels = report["confusion"]["labels"]
    cells = {(labels[g], labels[a]): n for g, a, n in report["confusion"]["cells"]}
    assert cells == {
        ("play_music", "play_music"): 2,
        ("volume_down", "volume_down"): 1,
        ("volume_down", "play_music"): 1,
        ("weather", "weather"): 1,
        ("none", "none"): 1,
        ("none", "volume_down"): 1,
    }
    by_name = {row["intent"]: row for row in report["per_intent"]}
    assert by_name["play_music"]["precision"] == pytest.approx(2 / 3, abs=1e-6)
    assert by_name["play_music"]["recall"] == 1
    assert by_name["none"]["recall"] == 0.5 and by_name["none"]["precision"] == 1


def test_errors_are_sorted_by_harm(report: Report) -> None:
    assert [e["instruction"] for e in report["errors"]] == [
        "putar Rindu lalu kecilkan",
        "berapa akar dua",
        "kecilkan",
    ]
    assert [e["what"] for e in report["errors"]] == [
        "wrong intent",
        "out of scope, but answered",
        "wrong intent",
    ]
    assert report["errors"][0]["place"] == "test.json:2"
    assert sum(report["error_kinds"].values()) == 3


def test_each_kind_of_error_is_named() -> None:
    rows = examples(("1", "f()"), ("2", "f();g()"), ("3", "f()"), ("4", "f(p=4)"), ("5", "none()"))
    answers = {"1": "none()", "2": "f()", "3": "f();g()", "4": "f()", "5": "f()"}
    assert set(report_of(answers, rows)["error_kinds"]) == {
        "in scope, but none()",
        "too few calls",
        "too many calls",
        "wrong arguments",
        "out of scope, but answered",
    }


# ---------------------------------------------------------------- odd data


def test_empty_answers_are_wrong_and_counted() -> None:
    found = report_of(dict.fromkeys(ANSWERS, ""), sure={})
    assert found.exact_match == 0 and found.slot_f1 == 0
    assert found["guide"]["unparsed"] == 6
    assert found["confusion"]["labels"][-1] == "(no call)"
    assert found["slot_precision"] is None and found["slot_recall"] == 0
    assert "too few calls" in found["error_kinds"]
    page.render(found)


def test_only_none_answered() -> None:
    found = report_of(dict.fromkeys(ANSWERS, "none()"), sure={})
    assert found.exact_match == pytest.approx(2 / 6, abs=1e-6)
    assert found["coverage"] == 0 and found["accuracy_accepted"] is None
    assert (found["oos_recall"], found["risk_coverage"]) == (1.0, [])
    assert "no answer was accepted" in page.render(found)


def test_nothing_out_of_scope() -> None:
    found = report_of(ANSWERS, ROWS[:4], sure=SURE)
    for key in ("oos_recall", "oos_precision", "false_accept_rate", "auroc"):
        assert found[key] is None
    assert "not measured: there are no out-of-scope examples" in page.render(found)


def test_only_out_of_scope() -> None:
    found = report_of(ANSWERS, ROWS[4:], sure=SURE, catalog=catalog_of(ROWS))
    assert found["coverage_in_scope"] is None and found["in_scope_intent_accuracy"] is None
    assert found.slot_f1 is None
    page.render(found)


@pytest.mark.parametrize("answer", ["play_music(song=Hampa)", "none()", ""])
def test_one_example(answer: str) -> None:
    found = report_of({"putar Hampa": answer}, ROWS[:1], sure={})
    low, high = found["confidence_intervals"]["exact_match"]
    assert high - low > 0.9  # one example says next to nothing
    page.render(found)


def test_gold_outside_the_catalog_is_counted_and_told() -> None:
    rows = examples(("a", "f(p=a)"), ("b", "unknown(x, y)"), ("c", "f(q=c)"), ("d", "f(p=d, d)"))
    catalog = catalog_of(rows[:1])
    answers = {"a": "f(p=a)", "b": "f()", "c": "f(p=c)", "d": "f(p=zzz)"}
    found = report_of(answers, rows, catalog=catalog)
    assert found["gold_outside_catalog"] == 3
    assert found["invalid_answers"] == 1  # zzz is not in the utterance
    assert found.exact_match == 0.25
    assert "3 gold answers use what the catalog does not have" in page.render(found)


def test_a_figure_that_can_not_be_measured_is_none() -> None:
    rows = examples(("a", "f()"), ("b", "g()"))
    found = evaluate(Scripted({"a": "f()", "b": "g()"}, catalog_of(rows)), rows, latency_sample=0)
    for key in ("slot_f1", "slot_precision", "slot_recall", "ece", "brier", "aurc", "auroc"):
        assert found[key] is None, key
    assert found["confidence_intervals"]["slot_f1"] is None
    assert found["latency_ms"] == {"p50": None, "p99": None, "mean": None, "examples": 0}
    assert "slot F1 not measured: there are no arguments" in repr(found)
    json.dumps(found.to_json(), allow_nan=False)


def test_an_intent_that_is_never_answered_has_no_precision() -> None:
    rows = examples(("a", "f()"), ("b", "g()"))
    found = report_of({"a": "f()", "b": "f()"}, rows)
    by_name = {row["intent"]: row for row in found["per_intent"]}
    assert by_name["g"]["precision"] is None and by_name["g"]["recall"] == 0
    assert by_name["g"]["f1"] == 0


def test_unusable_examples() -> None:
    catalog = catalog_of(ROWS)
    recognizer = Scripted(ANSWERS, catalog)
    with pytest.raises(DataError, match="there are no examples"):
        evaluate(recognizer, [])
    bad = [*ROWS, Example("x", "f(", source="test.json", line=9), Example("y", "")]
    with pytest.raises(DataError, match=r"test.json:9: gold .*1 more.*in Python, skip_invalid=T"):
        evaluate(recognizer, bad)
    assert evaluate(recognizer, bad, skip_invalid=True)["skipped"] == 2
    with pytest.raises(DataError, match="there are no examples"):
        evaluate(recognizer, bad[-2:], skip_invalid=True)
    for given, kind in (("test.json", "str"), (Path("x"), "PosixPath"), ([{"a": 1}], "dict")):
        with pytest.raises(InputError, match=f"there is a {kind} where examples are expected"):
            evaluate(recognizer, given)  # type: ignore[arg-type]


def test_numbers_out_of_range() -> None:
    recognizer = Scripted(ANSWERS, catalog_of(ROWS))
    for name, value, least in (
        ("batch_size", 0, 1), ("latency_sample", -1, 0), ("background", -5, 0)
    ):  # fmt: skip
        with pytest.raises(SettingsError, match=f"{name} is {value}, expected at least {least}"):
            evaluate(recognizer, ROWS, **{name: value})  # type: ignore[arg-type]


def test_a_text_is_one_field_to_break_down_by() -> None:
    rows = [replace(e, metadata={"channel": "wa"}) for e in ROWS]
    found = evaluate(Scripted(ANSWERS, catalog_of(ROWS)), rows, by="channel")
    assert set(found["by"]) == {"language", "calls", "channel"}


def test_an_engine_that_loses_answers_is_an_error() -> None:
    class Forgetful(Scripted):
        def unconstrained(self, utterances: Sequence[str]) -> list[str]:
            return ["f()"] * (len(utterances) - 1)

    with pytest.raises(EngineError, match="5 texts to 6 utterances"):
        evaluate(Forgetful(ANSWERS, catalog_of(ROWS)), ROWS)


def test_batches_and_progress() -> None:
    asked: list[int] = []

    class Counting(Scripted):
        def propose(self, utterances: Sequence[str]) -> list[Proposal]:
            asked.append(len(utterances))
            return super().propose(utterances)

    told: list[Progress] = []
    recognizer = Counting(ANSWERS, catalog_of(ROWS))
    evaluate(recognizer, ROWS, batch_size=4, latency_sample=0, progress=told.append)
    assert asked == [4, 2]
    assert [(p.stage, p.done) for p in told] == [("evaluate", 4 / 6), ("evaluate", 1.0)]


def test_the_same_seed_gives_the_same_figures() -> None:
    first, second = (report_of(ANSWERS, sure=SURE).to_json() for _ in range(2))
    for timed in ("latency_ms", "batch_examples_per_second", "seconds", "created"):
        first.pop(timed), second.pop(timed)
    assert first == second


def test_a_trained_recognizer(compact_run: Run, small_data: Dataset) -> None:
    found = evaluate(load_recognizer(compact_run), small_data.test, latency_sample=5)
    assert found["kind"] == "compact" and found["contract"] == compact_run.contract.id
    assert found["data"]["fingerprint"] == Dataset(small_data.test).fingerprint
    assert found.exact_match > 0.8 and 0 <= found["ece"] <= 1
    assert found["versions"]["maksud"]
