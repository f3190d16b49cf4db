"""Intents that an answer may not have: what a network gives them is shared out, or is `none()`'s.

Where an intent is taken for unknown, or some call has to be made, the network must choose among
what is left, as if it knew no more. Where `none()` may be answered, whoever asks for what may not
be called asks for none of the rest: "matikan tv" is no reason to turn the TV on.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from maksud.language.calls import OUT_OF_SCOPE
from maksud.recognizers.joint.decoding import IMPOSSIBLE, Floats

Flags = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Held:
    """What utterances, or clauses, may not be answered by.

    `closed` [B, I]: the intents; `gives` [B]: whether what they would have is given to `none()`.
    """

    closed: Flags
    gives: Flags

    @classmethod
    def without(cls, unknown: Sequence[Collection[str]], intents: Sequence[str]) -> Held:
        """As if some intents of each were not known."""
        closed = [[name in names for name in intents] for names in unknown]
        return cls(_flags(closed, intents), np.zeros(len(closed), np.bool_))

    @classmethod
    def within(cls, allowed: Sequence[Collection[str] | None], intents: Sequence[str]) -> Held:
        """With none but those that are allowed to each, None for all."""
        closed = [
            [names is not None and name not in names for name in intents] for names in allowed
        ]
        gives = [
            names is not None and OUT_OF_SCOPE in names and OUT_OF_SCOPE in intents
            for names in allowed
        ]
        return cls(_flags(closed, intents), np.array(gives, np.bool_))

    def of(self, rows: Sequence[int] | Flags) -> Held:
        """That of some of them."""
        return Held(self.closed[rows], self.gives[rows])

    @property
    def masks(self) -> Floats:
        """What to add to the scores of intents, [B, I], where they are shared out: 0, or
        `IMPOSSIBLE`."""
        shared = self.closed & ~self.gives[:, None]
        return np.where(shared, IMPOSSIBLE, np.float32(0)).astype(np.float32)

    def give(self, lp: Floats, none: int) -> Floats:
        """log p(intent), [B, I], with what the closed ones have given to `none()`."""
        closed = self.closed & self.gives[:, None]
        if not closed.any():
            return lp
        given = np.logaddexp.reduce(np.where(closed, lp, -np.inf), 1)
        out: Floats = np.where(closed, IMPOSSIBLE, lp)
        # Rounding may make it more than all there is.
        out[:, none] = np.minimum(0, np.logaddexp(out[:, none], given))
        return out


def _flags(rows: Sequence[Sequence[bool]], intents: Sequence[str]) -> Flags:
    return np.array(rows, np.bool_).reshape(len(rows), len(intents))
