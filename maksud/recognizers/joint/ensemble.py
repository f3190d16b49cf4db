"""Two joint networks of one training as one: features side by side, scores averaged.

A network from scratch and a pretrained encoder err in different places: the mean of their scores is
right more often than either (a product of experts, Hinton 2002). Both were trained on one plan, so
that their scores stand for the same intents, tags and choices; decoding sees one set of them.
Of words that it never saw a network from scratch knows little: where a clause is full of them, as
in another language, the other is heard alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from maksud.recognizers.joint.decoding import Floats
from maksud.recognizers.joint.engine import Extractor, Scores

STRANGE, FOREIGN = 0.4, 0.8
"""Share of words unknown to the second from which it is heard less, and from which not at all."""


class SideBySide:
    """The features of two extractors as those of one member: the second's, a column that is 1 where
    the second knows the word, and the first's.

    The first says which words are known, and its features stand last.
    """

    def __init__(self, first: Extractor, second: Extractor) -> None:
        self.first, self.second = first, second

    def known(self, word: str) -> bool:
        """Whether the first knows the word."""
        return self.first.known(word)

    def __call__(self, utterances: Sequence[Sequence[str]]) -> tuple[Floats, Floats, Floats]:
        """(features in context [1, B, T, M D' + 1 + D], of the words alone, mask [B, T, 1])."""
        h, alone, mask = self.first(utterances)
        more, more_alone, _ = self.second(utterances)
        seen = np.zeros_like(mask)
        for b, words in enumerate(utterances):
            seen[b, : len(words), 0] = [self.second.known(word) for word in words]
        return _beside(more, seen, h), _beside(more_alone, mask, alone), mask


class Averaged:
    """The scores of two networks: `share` of the first's and the rest of the second's, less of
    those for a clause of words that the second does not know.

    `width`: D, the features of the first; `members`: M, the second's networks.
    """

    def __init__(
        self, first: Scores, second: Scores, width: int, members: int, share: float
    ) -> None:
        self.first, self.second = first, second
        self.width, self.members = width, members
        self.share = np.float32(share)
        self.intent_tag: Floats = _mean(self.share, first.intent_tag, second.intent_tag)

    def boundaries(self, h: Floats, mask: Floats) -> Floats:
        """See `Scores.boundaries`."""
        own, more, seen = self._apart(h)
        share = self._share(seen, mask[..., 0] > 0)[:, None]
        return _mean(share, self.first.boundaries(own, mask), self.second.boundaries(more, mask))

    def __call__(
        self, h: Floats, alone: Floats, mask: Floats
    ) -> tuple[Floats, Floats, Floats | None]:
        """(intents of the two, so that their mean is the answer's [2, S, I], tags, choices)."""
        own, more, seen = self._apart(h)
        own_alone, more_alone, _ = self._apart(alone)
        share = self._share(seen, mask[..., 0] > 0)[:, None]
        intents, tags, choices = self.first(own, own_alone, mask)
        others, other_tags, other_choices = self.second(more, more_alone, mask)
        both = np.stack([2 * share * intents.mean(0), 2 * (1 - share) * others.mean(0)])
        if choices is not None and other_choices is not None:
            choices = _mean(share, choices, other_choices)
        return both, _mean(share[..., None], tags, other_tags), choices

    def _share(self, seen: Floats, words: np.ndarray[Any, np.dtype[np.bool_]]) -> Floats:
        """The first's share for each clause, [S], of which words [S, T] the second knows."""
        unknown = 1 - (seen * words).sum(1) / np.maximum(1, words.sum(1))
        alone = np.clip((unknown - STRANGE) / (FOREIGN - STRANGE), 0, 1)
        out: Floats = (self.share + (1 - self.share) * alone).astype(np.float32)
        return out

    def _apart(self, x: Floats) -> tuple[Floats, Floats, Floats]:
        """What `_beside` put together: [1, B, T, D], [M, B, T, D'] and [B, T]."""
        _, number, size, _ = x.shape
        more = x[..., : -self.width - 1].reshape(number, size, self.members, -1)
        return (
            np.ascontiguousarray(x[..., -self.width :]),
            np.ascontiguousarray(more.transpose(2, 0, 1, 3)),
            x[0, ..., -self.width - 1],
        )


def _mean(share: Any, first: Floats, second: Floats) -> Floats:
    out: Floats = share * first + (1 - share) * second
    return out


def _beside(members: Floats, column: Floats, own: Floats) -> Floats:
    """[M, B, T, D'], [B, T, 1] and [1, B, T, D] to [1, B, T, M D' + 1 + D]."""
    _, number, size, _ = members.shape
    flat = members.transpose(1, 2, 0, 3).reshape(1, number, size, -1)
    return np.concatenate([flat, column[None], own], -1)
