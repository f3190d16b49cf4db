"""The charts: what is drawn where, and that texts in them are harmless."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maksud.evaluation import charts, drawing
from maksud.recognizers.measures import Bin

SHARES = st.floats(0, 1, allow_nan=False)


def circles(svg: str) -> list[tuple[float, float]]:
    root = ElementTree.fromstring(svg)
    return [(float(e.get("cx", "")), float(e.get("cy", ""))) for e in root.iter("circle")]


def test_a_bar_is_as_long_as_its_share() -> None:
    rects = list(ElementTree.fromstring(charts.bar(0.25, (0.2, 0.4))).iter("rect"))
    assert [r.get("width") for r in rects] == ["1000", "250"]
    assert 'aria-label="25.0 %, 95 % interval 20.0–40.0 %"' in charts.bar(0.25, (0.2, 0.4))
    assert "line" not in charts.bar(0.25)


def test_a_calibrated_bin_stands_on_the_diagonal() -> None:
    svg = charts.reliability([Bin(0.2, 0.4, 10, 0.25, 0.25), Bin(0.8, 1.0, 90, 0.75, 0.75)])
    (x1, y1), (x2, y2) = circles(svg)
    root = ElementTree.fromstring(svg)
    [diagonal] = [e for e in root.iter("line") if e.get("class") == "s-muted dashed"]
    at = {k: float(v) for k, v in diagonal.items() if k != "class"}
    for x, y in ((x1, y1), (x2, y2)):
        along = (x - at["x1"]) / (at["x2"] - at["x1"])
        assert y == pytest.approx(at["y1"] + along * (at["y2"] - at["y1"]), abs=0.02)
    assert "confidence 25.0 %: 25.0 % of 10 right" in svg


def test_the_threshold_is_marked_on_the_curve() -> None:
    svg = charts.risk_coverage([(0.2, 0.0), (0.5, 0.1), (1.0, 0.3)], (0.5, 0.1), 0.7)
    [(x, y)] = circles(svg)
    [path] = re.findall(r'class="s-accent curve" d="M([^"]*)"', svg)
    assert f"{x:g} {y:g}" in path
    assert "50.0 % accepted," in svg and "threshold 0.7" in svg
    assert "the rest" not in svg


def test_a_curve_without_a_point_at_the_threshold() -> None:
    svg = charts.risk_coverage([(0.2, 0.0), (0.6, 0.1)], None, 1.1)
    assert not circles(svg)
    assert "the rest: none()" in svg


@given(st.lists(st.tuples(SHARES, SHARES), min_size=1, max_size=20), st.tuples(SHARES, SHARES))
def test_a_curve_stays_on_the_drawing(
    points: list[tuple[float, float]], at: tuple[float, float]
) -> None:
    svg = charts.risk_coverage(sorted(points), at, 0.5)
    numbers = re.findall(r'class="s-accent curve" d="M([^"]*)"', svg)[0].replace("L", " ").split()
    for value in map(float, numbers):
        assert 0 <= value <= 400


CURVE = [(0.9, 10.0), (0.6, 25.0), (0.3, -40.0)]


def test_the_utility_steps_where_answers_are_told_apart() -> None:
    svg = charts.utility(CURVE, (0.75, 10.0), (0.6, 25.0))
    [path] = re.findall(r'class="s-accent curve" d="M([^"]*)"', svg)
    steps = [tuple(map(float, pair.split("V"))) for pair in path.split("H")[1:-1]]
    xs, ys = [x for x, _ in steps], [y for _, y in steps]
    assert xs == sorted(xs, reverse=True) and len(steps) == 3
    assert ys[1] < ys[0] < ys[2]  # the best is highest on the drawing
    (x_best, y_best), (x_at, y_at) = circles(svg)
    assert (x_best, y_best) == steps[1]
    # From 0.75 on the same is acted on as from 0.9 on: the dot stands on that step.
    assert steps[1][0] < x_at < steps[0][0] and y_at == ys[0]
    assert "threshold 0.75" in svg and "best here: 0.6" in svg
    assert "100 utterances are worth 10.0 right acts" in svg


def test_a_utility_without_a_best() -> None:
    svg = charts.utility([(0.9, -5.0), (0.5, -80.0)], (0.5, -80.0), None)
    assert len(circles(svg)) == 1 and "Acting on nothing would be best" in svg
    assert "best here" not in svg and "utility −80.0" in svg


UTILITIES = st.floats(-5000, 100, allow_nan=False)


@given(
    st.lists(st.tuples(SHARES, UTILITIES), max_size=20),
    st.tuples(st.floats(0, 1.5), UTILITIES),
    st.one_of(st.none(), st.tuples(SHARES, st.floats(0, 100))),
)
def test_a_utility_stays_on_the_drawing(
    points: list[tuple[float, float]], at: tuple[float, float], best: tuple[float, float] | None
) -> None:
    svg = charts.utility(sorted(points, reverse=True), at, best)
    for path in re.findall(r'class="s-accent curve" d="M([^"]*)"', svg):
        assert all(0 <= float(n) <= 400 for n in re.split("[ HV]", path))
    root = ElementTree.fromstring(svg)
    for e in [*root.iter("circle"), *root.iter("line"), *root.iter("text")]:
        for key in ("x", "y", "cx", "cy", "x1", "x2", "y1", "y2"):
            assert 0 <= float(e.get(key, 0)) <= 400


@given(st.floats(-1, -0.001), st.floats(0.02, 1.2))
def test_ticks_below_nought_are_few_and_round(low: float, top: float) -> None:
    ticks = drawing.ticks(low, top)
    assert 0 in ticks and 3 <= len(ticks) <= 8
    assert low - 1e-9 <= ticks[0] and ticks[-1] <= top + 1e-9


@given(st.floats(0.02, 1))
def test_ticks_are_few_and_round(top: float) -> None:
    ticks = drawing.ticks(0.0, top)
    assert ticks[0] == 0 and 3 <= len(ticks) <= 6
    assert ticks[-1] <= top + 1e-9
    assert top - ticks[-1] <= ticks[1] + 1e-9


def test_a_heat_map_is_strong_where_the_row_is() -> None:
    svg = charts.heat_map(
        ["a", "b"], {(0, 0): 8, (0, 1): 2, (1, 1): 5}, [0, 0], [10, 5], ["80 %", "100 %"]
    )
    strength = {
        (r.findtext("{*}title") or r.findtext("title")): float(r.get("fill-opacity", ""))
        for r in ElementTree.fromstring(svg).iter("rect")
        if r.get("fill-opacity")
    }
    assert strength["b answered as b: 5"] == 1
    assert strength["a answered as a: 8"] > strength["a answered as b: 2"] > 0.18
    assert "others" not in svg


def test_a_heat_map_shows_what_is_not_among_its_columns() -> None:
    svg = charts.heat_map(["a"], {(0, 0): 1}, [3], [4], ["25 %"])
    assert "a answered as others: 3" in svg


def test_texts_in_charts_are_harmless() -> None:
    evil = '</text><script>alert("x")</script>\u202e'
    svg = charts.heat_map([evil, "b"], {(0, 1): 1}, [0, 0], [1, 0], [evil, ""])
    root = ElementTree.fromstring(svg)
    assert not list(root.iter("script"))
    assert "\u202e" not in svg and "⟨U+202E⟩" in svg
