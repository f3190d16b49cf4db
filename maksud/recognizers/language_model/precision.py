"""The arithmetic of a language model: float32, or bfloat16 where the machine has it.

Decided by what the machine says that it can do, never by a stopwatch: the same machine always
gives the same answer. A setting decides first, then the environment variable MAKSUD_PRECISION.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from maksud.errors import SettingsError

PRECISIONS = ("auto", "float32", "bfloat16")
ENVIRONMENT = "MAKSUD_PRECISION"

# Names in `torch.cpu.get_capabilities()` of instructions that multiply bfloat16: Intel's and
# AMD's, Arm's.
_INSTRUCTIONS = ("amx_bf16", "amx_tile", "avx512_bf16", "bf16", "arm_bf16")


def choose_precision(setting: str, device: torch.device) -> torch.dtype:
    """The type of the matrix products: `torch.float32` or `torch.bfloat16`.

    `setting`: one of `PRECISIONS`. Raises `SettingsError` for another one, or another value of
    MAKSUD_PRECISION.
    """
    forced = forced_precision() if setting == "auto" else setting
    if forced is None:
        return torch.bfloat16 if computes_bfloat16(device) else torch.float32
    if forced not in PRECISIONS:
        raise SettingsError(f"precision {setting!r}", hint=f"Use {', '.join(PRECISIONS)}")
    return torch.bfloat16 if forced == "bfloat16" else torch.float32


def forced_precision() -> str | None:
    """What MAKSUD_PRECISION asks for; None where it is unset or `auto`."""
    value = os.environ.get(ENVIRONMENT, "") or "auto"
    if value not in PRECISIONS:
        raise SettingsError(
            f"{ENVIRONMENT} is {value!r}", hint=f"Use {', '.join(PRECISIONS)}, or unset it"
        )
    return None if value == "auto" else value


def computes_bfloat16(device: torch.device) -> bool:
    """Whether the device says that it multiplies bfloat16 by instructions of its own."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    able = torch.cpu.get_capabilities()
    return any(able.get(name, False) for name in _INSTRUCTIONS)


def arithmetic(precision: torch.dtype, device: torch.device) -> AbstractContextManager[Any]:
    """The context in which a model is computed in `precision`."""
    if precision == torch.float32:
        return nullcontext()
    cast: AbstractContextManager[Any] = torch.autocast(device.type, dtype=precision)
    return cast
