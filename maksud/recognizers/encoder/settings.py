"""Settings of the encoder kind, and what is derived from the size of the data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from maksud.errors import SettingsError
from maksud.recognizers.joint.settings import LITTLE, JointSettings
from maksud.settings import check_settings, setting

_HEAD_STEPS = 2000
"""Steps of training on features that were computed once, about."""
_FEW = 50
"""Clauses an intent under which a network from scratch has less of a say."""
_HALF = 6
"""Layers that are not tuned with much data: half of e5-small's."""


@dataclass(frozen=True)
class EncoderSettings(JointSettings):
    """Settings of an encoder. The defaults need no change for any size of data."""

    depth: Literal["full", "frozen"] = "full"
    """What is tuned: `full` the encoder too; `frozen` only what reads its features, in
    less time."""
    threads: int = setting(0, low=0, high=256)
    """CPU threads; 0: as many as there are cores for this process."""
    epochs: int = setting(0, low=0, high=10_000, also=("num_train_epochs",))
    """Passes over the data, each composed anew, with the encoder tuned, for depth `full` alone; 0
    derives them: few for much data."""
    learning_rate: float = setting(5e-4, above=0.0, high=1.0)
    """Peak learning rate of the encoder's last layer: linear warm-up, then linear decay. Chosen for
    e5-small: larger encoders want less."""
    head_rate: float = setting(2e-3, above=0.0, high=1.0)
    """Peak learning rate of what reads the features."""
    layer_decay: float = setting(0.9, above=0.0, high=1.0)
    """Each layer's rate as a share of that of the layer above it."""
    frozen_layers: int = setting(-1, low=-1, high=1_000)
    """Lower layers that are not tuned, at most half of all, which saves a third of the time;
    negative derives it: none for little data."""
    batch_size: int = setting(32, low=1, high=65_536, also=("per_device_train_batch_size",))
    """Clauses in a step."""
    views: int = setting(0, low=0, high=1_000)
    """How often the data is composed anew for features that are computed once; 0 derives it."""
    head_epochs: int = setting(0, low=0, high=10_000)
    """Passes over these features; 0 derives them."""
    dropout: float = setting(0.1, low=0.0, high=0.9)
    """Dropout probability of the features, and within the encoder while it is tuned."""
    linear: float = setting(-1.0, low=-1.0, high=100.0)
    """How much a linear classifier of words and n-grams counts beside the encoder where intents
    are told apart; 0 does without one, negative derives it: more for few examples an intent."""
    companions: int = setting(2, low=0, high=16)
    """Compact networks that are trained beside the encoder and asked with it, their scores
    averaged with its: right more often than either, for a millisecond more; 0 does without."""
    share: float = setting(-1.0, low=-1.0, high=1.0)
    """How much the encoder's scores count beside those of its companions, together 1; negative
    derives it: half, and more for few examples an intent."""
    eight_bit: bool = True
    """Whether recognition multiplies in eight bits: a quarter of the size, about twice as fast."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the encoder's matrix products while it is tuned; `auto`: bfloat16 where the machine has
    instructions for it. The environment variable MAKSUD_PRECISION sets what `auto` is."""

    def __post_init__(self) -> None:
        """Raises `SettingsError` for values out of range, and for passes that nothing makes."""
        check_settings(self)
        if self.depth == "frozen" and self.epochs:
            raise SettingsError(
                f"epochs is {self.epochs}, but with depth=frozen the encoder is not tuned",
                where="epochs",
                hint="Set head_epochs instead, or take depth=full",
            )

    def resolved(self, clauses: int, intents: int) -> EncoderSettings:
        """The settings with everything derived, for data of so many clauses and intents."""
        need = (700 / clauses) ** 0.5
        full = self.depth == "full"
        frozen = self.frozen_layers if self.frozen_layers >= 0 else 0 if clauses < LITTLE else _HALF
        views = self.views or min(6, max(1, round(4 * need)))
        passes = round(_HEAD_STEPS * self.batch_size / (views * clauses))
        return replace(
            self.with_swaps(clauses),
            epochs=0 if not full else self.epochs or min(60, max(5, round(20 * need))),
            frozen_layers=frozen,
            views=views,
            head_epochs=self.head_epochs or min(40, max(4, passes)),
            linear=self.linear if self.linear >= 0 else min(1.0, max(0.25, 30 * intents / clauses)),
            share=self.share if self.share >= 0 else 0.7 if clauses < _FEW * intents else 0.5,
        )
