"""Settings of a training that all kinds share; light, as the command line reads its help here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from maksud.settings import check_settings, setting


@dataclass(frozen=True)
class TrainSettings:
    """What a training of any kind needs to know, beside its data."""

    base: str = "compact"
    """What to start from: `compact`, a name from `maksud models list`, a hub id, or a directory."""
    seed: int = setting(0, low=0)
    """Seed of everything random; same seed, data and thread count give the same run."""
    per_intent: int = setting(0, low=0)
    """Train on a balanced sample of this many single-intent examples of each intent (and the
    same share of the others: several intents, several turns, out of scope); 0 takes all."""
    false_accept_rate: float = setting(0.05, above=0, below=1)
    """Share of what should be refused that may be accepted: the threshold is chosen for it."""
    calibration_examples: int = setting(0, low=0)
    """Held-out examples to calibrate on, at most; 0 takes all (a language model: 300)."""
    kind: Any = None
    """The settings of the base's kind, such as `CompactSettings(…)`; None takes the defaults."""

    def __post_init__(self) -> None:
        """Raises `SettingsError` for values out of range."""
        check_settings(self)
