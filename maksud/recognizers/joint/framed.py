"""A second opinion on `none()`, where nothing but contrast frames has taught it.

Data without a `none()` row leaves it to the frames (`contrast.py`) what asks for nothing. From
tens of rows an intent a network then takes for framed what is merely worded as no row is. A linear
classifier of the words of framed and plain wishes errs on others: `none()` is not said where it is
sure of a wish. What is in doubt stays so: how likely a clause is in scope is the network's to tell.

Shapes: S clauses, I intents.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from maksud.recognizers.joint.decoding import IMPOSSIBLE, Floats
from maksud.recognizers.joint.linear import Linear
from maksud.recognizers.negation import NEGATED, Negation

Bools = np.ndarray[Any, np.dtype[np.bool_]]

SURE = 3.0
"""Log-odds from which on these words are surely a wish. At less, ordinary refusals would be vetoed
too: of words alone "jangan" says little, which stands in many frames of wishes as well."""
VETOED = np.float32(20)
"""By how much log-odds of `none()` are lowered where both do not say so."""
_PREFIX = "framed"


class Framed:
    """Tells wishes that a frame refuses from all others. `linear`: of two, the wish and no wish."""

    def __init__(self, linear: Linear) -> None:
        self._linear = linear

    def __call__(self, words: Sequence[str]) -> float:
        """Log-odds that these words ask for nothing."""
        wish, none = self._linear(words).tolist()
        return float(none - wish)

    def is_wish(self, words: Sequence[str]) -> bool:
        """Whether these words are surely a wish."""
        return bool(words) and self(words) <= -SURE

    def tensors(self) -> dict[str, np.ndarray[Any, Any]]:
        """What `from_tensors` reads."""
        return self._linear.tensors(_PREFIX)

    @classmethod
    def from_tensors(cls, t: dict[str, np.ndarray[Any, Any]]) -> Framed | None:
        """The classifier among a run's tensors; None where `none()` was learnt from rows.

        Raises `ValueError` for tensors that do not fit together.
        """
        linear = Linear.from_tensors(t, 2, _PREFIX)
        return None if linear is None else cls(linear)


def weigh_none(
    scores: Floats,
    clauses: Sequence[Sequence[str]],
    none: int,
    negation: Negation | None,
    framed: Framed | None,
) -> list[float]:
    """Settles the scores [S, I] of `none()`, in place; returns what is added to log p(in scope).

    It is raised for clauses that are refused by their words, and vetoed for sure wishes: a vetoed
    `none()` is doubt of scope, at most 0. `none`: its place, negative where there is none.
    """
    if none < 0:
        return [0.0] * len(clauses)
    negated = np.array([negation is not None and negation(words) for words in clauses], np.bool_)
    scores[:, none] += np.where(negated, np.float32(NEGATED), np.float32(0))
    if framed is None:
        return [0.0] * len(clauses)
    wishes = [not sure and framed.is_wish(w) for w, sure in zip(clauses, negated, strict=True)]
    return [-rise for rise in veto_none(scores, np.array(wishes, np.bool_), none).tolist()]


def veto_none(scores: Floats, wishes: Bools, none: int) -> Floats:
    """Lowers the scores [S, I] of `none()`, in place, for clauses that are surely wishes, [S].

    A whole answer's tags make it less likely than its intent, so that much less than half of the
    probability of a clause would be enough for `none()`: it is not left at any. Returns how much
    likelier each clause would become to be in scope, log p, [S].
    """
    said = scores[:, none].copy()
    scores[:, none] = IMPOSSIBLE
    inside = np.logaddexp.reduce(scores, 1)
    # Where no intent is left to choose there is nothing to prefer.
    vetoed = wishes & (inside > IMPOSSIBLE / 2)
    scores[:, none] = np.where(vetoed, said - VETOED, said)
    rise: Floats = np.logaddexp(inside, said) - np.logaddexp(inside, scores[:, none])
    return rise
