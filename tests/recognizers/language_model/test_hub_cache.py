"""Without the hub, what its own tools fetched is used."""

from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants
from tiny_language_model import write_hub_cache

from maksud.data.dataset import Dataset
from maksud.errors import InputError, SystemFault
from maksud.progress import Progress
from maksud.recognizers.door import load_recognizer, train
from maksud.recognizers.language_model import fetching, gallery, hub_cache
from maksud.recognizers.language_model.settings import LanguageModelSettings


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache, empty, and no hub."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_offline_the_cache_is_used(cache: Path, small_data: Dataset, tmp_path: Path) -> None:
    snapshot = write_hub_cache(cache)
    told: list[Progress] = []
    assert gallery.get("Org/Tiny", told.append) == snapshot
    assert any(f"taken from {snapshot}" in p.text for p in told)
    settings = LanguageModelSettings(num_train_epochs=1, dev_answer_rows=2, threads=1)
    rows = Dataset([*small_data.train[:12], *small_data.dev[:4]])
    run = train(rows, out=tmp_path / "run", base="Org/Tiny", kind=settings)
    assert load_recognizer(run)("putar lagu Hampa").calls
    assert not any(f.is_symlink() for f in run.path.iterdir())


def test_offline_and_not_in_the_cache(cache: Path, home: Path) -> None:
    with pytest.raises(SystemFault, match="HF_HUB_OFFLINE is set, and Org/Tiny is not.*Unset it"):
        gallery.get("Org/Tiny")
    snapshot = write_hub_cache(cache)
    (snapshot / "model.safetensors").unlink()  # somebody looked at the tokenizer only
    assert hub_cache.find_cached("Org/Tiny") is None
    with pytest.raises(SystemFault, match="not on this machine"):
        gallery.get("Org/Tiny")
    assert not list((home / "models").iterdir())


def test_where_the_hub_can_not_be_reached(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(*_: Any) -> None:
        raise SystemFault("no network")

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(fetching, "fetch_hub_model", fetch)
    with pytest.raises(SystemFault, match="no network"):
        gallery.get("Org/Tiny")
    told: list[Progress] = []
    snapshot = write_hub_cache(cache)
    assert gallery.get("Org/Tiny", told.append) == snapshot
    assert told[0].text == f"no network: taken from {snapshot}"


def test_what_is_cached_is_checked_too(cache: Path) -> None:
    (write_hub_cache(cache) / "modeling.py").write_text("")
    with pytest.raises(InputError, match="is code"):
        gallery.get("Org/Tiny")
