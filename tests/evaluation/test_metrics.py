"""The arithmetic of evaluation: the guide's to the letter, the honest figures by identities."""

import ast
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from guide_script import GUIDES
from hypothesis import given, settings
from hypothesis import strategies as st

from maksud.errors import InputError
from maksud.evaluation import metrics
from maksud.evaluation.metrics import NO_CALL, Counts
from maksud.language.calls import parse_calls, same_answer

# ---------------------------------------------------------------- the guide's arithmetic

# Gold, answer, (intent, parameters) of the guide's script; None: it stops with an IndexError.
CASES = [
    ("a(x);b(y)", "a(x);b(y)", (1, 0)),
    ("a(x);b(y)", "a(x)", (1, 1)),
    ("a()", "a", None),
    ("f(x,y)", "f(y,x)", (1, 1)),
    ("f(x,y)", "f(x, y)", (1, 0)),
    ("f(x)", "f(x]", (1, 1)),
    ("f(x (y))", "f(x (z))", (1, 1)),
    ("f(a;b)", "f(a;b)", (1, 0)),
    ("f(x)", " f(x)", (0, 0)),
]


@pytest.mark.parametrize(("gold", "answer", "expected"), CASES)
def test_the_guides_cases(gold: str, answer: str, expected: tuple[int, int] | None) -> None:
    scores = metrics.guide_scores([gold], [answer])
    assert scores.crashes == (expected is None)
    # What stops the script counts as the right intent with wrong parameters.
    assert (scores.intent_accuracy, scores.parameter_accuracy) == (expected or (1, 0))


Script = Callable[[str, str], tuple[int, int] | None]


@pytest.fixture(scope="module", params=GUIDES)
def script(request: pytest.FixtureRequest) -> Script:
    """The scoring lines of an evaluate.py, executed as they stand there."""
    source = (GUIDES[request.param] / "evaluate.py").read_text(encoding="utf-8")
    loop = next(node for node in ast.parse(source).body if isinstance(node, ast.For))
    lines = [
        node
        for node in loop.body
        if isinstance(node, ast.If)
        or (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == "gold"
        )
    ]
    assert len(lines) in (2, 3)
    code = compile(ast.Module(lines, []), "evaluate.py", "exec")

    def run(gold: str, answer: str) -> tuple[int, int] | None:
        names = {"i": {"output": gold}, "pred": answer, "count": 0, "ecount": 0}
        try:
            exec(code, names)
        except IndexError:
            return None
        return int(str(names["count"])), int(str(names["ecount"]))

    return run


ARGUMENTS = st.lists(st.text("xy ()=]", max_size=3), max_size=3).map(",".join)
ONE = st.builds("{}({}){}".format, st.sampled_from("fg"), ARGUMENTS, st.sampled_from(["", " "]))
ANSWERS = st.one_of(
    st.lists(ONE, min_size=1, max_size=3).map(";".join),
    st.text("fgx(),;= ]\n", max_size=10),
    st.text(max_size=8),
)


@settings(max_examples=300)
@given(gold=ANSWERS, answer=ANSWERS)
def test_the_same_as_the_guides_own_lines(script: Script, gold: str, answer: str) -> None:
    for given_answer in (answer, gold):
        scores = metrics.guide_scores([gold], [given_answer])
        expected = script(gold, given_answer)
        assert scores.crashes == (expected is None)
        if expected is not None:
            assert (scores.intent_accuracy, scores.parameter_accuracy) == expected


def test_the_guides_cases_are_those_of_its_script(script: Script) -> None:
    assert [script(gold, answer) for gold, answer, _ in CASES] == [e for *_, e in CASES]


def test_guide_scores_are_means_over_examples() -> None:
    scores = metrics.guide_scores(["f(x)", "f(x)", "g()", "f(x)"], ["f(x)", "f(y)", "f()", "f"])
    assert scores.intent == (True, True, False, True)
    assert scores.parameters == (True, False, False, False)
    assert (scores.intent_accuracy, scores.parameter_accuracy, scores.crashes) == (0.75, 0.25, 1)
    assert metrics.guide_scores([], []).intent_accuracy == 0
    with pytest.raises(InputError, match="1 answers for 2 examples"):
        metrics.guide_scores(["f()", "f()"], ["f()"])


@pytest.mark.parametrize(
    ("gold", "answer", "reason"),
    [
        ("a(x);b(y)", "a(x)", "cut_at_semicolon"),
        ("f(a;b)", "f(a;b)", "cut_at_semicolon"),
        ("f(x,y)", "f(y,x)", "argument_sets"),
        ("f(x,y)", "f(x, y)", "argument_sets"),
        ("f(x)", "f(x]", "last_character"),
        ("f(x (y))", "f(x (z))", "second_bracket"),
        ("f(x)", " f(x)", "before_bracket"),
    ],
)
def test_the_reason_for_a_misjudgement(gold: str, answer: str, reason: str) -> None:
    assert metrics.guide_reason(gold, answer) == reason
    assert reason in metrics.GUIDE_REASONS


# ---------------------------------------------------------------- whole answers


@pytest.mark.parametrize(
    ("gold", "answer", "exact", "intents"),
    [
        ("a(p=x);b(q=y)", "a(p=x);b(q=y)", True, True),
        ("a(p=x);b(q=y)", "b(q=y);a(p=x)", False, False),
        ("a(p=x);b(q=y)", "a(p=x)", False, False),
        ("a(p=x);b(q=y)", "a(p=y);b(q=x)", False, True),
        ("f(p=x, q=y)", "f(q=y,p=x)", True, True),
        ("f(p=x, q=y)", "f(p=y, q=x)", False, True),
        ("f(p=x, p=y)", "f(p=x)", False, True),
        ("none()", "none()", True, True),
        ("none()", "f()", False, False),
    ],
)
def test_exact_match_holds_the_order_of_calls_and_frees_that_of_arguments(
    gold: str, answer: str, exact: bool, intents: bool
) -> None:
    assert same_answer(parse_calls(answer), parse_calls(gold)) is exact
    assert metrics.same_intents(parse_calls(answer), parse_calls(gold)) is intents


def test_slots_count_where_call_parameter_and_value_agree() -> None:
    gold = parse_calls("f(p=x, q=y);g(p=x)")
    assert metrics.slot_counts(gold, gold) == Counts(3, 3, 3)
    assert metrics.slot_counts(parse_calls("f(p=x, q=z);g()"), gold) == Counts(1, 2, 3)
    assert metrics.slot_counts(parse_calls("g(p=x);f(p=x, q=y)"), gold) == Counts(2, 3, 3)
    assert metrics.slot_counts(parse_calls("f(p=x, p=x)"), gold) == Counts(1, 2, 3)
    assert metrics.slot_counts((), ()) == Counts(0, 0, 0)


def test_parameters_are_counted_by_intent() -> None:
    gold = parse_calls("f(p=x, q=y)")
    found = metrics.parameter_counts([(parse_calls("g(p=x)"), gold), (gold, gold)])
    assert found == {
        ("f", "p"): Counts(1, 1, 2),
        ("f", "q"): Counts(1, 1, 2),
        ("g", "p"): Counts(0, 1, 0),
    }


THINGS = st.lists(st.sampled_from("abcd"), max_size=6)


@given(answer=THINGS, gold=THINGS)
def test_f1_is_the_harmonic_mean_and_swapping_swaps(answer: list[str], gold: list[str]) -> None:
    found = metrics.counts(answer, gold)
    swapped = metrics.counts(gold, answer)
    assert (found.precision, found.recall) == (swapped.recall, swapped.precision)
    assert found.f1 == swapped.f1
    assert found.hits <= min(found.given, found.wanted)
    assert (found.precision is None) == (not answer)
    assert (found.recall is None) == (not gold)
    assert (found.f1 is None) == (not answer and not gold)
    if found.precision and found.recall:
        mean = 2 / (1 / found.precision + 1 / found.recall)
        assert found.f1 == pytest.approx(mean)
    if answer or gold:
        assert (found.f1 == 1) == (Counter(answer) == Counter(gold))


@given(answer=THINGS, gold=THINGS)
def test_pairs_of_intents_use_every_call_once(answer: list[str], gold: list[str]) -> None:
    calls = [
        parse_calls(";".join(f"{n}()" for n in names)) if names else () for names in (answer, gold)
    ]
    pairs = metrics.paired_intents(*calls)
    assert Counter(g for g, _ in pairs if g != NO_CALL) == Counter(gold)
    assert Counter(a for _, a in pairs if a != NO_CALL) == Counter(answer)
    assert (NO_CALL, NO_CALL) not in pairs
    assert sum(g == a for g, a in pairs) == metrics.counts(answer, gold).hits
    found = metrics.intent_counts(pairs)
    assert sum((c for c in found.values()), Counts()) == metrics.counts(answer, gold)


def test_refusals_by_hand() -> None:
    found = metrics.refusals(
        accepted=[True, True, False, True, False],
        correct=[True, False, True, False, True],
        out_of_scope=[False, False, False, True, True],
        intents_right=[True, False, True, False, True],
    )
    assert found.coverage == 0.6
    assert found.coverage_in_scope == pytest.approx(2 / 3)
    assert found.accuracy_accepted == pytest.approx(1 / 3)
    assert (found.oos_recall, found.false_accept_rate, found.oos_precision) == (0.5, 0.5, 0.5)
    assert found.wrong_intent_accept_rate == 1


def test_refusals_with_nothing_to_count_are_none() -> None:
    found = metrics.refusals([False], [True], [False], [True])
    assert found.coverage == 0
    for name in ("accuracy_accepted", "oos_recall", "oos_precision", "false_accept_rate"):
        assert getattr(found, name) is None
    assert metrics.refusals([False], [True], [True], [True]).coverage_in_scope is None


# ---------------------------------------------------------------- intervals


FLAGS = st.lists(st.booleans(), min_size=1, max_size=60)


@settings(max_examples=50, deadline=None)
@given(flags=FLAGS, seed=st.integers(0, 5))
def test_an_interval_of_a_share_holds_it_and_stays_a_share(flags: list[bool], seed: int) -> None:
    n = len(flags)
    share = sum(flags) / n
    samples = metrics.resampled_sums(flags, resamples=200, seed=seed)[:, 0] / n
    low, high = metrics.share_interval(share, samples, n)
    assert 0 <= low <= share <= high <= 1
    assert low < high or n > 1  # one example never makes us sure
    again = metrics.resampled_sums(flags, resamples=200, seed=seed)[:, 0] / n
    assert np.array_equal(samples, again)


def test_agreement_of_all_examples_is_not_certainty() -> None:
    ones = np.ones(300)
    low, high = metrics.share_interval(1.0, ones, 32)
    assert high == 1 and low == pytest.approx(0.8911, abs=1e-4)  # Clopper and Pearson
    low, high = metrics.share_interval(0.0, 0 * ones, 32)
    assert low == 0 and high == pytest.approx(0.1089, abs=1e-4)
    # The same half of every answer right: others may be wholly right, or wholly wrong.
    assert metrics.share_interval(0.5, 0.5 * ones, 1) == pytest.approx((0.0125, 0.9875))


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for k in range(200):
        flags = rng.random(100) < 0.7
        sums = metrics.resampled_sums(flags, resamples=300, seed=k)[:, 0]
        low, high = metrics.share_interval(float(flags.mean()), sums / 100, 100)
        covered += low <= 0.7 <= high
    assert 0.90 <= covered / 200 <= 0.99


def test_more_examples_make_narrower_intervals() -> None:
    def width(n: int) -> float:
        samples = metrics.resampled_sums(np.arange(n) % 3 == 0)[:, 0] / n
        low, high = metrics.interval(samples)
        return high - low

    # Four times the examples halve it.
    assert width(400) == pytest.approx(2 * width(1600), rel=0.15)
    assert width(1600) == pytest.approx(2 * 1.96 * np.sqrt(2 / 9 / 1600), rel=0.1)


def test_columns_are_resampled_together() -> None:
    flags = np.arange(50) % 3 == 0
    sums = metrics.resampled_sums(np.stack([flags, ~flags, flags], axis=1), resamples=100)
    assert sums.shape == (100, 3)
    assert np.array_equal(sums[:, 0], sums[:, 2])
    assert np.array_equal(sums[:, 0] + sums[:, 1], np.full(100, 50.0))
    assert len(set(sums[:, 0])) > 5


def test_f1_of_sums_leaves_out_resamples_without_slots() -> None:
    sums = np.array([[2.0, 4, 4], [0, 0, 0], [1, 1, 1]])
    assert metrics.f1_of_sums(sums).tolist() == [0.5, 1.0]
