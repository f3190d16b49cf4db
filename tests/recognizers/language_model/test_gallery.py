"""Which base models there are."""

from pathlib import Path

import pytest
from tiny_language_model import write_tiny_base
from typer.testing import CliRunner

from maksud.cli import app
from maksud.errors import InputError, NotFoundError
from maksud.recognizers.language_model import fetching, gallery
from maksud.recognizers.language_model.kind import with_recipe
from maksud.recognizers.language_model.settings import LanguageModelSettings


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
    gemma = listed[gallery.GEMMA].to_json()
    assert (gemma["licence"], gemma["terms"]) == ("Gemma Terms of Use", "gemma")
    assert gemma["recipe"] == gallery.recipe_of(gallery.GEMMA)
    write_tiny_base(home / "models" / gallery.DEFAULT)
    write_tiny_base(home / "models" / "some--model")
    listed = {e.id: e for e in gallery.list_models()}
    assert listed[gallery.DEFAULT].present and listed["some/model"].present
    assert not any(e.fault for e in listed.values())
    assert gallery.get("some/model") == home / "models" / "some--model"


def test_a_kept_model_is_checked_each_time(home: Path) -> None:
    place = write_tiny_base(home / "models" / "some--model")
    (place / "modeling.py").write_text("")
    with pytest.raises(InputError, match="is code"):
        gallery.get("some/model")


def test_a_damaged_model_is_to_be_removed_as_what_is_here_is_not_fetched(home: Path) -> None:
    place = write_tiny_base(home / "models" / gallery.DEFAULT)
    (place / "model.safetensors").write_bytes((place / "model.safetensors").read_bytes()[:-9])
    with pytest.raises(InputError, match="cut off") as found:
        gallery.get(gallery.DEFAULT)
    assert found.value.hint == f"Remove {place}, then: maksud models get {gallery.DEFAULT}"
    (listed,) = (e for e in gallery.list_models() if e.id == gallery.DEFAULT)
    assert listed.present and listed.fault == str(found.value)
    done = CliRunner().invoke(app, ["models", "list"])
    assert done.exit_code == 0 and "damaged" in done.output
    assert f"Remove {place}, then: maksud models get" in done.output
    with pytest.raises(InputError, match="cut off.*Fetch the model again"):  # one's own directory
        gallery.get(place)


def test_a_name_that_the_hub_does_not_have(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(name: str, place: Path, tell: object, takes: object) -> None:
        raise NotFoundError(f"the hub has no model {name!r}")

    monkeypatch.setattr(fetching, "fetch_hub_model", fetch)
    with pytest.raises(NotFoundError, match="Qwen/Qwen3-0.6B"):
        gallery.get("Qwen/Qwen3-0.6")
    for nothing in ("", " "):  # an unset variable of a script, not the folder that one is in
        with pytest.raises(NotFoundError, match="no base model.*smollm2-135m"):
            gallery.get(nothing)


def test_a_recipe_stands_where_settings_are_left_to_be_chosen() -> None:
    recipe = gallery.recipe_of(gallery.GEMMA)
    assert 2e-4 <= recipe["learning_rate"] <= 1.5e-3 and recipe["num_train_epochs"] <= 4
    chosen = with_recipe(LanguageModelSettings(), recipe)
    assert chosen.learning_rate == recipe["learning_rate"]
    assert chosen.num_train_epochs == recipe["num_train_epochs"]
    given = LanguageModelSettings(learning_rate=1e-4, num_train_epochs=2)
    assert with_recipe(given, recipe) == given
    whole = with_recipe(LanguageModelSettings(method="full"), recipe)
    assert whole.learning_rate == 0 and whole.num_train_epochs == recipe["num_train_epochs"]
    assert with_recipe(given, gallery.recipe_of("owner/model")) == given
