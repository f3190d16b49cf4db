"""What is refused before anything is loaded."""

import json
import os
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_language_model import write_hub_cache, write_tiny_base

from maksud.errors import InputError
from maksud.recognizers.language_model import gallery
from maksud.recognizers.language_model.folder import check_model_folder
from maksud.recognizers.language_model.loading import load


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_tiny_base(tmp_path / "model")


def edit(file: Path, **changes: Any) -> None:
    content = json.loads(file.read_text())
    file.write_text(json.dumps(content | changes))


def test_a_plain_directory_is_fine(model: Path) -> None:
    check_model_folder(model)
    assert gallery.get(model) == model
    assert gallery.get(str(model)) == model


@pytest.mark.parametrize("name", ["modeling.py", "native.so", "sub/deep.py", "__pycache__/x.pyc"])
def test_code_is_refused(model: Path, name: str) -> None:
    (model / name).parent.mkdir(exist_ok=True)
    (model / name).write_text("print('run')")
    with pytest.raises(InputError, match="is code"):
        check_model_folder(model)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "a.pt", "b.PKL", "c.npy", "d.ckpt"])
def test_pickles_alone_are_refused(model: Path, name: str) -> None:
    (model / name).write_bytes(b"\x80\x04.")
    (model / "sub").mkdir()
    os.rename(model / "model.safetensors", model / "sub" / "model.safetensors")
    with pytest.raises(InputError, match="pickled.*Save the model as safetensors"):
        check_model_folder(model)


def test_pickles_beside_safetensors_are_never_opened(model: Path, tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "exploded",)

    names = ("pytorch_model.bin", "training_args.bin", "checkpoint-9/optimizer.pt")
    for name in names:
        (model / name).parent.mkdir(exist_ok=True)
        (model / name).write_bytes(pickle.dumps(Bomb()))
    opened: list[str] = []
    sys.addaudithook(lambda event, about: watch(event, about))

    def watch(event: str, about: tuple[Any, ...]) -> None:
        if event == "open" and watching and isinstance(about[0], (str, bytes, os.PathLike)):
            opened.append(os.path.basename(os.fsdecode(about[0])))

    watching = True
    try:
        assert gallery.get(model) == model
        load(model, torch.device("cpu"))
    finally:
        watching = False
    assert "config.json" in opened
    assert not {os.path.basename(name) for name in names} & set(opened)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("part", ["pytorch_model.bin", "../model.safetensors", "/x.safetensors", 3])
def test_an_index_may_name_only_safetensors_beside_it(model: Path, part: object) -> None:
    index = model / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": {"w": "model.safetensors"}}))
    check_model_folder(model)
    (model / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    index.write_text(json.dumps({"metadata": {}, "weight_map": {"w": part}}))
    with pytest.raises(InputError, match="no safetensors file beside it"):
        check_model_folder(model)
    index.write_text("[]")
    with pytest.raises(InputError, match="no index of weights"):
        check_model_folder(model)


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json", "tokenizer.json"])
def test_a_configuration_that_asks_for_code_is_refused(model: Path, file: str) -> None:
    edit(model / file, auto_map={"AutoConfig": "x--y"})
    with pytest.raises(InputError, match="asks for code of its own"):
        check_model_folder(model)


def test_links_that_leave_the_directory_are_refused(model: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text("{}")
    os.symlink(tmp_path / "secret.json", model / "extra.json")
    with pytest.raises(InputError, match="link that leaves"):
        check_model_folder(model)


def test_links_that_stay_inside_are_fine(model: Path) -> None:
    os.rename(model / "model.safetensors", model / "blob.safetensors")
    os.symlink("blob.safetensors", model / "model.safetensors")
    check_model_folder(model)


def test_a_snapshot_of_the_hubs_cache_is_fine(tmp_path: Path) -> None:
    snapshot = write_hub_cache(tmp_path)
    check_model_folder(snapshot)
    assert gallery.get(str(snapshot)) == snapshot
    os.symlink(snapshot, tmp_path / "short")
    check_model_folder(tmp_path / "short")
    with pytest.raises(InputError, match=f"entry of the hub's cache: give {snapshot}"):
        check_model_folder(snapshot.parents[1])


@pytest.mark.parametrize("target", ["../../blobs", "../../refs/main", "../../../secret.json"])
def test_links_of_a_snapshot_lead_to_its_own_files(target: str, tmp_path: Path) -> None:
    snapshot = write_hub_cache(tmp_path)
    (tmp_path / "secret.json").write_text("{}")
    os.symlink(target, snapshot / "extra.json")
    with pytest.raises(InputError, match=r"extra\.json: is a link that leaves"):
        check_model_folder(snapshot)
    os.rename(snapshot, tmp_path / "a1b2")  # blobs are those of a cache only beside snapshots
    with pytest.raises(InputError, match="is a link to nothing|is a link that leaves"):
        check_model_folder(tmp_path / "a1b2")


def test_links_to_nothing_and_in_a_circle_are_refused(model: Path) -> None:
    os.symlink("not there", model / "extra.json")
    with pytest.raises(InputError, match="is a link to nothing.*Fetch the model again"):
        check_model_folder(model)
    (model / "extra.json").unlink()
    os.symlink("extra.json", model / "extra.json")
    with pytest.raises(InputError, match="is a link to nothing"):
        check_model_folder(model)


def test_a_pipe_is_refused_unread(model: Path) -> None:
    os.mkfifo(model / "extra.json")
    with pytest.raises(InputError, match="is no regular file"):
        check_model_folder(model)


def test_a_directory_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("")
    with pytest.raises(InputError, match="holds no config.json.*save_pretrained"):
        check_model_folder(tmp_path)


def test_a_run_that_is_no_model_is_called_so(model: Path) -> None:
    (model / "run.json").write_text("{}")
    check_model_folder(model)  # of a language model
    (model / "config.json").unlink()
    (model / "model.safetensors").write_bytes(b"quantised in a way of its own")
    with pytest.raises(InputError, match="is a run of a kind that.*maksud models list"):
        check_model_folder(model)


@pytest.mark.parametrize("cut", [-1, -4000, 4])
def test_damaged_weights_are_refused(model: Path, cut: int) -> None:
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:cut])
    with pytest.raises(InputError, match="is damaged"):
        check_model_folder(model)


def test_a_directory_without_weights_or_of_another_kind_is_refused(model: Path) -> None:
    edit(model / "config.json", architectures=["GPTBigCodeForCausalLM"])
    with pytest.raises(InputError, match="architecture GPTBigCodeForCausalLM is not supported"):
        check_model_folder(model)
    edit(model / "config.json", architectures=["LlamaForCausalLM"])
    (model / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"no \.safetensors weights"):
        check_model_folder(model)
    (model / "config.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match="can't be read as JSON.*Fetch the model again"):
        check_model_folder(model)


@pytest.mark.parametrize("method", ["awq", "gptq", "bitsandbytes", "fp8"])
def test_quantised_weights_are_refused(model: Path, method: str) -> None:
    edit(model / "config.json", quantization_config={"quant_method": method, "bits": 4})
    with pytest.raises(InputError, match=rf"weights are quantised \({method}\).*qlora quantises"):
        check_model_folder(model)
    edit(model / "config.json", quantization_config=None, compression_config={"format": "x"})
    with pytest.raises(InputError, match="weights are quantised"):
        check_model_folder(model)


@pytest.mark.parametrize("kind", [torch.int8, torch.uint8, torch.float8_e4m3fn])
def test_weights_of_few_bits_are_refused_whatever_the_configuration_says(
    kind: torch.dtype, model: Path
) -> None:
    weights = load_file(model / "model.safetensors")
    name = "model.layers.1.mlp.up_proj.weight"
    save_file(weights | {name: weights[name].to(kind)}, model / "model.safetensors")
    with pytest.raises(InputError, match=r"weights are quantised \((I8|U8|F8_E4M3)\)"):
        check_model_folder(model)
    half = {n: w.half() for n, w in weights.items()}
    save_file(half | {"places": torch.arange(3)}, model / "model.safetensors")
    check_model_folder(model)


def test_an_adapter_is_told_to_be_merged(model: Path) -> None:
    (model / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    with pytest.raises(InputError, match="adapter beside a model.*Merge it first"):
        check_model_folder(model)
    (model / "config.json").unlink()
    with pytest.raises(InputError, match="is an adapter.*not a model.*Merge it into its base"):
        check_model_folder(model)
