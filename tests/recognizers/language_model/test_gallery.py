"""Which base models there are."""

from pathlib import Path

import pytest
from tiny_language_model import write_tiny_base

from maksud.errors import InputError, NotFoundError
from maksud.recognizers.language_model import fetching, gallery


def test_names_that_are_nothing() -> None:
    with pytest.raises(NotFoundError, match="smollm2-135m"):
        gallery.get("smollm2-135")
    for name in ("../../etc", "a/../b", "/etc", "a//b", "https://x/y"):
        with pytest.raises((NotFoundError, InputError)):
            gallery.get(name)
    with pytest.raises(NotFoundError, match="no such model directory"):
        gallery.get(Path("nowhere"))


def test_the_list_says_what_is_here(home: Path) -> None:
    listed = {e.id: e for e in gallery.list_models()}
    assert not any(e.present for e in listed.values())
    assert "Qwen/Qwen1.5-1.8B-Chat" in listed
    assert listed[gallery.DEFAULT].to_json()["licence"] == "Apache-2.0"
    write_tiny_base(home / "models" / gallery.DEFAULT)
    write_tiny_base(home / "models" / "some--model")
    listed = {e.id: e for e in gallery.list_models()}
    assert listed[gallery.DEFAULT].present and listed["some/model"].present
    assert gallery.get("some/model") == home / "models" / "some--model"


def test_a_kept_model_is_checked_each_time(home: Path) -> None:
    place = write_tiny_base(home / "models" / "some--model")
    (place / "modeling.py").write_text("")
    with pytest.raises(InputError, match="is code"):
        gallery.get("some/model")


def test_a_name_that_the_hub_does_not_have(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(name: str, place: Path, tell: object, takes: object) -> None:
        raise NotFoundError(f"the hub has no model {name!r}")

    monkeypatch.setattr(fetching, "fetch_hub_model", fetch)
    with pytest.raises(NotFoundError, match="Qwen/Qwen3-0.6B"):
        gallery.get("Qwen/Qwen3-0.6")
