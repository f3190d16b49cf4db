"""What Hugging Face's own tools fetched: their cache stands in where the hub can't be asked."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from maksud.errors import SystemFault
from maksud.progress import OnProgress, Progress
from maksud.recognizers.language_model import fetching
from maksud.recognizers.language_model.folder import LANGUAGE_MODELS, check_model_folder


def get_from_hub(
    name: str, place: Path, tell: OnProgress, takes: Collection[str] = LANGUAGE_MODELS
) -> Path:
    """The checked directory of the hub's model `owner/name`: fetched to `place`, or the cache's.

    `takes`: architectures that it may have.

    The cache is used where the model can't be fetched, as under `HF_HUB_OFFLINE`. Raises what
    `fetch_hub_model` and `check_model_folder` raise.
    """
    try:
        fetching.fetch_hub_model(name, place, tell, takes)
        return place
    except SystemFault as error:
        from huggingface_hub import constants

        offline = constants.is_offline_mode()
        cached = find_cached(name)
        if cached is not None:
            check_model_folder(cached, takes)
            why = "HF_HUB_OFFLINE is set" if offline else error.message
            tell(Progress("fetch", 1.0, f"{why}: taken from {cached}"))
            return cached
        if offline:
            raise SystemFault(
                f"HF_HUB_OFFLINE is set, and {name} is not on this machine",
                where=constants.HF_HUB_CACHE,
                hint="Unset it to fetch the model, or give a directory that holds it",
            ) from error
        raise


def find_cached(name: str) -> Path | None:
    """The newest snapshot of a model in the hub's cache; None where there is none with weights."""
    from huggingface_hub import try_to_load_from_cache

    file = try_to_load_from_cache(name, "config.json")
    if not isinstance(file, str):
        return None
    snapshot = Path(file).parent
    return snapshot if any(snapshot.glob("*.safetensors")) else None
