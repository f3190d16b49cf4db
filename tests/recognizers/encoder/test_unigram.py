"""Words are cut as the library cuts them."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_encoder import tiny_unigram
from tokenizers import Tokenizer

from maksud.recognizers.encoder.unigram import Unigram, can_read, read_unigram

LIBRARY = tiny_unigram()
CONTENT = json.loads(LIBRARY.to_str())
OURS = Unigram(CONTENT)
LETTERS = st.text("aeioubcdklmprtuxyz putarlagu 123?我ﬁ½\u200bé\u0301", max_size=20)


@given(st.one_of(LETTERS, st.text(max_size=12)))
def test_ids_are_those_of_the_library(word: str) -> None:
    assert OURS.ids(word) == LIBRARY.encode(word, add_special_tokens=False).ids


@given(st.dictionaries(st.text("abc▁", min_size=1, max_size=3), st.floats(-9, -1), max_size=9),
       st.text("abcd ", max_size=9))  # fmt: skip
def test_any_vocabulary_is_read_as_the_library_reads_it(
    scores: dict[str, float], word: str
) -> None:
    vocabulary = [["<unk>", 0.0], *([p, s] for p, s in scores.items())]
    content = {**CONTENT, "added_tokens": [], "post_processor": None}
    content["model"] = {**CONTENT["model"], "vocab": vocabulary, "unk_id": 0}
    library = Tokenizer.from_str(json.dumps(content))
    assert Unigram(content).ids(word) == library.encode(word, add_special_tokens=False).ids


def test_numbers_are_those_of_the_library() -> None:
    assert len(OURS) == LIBRARY.get_vocab_size()
    for piece in ("<unk>", "?", "▁putar", "nowhere"):
        assert OURS.number(piece) == LIBRARY.token_to_id(piece)


@pytest.mark.parametrize(
    "change",
    [
        {"model": {"type": "WordPiece", "unk_token": "<unk>", "vocab": {"<unk>": 0}}},
        {"model": {**CONTENT["model"], "byte_fallback": True}},
        {"model": {**CONTENT["model"], "unk_id": None}},
        {"added_tokens": [{"id": 1, "content": "putar", "special": False}]},
    ],
)
def test_what_is_of_another_form_is_left_to_the_library(
    change: dict[str, object], tmp_path: Path
) -> None:
    assert can_read(CONTENT) and not can_read({**CONTENT, **change})
    file = tmp_path / "tokenizer.json"
    file.write_text(json.dumps({**CONTENT, **change}))
    assert read_unigram(file) is None
