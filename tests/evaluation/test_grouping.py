"""Figures broken down: every example is in one group of each field, whatever its row says."""

from typing import Any

import pytest
from reports import ANSWERS, ROWS, report_of
from scripted import Scripted, catalog_of

from maksud.data.dataset import Dataset, Example
from maksud.errors import InputError
from maksud.evaluation import figures
from maksud.evaluation.report import Report, evaluate


def report_by(*fields: str, rows: list[Example]) -> Report:
    answers = {e.instruction: "f()" for e in rows}
    return evaluate(Scripted(answers, catalog_of(rows)), rows, by=fields, latency_sample=0)


def rows_with(**fields: list[Any]) -> list[Example]:
    """Rows whose first is right and all others wrong, each with its value of each field."""
    many = len(next(iter(fields.values())))
    return [
        Example(f"u{k}", "g()" if k else "f()", metadata={n: v[k] for n, v in fields.items()})
        for k in range(many)
    ]


def test_language_and_number_of_calls_by_hand() -> None:
    found = report_of(ANSWERS, ROWS)["by"]
    assert list(found) == ["language", "calls"]
    calls = {g["value"]: (g["examples"], g["exact_match"]) for g in found["calls"]}
    assert calls == {"none()": (2, 0.5), "1": (3, pytest.approx(2 / 3, abs=1e-6)), "2": (1, 0.0)}
    assert list(calls) == ["none()", "1", "2"]
    [one] = [g for g in found["calls"] if g["value"] == "1"]
    low, high = one["interval"]
    assert low < one["exact_match"] < high
    assert one["intent_accuracy"] == pytest.approx(2 / 3, abs=1e-6)
    assert (one["slot_f1"], one["coverage"]) == (1.0, 1.0)


def test_a_row_says_its_language_itself_or_its_words_do() -> None:
    rows = [
        Example("mau tolong putar lagu ini", "f()"),
        Example("what is the weather", "f()"),
        Example("putar", "f()", metadata={"language": "jv"}),
        Example("putar lagi", "f()", metadata={"lang": "su"}),
        Example("putar terus", "f()", metadata={"language": None}),
    ]
    predictions = report_by(rows=rows).predictions
    languages = [p.groups["language"] for p in predictions]
    assert languages == ["Indonesian", "English", "jv", "su", "(not said)"]


def test_any_field_of_the_rows() -> None:
    rows = rows_with(channel=["app", "app", "", "wa"], who=[{"age": 7}, {"age": 7}, {}, 3])
    found = report_by("channel", "who.age", rows=rows)["by"]
    assert [(g["value"], g["examples"], g["exact_match"]) for g in found["channel"]] == [
        ("app", 2, 0.5),
        ("(not said)", 1, 0.0),
        ("wa", 1, 0.0),
    ]
    assert [(g["value"], g["examples"]) for g in found["who.age"]] == [("(not said)", 2), ("7", 2)]


def test_values_of_every_kind_have_a_group() -> None:
    values: list[Any] = [True, 3, 3.5, ["a", "b"], {"x": None}, "", None]
    rows = rows_with(field=values)
    assert [p.groups["field"] for p in report_by("field", rows=rows).predictions] == [
        "true", "3", "3.5", '["a", "b"]', '{"x": null}', "(not said)", "(not said)",
    ]  # fmt: skip


def test_annotator_source_and_split() -> None:
    rows = [
        Example("a", "f()", annotator="Ani", source="a.json", split="test"),
        Example("b", "f()", annotator="Budi", source="b.json", split="test"),
    ]
    found = report_by("annotator", "source", "split", rows=rows)["by"]
    assert [g["value"] for g in found["annotator"]] == ["Ani", "Budi"]
    assert [g["value"] for g in found["source"]] == ["a.json", "b.json"]
    assert [(g["value"], g["examples"]) for g in found["split"]] == [("test", 2)]


def test_a_field_that_no_row_has_is_told_with_those_that_there_are() -> None:
    rows = rows_with(channel=["app"], region=["Jawa"])
    with pytest.raises(InputError, match=r"no row has a field 'chanel'") as caught:
        report_by("chanel", rows=rows)
    assert "channel, region; besides, language, calls, annotator" in (caught.value.hint or "")


def test_of_very_many_values_the_rare_ones_are_put_together() -> None:
    rows = rows_with(id=[f"n{k}" for k in range(figures.MOST_GROUPS + 10)])
    found = report_by("id", rows=rows)["by"]["id"]
    assert len(found) == figures.MOST_GROUPS
    assert found[-1]["value"] == "(the other 11 values)" and found[-1]["examples"] == 11
    assert sum(g["examples"] for g in found) == len(rows)


def test_the_report_says_what_data_it_was_measured_on() -> None:
    data = Dataset(
        [Example("a", "f()", split="test", source="shop/test.json")], name="shop", version="shop@3"
    )
    about = evaluate(Scripted({"a": "f()"}, catalog_of(list(data))), data)["data"]
    assert (about["name"], about["version"], about["split"]) == ("shop", "shop@3", "test")
    plain = evaluate(Scripted({"a": "f()"}, catalog_of(list(data))), list(data))["data"]
    assert (plain["name"], plain["sources"]) == ("", ["shop/test.json"])
