"""The language model kind: a causal language model, tuned to write the calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from maksud.errors import SettingsError
from maksud.recognizers.contract import Contract, Decoding
from maksud.recognizers.kinds import Kind, Task, Trained
from maksud.recognizers.language_model.settings import LanguageModelSettings
from maksud.recognizers.negation import Negation
from maksud.recognizers.recognition import Recognizer


def _train(task: Task) -> Trained:
    from maksud.recognizers.language_model import gallery, prompt
    from maksud.recognizers.language_model.loading import open_base
    from maksud.recognizers.language_model.training import train_language_model

    own: LanguageModelSettings = task.settings
    folder = gallery.get(task.base, task.tell, accept_licence=own.accept_licence)
    own = with_recipe(own, gallery.recipe_of(task.base))
    base = open_base(folder, checked=True)
    contract = Contract(
        task.catalog,
        system_prompt=own.system_prompt,
        template=base.template,
        decoding=Decoding(max_new_tokens=own.max_new_tokens, constrained=own.constrained),
        tokenizer=prompt.tokenizer_fingerprint(base.tokenizer),
    )
    metrics = train_language_model(
        task.train_set, task.held_out, base, contract, task.directory, own, task.tell,
        seed=task.seed, checkpoints=task.checkpoints, keep_checkpoints=True,
    )  # fmt: skip
    negation = Negation.learn(task.train_set)
    if negation is not None:
        negation.save(task.directory)
    settings = LanguageModelSettings(**metrics.pop("settings"))
    accepted = gallery.require_accepted(task.base)
    about = {"licence": asdict(accepted)} if accepted else {}
    return Trained(contract, metrics, settings, about)


def with_recipe(
    settings: LanguageModelSettings, recipe: Mapping[str, float]
) -> LanguageModelSettings:
    """The settings with those of a base's recipe, where they were left to be chosen.

    A rate is one for LoRA: where all weights are tuned, it is far lower.
    """
    if settings.method == "full":
        recipe = {key: value for key, value in recipe.items() if key != "learning_rate"}
    changes: dict[str, Any] = {k: v for k, v in recipe.items() if not getattr(settings, k)}
    return replace(settings, **changes)


def _open(path: Path, contract: Contract, name: str) -> Recognizer:
    from maksud.recognizers.language_model.recognizer import LanguageModelRecognizer

    return LanguageModelRecognizer.load(path, contract, name)


def translate_guide(given: Mapping[str, Any]) -> dict[str, Any]:
    """The guide's settings (docs/settings.md) as ours; the others as they are.

    `lora_dim` 0 is tuning in full; `load_in_4bit` and `load_in_8bit` are QLoRA; a global batch is
    `per_device_train_batch_size` × `gradient_accumulation_steps` examples a step. Raises
    `SettingsError` for what contradicts itself.
    """
    out = dict(given)
    flags = {k: _flag(k, out.pop(k)) for k in ("load_in_4bit", "load_in_8bit") if k in out}
    wanted = [k for k, on in flags.items() if on]
    if len(wanted) == 2:
        raise SettingsError("load_in_4bit and load_in_8bit are both true", hint="Choose one")
    if "lora_dim" in out and str(out["lora_dim"]).strip() in ("0", "0.0"):
        if wanted or out.get("method", "full") != "full":
            raise SettingsError("lora_dim 0 tunes all weights", hint="Use a rank above 0")
        del out["lora_dim"]
        out["method"] = "full"
    if wanted:
        if out.get("method", "qlora") != "qlora":
            raise SettingsError(f"{wanted[0]} is method qlora", hint="Leave one of the two out")
        out |= {"method": "qlora", "bits": 8 if wanted[0] == "load_in_8bit" else 4}
    sizes = [k for k in ("per_device_train_batch_size", "gradient_accumulation_steps") if k in out]
    if sizes:
        product = 1
        for key in sizes:
            value = out.pop(key)
            try:
                product *= int(value)
            except (TypeError, ValueError):
                product = 0
            if product < 1:
                raise SettingsError(f"{key} is {value!r}", hint="Use a whole number above 0")
        if "examples_per_step" in out:
            raise SettingsError(f"{sizes[0]} and examples_per_step are one thing", hint="Keep one")
        out["examples_per_step"] = product
    if "apply_chat_template" in out and not _flag(
        "apply_chat_template", out.pop("apply_chat_template")
    ):
        raise SettingsError(
            "apply_chat_template is false",
            hint="Training and serving share one prompt, the chat template: leave it true",
        )
    return out


def _flag(key: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).casefold() in ("true", "false"):
        return str(value).casefold() == "true"
    raise SettingsError(f"{key} is {value!r}", hint="Use true or false")


def _prepare(settings: Any) -> None:
    from maksud.recognizers.language_model.inspection import require_method

    require_method(settings.method)


KIND = Kind(
    "language_model",
    LanguageModelSettings,
    _train,
    _open,
    takes_other_bases=True,
    calibration_examples=300,
    background=60,
    translate=translate_guide,
    prepare=_prepare,
    libraries=("transformers", "peft", "tokenizers"),
)
