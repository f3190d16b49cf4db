"""What is known of a base model before the first training step, and of a run before it answers.

A training may take hours: a base that can't be tuned, or whose tuned model could not be loaded,
is refused here and not afterwards. What the files alone show is refused even earlier, by
`folder.check_model_folder`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from maksud.errors import RunError, SettingsError, name_some
from maksud.recognizers.contract import Contract
from maksud.recognizers.language_model.constraint import Constraint
from maksud.recognizers.language_model.notices import quiet
from maksud.recognizers.language_model.prompt import Prompt, tokenizer_fingerprint

_NAMED = 3


def require_method(method: str) -> None:
    """Raises `SettingsError` where this machine can't tune by `method`: before all else."""
    if method != "qlora":
        return
    missing, ways = [], []
    if not torch.cuda.is_available():
        missing.append("a GPU with CUDA, and this machine shows none")
        ways.append("use a machine with a GPU")
    try:
        import bitsandbytes  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: F401
    except ImportError:
        missing.append("bitsandbytes, which is not installed")
        ways.append("pip install bitsandbytes")
    if missing:
        raise SettingsError(
            f"method qlora needs {'; and '.join(missing)}",
            hint=f"Use method lora, or {' and '.join(ways)}",
        )


def require_tokenizer(tokenizer: Any, contract: Contract, where: Path) -> tuple[Prompt, Constraint]:
    """Prompt and constraint of a contract over a tokenizer that suits it.

    Raises `RunError` where the contract is of another tokenizer, where the tokenizer does not
    come back from disk as it is, or where its template can't be rendered, and `EngineError` where
    the catalog can't be written in its tokens.
    """
    found = tokenizer_fingerprint(tokenizer)
    if contract.tokenizer and contract.tokenizer != found:
        raise RunError(
            "the contract was made for another tokenizer",
            where=str(where),
            hint="Make the contract from this base's tokenizer",
        )
    prompt = Prompt(tokenizer, contract.system_prompt, contract.template)
    constraint = Constraint(contract.catalog, tokenizer)
    require_lasting(tokenizer, where)
    return prompt, constraint


def require_lasting(tokenizer: Any, where: Path) -> None:
    """Raises `RunError` where saving and loading give another tokenizer: its run would not open."""
    from transformers import AutoTokenizer

    with TemporaryDirectory() as place, quiet():
        tokenizer.save_pretrained(place)
        again = AutoTokenizer.from_pretrained(place, local_files_only=True)
    if tokenizer_fingerprint(again) != tokenizer_fingerprint(tokenizer):
        raise RunError(
            "the tokenizer is another one after it was saved and loaded",
            where=str(where),
            hint="Save it again with save_pretrained of this version of transformers",
        )


def require_weights(report: Mapping[str, Any], where: Path) -> None:
    """Raises `RunError` where the weights in a model's files are not those of its config.json.

    `report`: what transformers' `output_loading_info` gives. Missing weights would start at
    random, others would be left out, both without a word. Tied weights are not missing.
    """
    missing = sorted(report["missing_keys"])
    if missing:
        renamed = _prefix(missing, sorted(report["unexpected_keys"]))
        hint = (
            f"They are there under names that begin with {renamed!r}: save the model itself, "
            "not what wraps it"
            if renamed
            else "Fetch or save the model again; config.json must be that of the weights"
        )
        raise RunError(
            f"weights of the model are missing: {name_some(missing, _NAMED)}",
            where=str(where),
            hint=hint,
        )
    unknown = sorted(report["unexpected_keys"])
    if unknown:
        raise RunError(
            "the files hold weights that config.json knows nothing of: "
            f"{name_some(unknown, _NAMED)}",
            where=str(where),
            hint="Fetch or save the model again; config.json must be that of the weights",
        )
    other = sorted(name for name, *_ in report["mismatched_keys"])
    if other:
        raise RunError(
            "weights of the model have another shape than config.json says: "
            f"{name_some(other, _NAMED)}",
            where=str(where),
            hint="Fetch or save the model again; config.json must be that of the weights",
        )


def require_embeddings(
    tokenizer: Any, model: Any, where: Path, added: Collection[int] = ()
) -> None:
    """Raises `RunError` where the tokenizer has ids for which the model has no embedding.

    `added`: ids that are to get one.
    """
    ids = max(set(tokenizer.get_vocab().values()).difference(added)) + 1
    rows = int(model.get_input_embeddings().weight.shape[0])
    if ids > rows:
        raise RunError(
            f"the tokenizer has {ids} ids, the model {rows}",
            where=str(where),
            hint="Take the tokenizer of this model, or call resize_token_embeddings and save again",
        )


def context_of(config: Any) -> int:
    """How many tokens a model of this configuration reads, prompt and answer together.

    A rotary embedding that changes with the length of a text would change with its neighbours in a
    batch, too: of such a model the length is taken up to which it does not.
    """
    context = int(config.max_position_embeddings)
    rope = getattr(config, "rope_parameters", None) or {}
    if rope.get("rope_type") in ("dynamic", "longrope"):
        original = rope.get("original_max_position_embeddings") or getattr(
            config, "original_max_position_embeddings", None
        )
        return min(context, int(original or context))
    return context


def require_room(prompt: Prompt, contract: Contract, context: int, where: Path) -> None:
    """Raises `RunError` where a model's context has no room for an utterance of one word."""
    needed = len(prompt.ids("a")) + contract.decoding.max_new_tokens
    if needed > context:
        raise RunError(
            f"the model reads {context} tokens; prompt and answer of the shortest utterance may "
            f"take {needed}",
            where=str(where),
            hint="Take a base with a longer context, a shorter system_prompt or a smaller "
            "max_new_tokens",
        )


def _prefix(missing: list[str], unexpected: list[str]) -> str:
    """What stands before the names of missing weights in the file; empty where nothing does."""
    for name in unexpected:
        for key in missing:
            if name.endswith(key) and name != key:
                return name.removesuffix(key)
    return ""
