"""Calibration, threshold and the measures of confidence."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maksud.errors import InputError
from maksud.recognizers.confidence import (
    DEFAULT_THRESHOLD,
    Calibration,
    area_under_risk_coverage,
    auroc,
    brier,
    calibration_bins,
    choose_threshold,
    ece,
    fit_calibration,
    risk_coverage,
)

number = st.floats(allow_nan=True, allow_infinity=True)
row = st.tuples(number, number, number)
scored = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def evidence(n: int, seed: int = 0) -> tuple[list[tuple[float, float]], list[bool]]:
    """Log-probabilities that are true to their word, and a length that says nothing."""
    rng = np.random.default_rng(seed)
    logs = -rng.gamma(0.5, 0.6, n)
    right = rng.random(n) < np.exp(logs)
    lengths = rng.integers(2, 15, n)
    return [(float(a), float(b)) for a, b in zip(logs, lengths, strict=True)], right.tolist()


# ---------------------------------------------------------------- calibration


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
    monkeypatch.setattr("maksud.recognizers.confidence.np", None)
    assert calibration.probability((-0.1, 7.0)) == expected


# ---------------------------------------------------------------- threshold


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.booleans()), min_size=1, max_size=120),
    st.floats(0.01, 0.5),
)
@settings(max_examples=200, deadline=None)
def test_threshold_keeps_the_rate_and_is_the_smallest(rows, rate: float) -> None:
    confidence, outside, wrong = zip(*rows, strict=True)
    choice = choose_threshold(
        confidence, out_of_scope=outside, wrong_intent=wrong, false_accept_rate=rate
    )
    if choice.chosen_on == "nothing":
        assert choice.threshold == DEFAULT_THRESHOLD
        return
    many = sum(outside) >= 10
    refuse = [c for c, o, w in rows if o or (w and not many)]
    assert choice.must_refuse == len(refuse)
    accepted = sum(c >= choice.threshold for c in refuse)
    assert accepted == choice.accepted_wrongly <= rate * len(refuse) + 1e-9
    # One more answer accepted would break the rate: no lower threshold will do.
    below = [c for c in refuse if c < choice.threshold]
    assert below and sum(c >= max(below) for c in refuse) > rate * len(refuse) + 1e-9
    # And rounding up has refused no answer that the rate allows.
    assert not [c for c in confidence if max(below) < c < choice.threshold]


def test_threshold_on_out_of_scope_utterances() -> None:
    confidence = [0.9] * 50 + [k / 100 for k in range(20)]
    choice = choose_threshold(
        confidence,
        out_of_scope=[False] * 50 + [True] * 20,
        wrong_intent=[False] * 50 + [True] * 20,
        false_accept_rate=0.05,
    )
    assert choice.chosen_on == "out_of_scope"
    assert 0.18 < choice.threshold <= 0.19
    assert choice.accepted_wrongly == 1 and choice.observed == 0.05
    assert choice.coverage == 1.0
    assert choice.upper_bound == pytest.approx(0.2161, abs=1e-3)  # Clopper-Pearson, 1 of 20
    assert "up to 21.6%" in choice.note
    json.dumps(choice.to_json(), allow_nan=False)


def test_threshold_falls_back_to_wrong_intents_then_to_a_default() -> None:
    few = choose_threshold(
        [0.9, 0.8, 0.3], out_of_scope=[False] * 3, wrong_intent=[False, False, True]
    )
    assert few.chosen_on == "wrong_intent" and 0.3 < few.threshold <= 0.31
    none = choose_threshold([0.9, 0.2], out_of_scope=[False] * 2, wrong_intent=[False] * 2)
    assert none.chosen_on == "nothing" and none.threshold == DEFAULT_THRESHOLD
    assert none.coverage == 0.5 and "default" in none.note


def test_a_certain_answer_that_must_be_refused_closes_the_door() -> None:
    choice = choose_threshold([1.0, 1.0], out_of_scope=[True, True], wrong_intent=[True, True])
    assert choice.threshold > 1 and "no answer is accepted" in choice.note


def test_impossible_rate() -> None:
    with pytest.raises(InputError):
        choose_threshold([0.5], out_of_scope=[True], wrong_intent=[True], false_accept_rate=0)


# ---------------------------------------------------------------- measures


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
