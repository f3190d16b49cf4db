"""Calibration: what held-out answers teach about confidence."""

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maksud.errors import InputError
from maksud.recognizers.calibration import (
    CLAMP,
    FEW_ROWS,
    KNOTS,
    Calibration,
    cross_fit,
    fit_calibration,
)
from maksud.recognizers.measures import auroc, ece

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


def test_a_cross_fitted_probability_is_of_a_fit_that_did_not_see_the_row() -> None:
    """Turning one row's outcome over leaves its own probability as it is, and moves others.

    Penalty and columns are chosen on all rows, so the evidence is clear: the choice stays.
    """
    rows, right = evidence(300)
    calibration, before = cross_fit(rows, right)
    assert calibration == fit_calibration(rows, right) and len(before) == 300
    moved = 0
    for at in range(0, 300, 30):
        turned = [ok != (k == at) for k, ok in enumerate(right)]
        again, after = cross_fit(rows, turned)
        assert after[at] == before[at]
        assert again.probability(rows[at]) != calibration.probability(rows[at])
        moved += sum(a != b for a, b in zip(after, before, strict=True))
    assert moved > 10 * 200  # in all folds but the row's own


def test_on_noise_a_cross_fitted_probability_does_not_flatter() -> None:
    rng = np.random.default_rng(3)
    rows, right = rng.normal(size=(60, 20)), rng.random(60) < 0.5
    calibration, fresh = cross_fit(rows.tolist(), right.tolist())
    assert calibration.ece == pytest.approx(ece(fresh, right.tolist()))
    seen = [calibration.probability(r) for r in rows.tolist()]
    assert auroc(seen, right.tolist()) > auroc(fresh, right.tolist()) + 0.1


def test_targets_are_smoothed() -> None:
    """Platt's: of 19 right and 1 wrong, (19 · 20/21 + 1/3) / 20, where the share itself is 0.95."""
    calibration = fit_calibration([(1.0,)] * 20, [True] * 19 + [False])
    assert calibration.probability((1.0,)) == pytest.approx((19 * 20 / 21 + 1 / 3) / 20, abs=1e-4)


def test_few_rows_begin_a_fit_at_their_number() -> None:
    rows = [(-0.1 * k,) for k in range(FEW_ROWS)]
    right = [k < 10 for k in range(FEW_ROWS)]
    assert fit_calibration(rows, right).note == ""
    assert "fewer than" in fit_calibration(rows[:-1], right[:-1]).note


# ---------------------------------------------------------------- one probability, by hand


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


BY_HAND = Calibration(
    mean=(-1.0, 5.0, 0.5),
    scale=(0.5, 2.0, 1.5),
    weights=(2.0, -0.25, 0.75),
    bias=0.1,
    features=2,
    log_odds=(0,),
)
"""A log-probability, a length, and the log-odds of the first."""


@pytest.mark.parametrize(
    ("features", "logit"),
    [
        ((-1.0, 5.0), 0.1 + 0.75 * (math.log(math.exp(-1) / (1 - math.exp(-1))) - 0.5) / 1.5),
        (
            (-0.5, 9.0),
            2.1 - 0.5 + 0.75 * (math.log(math.exp(-0.5) / -math.expm1(-0.5)) - 0.5) / 1.5,
        ),
        # At most six standard deviations count, to either side, exactly six among them.
        ((-50.0, 5.0), 0.1 - 12.0 - 0.75 * 6),
        ((-math.inf, 5.0), 0.1 - 12.0 - 0.75 * 6),
        ((-1e-7, 105.0), 0.1 + 4.0 * (1 - 1e-7) - 1.5 + 0.75 * 6),
        ((0.0, math.inf), 0.1 + 4.0 - 1.5 + 0.75 * 6),
        ((3.0, -math.inf), 0.1 + 12.0 + 1.5 + 0.75 * 6),
        # What is no number speaks neither for nor against.
        ((math.nan, 9.0), 0.1 - 0.5),
        ((math.nan, math.nan), 0.1),
    ],
)
def test_a_probability_is_what_the_formula_says(
    features: tuple[float, float], logit: float
) -> None:
    assert BY_HAND.probability(features) == pytest.approx(sigmoid(logit), rel=1e-6)


@pytest.mark.parametrize("bias", [-800.0, -40.0, -3.0, 0.0, 3.0, 40.0, 800.0])
def test_however_sure_a_fit_is_it_stays_a_probability(bias: float) -> None:
    found = Calibration((0.0,), (1.0,), (0.0,), bias, 1).probability((7.0,))
    assert found == pytest.approx(math.exp(min(bias, 0)) / (1 + math.exp(-abs(bias))), rel=1e-9)
    assert 0 <= found <= 1 and (found > 0 or bias < -700)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"mean": (0.0,)}, "a number for each column"),
        ({"scale": (1.0,)}, "a number for each column"),
        ({"weights": (1.0,)}, "a number for each column"),
        ({"features": 1}, "a number for each column"),
        ({"log_odds": ()}, "a number for each column"),
        ({"log_odds": (2,)}, "not there"),
        ({"log_odds": (-1,)}, "not there"),
        ({"mean": (0.0, math.nan, 0.0)}, "finite"),
        ({"weights": (0.0, 0.0, math.inf)}, "finite"),
        ({"scale": (1.0, 1.0, math.inf)}, "finite"),
        ({"bias": -math.inf}, "finite"),
        ({"scale": (1.0, 0.0, 1.0)}, "scale positive"),
        ({"scale": (1.0, -1.0, 1.0)}, "scale positive"),
        ({"curve": (0.0,) * (1 + len(KNOTS))}, "a number for each knot"),
        ({"curve": (0.0,) * (1 + len(KNOTS)) + (math.nan,)}, "finite"),
    ],
)
def test_a_calibration_of_another_form_is_refused(change: dict[str, object], says: str) -> None:
    content = {**BY_HAND.to_json(), **change}
    with pytest.raises(ValueError, match=says):
        Calibration.from_json(content)
    assert Calibration.from_json(BY_HAND.to_json()) == BY_HAND


def test_a_calibration_comes_back_as_numbers() -> None:
    content = {**BY_HAND.to_json(), "mean": ["-1", 5, 0.5], "ece": 1, "examples": 3.0, "note": 7}
    again = Calibration.from_json(content)
    assert again.mean == (-1.0, 5.0, 0.5) and isinstance(again.ece, float)
    assert isinstance(again.examples, int) and again.note == "7"
    assert Calibration.from_json({**content, "ece": None}).ece is None
    for key in BY_HAND.to_json():
        with pytest.raises((KeyError, TypeError)):
            Calibration.from_json({k: v for k, v in content.items() if k != key})


@pytest.mark.parametrize("logit", [-9.0, -2.0, -0.5, 0.0, 2.5, 9.0])
def test_a_curve_adds_to_the_log_odds_what_its_formula_says(logit: float) -> None:
    curve = (0.25, -0.5, 0.1, 0.2, -0.1, 0.0, 0.3, 0.4)
    bent = Calibration((0.0,), (1.0,), (0.0,), logit, 1, curve=curve)
    added = 0.25 - 0.5 * logit
    added += sum(b * max(0.0, logit - k) for k, b in zip(KNOTS, curve[2:], strict=True))
    assert bent.probability((7.0,)) == pytest.approx(sigmoid(logit + added), rel=1e-9)
    again = Calibration.from_json(json.loads(json.dumps(bent.to_json())))
    assert again == bent and again.probability((7.0,)) == bent.probability((7.0,))


def test_a_calibration_of_before_there_were_curves_is_as_it_was() -> None:
    assert "curve" not in BY_HAND.to_json()
    assert Calibration.from_json(BY_HAND.to_json()).curve == ()


# ---------------------------------------------------------------- the fit


def bent_evidence(n: int, seed: int) -> tuple[list[tuple[float]], list[bool]]:
    """What a straight line in log-odds can't fit: steep where it is sure, flat below."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-3, 3, n)
    truth = 1 / (1 + np.exp(-np.where(x > 1, 4 * (x - 1), 0.2 * (x - 1))))
    return [(float(v),) for v in x], (rng.random(n) < truth).tolist()


def test_a_curve_mends_what_no_straight_line_fits() -> None:
    calibration, unseen = cross_fit(*bent_evidence(1500, 0))
    assert calibration.curve
    rows, right = bent_evidence(20000, 1)
    found = [calibration.probability(r) for r in rows]
    straight = [dataclasses.replace(calibration, curve=()).probability(r) for r in rows]
    assert ece(found, right) < 0.04 and 2 * ece(found, right) < ece(straight, right)
    order = sorted(range(len(rows)), key=lambda k: rows[k])
    assert [found[k] for k in order] == sorted(found)  # surer stays surer
    assert ece(unseen, bent_evidence(1500, 0)[1]) < 0.06


def test_few_answers_bend_nothing() -> None:
    rows, right = bent_evidence(1500, 0)
    assert fit_calibration(rows[:199], right[:199]).curve == ()


def test_a_bent_cross_fitted_probability_is_of_fits_that_did_not_see_the_row() -> None:
    rows, right = bent_evidence(600, 2)
    calibration, before = cross_fit(rows, right)
    assert calibration.curve
    for at in range(0, 600, 60):
        _, after = cross_fit(rows, [ok != (k == at) for k, ok in enumerate(right)])
        assert after[at] == before[at]


def columns_of(calibration: Calibration, rows: list[tuple[float, ...]]) -> np.ndarray:
    """The columns of a fit, standardised, and a one for the bias."""
    raw = np.array(rows)
    odds = np.minimum(raw[:, list(calibration.log_odds)], -1e-12)
    raw = np.hstack([raw, odds - np.log(-np.expm1(odds))])
    z = np.clip((raw - np.array(calibration.mean)) / np.array(calibration.scale), -6, 6)
    return np.hstack([z, np.ones((len(rows), 1))])


def penalties_of(
    calibration: Calibration, rows: list[tuple[float, ...]], right: list[bool]
) -> np.ndarray:
    """Of each weight, the penalty under which it is the best one: nil is the slope of the loss."""
    x = columns_of(calibration, rows)
    w = np.array([*calibration.weights, calibration.bias])
    n, k = len(right), sum(right)
    target = np.where(right, (k + 1) / (k + 2), 1 / (n - k + 2))
    slope = x.T @ (1 / (1 + np.exp(-x @ w)) - target)
    assert abs(slope[-1]) < 1e-3  # the bias is as free as can be
    return -slope[:-1] / w[:-1]


@pytest.mark.parametrize(("n", "seed"), [(60, 0), (300, 1), (1000, 2)])
def test_weights_are_the_best_under_one_penalty(n: int, seed: int) -> None:
    rows, right = evidence(n, seed)
    calibration = fit_calibration(rows, right)
    found = penalties_of(calibration, rows, right)
    assert found == pytest.approx(np.full(len(found), found[0]), rel=0.02)
    assert min(abs(found[0] / p - 1) for p in (0.3, 3.0, 30.0, 300.0)) < 0.02
    assert (calibration.examples, calibration.correct) == (n, sum(right))
    assert calibration.features == 2 and calibration.note == ""


def test_evidence_that_says_nothing_is_penalised_most_and_clear_evidence_least() -> None:
    rng = np.random.default_rng(5)
    noise = [tuple(r) for r in rng.normal(size=(80, 6)).tolist()]
    coin = (rng.random(80) < 0.5).tolist()
    assert penalties_of(fit_calibration(noise, coin), noise, coin) == pytest.approx(300, rel=0.02)
    clear = [(x, y) for x, y, *_ in noise]
    right = [x > 0 for x, _ in clear]
    found = penalties_of(fit_calibration(clear, right), clear, right)
    assert found == pytest.approx(0.3, rel=0.02)


def test_moments_are_those_of_the_rows_and_a_column_that_never_varies_is_harmless() -> None:
    rows = [(float(k), 4.0, 1e9) for k in range(40)]
    right = [k % 3 > 0 if k < 20 else k % 7 > 0 for k in range(40)]
    calibration = fit_calibration(rows, right)
    assert calibration.mean == pytest.approx((19.5, 4.0, 1e9))
    assert calibration.scale == pytest.approx((math.sqrt((40**2 - 1) / 12), 1.0, 1.0))
    assert calibration.weights[1:] == pytest.approx((0.0, 0.0), abs=1e-9)
    assert calibration.log_odds == ()  # a feature that is ever positive is no log-probability


def test_what_is_not_finite_counts_as_the_nearest_that_is() -> None:
    rows = [(float(k), 1.0) for k in range(-20, 21)]
    right = [k > 15 + (k % 5) for k in range(41)]
    for strange, plain in ((math.inf, 20.0), (-math.inf, -20.0), (math.nan, 0.0)):
        assert fit_calibration([*rows, (strange, 1.0)], [*right, True]) == fit_calibration(
            [*rows, (plain, 1.0)], [*right, True]
        )
    for nothing in (math.inf, -math.inf, math.nan):
        empty = fit_calibration([(a, nothing) for a, _ in rows], right)
        assert empty == fit_calibration([(a, 0.0) for a, _ in rows], right)
    huge = fit_calibration([(a * 1e300, b) for a, b in rows], right)
    assert all(map(math.isfinite, (*huge.mean, *huge.scale, *huge.weights)))
    assert huge.scale[0] == pytest.approx(1e100, rel=0.05)


# ---------------------------------------------------------------- too little to fit


def test_a_prior_stands_at_the_mean_and_leans_on_the_log_probabilities() -> None:
    rows = [(-1.0, 3.0, -0.1), (-2.0, 5.0, -0.1), (-3.0, 7.0, -0.1), (-2.0, 1.0, -0.1)]
    calibration = fit_calibration(rows, [True, True, False, True])
    assert calibration.probability((-2.0, 4.0, -0.1)) == pytest.approx(4 / 6)
    assert calibration.weights == (1.0, 0.0, 0.0)  # a length is no log-probability
    spread = math.sqrt(0.5)
    above = calibration.probability((-2.0 + spread, 99.0, -0.1))
    assert above == pytest.approx(sigmoid(math.log(4 / 2) + 1))
    assert (calibration.examples, calibration.correct, calibration.features) == (4, 3, 3)
    assert calibration.note == (
        "4 held-out answers (fewer than 20): confidence is a smoothed prior, not a fit"
    )
    assert calibration.ece is None and calibration.log_odds == ()


def test_a_prior_shares_its_weight_among_log_probabilities_that_vary() -> None:
    rows = [(-float(k), -2.0 * k - 1, 1e-4 - k % 2) for k in range(1, 9)]
    assert fit_calibration(rows, [True] * 8).weights == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    lengths = [(2.0, float(k), float(k)) for k in range(8)]
    assert fit_calibration(lengths, [True] * 8).weights == (0.0, 1.0, 0.0)
    nil = [(0.0, float(k)) for k in range(8)]  # all zero: no log-probability either
    assert fit_calibration(nil, [True] * 8).weights == (0.0, 1.0)
    same = fit_calibration([(3.0,)] * 8, [True] * 8)
    assert same.weights == (0.0,) and same.probability((9.0,)) == pytest.approx(9 / 10)


def test_a_few_sure_answers_do_not_make_a_nearly_as_sure_one_wrong() -> None:
    calibration = fit_calibration([(-0.012,), (-0.009,), (-0.015,)], [True] * 3)
    assert calibration.scale == (0.5,)
    nearly = calibration.probability((math.log(0.9),))
    assert 0.7 < nearly < calibration.probability((-0.012,)) == pytest.approx(4 / 5)
    assert calibration.probability((math.log(0.1),)) < 0.1
    assert "3 held-out answers (fewer" in calibration.note
    alone = fit_calibration([(-0.012,)], [True])  # one has no spread: all stand at the prior
    assert alone.probability((-0.5,)) == pytest.approx(2 / 3)
    assert alone.note.startswith("1 held-out answer (fewer")


def test_all_of_one_outcome_is_told() -> None:
    rows = [(-0.1 * k,) for k in range(25)]
    assert "25 held-out answers (all of one outcome)" in fit_calibration(rows, [True] * 25).note
    assert fit_calibration(rows, [True] * 25).probability((-1.2,)) == pytest.approx(26 / 27)
    assert fit_calibration(rows, [False] * 25).probability((-1.2,)) == pytest.approx(1 / 27)
    assert fit_calibration([()] * 25, [True] * 20 + [False] * 5).probability(()) == pytest.approx(
        21 / 27
    )


def test_what_rises_above_nil_is_no_log_probability() -> None:
    rows = [(float(9 - k), -1.0 + k / 4) for k in range(9)]  # up to 1
    assert fit_calibration(rows, [True] * 9).weights == (1.0, 0.0)
    rounded = [(float(9 - k), (k - 8.0) / 4 + 1e-4) for k in range(9)]  # but for rounding
    assert fit_calibration(rounded, [True] * 9).weights == (0.0, 1.0)


def test_a_column_that_varies_by_rounding_alone_is_harmless() -> None:
    """A great number beside a column that varies: its mean is a digit off, and so its scale."""
    rows = [(float(k), 1e9 + 0.1) for k in range(40)]
    assert np.std(np.array(rows), axis=0)[1] > 0
    calibration = fit_calibration(rows, [k % 3 > 0 for k in range(40)])
    assert calibration.scale[1] == 1.0


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_answers_count_by_their_weight_under_one_penalty(seed: int) -> None:
    """By the gradient, which is none where nothing is better: Platt's targets, weights, penalty."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(150, 3)) * (1.0, 5.0, 0.2) + (0.0, 2.0, 1.0)
    outcome = rng.random(150) < 1 / (1 + np.exp(-(2 * rows[:, 0] - 0.4 * rows[:, 1] + 1)))
    weight = np.where(np.arange(150) % 3 == 0, 2.5, 1.0)
    made, held_out = cross_fit(rows.tolist(), outcome.tolist(), weight.tolist())
    assert not made.log_odds and made.examples == 150 and made.correct == outcome.sum()
    assert np.allclose(made.mean, rows.mean(0)) and np.allclose(made.scale, rows.std(0))
    right = weight[outcome].sum()
    wrong = weight.sum() - right
    target = np.where(outcome, (right + 1) / (right + 2), 1 / (wrong + 2))
    z = np.clip((rows - made.mean) / made.scale, -CLAMP, CLAMP)
    off = weight * ([made.probability(row) for row in rows.tolist()] - target)
    assert abs(off.sum()) < 1e-3
    penalties = -(z.T @ off) / made.weights
    assert penalties == pytest.approx([penalties.mean()] * 3, rel=1e-2)
    assert min(abs(penalties.mean() / p - 1) for p in (0.3, 3.0, 30.0, 300.0)) < 1e-2
    plain = np.asarray(held_out)[weight == 1], outcome[weight == 1].astype(float)
    assert made.ece == pytest.approx(ece(*plain))
