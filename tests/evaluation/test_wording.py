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
