"""The heads of a joint network in numpy, for recognition: the same scores as `network`, no torch.

Members are averaged in the last step of each head, so decoding sees one set of scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from maksud.recognizers.joint.decoding import IMPOSSIBLE, Floats, Segment


class Extractor(Protocol):
    """Features of words in context, from the words: what each kind of joint network has its own."""

    def known(self, word: str) -> bool:
        """Whether training saw the word often enough to know it."""

    def __call__(self, utterances: Sequence[Sequence[str]]) -> tuple[Floats, Floats, Floats]:
        """(features in context [M, B, T, D], of the words alone [M, B, T, D], mask [B, T, 1])."""


class Scores(Protocol):
    """What is read off the features: `Heads`, or those of several networks."""

    intent_tag: Floats
    """[I, K]: what an intent adds to the scores of tags."""

    def boundaries(self, h: Floats, mask: Floats) -> Floats:
        """Log-odds that a clause starts at a token: [M, B, T, D], mask [B, T, 1] -> [B, T]."""

    def __call__(
        self, h: Floats, alone: Floats, mask: Floats
    ) -> tuple[Floats, Floats, Floats | None]:
        """(intents of each member [M, S, I], tags [S, T, K], choices [S, C] or None)."""


class Heads:
    """What is read off the features. Scores are means over the members."""

    def __init__(self, members: int, t: dict[str, Floats]) -> None:
        m = np.float32(members)
        self.attend = t["heads.attend"]
        self.intent_weight, self.intent_bias = t["heads.intent.weight"], t["heads.intent.bias"]
        # A mean of linear maps is one linear map of the concatenated members.
        self.boundary_weight = t["heads.boundary.weight"].reshape(-1, 1) / m
        self.boundary_bias = float(t["heads.boundary.bias"].mean())
        self.sides_weight = t.get("heads.sides.weight")
        if self.sides_weight is not None:
            self.sides_bias = t["heads.sides.bias"][:, None]
            self.apart_weight = t["heads.apart.weight"].reshape(-1, 1) / m
            self.boundary_bias += float(t["heads.apart.bias"].mean())
        self.inner_weight = t.get("heads.inner.weight")
        self.inner_bias = t.get("heads.inner.bias")
        tag = t["heads.tag.weight"]
        self.tag_weight = tag.reshape(-1, tag.shape[-1]) / m
        self.tag_bias = t["heads.tag.bias"].mean((0, 1))
        self.intent_tag: Floats = t["heads.intent_tag"].mean(0)
        self.choice_weight = t.get("heads.choice.weight")
        self.choice_bias = t.get("heads.choice.bias")

    def boundaries(self, h: Floats, mask: Floats) -> Floats:
        """See `Scores.boundaries`; where the run is of before, only the token itself is read."""
        out: Floats = (_wide(h) @ self.boundary_weight)[..., 0] + np.float32(self.boundary_bias)
        if self.sides_weight is not None:
            before = np.maximum.accumulate(h, 2)
            before = np.concatenate([before[:, :, :1], before[:, :, :-1]], 2)
            rest = (h + (1 - mask) * IMPOSSIBLE)[:, :, ::-1]
            after = np.maximum.accumulate(rest, 2)[:, :, ::-1] * mask
            both = np.concatenate([h, before, after], -1) @ self.sides_weight[:, None]
            both += self.sides_bias
            out += (_wide(np.maximum(both, 0)) @ self.apart_weight)[..., 0]
        return out

    def __call__(
        self, h: Floats, alone: Floats, mask: Floats
    ) -> tuple[Floats, Floats, Floats | None]:
        """(intents of each member [M, S, I], tags [S, T, K], choices [S, C] or None)."""
        weight = h @ self.attend
        top = h
        if not mask.all():
            hidden = (1 - mask) * IMPOSSIBLE
            weight += hidden
            top = h + hidden
        weight -= np.maximum.reduce(weight, 2, keepdims=True)
        np.exp(weight, out=weight)
        weight /= np.add.reduce(weight, 2, keepdims=True)
        mean = np.add.reduce(alone, 2) / np.sqrt(np.maximum(1, np.add.reduce(mask, 1)))
        attended = weight * h
        pooled = np.concatenate([np.maximum.reduce(top, 2), np.add.reduce(attended, 2), mean], -1)
        intents = pooled @ self.intent_weight
        intents += self.intent_bias
        said = h
        if self.inner_weight is not None and self.inner_bias is not None:
            said = h @ self.inner_weight[:, None]
            said += self.inner_bias[:, None]
            np.maximum(said, 0, out=said)
        tags = _wide(said) @ self.tag_weight
        tags += self.tag_bias
        choices = None
        if self.choice_weight is not None and self.choice_bias is not None:
            choices = (pooled @ self.choice_weight + self.choice_bias).mean(0)
        return intents, tags, choices


def _wide(x: Floats) -> Floats:
    """[M, B, T, D] to [B, T, M D]."""
    return x.transpose(1, 2, 0, 3).reshape(x.shape[1], x.shape[2], -1)


def cut_segments(
    h: Floats, alone: Floats, mask: Floats, segments: Sequence[Segment]
) -> tuple[Floats, Floats, Floats]:
    """What an `Extractor` gives, with a row for each segment: B becomes S, T their longest."""
    size = max(s.stop - s.start for s in segments)
    ones = np.broadcast_to(mask[None], (1, *mask.shape))
    cut = [_cut(x, segments, size) for x in (h, alone, ones)]
    return cut[0], cut[1], cut[2][0]


def _cut(x: Floats, segments: Sequence[Segment], size: int) -> Floats:
    out = np.zeros((x.shape[0], len(segments), size, x.shape[3]), np.float32)
    for k, s in enumerate(segments):
        out[:, k, : s.stop - s.start] = x[:, s.utterance, s.start : s.stop]
    return out
