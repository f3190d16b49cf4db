"""Settings of the compact kind, and what is derived from the size of the data."""

from __future__ import annotations

from dataclasses import dataclass, replace

from maksud.errors import SettingsError
from maksud.recognizers.joint.settings import LITTLE, JointSettings
from maksud.settings import check_settings, setting


@dataclass(frozen=True)
class CompactSettings(JointSettings):
    """Settings of the compact recognizer. The defaults need no change for any size of data."""

    threads: int = setting(1, low=1, high=256)
    """CPU threads. More than one helps little: the matrices are small."""
    epochs: int = setting(0, low=0, high=10_000, also=("num_train_epochs",))
    """Passes over the data; 0 derives them: few for much data, many for little."""
    members: int = setting(0, low=0, high=16)
    """Networks in the committee; 0 derives them. More are surer and slower."""
    dim: int = setting(0, low=0, high=4096)
    """Width of the network, a multiple of 4; 0 derives it: a few wide networks for little data,
    more and narrower ones for much. All weights together should fit a core's cache (2 MB)."""
    word_dim: int = setting(64, low=1, high=4096)
    """Width of word embeddings, and of those of character n-grams."""
    buckets: int = setting(16384, low=16, high=2**24)
    """Rows of the table of character n-grams."""
    convolutions: int = setting(2, low=0, high=16)
    """Convolution blocks before the attention block."""
    dropout: float = setting(-1.0, low=-1.0, high=0.9)
    """Dropout probability; negative derives it: more for little data."""
    batch_size: int = setting(64, low=1, high=65_536, also=("per_device_train_batch_size",))
    """Clauses in a step."""
    learning_rate: float = setting(3e-3, low=1e-6, high=1.0)
    """Peak learning rate: linear warm-up, then linear decay."""
    hide: float = setting(0.5, low=0.0, high=100.0)
    """How often rare words are hidden: a word seen n times with probability hide / (hide + n)."""
    linear: float = setting(-1.0, low=-1.0, high=100.0)
    """How much a linear classifier of words and n-grams counts beside the network where intents
    are told apart; 0 does without one, negative derives it: more for few examples an intent."""
    veil: float = setting(-1.0, low=-1.0, high=0.9)
    """Share of the words of values that are shown without word and spelling, so that only the
    words around them tell what they are; negative derives it: none for much data."""

    def __post_init__(self) -> None:
        """Raises `SettingsError` for values out of range."""
        check_settings(self)
        if self.dim % 4:
            raise SettingsError(f"dim is {self.dim}, expected a multiple of 4", where="dim")

    def resolved(self, clauses: int, intents: int) -> CompactSettings:
        """The settings with everything derived, for data of so many clauses and intents."""
        little = clauses < LITTLE
        plenty = clauses >= 500 * intents
        # Many intents need more passes than few with as many examples together. So does plenty of
        # data for few: it is worded in ways that twice as few passes do not get through.
        passes = 6 if little else 16 if plenty else 8
        need = (13_000 / clauses) ** 0.5 * (1_900 * intents / clauses) ** 0.33
        return replace(
            self.with_swaps(clauses),
            epochs=self.epochs or min(200, max(5, round(passes * need))),
            members=self.members or (3 if little else 4 if plenty else 6),
            dim=self.dim or (128 if little else 96),
            dropout=self.dropout if self.dropout >= 0 else 0.1 if plenty else 0.2,
            linear=self.linear if self.linear >= 0 else min(3.0, max(0.5, 60 * intents / clauses)),
            veil=self.veil if self.veil >= 0 else 0.2 if little else 0.0,
        )
