"""From a plain Hugging Face directory to tokenizer and model, checked before anything is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from maksud.errors import RunError, SettingsError
from maksud.recognizers.language_model.gallery import check_model_folder, quiet


def load(base: Path, device: torch.device, method: str = "lora") -> tuple[Any, Any]:
    """Tokenizer and model of a plain Hugging Face directory, which is checked first."""
    tokenizer = load_tokenizer(base)
    from transformers import AutoModelForCausalLM

    kwargs: dict[str, Any] = {}
    if method == "qlora":
        try:
            import bitsandbytes  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: F401
        except ImportError as error:
            raise SettingsError(
                "method qlora needs bitsandbytes, which is not installed",
                hint="pip install bitsandbytes, or use method lora",
            ) from error
        from transformers import BitsAndBytesConfig

        kwargs["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
    try:
        with quiet():
            model = AutoModelForCausalLM.from_pretrained(
                base,
                dtype="auto",
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                attn_implementation="sdpa",
                **kwargs,
            )
    except (OSError, ValueError, KeyError) as error:
        raise RunError(f"the model can't be loaded ({error})", where=str(base)) from error
    if method != "qlora":
        model.to(device)
    return tokenizer, model


def load_tokenizer(base: Path) -> Any:
    """The tokenizer of a plain Hugging Face directory, which is checked first."""
    check_model_folder(base)
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(base, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise RunError(f"the tokenizer can't be loaded ({error})", where=str(base)) from error
