"""How a language model is tuned: what can be set, its defaults and ranges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from maksud.errors import SettingsError
from maksud.recognizers.contract import SYSTEM_PROMPT
from maksud.settings import check_settings, setting


@dataclass(frozen=True)
class LanguageModelSettings:
    """How a language model is tuned. Names are the guide's where it has one."""

    method: Literal["lora", "qlora", "full"] = "lora"
    """`lora`: small matrices beside frozen weights; `qlora`: the same on 4-bit weights (needs
    bitsandbytes and a GPU); `full`: all weights."""
    bits: int = 4
    """Bits of a weight under `qlora`: 4 or 8."""
    learning_rate: float = setting(0.0, low=0)
    """Peak of the learning rate. 0 chooses by base, method and size: 8e-4 for LoRA on gemma3-270m,
    1.5e-3 on others below a billion parameters, 3e-4 above, 5e-5 for all weights."""
    num_train_epochs: float = setting(0.0, low=0, also=("epochs",))
    """Passes over the examples. 0 chooses by base: 4 for gemma3-270m, 7 for others."""
    lora_dim: int = setting(32, low=1)
    """Rank of the LoRA matrices."""
    lora_alpha: int = setting(64, low=1)
    """LoRA's weight: the matrices' product is scaled by lora_alpha / lora_dim."""
    varied_values: float = setting(0.5, low=0, high=1)
    """From the second epoch on, each copied value of an example is replaced with this probability
    by one of another example (see `variation`)."""
    decision_weight: float = setting(1.0, above=0)
    """Weight in the loss of the tokens that say which calls there are, beside 1 for those of
    arguments. More helps where intents are many and training is short."""
    frozen_layers: float = setting(0.0, low=0, below=1)
    """Share of the layers, from the bottom, that stay as they are, in [0, 1). What they compute is
    kept in memory, so that half the layers cost half the time."""
    tokens_per_pack: int = setting(0, low=0)
    """Examples' own tokens in one step. 0 chooses: 300 on a CPU, 4096 on a GPU."""
    examples_per_step: int = setting(0, low=0)
    """Examples in one step, at most; the guide's per_device_train_batch_size times its
    gradient_accumulation_steps. 0: as many as tokens_per_pack holds."""
    seq_length: int = setting(0, low=0)
    """Longest example in tokens, prompt and answer; a longer one is an error. 0: the model's."""
    warmup_ratio: float = setting(0.06, low=0, below=1)
    """Share of the steps over which the learning rate rises."""
    weight_decay: float = setting(0.0, low=0)
    """AdamW's decay of the trained weights."""
    max_grad_norm: float = setting(1.0, above=0)
    """Gradients are scaled down to this norm."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Arithmetic of the matrix products. `auto`: what MAKSUD_PRECISION says, else bfloat16 where
    the machine says that it has instructions for it."""
    evaluations: int = setting(2, low=1)
    """How often to look at the dev sample, evenly spread, the last time at the end. The best
    state is kept."""
    dev_loss_rows: int = setting(64, low=0)
    """Dev examples for the loss."""
    dev_answer_rows: int = setting(32, low=0)
    """Dev examples that are answered, for exact match; 0 looks at the loss only."""
    threads: int = setting(0, low=0)
    """CPU threads; 0 leaves PyTorch's choice. Another number gives slightly other weights."""
    system_prompt: str = SYSTEM_PROMPT
    """System prompt, a part of the contract: the same in training, evaluation and serving."""
    max_new_tokens: int = setting(96, low=1)
    """Longest answer, in tokens."""
    constrained: bool = True
    """Whether only answers that the catalog allows can be written."""
    accept_licence: str = ""
    """Whose terms you accept, so that a base under them may be fetched: `gemma`. Once is enough."""

    def __post_init__(self) -> None:
        """Raises `SettingsError` for values out of range."""
        check_settings(self)
        if self.bits not in (4, 8):
            raise SettingsError(
                f"bits is {self.bits}, expected 4 or 8", where="LanguageModelSettings"
            )
