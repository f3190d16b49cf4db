"""Two networks as one: their scores are the mean of what each says alone."""

from collections.abc import Sequence

import numpy as np
import pytest

from maksud.recognizers.joint.decoding import Floats, Segment
from maksud.recognizers.joint.engine import Heads, cut_segments
from maksud.recognizers.joint.ensemble import Averaged, SideBySide

INTENTS, TAGS, CHOICES = 4, 5, 3
WORDS = [["play", "jazz", "and", "stop"], ["lights", "off"]]
ALL = "play jazz and stop lights off"


class Random:
    """Features of words from random numbers, the same for a word whenever it is asked."""

    def __init__(self, members: int, width: int, known: str) -> None:
        self.members, self.width, self._known = members, width, known.split()

    def known(self, word: str) -> bool:
        return word in self._known

    def __call__(self, utterances: Sequence[Sequence[str]]) -> tuple[Floats, Floats, Floats]:
        size = max(map(len, utterances))
        shape = (self.members, len(utterances), size, self.width)
        h, alone = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        mask = np.zeros((len(utterances), size, 1), np.float32)
        for b, words in enumerate(utterances):
            for t, word in enumerate(words):
                rng = np.random.default_rng([ord(c) for c in word])
                h[:, b, t], alone[:, b, t] = rng.normal(size=(2, self.members, self.width))
            mask[b, : len(words)] = 1
        return h, alone, mask


def heads(members: int, width: int, seed: int) -> Heads:
    rng = np.random.default_rng(seed)

    def some(*shape: int) -> Floats:
        return rng.normal(size=shape).astype(np.float32)

    return Heads(members, {
        "heads.attend": some(members, 1, width, 1),
        "heads.intent.weight": some(members, 3 * width, INTENTS),
        "heads.intent.bias": some(members, 1, INTENTS),
        "heads.boundary.weight": some(members, width, 1),
        "heads.boundary.bias": some(members, 1, 1),
        "heads.sides.weight": some(members, 3 * width, 5),
        "heads.sides.bias": some(members, 1, 5),
        "heads.apart.weight": some(members, 5, 1),
        "heads.apart.bias": some(members, 1, 1),
        "heads.tag.weight": some(members, width, TAGS),
        "heads.tag.bias": some(members, 1, TAGS),
        "heads.intent_tag": some(members, INTENTS, TAGS),
        "heads.choice.weight": some(members, 3 * width, CHOICES),
        "heads.choice.bias": some(members, 1, CHOICES),
    })  # fmt: skip


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_scores_are_the_mean_of_both(share: float) -> None:
    first, second = Random(1, 6, "play"), Random(3, 4, ALL)
    of_first, of_second = heads(1, 6, 1), heads(3, 4, 2)
    h, alone, mask = SideBySide(first, second)(WORDS)
    both = Averaged(of_first, of_second, 6, 3, share)
    one, other = first(WORDS), second(WORDS)

    def mean(a: Floats, b: Floats) -> Floats:
        return np.float32(share) * a + np.float32(1 - share) * b

    assert np.allclose(
        both.boundaries(h, mask),
        mean(of_first.boundaries(one[0], mask), of_second.boundaries(other[0], mask)),
        atol=1e-4,
    )
    intents, tags, choices = both(h, alone, mask)
    a, b = of_first(*one), of_second(*other)
    assert np.allclose(intents.mean(0), mean(a[0].mean(0), b[0].mean(0)), atol=1e-4)
    assert np.allclose(tags, mean(a[1], b[1]), atol=1e-4)
    assert a[2] is not None and b[2] is not None and choices is not None
    assert np.allclose(choices, mean(a[2], b[2]), atol=1e-4)
    assert np.allclose(both.intent_tag, mean(of_first.intent_tag, of_second.intent_tag), atol=1e-5)


def test_clauses_are_cut_from_both() -> None:
    first, second = Random(1, 6, "play"), Random(3, 4, "stop")
    clauses = [Segment(0, 0, 2), Segment(0, 3, 4), Segment(1, 0, 2)]
    cut = cut_segments(*SideBySide(first, second)(WORDS), clauses)
    both = Averaged(heads(1, 6, 1), heads(3, 4, 2), 6, 3, 0.5)
    together = both(*cut)
    for k, clause in enumerate(clauses):
        alone = both(*cut_segments(*SideBySide(first, second)(WORDS), [clause]))
        assert np.allclose(together[0][:, k], alone[0][:, 0], atol=1e-4)


def test_the_first_says_what_is_known_and_stands_last() -> None:
    first, second = Random(1, 6, "play"), Random(3, 4, "stop")
    both = SideBySide(first, second)
    assert both.known("play") and not both.known("stop")
    h, alone, mask = both(WORDS)
    own = first(WORDS)
    assert h.shape == (1, 2, 4, 19)
    assert np.array_equal(h[..., -6:], own[0]) and np.array_equal(alone[..., -6:], own[1])
    assert np.array_equal(mask, own[2])


@pytest.mark.parametrize(
    ("known", "shares"),
    [
        (ALL, [0.3, 0.3]),
        ("play jazz lights", [0.475, 0.475]),  # half of the words are strange
        ("play", [0.9125, 1.0]),
        ("", [1.0, 1.0]),  # another language
    ],
)
def test_who_does_not_know_the_words_is_heard_less(known: str, shares: list[float]) -> None:
    first, second = Random(1, 6, ""), Random(3, 4, known)
    of_first, of_second = heads(1, 6, 1), heads(3, 4, 2)
    both = Averaged(of_first, of_second, 6, 3, 0.3)
    features = SideBySide(first, second)(WORDS)
    intents = both(*features)[0].mean(0)
    own, others = of_first(*first(WORDS))[0].mean(0), of_second(*second(WORDS))[0].mean(0)
    mask = features[2]
    odds = of_first.boundaries(first(WORDS)[0], mask)
    more = of_second.boundaries(second(WORDS)[0], mask)
    for b, share in enumerate(shares):
        assert np.allclose(intents[b], share * own[b] + (1 - share) * others[b], atol=1e-4)
        got = both.boundaries(features[0], mask)[b, : len(WORDS[b])]
        wanted = (share * odds[b] + (1 - share) * more[b])[: len(WORDS[b])]
        assert np.allclose(got, wanted, atol=1e-4)
