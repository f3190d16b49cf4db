"""The threshold under which answers are refused."""

import json
import math
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maksud.errors import InputError
from maksud.recognizers.decision import DEFAULT_THRESHOLD, FEW_TO_REFUSE, choose_threshold


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


def test_an_answer_at_the_threshold_is_accepted() -> None:
    """In the coverage, among what is accepted wrongly, and (`test_recognition`) live."""
    refuse = [0.5] * 19 + [0.5001]
    choice = choose_threshold(
        [0.5001, *refuse], out_of_scope=[False] + [True] * 20, wrong_intent=[False] * 21
    )
    assert choice.threshold == 0.5001
    assert choice.coverage == 1.0 and choice.accepted_wrongly == 1
    default = choose_threshold([DEFAULT_THRESHOLD], out_of_scope=[False], wrong_intent=[False])
    assert default.coverage == 1.0


@pytest.mark.parametrize("outside", [FEW_TO_REFUSE - 1, FEW_TO_REFUSE])
def test_so_many_out_of_scope_utterances_carry_a_threshold(outside: int) -> None:
    choice = choose_threshold(
        [0.9] * 5 + [0.2] * outside,
        out_of_scope=[False] * 5 + [True] * outside,
        wrong_intent=[True] * 5 + [False] * outside,
    )
    few = outside < FEW_TO_REFUSE
    assert choice.chosen_on == ("wrong_intent" if few else "out_of_scope")
    assert choice.must_refuse == outside + 5 * few


@pytest.mark.parametrize(
    ("accepted", "threshold"),
    [
        (0.9, 0.1235),
        (0.1235, 0.1235),  # an answer at the threshold is accepted
        (0.12345, 0.123411),
        (0.1234105, 0.12341001),
        (0.1234100001, math.nextafter(0.12341, 1)),
    ],
)
def test_the_threshold_is_as_round_as_the_answers_above_it_allow(
    accepted: float, threshold: float
) -> None:
    choice = choose_threshold(
        [accepted, 0.12341] + [0.1] * 9,
        out_of_scope=[False] + [True] * 10,
        wrong_intent=[False] * 11,
    )
    assert choice.threshold == threshold and choice.coverage == 1.0


def test_all_of_a_choice_is_told() -> None:
    choice = choose_threshold(
        [0.9] * 30 + [k / 100 for k in range(20)],
        out_of_scope=[False] * 30 + [True] * 20,
        wrong_intent=[False] * 50,
    )
    assert choice.to_json() == asdict(choice)
    assert set(choice.to_json()) == {
        *("threshold", "false_accept_rate", "chosen_on", "must_refuse", "accepted_wrongly"),
        *("observed", "upper_bound", "coverage", "note"),
    }


@pytest.mark.parametrize(
    ("wrongly", "of", "bound"),
    # Clopper and Pearson's one-sided 95 % limits; of none among n, 1 - 0.05 ** (1 / n).
    [(0, 10, 0.2589), (0, 100, 0.0295), (1, 20, 0.2161), (2, 40, 0.1492), (5, 100, 0.1023)],
)
def test_the_bound_is_the_one_of_the_books(wrongly: int, of: int, bound: float) -> None:
    confidence = [0.9] * wrongly + [k / (10 * of) for k in range(of - wrongly)]
    choice = choose_threshold(
        confidence,
        out_of_scope=[True] * of,
        wrong_intent=[False] * of,
        false_accept_rate=(wrongly + 0.5) / of,
    )
    assert (choice.accepted_wrongly, choice.must_refuse) == (wrongly, of)
    assert choice.upper_bound == pytest.approx(bound, abs=6e-5)
    assert choice.coverage is None and choice.observed == wrongly / of


def test_what_is_said_of_a_choice() -> None:
    few = choose_threshold(
        [0.9, 0.3, 0.2], out_of_scope=[False, False, True], wrong_intent=[False, True, False]
    )
    assert few.note == (
        "only 1 out-of-scope utterances were held out: the threshold is chosen on answers with "
        "wrong intents; 2 held-out answers to refuse show 0.0% accepted; with so many the true "
        "rate may be up to 77.6% (95 %)"
    )
    nothing = choose_threshold([0.9], out_of_scope=[False], wrong_intent=[False])
    assert nothing.note == ("nothing that must be refused was held out: the threshold is a default")
    assert (nothing.must_refuse, nothing.accepted_wrongly) == (0, 0)
    assert nothing.observed is None and nothing.upper_bound is None
    even = choose_threshold(
        [0.9] + [0.2] * 100,
        out_of_scope=[False] + [True] * 100,
        wrong_intent=[False] * 101,
        false_accept_rate=0.1,
    )
    assert even.note == "" and even.upper_bound == pytest.approx(0.0295, abs=6e-5)


@pytest.mark.parametrize("rate", [0, 1, -0.1, 1.5])
def test_a_rate_is_a_share_between_none_and_all(rate: float) -> None:
    with pytest.raises(InputError, match="Use a share between 0 and 1"):
        choose_threshold([0.5], out_of_scope=[True], wrong_intent=[True], false_accept_rate=rate)


@pytest.mark.parametrize(("outside", "wrong"), [([True], [True, False]), ([True, False], [True])])
def test_lists_of_unequal_length_are_refused(outside: list[bool], wrong: list[bool]) -> None:
    with pytest.raises(InputError):
        choose_threshold([0.5, 0.6], out_of_scope=outside, wrong_intent=wrong)


def test_a_rate_that_allows_a_whole_answer_allows_it() -> None:
    """0.07 of 100 is 7.000000000000001 in floats, 0.29 of 100 is 28.999999999999996."""
    for rate, allowed in ((0.07, 7), (0.29, 29)):
        choice = choose_threshold(
            [k / 1000 for k in range(100)],
            out_of_scope=[True] * 100,
            wrong_intent=[False] * 100,
            false_accept_rate=rate,
        )
        assert choice.accepted_wrongly == allowed


def test_a_threshold_of_one_accepts_what_is_certain() -> None:
    choice = choose_threshold(
        [1.0] + [0.99995] * 20, out_of_scope=[False] + [True] * 20, wrong_intent=[False] * 21
    )
    assert choice.threshold == 1.0 and choice.coverage == 1.0 and choice.accepted_wrongly == 0
    assert "no answer is accepted" not in choice.note
    closed = choose_threshold(
        [1.0] * 20, out_of_scope=[True] * 20, wrong_intent=[False] * 20, false_accept_rate=0.04
    )
    assert closed.false_accept_rate == 0.04
    assert closed.note.endswith(
        "(95 %); an answer to refuse has confidence 1: no answer is accepted"
    )


@pytest.mark.parametrize("value", [0.0, 7.5e-05, 0.0009, 0.1235, 0.25, 0.5, 0.123456, 0.7])
def test_a_threshold_lies_above_the_round_figure_that_must_be_refused(value: float) -> None:
    choice = choose_threshold([value] * 20, out_of_scope=[True] * 20, wrong_intent=[False] * 20)
    assert value < choice.threshold <= value + 1.01e-4 and choice.accepted_wrongly == 0
