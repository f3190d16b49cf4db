"""How likely a vector is of an intent that is known by a few vectors: one, five, a hundred.

The two-covariance model (PLDA: Prince and Elder 2007; Brümmer and de Villiers 2010), in closed
form: the vectors of an intent lie around its middle as those of all intents do (W), the middles
lie around the mean of all (B). So what the labelled rows of a run show of its intents says what a
new one will be like, and one that is known by one vector is expected to lie wider than one that
is known by a hundred: their likelihoods can be compared.

Shapes: N vectors, C intents, D dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from maksud.recognizers.joint.decoding import Floats, Ints

ROWS_EACH = 4.0
"""With so many rows for each dimension half of W is made round, as if all directions varied alike;
with more less."""
SHRINK_BETWEEN = 0.1
"""How much of B is made round."""
FIRMNESS = 20.0
"""So many intents' worth of evidence has what all axes say together of descriptions."""

Doubles = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Classes:
    """Where the next vector of each intent is expected, in a turned space: [C, D] each."""

    mean: Floats
    variance: Floats

    def __len__(self) -> int:
        return len(self.mean)

    def log_likelihoods(self, z: Floats) -> Floats:
        """log p of turned vectors [N, D] under each intent, up to one constant for all: [N, C]."""
        inverse = 1 / self.variance
        scaled = self.mean * inverse
        own = (self.mean * scaled).sum(1) + np.log(self.variance).sum(1)
        out: Floats = -0.5 * ((z * z) @ inverse.T - 2 * z @ scaled.T + own)
        return out


@dataclass(frozen=True)
class Told:
    """Where the middles of intents are to be looked for, before any vector of them is known: around
    `middle` [C, D], `variance` [D] wide."""

    middle: Floats
    variance: Floats


@dataclass(frozen=True)
class Describing:
    """What a description tells of the middle of its intent, along each axis of a space: [D] each.

    The middle is looked for at `slope` * the description's vector + `offset`, `variance` wide:
    descriptions are worded otherwise than what people say, all in like manner.
    """

    slope: Floats
    offset: Floats
    variance: Floats

    @classmethod
    def fit(cls, texts: Floats, middles: Floats) -> Describing:
        """What the descriptions of intents [C, D] tell of their middles [C, D], both turned."""
        x, y = texts - texts.mean(0), middles - middles.mean(0)
        both, own = (x * y).sum(0), (x * x).sum(0)
        # Few intents say little about one axis: each is drawn to what all say together.
        common = both.sum() / max(float(own.sum()), 1e-9)
        firm = FIRMNESS * own.sum() / own.size / len(x)
        slope = (both + firm * common) / np.maximum(own + firm, 1e-9)
        rest = y - slope * x
        variance = (rest * rest).sum(0) / max(1, len(x) - 2)
        variance = np.maximum(variance, 1e-6)
        offset = middles.mean(0) - slope * texts.mean(0)
        return cls(*(a.astype(np.float32) for a in (slope, offset, variance)))

    def told(self, texts: Floats) -> Told:
        """What these descriptions tell."""
        return Told(self.slope * texts + self.offset, self.variance)


@dataclass(frozen=True)
class Space:
    """Vectors turned so that W is round and of length 1, and B lies along the axes.

    `center` [D], `turn` [D, D]; `between` [D]: the variance of intents' middles along each axis.
    """

    center: Floats
    turn: Floats
    between: Floats

    @classmethod
    def fit(cls, vectors: Floats, owners: Sequence[int]) -> Space:
        """The space of vectors [N, D], each of the intent that `owners` names.

        Raises `ValueError` where there are no two intents, or no intent has two vectors.
        """
        x = vectors.astype(np.float64)
        _, own, count = np.unique(np.asarray(owners), return_inverse=True, return_counts=True)
        rest = len(x) - len(count)
        if len(count) < 2 or rest < 1:
            raise ValueError("two intents are needed, and one with two vectors")
        center = x.mean(0)
        x -= center
        middle = np.zeros((len(count), x.shape[1]))
        np.add.at(middle, own, x)
        middle /= count[:, None]
        apart = x - middle[own]
        share = 1 / (1 + rest / (ROWS_EACH * x.shape[1]))
        within = _rounded(apart.T @ apart / rest, share)
        # Middles of few vectors vary more than the intents do: by W over their number.
        spread = np.cov(middle.T) - within / count.mean()
        size, axes = np.linalg.eigh(spread)
        between = _rounded((axes * np.maximum(size, 0)) @ axes.T, SHRINK_BETWEEN)
        size, axes = np.linalg.eigh(within)
        round_off = axes / np.sqrt(size)
        size, axes = np.linalg.eigh(round_off.T @ between @ round_off)
        turn = round_off @ axes
        return cls(
            center.astype(np.float32),
            np.ascontiguousarray(turn, np.float32),
            np.maximum(size, 1e-6).astype(np.float32),
        )

    def turned(self, vectors: Floats) -> Floats:
        """Vectors [N, D] in this space."""
        out: Floats = ((vectors - self.center) @ self.turn).astype(np.float32)
        return out

    def classes(self, sums: Floats, counts: Floats | Ints, told: Told | None = None) -> Classes:
        """What is expected of intents of which `counts` [C] turned vectors with these sums [C, D]
        are known; `told`: where their middles are to be looked for."""
        variance = self.between if told is None else told.variance
        narrowed = (1 / (1 / variance + counts[:, None])).astype(np.float32)
        known = sums.copy()
        if told is not None:
            known += (told.middle / variance).astype(np.float32)
        return Classes(narrowed * known, np.float32(1) + narrowed)

    def anything(self) -> Classes:
        """What is expected of an intent of which nothing is known: one class."""
        none = np.zeros((1, len(self.center)), np.float32)
        return self.classes(none, np.zeros(1, np.float32))


def _rounded(covariance: Doubles, share: float) -> Doubles:
    """A covariance with so much of it made round, of the same trace."""
    size = len(covariance)
    level = max(float(np.trace(covariance)) / size, 1e-9)
    out: Doubles = (1 - share) * covariance + share * level * np.eye(size)
    return out
