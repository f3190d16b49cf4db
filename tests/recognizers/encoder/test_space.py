"""Likelihoods of vectors under intents that are known by few of them."""

import numpy as np
import pytest

from maksud.recognizers.encoder.space import Describing, Space


def drawn(
    intents: int = 40, each: int = 30, dim: int = 12, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(middles, vectors, owners), within ten times as narrow along the first axes as between."""
    rng = np.random.default_rng(seed)
    between, within = np.linspace(3, 0.1, dim), np.linspace(0.2, 2, dim)
    middles = rng.normal(size=(intents, dim)) * between
    owners = np.repeat(np.arange(intents), each)
    vectors = middles[owners] + rng.normal(size=(len(owners), dim)) * within
    return middles.astype("f4"), vectors.astype("f4"), owners


def test_the_space_is_round_within() -> None:
    _, vectors, owners = drawn()
    space = Space.fit(vectors, owners.tolist())
    z = space.turned(vectors)
    middle = np.stack([z[owners == k].mean(0) for k in range(40)])
    within = np.cov((z - middle[owners]).T)
    assert np.abs(within - np.diag(np.diag(within))).max() < 0.2
    # Most of what tells intents apart lies along few axes, which are found.
    assert space.between.max() > 10 * np.median(space.between)


def test_few_examples_are_expected_to_lie_wider() -> None:
    _, vectors, owners = drawn()
    space = Space.fit(vectors, owners.tolist())
    none = np.zeros((2, 12), "f4")
    known = space.classes(none, np.array([1, 100], "f4"))
    assert (known.variance[0] > known.variance[1]).all() and (known.variance > 1).all()
    assert (space.anything().variance >= known.variance[0]).all()


@pytest.mark.parametrize("shown", [1, 5])
def test_an_unseen_intent_is_told_by_few_examples(shown: int) -> None:
    _, vectors, owners = drawn()
    seen = owners < 35
    space = Space.fit(vectors[seen], owners[seen].tolist())
    z = space.turned(vectors)
    rows = [np.flatnonzero(owners == k)[: shown if k >= 35 else 25] for k in range(40)]
    sums = np.stack([z[r].sum(0) for r in rows])
    classes = space.classes(sums, np.array([len(r) for r in rows], "f4"))
    asked = np.concatenate([np.flatnonzero(owners == k)[25:] for k in range(40)])
    likeliest = classes.log_likelihoods(z[asked]).argmax(1)
    right = likeliest == owners[asked]
    assert right[owners[asked] >= 35].mean() > (0.75 if shown == 1 else 0.85)
    assert right[owners[asked] < 35].mean() > 0.85


def test_log_likelihoods_are_those_of_a_gaussian() -> None:
    _, vectors, owners = drawn(intents=6)
    space = Space.fit(vectors, owners.tolist())
    classes = space.classes(np.ones((2, 12), "f4"), np.array([3, 4], "f4"))
    z = space.turned(vectors[:5])
    wanted = [
        [-0.5 * float((((row - m) ** 2) / v + np.log(v)).sum()) for m, v in
         zip(classes.mean, classes.variance, strict=True)]
        for row in z
    ]  # fmt: skip
    assert np.allclose(classes.log_likelihoods(z), wanted, rtol=1e-3, atol=1e-2)


def test_descriptions_tell_where_to_look() -> None:
    middles, vectors, owners = drawn()
    space = Space.fit(vectors, owners.tolist())
    turned = space.turned(middles)
    rng = np.random.default_rng(1)
    texts = (0.5 * turned + 4 + rng.normal(size=turned.shape)).astype("f4")
    describing = Describing.fit(texts[:35], turned[:35])
    told = describing.told(texts)
    off = np.abs(told.middle - turned)[35:].mean()
    assert off < 0.8 * np.abs(turned[35:]).mean()  # nearer than the mean of all is
    bare = space.classes(np.zeros((5, 12), "f4"), np.zeros(5, "f4"), describing.told(texts[35:]))
    asked = space.turned(vectors[owners >= 35])
    assert (bare.log_likelihoods(asked).argmax(1) == owners[owners >= 35] - 35).mean() > 0.6


def test_too_little_is_refused() -> None:
    for owners in ([0, 0, 0], [0, 1, 2]):
        with pytest.raises(ValueError, match="two intents"):
            Space.fit(np.eye(3, dtype="f4"), owners)
