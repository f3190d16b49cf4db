"""How a language model is tuned: what can be set, its defaults and ranges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from maksud.errors import SettingsError


@dataclass(frozen=True)
class LanguageModelSettings:
    """How a language model is tuned. Names are the guide's where it has one."""

    method: Literal["lora", "qlora", "full"] = "lora"
    """`lora`: small matrices beside frozen weights; `qlora`: the same on 4-bit weights (needs
    bitsandbytes and a GPU); `full`: all weights."""
    learning_rate: float = 0.0
    """Peak of the learning rate. 0 chooses by method and size: 1.5e-3 for LoRA below a billion
    parameters, 3e-4 above, 5e-5 for all weights."""
    num_train_epochs: float = 7.0
    """Passes over the examples."""
    lora_dim: int = 32
    """Rank of the LoRA matrices."""
    lora_alpha: int = 64
    """LoRA's weight: the matrices' product is scaled by lora_alpha / lora_dim."""
    varied_values: float = 0.5
    """From the second epoch on, each copied value of an example is replaced with this probability
    by one of another example (see `variation`)."""
    decision_weight: float = 1.0
    """Weight in the loss of the tokens that say which calls there are, beside 1 for those of
    arguments. More helps where intents are many and training is short."""
    frozen_layers: float = 0.0
    """Share of the layers, from the bottom, that stay as they are, in [0, 1). What they compute is
    kept in memory, so that half the layers cost half the time."""
    tokens_per_pack: int = 0
    """Examples' own tokens in one step. 0 chooses: 300 on a CPU, 4096 on a GPU."""
    seq_length: int = 0
    """Longest example in tokens, prompt and answer; a longer one is an error. 0: the model's."""
    warmup_ratio: float = 0.06
    """Share of the steps over which the learning rate rises."""
    weight_decay: float = 0.0
    """AdamW's decay of the trained weights."""
    max_grad_norm: float = 1.0
    """Gradients are scaled down to this norm."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Arithmetic of the matrix products. `auto`: what MAKSUD_PRECISION says, else bfloat16 where
    the machine says that it has instructions for it."""
    evaluations: int = 2
    """How often to look at the dev sample, evenly spread, the last time at the end. The best
    state is kept."""
    dev_loss_rows: int = 64
    """Dev examples for the loss."""
    dev_answer_rows: int = 32
    """Dev examples that are answered, for exact match; 0 looks at the loss only."""
    seed: int = 0
    """Order of the examples and first values of the LoRA matrices."""
    threads: int = 0
    """CPU threads; 0 leaves PyTorch's choice. Another number gives slightly other weights."""

    def __post_init__(self) -> None:
        _require(self.method in ("lora", "qlora", "full"), "method", self.method)
        _require(self.precision in ("auto", "float32", "bfloat16"), "precision", self.precision)
        _require(self.learning_rate >= 0, "learning_rate", self.learning_rate)
        _require(self.num_train_epochs > 0, "num_train_epochs", self.num_train_epochs)
        _require(self.lora_dim > 0, "lora_dim", self.lora_dim)
        _require(self.lora_alpha > 0, "lora_alpha", self.lora_alpha)
        _require(0 <= self.varied_values <= 1, "varied_values", self.varied_values)
        _require(self.decision_weight > 0, "decision_weight", self.decision_weight)
        _require(0 <= self.frozen_layers < 1, "frozen_layers", self.frozen_layers)
        _require(self.tokens_per_pack >= 0, "tokens_per_pack", self.tokens_per_pack)
        _require(self.seq_length >= 0, "seq_length", self.seq_length)
        _require(0 <= self.warmup_ratio < 1, "warmup_ratio", self.warmup_ratio)
        _require(self.evaluations >= 1, "evaluations", self.evaluations)
        _require(self.threads >= 0, "threads", self.threads)


def _require(fine: bool, name: str, value: object) -> None:
    if not fine:
        raise SettingsError(f"{name} = {value!r} is out of range", hint="See LanguageModelSettings")
