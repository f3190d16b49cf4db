"""The arithmetic of tags is exact, and cuts are a distribution."""

import numpy as np
import pytest
from tag_paths import valid_paths

from maksud.recognizers.joint.decoding import (
    IMPOSSIBLE,
    Segment,
    best_once,
    best_paths,
    log_partition,
    path_scores,
    repetition,
    second_path,
    segmentations,
    segments_of,
    spans_of,
    viterbi,
)


@pytest.mark.parametrize("parameters", [1, 2])
def test_decoding_agrees_with_enumeration(parameters: int) -> None:
    rng = np.random.default_rng(0)
    size, paths = 4, np.array(valid_paths(4, parameters))
    scores = rng.normal(size=(40, size, 1 + 2 * parameters)).astype(np.float32) * 2
    each = scores[:, np.arange(size), paths].sum(-1)  # [N, paths]
    assert np.allclose(log_partition(scores), np.logaddexp.reduce(each, 1), atol=1e-4)
    best, forward = viterbi(scores)
    assert (best_paths(scores) == best).all()
    assert np.allclose(path_scores(scores, np.array(best)), each.max(1), atol=1e-4)
    ranked = np.argsort(-each, 1)
    assert (np.array(best) == paths[ranked[:, 0]]).all()
    assert np.allclose(forward[:, -1].max(1), each.max(1), atol=1e-4)
    for n in range(40):
        other = second_path(scores[n], forward[n], best[n])
        assert other is not None
        assert other[0] == paths[ranked[n, 1]].tolist()
        assert np.isclose(other[1], each[n, ranked[n, 1]], atol=1e-4)


def test_there_may_be_no_second_path() -> None:
    scores = np.zeros((1, 3, 5), np.float32)
    scores[:, :, 1:] = IMPOSSIBLE
    (best,), forward = viterbi(scores)
    assert best == [0, 0, 0]
    assert second_path(scores[0], forward[0], best) is None


def test_in_a_long_text_what_can_not_be_is_no_second_path() -> None:
    scores = np.full((1, 600, 5), IMPOSSIBLE, np.float64)
    scores[:, :, 0] = 20  # the sum is above 10,000
    (best,), forward = viterbi(scores)
    assert second_path(scores[0], forward[0], best) is None


def test_spans_and_cuts() -> None:
    assert spans_of([0, 1, 3, 0, 2, 1], 2) == [(1, 3, 0), (4, 5, 1), (5, 6, 0)]
    ways = segmentations(np.array([0, -9, 9, -0.5, -9], np.float32))
    assert [cuts for _, cuts in ways] == [(2,), (2, 3)]
    assert np.isclose(np.exp([lp for lp, _ in ways]).sum(), 1, atol=1e-2)
    long = segmentations(np.full(512, 5, np.float32))
    assert all(len(cuts) < 16 for _, cuts in long)


def test_segments_lie_between_edges() -> None:
    assert segments_of(3, [0, 2, 5]) == [Segment(3, 0, 2), Segment(3, 2, 5)]
    assert segments_of(0, [0, 4]) == [Segment(0, 0, 4)]


@pytest.mark.parametrize("many", [(False, False), (True, False), (True, True)])
def test_each_parameter_once_agrees_with_enumeration(many: tuple[bool, bool]) -> None:
    rng = np.random.default_rng(1)
    paths = np.array([p for p in valid_paths(5, 2) if repetition(p, many) is None])
    assert (len(paths) == len(valid_paths(5, 2))) == all(many)
    scores = rng.normal(size=(60, 5, 5)).astype(np.float32)
    scores[:, :, 1:3] += 2  # values begin everywhere
    for row in scores:
        best, _, forward = best_once(row, many)
        each = row[np.arange(5), paths].sum(-1)
        assert best == paths[each.argmax()].tolist()
        assert np.isclose(forward[-1].max(), each.max(), atol=1e-4)


def test_a_word_said_a_thousand_times_has_one_answer_in_little_time() -> None:
    scores = np.zeros((1000, 5), np.float32)
    scores[:, 1:3] = 3
    best, _, _ = best_once(scores, (False, False))
    assert repetition(best, (False, False)) is None
    assert sorted(tag for tag in best if 0 < tag <= 2) == [1, 2]
