"""Calibration: what held-out answers teach about confidence."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maksud.errors import InputError
from maksud.recognizers.calibration import FEW_ROWS, Calibration, fit_calibration
from maksud.recognizers.measures import (
    ece,
)

number = st.floats(allow_nan=True, allow_infinity=True)
row = st.tuples(number, number, number)


def evidence(n: int, seed: int = 0) -> tuple[list[tuple[float, float]], list[bool]]:
    """Log-probabilities that are true to their word, and a length that says nothing."""
    rng = np.random.default_rng(seed)
    logs = -rng.gamma(0.5, 0.6, n)
    right = rng.random(n) < np.exp(logs)
    lengths = rng.integers(2, 15, n)
    return [(float(a), float(b)) for a, b in zip(logs, lengths, strict=True)], right.tolist()


@given(st.lists(st.tuples(row, st.booleans()), min_size=1, max_size=40), row)
@settings(max_examples=60, deadline=None)
def test_any_evidence_gives_a_probability(rows: list[tuple[tuple[float, ...], bool]], new) -> None:
    calibration = fit_calibration([r for r, _ in rows], [c for _, c in rows])
    for features in (new, *(r for r, _ in rows)):
        assert 0.0 <= calibration.probability(features) <= 1.0


@given(st.lists(st.tuples(row, st.booleans()), min_size=1, max_size=40))
@settings(max_examples=40, deadline=None)
def test_json_round_trip_is_exact(rows: list[tuple[tuple[float, ...], bool]]) -> None:
    calibration = fit_calibration([r for r, _ in rows], [c for _, c in rows])
    text = json.dumps(calibration.to_json(), allow_nan=False)
    again = Calibration.from_json(json.loads(text))
    assert again == calibration
    assert json.dumps(again.to_json()) == text
    assert again.probability(rows[0][0]) == calibration.probability(rows[0][0])


def test_calibrated_probabilities_are_true_to_their_word() -> None:
    calibration = fit_calibration(*evidence(1500))
    rows, right = evidence(20000, seed=1)
    probabilities = [calibration.probability(r) for r in rows]
    assert ece(probabilities, right) < 0.03
    assert calibration.log_odds == (0,)  # the log-probability, not the length
    assert calibration.ece is not None and calibration.ece < 0.05


def test_main_evidence_ranks_the_answers() -> None:
    calibration = fit_calibration(*evidence(400))
    assert calibration.probability((-0.001, 5)) > calibration.probability((-1.0, 5))
    assert calibration.probability((-1.0, 5)) > calibration.probability((-4.0, 5))


@pytest.mark.parametrize("outcome", [True, False])
@pytest.mark.parametrize("n", [1, 5, 200])
def test_one_outcome_stays_a_prior_that_ranks(n: int, outcome: bool) -> None:
    rows = [(-k / n, 1.0) for k in range(n)]
    calibration = fit_calibration(rows, [outcome] * n)
    assert "smoothed prior" in calibration.note
    values = [calibration.probability(r) for r in rows]
    assert all(0 < v < 1 for v in values)
    assert values == sorted(values, reverse=True)
    assert (np.mean(values) > 0.5) == outcome


def test_separable_evidence_stays_finite() -> None:
    rows = [(-10.0 - k,) for k in range(50)] + [(-0.1 - k / 1e3,) for k in range(50)]
    calibration = fit_calibration(rows, [False] * 50 + [True] * 50)
    assert calibration.probability((-0.1,)) > 0.9
    assert calibration.probability((-40.0,)) < 0.1
    assert all(map(math.isfinite, calibration.weights))


def test_same_held_out_answers_give_the_same_calibration() -> None:
    assert fit_calibration(*evidence(300)) == fit_calibration(*evidence(300))


def test_unfit_input_is_told() -> None:
    with pytest.raises(InputError, match="no answers"):
        fit_calibration([], [])
    with pytest.raises(InputError, match="one length"):
        fit_calibration([(1.0,), (1.0, 2.0)], [True, False])
    with pytest.raises(InputError, match="2 answers"):
        fit_calibration([(1.0,)], [True, False])
    with pytest.raises(InputError, match="fitted on 2"):
        fit_calibration(*evidence(50)).probability((0.0,))
    with pytest.raises(ValueError):
        Calibration.from_json({**fit_calibration(*evidence(50)).to_json(), "bias": math.nan})


def test_one_probability_asks_no_array_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request computes on plain numbers: an array of three would cost more than the rest."""
    calibration = fit_calibration(*evidence(300))
    expected = calibration.probability((-0.1, 7.0))
    monkeypatch.setattr("maksud.recognizers.calibration.np", None)
    assert calibration.probability((-0.1, 7.0)) == expected


def test_the_penalty_is_chosen_on_rows_that_a_fit_has_not_seen() -> None:
    """Evidence that says nothing, in many columns: only a fit that saw a row can be sure of it."""
    rng = np.random.default_rng(3)
    rows, right = rng.normal(size=(60, 20)), rng.random(60) < 0.5
    calibration = fit_calibration(rows.tolist(), right.tolist())
    fresh = [calibration.probability(r) for r in rng.normal(size=(500, 20)).tolist()]
    assert np.std(fresh) < 0.1
    seen = [calibration.probability(r) for r in rows.tolist()]
    # The error that is told is that of rows not seen; on those that were seen it flatters.
    assert calibration.ece != pytest.approx(ece(seen, right.tolist()))


def test_targets_are_smoothed() -> None:
    """Platt's: of 19 right and 1 wrong, (19 · 20/21 + 1/3) / 20, where the share itself is 0.95."""
    calibration = fit_calibration([(1.0,)] * 20, [True] * 19 + [False])
    assert calibration.probability((1.0,)) == pytest.approx((19 * 20 / 21 + 1 / 3) / 20, abs=1e-4)


def test_few_rows_begin_a_fit_at_their_number() -> None:
    rows = [(-0.1 * k,) for k in range(FEW_ROWS)]
    right = [k < 10 for k in range(FEW_ROWS)]
    assert fit_calibration(rows, right).note == ""
    assert "fewer than" in fit_calibration(rows[:-1], right[:-1]).note
