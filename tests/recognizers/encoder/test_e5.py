"""The real encoder, out of the wheel of the package index."""

from pathlib import Path

import numpy as np
import pytest

from maksud.demo.shipped import load_shipped
from maksud.recognizers.encoder.base import open_base
from maksud.recognizers.encoder.unigram import read_unigram

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAKSUD_HOME", str(tmp_path_factory.mktemp("home")))
        return open_base("e5-small", lambda _: None).directory


def test_what_means_the_same_is_near(base: Path) -> None:
    """The cosines that `reference/encoder.md` measured, with the exact normaliser."""
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoModel

    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    model = AutoModel.from_pretrained(base, dtype=torch.float32, add_pooling_layer=False).eval()

    def embed(text: str) -> np.ndarray:
        ids = torch.tensor([tokenizer.encode(f"query: {text}").ids])
        with torch.no_grad():
            mean = model(ids).last_hidden_state[0].mean(0).numpy()
        return mean / np.linalg.norm(mean)

    wish = embed("Saya ingin mendengarkan musik")
    for text, cosine in (
        ("play some music please", 0.885),
        ("putar lagu untuk saya", 0.858),
        ("what is the weather tomorrow", 0.769),
        ("cuaca besok bagaimana", 0.812),
    ):
        assert abs(float(wish @ embed(text)) - cosine) < 0.002


def test_the_normaliser_is_the_wheel_s(base: Path) -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    encoded = tokenizer.encode("½ kilo ﬁsh")
    assert encoded.tokens[1:-1] == ["▁1⁄2", "▁kilo", "▁fish"]
    assert encoded.offsets[1:-1] == [(0, 1), (1, 6), (6, 10)]
    assert tokenizer.normalizer.normalize_str("a\u200db") == "a b"


def test_words_are_cut_as_the_library_cuts_them(base: Path) -> None:
    from tokenizers import Tokenizer

    library = Tokenizer.from_file(str(base / "tokenizer.json"))
    ours = read_unigram(base / "tokenizer.json")
    assert ours is not None and len(ours) == library.get_vocab_size()
    words = {w for e in load_shipped() for w in e.instruction.split()} | {
        "½",
        "ﬁsh",
        "我们",
        "é🎵x",
    }
    for word in words:
        assert ours.ids(word) == library.encode(word, add_special_tokens=False).ids
