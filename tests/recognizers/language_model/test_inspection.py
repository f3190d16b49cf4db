"""What can be known of a base is said before the first step, not after the last."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tiny_language_model import (
    tiny_tokenizer,
    tiny_tokenizer_of_pieces,
    tiny_tokenizer_with_plain_ends,
    write_tiny_base,
)

from maksud.data.dataset import Dataset, Example
from maksud.errors import (
    DataError,
    EngineError,
    MaksudError,
    RunError,
    SettingsError,
    TooLongError,
)
from maksud.progress import Progress
from maksud.recognizers.contract import Contract
from maksud.recognizers.door import checkpoints_of, load_recognizer, train
from maksud.recognizers.language_model import folder, gallery, inspection, loading
from maksud.recognizers.language_model.loading import Base, load, load_tokenizer, open_base
from maksud.recognizers.language_model.prompt import tokenizer_fingerprint
from maksud.recognizers.language_model.recognizer import LanguageModelRecognizer
from maksud.recognizers.language_model.settings import LanguageModelSettings
from maksud.recognizers.language_model.training import train_language_model
from maksud.storage import sha256

SHORT = LanguageModelSettings(
    num_train_epochs=1, tokens_per_pack=300, dev_loss_rows=4, dev_answer_rows=2, threads=1
)
CPU = torch.device("cpu")


def refused(base: Path, data: Dataset, out: Path) -> MaksudError:
    """The error of a training, in which no step was taken and no model was loaded twice."""
    told: list[Progress] = []
    with pytest.raises(MaksudError) as caught:
        train(data, out=out, base=str(base), kind=SHORT, on_progress=told.append)
    assert not any(p.text.startswith("step ") for p in told)
    assert not out.exists() and not checkpoints_of(out).exists()
    return caught.value


def change_weights(base: Path, change: Any) -> None:
    from safetensors.torch import load_file, save_file

    file = base / "model.safetensors"
    save_file(change(load_file(file)), file, metadata={"format": "pt"})


def change_config(base: Path, **changes: Any) -> None:
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(config | changes))


# ---------------------------------------------------------------- the method


def test_qlora_is_refused_before_anything_is_fetched(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def get(*_: Any) -> Path:
        raise AssertionError("fetched")

    monkeypatch.setattr(gallery, "get", get)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SettingsError, match="qlora needs a GPU with CUDA.*Use method lora"):
        train(small_data, out=tmp_path / "run", base="Qwen/Qwen3-0.6B", method="qlora")
    monkeypatch.setitem(__import__("sys").modules, "bitsandbytes", None)
    with pytest.raises(SettingsError, match="a GPU with CUDA.* and bitsandbytes, which is not"):
        train(small_data, out=tmp_path / "run", base="Qwen/Qwen3-0.6B", method="qlora")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setitem(__import__("sys").modules, "bitsandbytes", None)
    with pytest.raises(SettingsError, match="bitsandbytes, which is not installed"):
        train(small_data, out=tmp_path / "run", base="Qwen/Qwen3-0.6B", method="qlora")


def test_qlora_is_refused_before_anything_is_loaded(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    settings = replace(SHORT, method="qlora")
    with pytest.raises(SettingsError, match="qlora needs a GPU"):
        train_language_model(
            small_data.train, [], tmp_path / "nowhere", Contract(small_data.catalog), tmp_path,
            settings,
        )  # fmt: skip
    inspection.require_method("lora")
    inspection.require_method("full")


# ---------------------------------------------------------------- the tokenizer


def test_a_tokenizer_of_another_kind(small_data: Dataset, tmp_path: Path) -> None:
    other = tiny_tokenizer_of_pieces(begin=True)
    base = write_tiny_base(tmp_path / "base", tokenizer=other)
    error = refused(base, small_data, tmp_path / "run")
    assert isinstance(error, EngineError) and "neither byte-level BPE nor" in str(error)


@pytest.mark.parametrize("content", ["{}", "[]", '{"a": 1}'])
def test_a_tokenizer_that_is_none(content: str, small_data: Dataset, tmp_path: Path) -> None:
    base = write_tiny_base(tmp_path / "base")
    (base / "tokenizer.json").write_text(content)
    error = refused(base, small_data, tmp_path / "run")
    assert isinstance(error, RunError) and "tokenizer can't be loaded" in str(error)


def test_a_base_with_a_template_of_its_own_and_no_system_role(
    small_data: Dataset, tmp_path: Path
) -> None:
    tokenizer = tiny_tokenizer(chatml=False)
    tokenizer.chat_template = (
        "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
        "{{ raise_exception('Roles must alternate') }}{% endif %}"
        "{{ '[INST] ' ~ m.content ~ ' [/INST]' if m.role == 'user' else m.content ~ eos_token }}"
        "{% endfor %}"
    )
    base = write_tiny_base(tmp_path / "base", tokenizer=tokenizer)
    rows = Dataset([*small_data.train[:12], *small_data.dev[:4]])
    run = train(rows, out=tmp_path / "run", base=str(base), kind=SHORT)
    opened = load_recognizer(run)
    assert isinstance(opened, LanguageModelRecognizer) and opened("putar lagu Hampa").calls
    # Any tool that loads the run writes the prompt that was trained.
    saved = load_tokenizer(run.path)
    talk = [("system", run.contract.system_prompt), ("user", "putar lagu")]
    text = saved.apply_chat_template([{"role": r, "content": c} for r, c in talk], tokenize=False)
    assert text == f"[INST] {run.contract.system_prompt}\n\nputar lagu [/INST]"
    assert saved(text).input_ids == opened.prompt.ids("putar lagu")


def test_an_end_token_that_was_not_special(small_data: Dataset, tmp_path: Path) -> None:
    base = write_tiny_base(tmp_path / "base", tokenizer=tiny_tokenizer_with_plain_ends())
    run = train(small_data, out=tmp_path / "run", base=str(base), kind=SHORT)
    tokenizer = load_tokenizer(run.path)
    assert tokenizer_fingerprint(tokenizer) == run.contract.tokenizer
    assert tokenizer.eos_token == tokenizer.pad_token == "<|im_end|>"
    assert load_recognizer(run)("putar lagu Hampa").calls


def test_a_tokenizer_that_changes_on_disk(tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer_with_plain_ends()
    inspection.require_lasting(tokenizer, tmp_path)
    tokenizer.eos_token = "<|im_end|>"  # as transformers sets it: special only when read again
    with pytest.raises(RunError, match="another one after it was saved and loaded"):
        inspection.require_lasting(tokenizer, tmp_path)
    contract = Contract(Dataset([Example("a", "play()")]).catalog)
    with pytest.raises(RunError, match="another one after it was saved and loaded"):
        inspection.require_tokenizer(tokenizer, contract, tmp_path)


def test_ids_beyond_the_embedding(small_data: Dataset, tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer()
    known = len(tokenizer)
    tokenizer.add_tokens(["<tool>", "<result>"])
    base = write_tiny_base(tmp_path / "base", tokenizer=tokenizer, ids=known)
    error = refused(base, small_data, tmp_path / "run")
    assert f"the tokenizer has {known + 2} ids, the model {known}" in str(error)
    write_tiny_base(tmp_path / "padded", tokenizer=tokenizer, ids=known + 64)
    load(tmp_path / "padded", CPU)


def test_a_run_with_ids_beyond_the_embedding_is_not_opened(
    small_data: Dataset, tmp_path: Path
) -> None:
    tokenizer = tiny_tokenizer()
    base = write_tiny_base(tmp_path, tokenizer=tokenizer, ids=len(tokenizer) - 1)
    contract = Contract(small_data.catalog, tokenizer=tokenizer_fingerprint(load_tokenizer(base)))
    with pytest.raises(RunError, match="the tokenizer has"):
        LanguageModelRecognizer.load(base, contract, "x")


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (
            "{{ raise_exception('roles must alternate') }}",
            "can't be rendered.*roles must alternate",
        ),
        ("{% for m in messages %}{{ m['content'] | upper }}{% endfor %}", "exactly once"),
        ("{% for m in", "can't be rendered"),
    ],
)
def test_a_template_that_can_not_be_rendered(
    template: str, words: str, small_data: Dataset, tmp_path: Path
) -> None:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    text = tiny_tokenizer().backend_tokenizer.to_str()
    made = Tokenizer.from_str(text.replace("<|im_", "<|turn_"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|endoftext|>")
    tokenizer.chat_template = template
    base = write_tiny_base(tmp_path / "base", tokenizer=tokenizer)
    told: list[Progress] = []
    with pytest.raises(RunError, match=words):
        train(
            small_data, out=tmp_path / "run", base=str(base), kind=SHORT,
            on_progress=told.append,
        )  # fmt: skip
    assert not any(p.text.startswith("step ") for p in told)


# ---------------------------------------------------------------- the weights


@pytest.mark.parametrize("prefix", ["module.", "base_model.model.", "_orig_mod."])
def test_weights_under_other_names(prefix: str, small_data: Dataset, tmp_path: Path) -> None:
    base = write_tiny_base(tmp_path / "base")
    change_weights(base, lambda w: {prefix + name: tensor for name, tensor in w.items()})
    error = refused(base, small_data, tmp_path / "run")
    assert "weights of the model are missing: lm_head.weight, " in str(error)
    assert " and 36 more" in str(error) and f"begin with '{prefix}'" in str(error)


def test_weights_that_are_not_there(small_data: Dataset, tmp_path: Path) -> None:
    base = write_tiny_base(tmp_path / "base")
    change_weights(base, lambda w: {n: t for n, t in w.items() if "layers.1.mlp.up" not in n})
    error = refused(base, small_data, tmp_path / "run")
    assert "are missing: model.layers.1.mlp.up_proj.weight. " in str(error)
    with pytest.raises(RunError, match=r"are missing: model\.layers\.1"):  # a run is no better
        load(base, CPU)


def test_weights_of_another_shape(small_data: Dataset, tmp_path: Path) -> None:
    base = write_tiny_base(tmp_path / "base")
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(config | {"intermediate_size": 256}))
    error = refused(base, small_data, tmp_path / "run")
    assert "another shape than config.json says: model.layers.0.mlp.down_proj" in str(error)


def test_weights_that_the_configuration_does_not_know(small_data: Dataset, tmp_path: Path) -> None:
    base = write_tiny_base(tmp_path / "base")
    change_config(base, num_hidden_layers=3)
    error = refused(base, small_data, tmp_path / "run")
    assert "weights that config.json knows nothing of: model.layers.3." in str(error)
    change_config(base, num_hidden_layers=4)
    change_weights(base, lambda w: w | {"model.layers.0.lora_A.weight": torch.zeros(2, 2)})
    with pytest.raises(RunError, match=r"knows nothing of: model\.layers\.0\.lora_A"):
        load(base, CPU)
    # Written by old versions of transformers, computed by all.
    change_weights(
        base,
        lambda w: (
            {n: t for n, t in w.items() if "lora" not in n}
            | {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.zeros(8)}
        ),
    )
    load(base, CPU)


@pytest.mark.parametrize("layers", [3, 5])
def test_a_run_whose_configuration_was_changed_is_not_opened(
    layers: int, small_data: Dataset, tmp_path: Path
) -> None:
    """Also where somebody made the checksums fit."""
    base = write_tiny_base(tmp_path / "base")
    rows = Dataset([*small_data.train[:12], *small_data.dev[:4]])
    run = train(rows, out=tmp_path / "run", base=str(base), kind=SHORT).path
    change_config(run, num_hidden_layers=layers)
    manifest = json.loads((run / "run.json").read_text())
    manifest["files"]["config.json"] = sha256(run / "config.json")
    (run / "run.json").write_text(json.dumps(manifest))
    with pytest.raises(RunError, match=r"run: (weights of the model are missing|the files hold)"):
        load_recognizer(run)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"hidden_size": "many"}, "expected int"),
        ({"num_attention_heads": 7}, "not a multiple"),
        ({"rope_scaling": {"rope_type": "magic", "factor": 2.0}}, "KeyError: 'magic'"),
        ({"model_type": "magic"}, "magic"),
    ],
)
def test_a_configuration_of_which_no_model_can_be_made(
    changes: dict[str, Any], why: str, small_data: Dataset, tmp_path: Path
) -> None:
    base = write_tiny_base(tmp_path / "base")
    change_config(base, **changes)
    error = refused(base, small_data, tmp_path / "run")
    assert isinstance(error, RunError) and "can't be loaded" in str(error) and why in str(error)
    assert "Fetch the model again" in str(error)


def test_weights_that_are_no_numbers(small_data: Dataset, tmp_path: Path) -> None:
    base = write_tiny_base(tmp_path / "base")
    change_weights(base, lambda w: w | {"model.norm.weight": torch.full((64,), torch.nan)})
    error = refused(base, small_data, tmp_path / "run")
    assert "the loss is nan at step 1" in str(error) and "weights are damaged" in str(error)


def test_tied_weights_are_not_missing(tmp_path: Path) -> None:
    base = write_tiny_base(tmp_path / "base")
    change_weights(base, lambda w: {n: t for n, t in w.items() if n != "lm_head.weight"})
    with pytest.raises(RunError, match=r"are missing: lm_head\.weight"):
        load(base, CPU)
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": True}))
    _, model = load(base, CPU)
    assert model.lm_head.weight is model.model.embed_tokens.weight


# ---------------------------------------------------------------- the context


def mistral(base: Path, window: int | None, context: int = 512) -> Path:
    """A tiny base of Mistral's architecture, whose weights are as Llama's."""
    write_tiny_base(base)
    change_config(
        base, architectures=["MistralForCausalLM"], model_type="mistral",
        sliding_window=window, max_position_embeddings=context,
    )  # fmt: skip
    return base


def test_a_context_too_short_for_any_utterance(small_data: Dataset, tmp_path: Path) -> None:
    base = mistral(tmp_path / "base", 24, 64)
    error = refused(base, small_data, tmp_path / "run")
    assert "the model reads 64 tokens; prompt and answer of the shortest" in str(error)
    assert "smaller max_new_tokens" in str(error)


def test_beyond_a_sliding_window_a_model_reads_on(small_data: Dataset, tmp_path: Path) -> None:
    base = mistral(tmp_path / "base", 24, 400)
    rows = Dataset([*small_data.train[:12], *small_data.dev[:4]])
    run = train(rows, out=tmp_path / "run", base=str(base), kind=SHORT)
    assert run.manifest["settings"]["kind"]["seq_length"] == 400
    opened = load_recognizer(run)
    opened.check(["putar lagu"])
    with pytest.raises(TooLongError, match="the model's context is 400"):
        opened.check(["kata " * 150])
    long = [Example("kata " * 160, "none()", source="d.json", line=2)]
    contract = Contract(small_data.catalog)
    with pytest.raises(DataError, match="more than 400. Shorten the example$"):
        train_language_model(long, [], base, contract, tmp_path / "x", SHORT)
    short = replace(SHORT, seq_length=300)
    with pytest.raises(DataError, match="more than 300.*or raise seq_length$"):
        train_language_model(long, [], base, contract, tmp_path / "x", short)


@pytest.mark.parametrize(
    ("config", "context"),
    [
        ({"sliding_window": 64}, 512),
        ({}, 512),
        ({"rope_parameters": {"rope_type": "default"}}, 512),
        ({"rope_parameters": {"full_attention": {"rope_type": "default"}}}, 512),
        ({"rope_parameters": {"rope_type": "yarn", "original_max_position_embeddings": 64}}, 512),
        ({"rope_parameters": {"rope_type": "dynamic"}, "original_max_position_embeddings": 64}, 64),
        (
            {"rope_parameters": {"rope_type": "longrope", "original_max_position_embeddings": 64}},
            64,
        ),
    ],
)
def test_how_much_a_model_reads(config: dict[str, Any], context: int) -> None:
    config["max_position_embeddings"] = 512
    assert inspection.context_of(SimpleNamespace(**config)) == context


# ---------------------------------------------------------------- the data, and the work


def test_a_dev_example_that_leaves_no_room_for_its_answer(
    small_data: Dataset, tmp_path: Path
) -> None:
    base = open_base(write_tiny_base(tmp_path / "base"))
    contract = Contract(small_data.catalog)
    told: list[Progress] = []
    long = [Example("kata " * 150, "none()")]
    with pytest.raises(TooLongError, match="has [0-9]+ tokens"):
        train_language_model(
            small_data.train[:8], long, base, contract, tmp_path / "out",
            replace(SHORT, dev_loss_rows=0), told.append,
        )  # fmt: skip
    assert not any(p.text.startswith("step ") for p in told)


def test_a_tuning_reads_and_checks_its_base_once(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoTokenizer

    base = write_tiny_base(tmp_path / "base")
    done: Counter[tuple[str, str]] = Counter()
    check, read = folder.check_model_folder, AutoTokenizer.from_pretrained

    def counted_check(path: str | Path, *more: Any) -> None:
        done["checked", Path(path).name] += 1
        check(path, *more)

    def counted_read(path: Any, **more: Any) -> Any:
        done["read", Path(path).name] += 1
        return read(path, **more)

    monkeypatch.setattr(gallery, "check_model_folder", counted_check)
    monkeypatch.setattr(loading, "check_model_folder", counted_check)
    monkeypatch.setattr(AutoTokenizer, "from_pretrained", counted_read)
    rows = Dataset([*small_data.train[:12], *small_data.dev[:4]])
    train(rows, out=tmp_path / "run", base=str(base), kind=SHORT)
    assert done["checked", "base"] == done["read", "base"] == 1


def test_a_base_from_outside_is_checked(tmp_path: Path) -> None:
    base = write_tiny_base(tmp_path / "base")
    assert isinstance(open_base(base), Base)
    (base / "modeling.py").write_text("")
    with pytest.raises(MaksudError, match="is code"):
        open_base(base)
