"""From a plain Hugging Face directory to tokenizer and model, checked before anything is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from maksud.errors import RunError
from maksud.recognizers.language_model.folder import check_model_folder
from maksud.recognizers.language_model.inspection import (
    require_embeddings,
    require_method,
    require_weights,
)
from maksud.recognizers.language_model.notices import quiet
from maksud.recognizers.language_model.prompt import prepare_tokenizer, template_of


@dataclass(frozen=True)
class Base:
    """A checked model directory and its tokenizer, which are looked at once in a tuning."""

    path: Path
    tokenizer: Any
    template: str
    """`"chatml"`, or Jinja text."""
    added: tuple[int, ...] = ()
    """Ids of control tokens that the base did not have: `load_model` gives them embeddings."""
    end: int | None = None
    """The end token that the base had."""


def open_base(path: str | Path, template: str = "", *, checked: bool = False) -> Base:
    """The model directory at `path`, with its tokenizer as a run saves it.

    `template`: that of a contract; by default what suits the tokenizer. `checked`: the directory
    was checked just now, by `gallery.get`. Raises what `check_model_folder` raises, `RunError`
    where the tokenizer can't be loaded, `EngineError` where no template suits it.
    """
    path = Path(path)
    if not checked:
        check_model_folder(path)
    from transformers import AutoTokenizer

    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
    except Exception as error:
        raise _unloadable("tokenizer", path, error) from error
    template = template or template_of(tokenizer)
    end = tokenizer.eos_token_id
    added = prepare_tokenizer(tokenizer, template)
    return Base(path, tokenizer, template, added, end)


def load_tokenizer(base: str | Path) -> Any:
    """The tokenizer of a plain Hugging Face directory, which is checked first."""
    return open_base(base).tokenizer


def load_model(base: Base, device: torch.device, method: str = "lora", bits: int = 4) -> Any:
    """The model of a base; for `qlora` in 4 or 8 `bits` on the GPU, otherwise as saved.

    Raises `RunError` where weights are missing or have another shape, or where the tokenizer has
    ids that the model does not know.
    """
    from transformers import AutoModelForCausalLM

    kwargs: dict[str, Any] = {}
    if method == "qlora":
        require_method(method)
        from transformers import BitsAndBytesConfig

        kwargs["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=bits == 4,
            load_in_8bit=bits == 8,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
    try:
        with quiet():
            model, report = AutoModelForCausalLM.from_pretrained(
                base.path,
                dtype="auto",
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                attn_implementation="sdpa",
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # they are refused below, by name
                **kwargs,
            )
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        raise _unloadable("model", base.path, error) from error
    require_weights(report, base.path)
    require_embeddings(base.tokenizer, model, base.path, base.added)
    if base.added:
        with quiet():
            _give_embeddings(model, base)
    if method != "qlora":  # four-bit weights are where they belong, and stay as they are
        model.to(device)
    return model


def _give_embeddings(model: Any, base: Base) -> None:
    """Embeddings for the control tokens that a base gets.

    `<|im_end|>` takes over that of the end token, which the base knows to write where a text is
    over; were it copied, the two would be as likely as each other for ever. It and `<|im_start|>`
    get the mean, which stands for nothing yet.
    """
    rows = max(base.added) + 1
    if rows > model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(rows, mean_resizing=False)
    with torch.no_grad():
        tables = [model.get_input_embeddings().weight]
        if model.get_output_embeddings().weight is not tables[0]:
            tables.append(model.get_output_embeddings().weight)
        for table in tables:
            mean = table[: min(base.added)].float().mean(0).to(table.dtype)
            before = mean if base.end is None else table[base.end].clone()
            for token in base.added:
                table[token] = mean
            if base.end is not None:
                table[base.end] = mean
            table[base.tokenizer.eos_token_id] = before


def load(base: str | Path, device: torch.device, method: str = "lora") -> tuple[Any, Any]:
    """Tokenizer and model of a plain Hugging Face directory, which is checked first."""
    opened = open_base(base)
    return opened.tokenizer, load_model(opened, device, method)


def _unloadable(what: str, path: Path, error: Exception) -> RunError:
    """For what transformers, tokenizers and the hub's client raise about files: trees of many."""
    why = " ".join(str(error).split())
    if not isinstance(error, OSError):
        why = f"{type(error).__name__}: {why}"
    return RunError(
        f"the {what} can't be loaded ({why[:300]})",
        where=str(path),
        hint="Fetch the model again, or save model and tokenizer with this version of transformers",
    )
