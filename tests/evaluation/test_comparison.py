"""The comparison: the same examples or an error, paired differences, drawn side by side."""

import json
import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from scripted import Scripted, catalog_of, examples

from maksud.errors import InputError, SettingsError
from maksud.evaluation.comparison import Comparison, compare
from maksud.evaluation.comparison_page import render_comparison
from maksud.evaluation.files import write_comparison
from maksud.evaluation.report import Report, evaluate
from maksud.evaluation.terminal import draw_comparison

ROWS = examples(*[(f"cuaca di kota {k}", f"weather(place=kota {k})") for k in range(200)])
CATALOG = catalog_of(ROWS)


def report_of(wrong: set[int], name: str, rows: int = 200, **about: Any) -> Report:
    """A report of one that errs on the examples `wrong`."""
    answers = {e.instruction: "weather()" if k in wrong else e.output for k, e in enumerate(ROWS)}
    recognizer = Scripted(answers, CATALOG, name=name, **about)
    return evaluate(recognizer, ROWS[:rows], latency_sample=1)


def printed(comparison: Comparison, width: int = 120) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        console.print(draw_comparison(comparison))
    return capture.get()


def test_differences_are_taken_from_the_first() -> None:
    base = report_of(set(range(40)), "base")
    better = report_of(set(range(10)) | {199}, "better")
    found = compare([base, better])
    assert found.differences[0] is None
    difference = found.differences[1]
    assert difference is not None
    assert difference.exact_match == pytest.approx((30 - 1) / 200)
    assert (difference.only_right, difference.only_wrong) == (30, 1)
    assert 0 < difference.low < difference.exact_match < difference.high
    assert difference.is_shown
    turned = compare([better, base]).differences[1]
    assert turned is not None and turned.exact_match == -difference.exact_match
    assert (turned.low, turned.high) == pytest.approx((-difference.high, -difference.low))


def test_pairing_is_what_makes_the_interval_narrow() -> None:
    """Both err on the same hard examples: alone, their intervals overlap."""
    hard = set(random.Random(0).sample(range(200), 80))
    base, better = report_of(hard, "base"), report_of(hard - set(sorted(hard)[:8]), "better")
    high = base["confidence_intervals"]["exact_match"][1]
    assert high > better["confidence_intervals"]["exact_match"][0]
    difference = compare([base, better]).differences[1]
    assert difference is not None and difference.is_shown


def test_chance_is_not_a_difference() -> None:
    base = report_of(set(range(0, 40)), "base")
    other = report_of(set(range(20, 61)), "other")
    found = compare([base, other])
    difference = found.differences[1]
    assert difference is not None and difference.low < 0 < difference.high
    assert not difference.is_shown
    assert "No difference is shown between other and base" in found.lines()[0]


@pytest.mark.parametrize(("rows", "shown"), [(1, False), (3, False), (5, False), (6, True)])
def test_a_few_examples_of_one_outcome_do_not_pretend_to_certainty(rows: int, shown: bool) -> None:
    """No resample differs from another there; a sign test needs six."""
    base, worse = report_of(set(), "base", rows), report_of(set(range(rows)), "worse", rows)
    found = compare([base, worse])
    difference = found.differences[1]
    assert difference is not None and difference.is_shown == shown
    assert difference.exact_match == difference.low == -1
    assert difference.high == pytest.approx(1 - 2 * 0.025 ** (1 / rows))
    assert ("is worse than" in found.lines()[0]) == shown
    turned = compare([worse, base]).differences[1]
    assert turned is not None and (turned.low, turned.high) == pytest.approx((-difference.high, 1))


def test_the_same_twice() -> None:
    report = report_of({1, 2}, "same")
    found = compare([report, report])
    difference = found.differences[1]
    assert difference is not None and not difference.is_shown
    assert (difference.exact_match, difference.low, difference.high) == (0, 0, 0)
    assert found.names == ("same (1)", "same (2)")


def test_other_examples_are_refused() -> None:
    whole, part = report_of(set(), "whole"), report_of(set(), "part", rows=150)
    with pytest.raises(InputError, match="whole was measured on 200 examples .*part on 150"):
        compare([whole, part])
    with pytest.raises(InputError, match="nothing to compare"):
        compare([whole])
    with pytest.raises(SettingsError, match="resamples is 0, expected at least 1"):
        compare([whole, whole], resamples=0)


def test_json() -> None:
    found = compare([report_of({1}, "a", sure={}), report_of({1, 2}, "b")])
    content = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert content["examples"] == 200 and content["baseline"] == "a"
    first, second = content["runs"]
    assert "utility" in first["decision"] and "curve" not in first["decision"]
    assert first["name"] == "a" and first["difference"] is None
    assert first["exact_match"] == 0.995 and first["guide_parameter_accuracy"] == 0.995
    assert first["latency_ms"]["p50"] > 0 and first["ece"] > 0 and second["ece"] is None
    assert second["difference"]["exact_match"] == -0.005
    low, high = second["difference"]["interval"]
    assert low <= -0.005 <= high
    assert second["difference"]["more_than_chance"] is False
    assert "confusion" not in first and "errors" not in first


def test_the_table() -> None:
    base = report_of(set(range(40)), "compact", sure={})
    text = printed(compare([base, report_of(set(range(5)), "smollm2-135m")]))
    for name in (
        "200 examples",
        "exact match",
        "Akurasi pengenalan maksud",
        "Akurasi pengenalan parameter",
        "coverage",
        "calibration error (ECE)",
        "latency p99",
        "throughput",
    ):
        assert name in text
    assert "80.0 %  " in text and "97.5 %  " in text
    assert "smollm2-135m is better than compact: +17.5 points of exact match" in text
    assert "not measured: there are no out-of-scope examples (out-of-scope recall" in text
    assert "not measured: the contract has no calibration (calibration error" in text


def test_two_fit_into_eighty_columns() -> None:
    found = compare([report_of({1}, "compact"), report_of({2}, "smollm2-135m")])
    lines = printed(found, 80).splitlines()
    assert max(map(len, lines)) <= 80
    assert any("Akurasi pengenalan parameter" in x and x.count("99.5 %") == 2 for x in lines)


def test_the_best_of_a_row_is_bold() -> None:
    found = compare([report_of({1}, "worse"), report_of(set(), "best"), report_of(set(), "too")])
    console = Console(width=120, force_terminal=True, color_system="standard")
    with console.capture() as capture:
        console.print(draw_comparison(found))
    [line] = [x for x in capture.get().splitlines() if x.startswith("exact match")]
    bold = [part for part in line.split("\x1b[") if part.startswith("1m")]
    assert len(bold) == 2 and all("100.0 %" in part for part in bold)


def test_names_are_shown_as_they_are() -> None:
    evil = "[bold]x[/bold]\u202e\x1b[31m"
    text = printed(compare([report_of(set(), evil), report_of({1}, "b")]))
    assert "[bold]x[/bold]" in text and "\u202e" not in text and "\x1b[31m" not in text


def test_the_page_has_figures_groups_and_where_they_differ(tmp_path: Path) -> None:
    found = compare([report_of({1, 2}, "base"), report_of({2, 3}, "<b>other</b>\u202e")])
    page = render_comparison(found)
    assert render_comparison(found) == page
    assert "<b>other" not in page and "\u202e" not in page
    assert "&lt;b&gt;other&lt;/b&gt;" in page
    for words in ("No difference is shown between", "exact match", "By number of calls", "1 call"):
        assert words in page
    said = re.findall(r'<div class="said"><bdi>(.*?)</bdi>', page)
    assert said == ["cuaca di kota 1", "cuaca di kota 3"]  # 2 is wrong for both
    right = re.findall(r'<li data-right="(.*?)"', page)
    assert right == ["&lt;b&gt;other&lt;/b&gt;⟨U+202E⟩", "base"]
    place = write_comparison(found, tmp_path / "deep" / "comparison")
    assert sorted(p.name for p in place.iterdir()) == ["comparison.html", "comparison.json"]
    assert json.loads((place / "comparison.json").read_text()) == found.to_json()
    assert (place / "comparison.html").read_text(encoding="utf-8") == page


def test_the_page_of_two_that_answer_alike() -> None:
    report = report_of({1}, "same")
    assert "On every example all are right" in render_comparison(compare([report, report]))


def test_groups_of_other_rows_are_not_set_side_by_side() -> None:
    """The fingerprint knows texts, not fields: the same texts may be in other groups."""
    answers = {e.instruction: e.output for e in ROWS}
    reports = [
        evaluate(
            Scripted(answers, CATALOG, name=name),
            [replace(e, metadata={"channel": f"{k % many}"}) for k, e in enumerate(ROWS)],
            by=["channel"],
            latency_sample=0,
        )
        for name, many in (("a", 2), ("b", 3))
    ]
    page = render_comparison(compare(reports))
    assert "By number of calls" in page and "By channel" not in page
