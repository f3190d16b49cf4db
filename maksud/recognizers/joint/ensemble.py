"""Two joint networks of one training as one: features side by side, scores averaged.

A network from scratch and a pretrained encoder err in different places: the mean of their scores is
right more often than either (a product of experts, Hinton 2002). Both were trained on one plan, so
that their scores stand for the same intents, tags and choices; decoding sees one set of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maksud.recognizers.joint.decoding import Floats
from maksud.recognizers.joint.engine import Extractor, Scores


class SideBySide:
    """The features of two extractors as those of one member: the second's, then the first's.

    The first says which words are known, and its features stand last.
    """

    def __init__(self, first: Extractor, second: Extractor) -> None:
        self.first, self.second = first, second

    def known(self, word: str) -> bool:
        """Whether the first knows the word."""
        return self.first.known(word)

    def __call__(self, utterances: Sequence[Sequence[str]]) -> tuple[Floats, Floats, Floats]:
        """(features in context [1, B, T, M D' + D], of the words alone, mask [B, T, 1])."""
        h, alone, mask = self.first(utterances)
        more, more_alone, _ = self.second(utterances)
        return _beside(more, h), _beside(more_alone, alone), mask


class Averaged:
    """The scores of two networks: `share` of the first's and the rest of the second's.

    `width`: D, the features of the first; `members`: M, the second's networks.
    """

    def __init__(
        self, first: Scores, second: Scores, width: int, members: int, share: float
    ) -> None:
        self.first, self.second = first, second
        self.width, self.members = width, members
        self.share = np.float32(share)
        self.intent_tag: Floats = self._mean(first.intent_tag, second.intent_tag)

    def boundaries(self, h: Floats) -> Floats:
        """See `Heads.boundaries`."""
        own, more = self._apart(h)
        return self._mean(self.first.boundaries(own), self.second.boundaries(more))

    def __call__(
        self, h: Floats, alone: Floats, mask: Floats
    ) -> tuple[Floats, Floats, Floats | None]:
        """(intents of the two, so that their mean is the answer's [2, S, I], tags, choices)."""
        own, more = self._apart(h)
        own_alone, more_alone = self._apart(alone)
        intents, tags, choices = self.first(own, own_alone, mask)
        others, other_tags, other_choices = self.second(more, more_alone, mask)
        both = np.stack([2 * self.share * intents.mean(0), 2 * (1 - self.share) * others.mean(0)])
        if choices is not None and other_choices is not None:
            choices = self._mean(choices, other_choices)
        return both, self._mean(tags, other_tags), choices

    def _mean(self, first: Floats, second: Floats) -> Floats:
        out: Floats = self.share * first + (1 - self.share) * second
        return out

    def _apart(self, x: Floats) -> tuple[Floats, Floats]:
        """What `_beside` put together: [1, B, T, D] and [M, B, T, D']."""
        _, number, size, _ = x.shape
        more = x[..., : -self.width].reshape(number, size, self.members, -1)
        return (
            np.ascontiguousarray(x[..., -self.width :]),
            np.ascontiguousarray(more.transpose(2, 0, 1, 3)),
        )


def _beside(members: Floats, own: Floats) -> Floats:
    """[M, B, T, D'] and [1, B, T, D] to [1, B, T, M D' + D]."""
    _, number, size, _ = members.shape
    flat = members.transpose(1, 2, 0, 3).reshape(1, number, size, -1)
    return np.concatenate([flat, own], -1)
