"""From scores to answers: the best valid tags, their probability, where clauses are cut.

Pure numpy and independent of where the scores come from. Ufuncs are reduced directly:
`array.max()` costs twice as much on arrays as small as these. Tags: 0 is outside, 1..P begins a
value of parameter p, P+1..2P goes on with one; going on is only valid after a tag of the same
parameter. Padding scores 0 for tag 0 and `IMPOSSIBLE` for the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from itertools import combinations, pairwise
from typing import Any, NamedTuple

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float32]]
Ints = np.ndarray[Any, np.dtype[np.int64]]

IMPOSSIBLE = np.float32(-1e4)
"""Score of what can't be: far below any other, finite so that differences stay numbers."""

UNSURE = 3.0
"""Log-odds within which both readings of a boundary between clauses are tried."""

MOST_UNSURE = 3
"""Boundaries of an utterance that are tried both ways at most: 2^3 ways to cut it."""

MOST_BRANCHES = 64
"""Branches that are looked at both ways for the best tags with each parameter once."""

MOST_CLAUSES = 16
"""Clauses of an utterance at most."""


class Segment(NamedTuple):  # made and hashed often: a dataclass costs some percent of an answer
    """Tokens `start` to `stop` (exclusive) of an utterance of a batch: what may be a clause."""

    utterance: int
    start: int
    stop: int


def segments_of(utterance: int, edges: Iterable[int]) -> list[Segment]:
    """The segments of an utterance between `edges`: 0, where it is cut, its number of tokens."""
    return [Segment(utterance, i, j) for i, j in pairwise(edges)]


def log_softmax(x: Floats) -> Floats:
    """Log-probabilities over the last axis."""
    x = x - np.maximum.reduce(x, -1, keepdims=True)
    x -= np.log(np.add.reduce(np.exp(x), -1, keepdims=True))
    return x


def log_partition(scores: Floats) -> Floats:
    """Log of the sum over valid paths of exp(score): [N, T, K] -> [N]."""
    p = (scores.shape[2] - 1) // 2
    top = np.maximum.reduce(scores, 2, keepdims=True)
    e = scores - top
    np.exp(e, out=e)
    e[:, 0, p + 1 :] = 0
    a = e[:, 0]
    scales = []
    for t in range(scores.shape[1]):
        if t:
            inside = a[:, 1 : p + 1] + a[:, p + 1 :]
            a = e[:, t]
            a[:, p + 1 :] *= inside
        scale = np.add.reduce(a, 1, keepdims=True)
        a /= scale
        scales.append(scale)
    out: Floats = np.log(np.concatenate(scales, 1)).sum(1) + top[..., 0].sum(1)
    return out


def viterbi(scores: Floats) -> tuple[list[list[int]], Floats]:
    """The valid path with the highest score of each row, and forward scores: [N, T, K].

    `forward[n, t, k]` is the score of the best valid path of the first t + 1 words that ends
    with tag k (Viterbi 1967).
    """
    p = (scores.shape[2] - 1) // 2
    forward = scores.copy()
    forward[:, 0, p + 1 :] = IMPOSSIBLE
    a = forward[:, 0]
    for t in range(1, scores.shape[1]):
        top = np.maximum.reduce(a, 1, keepdims=True)
        going = np.maximum(a[:, 1 : p + 1], a[:, p + 1 :])
        a = forward[:, t]
        a[:, : p + 1] += top
        a[:, p + 1 :] += going
    last = scores.shape[1] - 1
    return [_back(f, last, int(f[last].argmax())) for f in forward], forward


def best_once(scores: Floats, many: Sequence[bool]) -> tuple[list[int], Floats, Floats]:
    """The best valid path of a row on which no parameter begins twice, unless it is `many`.

    scores [T, K]. Gives the path, and scores and forward scores in which it is the best of all.
    Exact, by branch and bound: where the best path has two values of a parameter, any path with
    at most one has none from the second on, or none before it. Each of the two has a bound, the
    best path under it, and the better is looked at first.
    """
    heap: list[tuple[float, int, Floats, list[int], Floats]] = []
    branches = [scores]
    made = 0
    while True:
        for branch in branches:
            (path,), forward = viterbi(branch[None])
            best = float(np.maximum.reduce(forward[0, -1]))
            heappush(heap, (-best, made, branch, path, forward[0]))
            made += 1
        _, _, found, path, ahead = heappop(heap)
        again = repetition(path, many)
        if again is None:
            return path, found, ahead
        parameter, at = again
        late, early = found.copy(), found.copy()
        late[:at, 1 + parameter] = IMPOSSIBLE
        early[at:, 1 + parameter] = IMPOSSIBLE
        # A text that says the same word a thousand times has a thousand answers as good: from
        # there on the first is taken.
        branches = [late, early] if made < MOST_BRANCHES else [early]


def repetition(path: Sequence[int], many: Sequence[bool]) -> tuple[int, int] | None:
    """(parameter, token) where a path begins a second value of one that is not `many`."""
    begun: set[int] = set()
    for t, tag in enumerate(path):
        if 0 < tag <= len(many) and not many[tag - 1]:
            if tag in begun:
                return tag - 1, t
            begun.add(tag)
    return None


def best_paths(scores: Floats) -> Ints:
    """The valid path with the highest score of each row: [N, T, K] -> [N, T]."""
    return np.array(viterbi(scores)[0], np.int64)


def path_scores(scores: Floats, paths: Ints) -> Floats:
    """Score of each row's path: [N, T, K], [N, T] -> [N]."""
    out: Floats = np.take_along_axis(scores, paths[:, :, None], 2)[..., 0].sum(1)
    return out


def _back(forward: Floats, t: int, tag: int) -> list[int]:
    """The best path that has `tag` at word t, up to that word."""
    p = (forward.shape[1] - 1) // 2
    path = [tag]
    for before in forward[:t][::-1]:
        if tag > p:
            if before[tag] < before[tag - p]:
                tag -= p
        else:
            tag = int(before.argmax())
        path.append(tag)
    return path[::-1]


def second_path(scores: Floats, forward: Floats, path: list[int]) -> tuple[list[int], float] | None:
    """The best valid path of a row that differs from `path`, and its score; None without one.

    scores, forward [T, K]. Exact: it is the best over all words and other tags of that word.
    """
    size, tags = scores.shape
    p = (tags - 1) // 2
    after = np.zeros_like(scores)  # the best that can follow a tag
    following = np.zeros_like(scores)  # a tag and the best that can follow it
    for t in range(size - 2, -1, -1):
        a, f = after[t], following[t + 1]
        np.add(scores[t + 1], after[t + 1], out=f)
        best = np.maximum.reduce(f[: p + 1])
        a[0] = best
        np.maximum(f[p + 1 :], best, out=a[1 : p + 1])
        a[p + 1 :] = a[1 : p + 1]
    whole = forward + after
    whole[np.arange(size), path] = 2 * IMPOSSIBLE
    at, tag = divmod(int(whole.argmax()), tags)
    score = float(whole[at, tag])
    # Beside the best: of a long text even what can't be may have a sum above 0.
    if score < forward[-1].max() + IMPOSSIBLE / 2:
        return None
    other = _back(forward, at, tag)
    for f in following[at + 1 :]:
        best_next = int(f[: p + 1].argmax())
        if tag:
            inside = tag if tag > p else tag + p
            if f[inside] > f[best_next]:
                best_next = inside
        tag = best_next
        other.append(tag)
    return other, score


def spans_of(path: Iterable[int], parameters: int) -> list[tuple[int, int, int]]:
    """(first token, token after the last, parameter) of each value on a path."""
    out: list[tuple[int, int, int]] = []
    for t, tag in enumerate(path):
        if 0 < tag <= parameters:
            out.append((t, t + 1, tag - 1))
        elif tag > parameters:
            out[-1] = (out[-1][0], t + 1, out[-1][2])
    return out


def segmentations(odds: Floats) -> list[tuple[float, tuple[int, ...]]]:
    """Ways to cut an utterance, best first: (log-probability, where clauses after the first start).

    `odds` [T]: log-odds that a clause starts at each token; the first is ignored.
    """
    inner = odds[1:]
    sure = -np.logaddexp(np.float32(0), -np.abs(inner))
    base = float(sure.sum())
    fixed = [int(t) + 1 for t in np.nonzero(inner > 0)[0]]
    if len(fixed) >= MOST_CLAUSES:
        fixed = sorted(sorted(fixed, key=lambda t: -odds[t])[: MOST_CLAUSES - 1])
    near = [int(t) + 1 for t in np.nonzero(np.abs(inner) < UNSURE)[0]]
    near = sorted(near, key=lambda t: abs(float(odds[t])))[:MOST_UNSURE]
    out = []
    for size in range(len(near) + 1):
        for flipped in combinations(near, size):
            cuts = tuple(sorted(set(fixed) ^ set(flipped)))
            if len(cuts) < MOST_CLAUSES:
                out.append((base - sum(abs(float(odds[t])) for t in flipped), cuts))
    return sorted(out, key=lambda way: -way[0])
