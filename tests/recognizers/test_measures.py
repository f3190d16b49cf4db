"""The measures of confidence, by hand and by property."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maksud.errors import InputError
from maksud.recognizers.measures import (
    area_under_risk_coverage,
    auroc,
    brier,
    calibration_bins,
    ece,
    risk_coverage,
)

scored = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


@given(scored)
@settings(max_examples=150, deadline=None)
def test_measures_stay_in_the_unit_interval(rows: list[tuple[float, bool]]) -> None:
    p, y = zip(*rows, strict=True)
    area = auroc(p, y)
    values = [ece(p, y), ece(p, y, adaptive=True), brier(p, y), area_under_risk_coverage(p, y)]
    assert all(0 <= v <= 1 + 1e-12 for v in values)
    assert area is None or 0 <= area <= 1
    assert sum(b.count for b in calibration_bins(p, y)) == len(rows)
    assert sum(b.count for b in calibration_bins(p, y, adaptive=True)) == len(rows)


@given(scored, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_measures_do_not_depend_on_the_order(rows: list[tuple[float, bool]], random) -> None:
    p, y = zip(*rows, strict=True)
    shuffled = list(rows)
    random.shuffle(shuffled)
    q, z = zip(*shuffled, strict=True)
    assert ece(p, y) == pytest.approx(ece(q, z))
    assert auroc(p, y) == auroc(q, z)
    assert [(r.threshold, r.coverage) for r in risk_coverage(p, y)] == [
        (r.threshold, r.coverage) for r in risk_coverage(q, z)
    ]
    assert area_under_risk_coverage(p, y) == pytest.approx(area_under_risk_coverage(q, z))


def test_ece_by_hand() -> None:
    assert ece([0.95, 0.95, 0.05, 0.05], [True, True, False, False]) == pytest.approx(0.05)
    assert ece([1.0, 1.0], [True, False]) == pytest.approx(0.5)
    assert ece([], []) == 0.0


def test_ece_of_a_true_forecast_is_small() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(50_000)
    y = rng.random(50_000) < p
    assert ece(p, y) < 0.01
    assert ece(p, y, adaptive=True) < 0.01
    assert ece(p**3, y) > 0.1


def test_auroc_by_hand() -> None:
    assert auroc([0.1, 0.4, 0.35, 0.8], [False, False, True, True]) == 0.75
    assert auroc([0.5, 0.5], [True, False]) == 0.5
    assert auroc([0.1, 0.9], [True, True]) is None
    assert auroc([-3.0, 7.0], [False, True]) == 1.0  # any score, not only probabilities


def test_risk_coverage_by_hand() -> None:
    curve = risk_coverage([0.9, 0.8, 0.8, 0.1], [True, False, True, False])
    assert [(p.threshold, p.coverage, p.risk) for p in curve] == [
        (0.9, 0.25, 0.0),
        (0.8, 0.75, pytest.approx(1 / 3)),
        (0.1, 1.0, 0.5),
    ]
    assert risk_coverage([], []) == []


def test_measures_refuse_what_is_no_probability() -> None:
    with pytest.raises(InputError):
        ece([1.5], [True])
    with pytest.raises(InputError):
        brier([math.nan], [True])
    with pytest.raises(InputError):
        auroc([0.5], [True, False])
