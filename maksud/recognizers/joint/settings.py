"""Settings that the kinds with joint heads share: how what they learn from is varied."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from maksud.settings import setting

LITTLE = 3_000
"""Fewer clauses than this are varied more: their values are few, and easily learned by heart."""


@dataclass(frozen=True)
class JointSettings:
    """What is the same for every network under joint heads."""

    weight_decay: float = setting(0.01, low=0.0, high=1.0)
    """Weight decay of AdamW."""
    label_smoothing: float = setting(0.05, low=0.0, high=0.5)
    """Share of an intent's probability that is spread over the others."""
    swap: float = setting(-1.0, low=-1.0, high=1.0)
    """Share of clauses in which values are swapped for others of the same parameter; negative
    derives it: more for little data."""
    mix: float = setting(-1.0, low=-1.0, high=1.0)
    """Share of values in such clauses that are made of the beginning of one value and the end of
    another; negative derives it: none for much data."""
    invent: float = setting(0.3, low=0.0, high=1.0)
    """Share of values in such clauses that are made up, of parameters with fewer than 30 values, so
    that it is the place that tells them."""
    frame: float = setting(0.15, low=0.0, high=1.0)
    """Share of single wishes that are put into a frame which negates, reports, quotes or calls
    them off, or only seems to; where the data is Indonesian or English."""
    correct: float = setting(0.1, low=0.0, high=1.0)
    """Share of clauses with values in which one is said wrongly first and corrected; where there
    are frames."""

    def with_swaps(self, clauses: int) -> Self:
        """The same with `swap` and `mix` derived, for data of so many clauses."""
        little = clauses < LITTLE
        return replace(
            self,
            swap=self.swap if self.swap >= 0 else 0.8 if little else 0.6,
            mix=self.mix if self.mix >= 0 else 0.3 if little else 0.0,
        )
