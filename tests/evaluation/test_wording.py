"""How figures are written: units, signs, and reasons in place of what is not measured."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maksud.evaluation import wording


@pytest.mark.parametrize(
    ("write", "value", "expected"),
    [
        (wording.percent, 0.8749, "87.5 %"),
        (wording.points, 0.0213, "+2.1"),
        (wording.points, -0.0213, "−2.1"),
        (wording.points, -0.0001, "0.0"),
        (wording.per_hundred, 39.66, "39.7"),
        (wording.per_hundred, -12.5, "−12.5"),
        (wording.per_hundred, -0.01, "0.0"),
        (wording.milliseconds, 0.6589, "0.659 ms"),
        (wording.milliseconds, 12.34, "12.3 ms"),
        (wording.milliseconds, 1234.5, "1,234 ms"),
        (wording.milliseconds, 65_000.0, "65.0 s"),
    ],
)
def test_written(write: object, value: float, expected: str) -> None:
    assert write(value) == expected  # type: ignore[operator]


@given(st.text())
def test_visible_leaves_nothing_that_acts(text: str) -> None:
    shown = wording.make_visible(text)
    kinds = {unicodedata.category(c) for c in shown if c not in "\u200c\u200d"}
    assert not kinds & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    shown.encode("utf-8")
    if not {unicodedata.category(c) for c in text} & {"Cc", "Cf", "Cs", "Zl", "Zp"}:
        assert shown == text


def test_scripts_that_join_stay_as_they_are() -> None:
    for text in ("می\u200cخواهم", "👩\u200d💻", "किताब", "北京"):
        assert wording.make_visible(text) == text


SHOWN = (*wording.HEADLINE, *wording.GATE, *wording.SURENESS, *wording.SPEED)


@pytest.mark.parametrize("figure", SHOWN, ids=lambda f: f.key)
def test_every_figure_that_is_none_has_a_reason(figure: wording.Figure) -> None:
    figures: dict[str, object] = {"calibrated": True, "out_of_scope": 2, "examples": 4}
    target = figures
    *parts, last = figure.key.split(".")
    for part in parts:
        target = target.setdefault(part, {})  # type: ignore[assignment]
    target[last] = None
    assert figure.of(figures) is None
    written = figure.write(figures)
    assert written.startswith("not measured: ") and len(written) > 25


DECISION = {
    **{"wrong_cost": 3.0, "max_wrong": 0.0, "false_accept_rate": 0.0, "threshold": 0.75},
    **{"rule": "a wrong act costs as much as 3 needless refusals", "utility": 18.7},
    **{"best_threshold": 0.652855, "best_utility": 24.7},
}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, "each wrong act as −3: of 100 utterances it is 18.7 here. With the best threshold"),
        ({}, "for these very answers, 0.653, it would be 24.7; nobody can know"),
        ({"wrong_cost": 0.5}, "each wrong act as −0.5: of 100"),
        ({"best_threshold": None, "best_utility": 0.0}, "Acting on nothing would give 0.0"),
        ({"best_threshold": None, "best_utility": None, "utility": -3.0}, "it is −3.0 here."),
    ],
)
def test_what_a_threshold_is_worth_in_a_line(change: dict[str, object], says: str) -> None:
    assert says in wording.utility_line({"decision": {**DECISION, **change}})


def test_what_a_threshold_was_chosen_by() -> None:
    figures = {"threshold": 0.75, "decision": DECISION, "stated_false_accept_rate": None}
    assert wording.threshold_line(figures) == f"0.75; {DECISION['rule']}"
    before = {**figures, "decision": {**DECISION, "rule": None}}
    assert wording.threshold_line(before) == "0.75"
    stated = {**before, "stated_false_accept_rate": 0.05}
    assert wording.threshold_line(stated) == "0.75, chosen for a false accept rate of 5.0 %"


def test_only_beside_the_utility_stands_the_best_in_reach() -> None:
    figures = {"decision": DECISION}
    assert [wording.best_in_reach(f, figures) for f in wording.GATE[:2]] == ["at best 24.7", ""]
    assert wording.best_in_reach(wording.UTILITY, {"decision": {"best_utility": None}}) == ""
