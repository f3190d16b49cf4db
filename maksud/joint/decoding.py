"""From scores to answers: the best valid tags, their probability, where clauses are cut.

Pure numpy and independent of where the scores come from. Tags: 0 is outside, 1..P begins a
value of parameter p, P+1..2P goes on with one; going on is only valid after a tag of the same
parameter. Padding scores 0 for tag 0 and `IMPOSSIBLE` for the others.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float32]]
Ints = np.ndarray[Any, np.dtype[np.int64]]

IMPOSSIBLE = np.float32(-1e4)
"""Score of what can't be: far below any other, finite so that differences stay numbers."""

UNSURE = 3.0
"""Log-odds within which both readings of a boundary between clauses are tried."""

MOST_UNSURE = 3
"""Boundaries of an utterance that are tried both ways at most: 2^3 ways to cut it."""

MOST_CLAUSES = 16
"""Clauses of an utterance at most."""


def log_softmax(x: Floats) -> Floats:
    """Log-probabilities over the last axis."""
    x = x - x.max(-1, keepdims=True)
    out: Floats = x - np.log(np.exp(x).sum(-1, keepdims=True))
    return out


def log_partition(scores: Floats) -> Floats:
    """Log of the sum over valid paths of exp(score): [N, T, K] -> [N]."""
    n, size, tags = scores.shape
    p = (tags - 1) // 2
    top = scores.max(2, keepdims=True)
    e = np.exp(scores - top)
    scale = np.empty((size, n), scores.dtype)
    a = e[:, 0].copy()
    a[:, p + 1 :] = 0
    for t in range(size):
        if t:
            inside = a[:, 1 : p + 1] + a[:, p + 1 :]
            a = e[:, t]
            a[:, p + 1 :] *= inside
        c = a.sum(1)
        scale[t] = c
        a /= c[:, None]
    out: Floats = np.log(scale).sum(0) + top[..., 0].sum(1)
    return out


def best_paths(scores: Floats) -> Ints:
    """The valid path with the highest score, for each row: [N, T, K] -> [N, T]."""
    paths: Ints = scores.argmax(2)
    p = (scores.shape[2] - 1) // 2
    before = np.zeros_like(paths)
    before[:, 1:] = paths[:, :-1]
    # The best tag of each word is the best path wherever it is a valid one: mostly.
    broken = ((paths > p) & (before != paths) & (before != paths - p)).any(1)
    if broken.any():
        paths[broken] = _viterbi(scores[broken], p)
    return paths


def _viterbi(scores: Floats, p: int) -> Ints:
    n, size, tags = scores.shape
    a = scores[:, 0].copy()
    a[:, p + 1 :] = IMPOSSIBLE
    back = np.empty((size, n, tags), np.int64)
    inner = np.arange(1, p + 1)
    rows = np.arange(n)
    for t in range(1, size):
        last = a.argmax(1)
        begun, going = a[:, 1 : p + 1], a[:, p + 1 :]
        begins = begun >= going
        back[t, :, : p + 1] = last[:, None]
        back[t, :, p + 1 :] = np.where(begins, inner, inner + p)
        following = scores[:, t].copy()
        following[:, : p + 1] += a[rows, last][:, None]
        following[:, p + 1 :] += np.where(begins, begun, going)
        a = following
    path = np.empty((n, size), np.int64)
    path[:, -1] = a.argmax(1)
    for t in range(size - 1, 0, -1):
        path[:, t - 1] = back[t, rows, path[:, t]]
    return path


def path_scores(scores: Floats, paths: Ints) -> Floats:
    """Score of each row's path: [N, T, K], [N, T] -> [N]."""
    out: Floats = np.take_along_axis(scores, paths[:, :, None], 2)[..., 0].sum(1)
    return out


def second_paths(scores: Floats, paths: Ints, lengths: Ints) -> Ints:
    """A good other path for each row: the best one with another tag where tags are closest."""
    n, size, _ = scores.shape
    at = np.arange(n)
    given = np.take_along_axis(scores, paths[:, :, None], 2)
    others = scores.copy()
    np.put_along_axis(others, paths[:, :, None], IMPOSSIBLE, 2)
    gap = given[..., 0] - others.max(2)
    gap[np.arange(size)[None] >= lengths[:, None]] = np.inf
    where = gap.argmin(1)
    changed = scores.copy()
    changed[at, where, paths[at, where]] = 2 * IMPOSSIBLE
    return best_paths(changed)


def spans_of(path: Ints, parameters: int) -> list[tuple[int, int, int]]:
    """(first token, token after the last, parameter) of each value on a path."""
    out: list[tuple[int, int, int]] = []
    for t, tag in enumerate(path.tolist()):
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
