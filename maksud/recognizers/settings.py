"""Settings of a training that all kinds share; light, as the command line reads its help here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maksud.settings import check_settings, setting

if TYPE_CHECKING:
    from maksud.recognizers.decision import Rule


@dataclass(frozen=True)
class TrainSettings:
    """What a training of any kind needs to know, beside its data."""

    base: str = "auto"
    """What to start from: `auto` chooses `compact` or `e5-small` and says why; or one of these, a
    name from `maksud models list`, a hub id, or a directory."""
    minutes: float = setting(0.0, low=0, high=100_000)
    """Time that the training may take, for `auto` to choose by, in minutes; 0: ten."""
    seed: int = setting(0, low=0, high=2**63 - 1)
    """Seed of everything random; same seed, data and thread count give the same run."""
    per_intent: int = setting(0, low=0)
    """Train on a balanced sample of this many single-intent examples of each intent (and the
    same share of the others: several intents, several turns, out of scope); 0 takes all."""
    wrong_cost: float = setting(1.0, above=0)
    """What a wrong act costs, in needless refusals: answers are acted on from a confidence of
    wrong_cost / (1 + wrong_cost) on."""
    max_wrong: float = setting(0.0, low=0, below=1)
    """Share of the acts that may be wrong, at most; 0 asks for no bound."""
    false_accept_rate: float = setting(0.0, low=0, below=1)
    """Share of what is out of scope that may be acted on, at most; 0 asks for no bound."""
    folds: int = setting(3, low=0, high=20)
    """Where fewer than 200 rows are held out, so many recognizers are trained on parts of the data
    and answer the rest, for calibration; 0: none. For compact networks only: others take too
    long."""
    calibration_examples: int = setting(0, low=0)
    """Held-out examples to calibrate on, at most; 0 takes all (a language model: 300)."""
    any_language: bool = False
    """Whether utterances that are surely in a language that no training row is in are answered, for
    bases that know more languages than the data has; false: they are out of scope, with a reason.
    """
    kind: Any = None
    """The settings of the base's kind, such as `CompactSettings(…)`; None takes the defaults."""
    choice: Any = None
    """How `auto` came to the base: a `choosing.Choice`; None where a person named it."""

    def __post_init__(self) -> None:
        """Raises `SettingsError` for values out of range."""
        check_settings(self)

    @property
    def rule(self) -> Rule:
        """When an answer is acted on."""
        from maksud.recognizers.decision import Rule

        return Rule(self.wrong_cost, self.max_wrong, self.false_accept_rate)
