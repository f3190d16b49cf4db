"""From a tuned model to a plain Hugging Face directory that any tool loads: merged, in floats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from maksud.errors import RunError, SystemFault
from maksud.recognizers.language_model.loading import Base, load_model
from maksud.recognizers.language_model.notices import quiet
from maksud.recognizers.language_model.terms import pass_on

SMALL = 1_000_000_000
"""Models below this many parameters are merged and saved in float32.

A greedy choice between two near-equal tokens falls differently in bfloat16 when the batch or the
cache does: only in float32 does the guide's script, one prompt at a time, give the answers of our
batched evaluation. Small models can afford it; larger ones are saved in bfloat16.
"""


def merge_afresh(tuned: Any, base: Base) -> Any:
    """The base, loaded again in floats on the CPU, with the LoRA weights of `tuned` merged in.

    For a model that was tuned on quantised weights, which can be neither cast nor saved as plain
    ones. Dettmers et al. 2023 (QLoRA, arXiv:2305.14314).
    """
    from peft import get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict

    learnt = get_peft_model_state_dict(tuned, save_embedding_layers=False)
    plain = load_model(base, torch.device("cpu"))
    plain.to(_saved_type(plain))
    with quiet():
        fresh = get_peft_model(plain, tuned.peft_config["default"])
        report = set_peft_model_state_dict(fresh, {k: v.cpu() for k, v in learnt.items()})
    if report.unexpected_keys:
        raise RunError(
            f"LoRA weights have no place in the base: {report.unexpected_keys[0]}",
            where=str(base.path),
        )
    return fresh.merge_and_unload()


def save_model(model: Any, tokenizer: Any, end: int, out: Path, base: Path | None = None) -> None:
    """Writes a merged model, its tokenizer and greedy decoding up to the token `end` into `out`.

    `base`: the directory that it was tuned from, whose licence and notices it brings along.
    Raises `SystemFault` where it can't be written.
    """
    from safetensors import SafetensorError
    from transformers import GenerationConfig

    model.to(_saved_type(model))
    model.config._attn_implementation_internal = None
    model.config.use_cache = True
    model.config.eos_token_id = end
    model.generation_config = GenerationConfig(eos_token_id=end, pad_token_id=end, do_sample=False)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with quiet():
            model.save_pretrained(out)
        tokenizer.save_pretrained(out)
        if base is not None:
            pass_on(base, out)
    except (OSError, SafetensorError) as error:
        raise SystemFault(
            f"the tuned model can't be saved ({error})", where=str(out), hint="Make room on disk"
        ) from error


def _saved_type(model: Any) -> torch.dtype:
    count = sum(p.numel() for p in model.parameters())
    return torch.float32 if count < SMALL else torch.bfloat16
