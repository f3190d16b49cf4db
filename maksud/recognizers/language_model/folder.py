"""What a model directory must be before any loader sees it: safe, whole, and plain weights.

Looks at names, configuration files and the headers of the weights; nothing is loaded.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from maksud.errors import InputError, NotFoundError

LANGUAGE_MODELS = frozenset(
    {
        "Gemma2ForCausalLM",
        "Gemma3ForCausalLM",
        "GraniteForCausalLM",
        "LlamaForCausalLM",
        "MistralForCausalLM",
        "Olmo2ForCausalLM",
        "Phi3ForCausalLM",
        "Qwen2ForCausalLM",
        "Qwen3ForCausalLM",
        "SmolLM3ForCausalLM",
    }
)
"""Architectures that can be tuned to write calls."""
ENCODERS = frozenset(
    {
        "BertModel",
        "BertForMaskedLM",
        "XLMRobertaModel",
        "XLMRobertaForMaskedLM",
    }
)
"""Architectures that features can be taken of."""
_PICKLED = {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".npy", ".npz"}
_CODE_KEYS = {"auto_map", "trust_remote_code", "custom_pipelines"}
_ENDING = re.compile("(ForCausalLM|ForMaskedLM|Model)$")
_LARGEST_JSON = 64 << 20
_LARGEST_TEMPLATE = 64 << 10
_PLAIN_TYPES = {"F64", "F32", "F16", "BF16", "I64", "I32", "BOOL"}
"""Of tensors: numbers, and what some models keep beside them. Smaller ones are quantised."""
_QUANTISED_KEYS = ("quantization_config", "compression_config")


AGAIN = "Fetch the model again"
"""The next step where a file is damaged."""


def check_model_folder(path: str | Path, takes: Collection[str] = LANGUAGE_MODELS) -> None:
    """Refuses a model directory that could run code when loaded, before any loader sees it.

    `takes`: the architectures that are wanted.

    Raises `NotFoundError` for no such directory and `InputError`, with the file, for Python code,
    a configuration that asks for code, pickled files that are not beside safetensors weights
    (those beside them are neither opened nor copied: only safetensors are loaded), links that
    leave the directory (those of the hub's cache lead to files that belong to it), weights that
    are damaged or missing, runs that are no model, adapters, quantised weights, and unknown
    architectures.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise NotFoundError("no such model directory", where=str(folder))
    _refuse_run(folder)
    root = Path(os.path.realpath(folder))
    weights, pickled = False, list[Path]()
    for file in _files(folder):
        if file.is_symlink():
            _check_link(file, root)
        elif not file.is_file():
            raise _unsafe(file, "is no regular file", "Remove it")
        suffix = file.suffix.lower()
        if suffix in (".py", ".pyc", ".pyd", ".so", ".dll"):
            raise _unsafe(file, "is code, which a model must not bring", "Remove it")
        if suffix in _PICKLED:
            pickled.append(file)
        elif suffix == ".json":
            _check_json(file)
        elif suffix == ".jinja" and file.stat().st_size > _LARGEST_TEMPLATE:
            raise _unsafe(file, "is larger than a chat template can be (64 KiB)", "")
        elif suffix == ".safetensors":
            _check_safetensors(file)
            weights = True
    if pickled and not any(folder.glob("*.safetensors")):
        raise _unsafe(
            pickled[0], "may hold pickled objects, which can run code",
            "Save the model as safetensors: only these are read",
        )  # fmt: skip
    _refuse_adapter(folder, weights=(folder / "config.json").is_file())
    _require_config(folder)
    config = _read_json(folder / "config.json")
    if not isinstance(config, dict):
        raise _unsafe(folder / "config.json", "is not a model's configuration", "")
    names = config.get("architectures") or ["none"]
    if not isinstance(names, list) or not set(map(str, names)) <= set(takes):
        known = ", ".join(sorted({_ENDING.sub("", a) for a in takes}))
        raise _unsafe(
            folder / "config.json",
            f"architecture {', '.join(map(str, names))} is not supported",
            f"Supported: {known}",
        )
    _refuse_quantised(folder, config)
    if not weights:
        raise _unsafe(folder, "holds no .safetensors weights", "Save the model as safetensors")


def _refuse_run(folder: Path) -> None:
    """A run of a language model is a model's directory too; one of another kind is none."""
    if (folder / "run.json").is_file() and not (folder / "config.json").is_file():
        raise _unsafe(
            folder, "is a run of a kind that no training starts from",
            "Name a base (`maksud models list`), and train on all the data again",
        )  # fmt: skip


def _refuse_adapter(folder: Path, *, weights: bool) -> None:
    file = folder / "adapter_config.json"
    if not file.is_file():
        return
    if weights:  # transformers would put the adapter on the weights that lie beside it
        raise _unsafe(
            file, "is an adapter beside a model",
            "Merge it first (peft: merge_and_unload, then save_pretrained), or remove it",
        )  # fmt: skip
    raise _unsafe(
        folder, "is an adapter (LoRA or the like), not a model",
        "Merge it into its base (peft: merge_and_unload, then save_pretrained) and give that "
        "directory",
    )  # fmt: skip


def _refuse_quantised(folder: Path, config: dict[str, Any]) -> None:
    for key in _QUANTISED_KEYS:
        if config.get(key):
            about = config[key]
            how = about.get("quant_method", "quantised") if isinstance(about, dict) else "quantised"
            raise _quantised(folder / "config.json", str(how))


def _quantised(file: Path, how: str) -> InputError:
    return _unsafe(
        file, f"the weights are quantised ({how})",
        "Give the model's unquantised weights; method qlora quantises them by itself",
    )  # fmt: skip


def _files(folder: Path) -> Iterator[Path]:
    for where, directories, files in os.walk(folder, followlinks=False):
        for name in [*directories, *files]:
            file = Path(where, name)
            if file.is_symlink() or name in files:
                yield file


def _check_link(file: Path, root: Path) -> None:
    target = Path(os.path.realpath(file))  # unlike `resolve`, it ends where links go in a circle
    if not target.exists():
        raise _unsafe(file, "is a link to nothing", AGAIN)
    # Beside snapshots/REVISION of the hub's cache, blobs/ holds the files of the same model.
    blobs = root.parent.with_name("blobs") if root.parent.name == "snapshots" else None
    own = target.is_relative_to(root) or (target.parent == blobs and target.is_file())
    if not own:
        raise _unsafe(file, "is a link that leaves the directory", "Copy the file itself")


def _require_config(folder: Path) -> None:
    if (folder / "config.json").exists():
        return
    revisions = sorted((folder / "snapshots").glob("*/config.json"))
    raise _unsafe(
        folder, "holds no config.json: it is not a model's directory",
        f"It is an entry of the hub's cache: give {revisions[-1].parent}" if revisions
        else "Give the directory that save_pretrained wrote, with tokenizer and weights",
    )  # fmt: skip


def _check_json(file: Path) -> None:
    if file.stat().st_size > _LARGEST_JSON:
        raise _unsafe(file, "is larger than 64 MiB", "")
    content = _read_json(file)
    if file.name == "vocab.json":
        return  # its keys are tokens
    if file.name == "tokenizer.json" and isinstance(content, dict):
        content = {k: v for k, v in content.items() if k != "model"}
    if file.name.endswith(".safetensors.index.json"):
        _check_index(file, content)
    stack: list[Any] = [content]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            asked = _CODE_KEYS & value.keys()
            if asked:
                raise _unsafe(
                    file, f"asks for code of its own ({sorted(asked)[0]})",
                    "Take a model that transformers supports without remote code",
                )  # fmt: skip
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)


def _check_index(file: Path, content: Any) -> None:
    """The loader reads what an index names, whatever it is and wherever."""
    parts = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(parts, dict):
        raise _unsafe(file, "is no index of weights", AGAIN)
    for part in parts.values():
        plain = isinstance(part, str) and part == os.path.basename(part)
        if not plain or not part.endswith(".safetensors"):
            raise _unsafe(
                file, f"names {str(part)[:80]!r}, which is no safetensors file beside it",
                "Save the model as safetensors: only these are read",
            )  # fmt: skip


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _unsafe(file, f"can't be read as JSON ({type(error).__name__})", AGAIN) from error


def _check_safetensors(file: Path) -> None:
    size = file.stat().st_size
    try:
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if not 2 <= length <= min(size - 8, 100 << 20):
                raise ValueError("header length")
            header = json.loads(stream.read(length))
        end, types = 0, set()
        for name, tensor in header.items():
            if name != "__metadata__":
                begin, stop = tensor["data_offsets"]
                if not 0 <= begin <= stop:
                    raise ValueError("offsets")
                end = max(end, stop)
                types.add(str(tensor["dtype"]))
        if end != size - 8 - length:
            raise ValueError("the file is cut off" if end > size - 8 - length else "extra bytes")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unsafe(file, f"is damaged ({error})", AGAIN) from error
    if not types <= _PLAIN_TYPES:
        raise _quantised(file, ", ".join(sorted(types - _PLAIN_TYPES))[:80])


def _unsafe(file: Path, what: str, hint: str) -> InputError:
    return InputError(what, where=str(file), hint=hint)
